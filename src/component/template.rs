//! Text with places for the version and the platform: `https://host/v{version}/tool-{version}.{os}-{arch}.tar.gz`.

use std::fmt;
use std::str::FromStr;

use serde::Deserialize;

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Template {
    text: String,
    pieces: Vec<Piece>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Text(String),
    Version,
    Os,
    Arch,
}

/// What is put into the places.
#[derive(Debug, Clone, Copy)]
pub struct Values<'a> {
    pub version: &'a str,
    pub os: &'a str,
    pub arch: &'a str,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    #[error("`{{{name}}}` at position {at} of `{text}` is not known; use {{version}}, {{os}} and {{arch}}")]
    Name { text: String, at: usize, name: String },
    #[error("the brace at position {at} of `{text}` has no partner")]
    Brace { text: String, at: usize },
    #[error("it is empty")]
    Empty,
    #[error("`{0}` has a blank or a control character")]
    Blank(String),
}

impl Template {
    pub fn fill(&self, values: &Values<'_>) -> String {
        let one = |piece: &Piece| match piece {
            Piece::Text(text) => text.clone(),
            Piece::Version => values.version.to_owned(),
            Piece::Os => values.os.to_owned(),
            Piece::Arch => values.arch.to_owned(),
        };
        self.pieces.iter().map(one).collect()
    }

    /// Whether another platform gives another text.
    pub fn knows_platforms(&self) -> bool {
        self.pieces.iter().any(|piece| matches!(piece, Piece::Os | Piece::Arch))
    }

    pub fn knows_versions(&self) -> bool {
        self.pieces.contains(&Piece::Version)
    }

    /// Whether it is a whole address and not a name only.
    pub fn is_address(&self) -> bool {
        self.text.contains("://") || self.text.starts_with('/')
    }
}

impl FromStr for Template {
    type Err = TemplateError;

    fn from_str(text: &str) -> Result<Self, TemplateError> {
        if text.is_empty() {
            return Err(TemplateError::Empty);
        }
        if text.contains(|c: char| c.is_control() || c.is_whitespace()) {
            return Err(TemplateError::Blank(text.escape_debug().to_string()));
        }
        let mut pieces = Vec::new();
        let mut done = 0;
        while let Some(at) = text[done..].find(['{', '}']).map(|at| at + done) {
            let lonely = || TemplateError::Brace {
                text: text.to_owned(),
                at: at + 1,
            };
            let inside = text[at..].strip_prefix('{').ok_or_else(lonely)?;
            let (name, _) = inside.split_once('}').ok_or_else(lonely)?;
            if at > done {
                pieces.push(Piece::Text(text[done..at].to_owned()));
            }
            pieces.push(piece(name).ok_or_else(|| TemplateError::Name {
                text: text.to_owned(),
                at: at + 1,
                name: name.to_owned(),
            })?);
            done = at + name.len() + 2;
        }
        if done < text.len() {
            pieces.push(Piece::Text(text[done..].to_owned()));
        }
        Ok(Self {
            text: text.to_owned(),
            pieces,
        })
    }
}

fn piece(name: &str) -> Option<Piece> {
    match name {
        "version" => Some(Piece::Version),
        "os" => Some(Piece::Os),
        "arch" => Some(Piece::Arch),
        _ => None,
    }
}

impl TryFrom<String> for Template {
    type Error = TemplateError;

    fn try_from(text: String) -> Result<Self, TemplateError> {
        text.parse()
    }
}

impl fmt::Display for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const VALUES: Values<'static> = Values {
        version: "1.7.0",
        os: "linux",
        arch: "amd64",
    };

    #[test]
    fn every_place_is_filled() {
        let template: Template = "https://h/v{version}/t-{version}.{os}-{arch}.tar.gz".parse().unwrap();
        assert_eq!(template.fill(&VALUES), "https://h/v1.7.0/t-1.7.0.linux-amd64.tar.gz");
        assert!(template.knows_platforms() && template.knows_versions() && template.is_address());
        assert!(!"sums.txt".parse::<Template>().unwrap().is_address());
    }

    #[test]
    fn mistakes_are_told_with_their_place() {
        let said = |text: &str| text.parse::<Template>().unwrap_err().to_string();
        assert_eq!(
            said("a-{platform}"),
            "`{platform}` at position 3 of `a-{platform}` is not known; use {version}, {os} and {arch}"
        );
        assert_eq!(said("a}b"), "the brace at position 2 of `a}b` has no partner");
        assert_eq!(said("{os"), "the brace at position 1 of `{os` has no partner");
        assert!(said("a b").contains("blank"));
        assert_eq!(said(""), "it is empty");
    }

    proptest! {
        #[test]
        fn what_has_no_braces_stays_as_it_is(text in "[^{}\\s\\p{C}]+") {
            let template: Template = text.parse().unwrap();
            prop_assert_eq!(template.fill(&VALUES), text);
        }

        #[test]
        fn no_text_is_too_odd_to_be_answered(text in any::<String>()) {
            if let Ok(template) = text.parse::<Template>() {
                prop_assert_eq!(template.to_string(), text);
            }
        }
    }
}
