//! A draft out of commits, one a line (`\` begins a new line of its message): read as a changelog, it has each of them once.
#![no_main]

use netlink::release::changelog::{Change, draft, read};
use netlink::version::Dotted;

libfuzzer_sys::fuzz_target!(|text: &str| {
    let messages: Vec<String> = text.lines().take(8).map(|line| line.replace('\\', "\n")).collect();
    let ids: Vec<String> = (0..messages.len()).map(|n| format!("c{n}")).collect();
    let changes = messages.iter().zip(&ids).map(|(message, id)| Change { id, message });
    let draft = draft("1.0.0", changes);
    let mut document = read::<Dotted>(&draft);
    assert_eq!(document.releases.len(), 1, "{draft}");
    assert!(
        document.warnings.is_empty() && document.pending.is_empty() && document.asides.is_empty(),
        "{draft}"
    );
    let release = document.releases.remove(0);
    let written = draft.lines().filter(|line| line.starts_with("- ")).count();
    let read: Vec<&str> = release.body.entries().map(|entry| entry.text.as_str()).collect();
    assert_eq!(read.len(), written, "{draft}\n{read:#?}");
    for entry in read {
        assert!(
            ids.iter().any(|id| entry.ends_with(&format!("({id})"))),
            "{entry} in {draft}"
        );
    }
});
