//! Counting the rows of a dump of MySQL or MariaDB as it goes by: a second question to the server would be of another moment.

use std::collections::BTreeMap;

use super::Counted;

const LOCK: &[u8] = b"LOCK TABLES `";
const UNLOCK: &[u8] = b"UNLOCK TABLES;";
const INSERT: &[u8] = b"INSERT INTO `";
const VALUES: &[u8] = b"VALUES";
const END: &[u8] = b"-- Dump completed";

/// Takes a dump in pieces of any size. Rows are counted only between a table's LOCK and UNLOCK, where the tool writes nothing
/// but data: what looks alike in the body of a routine is not a row.
#[derive(Debug)]
pub struct Rows {
    tables: BTreeMap<Vec<u8>, u64>,
    /// Of one row, in the dump.
    longest: u64,
    state: State,
    name: Vec<u8>,
    row: u64,
    /// The last bytes, by which a complete dump is known.
    tail: Vec<u8>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// So many bytes of a line that may become one of these; `inside` is between LOCK and UNLOCK.
    Line {
        inside: bool,
        at: usize,
        text: &'static [u8],
    },
    RestOfLine {
        inside: bool,
    },
    /// The name of the table; after a tick that may be doubled.
    Name {
        ticked: bool,
    },
    /// Names of columns and the word before the rows, of which so many bytes were seen.
    Head {
        in_ticks: bool,
        at: usize,
    },
    Values {
        depth: u32,
        quote: Quote,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Quote {
    None,
    In,
    Escaped,
}

fn line(inside: bool) -> State {
    let text = if inside { INSERT } else { LOCK };
    State::Line { inside, at: 0, text }
}

impl Default for Rows {
    fn default() -> Self {
        Self {
            tables: BTreeMap::new(),
            longest: 0,
            state: line(false),
            name: Vec::new(),
            row: 0,
            tail: Vec::new(),
        }
    }
}

impl Rows {
    pub fn take(&mut self, piece: &[u8]) {
        for byte in piece {
            self.state = self.next(*byte);
        }
        let kept = 4 * END.len();
        self.tail.extend_from_slice(&piece[piece.len().saturating_sub(kept)..]);
        self.tail.drain(..self.tail.len().saturating_sub(kept));
    }

    /// The tool wrote its last line.
    pub fn is_complete(&self) -> bool {
        self.tail.windows(END.len()).any(|window| window == END)
    }

    pub fn of(&self, table: &[u8]) -> u64 {
        self.tables.get(table).copied().unwrap_or(0)
    }

    pub fn tables(&self) -> impl Iterator<Item = &[u8]> {
        self.tables.keys().map(Vec::as_slice)
    }

    pub fn longest(&self) -> u64 {
        self.longest
    }

    pub fn counted(&self) -> Counted {
        Counted {
            tables: self.tables.len() as u64,
            rows: self.tables.values().sum(),
        }
    }

    fn next(&mut self, byte: u8) -> State {
        match self.state {
            State::Line { inside, at, text } => self.in_line(inside, at, text, byte),
            State::RestOfLine { inside } if byte == b'\n' => line(inside),
            State::Name { ticked: false } if byte == b'`' => State::Name { ticked: true },
            State::Name { ticked } if !ticked || byte == b'`' => {
                self.name.push(byte);
                State::Name { ticked: false }
            }
            State::Name { .. } => State::Head { in_ticks: false, at: 0 },
            State::Head { in_ticks, .. } if byte == b'`' => State::Head {
                in_ticks: !in_ticks,
                at: 0,
            },
            State::Head { in_ticks: false, at } if byte == VALUES[at] => match at + 1 == VALUES.len() {
                true => State::Values {
                    depth: 0,
                    quote: Quote::None,
                },
                false => State::Head {
                    in_ticks: false,
                    at: at + 1,
                },
            },
            State::Head { in_ticks, .. } => State::Head { in_ticks, at: 0 },
            State::Values { depth, quote } => self.in_values(depth, quote, byte),
            rest => rest,
        }
    }

    fn in_line(&mut self, inside: bool, at: usize, text: &'static [u8], byte: u8) -> State {
        let text = match (at, byte) {
            (0, b'U') if inside => UNLOCK,
            _ => text,
        };
        if byte == b'\n' {
            return line(inside);
        }
        if text.get(at) != Some(&byte) {
            return State::RestOfLine { inside };
        }
        if at + 1 < text.len() {
            return State::Line {
                inside,
                at: at + 1,
                text,
            };
        }
        if text == INSERT {
            self.name.clear();
            return State::Name { ticked: false };
        }
        State::RestOfLine { inside: text == LOCK }
    }

    fn in_values(&mut self, depth: u32, quote: Quote, byte: u8) -> State {
        self.row += 1;
        let (depth, quote) = match (quote, byte) {
            (Quote::In, b'\\') => (depth, Quote::Escaped),
            (Quote::In, b'\'') => (depth, Quote::None),
            (Quote::In | Quote::Escaped, _) => (depth, Quote::In),
            (Quote::None, b'\'') => (depth, Quote::In),
            (Quote::None, b'(') => {
                if depth == 0 {
                    self.row = 1;
                    *self.tables.entry(self.name.clone()).or_default() += 1;
                }
                (depth + 1, quote)
            }
            (Quote::None, b')') => {
                if depth == 1 {
                    self.longest = self.longest.max(self.row);
                }
                (depth.saturating_sub(1), quote)
            }
            (Quote::None, b';') if depth == 0 => return State::RestOfLine { inside: true },
            (Quote::None, _) => (depth, quote),
        };
        State::Values { depth, quote }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn counted(dump: &[u8], piece: usize) -> Rows {
        let mut rows = Rows::default();
        dump.chunks(piece).for_each(|piece| rows.take(piece));
        rows
    }

    const DUMP: &[u8] = b"-- x\nCREATE TABLE `a` (\n  `id` int\n);\nINSERT INTO `a` VALUES (0);\nLOCK TABLES `a` WRITE;\n/*!40000 x */;\n\
        INSERT INTO `a` VALUES\n(1,'it\\'s (',NULL),\n(2,'\\\\',0xff);\nINSERT INTO `a` (`id`, `VALUES (`) VALUES (3,'a''b;\nUNLOCK TABLES;\n');\n\
        UNLOCK TABLES;\nLOCK TABLES `b``c` WRITE;\nINSERT INTO `b``c` VALUES (ST_Point(1,2)),(NULL);\nUNLOCK TABLES;\n\
        CREATE TRIGGER x BEGIN\nINSERT INTO `a` VALUES (1);\nEND;\n-- Dump completed\n";

    #[test]
    fn rows_are_counted_and_nothing_that_looks_like_one() {
        for piece in [1, 2, 7, 10_000] {
            let rows = counted(DUMP, piece);
            assert_eq!((rows.of(b"a"), rows.of(b"b`c"), rows.of(b"d")), (3, 2, 0), "{piece}");
            assert_eq!(rows.counted(), Counted { tables: 2, rows: 5 });
            assert!(rows.is_complete() && !counted(&DUMP[..DUMP.len() - 3], piece).is_complete());
            assert_eq!(rows.longest(), b"(3,'a''b;\nUNLOCK TABLES;\n')".len() as u64);
        }
    }

    /// As the tool escapes a value.
    fn value(text: &[u8]) -> Vec<u8> {
        let mut out = vec![b'\''];
        for byte in text {
            if matches!(byte, b'\'' | b'\\' | b'\n' | 0) {
                out.push(b'\\');
            }
            out.push(*byte);
        }
        out.push(b'\'');
        out
    }

    proptest! {
        #[test]
        fn whatever_is_in_the_rows(rows in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 1..20), piece in 1..50_usize) {
            let mut dump = b"LOCK TABLES `t` WRITE;\nINSERT INTO `t` VALUES\n".to_vec();
            for (n, row) in rows.iter().enumerate() {
                dump.extend_from_slice(if n == 0 { b"(" } else { b",\n(" });
                dump.extend(value(row));
                dump.push(b')');
            }
            dump.extend_from_slice(b";\nUNLOCK TABLES;\n");
            prop_assert_eq!(counted(&dump, piece).of(b"t"), rows.len() as u64);
        }
    }
}
