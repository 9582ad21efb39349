//! Path patterns of delegations: a shell's wildcards, part by part, so that `*` and `?` never pass a `/`.

/// Whether `name` is one that `pattern` stands for.
pub fn matches(pattern: &str, name: &str) -> bool {
    let (mut patterns, mut parts) = (pattern.split('/'), name.split('/'));
    loop {
        match (patterns.next(), parts.next()) {
            (None, None) => return true,
            (Some(pattern), Some(part)) if part_matches(pattern, part) => {}
            _ => return false,
        }
    }
}

/// Whether `pattern` stands for any name below `folder`, which is one part.
pub fn reaches_into(pattern: &str, folder: &str) -> bool {
    let first = pattern.split_once('/').map(|(first, _)| first);
    first.is_some_and(|first| part_matches(first, folder))
}

enum Piece {
    One(char),
    AnyOne,
    Any,
    /// Ranges, and whether they are what must not be there.
    Of(Vec<(char, char)>, bool),
}

impl Piece {
    fn fits(&self, c: char) -> bool {
        match self {
            Self::One(one) => *one == c,
            Self::AnyOne | Self::Any => true,
            Self::Of(ranges, not) => ranges.iter().any(|(from, to)| (*from..=*to).contains(&c)) != *not,
        }
    }
}

/// Goes back to the last `*` alone, so that a hostile pattern costs its length times the name's, not more.
fn part_matches(pattern: &str, part: &str) -> bool {
    let pieces = pieces(pattern);
    let text: Vec<char> = part.chars().collect();
    let (mut p, mut t) = (0, 0);
    let mut star = None;
    while t < text.len() {
        match pieces.get(p) {
            Some(Piece::Any) => {
                star = Some((p, t));
                p += 1;
            }
            Some(piece) if piece.fits(text[t]) => {
                p += 1;
                t += 1;
            }
            _ => match star {
                Some((at, taken)) => {
                    star = Some((at, taken + 1));
                    p = at + 1;
                    t = taken + 1;
                }
                None => return false,
            },
        }
    }
    pieces[p..].iter().all(|piece| matches!(piece, Piece::Any))
}

fn pieces(pattern: &str) -> Vec<Piece> {
    let chars: Vec<char> = pattern.chars().collect();
    let (mut at, mut pieces) = (0, Vec::new());
    while at < chars.len() {
        let piece = match chars[at] {
            '*' => Piece::Any,
            '?' => Piece::AnyOne,
            '[' => match set(&chars[at + 1..]) {
                Some((set, length)) => {
                    at += length;
                    set
                }
                None => Piece::One('['),
            },
            c => Piece::One(c),
        };
        pieces.push(piece);
        at += 1;
    }
    pieces
}

/// What stands after a `[`, with its length; none when no `]` closes it: then the bracket means itself.
fn set(chars: &[char]) -> Option<(Piece, usize)> {
    let not = chars.first() == Some(&'!');
    let start = usize::from(not);
    // A `]` at the very start is one of the set.
    let end = start + 1 + chars.get(start + 1..)?.iter().position(|c| *c == ']')?;
    let (mut ranges, mut at) = (Vec::new(), start);
    while at < end {
        if at + 2 < end && chars[at + 1] == '-' {
            ranges.push((chars[at], chars[at + 2]));
            at += 3;
        } else {
            ranges.push((chars[at], chars[at]));
            at += 1;
        }
    }
    Some((Piece::Of(ranges, not), end + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards_stay_within_their_part() {
        for (pattern, name, expected) in [
            ("a", "a", true),
            ("a", "b", false),
            ("", "", true),
            ("", "a", false),
            ("*", "a", true),
            ("*", "", true),
            ("*", "a/b", false),
            ("*/*", "a/b", true),
            ("*/*", "a", false),
            ("**", "a/b", false),
            ("a/*", "a/", true),
            ("a/*", "a", false),
            ("/a", "a", false),
            ("*.tgz", "x.tgz", true),
            ("*.tgz", "x.tgz.exe", false),
            ("*.tgz", ".tgz", true),
            ("a*b*c", "aXbXbXc", true),
            ("a*b*c", "aXbXbX", false),
            ("?", "a", true),
            ("?", "", false),
            ("?", "é", true),
            ("?", "/", false),
            ("a?c/x-*", "abc/x-1", true),
            ("v[0-9]", "v7", true),
            ("v[0-9]", "vx", false),
            ("v[!0-9]", "vx", true),
            ("v[!0-9]", "v7", false),
            ("v[]]", "v]", true),
            ("v[a-]", "v-", true),
            ("v[", "v[", true),
            ("[z-a]", "m", false),
            ("A", "a", false),
        ] {
            assert_eq!(matches(pattern, name), expected, "{pattern:?} {name:?}");
        }
    }

    #[test]
    fn a_hostile_pattern_is_answered_at_once() {
        let pattern = "*a".repeat(2_000);
        let name = "a".repeat(1_999) + "b";
        assert!(!matches(&pattern, &name));
    }
}
