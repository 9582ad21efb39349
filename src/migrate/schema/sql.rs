//! SQL as text: its pieces as each kind of database reads them, in which lines they stand, and which of them are comments.

use serde::{Deserialize, Serialize};

/// Whose SQL it is: quotes and comments differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Dialect {
    Sqlite,
    Postgresql,
    /// MariaDB too.
    Mysql,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Space,
    LineComment,
    BlockComment,
    /// A keyword, a bare name, a number.
    Word,
    /// `'text'`, `$$text$$`
    Text,
    /// `"name"`, `` `name` ``, `[name]`
    Name,
    Semicolon,
    Sign,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Token<'s> {
    pub(super) kind: Kind,
    /// In bytes.
    pub(super) at: usize,
    pub(super) text: &'s str,
}

impl Token<'_> {
    pub(super) fn is_blank(&self) -> bool {
        matches!(self.kind, Kind::Space | Kind::LineComment | Kind::BlockComment)
    }

    pub(super) fn is(&self, word: &str) -> bool {
        self.kind == Kind::Word && self.text.eq_ignore_ascii_case(word)
    }
}

/// All of the text, piece by piece; what is not closed goes to the end.
pub(super) fn tokens(dialect: Dialect, sql: &str) -> impl Iterator<Item = Token<'_>> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let token = token_at(dialect, sql, at)?;
        at += token.text.len();
        Some(token)
    })
}

/// The piece that begins at this byte; none at the end.
pub(super) fn token_at(dialect: Dialect, sql: &str, at: usize) -> Option<Token<'_>> {
    let rest = &sql[at..];
    let first = rest.chars().next()?;
    let (kind, length) = match dialect {
        Dialect::Sqlite => of_sqlite(rest, first),
        Dialect::Postgresql => of_postgresql(rest, first, &sql[..at]),
        Dialect::Mysql => of_mysql(rest, first),
    };
    let text = &rest[..length];
    Some(Token { kind, at, text })
}

fn of_sqlite(rest: &str, first: char) -> (Kind, usize) {
    match first {
        _ if rest.starts_with("--") => (Kind::LineComment, line(rest)),
        _ if rest.starts_with("/*") => (Kind::BlockComment, until(rest, "*/", 2)),
        '\'' => (Kind::Text, quoted(rest, '\'', false)),
        '"' | '`' => (Kind::Name, quoted(rest, first, false)),
        '[' => (Kind::Name, until(rest, "]", 1)),
        _ => of_any(rest, first),
    }
}

fn of_postgresql(rest: &str, first: char, before: &str) -> (Kind, usize) {
    match first {
        _ if rest.starts_with("--") => (Kind::LineComment, line(rest)),
        _ if rest.starts_with("/*") => (Kind::BlockComment, nested(rest)),
        '\'' => (Kind::Text, quoted(rest, '\'', is_escaping(before))),
        '"' => (Kind::Name, quoted(rest, first, false)),
        '$' => match dollar(rest) {
            Some(mark) => (Kind::Text, until(rest, mark, mark.len())),
            None => of_any(rest, first),
        },
        _ => of_any(rest, first),
    }
}

/// What stands in `/*! … */` is read by the server: only its beginning and end are passed over.
fn of_mysql(rest: &str, first: char) -> (Kind, usize) {
    match first {
        '#' => (Kind::LineComment, line(rest)),
        '-' if rest.starts_with("--")
            && rest[2..]
                .chars()
                .next()
                .is_none_or(|c| c.is_whitespace() || c.is_control()) =>
        {
            (Kind::LineComment, line(rest))
        }
        _ if rest.starts_with("/*!") || rest.starts_with("/*M!") => {
            let mark = rest.find('!').unwrap_or(2) + 1;
            let digits = rest[mark..].bytes().take_while(u8::is_ascii_digit).count();
            (Kind::Sign, mark + digits)
        }
        _ if rest.starts_with("*/") => (Kind::Sign, 2),
        _ if rest.starts_with("/*") => (Kind::BlockComment, until(rest, "*/", 2)),
        '\'' | '"' => (Kind::Text, quoted(rest, first, true)),
        '`' => (Kind::Name, quoted(rest, first, false)),
        _ => of_any(rest, first),
    }
}

