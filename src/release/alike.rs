//! Which of the known names a mistyped one most likely means.

/// Further apart than this, two names have nothing to do with each other (Jaro-Winkler, 0 to 1).
const ALIKE: f64 = 0.7;

pub fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    known
        .map(|candidate| (strsim::jaro_winkler(name, candidate), candidate))
        .filter(|(alike, _)| *alike >= ALIKE)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, candidate)| candidate)
}
