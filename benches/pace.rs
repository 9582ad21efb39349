//! Sends requests at a fixed pace and prints how long answers took from the moment in which each request was due: who makes one wait
//! is charged for all that were due meanwhile.
//!   pace ADDRESS PATH TOKEN-FILE PER-SECOND SECONDS

#![allow(clippy::disallowed_methods)]

use std::env;
use std::error::Error;
use std::fs;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::thread;
use std::time::{Duration, Instant};

const CONNECTIONS: u32 = 16;
const PATIENCE: Duration = Duration::from_secs(30);

struct Wanted {
    address: String,
    head: String,
    pause: Duration,
    count: u32,
}

/// Of one connection: the answers' times, and how many were not 200.
#[derive(Default)]
struct Seen {
    took: Vec<Duration>,
    others: u32,
}

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = env::args().skip(1).collect();
    let [address, path, token, per_second, seconds] = &args[..] else {
        return Err("expected ADDRESS PATH TOKEN-FILE PER-SECOND SECONDS".into());
    };
    let (per_second, seconds): (u32, u32) = (per_second.parse()?, seconds.parse()?);
    let token = fs::read_to_string(token)?;
    let head = format!(
        "GET {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\n\r\n",
        token.trim()
    );
    let begin = Instant::now() + Duration::from_millis(100);
    let threads = (0..CONNECTIONS).map(|number| {
        let wanted = Wanted {
            address: address.clone(),
            head: head.clone(),
            pause: Duration::from_secs(1) * CONNECTIONS / per_second,
            count: per_second * seconds / CONNECTIONS,
        };
        let first = begin + Duration::from_secs(1) * number / per_second;
        thread::spawn(move || send(&wanted, first))
    });
    let threads: Vec<_> = threads.collect();
    let mut seen = Seen::default();
    for thread in threads {
        let one = thread.join().map_err(|_| "a sender broke off")??;
        seen.took.extend(one.took);
        seen.others += one.others;
    }
    print(seen, begin.elapsed())
}

fn send(wanted: &Wanted, first: Instant) -> io::Result<Seen> {
    let stream = TcpStream::connect(&wanted.address)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let (mut out, mut answers) = (stream.try_clone()?, BufReader::new(stream));
    let mut seen = Seen::default();
    for number in 0..wanted.count {
        let due = first + wanted.pause * number;
        thread::sleep(due.saturating_duration_since(Instant::now()));
        out.write_all(wanted.head.as_bytes())?;
        if !is_answered_well(&mut answers)? {
            seen.others += 1;
        }
        seen.took.push(due.elapsed());
    }
    Ok(seen)
}

/// Reads one answer to its end.
fn is_answered_well(answers: &mut impl BufRead) -> io::Result<bool> {
    let (mut line, mut length, mut is_well) = (String::new(), 0, None);
    while line != "\r\n" {
        line.clear();
        if answers.read_line(&mut line)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        is_well.get_or_insert_with(|| line.starts_with("HTTP/1.1 200"));
        if let Some(sent) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = sent.trim().parse().map_err(io::Error::other)?;
        }
    }
    io::copy(&mut answers.take(length), &mut io::sink())?;
    Ok(is_well == Some(true))
}

/// `requests seconds others p50 p90 p99 p99.9 max`, the times in milliseconds.
fn print(Seen { mut took, others }: Seen, all: Duration) -> Result<(), Box<dyn Error>> {
    took.sort();
    let at = |per_mille: usize| {
        let index = (took.len() * per_mille / 1000).min(took.len().saturating_sub(1));
        took.get(index).map_or(f64::NAN, |time| time.as_secs_f64() * 1000.0)
    };
    let mut out = io::stdout();
    write!(out, "{} {:.1} {others}", took.len(), all.as_secs_f64())?;
    for per_mille in [500, 900, 990, 999, 1000] {
        write!(out, " {:.2}", at(per_mille))?;
    }
    writeln!(out)?;
    Ok(())
}
