//! A web server that answers each connection as its script says, and keeps what it was asked.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// What one connection gets; the last of a script is repeated.
#[derive(Debug, Clone)]
pub(super) enum Answer {
    /// These bytes, then the connection ends.
    Raw(Vec<u8>),
    /// These bytes, then silence with the connection open.
    ThenSilence(Vec<u8>),
    /// The head, then a byte again and again.
    Drip(Vec<u8>, Duration),
}

pub(super) struct Server {
    pub address: String,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Server {
    pub fn start(script: Vec<Answer>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&asked);
        thread::spawn(move || {
            for (n, stream) in listener.incoming().enumerate() {
                let answer = script[n.min(script.len() - 1)].clone();
                let log = Arc::clone(&log);
                thread::spawn(move || serve(stream.unwrap(), answer, &log));
            }
        });
        Self { address, asked }
    }

    /// The head of every request so far, in lower case.
    pub fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

fn serve(mut stream: TcpStream, answer: Answer, log: &Mutex<Vec<String>>) {
    let mut head = String::new();
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    while reader.read_line(&mut head).is_ok_and(|n| n > 2) {}
    log.lock().unwrap().push(head.to_lowercase());
    let enough = Duration::from_secs(5);
    match answer {
        Answer::Raw(bytes) => drop(stream.write_all(&bytes)),
        Answer::ThenSilence(bytes) => {
            drop(stream.write_all(&bytes));
            thread::sleep(enough);
        }
        Answer::Drip(bytes, pause) => {
            drop(stream.write_all(&bytes));
            while stream.write_all(b"x").is_ok() {
                thread::sleep(pause);
            }
        }
    }
}

/// A whole answer with its true length.
pub(super) fn answer(status: &str, headers: &str, body: &[u8]) -> Answer {
    with_length(status, headers, body.len(), body)
}

/// An answer that announces `length` bytes, whatever comes.
pub(super) fn with_length(status: &str, headers: &str, length: usize, body: &[u8]) -> Answer {
    let head = format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n{headers}\r\n");
    Answer::Raw([head.as_bytes(), body].concat())
}

/// An answer that ends with the connection.
pub(super) fn without_length(headers: &str, body: &[u8]) -> Answer {
    let head = format!("HTTP/1.1 200 OK\r\nConnection: close\r\n{headers}\r\n");
    Answer::Raw([head.as_bytes(), body].concat())
}
