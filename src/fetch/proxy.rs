//! Which proxy a URL is asked for through: `HTTP_PROXY`, `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY`, as curl reads them.

use std::collections::BTreeMap;

/// What the environment says of proxies. Names in small letters win; a URL here may hold a password, so it is never shown.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Proxies {
    http: Option<String>,
    https: Option<String>,
    /// Hosts that are asked directly.
    direct: Vec<String>,
}

impl std::fmt::Debug for Proxies {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Proxies(***)")
    }
}

impl Proxies {
    /// From the variables of the environment that speak of proxies.
    pub fn of(variables: &BTreeMap<String, String>) -> Self {
        let one = |name: &str| {
            let found = variables
                .get(&name.to_lowercase())
                .or_else(|| variables.get(&name.to_uppercase()));
            found.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty())
        };
        let all = one("all_proxy");
        let names = one("no_proxy").unwrap_or_default().to_ascii_lowercase();
        let direct = names.split([',', ' ']).map(str::trim).filter(|name| !name.is_empty());
        Self {
            http: one("http_proxy").or_else(|| all.clone()),
            https: one("https_proxy").or(all),
            direct: direct
                .map(|name| name.trim_start_matches("*.").trim_start_matches('.').to_owned())
                .collect(),
        }
    }

    /// The proxy for a URL of this scheme and authority (`host` or `host:port`); none when it is asked directly.
    pub(super) fn for_host(&self, scheme: &str, host: &str, port: Option<u16>) -> Option<&str> {
        let host = host.trim_end_matches('.').to_ascii_lowercase();
        let is_named = |name: &String| match (name.as_str(), name.rsplit_once(':')) {
            ("*", _) => true,
            (_, Some((name, of))) if !name.contains(':') && of.parse() == Ok(port.unwrap_or(0)) => {
                is_below(&host, name)
            }
            (name, _) => is_below(&host, name),
        };
        if self.direct.iter().any(is_named) {
            return None;
        }
        match scheme {
            "https" => self.https.as_deref(),
            _ => self.http.as_deref(),
        }
    }
}

fn is_below(host: &str, name: &str) -> bool {
    host.strip_suffix(name)
        .is_some_and(|before| before.is_empty() || before.ends_with('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(variables: &[(&str, &str)]) -> Proxies {
        Proxies::of(
            &variables
                .iter()
                .map(|(name, value)| ((*name).into(), (*value).into()))
                .collect(),
        )
    }

    #[test]
    fn each_scheme_has_its_proxy() {
        let proxies = with(&[
            ("HTTP_PROXY", "http://a:1"),
            ("https_proxy", "http://b:2"),
            ("HTTPS_PROXY", "http://c:3"),
        ]);
        assert_eq!(proxies.for_host("http", "host", None), Some("http://a:1"));
        assert_eq!(proxies.for_host("https", "host", None), Some("http://b:2"));
        assert_eq!(with(&[("HTTPS_PROXY", "b")]).for_host("http", "host", None), None);
        assert_eq!(with(&[("ALL_PROXY", "b")]).for_host("https", "host", None), Some("b"));
        assert_eq!(with(&[("http_proxy", " ")]).for_host("http", "host", None), None);
    }

    #[test]
    fn hosts_that_are_asked_directly() {
        let direct = |names: &str, host: &str, port| {
            with(&[("ALL_PROXY", "p"), ("NO_PROXY", names)])
                .for_host("http", host, port)
                .is_none()
        };
        for (names, host) in [
            ("*", "host"),
            ("localhost, example.org", "example.org"),
            ("example.org", "a.b.Example.ORG"),
            (".example.org", "a.example.org"),
            ("*.example.org", "a.example.org"),
            ("127.0.0.1", "127.0.0.1"),
        ] {
            assert!(direct(names, host, None), "{names} {host}");
        }
        for (names, host) in [
            ("example.org", "badexample.org"),
            ("a.example.org", "example.org"),
            ("", "host"),
        ] {
            assert!(!direct(names, host, None), "{names} {host}");
        }
        assert!(direct("host:8080", "host", Some(8080)));
        assert!(!direct("host:8080", "host", Some(80)));
    }

    #[test]
    fn a_password_is_not_shown() {
        assert!(!format!("{:?}", with(&[("http_proxy", "http://me:secret@p")])).contains("secret"));
    }
}
