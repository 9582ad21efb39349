//! A metadata file: what is signed, the signatures, and the proof that they suffice.

use std::collections::BTreeSet;
use std::ops::Deref;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

use super::json::{canonical, parse_strict};
use super::model::{self, Content, Mandate, Root, Signed, Snapshot, Targets};
use super::tight::is_canonical;
use super::{Key, Role, Signer, TufError};

use crate::named;

/// Something that was signed as the trusted root asks. Only this room makes it.
#[derive(Debug, Clone, PartialEq)]
pub struct Verified<T>(T);

impl<T> Deref for Verified<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T> Verified<T> {
    pub fn into_inner(self) -> T {
        self.0
    }

    /// For what was gathered from verified documents.
    pub(super) fn of(content: T) -> Self {
        Self(content)
    }
}

/// A parsed metadata file that nobody may believe yet.
#[derive(Debug)]
pub struct Document<C> {
    signed: Signed<C>,
    signatures: Vec<Signature>,
    /// The bytes that the signatures are over.
    message: Vec<u8>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Signature {
    keyid: String,
    sig: String,
}

/// A file as it is written.
#[derive(Serialize)]
struct Envelope {
    signatures: Vec<Signature>,
    signed: Value,
}

/// A file as it is read.
#[derive(Deserialize)]
struct Parts<'a> {
    signatures: Vec<Signature>,
    #[serde(borrow)]
    signed: &'a RawValue,
}

/// The bytes that the signatures of a role's metadata are over, where all but the signatures is right.
pub fn signed_bytes(role: Role, bytes: &[u8]) -> Result<Vec<u8>, TufError> {
    match role {
        Role::Root => Document::<Root>::parse(bytes).map(|document| document.message),
        Role::Timestamp => Document::<model::Timestamp>::parse(bytes).map(|document| document.message),
        Role::Snapshot => Document::<Snapshot>::parse(bytes).map(|document| document.message),
        Role::Targets => Document::<Targets>::parse(bytes).map(|document| document.message),
    }
}

impl<C: Content> Document<C> {
    pub fn parse(bytes: &[u8]) -> Result<Self, TufError> {
        match str::from_utf8(bytes).map(str::trim_ascii_end) {
            Ok(text) if is_canonical(text) => Self::read(text, |signed| Ok(signed.as_bytes().to_vec())),
            _ => Self::rewritten(bytes),
        }
    }

    /// As other tools lay it out: told apart with care, then read as one that is laid out as here.
    fn rewritten(bytes: &[u8]) -> Result<Self, TufError> {
        let malformed = |e: serde_json::Error| TufError::malformed(C::ROLE, e);
        let value = parse_strict(bytes).map_err(malformed)?;
        let text = serde_json::to_string(&value).map_err(malformed)?;
        Self::read(&text, |_| {
            canonical(value.get("signed").unwrap_or_default()).map_err(|e| TufError::malformed(C::ROLE, e))
        })
    }

    /// Of a text without duplicate keys.
    fn read(text: &str, message: impl FnOnce(&str) -> Result<Vec<u8>, TufError>) -> Result<Self, TufError> {
        let malformed = |e: serde_json::Error| TufError::malformed(C::ROLE, e);
        let Parts { signatures, signed } = named::from_json(text.as_bytes()).map_err(malformed)?;
        let mut seen = BTreeSet::new();
        // 4.2.1: one signature a key, even where fewer would do.
        if let Some(twice) = signatures.iter().find(|one| !seen.insert(&one.keyid)) {
            let reason = format_args!("the key {} signs it twice", twice.keyid);
            return Err(TufError::malformed(C::ROLE, reason));
        }
        let message = message(signed.get())?;
        let signed = Signed::<C>::read(signed.get()).map_err(malformed)?;
        signed.check()?;
        Ok(Self {
            signed,
            signatures,
            message,
        })
    }

    /// A document that nobody has signed yet.
    pub fn unsigned(signed: Signed<C>) -> Result<Self, TufError> {
        let value = serde_json::to_value(&signed).map_err(|e| TufError::malformed(C::ROLE, e))?;
        let message = canonical(&value).map_err(|e| TufError::malformed(C::ROLE, e))?;
        signed.check()?;
        Ok(Self {
            signed,
            signatures: Vec::new(),
            message,
        })
    }

    pub fn is_signed(&self) -> bool {
        !self.signatures.is_empty()
    }

    pub fn signed(&self) -> &Signed<C> {
        &self.signed
    }

