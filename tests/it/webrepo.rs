//! A web server that gives the files of a repository, and packages in whatever bad way a test wants.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use rustls::pki_types::PrivateKeyDer;
use rustls::{ServerConfig, ServerConnection, StreamOwned};

/// What a request gets.
#[derive(Debug, Clone)]
pub enum Way {
    Honest,
    /// So many bytes of the answer, then the connection ends. The next request is answered honestly.
    CutOnce(usize),
    /// Up to this byte of the file, then nothing, with the connection open.
    Stall(usize),
    /// A quarter of a MiB ten times a second.
    Slow,
    /// A byte now and then.
    Drip,
    /// The whole file, whatever range is asked for.
    NoRange,
    /// As if no range of the file existed.
    NotSatisfiable,
    Status(&'static str),
    /// One byte less or more than the file has, and announced so.
    Shorter,
    Longer,
    /// Announced rightly, ended early.
    Truncated,
    /// Never ends and does not announce how long it is.
    Endless,
    /// As long as the file, with other bytes.
    Forged,
    /// To this address and the same path; to itself when empty.
    Redirect(String),
}

const PACKAGE: &str = ".tar.zst";

trait Stream: Read + Write + Send {}
impl<T: Read + Write + Send> Stream for T {}

pub struct WebRepo {
    pub url: String,
    /// With the ending of the names that it is for.
    way: Arc<Mutex<(&'static str, Way)>>,
    asked: Arc<Mutex<Vec<String>>>,
}

/// A certificate for 127.0.0.1, in a file that a client can be told to trust.
pub struct Tls {
    pub file: PathBuf,
    config: Arc<ServerConfig>,
}

impl Tls {
    pub fn new(dir: &Path) -> Self {
        let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
        let file = dir.join("trusted.pem");
        fs::write(&file, made.cert.pem()).unwrap();
        let key = PrivateKeyDer::Pkcs8(made.signing_key.serialize_der().into());
        let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![made.cert.der().clone()], key)
            .unwrap();
        Self {
            file,
            config: Arc::new(config),
        }
    }
}

impl WebRepo {
    pub fn of(folder: &Path) -> Self {
        Self::start(folder, None)
    }

    pub fn with_tls(folder: &Path, tls: &Tls) -> Self {
        Self::start(folder, Some(Arc::clone(&tls.config)))
    }

    fn start(folder: &Path, tls: Option<Arc<ServerConfig>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let scheme = if tls.is_some() { "https" } else { "http" };
        let url = format!("{scheme}://{}", listener.local_addr().unwrap());
        let (way, asked) = (
            Arc::new(Mutex::new((PACKAGE, Way::Honest))),
            Arc::new(Mutex::new(Vec::new())),
        );
        let site = Site {
            folder: folder.to_path_buf(),
            way: Arc::clone(&way),
            asked: Arc::clone(&asked),
        };
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (site, tls) = (site.clone(), tls.clone());
                thread::spawn(move || site.serve(stream.unwrap(), tls));
            }
        });
        Self { url, way, asked }
    }

    /// For packages.
    pub fn set(&self, way: Way) {
        self.set_for(PACKAGE, way);
    }

    /// For files whose names end so, and for no others.
    pub fn set_for(&self, ending: &'static str, way: Way) {
        *self.way.lock().unwrap() = (ending, way);
    }

    /// The heads of all requests since the last look, in lower case.
    pub fn asked(&self) -> Vec<String> {
        std::mem::take(&mut self.asked.lock().unwrap())
    }

    /// Those of them that were for packages.
    pub fn asked_for_packages(&self) -> Vec<String> {
        let asked = self.asked();
        asked.into_iter().filter(|head| head.contains(".tar.zst")).collect()
    }
}

