//! Where the statements of a file begin and end.
//!
//! A `;` ends a statement but in quotes, in comments, and in the body of a trigger or routine. SQLite's triggers end with `; END;`, as
//! its own `sqlite3_complete` has it; in the bodies of the others BEGIN and CASE are counted against END. MySQL's client knows
//! `DELIMITER`, and so do files that were written for it.

use super::sql::{Dialect, Kind, Token, token_at};

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Statement<'s> {
    /// With its semicolon, without the comments before it.
    pub(super) text: &'s str,
    pub(super) at: usize,
    /// What it begins with, in upper case, e.g. `CREATE TABLE x`.
    pub(super) words: Vec<String>,
}

/// So many words tell what a statement is.
const TELLING: usize = 12;

pub(super) fn statements(dialect: Dialect, sql: &str) -> Vec<Statement<'_>> {
    let mut found = Vec::new();
    let mut open: Option<Open> = None;
    let mut delimiter = ";";
    let mut at = 0;
    while let Some(token) = next(dialect, sql, at, delimiter) {
        at += token.text.len();
        if token.is_blank() || (open.is_none() && (token.kind == Kind::Semicolon || token.text == delimiter)) {
            continue;
        }
        if dialect == Dialect::Mysql && open.is_none() && token.is("DELIMITER") {
            let line = sql[at..].split('\n').next().unwrap_or_default();
            delimiter = Some(line.trim()).filter(|mark| !mark.is_empty()).unwrap_or(";");
            at += line.len();
            continue;
        }
        let now = open.get_or_insert_with(|| Open::at(dialect, token.at));
        if now.ends_with(&token, delimiter) {
            found.extend(open.take().map(|open| open.closed(sql)));
        }
    }
    found.extend(open.map(|open| open.closed(sql)));
    found
}

/// The next piece, cut off where the delimiter of MySQL's client begins.
fn next<'s>(dialect: Dialect, sql: &'s str, at: usize, delimiter: &str) -> Option<Token<'s>> {
    let mut token = token_at(dialect, sql, at)?;
    if delimiter != ";" {
        if sql[at..].starts_with(delimiter) {
            let text = &sql[at..at + delimiter.len()];
            return Some(Token {
                kind: Kind::Sign,
                at,
                text,
            });
        }
        if let (Kind::Word, Some(cut)) = (token.kind, token.text.find(delimiter)) {
            token.text = &token.text[..cut];
        }
    }
    Some(token)
}

/// A statement whose end has not come.
struct Open {
    dialect: Dialect,
    at: usize,
    end: usize,
    words: Vec<String>,
    /// How far the end of the body of a trigger of SQLite has come.
    body: Body,
    /// BEGIN and CASE that have no END yet, of the others.
    depth: usize,
    after_end: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Body {
    Inside,
    Semicolon,
    End,
}

impl Open {
    fn at(dialect: Dialect, at: usize) -> Self {
        Self {
            dialect,
            at,
            end: at,
            words: Vec::new(),
            body: Body::Inside,
            depth: 0,
            after_end: false,
        }
    }

    fn ends_with(&mut self, token: &Token<'_>, delimiter: &str) -> bool {
        if delimiter != ";" && token.text == delimiter {
            return true;
        }
        self.end = token.at + token.text.len();
        if self.words.len() < TELLING && matches!(token.kind, Kind::Word | Kind::Name) {
            self.words.push(token.text.to_ascii_uppercase());
        }
        match self.dialect {
            Dialect::Sqlite => self.ends_in_sqlite(token),
            Dialect::Postgresql | Dialect::Mysql => {
                self.count(token);
                token.kind == Kind::Semicolon && delimiter == ";" && (self.depth == 0 || !self.makes_code())
            }
        }
    }

    fn ends_in_sqlite(&mut self, token: &Token<'_>) -> bool {
        let before = self.body;
        self.body = match token.kind {
            Kind::Semicolon => Body::Semicolon,
            _ if before == Body::Semicolon && token.is("END") => Body::End,
            _ => Body::Inside,
        };
        token.kind == Kind::Semicolon && (before == Body::End || !self.makes_code())
    }

