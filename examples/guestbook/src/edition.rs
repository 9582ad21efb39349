//! What tells the three releases apart, beside their SQL and their configuration.

/// One of the three releases made from this source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Edition {
    /// 0a1: one table, a flat configuration.
    Alpha,
    /// 0b1: counts words; `max_message` is called `max_length`.
    Beta,
    /// 0r1: authors have a table of their own; the configuration has sections.
    Release,
}

impl Edition {
    pub fn version(self) -> &'static str {
        match self {
            Self::Alpha => "0a1",
            Self::Beta => "0b1",
            Self::Release => "0r1",
        }
    }

    /// The number of the last migration of the only schema that this edition runs on.
    pub fn schema_level(self) -> i64 {
        match self {
            Self::Alpha => 1,
            Self::Beta => 2,
            Self::Release => 3,
        }
    }

    /// The keys of the only configuration that this edition accepts, for messages.
    pub(crate) fn config_keys(self) -> &'static str {
        match self {
            Self::Alpha => "listen, title, max_message",
            Self::Beta => "listen, title, max_length",
            Self::Release => "server.listen, site.title, limits.max_length",
        }
    }
}
