//! JSON and TOML documents of other rooms: what is read is written so that it reads the same.
#![no_main]

use std::fmt::Debug;

use netlink::engine::VersionFile;
use netlink::journal::Event;
use netlink::migrate::config::Inverse;
use netlink::plan::Plan;
use netlink::release::{ReleaseManifest, ReleaseRules, TargetCustom};
use netlink::version::{Dotted, Version};
use netlink_fuzz::survives_json;
use serde::Serialize;
use serde::de::DeserializeOwned;

libfuzzer_sys::fuzz_target!(|text: &str| {
    if let Ok(manifest) = toml_edit::de::from_str::<ReleaseManifest>(text) {
        survives_json(&manifest);
    }
    json::<ReleaseManifest>(text);
    json::<ReleaseRules<Version>>(text);
    json::<ReleaseRules<Dotted>>(text);
    json::<TargetCustom>(text);
    json::<VersionFile>(text);
    json::<Event>(text);
    json::<Inverse>(text);
    json::<Plan>(text);
});

fn json<T: Serialize + DeserializeOwned + PartialEq + Debug>(text: &str) {
    if let Ok(document) = serde_json::from_str::<T>(text) {
        survives_json(&document);
    }
}
