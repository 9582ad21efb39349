//! Cryptography on loan from well-kept crates: digests, secrets, sealed streams, signing keys.

mod block;
mod digest;
mod keys;
mod mac;
mod seal;
mod secret;
mod verifying;

pub use block::{BlockCipher, Forged};
pub use digest::{Digest, DigestParseError, DigestReader, Hasher, digest_of, sha512_hex};
pub use keys::{KeyError, PublicKey, SigningKey};
pub use mac::hmac_sha256;
pub use seal::{Opener, Sealer};
pub use secret::Secret;
pub use verifying::{EcdsaKey, KeyIdentity, RsaKey, RsaPadding};

/// Random bytes from the operating system.
#[allow(clippy::expect_used)] // without randomness nothing here may go on
pub fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("the operating system gives random bytes");
    bytes
}
