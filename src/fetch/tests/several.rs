//! Many small files over the web, a few at once.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Barrier, Mutex};
use std::thread;

use super::{QUICK, sources};
use crate::fetch::http::CONNECTIONS;
use crate::fetch::{FetchError, Sources, read_small, several};

/// Answers nobody before so many ask at once, each with the name of the file; there is none whose name begins with `no`.
struct Patient {
    address: String,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Patient {
    fn start(at_once: usize) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let (asked, barrier) = (Arc::new(Mutex::new(Vec::new())), Arc::new(Barrier::new(at_once)));
        let log = Arc::clone(&asked);
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (log, barrier) = (Arc::clone(&log), Arc::clone(&barrier));
                thread::spawn(move || serve(stream.unwrap(), &log, &barrier));
            }
        });
        Self { address, asked }
    }

    fn asked(&self) -> usize {
        self.asked.lock().unwrap().len()
    }
}

fn serve(mut stream: TcpStream, log: &Mutex<Vec<String>>, barrier: &Barrier) {
    let mut head = String::new();
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    while reader.read_line(&mut head).is_ok_and(|n| n > 2) {}
    let name = head.split([' ', '/']).nth(2).unwrap_or_default().to_owned();
    log.lock().unwrap().push(name.clone());
    barrier.wait();
    let status = if name.starts_with("no") {
        "404 Not Found"
    } else {
        "200 OK"
    };
    let length = name.len();
    let answer = format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{name}");
    drop(stream.write_all(answer.as_bytes()));
}

fn get(sources: &Sources, name: &str) -> Result<String, String> {
    let found = read_small(sources, name, 9).map_err(|e: FetchError| e.to_string())?;
    let found = found.ok_or_else(|| format!("{name} is missing"))?;
    Ok(String::from_utf8(found).unwrap())
}

#[test]
fn files_over_the_web_are_asked_for_a_few_at_once_and_come_in_order() {
    let server = Patient::start(CONNECTIONS);
    let sources = sources(QUICK, &[&server.address]);
    let names: Vec<String> = (0..3 * CONNECTIONS).map(|n| format!("f{n}")).collect();
    let mut got = several(&sources, &names, |name| get(&sources, name));
    assert_eq!(server.asked(), 0);
    for (at, name) in names.iter().enumerate() {
        assert_eq!(got.next(), Some(Ok(name.clone())));
        assert_eq!(server.asked(), (at / CONNECTIONS + 1) * CONNECTIONS, "at {at}");
    }
    assert_eq!(got.next(), None);
}

#[test]
fn the_first_failure_in_order_is_told_and_nothing_is_asked_for_behind_it() {
    let server = Patient::start(CONNECTIONS);
    let sources = sources(QUICK, &[&server.address]);
    let names = ["a", "no1", "no2", "b", "c", "d", "e", "f"];
    let got: Result<Vec<String>, String> = several(&sources, &names, |name| get(&sources, name)).collect();
    assert_eq!(got, Err("no1 is missing".to_owned()));
    assert_eq!(server.asked(), CONNECTIONS);
}

#[test]
fn at_once_and_one_by_one_give_the_same() {
    let server = Patient::start(1);
    let sources = sources(QUICK, &[&server.address]);
    for names in [&["a", "b", "no1", "c", "d", "e", "no2"][..], &["a"], &[]] {
        let one_by_one: Vec<_> = names.iter().map(|name| get(&sources, name)).collect();
        let at_once: Vec<_> = several(&sources, names, |name| get(&sources, name)).collect();
        assert_eq!(at_once, one_by_one);
    }
}

#[test]
fn files_of_this_machine_are_read_one_after_the_other() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("a"), "x").unwrap();
    let sources = sources(QUICK, &[dir.path().to_str().unwrap()]);
    let names = ["a"; 9];
    let here = thread::current().id();
    let got: Vec<_> = several(&sources, &names, |name| (get(&sources, name), thread::current().id())).collect();
    assert_eq!(got, vec![(Ok("x".to_owned()), here); names.len()]);
}
