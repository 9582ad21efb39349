//! Tokens of the server: made, listed, revoked. The text of a token is shown once and kept nowhere.

use std::path::Path;

use jiff::{SignedDuration, Span, SpanRelativeTo, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{AppError, Installation, Result};
use crate::crypt::{self, Secret, digest_of};
use crate::store::{Role, TokenRecord};
use crate::{clock, disk};

/// Tells our tokens from others, also to programs that look for leaked ones.
const KIND: &str = "nlk";
const TOKEN_LIMIT: u64 = 4096;
const NAME_LIMIT: usize = 100;
/// A token that lives longer than that is one that does not expire.
const LONGEST_LIFE: SignedDuration = SignedDuration::from_hours(100 * 366 * 24);

/// Which token is wanted.
#[derive(Debug, Clone)]
pub struct TokenWanted {
    pub role: Role,
    pub name: String,
    /// Until it expires; never without.
    pub life: Option<SignedDuration>,
}

/// A token that was just made; nobody can show its text again.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct NewToken {
    /// To be sent as `Authorization: Bearer <token>`.
    pub token: String,
    #[serde(flatten)]
    pub record: TokenRecord,
}

pub fn create_token(installation: &Installation, wanted: &TokenWanted, by: &str) -> Result<NewToken> {
    let (token, record) = draw(wanted, by)?;
    installation.store.add_token(&record, &digest(&token))?;
    Ok(NewToken { token, record })
}

/// Oldest first, also those that expired or were revoked.
pub fn list_tokens(installation: &Installation) -> Result<Vec<TokenRecord>> {
    Ok(installation.store.tokens()?)
}

/// Lets in nobody with it from now on; repeatable.
pub fn revoke_token(installation: &Installation, prefix: &str) -> Result<TokenRecord> {
    let unknown = || {
        let message = "no token has this prefix; `netlink token list` shows them all";
        AppError::said("NL0712", message)
    };
    installation.store.token(prefix)?.ok_or_else(unknown)?;
    installation.store.revoke_token(prefix, clock::now())?;
    installation.store.token(prefix)?.ok_or_else(unknown)
}

/// At the first start of a server there is an administrator's token, in a file that only the owner can read. One that an earlier
/// NetLink left there counts from now on as such a token.
pub fn first_token(installation: &Installation) -> Result<()> {
    if !installation.store.tokens()?.is_empty() {
        return Ok(());
    }
    let path = installation.layout.token();
    let wanted = TokenWanted {
        role: Role::Admin,
        name: "first".into(),
        life: None,
    };
    let (drawn, record) = draw(&wanted, "netlink serve")?;
    // The file comes first: a crash in between finds it here again.
    let (token, prefix) = match disk::read_text_limited(&path, TOKEN_LIMIT) {
        Ok(text) if text.trim().len() >= 32 => {
            let token = text.trim().to_owned();
            let prefix = prefix_of(&token).map_or_else(|| record.prefix.clone(), str::to_owned);
            (token, prefix)
        }
        Ok(_) => {
            let message = format!("{} is too short for a token; remove it and start again", path.display());
            return Err(AppError::said("NL0704", message));
        }
        Err(e) if e.is_missing() => {
            disk::write_atomic(&path, format!("{drawn}\n").as_bytes(), 0o600)?;
            (drawn, record.prefix.clone())
        }
        Err(e) => return Err(e.into()),
    };
    let record = TokenRecord { prefix, ..record };
    installation.store.add_token(&record, &digest(&token))?;
    Ok(())
}

/// How a token is found: by the SHA-256 of its text.
pub fn digest(token: &str) -> String {
    digest_of(token.as_bytes()).to_string()
}

fn draw(wanted: &TokenWanted, by: &str) -> Result<(String, TokenRecord)> {
    let created_at = clock::now();
    let prefix = format!("{KIND}_{}", hex::encode(crypt::random::<4>()));
    let token = format!("{prefix}_{}", hex::encode(crypt::random::<32>()));
    let record = TokenRecord {
        prefix,
        name: named(&wanted.name)?,
        role: wanted.role,
        created_at,
        created_by: by.to_owned(),
        expires_at: wanted.life.map(|life| expiry(created_at, life)).transpose()?,
        revoked_at: None,
        last_used_at: None,
    };
    Ok((token, record))
}

/// `24h`, `90d`, `1w 2d`: how long a token lives.
pub fn token_life(text: &str) -> Result<SignedDuration> {
    let day = SpanRelativeTo::days_are_24_hours();
    let life = text.parse::<Span>().and_then(|span| span.to_duration(day));
    life.map_err(|_| {
        AppError::said(
            "NL0711",
            format!("`{text}` is no length of time: expected e.g. `24h`, `90d`"),
        )
    })
}

/// A token that somebody has put into a file.
pub fn read_token_file(path: &Path) -> Result<Secret> {
    let text = disk::read_limited(path, TOKEN_LIMIT)?;
    Ok(Secret::new(text.trim_ascii().to_vec()))
}

fn named(name: &str) -> Result<String> {
    let name = name.trim();
    if name.is_empty() || name.chars().count() > NAME_LIMIT || name.chars().any(char::is_control) {
        let message = format!("a token is named by what it is for, in 1 to {NAME_LIMIT} characters of one line");
        return Err(AppError::said("NL0711", message));
    }
    Ok(name.to_owned())
}

fn expiry(from: Timestamp, life: SignedDuration) -> Result<Timestamp> {
    let refuse = || {
        let message = "a token lives for more than nothing and at most 100 years, e.g. `24h`, `90d`";
        AppError::said("NL0711", message)
    };
    if life <= SignedDuration::ZERO || life > LONGEST_LIFE {
        return Err(refuse());
    }
    from.checked_add(life).map_err(|_| refuse())
}

/// `nlk_1f2e3d4c` of `nlk_1f2e3d4c_…`.
fn prefix_of(token: &str) -> Option<&str> {
    let (prefix, rest) = token.rsplit_once('_')?;
    let id = prefix.strip_prefix(KIND)?.strip_prefix('_')?;
    let is_hex = |text: &str, length| text.len() == length && text.bytes().all(|b| b.is_ascii_hexdigit());
    (is_hex(id, 8) && is_hex(rest, 64)).then_some(prefix)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_begins_as_it_is_listed_and_has_256_random_bits() {
        let wanted = TokenWanted {
            role: Role::Viewer,
            name: " dashboard ".into(),
            life: Some(SignedDuration::from_hours(1)),
        };
        let (token, record) = draw(&wanted, "somebody").unwrap();
        assert_eq!(prefix_of(&token), Some(record.prefix.as_str()));
        assert_eq!(token.len(), 4 + 8 + 1 + 64);
        assert_eq!(record.name, "dashboard");
        assert_ne!(draw(&wanted, "somebody").unwrap().0, token);
        assert_eq!(prefix_of(&token[1..]), None);
    }

    #[test]
    fn names_and_lives_that_cannot_be_are_refused() {
        for name in ["", "  ", "a\nb", &"x".repeat(101)] {
            assert!(named(name).is_err(), "{name:?}");
        }
        for life in [SignedDuration::ZERO, SignedDuration::from_secs(-1), SignedDuration::MAX] {
            assert!(expiry(clock::now(), life).is_err(), "{life}");
        }
        assert_eq!(token_life("1w 2d").unwrap(), SignedDuration::from_hours(9 * 24));
        for life in ["", "3", "1 month", "soon"] {
            assert!(token_life(life).is_err(), "{life}");
        }
    }
}
