//! Versions from before the lifecycle scheme (spec 003, "From Legacy Versioning").

use super::Version;

/// Every legacy version whose counterpart is known.
const KNOWN: [(&str, &str); 1] = [("3.0.0", "0a1")];

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "legacy version `{}` has no counterpart in the lifecycle scheme; known is only {}; \
     name the version itself, e.g. `netlink init --version 0a1`",
    .text.escape_debug(), known()
)]
pub struct LegacyError {
    pub text: String,
}

/// The lifecycle version that stands for a legacy one.
pub fn legacy(text: &str) -> Result<Version, LegacyError> {
    KNOWN
        .iter()
        .find(|(old, _)| *old == text.trim())
        .and_then(|(_, new)| new.parse().ok())
        .ok_or_else(|| LegacyError { text: text.to_owned() })
}

fn known() -> String {
    KNOWN.map(|(old, new)| format!("{old} -> {new}")).join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_known_is_mapped() {
        for (old, new) in KNOWN {
            assert_eq!(legacy(old).unwrap().to_string(), new);
        }
        let error = legacy("2.9.0").unwrap_err().to_string();
        assert!(error.contains("2.9.0") && error.contains("3.0.0 -> 0a1"), "{error}");
    }
}
