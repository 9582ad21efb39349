//! Where files are put, as it is written: `s3://bucket/folder`, `sftp://[user@]host[:port]/folder`. Never with a password.

use std::fmt;
use std::str::FromStr;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Destination(Place);

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Place {
    /// The prefix without slashes around it.
    Bucket {
        bucket: String,
        prefix: String,
    },
    Sftp(Remote),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Remote {
    pub user: Option<String>,
    pub host: String,
    pub port: Option<u16>,
    /// Begins with a slash, ends without.
    pub path: String,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DestinationError {
    #[error("`{0}` is not a place to publish to: expected s3://bucket/folder or sftp://[user@]host[:port]/folder")]
    Shape(String),
    #[error(
        "a place holds no password (`…@{0}`): it is shown and kept in histories; use a key or the variables of the environment"
    )]
    Password(String),
}

impl Destination {
    pub(super) fn place(&self) -> &Place {
        &self.0
    }
}

impl FromStr for Destination {
    type Err = DestinationError;

    fn from_str(text: &str) -> Result<Self, DestinationError> {
        let shape = || DestinationError::Shape(text.to_owned());
        let (scheme, rest) = text.split_once("://").ok_or_else(shape)?;
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        let (user, host) = match authority.rsplit_once('@') {
            Some((user, host)) if user.contains(':') => return Err(DestinationError::Password(host.to_owned())),
            Some((user, host)) => (Some(user), host),
            None => (None, authority),
        };
        let path = path.trim_matches('/');
        if !is_plain_path(path) {
            return Err(shape());
        }
        match (scheme, user) {
            ("s3", None) if is_bucket(host) => Ok(Self(Place::Bucket {
                bucket: host.to_owned(),
                prefix: path.to_owned(),
            })),
            ("s3", Some(_)) => Err(DestinationError::Password(host.to_owned())),
            ("sftp", user) => {
                let (host, port) = host_and_port(host).ok_or_else(shape)?;
                if path.is_empty() || user.is_some_and(|user| !is_word(user)) {
                    return Err(shape());
                }
                Ok(Self(Place::Sftp(Remote {
                    user: user.map(str::to_owned),
                    host: host.to_owned(),
                    port,
                    path: format!("/{path}"),
                })))
            }
            _ => Err(shape()),
        }
    }
}

fn is_plain_path(path: &str) -> bool {
    let plain = |b: u8| b.is_ascii_graphic() && !b"?#%\\".contains(&b);
    let parts = path.split('/').all(|part| !matches!(part, "" | "." | ".."));
    path.is_empty() || (path.bytes().all(plain) && parts)
}

fn is_bucket(name: &str) -> bool {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-.".contains(&b);
    (3..=63).contains(&name.len()) && name.bytes().all(plain)
}

/// What begins with a dash could be taken for an option of a command.
fn is_word(text: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-._".contains(&b);
    !text.is_empty() && !text.starts_with('-') && text.bytes().all(plain)
}

/// A name, an IPv4 address, or an IPv6 address in brackets, which come off.
fn host_and_port(text: &str) -> Option<(&str, Option<u16>)> {
    let (host, port) = match text.strip_prefix('[') {
        Some(rest) => {
            let (host, after) = rest.split_once(']')?;
            host.parse::<std::net::Ipv6Addr>().ok()?;
            (host, after.strip_prefix(':').or((!after.is_empty()).then_some("?")))
        }
        None => match text.rsplit_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (text, None),
        },
    };
    let port = port.map(str::parse::<u16>).transpose().ok()?.filter(|port| *port > 0);
    (text.starts_with('[') || is_word(host)).then_some((host, port))
}

impl fmt::Display for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Place::Bucket { bucket, prefix } if prefix.is_empty() => write!(f, "s3://{bucket}"),
            Place::Bucket { bucket, prefix } => write!(f, "s3://{bucket}/{prefix}"),
            Place::Sftp(remote) => remote.fmt(f),
        }
    }
}

impl fmt::Display for Remote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("sftp://")?;
        if let Some(user) = &self.user {
            write!(f, "{user}@")?;
        }
        match self.host.contains(':') {
            true => write!(f, "[{}]", self.host)?,
            false => f.write_str(&self.host)?,
        }
        if let Some(port) = self.port {
            write!(f, ":{port}")?;
        }
        f.write_str(&self.path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_read_and_shown_alike() {
        for text in [
            "s3://my-bucket",
            "s3://my.bucket/a/b",
            "sftp://host/srv/repo",
            "sftp://me@host.example.org:2222/srv/repo",
            "sftp://[::1]:22/r",
        ] {
            assert_eq!(text.parse::<Destination>().unwrap().to_string(), text);
        }
        assert_eq!(
            "s3://my-bucket/a/".parse::<Destination>().unwrap().to_string(),
            "s3://my-bucket/a"
        );
    }

    #[test]
    fn what_is_not_a_place_is_refused_and_a_password_never_shown() {
        for bad in [
            "",
            "/srv/repo",
            "https://host/a",
            "s3://",
            "s3://A/b",
            "s3://bucket/../a",
            "s3://bucket/a?x",
            "sftp://host",
            "sftp:///a",
            "sftp://-oProxyCommand=x/a",
            "sftp://-l@host/a",
            "sftp://host:0x/a",
            "sftp://[::1/a",
            "sftp://[::1]x/a",
            "sftp://host/a b",
            "sftp://host/a/./b",
        ] {
            assert!(bad.parse::<Destination>().is_err(), "{bad}");
        }
        for text in [
            "sftp://me:secret@host/a",
            "s3://me:secret@bucket/a",
            "s3://secret@bucket",
        ] {
            let error = text.parse::<Destination>().unwrap_err();
            assert!(!format!("{error} {error:?}").contains("secret"), "{error}");
        }
    }
}
