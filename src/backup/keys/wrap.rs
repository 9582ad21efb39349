//! Sealing a ring for one way of opening, and opening it again.

use aes_gcm::aead::{Aead, Payload};
use aes_gcm::{Aes256Gcm, KeyInit, Nonce};
use argon2::{Algorithm, Argon2, Block, Params, Version};
use hkdf::Hkdf;
use hpke::aead::AesGcm256;
use hpke::kdf::HkdfSha256;
use hpke::kem::X25519HkdfSha256;
use hpke::{Deserializable, OpModeR, OpModeS, Serializable};
use sha2::Sha256;
use zeroize::Zeroizing;

use super::master::{ChunkKey, LENGTH};
use super::slot::{FORMAT, Head, Kind, RING_LIMIT, Salt, Slot, SlotId, Wrapping, plain};
use super::{Author, Fingerprint, Keyring, KeysError, Master, PrivateHalf, PublicHalf, Result};
use crate::crypt::Secret;

type Key = Zeroizing<[u8; 32]>;

const INFO: &[u8] = b"netlink backup slot";

/// A secret at hand.
#[derive(Debug, Clone)]
pub enum Material {
    /// Chosen by people: made costly to guess.
    Text(Secret),
    /// 32 random bytes.
    Raw(Secret),
    /// The half that opens what was wrapped for a recipient.
    Private(PrivateHalf),
    /// The half that only wraps.
    Public(PublicHalf),
}

/// What a new slot says of itself.
#[derive(Debug, Clone)]
pub struct Words<'a> {
    pub id: SlotId,
    pub kind: Kind,
    pub label: &'a str,
    pub author: &'a Author,
}

/// A slot that holds the ring for this material.
pub fn wrap(ring: &Keyring, words: &Words<'_>, material: &Material) -> Result<Slot> {
    if all_marks(ring).len() > RING_LIMIT {
        return Err(KeysError::Seal("the master key was rotated as often as it can be"));
    }
    let plain_ring = laid_out(ring);
    let head = |wrapping| Head {
        format: FORMAT,
        id: words.id,
        kind: words.kind,
        label: plain(words.label),
        created: words.author.at,
        by: plain(&words.author.by),
        masters: marks(ring),
        forgotten: ring.forgotten().to_vec(),
        wrapping,
    };
    let (head, sealed) = match material {
        Material::Text(text) => symmetric(head(Wrapping::for_text()), text, &plain_ring)?,
        Material::Raw(raw) => symmetric(head(Wrapping::Hkdf { salt: Salt::fresh() }), raw, &plain_ring)?,
        Material::Private(private) => for_recipient(private.public()?, head, &plain_ring)?,
        Material::Public(public) => for_recipient(*public, head, &plain_ring)?,
    };
    let seal = Slot::seal_of(&head, &sealed, ring.current());
    Ok(Slot { head, sealed, seal })
}

/// The ring of a slot; none when the material does not open it, or when something of it was changed.
pub fn unwrap(slot: &Slot, material: &Material) -> Result<Option<Keyring>> {
    let context = slot.head.context();
    let opened = match (&slot.head.wrapping, material) {
        (
            Wrapping::Hpke {
                recipient,
                encapsulated,
            },
            Material::Private(private),
        ) => {
            if private.public()? != *recipient {
                return Ok(None);
            }
            open_hpke(private, encapsulated, &slot.sealed, &context)
        }
        (Wrapping::Argon2id { .. }, Material::Text(secret)) | (Wrapping::Hkdf { .. }, Material::Raw(secret)) => {
            let payload = Payload {
                msg: &slot.sealed,
                aad: &context,
            };
            let key = key(&slot.head.wrapping, secret)?;
            Aes256Gcm::new((&*key).into()).decrypt(&Nonce::default(), payload).ok()
        }
        _ => None,
    };
    let Some(ring) = opened.map(Zeroizing::new).and_then(|plain| ring_of(&plain, &slot.head)) else {
        return Ok(None);
    };
    let is_itself = marks(&ring) == slot.head.masters && slot.is_of(&ring);
    Ok(is_itself.then_some(ring))
}

/// The fingerprints of all keys that were ever on the ring, the current key's first.
pub fn all_marks(ring: &Keyring) -> Vec<Fingerprint> {
    let mut all = marks(ring);
    all.extend(ring.forgotten());
    all
}

/// The fingerprints of a ring, the current key's first.
pub fn marks(ring: &Keyring) -> Vec<Fingerprint> {
    let all = std::iter::once(ring.current()).chain(ring.older());
    all.map(Master::fingerprint).collect()
}

