//! A web server that is told of something, and answers as a test wants it to.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

const PATIENCE: Duration = Duration::from_secs(60);

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    Status(u16),
    /// With these lines in the head.
    Head(u16, String),
    /// Nothing, until the other side gives up.
    Silence,
    /// A byte of the head now and then.
    Drip,
    /// A yes with a body that does not end.
    Endless,
    /// A head that does not end.
    EndlessHead,
}

/// A request as it came.
#[derive(Debug, Clone)]
pub struct Told {
    pub path: String,
    pub headers: Vec<(String, String)>,
    pub text: String,
    pub body: Value,
}

impl Told {
    pub fn header(&self, name: &str) -> &str {
        let found = self.headers.iter().find(|(known, _)| known == name);
        found.map_or("", |(_, value)| value)
    }

    /// `update.completed` of `netlink.update.completed`.
    pub fn kind(&self) -> &str {
        let kind = self.body["type"].as_str().unwrap();
        kind.strip_prefix("netlink.").unwrap()
    }
}

#[derive(Default)]
struct State {
    /// The answer to each request; the last one stays.
    answers: Vec<Answer>,
    told: Vec<Told>,
    /// Bytes of an endless answer that were taken.
    taken: usize,
}

pub struct Receiver {
    pub address: SocketAddr,
    state: Arc<(Mutex<State>, Condvar)>,
}

impl Receiver {
    pub fn start() -> Self {
        Self::listen(TcpListener::bind("127.0.0.1:0").unwrap())
    }

    /// At an address where nobody listens any more.
    pub fn start_at(address: SocketAddr) -> Self {
        Self::listen(TcpListener::bind(address).unwrap())
    }

    fn listen(listener: TcpListener) -> Self {
        let address = listener.local_addr().unwrap();
        let state: Arc<(Mutex<State>, Condvar)> = Arc::default();
        state.0.lock().unwrap().answers.push(Answer::Status(204));
        let shared = Arc::clone(&state);
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let shared = Arc::clone(&shared);
                thread::spawn(move || answer(stream, &shared));
            }
        });
        Self { address, state }
    }

    pub fn url(&self) -> String {
        format!("http://{}/hook", self.address)
    }

    pub fn answers(&self, answers: &[Answer]) {
        self.state.0.lock().unwrap().answers = answers.to_vec();
    }

    pub fn told(&self) -> Vec<Told> {
        self.state.0.lock().unwrap().told.clone()
    }

    pub fn kinds(&self) -> Vec<String> {
        self.told().iter().map(|told| told.kind().to_owned()).collect()
    }

    pub fn taken(&self) -> usize {
        self.state.0.lock().unwrap().taken
    }

    /// Waits until so many requests have come.
    #[track_caller]
    pub fn wait_for(&self, count: usize) -> Vec<Told> {
        self.wait(&format!("{count} requests"), |told| told.len() >= count)
    }

    #[track_caller]
    pub fn wait(&self, what: &str, wanted: impl Fn(&[Told]) -> bool) -> Vec<Told> {
        let (began, (state, changed)) = (Instant::now(), &*self.state);
        let mut now = state.lock().unwrap();
        while !wanted(&now.told) {
            assert!(began.elapsed() < PATIENCE, "no {what}: {:#?}", now.told);
            now = changed.wait_timeout(now, Duration::from_millis(100)).unwrap().0;
        }
        now.told.clone()
    }
}

fn answer(stream: TcpStream, shared: &(Mutex<State>, Condvar)) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let Some(told) = read(&mut reader) else { return };
    let answer = {
        let mut state = shared.0.lock().unwrap();
        state.told.push(told);
        shared.1.notify_all();
        match state.answers.len() {
            1 => state.answers[0].clone(),
            _ => state.answers.remove(0),
        }
    };
    give(stream, &answer, shared);
}

fn read(reader: &mut BufReader<TcpStream>) -> Option<Told> {
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let path = line.split(' ').nth(1)?.to_owned();
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        match line.trim().split_once(": ") {
            Some((name, value)) => headers.push((name.to_lowercase(), value.to_owned())),
            None => break,
        }
    }
    let length = headers.iter().find(|(name, _)| name == "content-length");
    let mut body = vec![0; length?.1.parse().ok()?];
    reader.read_exact(&mut body).ok()?;
    let text = String::from_utf8(body).ok()?;
    Some(Told {
        path,
        headers,
        body: serde_json::from_str(&text).ok()?,
        text,
    })
}

fn give(mut stream: TcpStream, answer: &Answer, shared: &(Mutex<State>, Condvar)) {
    let head = |status: u16, lines: &str| format!("HTTP/1.1 {status} x\r\n{lines}connection: close\r\n");
    match answer {
        Answer::Status(status) => drop(write!(stream, "{}content-length: 0\r\n\r\n", head(*status, ""))),
        Answer::Head(status, lines) => {
            drop(write!(
                stream,
                "{}content-length: 0\r\n\r\n",
                head(*status, &format!("{lines}\r\n"))
            ));
        }
        Answer::Silence => drop(stream.read(&mut [0])),
        Answer::Drip => {
            let drops = format!("{}x-more: ", head(200, "")).into_bytes();
            for byte in drops.into_iter().chain(std::iter::repeat(b'a')) {
                if stream.write_all(&[byte]).is_err() {
                    return;
                }
                thread::sleep(Duration::from_millis(20));
            }
        }
        Answer::Endless => {
            let _ = write!(stream, "{}content-length: 1000000000000\r\n\r\n", head(200, ""));
            count_taken(&mut stream, &[b'a'; 1 << 16], shared);
        }
        Answer::EndlessHead => {
            let _ = write!(stream, "{}", head(200, ""));
            count_taken(&mut stream, b"x-more: and more\r\n", shared);
        }
    }
}

fn count_taken(stream: &mut TcpStream, piece: &[u8], shared: &(Mutex<State>, Condvar)) {
    while stream.write_all(piece).is_ok() {
        shared.0.lock().unwrap().taken += piece.len();
    }
}
