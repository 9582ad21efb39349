//! Where a download goes on: decided from what lies on the disk and what was written down of it, and from nothing else.

use serde::{Deserialize, Serialize};

use super::Expected;
use crate::crypt::Digest;

/// What is kept beside the part of a file, so that a later run can tell whether to go on with it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Kept {
    /// The file that the publisher signed.
    pub length: u64,
    pub sha256: Digest,
    /// So many bytes of it had arrived, with this digest.
    pub arrived: u64,
    pub prefix: Digest,
    pub origin: Option<Origin>,
}

/// Which file of which server the part came from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Origin {
    pub url: String,
    /// `ETag` or date.
    pub validator: String,
}

/// The byte from which to go on with a part of `size` bytes; 0 is anew. `digest` gives that of the part's first bytes.
///
/// Bytes behind those that were written down are not gone on with: nobody vouches for them.
pub(super) fn go_on_from<E>(
    expected: &Expected,
    resume_from: u64,
    size: u64,
    kept: Option<&Kept>,
    digest: impl FnOnce(u64) -> Result<Digest, E>,
) -> Result<u64, E> {
    let of_this = |kept: &&Kept| kept.length == expected.length && kept.sha256 == expected.sha256;
    let worth_it = |kept: &&Kept| (resume_from.max(1)..=size.min(expected.length)).contains(&kept.arrived);
    let Some(kept) = kept.filter(of_this).filter(worth_it) else {
        return Ok(0);
    };
    Ok(if digest(kept.arrived)? == kept.prefix {
        kept.arrived
    } else {
        0
    })
}

/// Whether it is time to write down how much has arrived: at once when it first is worth continuing, then often enough
/// that a kill costs little, seldom enough that a fast line does not wait for the disk.
pub(super) fn is_due(kept: u64, arrived: u64, resume_from: u64, seconds: u64) -> bool {
    let fresh = arrived.saturating_sub(kept);
    match kept {
        0 => arrived >= resume_from.max(1),
        _ => fresh >= 16 << 20 || (fresh >= 1 << 20 && seconds >= 2),
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use proptest::prelude::*;

    use super::*;
    use crate::crypt::digest_of;

    fn from(part: &[u8], kept: Option<&Kept>, expected: &Expected, resume_from: u64) -> u64 {
        let digest = |n: u64| Ok::<_, Infallible>(digest_of(&part[..n as usize]));
        go_on_from(expected, resume_from, part.len() as u64, kept, digest).unwrap()
    }

    fn signed(content: &[u8]) -> Expected {
        Expected {
            length: content.len() as u64,
            sha256: digest_of(content),
        }
    }

    fn kept(content: &[u8], arrived: usize) -> Kept {
        Kept {
            length: content.len() as u64,
            sha256: digest_of(content),
            arrived: arrived as u64,
            prefix: digest_of(&content[..arrived]),
            origin: None,
        }
    }

    #[test]
    fn only_a_part_that_is_vouched_for_and_worth_it_is_continued() {
        let content = [7; 100];
        let expected = signed(&content);
        let check = |part: &[u8], kept: Option<&Kept>, at| assert_eq!(from(part, kept, &expected, 10), at, "{kept:?}");
        check(&content[..50], Some(&kept(&content, 40)), 40);
        check(&content[..50], Some(&kept(&content, 50)), 50);
        check(&content, Some(&kept(&content, 100)), 100);
        check(&content[..50], Some(&kept(&content, 10)), 10);
        check(&content[..50], Some(&kept(&content, 9)), 0);
        check(&content[..50], Some(&kept(&content, 51)), 0);
        check(&content[..50], None, 0);
        check(&[], Some(&kept(&content, 0)), 0);
        check(&[8; 50], Some(&kept(&content, 40)), 0);
        check(&content[..50], Some(&kept(&[7; 101], 40)), 0);
    }

    #[test]
    fn what_has_arrived_is_written_down_often_but_not_always() {
        let mib = 1 << 20;
        assert!(!is_due(0, mib - 1, mib, 99));
        assert!(is_due(0, mib, mib, 0));
        assert!(!is_due(mib, 2 * mib, mib, 1));
        assert!(is_due(mib, 2 * mib, mib, 2));
        assert!(is_due(mib, 17 * mib, mib, 0));
        assert!(!is_due(0, 0, 0, 9));
    }

    proptest! {
        /// Whatever happened to the part and the record: what is continued is a beginning of the signed file, or nothing.
        #[test]
        fn what_is_continued_begins_the_file(
            content in proptest::collection::vec(any::<u8>(), 1..200),
            arrived in 0usize..200,
            size in 0usize..220,
            flipped in proptest::option::of(0usize..220),
            resume_from in 0u64..100,
        ) {
            let arrived = arrived.min(content.len());
            let mut part = content.clone();
            part.resize(size, 0);
            if let Some(byte) = flipped.and_then(|at| part.get_mut(at)) {
                *byte ^= 1;
            }
            let at = from(&part, Some(&kept(&content, arrived)), &signed(&content), resume_from) as usize;
            prop_assert!(at == 0 || at == arrived);
            prop_assert!(at == 0 || at as u64 >= resume_from);
            prop_assert_eq!(&part[..at], &content[..at]);
            let whole = part.len() >= arrived && part[..arrived] == content[..arrived];
            prop_assert_eq!(at == arrived, arrived == 0 || (whole && arrived as u64 >= resume_from));
        }
    }
}
