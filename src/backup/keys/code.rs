//! The secret of a recovery kit, as a person can type it in: eight groups of five characters, the last of each a check on the others.
//!
//! 160 random bits in Crockford's base 32 (no I, L, O, U). The check is the group's polynomial over GF(32), the group's number
//! first, at a generator of that field: it finds every single wrong character, every two neighbours swapped, and groups swapped.

use std::str::FromStr;

use zeroize::Zeroizing;

use super::PrivateHalf;
use crate::crypt::{Secret, random};

const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const GROUPS: usize = 8;
/// Without its check.
const GROUP: usize = 4;
const BYTES: usize = 20;

#[derive(Debug, Clone)]
pub struct RecoveryCode(Secret);

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CodeError {
    #[error("a recovery code has {GROUPS} groups of 5 characters; this has {found} characters")]
    Length { found: usize },
    #[error("group {group} of the recovery code is mistyped; look at it again")]
    Group { group: usize },
}

impl RecoveryCode {
    pub fn generate() -> Self {
        let bytes = Zeroizing::new(random::<BYTES>());
        Self(Secret::new(bytes.to_vec()))
    }

    /// The code as it is printed: groups with hyphens between.
    pub fn text(&self) -> Secret {
        let mut text = Vec::with_capacity(GROUPS * (GROUP + 2));
        for (group, symbols) in self.symbols().chunks(GROUP).enumerate() {
            if group > 0 {
                text.push(b'-');
            }
            let all = symbols.iter().copied().chain([check(group, symbols)]);
            text.extend(all.map(|symbol| ALPHABET[usize::from(symbol)]));
        }
        Secret::new(text)
    }

    /// The private half that belongs to this code.
    pub fn private(&self) -> PrivateHalf {
        let all = Zeroizing::new([b"netlink backup recovery code\n".as_slice(), self.0.expose()].concat());
        PrivateHalf::derive(&all)
    }

    /// Five bits each.
    fn symbols(&self) -> Zeroizing<Vec<u8>> {
        let mut symbols = Zeroizing::new(Vec::with_capacity(GROUPS * GROUP));
        for five in self.0.expose().chunks(5) {
            let bits = five.iter().fold(0_u64, |bits, byte| bits << 8 | u64::from(*byte));
            symbols.extend((0..8).map(|at| (bits >> (35 - 5 * at) & 31) as u8));
        }
        symbols
    }
}

impl FromStr for RecoveryCode {
    type Err = CodeError;

    fn from_str(text: &str) -> Result<Self, CodeError> {
        let typed = text.chars().filter(|c| !c.is_whitespace() && *c != '-');
        let symbols: Zeroizing<Vec<Option<u8>>> = Zeroizing::new(typed.take(1000).map(symbol).collect());
        if symbols.len() != GROUPS * (GROUP + 1) {
            return Err(CodeError::Length { found: symbols.len() });
        }
        let mut bytes = Zeroizing::new(Vec::with_capacity(BYTES));
        let mut bits = Zeroizing::new(0_u64);
        for (group, typed) in symbols.chunks(GROUP + 1).enumerate() {
            let wrong = CodeError::Group { group: group + 1 };
            let typed: Option<Vec<u8>> = typed.iter().copied().collect();
            let typed = Zeroizing::new(typed.ok_or_else(|| wrong.clone())?);
            if check(group, &typed[..GROUP]) != typed[GROUP] {
                return Err(wrong);
            }
            *bits = typed[..GROUP]
                .iter()
                .fold(*bits, |bits, five| bits << 5 | u64::from(*five));
            if group % 2 == 1 {
                bytes.extend_from_slice(&bits.to_be_bytes()[3..]);
                *bits = 0;
            }
        }
        Ok(Self(Secret::new(bytes.to_vec())))
    }
}

/// What a typed character stands for; those that are easily taken for a digit are that digit.
fn symbol(typed: char) -> Option<u8> {
    let upper = match typed.to_ascii_uppercase() {
        'O' => '0',
        'I' | 'L' => '1',
        other => other,
    };
    let at = ALPHABET.iter().position(|known| char::from(*known) == upper)?;
    u8::try_from(at).ok()
}

fn check(group: usize, symbols: &[u8]) -> u8 {
    let begin = (group % 32) as u8;
    times_generator(symbols.iter().fold(begin, |sum, symbol| times_generator(sum) ^ symbol))
}

/// Times x in GF(2)[x] / (x^5 + x^2 + 1).
fn times_generator(element: u8) -> u8 {
    let shifted = element << 1;
    if shifted & 32 == 0 {
        shifted
    } else {
        shifted ^ 0b10_0101
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn text(code: &RecoveryCode) -> String {
        String::from_utf8(code.text().expose().to_vec()).unwrap()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn what_is_printed_reads_back_however_it_is_typed(bytes in any::<[u8; BYTES]>()) {
            let code = RecoveryCode(Secret::new(bytes.to_vec()));
            let printed = text(&code);
            let sloppy = printed.to_lowercase().replace('-', " ").replace('0', "o").replace('1', "l");
            for typed in [printed.as_str(), &sloppy, &format!("{printed}\n")] {
                let read: RecoveryCode = typed.parse().unwrap();
                prop_assert_eq!(read.0.expose(), bytes.as_slice());
            }
        }

        #[test]
        fn one_wrong_character_and_swapped_neighbours_are_found_in_their_group(
            bytes in any::<[u8; BYTES]>(), at in 0..40_usize, by in 1..32_u8,
        ) {
            let printed = text(&RecoveryCode(Secret::new(bytes.to_vec()))).replace('-', "");
            let mut bent: Vec<char> = printed.chars().collect();
            let other = usize::from(symbol(bent[at]).unwrap() ^ by);
            bent[at] = char::from(ALPHABET[other]);
            let bent: String = bent.into_iter().collect();
            prop_assert_eq!(bent.parse::<RecoveryCode>().unwrap_err(), CodeError::Group { group: at / 5 + 1 });
            let mut swapped: Vec<char> = printed.chars().collect();
            if at + 1 < 40 && swapped[at] != swapped[at + 1] {
                swapped.swap(at, at + 1);
                prop_assert!(swapped.into_iter().collect::<String>().parse::<RecoveryCode>().is_err());
            }
        }

        #[test]
        fn groups_in_another_order_are_found(bytes in any::<[u8; BYTES]>(), one in 0..8_usize, other in 0..8_usize) {
            let printed = text(&RecoveryCode(Secret::new(bytes.to_vec())));
            let mut groups: Vec<&str> = printed.split('-').collect();
            groups.swap(one, other);
            prop_assert_eq!(groups.join("-").parse::<RecoveryCode>().is_ok(), one == other);
        }
    }

    #[test]
    fn a_code_that_is_cut_off_is_no_code() {
        let printed = text(&RecoveryCode::generate());
        assert_eq!(printed.len(), 47);
        assert_eq!(
            printed[..46].parse::<RecoveryCode>().unwrap_err(),
            CodeError::Length { found: 39 }
        );
        assert_eq!("".parse::<RecoveryCode>().unwrap_err(), CodeError::Length { found: 0 });
    }
}
