//! Whether a configuration is what the release's JSON Schema wants.

use super::ConfigError;
use super::error::position;
use super::format::{Format, fenced};

/// Most of what is wrong is told at once, but not without end.
const SHOWN: usize = 10;

/// What is wrong, each with its place and key, and never with the value: it may be a secret. Empty when the file is as it should be.
pub fn violations(format: Format, file: &str, text: &str, schema: &str) -> Result<Vec<String>, ConfigError> {
    let Some(data) = format.data(file, text)? else {
        return Err(ConfigError::NoOperations { action: "validate" });
    };
    let unusable = |reason: String| ConfigError::Schema { reason };
    let schema: serde_json::Value = serde_json::from_str(schema).map_err(|e| unusable(e.to_string()))?;
    let instance = serde_json::to_value(&data).map_err(|e| unusable(e.to_string()))?;
    fenced(|| {
        let validator = jsonschema::validator_for(&schema).map_err(|e| unusable(e.masked().to_string()))?;
        let told = validator.iter_errors(&instance).take(SHOWN).map(|error| {
            let path: Vec<String> = parts(error.instance_path().as_str());
            let known = (0..=path.len())
                .rev()
                .find_map(|depth| format.place_of(text, &path[..depth]));
            let (line, column) = position(text, known.unwrap_or(0));
            let key = if path.is_empty() {
                "the whole".to_owned()
            } else {
                format!("`{}`", path.join("."))
            };
            format!("{file}:{line}:{column}: {key}: {}", error.masked())
        });
        Ok(told.collect())
    })
}

/// Of a JSON pointer.
fn parts(pointer: &str) -> Vec<String> {
    let parts = pointer.split('/').skip(1);
    parts.map(|part| part.replace("~1", "/").replace("~0", "~")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCHEMA: &str = r#"{"type": "object", "additionalProperties": false, "required": ["server"],
        "properties": {"server": {"type": "object", "properties": {"port": {"type": "integer", "maximum": 65535},
        "token": {"type": "string", "pattern": "^[a-f]+$"}}}}}"#;

    #[test]
    fn what_does_not_fit_is_told_with_its_place_and_without_its_value() {
        for (format, fine, wrong, place) in [
            (
                Format::Toml,
                "[server]\nport = 80\n",
                "[server]\n  port = 80000\n",
                "app:2:3: `server.port`",
            ),
            (
                Format::Yaml,
                "server:\n  port: 80\n",
                "server:\n  token: hunter2\n",
                "app:2:3: `server.token`",
            ),
            (
                Format::Json,
                "{\"server\": {}}",
                "{\n  \"server\": {\"port\": \"hunter2\"}}",
                "app:2:14: `server.port`",
            ),
            (Format::Yaml, "server: {}\n", "a: 1\n", "app:1:1: the whole"),
        ] {
            assert_eq!(violations(format, "app", fine, SCHEMA).unwrap(), [""; 0]);
            let told = violations(format, "app", wrong, SCHEMA).unwrap();
            assert!(told.iter().any(|line| line.starts_with(place)), "{told:?}");
            assert!(!told.concat().contains("hunter2"), "{told:?}");
        }
        assert!(violations(Format::Toml, "app", "", "{\"type\": 3}").is_err());
        assert!(violations(Format::Toml, "app", "", "no").is_err());
        assert!(violations(Format::Text, "app", "", SCHEMA).is_err());
    }
}
