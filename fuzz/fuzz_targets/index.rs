//! Release indexes (`netlink plan --index`): what is read can be planned over, and a way is one.
#![no_main]

use netlink::plan::{Index, Terms, scheme_of, travel};
use netlink::version::{Dotted, Scheme, Version};

libfuzzer_sys::fuzz_target!(|text: &str| {
    scheme_of(text);
    check::<Version>(text);
    check::<Dotted>(text);
});

fn terms<V: Scheme>() -> Terms<V> {
    Terms::at(jiff::Timestamp::UNIX_EPOCH)
}

fn check<V: Scheme>(text: &str) {
    if let Err(error) = Index::<V>::read(text) {
        let _ = error.to_string();
        return;
    }
    let versions = versions::<V>(text);
    for from in versions.iter().take(4) {
        for to in versions.iter().take(6) {
            way(text, from, to);
        }
    }
}

/// Those of the releases, by a plain reading. A release may be a list, for the first reading; the second one refuses it.
fn versions<V: Scheme>(text: &str) -> Vec<V> {
    // What is passed over may be nested more deeply than a plain reading takes.
    let plain = serde_json::from_str(text.strip_prefix('\u{feff}').unwrap_or(text));
    let Ok::<serde_json::Value, _>(file) = plain else {
        return Vec::new();
    };
    let releases = file["releases"].as_array().into_iter().flatten();
    let written = releases.filter_map(|release| release["version"].as_str());
    written.map(|version| version.parse().unwrap()).collect()
}

fn way<V: Scheme>(text: &str, from: &V, to: &V) {
    let found = travel(text, from, to, terms());
    let again = travel(text, from, to, terms());
    let Ok(way) = found else {
        assert!(again.is_err());
        return;
    };
    assert_eq!(again.unwrap(), way);
    assert_eq!(way.path.first(), Some(&from.to_string()));
    assert_eq!(way.path.last().map(|last| last.parse()), Some(Ok(to.clone())));
    assert_eq!(way.hops.len() + 1, way.path.len());
    for (hop, pair) in way.hops.iter().zip(way.path.windows(2)) {
        assert_eq!((&hop.from, &hop.to), (&pair[0], &pair[1]));
        let hop = travel(text, &pair[0].parse::<V>().unwrap(), &pair[1].parse().unwrap(), terms());
        assert!(
            hop.is_ok(),
            "{from} to {to} goes over {pair:?}, which is no way by itself"
        );
    }
}
