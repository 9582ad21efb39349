//! What a tool is told of who asks, as its environment and, for secrets, a file in memory: arguments are seen by every user of the machine,
//! the environment lands in core dumps and is inherited, and a file on disk stays when NetLink is killed.

use std::collections::BTreeMap;

use zeroize::Zeroizing;

use super::{Result, Server};
use crate::disk::MemoryFile;
use crate::host;
use crate::release::{ServerPlace, TlsMode};

/// Seconds until a server is reached.
const CONNECT: u32 = 15;

/// Lives as long as the tool runs.
pub struct Credentials {
    file: Option<MemoryFile>,
    pub env: BTreeMap<String, String>,
}

impl Credentials {
    /// For PostgreSQL, whose tools take all of it from the environment and a password file.
    pub fn of_postgresql(server: &Server, database: &str) -> Result<Self> {
        let login = &server.login;
        let mut env = host::command_mark(&server.root);
        let mut set = |name: &str, value: &str| env.insert(name.to_owned(), value.to_owned());
        set("PGDATABASE", database);
        set("PGCONNECT_TIMEOUT", &CONNECT.to_string());
        set("PGAPPNAME", "netlink");
        if let Some(user) = &login.user {
            set("PGUSER", user);
        }
        let port = match &login.place {
            ServerPlace::Default => None,
            ServerPlace::Host { name, port } => {
                set("PGHOST", name);
                *port
            }
            ServerPlace::Socket { path, port } => {
                set("PGHOST", path);
                *port
            }
        };
        if let Some(port) = port {
            set("PGPORT", &port.to_string());
        }
        if let Some(mode) = login.tls.mode {
            set("PGSSLMODE", mode.name());
        }
        if let Some(authorities) = &login.tls.authorities {
            set("PGSSLROOTCERT", authorities);
        }
        let file = match &login.password {
            // Then the operator's own ~/.pgpass may have it.
            None => None,
            Some(password) => Some(MemoryFile::new(&pass_line(password.expose()))?),
        };
        if let Some(file) = &file {
            set("PGPASSFILE", &file.path().display().to_string());
        }
        Ok(Self { file, env })
    }

    /// The sessions are seen on the server under this name.
    #[must_use]
    pub fn named(mut self, name: &str) -> Self {
        self.env.insert("PGAPPNAME".into(), name.to_owned());
        self
    }

    /// For MySQL and MariaDB, whose tools take all of it from an option file: the only one that they then read.
    pub fn of_mysql(server: &Server, flavor: super::mysql::Flavor) -> Result<Self> {
        let login = &server.login;
        let mut text = Zeroizing::new(Vec::with_capacity(4096));
        let mut set = |name: &str, value: &[u8]| {
            text.extend_from_slice(name.as_bytes());
            text.extend_from_slice(b"=\"");
            for byte in value {
                if matches!(byte, b'"' | b'\\') {
                    text.push(b'\\');
                }
                text.push(*byte);
            }
            text.extend_from_slice(b"\"\n");
        };
        if let Some(user) = &login.user {
            set("user", user.as_bytes());
        }
        if let Some(password) = &login.password {
            set("password", password.expose());
        }
        match &login.place {
            ServerPlace::Default => {}
            ServerPlace::Socket { path, .. } => {
                set("socket", path.as_bytes());
                set("protocol", b"socket");
            }
            ServerPlace::Host { name, port } => {
                set("host", name.as_bytes());
                // The tools take `localhost` alone for the socket, as the libraries of most products do.
                if name != "localhost" || port.is_some() {
                    set("protocol", b"tcp");
                }
                if let Some(port) = port {
                    set("port", port.to_string().as_bytes());
                }
            }
        }
        if let Some(authorities) = &login.tls.authorities {
            set("ssl-ca", authorities.as_bytes());
        }
        let mut content = Zeroizing::new(Vec::with_capacity(8192));
        content.extend_from_slice(b"[client]\n");
        content.extend_from_slice(&text);
        content.extend_from_slice(tls_lines(flavor, login.tls.mode).as_bytes());
        // The tool that dumps does not know this one.
        content.extend_from_slice(format!("[mysql]\nconnect-timeout={CONNECT}\n").as_bytes());
        Ok(Self {
            file: Some(MemoryFile::new(&content)?),
            env: host::command_mark(&server.root),
        })
    }

    /// The argument that names the option file; it must come first.
    pub fn option_file(&self) -> String {
        let path = self.file.as_ref().map(MemoryFile::path);
        format!("--defaults-file={}", path.unwrap_or("/dev/null".as_ref()).display())
    }
}

fn tls_lines(flavor: super::mysql::Flavor, mode: Option<TlsMode>) -> String {
    use super::mysql::Flavor::{MariaDb, MySql};
    let Some(mode) = mode else { return String::new() };
    let lines = match (flavor, mode) {
        (MariaDb, TlsMode::Disable) => "skip-ssl\n",
        (MariaDb, TlsMode::Prefer) => "",
        (MariaDb, TlsMode::Require) => "ssl\n",
        (MariaDb, TlsMode::VerifyCa | TlsMode::VerifyFull) => "ssl\nssl-verify-server-cert\n",
        (MySql, TlsMode::Disable) => "ssl-mode=DISABLED\n",
        (MySql, TlsMode::Prefer) => "ssl-mode=PREFERRED\n",
        (MySql, TlsMode::Require) => "ssl-mode=REQUIRED\n",
        (MySql, TlsMode::VerifyCa) => "ssl-mode=VERIFY_CA\n",
        (MySql, TlsMode::VerifyFull) => "ssl-mode=VERIFY_IDENTITY\n",
    };
    lines.to_owned()
}

/// A line of a password file that is for whatever is asked.
fn pass_line(password: &[u8]) -> Zeroizing<Vec<u8>> {
    let mut line = Zeroizing::new(Vec::with_capacity(2 * password.len() + 16));
    line.extend_from_slice(b"*:*:*:*:");
    for byte in password {
        if matches!(byte, b':' | b'\\') {
            line.push(b'\\');
        }
        line.push(*byte);
    }
    line.push(b'\n');
    line
}
