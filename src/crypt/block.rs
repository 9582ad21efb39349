//! Single sealed blocks that can be opened in any order: AES-256-GCM under a key that seals each number once.

use aes_gcm::aead::inout::InOutBuf;
use aes_gcm::{AeadInOut, Aes256Gcm, KeyInit, Tag};

pub const TAG: usize = 16;

/// A block that was changed, cut, moved to another number, or is of another key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it was changed or cut off, or the key is not its own")]
pub struct Forged;

pub struct BlockCipher(Aes256Gcm);

impl BlockCipher {
    /// The key must be of this one file: its blocks are told apart by their numbers alone.
    pub fn new(key: &[u8; 32]) -> Self {
        Self(Aes256Gcm::new(key.into()))
    }

    /// Seals `plain` in place and appends the tag. No number may be sealed twice under one key.
    pub fn seal(&self, number: u64, context: &[u8], plain: &mut Vec<u8>) {
        let nonce = nonce(number).into();
        match self
            .0
            .encrypt_inout_detached(&nonce, context, InOutBuf::from(&mut plain[..]))
        {
            Ok(tag) => plain.extend_from_slice(&tag),
            Err(_) => unreachable!("AES-GCM seals up to 64 GiB"),
        }
    }

    /// Opens in place and takes the tag off; nothing of a forged block is left.
    pub fn open(&self, number: u64, context: &[u8], sealed: &mut Vec<u8>) -> Result<(), Forged> {
        let length = sealed.len().checked_sub(TAG).ok_or(Forged)?;
        let mut tag = [0; TAG];
        tag.copy_from_slice(&sealed[length..]);
        sealed.truncate(length);
        let nonce = nonce(number).into();
        let opened = self
            .0
            .decrypt_inout_detached(&nonce, context, InOutBuf::from(&mut sealed[..]), &Tag::from(tag));
        opened.map_err(|_| {
            sealed.clear();
            Forged
        })
    }
}

fn nonce(number: u64) -> [u8; 12] {
    let mut nonce = [0; 12];
    nonce[4..].copy_from_slice(&number.to_be_bytes());
    nonce
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_opens_at_its_number_in_its_context_and_whole() {
        let cipher = BlockCipher::new(&[7; 32]);
        let mut sealed = b"some bytes".to_vec();
        cipher.seal(3, b"file", &mut sealed);
        let open = |number, context: &[u8], sealed: &[u8]| {
            let mut bytes = sealed.to_vec();
            cipher.open(number, context, &mut bytes).map(|()| bytes)
        };
        assert_eq!(open(3, b"file", &sealed).unwrap(), b"some bytes");
        assert_eq!(open(4, b"file", &sealed), Err(Forged));
        assert_eq!(open(3, b"other", &sealed), Err(Forged));
        for at in 0..sealed.len() {
            let mut bent = sealed.clone();
            bent[at] ^= 1;
            assert_eq!(open(3, b"file", &bent), Err(Forged), "byte {at}");
            assert_eq!(open(3, b"file", &sealed[..at]), Err(Forged), "cut at {at}");
        }
    }
}
