//! An installation whose server listens at a socket alone, and relays in front of it that run as the user `nobody`.

use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddrV4, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use rustix::net::{AddressFamily, SocketType, bind, connect, socket};
use tempfile::TempDir;
use ureq::tls::TlsConfig;

use crate::rest::lamp;
use crate::rest::server::{Begun, Server};
use crate::world::{Installation, netlink, put};

pub const PATIENCE: Duration = Duration::from_secs(60);

pub struct Scene {
    /// Ends before its folder goes.
    pub installation: Installation,
    pub dir: TempDir,
    pub socket: PathBuf,
}

impl Scene {
    pub fn new() -> Self {
        Self::with("")
    }

    /// With more of the section `server`.
    pub fn with(more: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        // Others come to what is theirs in it.
        open_to_all(dir.path(), 0o755);
        let installation = lamp(dir.path());
        let socket = dir.path().join("lamp.sock");
        let text = format!(
            "server: {{socket: '{}', relay_user: nobody, changes_per_minute: 0{more}}}\n",
            socket.display()
        );
        put(&installation.path("config/update.yml"), &text, 0o644);
        Self {
            dir,
            installation,
            socket,
        }
    }

    /// The server, asked through this relay.
    #[track_caller]
    pub fn server(&self, relay: &Begun) -> Server {
        Server::behind(&self.installation, &relay.base, TlsConfig::default())
    }

    #[track_caller]
    pub fn relay(&self) -> Begun {
        self.relay_at("127.0.0.1:0", &[])
    }

    #[track_caller]
    pub fn relay_at(&self, address: &str, args: &[&str]) -> Begun {
        Begun::of(self.relay_command(address, args))
    }

    pub fn relay_command(&self, address: &str, args: &[&str]) -> Command {
        let socket = self.socket.to_str().unwrap();
        let serve = ["serve", "--through", socket, "--listen", address];
        let mut command = as_user("nobody", &binary());
        command.args(serve).args(args).current_dir("/");
        command
    }

    pub fn token(&self) -> String {
        self.installation.text(".netlink/token").trim().to_owned()
    }
}

pub fn open_to_all(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

/// The binary at a place where every user can run it.
fn binary() -> PathBuf {
    static PLACE: OnceLock<PathBuf> = OnceLock::new();
    let place = PLACE.get_or_init(|| {
        let reached = as_user("nobody", Path::new("test")).arg("-x").arg(netlink()).status();
        if reached.unwrap().success() {
            return netlink();
        }
        let copy = std::env::temp_dir().join(format!("netlink-{}", std::process::id()));
        fs::copy(netlink(), &copy).unwrap();
        copy
    });
    place.clone()
}

/// A command that this user runs; the tests themselves run as root.
pub fn as_user(name: &str, program: &Path) -> Command {
    let user = netlink::host::User::named(name).unwrap();
    let mut command = Command::new("setpriv");
    command
        .args([format!("--reuid={}", user.id), format!("--regid={}", user.group)])
        .arg("--clear-groups")
        .arg(program);
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("NETLINK_")) {
        command.env_remove(name);
    }
    command
}

/// All that comes back for these bytes, until the other side closes.
pub fn told(mut stream: impl Read + Write, bytes: &[u8]) -> String {
    // The other side may be done before all of it is sent.
    let _ = stream.write_all(bytes);
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8_lossy(&answer).into_owned()
}

/// Where a relay listens, as `127.0.0.1:8690`.
pub fn address(relay: &Begun) -> String {
    relay.base.split_once("://").unwrap().1.to_owned()
}

pub fn to(relay: &Begun) -> TcpStream {
    let stream = TcpStream::connect(address(relay)).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream
}

/// A connection that comes from this address of the machine.
pub fn from_to(own: &str, relay: &Begun) -> TcpStream {
    let fd = socket(AddressFamily::INET, SocketType::STREAM, None).unwrap();
    bind(&fd, &SocketAddrV4::new(own.parse().unwrap(), 0)).unwrap();
    let there: SocketAddrV4 = address(relay).parse().unwrap();
    connect(&fd, &there).unwrap();
    TcpStream::from(fd)
}

#[track_caller]
pub fn wait_for(wished: impl Fn() -> bool) {
    let began = Instant::now();
    while !wished() {
        assert!(began.elapsed() < PATIENCE);
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Lines of live events that the server holds.
pub fn watchers(server: &Server) -> u32 {
    let metrics = server.get("/metrics").is(200).text;
    let line = metrics
        .lines()
        .find_map(|line| line.strip_prefix("netlink_event_watchers "));
    line.unwrap().parse().unwrap()
}
