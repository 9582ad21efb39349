//! Where front matter stands in a file and whose it is: ours, or that of a site generator, which is let be.

use super::front::FrontError;

/// The keys that NetLink reads.
pub(super) const KEYS: [&str; 11] = [
    "version",
    "date",
    "channel",
    "urgency",
    "end_of_life",
    "yanked",
    "breaking",
    "actions",
    "security",
    "deprecated",
    "notes",
];

/// A tidy text, taken apart.
#[derive(Debug)]
pub(super) struct Parts<'a> {
    pub above: Above<'a>,
    pub body: &'a str,
    /// How many lines stand above `body`.
    pub lines: usize,
}

#[derive(Debug)]
pub(super) enum Above<'a> {
    Nothing,
    Ours(Matter<'a>),
    /// None of its keys is ours.
    Foreign,
    /// Ours, but without an end.
    Open(FrontError),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Language {
    Yaml,
    Toml,
}

#[derive(Debug)]
pub(super) struct Matter<'a> {
    pub language: Language,
    pub text: &'a str,
    pub blocks: Vec<Block<'a>>,
}

/// A key with all lines up to the next one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Block<'a> {
    pub key: &'a str,
    /// In the file, from 1.
    pub line: usize,
}

pub(super) fn parts(text: &str) -> Parts<'_> {
    let nothing = |above| Parts {
        above,
        body: text,
        lines: 0,
    };
    let languages = [Language::Yaml, Language::Toml];
    let Some(language) = languages.into_iter().find(|language| opens(text, language.mark())) else {
        return nothing(Above::Nothing);
    };
    let inner = &text[text.find('\n').map_or(text.len(), |at| at + 1)..];
    let first = inner.lines().next().unwrap_or_default();
    // A ruler at the top of an ordinary file is followed by no key.
    if language == Language::Yaml && language.key(first).is_none() {
        return nothing(Above::Nothing);
    }
    let mut end = 0;
    let close = inner.split_inclusive('\n').find_map(|line| {
        let start = end;
        end += line.len();
        (line.trim_end() == language.mark()).then_some(start)
    });
    let Some(close) = close else {
        let paragraph = inner.split("\n\n").next().unwrap_or_default();
        let mark = language.mark();
        return nothing(if is_ours(&language.blocks(paragraph)) {
            Above::Open(FrontError::Open { mark })
        } else {
            Above::Nothing
        });
    };
    let matter = Matter {
        language,
        text: &inner[..close],
        blocks: language.blocks(&inner[..close]),
    };
    let above = if is_ours(&matter.blocks) {
        Above::Ours(matter)
    } else if matter.blocks.is_empty() {
        Above::Nothing
    } else if matter.is_whole() {
        Above::Foreign
    } else {
        // `Note: …` between two rulers.
        return nothing(Above::Nothing);
    };
    Parts {
        above,
        body: &inner[end..],
        lines: inner[..close].matches('\n').count() + 2,
    }
}

fn opens(text: &str, mark: &str) -> bool {
    text.strip_prefix(mark)
        .is_some_and(|rest| rest.lines().next().unwrap_or_default().trim().is_empty())
}

fn is_ours(blocks: &[Block]) -> bool {
    blocks.iter().any(|block| KEYS.contains(&block.key))
}

impl Matter<'_> {
    /// The line of the file where `key` stands.
    pub fn line_of(&self, key: &str) -> Option<usize> {
        let found = self.blocks.iter().find(|block| block.key == key);
        found.map(|block| block.line)
    }

    /// The same with empty lines in place of the blocks that are not wanted.
    pub fn only(&self, wanted: impl Fn(&Block) -> bool) -> String {
        let mut blocks = self.blocks.iter().peekable();
        let mut keep = true;
        let mut out = String::with_capacity(self.text.len());
        for (at, line) in self.text.split_inclusive('\n').enumerate() {
            if let Some(block) = blocks.next_if(|block| block.line == at + 2) {
                keep = wanted(block);
            }
            out.push_str(if keep { line } else { "\n" });
        }
        out
    }

    /// Generators read what is not quite YAML, `title: a: b`; prose has empty lines in it.
    fn is_whole(&self) -> bool {
        !self.text.contains("\n\n")
            || match self.language {
                Language::Yaml => serde_saphyr::from_str::<serde::de::IgnoredAny>(self.text).is_ok(),
                Language::Toml => toml_edit::de::from_str::<serde::de::IgnoredAny>(self.text).is_ok(),
            }
    }
}

impl Language {
    fn mark(self) -> &'static str {
        match self {
            Self::Yaml => "---",
            Self::Toml => "+++",
        }
    }

    /// The keys of the outermost level.
    fn blocks(self, text: &str) -> Vec<Block<'_>> {
        let mut in_table = false;
        let mut blocks = Vec::new();
        for (at, line) in text.lines().enumerate() {
            let table = self == Language::Toml && line.starts_with('[');
            if let Some(key) = self.key(line).filter(|_| table || !in_table) {
                blocks.push(Block { key, line: at + 2 });
            }
            in_table |= table;
        }
        blocks
    }

    fn key(self, line: &str) -> Option<&str> {
        let key = match self {
            Self::Yaml => {
                let (key, rest) = line.split_once(':')?;
                (rest.is_empty() || rest.starts_with([' ', '\t'])).then_some(key)?
            }
            Self::Toml => match line.strip_prefix('[') {
                Some(table) => table.trim_start_matches('[').split_once(']')?.0,
                None => line.split_once('=')?.0,
            },
        };
        let key = match self {
            Self::Yaml => key.trim_end(),
            Self::Toml => key.trim().split('.').next().unwrap_or_default().trim_end(),
        };
        let bare = key.trim_matches(['"', '\'']);
        let fits = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.');
        let begins = bare.starts_with(|c: char| c.is_alphanumeric() || c == '_');
        (begins && bare.chars().all(fits)).then_some(bare)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn front_matter_is_ours_or_a_strangers_and_a_ruler_is_none() {
        let table = [
            ("---\nversion: 1.0\n---\n# x", "ours 3"),
            ("---\ntitle: x\n\nversion: 1.0\n---\n", "ours 5"),
            ("+++\ntitle = 'x'\n[[notes]]\nid = 'a'\n+++\n", "ours 5"),
            ("---\ntitle: Log\nlayout: page\n---\n# x", "foreign 4"),
            ("---\nlast-modified: 2024-01-02\n\ntags:\n- a\n---\n", "foreign 6"),
            ("---\ntitle: a: b\n---\n", "foreign 3"),
            ("+++\ntitle = 'x'\n[params]\nversion = '1.0'\n+++\n", "foreign 5"),
            ("+++\n+++\n# x", "nothing 2"),
            ("---\n\n# 1.0\n---\n", "nothing 0"),
            ("---\nNote: all of this\n\n# 1.0\n- x\n\n---\n# 0.9\n", "nothing 0"),
            ("---\nNote: all of this\n\n# 1.0\n- x\n", "nothing 0"),
            ("---\nurgency: low\n\n# 1.0\n", "open 0"),
        ];
        for (text, expected) in table {
            let parts = parts(text);
            let whose = match parts.above {
                Above::Nothing => "nothing",
                Above::Ours(_) => "ours",
                Above::Foreign => "foreign",
                Above::Open(_) => "open",
            };
            assert_eq!(format!("{whose} {}", parts.lines), expected, "{text}");
        }
    }
}
