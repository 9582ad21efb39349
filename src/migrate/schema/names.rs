//! The names of migration files. refinery skips what it cannot parse with a warning; here such a name is an error.

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Side {
    Up,
    Down,
    Verify,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct FileName {
    pub(super) level: u32,
    pub(super) name: String,
    pub(super) side: Side,
}

pub(super) const EXPECTED: &str =
    "is not named V<level>__<name>.sql, V<level>__<name>.down.sql or V<level>__<name>.verify.sql";

impl FileName {
    /// Stricter than refinery, whose pattern is open at its end: `V1__a-b` would be taken for the migration `a`.
    pub(super) fn parse(file: &str) -> Option<Self> {
        let stem = file.strip_suffix(".sql")?;
        let (stem, side) = match stem.rsplit_once('.') {
            Some((stem, "down")) => (stem, Side::Down),
            Some((stem, "verify")) => (stem, Side::Verify),
            _ => (stem, Side::Up),
        };
        let (digits, name) = stem.strip_prefix('V')?.split_once("__")?;
        let canonical = !digits.starts_with('0') && digits.bytes().all(|b| b.is_ascii_digit());
        let plain = !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
        // The history's versions are int4: refinery's `int8-versions` would lay the table out differently from the one
        // that products make with refinery's defaults.
        let level = digits
            .parse::<i32>()
            .ok()
            .filter(|level| *level > 0 && canonical && plain)?;
        Some(Self {
            level: level.unsigned_abs(),
            name: name.to_owned(),
            side,
        })
    }
}
