//! The versions that nearly all releases have, up to `999r999999`, read in a few instructions.
//!
//! It knows no mistakes: what it does not take may still be a version, and is read by the grammar.

use super::Channel;

/// Major number, channel, minor number.
#[inline]
pub(super) fn read(text: &[u8]) -> Option<(u32, Channel, u32)> {
    let (major, letter, minor) = match text {
        [a, letter, minor @ ..] if *letter > b'9' => (digits(&[*a])?, *letter, minor),
        [a, b, letter, minor @ ..] if *letter > b'9' => (digits(&[*a, *b])?, *letter, minor),
        [a, b, c, letter, minor @ ..] if *letter > b'9' => (digits(&[*a, *b, *c])?, *letter, minor),
        _ => return None,
    };
    let channel = match letter {
        b'a' => Channel::Alpha,
        b'b' => Channel::Beta,
        b'r' => Channel::Release,
        _ => return None,
    };
    let minor = match *minor {
        [a] => digits(&[a]),
        [a, b] => digits(&[a, b]),
        [a, b, c] => digits(&[a, b, c]),
        [a, b, c, d] => digits(&[a, b, c, d]),
        [a, b, c, d, e] => digits(&[a, b, c, d, e]),
        [a, b, c, d, e, f] => digits(&[a, b, c, d, e, f]),
        _ => None,
    };
    minor.filter(|minor| *minor > 0).map(|minor| (major, channel, minor))
}

/// Of a length that the compiler knows, so that there is no loop left; at most nine, so that it cannot overflow.
#[inline]
fn digits<const N: usize>(bytes: &[u8; N]) -> Option<u32> {
    const { assert!(N < 10) };
    if N > 1 && bytes[0] == b'0' {
        return None;
    }
    let mut number = 0;
    for byte in bytes {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        number = number * 10 + u32::from(digit);
    }
    Some(number)
}
