//! Keys and digests as text.
#![no_main]

use netlink::crypt::{Digest, PublicKey, SigningKey};

libfuzzer_sys::fuzz_target!(|text: &str| {
    if let Ok(key) = SigningKey::from_pem(text, None) {
        let pem = key.to_pem(None).unwrap();
        let again = SigningKey::from_pem(std::str::from_utf8(pem.expose()).unwrap(), None).unwrap();
        assert_eq!(again.public(), key.public());
        assert!(key.public().verify(text.as_bytes(), &again.sign(text.as_bytes())));
        netlink_fuzz::survives_json(&key.public());
    }
    if let Ok(public) = text.parse::<PublicKey>() {
        assert_eq!(public.to_string(), text.to_ascii_lowercase());
        assert!(!public.verify(b"nobody signed this", &[0; 64]));
    }
    if let Ok(digest) = text.parse::<Digest>() {
        assert_eq!(digest.to_string(), text);
    }
});