    fn count(&mut self, token: &Token<'_>) {
        let after_end = std::mem::replace(&mut self.after_end, token.is("END"));
        if after_end {
            // The END of an IF or a loop closes what was not counted.
            let of_others = ["IF", "LOOP", "WHILE", "REPEAT", "FOR"]
                .iter()
                .any(|word| token.is(word));
            if !of_others {
                self.depth = self.depth.saturating_sub(1);
            }
            if token.is("CASE") {
                return;
            }
        }
        if token.is("BEGIN") || token.is("CASE") {
            self.depth += 1;
        }
    }

    /// A trigger, routine or event, whose body has statements of its own.
    fn makes_code(&self) -> bool {
        let words: Vec<&str> = self.words.iter().map(String::as_str).collect();
        let Some(rest) = words.strip_prefix(&["CREATE"]) else {
            return false;
        };
        match (self.dialect, rest) {
            (Dialect::Sqlite, ["TRIGGER", ..] | ["TEMP" | "TEMPORARY", "TRIGGER", ..]) => true,
            (Dialect::Sqlite, _) => false,
            (_, ["OR", "REPLACE", rest @ ..] | rest) => {
                let is_code = |word: &&str| matches!(*word, "TRIGGER" | "PROCEDURE" | "FUNCTION" | "EVENT");
                match rest.first() {
                    Some(&("DEFINER" | "AGGREGATE")) => rest.iter().any(is_code),
                    first => first.is_some_and(is_code),
                }
            }
        }
    }

    fn closed(self, sql: &str) -> Statement<'_> {
        Statement {
            text: &sql[self.at..self.end],
            at: self.at,
            words: self.words,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn texts(dialect: Dialect, sql: &str) -> Vec<&str> {
        statements(dialect, sql)
            .into_iter()
            .map(|statement| statement.text)
            .collect()
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
            assert_eq!(texts(Dialect::Sqlite, sql), expected, "{sql}");
        }
    }

    #[test]
    fn statements_end_where_servers_end_them() {
        let atomic =
            "CREATE OR REPLACE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT CASE WHEN true THEN 1 END; SELECT 2; END;";
        let block = "DO $x$ BEGIN PERFORM 1; END; $x$;";
        assert_eq!(
            texts(Dialect::Postgresql, &format!("{atomic}\n{block} SELECT 1;")),
            [atomic, block, "SELECT 1;"]
        );
        let procedure = "CREATE DEFINER=`a`@`b` PROCEDURE p() BEGIN IF 1 THEN SELECT 1; END IF; \
                         CASE 1 WHEN 1 THEN BEGIN END; END CASE; WHILE 0 DO SELECT 2; END WHILE; END;";
        assert_eq!(
            texts(Dialect::Mysql, &format!("{procedure} SELECT 'a\\';b';")),
            [procedure, "SELECT 'a\\';b';"]
        );
        assert_eq!(texts(Dialect::Mysql, "CREATE TABLE event (a int); SELECT 1;").len(), 2);
    }

    #[test]
    fn the_delimiter_of_mysqls_client_is_understood() {
        let sql = "SELECT 1;\nDELIMITER $$\nCREATE TRIGGER t BEFORE INSERT ON x FOR EACH ROW BEGIN SET @a = 1; END$$\n\
                   SELECT 2; SELECT 3$$\ndelimiter ;\nSELECT 4;";
        assert_eq!(
            texts(Dialect::Mysql, sql),
            [
                "SELECT 1;",
                "CREATE TRIGGER t BEFORE INSERT ON x FOR EACH ROW BEGIN SET @a = 1; END",
                "SELECT 2; SELECT 3",
                "SELECT 4;"
            ]
        );
        assert_eq!(texts(Dialect::Mysql, "DELIMITER //\nSELECT 4/2//"), ["SELECT 4/2"]);
    }

    proptest! {
        #[test]
        fn each_is_a_piece_of_the_text(
            sql in "[-*/$'\"`\\\\\\[\\];a-zéAEND \n]{0,60}",
            dialect in prop::sample::select(vec![Dialect::Sqlite, Dialect::Postgresql, Dialect::Mysql]),
        ) {
            for statement in statements(dialect, &sql) {
                prop_assert_eq!(&sql[statement.at..statement.at + statement.text.len()], statement.text);
            }
        }
    }
}
