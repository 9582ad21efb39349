//! Versions of a few numbers and nothing else, e.g. `12.34.5`, read without the grammar.
//!
//! It knows no mistakes: what it does not take may still be a version, as numbers with leading zeros are.

use super::HEAD;

/// Within these many bytes no number is too large.
const LONGEST: usize = 19;

/// The numbers, and how many were written.
#[inline]
pub(super) fn read(text: &[u8]) -> Option<([u64; HEAD], u8)> {
    if text.len() > LONGEST {
        return None;
    }
    let (mut head, mut written, mut rest) = ([0; HEAD], 0, text);
    for place in &mut head {
        let (number, after) = number(rest)?;
        *place = number;
        written += 1;
        match after {
            [] => return Some((head, written)),
            [b'.', after @ ..] => rest = after,
            _ => return None,
        }
    }
    None
}

#[inline]
fn number(text: &[u8]) -> Option<(u64, &[u8])> {
    let digit = |byte: &u8| Some(byte.wrapping_sub(b'0')).filter(|digit| *digit < 10).map(u64::from);
    let (first, mut rest) = text.split_first()?;
    let mut number = digit(first)?;
    if number == 0 && rest.first().and_then(digit).is_some() {
        return None;
    }
    while let Some((byte, after)) = rest.split_first()
        && let Some(digit) = digit(byte)
    {
        number = number * 10 + digit;
        rest = after;
    }
    Some((number, rest))
}
