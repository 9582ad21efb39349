//! SQL as text: where its statements begin and end, in which lines, and which of it is comment.
//!
//! A `;` ends a statement but in quotes, in comments, and in the body of a trigger, which ends with `; END;` (as SQLite's own
//! `sqlite3_complete` has it).

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Space,
    LineComment,
    BlockComment,
    /// A keyword, a bare name, a number.
    Word,
    /// `'text'`
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
pub(super) fn tokens(sql: &str) -> impl Iterator<Item = Token<'_>> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let rest = &sql[at..];
        let first = rest.chars().next()?;
        let (kind, length) = token(rest, first);
        let token = Token {
            kind,
            at,
            text: &rest[..length],
        };
        at += length;
        Some(token)
    })
}

fn token(rest: &str, first: char) -> (Kind, usize) {
    let until = |end: &str, skip: usize| {
        rest[skip..]
            .find(end)
            .map_or(rest.len(), |found| skip + found + end.len())
    };
    let run = |fits: fn(char) -> bool| rest.find(|c| !fits(c)).unwrap_or(rest.len());
    match first {
        _ if rest.starts_with("--") => (Kind::LineComment, rest.find('\n').unwrap_or(rest.len())),
        _ if rest.starts_with("/*") => (Kind::BlockComment, until("*/", 2)),
        '\'' => (Kind::Text, quoted(rest, '\'')),
        '"' | '`' => (Kind::Name, quoted(rest, first)),
        '[' => (Kind::Name, until("]", 1)),
        ';' => (Kind::Semicolon, 1),
        c if is_space(c) => (Kind::Space, run(is_space)),
        c if is_of_word(c) => (Kind::Word, run(is_of_word)),
        c => (Kind::Sign, c.len_utf8()),
    }
}

fn is_space(c: char) -> bool {
    c.is_whitespace() || c == '\u{feff}'
}

fn is_of_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_' || c == '$' || (!c.is_ascii() && !is_space(c))
}

/// To the closing quote, which stands twice where it is meant as itself.
fn quoted(rest: &str, quote: char) -> usize {
    let mut at = 1;
    while let Some(found) = rest[at..].find(quote) {
        at += found + 1;
        if !rest[at..].starts_with(quote) {
            return at;
        }
        at += 1;
    }
    rest.len()
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Statement<'s> {
    /// With its semicolon, without the comments before it.
    pub(super) text: &'s str,
    pub(super) at: usize,
    /// What it begins with, in upper case, e.g. `CREATE TABLE x`.
    pub(super) words: Vec<String>,
}

/// So many words tell what a statement is.
const TELLING: usize = 6;

pub(super) fn statements(sql: &str) -> Vec<Statement<'_>> {
    let mut found = Vec::new();
    let mut open: Option<Open> = None;
    for token in tokens(sql).filter(|token| !token.is_blank()) {
        if open.is_none() && token.kind == Kind::Semicolon {
            continue;
        }
        let now = open.get_or_insert_with(|| Open::at(token.at));
        if now.ends_with(&token) {
            found.extend(open.take().map(|open| open.closed(sql)));
        }
    }
    found.extend(open.map(|open| open.closed(sql)));
    found
}

/// A statement whose end has not come.
struct Open {
    at: usize,
    end: usize,
    words: Vec<String>,
    body: Body,
}

/// How far the end of a trigger's body has come.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Body {
    Inside,
    Semicolon,
    End,
}

impl Open {
    fn at(at: usize) -> Self {
        Self {
            at,
            end: at,
            words: Vec::new(),
            body: Body::Inside,
        }
    }

    fn ends_with(&mut self, token: &Token<'_>) -> bool {
        self.end = token.at + token.text.len();
        if self.words.len() < TELLING && matches!(token.kind, Kind::Word | Kind::Name) {
            self.words.push(token.text.to_ascii_uppercase());
        }
        let before = self.body;
        self.body = match token.kind {
            Kind::Semicolon => Body::Semicolon,
            _ if before == Body::Semicolon && token.is("END") => Body::End,
            _ => Body::Inside,
        };
        token.kind == Kind::Semicolon && (before == Body::End || !self.makes_a_trigger())
    }

    fn makes_a_trigger(&self) -> bool {
        let words: Vec<&str> = self.words.iter().map(String::as_str).collect();
        matches!(
            words[..],
            ["CREATE", "TRIGGER", ..] | ["CREATE", "TEMP" | "TEMPORARY", "TRIGGER", ..]
        )
    }

    fn closed(self, sql: &str) -> Statement<'_> {
        Statement {
            text: &sql[self.at..self.end],
            at: self.at,
            words: self.words,
        }
    }
}

/// Line and column of a byte, both from 1; columns in characters.
pub(super) fn place(sql: &str, at: usize) -> (usize, usize) {
    let before = &sql[..at.min(sql.len())];
    let line_start = before.rfind('\n').map_or(0, |found| found + 1);
    let column = before[line_start..].trim_start_matches('\u{feff}').chars().count() + 1;
    (before.matches('\n').count() + 1, column)
}

/// The same for any way of writing it: without comments, one space between words, names without quotes, all in small letters
/// but for texts. SQLite tells names apart by their letters alone.
pub(super) fn normal(sql: &str) -> String {
    let mut out = String::new();
    let mut after_word = false;
    for token in tokens(sql).filter(|token| !token.is_blank()) {
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

    fn texts(sql: &str) -> Vec<&str> {
        statements(sql).into_iter().map(|statement| statement.text).collect()
    }

    #[test]
    fn statements_end_where_sqlite_ends_them() {
        let trigger = "CREATE TRIGGER t AFTER DELETE ON x BEGIN SELECT CASE WHEN 1 THEN 2 END; DELETE FROM y; END;";
        for (sql, expected) in [
            ("", vec![]),
            (" -- ; \n /* ; */ ;;", vec![]),
            ("SELECT 1", vec!["SELECT 1"]),
            (
                "SELECT ';';\nSELECT \"a;b\", [c;d], `e;f`;",
                vec!["SELECT ';';", "SELECT \"a;b\", [c;d], `e;f`;"],
            ),
            ("SELECT 'it''s; so'; SELECT 2", vec!["SELECT 'it''s; so';", "SELECT 2"]),
            (trigger, vec![trigger]),
            (
                "create temp trigger t begin select 1; end; SELECT 2;",
                vec!["create temp trigger t begin select 1; end;", "SELECT 2;"],
            ),
            ("/* a */ SELECT 1 /* b; */ ; -- c", vec!["SELECT 1 /* b; */ ;"]),
        ] {
            assert_eq!(texts(sql), expected, "{sql}");
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
        fn nothing_of_the_text_is_lost(sql in "[-*/'\"`\\[\\];a-zéAEND \n]{0,60}") {
            let joined: String = tokens(&sql).map(|token| token.text).collect();
            prop_assert_eq!(&joined, &sql);
            for statement in statements(&sql) {
                prop_assert_eq!(&sql[statement.at..statement.at + statement.text.len()], statement.text);
            }
            prop_assert_eq!(normal(&normal(&sql)), normal(&sql));
        }
    }
}
