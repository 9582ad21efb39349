//! Metadata of a repository, the first byte says of which role: what is signed does not depend on how the file is laid out.
#![no_main]

use netlink::tuf::{Role, Root, Signed, Snapshot, Targets, Timestamp, canonical, parse_strict, signed_bytes};
use serde_json::Value;

/// What is signed reads itself again.
macro_rules! survives {
    ($content:ty, $text:expr) => {
        if let Ok(signed) = Signed::<$content>::read($text) {
            let written = serde_json::to_string(&signed).unwrap();
            assert_eq!(Signed::<$content>::read(&written).unwrap(), signed);
        }
    };
}

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let Some((first, json)) = data.split_first() else {
        return;
    };
    let Ok(value) = parse_strict(json) else { return };
    // Fractions have no canonical form, and are read to a digit more or less.
    let Ok(bytes) = canonical(&value) else { return };
    assert_eq!(serde_json::from_slice::<Value>(json).unwrap(), value);
    let pretty = serde_json::to_vec_pretty(&value).unwrap();
    assert_eq!(parse_strict(&pretty).unwrap(), value);
    // Control characters stay as they are, which is the only thing in which the canonical form is not JSON.
    if !bytes.iter().any(u8::is_ascii_control) {
        assert_eq!(parse_strict(&bytes).unwrap(), value);
    }
    let role = Role::ALL[usize::from(*first) % Role::ALL.len()];
    let tight = serde_json::to_string(&value).unwrap();
    let what = serde_json::to_string(&value["signed"]).unwrap();
    match role {
        Role::Root => survives!(Root, &what),
        Role::Timestamp => survives!(Timestamp, &what),
        Role::Snapshot => survives!(Snapshot, &what),
        Role::Targets => survives!(Targets, &what),
    }
    match signed_bytes(role, json) {
        Ok(signed) => {
            assert_eq!(signed_bytes(role, &pretty).unwrap(), signed);
            assert_eq!(signed_bytes(role, tight.as_bytes()).unwrap(), signed);
            assert_eq!(canonical(&value["signed"]).unwrap(), signed);
        }
        Err(_) => assert!(signed_bytes(role, &pretty).is_err() && signed_bytes(role, tight.as_bytes()).is_err()),
    }
});