fn of_any(rest: &str, first: char) -> (Kind, usize) {
    let run = |fits: fn(char) -> bool| rest.find(|c| !fits(c)).unwrap_or(rest.len());
    match first {
        ';' => (Kind::Semicolon, 1),
        c if is_space(c) => (Kind::Space, run(is_space)),
        c if is_of_word(c) => (Kind::Word, run(is_of_word)),
        c => (Kind::Sign, c.len_utf8()),
    }
}

fn line(rest: &str) -> usize {
    rest.find('\n').unwrap_or(rest.len())
}

fn until(rest: &str, end: &str, skip: usize) -> usize {
    rest[skip..]
        .find(end)
        .map_or(rest.len(), |found| skip + found + end.len())
}

/// PostgreSQL's comments may stand in each other.
fn nested(rest: &str) -> usize {
    let mut depth = 0_usize;
    let mut at = 0;
    while at < rest.len() {
        if rest[at..].starts_with("/*") {
            depth += 1;
            at += 2;
        } else if rest[at..].starts_with("*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += rest[at..].chars().next().map_or(1, char::len_utf8);
        }
    }
    rest.len()
}

/// The `$mark$` that opens a text.
fn dollar(rest: &str) -> Option<&str> {
    let end = rest[1..].find('$')? + 2;
    let name = &rest[1..end - 1];
    let is_name = name.chars().all(|c| c != '$' && is_of_word(c)) && !name.starts_with(|c: char| c.is_ascii_digit());
    is_name.then(|| &rest[..end])
}

/// Whether the `'` after this opens a text in which a backslash takes away the meaning of what follows it: `E'…'`.
fn is_escaping(before: &str) -> bool {
    let word = before.rfind(|c| !is_of_word(c)).map_or(before, |end| {
        let after = before[end..].chars().next().map_or(0, char::len_utf8);
        &before[end + after..]
    });
    word.eq_ignore_ascii_case("e")
}

fn is_space(c: char) -> bool {
    c.is_whitespace() || c == '\u{feff}'
}

fn is_of_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_' || c == '$' || (!c.is_ascii() && !is_space(c))
}

/// To the closing quote, which stands twice where it is meant as itself.
fn quoted(rest: &str, quote: char, with_backslashes: bool) -> usize {
    let mut at = 1;
    while let Some(found) = rest[at..].find(|c| c == quote || (with_backslashes && c == '\\')) {
        at += found;
        if rest[at..].starts_with('\\') {
            at += 1 + rest[at + 1..].chars().next().map_or(0, char::len_utf8);
            continue;
        }
        at += 1;
        if !rest[at..].starts_with(quote) {
            return at;
        }
        at += 1;
    }
    rest.len()
}

/// Line and column of a byte, both from 1; columns in characters.
pub(super) fn place(sql: &str, at: usize) -> (usize, usize) {
    let before = &sql[..at.min(sql.len())];
    let line_start = before.rfind('\n').map_or(0, |found| found + 1);
    let column = before[line_start..].trim_start_matches('\u{feff}').chars().count() + 1;
    (before.matches('\n').count() + 1, column)
}

/// SQLite's own record of a table, the same for any way of writing it: without comments, one space between words, names without
/// quotes, all in small letters but for texts. SQLite tells names apart by their letters alone.
pub(super) fn normal(sql: &str) -> String {
    let mut out = String::new();
    let mut after_word = false;
    for token in tokens(Dialect::Sqlite, sql).filter(|token| !token.is_blank()) {
        let (text, is_word) = match token.kind {
            Kind::Word => (token.text.to_ascii_lowercase(), true),
            Kind::Name => (bare(token.text), true),
            Kind::Text => (token.text.to_owned(), true),
            _ => (token.text.to_owned(), false),
        };
        // Two signs must not become the beginning of a comment.
        let opens = (out.ends_with('-') && text == "-") || (out.ends_with('/') && text == "*");
        if (after_word && is_word) || opens {
            out.push(' ');
        }
        out.push_str(&text);
        after_word = is_word;
    }
    out
}