#[derive(Clone)]
struct Site {
    folder: PathBuf,
    way: Arc<Mutex<(&'static str, Way)>>,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Site {
    fn serve(&self, stream: TcpStream, tls: Option<Arc<ServerConfig>>) {
        let stream: Box<dyn Stream> = match tls {
            None => Box::new(stream),
            Some(config) => Box::new(StreamOwned::new(ServerConnection::new(config).unwrap(), stream)),
        };
        let mut stream = BufReader::new(stream);
        let mut head = String::new();
        while stream.read_line(&mut head).is_ok_and(|n| n > 2) {}
        if head.is_empty() {
            return;
        }
        let path = head.split([' ', '?']).nth(1).unwrap_or("/").to_owned();
        let head = head.to_lowercase();
        self.asked.lock().unwrap().push(head.clone());
        // The end of the connection ends the answer; how it went is what the test looks at on the other side.
        let _ = self.answer(stream.get_mut(), &path, &head);
    }

    fn answer(&self, out: &mut dyn Write, path: &str, head: &str) -> std::io::Result<()> {
        let relative = path.trim_start_matches("/bucket").trim_start_matches('/');
        let Ok(content) = fs::read(self.folder.join(relative)) else {
            return status(out, "404 Not Found", "", b"");
        };
        let way = self.way_for(path);
        let tag = format!("ETag: \"{:x}\"\r\n", content.len());
        match way {
            Way::Honest => whole_or_rest(out, head, &tag, &content, content.len()),
            Way::CutOnce(most) => whole_or_rest(out, head, &tag, &content, most),
            Way::Stall(until) => {
                whole_or_rest(out, head, &tag, &content, until.saturating_sub(from(head)))?;
                out.flush()?;
                thread::sleep(Duration::from_secs(60));
                Ok(())
            }
            Way::Drip => in_pieces(out, head, &tag, &content, (1, Duration::from_millis(50))),
            Way::Slow => in_pieces(out, head, &tag, &content, (256 * 1024, Duration::from_millis(100))),
            Way::NoRange => status(out, "200 OK", &tag, &content),
            Way::NotSatisfiable if head.contains("\r\nrange:") => status(out, "416 Range Not Satisfiable", "", b""),
            Way::NotSatisfiable => status(out, "200 OK", &tag, &content),
            Way::Status(line) => status(out, line, "", b""),
            Way::Shorter => status(out, "200 OK", &tag, &content[1..]),
            Way::Longer => status(out, "200 OK", &tag, &[&content[..], b"x"].concat()),
            Way::Truncated => whole_or_rest(out, "", "", &content, content.len() / 4),
            Way::Endless => {
                out.write_all(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")?;
                loop {
                    out.write_all(&content)?;
                }
            }
            Way::Forged => status(out, "200 OK", &tag, &vec![b'x'; content.len()]),
            Way::Redirect(to) => status(out, "302 Found", &format!("Location: {to}{path}\r\n"), b""),
        }
    }

    fn way_for(&self, path: &str) -> Way {
        let mut way = self.way.lock().unwrap();
        match &mut *way {
            (ending, _) if !path.ends_with(*ending) => Way::Honest,
            (_, way @ Way::CutOnce(_)) => std::mem::replace(way, Way::Honest),
            (_, way) => way.clone(),
        }
    }
}

fn status(out: &mut dyn Write, line: &str, headers: &str, body: &[u8]) -> std::io::Result<()> {
    let length = body.len();
    write!(
        out,
        "HTTP/1.1 {line}\r\nContent-Length: {length}\r\nConnection: close\r\n{headers}\r\n"
    )?;
    out.write_all(body)?;
    out.flush()
}

fn in_pieces(
    out: &mut dyn Write,
    head: &str,
    tag: &str,
    content: &[u8],
    (size, pause): (usize, Duration),
) -> std::io::Result<()> {
    whole_or_rest(out, head, tag, content, 0)?;
    for piece in content[from(head)..].chunks(size) {
        out.write_all(piece)?;
        out.flush()?;
        thread::sleep(pause);
    }
    Ok(())
}

/// The byte from which a request wants the file.
pub fn from(head: &str) -> usize {
    let range = head.split_once("\r\nrange: bytes=").map(|(_, rest)| rest);
    range.map_or(0, |rest| rest.split_once('-').unwrap().0.parse().unwrap())
}

/// At most `most` bytes of what is asked for, announced as if all came.
fn whole_or_rest(out: &mut dyn Write, head: &str, tag: &str, content: &[u8], most: usize) -> std::io::Result<()> {
    let from = from(head);
    let (line, length, end) = match from {
        0 => ("200 OK", content.len(), String::new()),
        _ => (
            "206 Partial Content",
            content.len() - from,
            format!(
                "Content-Range: bytes {from}-{}/{}\r\n",
                content.len() - 1,
                content.len()
            ),
        ),
    };
    write!(
        out,
        "HTTP/1.1 {line}\r\nContent-Length: {length}\r\nConnection: close\r\n{tag}{end}\r\n"
    )?;
    out.write_all(&content[from..][..most.min(length)])?;
    out.flush()
}

/// A proxy that makes connections as it is told, and says to where.
pub struct Proxy {
    pub url: String,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Proxy {
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&asked);
        thread::spawn(move || {
            for stream in listener.incoming() {
                let log = Arc::clone(&log);
                thread::spawn(move || tunnel(stream.unwrap(), &log));
            }
        });
        Self { url, asked }
    }

    pub fn asked(&self) -> Vec<String> {
        std::mem::take(&mut self.asked.lock().unwrap())
    }
}

fn tunnel(client: TcpStream, log: &Mutex<Vec<String>>) {
    let mut reader = BufReader::new(client.try_clone().unwrap());
    let mut head = String::new();
    while reader.read_line(&mut head).is_ok_and(|n| n > 2) {}
    log.lock()
        .unwrap()
        .push(head.lines().next().unwrap_or_default().to_owned());
    let Some(to) = head.strip_prefix("CONNECT ").and_then(|rest| rest.split(' ').next()) else {
        return;
    };
    let mut server = TcpStream::connect(to).unwrap();
    let mut client = client;
    client.write_all(b"HTTP/1.1 200 OK\r\n\r\n").unwrap();
    let (mut up, mut down) = (server.try_clone().unwrap(), client.try_clone().unwrap());
    thread::spawn(move || std::io::copy(&mut reader, &mut up));
    let _ = std::io::copy(&mut server, &mut down);
}
