//! Where another server is: an address of the web, or a socket on this machine.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use ureq::http::Uri;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ServerPlace {
    /// Without a slash at its end.
    Web {
        address: String,
        is_encrypted: bool,
    },
    Socket(PathBuf),
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{text}` is not the address of a server: {reason}; expected e.g. `https://box.example:8690` or `unix:/run/netlink/lamp.sock`"
)]
pub struct ServerPlaceError {
    text: String,
    reason: &'static str,
}

impl FromStr for ServerPlace {
    type Err = ServerPlaceError;

    fn from_str(text: &str) -> Result<Self, ServerPlaceError> {
        let wrong = |reason| ServerPlaceError {
            // It may hold what somebody took for a password.
            text: text.rsplit('@').next().unwrap_or_default().to_owned(),
            reason,
        };
        if let Some(path) = text.strip_prefix("unix:") {
            let path = path.strip_prefix("//").unwrap_or(path);
            return match path.starts_with('/') && path.len() > 1 {
                true => Ok(Self::Socket(path.into())),
                false => Err(wrong("the path of a socket begins with `/`")),
            };
        }
        let uri: Uri = text.parse().map_err(|_| wrong("it is no URL"))?;
        let is_encrypted = match uri.scheme_str() {
            Some("https") => true,
            Some("http") => false,
            _ => return Err(wrong("it begins with none of `https://`, `http://` and `unix:`")),
        };
        let authority = uri.authority().ok_or_else(|| wrong("it names no host"))?;
        if authority.as_str().contains('@') {
            return Err(wrong("it has a user or a password; a token goes with `--token-file`"));
        }
        if uri.query().is_some() || text.contains('#') {
            return Err(wrong("it has more than a host, a port and a path"));
        }
        let address = text.trim_end_matches('/').to_owned();
        Ok(Self::Web { address, is_encrypted })
    }
}

impl fmt::Display for ServerPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Web { address, .. } => f.write_str(address),
            Self::Socket(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_and_sockets_are_told_apart() {
        let shown = |text: &str| text.parse::<ServerPlace>().map(|place| place.to_string());
        assert_eq!(shown("https://box:8690/").unwrap(), "https://box:8690");
        assert_eq!(shown("http://[::1]:8690/lamp/").unwrap(), "http://[::1]:8690/lamp");
        assert_eq!(shown("unix:/run/a.sock").unwrap(), "unix:/run/a.sock");
        assert_eq!(shown("unix:///run/a.sock").unwrap(), "unix:/run/a.sock");
        for wrong in [
            "",
            "box:8690",
            "ftp://box",
            "unix:a.sock",
            "unix:/",
            "unix:",
            "http://",
            "http://box/?a=b",
            "https://u:secret@box",
        ] {
            let said = shown(wrong).unwrap_err().to_string();
            assert!(!said.contains("secret"), "{said}");
        }
    }
}