fn laid_out(ring: &Keyring) -> Zeroizing<Vec<u8>> {
    let mut bytes = Zeroizing::new(Vec::with_capacity((ring.older().len() + 2) * LENGTH));
    for master in std::iter::once(ring.current()).chain(ring.older()) {
        bytes.extend_from_slice(master.secret().expose());
    }
    bytes.extend_from_slice(ring.chunks().secret().expose());
    bytes
}

fn ring_of(plain: &[u8], head: &Head) -> Option<Keyring> {
    let (masters, chunks) = plain.split_at_checked(plain.len().checked_sub(LENGTH)?)?;
    let chunks = ChunkKey::from_secret(Secret::new(chunks.to_vec()))?;
    let masters = masters
        .chunks(LENGTH)
        .map(|one| Master::from_secret(Secret::new(one.to_vec())));
    let mut masters = masters.collect::<Option<Vec<Master>>>()?.into_iter();
    let current = masters.next()?;
    Some(Keyring::new(current, masters.collect(), chunks, head.forgotten.clone()))
}

/// The key is used for this one message, so its nonce is zero.
fn symmetric(head: Head, secret: &Secret, ring: &[u8]) -> Result<(Head, Vec<u8>)> {
    let key = key(&head.wrapping, secret)?;
    let payload = Payload {
        msg: ring,
        aad: &head.context(),
    };
    let sealed = Aes256Gcm::new((&*key).into()).encrypt(&Nonce::default(), payload);
    let sealed = sealed.map_err(|_| KeysError::Seal("AES-256-GCM refused"))?;
    Ok((head, sealed))
}

fn key(wrapping: &Wrapping, secret: &Secret) -> Result<Key> {
    let mut key = Zeroizing::new([0; 32]);
    match wrapping {
        Wrapping::Argon2id {
            memory_kib,
            passes,
            lanes,
            salt,
        } => stretch(secret, &salt.0, (*memory_kib, *passes, *lanes), &mut key)?,
        Wrapping::Hkdf { salt } => Hkdf::<Sha256>::new(Some(&salt.0), secret.expose())
            .expand(INFO, key.as_mut())
            .map_err(|_| KeysError::Seal("HKDF refused"))?,
        Wrapping::Hpke { .. } => return Err(KeysError::Seal("a recipient has no key of its own")),
    }
    Ok(key)
}

fn stretch(secret: &Secret, salt: &[u8], costs: (u32, u32, u32), key: &mut Key) -> Result<()> {
    let (memory, passes, lanes) = costs;
    let refused = |_| KeysError::Seal("Argon2id refused its parameters");
    let params = Params::new(memory, passes, lanes, Some(32)).map_err(refused)?;
    let mut blocks: Zeroizing<Vec<Block>> = Zeroizing::new(Vec::new());
    blocks
        .try_reserve_exact(params.block_count())
        .map_err(|_| KeysError::Seal("there is not enough memory for Argon2id"))?;
    blocks.resize(params.block_count(), Block::default());
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_into_with_memory(secret.expose(), salt, key.as_mut(), blocks.as_mut_slice())
        .map_err(refused)
}

fn for_recipient(public: PublicHalf, head: impl Fn(Wrapping) -> Head, ring: &[u8]) -> Result<(Head, Vec<u8>)> {
    let refused = |_| KeysError::Seal("nothing can be sealed for this public key");
    let (encapsulated, mut sender) =
        hpke::setup_sender::<AesGcm256, HkdfSha256, X25519HkdfSha256>(&OpModeS::Base, &public.key()?, INFO)
            .map_err(refused)?;
    let head = head(Wrapping::Hpke {
        recipient: public,
        encapsulated: Salt(encapsulated.to_bytes().into()),
    });
    let sealed = sender.seal(ring, &head.context()).map_err(refused)?;
    Ok((head, sealed))
}

fn open_hpke(private: &PrivateHalf, encapsulated: &Salt, sealed: &[u8], context: &[u8]) -> Option<Vec<u8>> {
    let encapsulated = Deserializable::from_bytes(&encapsulated.0).ok()?;
    let mut receiver = hpke::setup_receiver::<AesGcm256, HkdfSha256, X25519HkdfSha256>(
        &OpModeR::Base,
        &private.key().ok()?,
        &encapsulated,
        INFO,
    );
    receiver.as_mut().ok()?.open(sealed, context).ok()
}
