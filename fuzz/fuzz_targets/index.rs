//! Release indexes (`netlink plan --index`): what is read can be planned over, and a way is one.
#![no_main]

use netlink::plan::{Index, Terms, index_graph, plan_way, scheme_of};
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
    let found = travel(text, from, to);
    assert_eq!(travel(text, from, to), found);
    let Ok(way) = found else { return };
    let path: Vec<V> = way["path"].as_array().unwrap().iter().map(version).collect();
    assert_eq!((path.first(), path.last()), (Some(from), Some(to)));
    let hops = way["hops"].as_array().unwrap();
    assert_eq!(hops.len() + 1, path.len());
    for (hop, pair) in hops.iter().zip(path.windows(2)) {
        assert_eq!(
            (version(&hop["from"]), version(&hop["to"])),
            (pair[0].clone(), pair[1].clone())
        );
        assert!(
            travel(text, &pair[0], &pair[1]).is_ok(),
            "{from} to {to} goes over {pair:?}, which is no way by itself"
        );
    }
}

/// The whole answer, or why there is none.
fn travel<V: Scheme>(text: &str, from: &V, to: &V) -> Result<serde_json::Value, String> {
    let graph = index_graph(text, from, terms()).map_err(|error| error.to_string())?;
    let way = plan_way(&graph, from, to).map_err(|error| error.to_string())?;
    Ok(serde_json::to_value(&way).unwrap())
}

fn version<V: Scheme>(text: &serde_json::Value) -> V {
    text.as_str().unwrap().parse().unwrap()
}