    /// Adds a signature of each signer that any of the mandates asks for and that is not there yet.
    pub fn add_signatures<S: Signer>(&mut self, mandates: &[Mandate<'_>], signers: &[S]) -> Result<(), TufError> {
        for signer in signers {
            let key = signer.key();
            let (Some(verifier), mut ids) = (key.verifier(), BTreeSet::new()) else {
                continue;
            };
            for mandate in mandates {
                let listed = |id: &&String| mandate.keys.get(*id).and_then(Key::verifier).as_ref() == Some(&verifier);
                ids.extend(mandate.keyids.iter().filter(listed));
            }
            // The same key may be at hand twice, for two roles.
            ids.retain(|id| !mandates.iter().any(|mandate| self.has_signed(mandate, id)));
            if ids.is_empty() {
                continue;
            }
            let signature = signer
                .sign(&self.message)
                .map_err(|source| TufError::Signer { role: C::ROLE, source })?;
            if !verifier.verify(&self.message, &signature) {
                return Err(TufError::SignerLied { role: C::ROLE });
            }
            for keyid in ids {
                self.put(Signature {
                    keyid: keyid.clone(),
                    sig: hex::encode(&signature),
                });
            }
        }
        Ok(())
    }

    /// Takes what others have signed in a copy of this very document. What does not verify is left there.
    pub fn take_signatures(&mut self, copy: &Self, mandates: &[Mandate<'_>]) -> Result<(), TufError> {
        if copy.message != self.message {
            return Err(TufError::OtherDraft { role: C::ROLE });
        }
        for mandate in mandates {
            let given = copy.signed_by(mandate);
            let valid = copy.signatures.iter().filter(|one| given.contains(&one.keyid));
            valid.cloned().for_each(|one| self.put(one));
        }
        Ok(())
    }

    /// In the place of one of the same key, which may be damaged.
    fn put(&mut self, signature: Signature) {
        self.signatures.retain(|one| one.keyid != signature.keyid);
        self.signatures.push(signature);
    }

    /// The file; refused when it is longer than clients read.
    pub fn bytes(&self) -> Result<Vec<u8>, TufError> {
        let malformed = |e: serde_json::Error| TufError::malformed(C::ROLE, e);
        let envelope = Envelope {
            signatures: self.signatures.clone(),
            signed: serde_json::to_value(&self.signed).map_err(malformed)?,
        };
        let bytes = serde_json::to_vec(&envelope).map_err(malformed)?;
        if bytes.len() as u64 <= C::ROLE.limit() {
            return Ok(bytes);
        }
        Err(TufError::TooLong {
            name: C::ROLE.file(),
            limit: C::ROLE.limit(),
        })
    }

    /// Ids of the keys that have signed, as this mandate names them.
    pub fn signed_by(&self, mandate: &Mandate<'_>) -> Vec<String> {
        let ids = mandate.keyids.iter();
        ids.filter(|id| self.has_signed(mandate, id)).cloned().collect()
    }

    /// What is missing of a mandate's signatures; none when they suffice.
    pub fn lacks(&self, mandate: &Mandate<'_>) -> Option<(usize, u64)> {
        let given = self.valid(mandate);
        ((given as u64) < mandate.threshold).then_some((given, mandate.threshold))
    }

    fn has_signed(&self, mandate: &Mandate<'_>, id: &str) -> bool {
        let key = mandate.keys.get(id).and_then(Key::verifier);
        let signature = self.signatures.iter().find(|signature| signature.keyid == id);
        let bytes = signature.and_then(|signature| hex::decode(&signature.sig).ok());
        key.zip(bytes)
            .is_some_and(|(key, bytes)| key.verify(&self.message, &bytes))
    }

    /// A key counts once, whatever the number of its signatures and of the names it is listed under.
    fn valid(&self, mandate: &Mandate<'_>) -> usize {
        let mut counted = BTreeSet::new();
        for id in mandate.keyids.iter().filter(|id| self.has_signed(mandate, id)) {
            counted.extend(mandate.keys.get(id).and_then(Key::verifier).map(|key| key.identity()));
        }
        counted.len()
    }

    /// Whether `root` believes this document.
    pub fn check_signatures(&self, root: &Signed<Root>) -> Result<(), TufError> {
        let none = || TufError::malformed(C::ROLE, format_args!("root {} does not know this role", root.version));
        self.check_mandate(&root.content.mandate(C::ROLE, root.version).ok_or_else(none)?)
    }

    fn check_mandate(&self, mandate: &Mandate<'_>) -> Result<(), TufError> {
        let valid = self.valid(mandate);
        if valid as u64 >= mandate.threshold {
            return Ok(());
        }
        Err(TufError::Signatures {
            role: C::ROLE,
            version: self.signed.version,
            valid,
            threshold: mandate.threshold,
            by: mandate.by.clone(),
        })
    }

    pub fn verified_by(self, root: &Signed<Root>) -> Result<Verified<Signed<C>>, TufError> {
        self.check_signatures(root)?;
        Ok(Verified(self.signed))
    }

    /// As [`Document::verified_by`], for a role that another one than the root hands on.
    pub fn verified_for(self, mandate: &Mandate<'_>) -> Result<Verified<Signed<C>>, TufError> {
        self.check_mandate(mandate)?;
        Ok(Verified(self.signed))
    }
}

impl Document<Root> {
    /// A root is believed by its own keys, once somebody trusted has handed it over.
    pub fn verified_by_itself(self) -> Result<Verified<Signed<Root>>, TufError> {
        self.check_signatures(&self.signed)?;
        Ok(Verified(self.signed))
    }
}

impl<C: Content> Signed<C> {
    /// The check for a freeze attack: the same for every role.
    pub fn check_fresh(&self, now: Timestamp) -> Result<(), TufError> {
        if self.expires > now {
            return Ok(());
        }
        Err(TufError::Expired {
            role: C::ROLE,
            version: self.version,
            expires: self.expires,
            now,
        })
    }
}
