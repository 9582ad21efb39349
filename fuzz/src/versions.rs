//! What holds for versions of every scheme.

use std::cmp::Ordering;
use std::hash::{DefaultHasher, Hash, Hasher};

use netlink::version::Scheme;

use crate::{points_into, survives_json};

/// Each line a version: reading and writing are inverses, and the order is one.
pub fn lines<V: Scheme>(text: &str) {
    let versions: Vec<V> = text.lines().take(4).filter_map(one).collect();
    for a in &versions {
        for b in &versions {
            pair(a, b);
            for c in &versions {
                assert!(!(a <= b && b <= c) || a <= c, "{a} <= {b} <= {c}");
            }
        }
    }
}

fn one<V: Scheme>(text: &str) -> Option<V> {
    let version: V = match text.parse() {
        Ok(version) => version,
        Err(error) => {
            points_into(text, error.at);
            assert!(!error.to_string().contains(char::is_control), "{error}");
            return None;
        }
    };
    let shown = version.to_string();
    assert_eq!(shown.parse().as_ref(), Ok(&version));
    assert_eq!(format!("{version:>120}"), format!("{shown:>120}"));
    survives_json(&version);
    if let Some(next) = version.next() {
        assert!(next > version, "{next} comes after {version}");
    }
    Some(version)
}

fn pair<V: Scheme>(a: &V, b: &V) {
    let order = a.cmp(b);
    assert_eq!(b.cmp(a), order.reverse(), "{a} {b}");
    assert_eq!(a == b, order.is_eq(), "{a} {b}");
    if order.is_eq() {
        assert_eq!(hash(a), hash(b), "{a} {b}");
    }
    let releases = a.cmp_release(b);
    assert!(releases.is_eq() || releases == order, "builds decide last: {a} {b}");
    let series = b.series();
    assert_eq!(a.beside(&series), a.beside(&series));
    assert_eq!(b.beside(&series), Ordering::Equal, "{b} is in its own series");
    assert!(
        b.fits(&series) && b.fits(&b.minor_series()) && b.fits(&b.compatible_series()),
        "{b}"
    );
}

fn hash(of: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    of.hash(&mut hasher);
    hasher.finish()
}
