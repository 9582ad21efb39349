//! Names that become parts of paths, commands and addresses: what is accepted is shown as it was read, and leads nowhere else.
#![no_main]

use std::fmt::{Debug, Display};
use std::path::{Component, Path};
use std::str::FromStr;

use netlink::backup::BackupId;
use netlink::migrate::config::{Format, KeyPath, value_at};
use netlink::release::changelog::NoteId;
use netlink::release::{HookPoint, Platform, ProductName, RelPath};
use netlink::store::UpdateId;
use netlink_fuzz::survives_json;
use serde::Serialize;
use serde::de::DeserializeOwned;

libfuzzer_sys::fuzz_target!(|text: &str| {
    let names: [bool; 5] = [
        is_kept::<ProductName>(text),
        is_kept::<Platform>(text),
        is_kept::<BackupId>(text),
        is_kept::<UpdateId>(text),
        is_kept::<HookPoint>(text),
    ];
    let note = NoteId::try_from(text.to_owned());
    if names.contains(&true) || note.is_ok() {
        assert!(text.bytes().all(|b| b.is_ascii_graphic() && b != b'/'), "{text:?}");
    }
    if names.contains(&true) {
        assert!(
            Path::new(text)
                .components()
                .all(|part| matches!(part, Component::Normal(_))),
            "{text:?}"
        );
    }
    if is_kept::<RelPath>(text) {
        let path = text.parse::<RelPath>().unwrap().under(Path::new("/root"));
        assert!(path.starts_with("/root") && path != Path::new("/root"), "{path:?}");
        assert!(!path.components().any(|part| part == Component::ParentDir), "{path:?}");
    }
    if let Ok(key) = text.parse::<KeyPath>() {
        assert_eq!(key.to_string().parse::<KeyPath>().as_ref().ok(), Some(&key), "{key}");
        let file = format!("{key} = 1\n");
        assert_eq!(
            value_at(Format::Toml, &file, text).unwrap().as_deref(),
            Some("1"),
            "{file}"
        );
    }
});

fn is_kept<T>(text: &str) -> bool
where
    T: FromStr + Display + Debug + PartialEq + Serialize + DeserializeOwned,
{
    let Ok(name) = text.parse::<T>() else { return false };
    assert_eq!(name.to_string(), text);
    survives_json(&name);
    true
}
