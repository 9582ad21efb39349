//! Key slots and recovery codes: what is read is written again as it was, and nothing that asks for too much is read.
#![no_main]

use netlink::backup::keys::{PublicHalf, RecoveryCode, Slot};

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    if let Ok(slot) = Slot::parse(input) {
        assert_eq!(slot.bytes(), input);
    }
    let Ok(text) = std::str::from_utf8(input) else { return };
    if let Ok(code) = text.parse::<RecoveryCode>() {
        let printed = code.text();
        let again: RecoveryCode = std::str::from_utf8(printed.expose()).unwrap().parse().unwrap();
        assert_eq!(again.text().expose(), printed.expose());
    }
    if let Ok(public) = text.parse::<PublicHalf>() {
        assert_eq!(public.to_string(), text.trim());
    }
});