/// A quoted name as a word, where it is one; digits first would make a number of it.
fn bare(name: &str) -> String {
    let inner = name.get(1..name.len().saturating_sub(1)).unwrap_or_default();
    let plain = inner.chars().all(is_of_word) && inner.starts_with(|c: char| c.is_alphabetic() || c == '_');
    if plain {
        inner.to_ascii_lowercase()
    } else {
        name.to_ascii_lowercase()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn kinds(dialect: Dialect, sql: &str) -> Vec<(Kind, &str)> {
        let all = tokens(dialect, sql).filter(|token| token.kind != Kind::Space);
        all.map(|token| (token.kind, token.text)).collect()
    }

    #[test]
    fn quotes_and_comments_are_those_of_the_database() {
        use Dialect::{Mysql, Postgresql, Sqlite};
        use Kind::{BlockComment, LineComment, Name, Sign, Text, Word};
        for (dialect, sql, expected) in [
            (Postgresql, "$$a;'b$$", vec![(Text, "$$a;'b$$")]),
            (Postgresql, "$x_1$ $$ ; $x$ $x_1$", vec![(Text, "$x_1$ $$ ; $x$ $x_1$")]),
            (Postgresql, "$1", vec![(Word, "$1")]),
            (Postgresql, "a$b$c", vec![(Word, "a$b$c")]),
            (
                Postgresql,
                "/* a /* b */ ; */ c",
                vec![(BlockComment, "/* a /* b */ ; */"), (Word, "c")],
            ),
            (
                Sqlite,
                "/* a /* b */ c",
                vec![(BlockComment, "/* a /* b */"), (Word, "c")],
            ),
            (Postgresql, r"E'a\';' ", vec![(Word, "E"), (Text, r"'a\';'")]),
            (Postgresql, r"'a\' b", vec![(Text, r"'a\'"), (Word, "b")]),
            (Postgresql, "[1]", vec![(Sign, "["), (Word, "1"), (Sign, "]")]),
            (Mysql, r#""it\"s;" `a;b`"#, vec![(Text, r#""it\"s;""#), (Name, "`a;b`")]),
            (Mysql, "1--1", vec![(Word, "1"), (Sign, "-"), (Sign, "-"), (Word, "1")]),
            (
                Mysql,
                "# a ;\n-- b",
                vec![(LineComment, "# a ;"), (LineComment, "-- b")],
            ),
            (
                Mysql,
                "/*!40101 SET x */",
                vec![(Sign, "/*!40101"), (Word, "SET"), (Word, "x"), (Sign, "*/")],
            ),
        ] {
            assert_eq!(kinds(dialect, sql), expected, "{sql}");
        }
    }

    #[test]
    fn places_are_counted_in_lines_and_characters() {
        let sql = "\u{feff}-- é\n  SELECT 1;\nä;";
        assert_eq!(place(sql, 3), (1, 1));
        assert_eq!(place(sql, sql.find("SELECT").unwrap()), (2, 3));
        assert_eq!(place(sql, sql.len()), (3, 3));
    }

    #[test]
    fn what_means_the_same_is_the_same() {
        let plain = normal("CREATE TABLE x(a INTEGER,b TEXT DEFAULT 'A b')");
        assert_eq!(
            normal("create  table \"X\" (\n a integer, -- c\n [b] text default 'A b' )"),
            plain
        );
        assert_ne!(normal("CREATE TABLE x(a INTEGER,b TEXT DEFAULT 'a b')"), plain);
        assert_ne!(normal("a b"), normal("ab"));
        assert_ne!(normal("\"1\""), normal("1"));
    }

    proptest! {
        #[test]
        fn nothing_of_the_text_is_lost(
            sql in "[-*/!#$'\"`\\\\\\[\\];a-zéAEND0 \n]{0,60}",
            dialect in prop::sample::select(vec![Dialect::Sqlite, Dialect::Postgresql, Dialect::Mysql]),
        ) {
            let joined: String = tokens(dialect, &sql).map(|token| token.text).collect();
            prop_assert_eq!(&joined, &sql);
            prop_assert_eq!(normal(&normal(&sql)), normal(&sql));
        }
    }
}
