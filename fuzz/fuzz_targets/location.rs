//! Locations of repositories: shown is what is read; a folder joined to one lies below it.
#![no_main]

use netlink::fetch::Location;
use netlink_fuzz::{split, survives_json};

libfuzzer_sys::fuzz_target!(|text: &str| {
    let (first, part) = split(text);
    let Ok(location) = first.parse::<Location>() else {
        return;
    };
    let shown = location.to_string();
    assert_eq!(shown.parse().as_ref(), Ok(&location), "{shown}");
    assert!(!shown.contains(char::is_whitespace) && !shown.contains('@'), "{shown}");
    survives_json(&location);
    let below = location.join(part).to_string();
    assert!(
        below.starts_with(shown.trim_end_matches('/')),
        "{below} is not below {shown}"
    );
    let rest = &below[shown.trim_end_matches('/').len()..];
    assert!(
        !rest.split('/').any(|part| matches!(part, "." | "..")),
        "{below} leaves {shown}"
    );
});
