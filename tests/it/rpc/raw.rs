//! A client that speaks HTTP/2 as it likes: many calls over one connection, and frames that no library would send.

use std::future::Future;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use h2::RecvStream;
use h2::client::{ResponseFuture, SendRequest};
use hyper::body::Bytes;
use hyper::{HeaderMap, Request};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::task::JoinHandle;

use super::client::SERVICE;

pub const PATIENCE: Duration = Duration::from_secs(60);

/// Runs this to its end, which comes in time.
pub fn run<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime
        .unwrap()
        .block_on(async { tokio::time::timeout(PATIENCE, work).await.expect("it ends in time") })
}

pub struct Line {
    sender: SendRequest<Bytes>,
    /// Ends with the connection.
    pub gone: JoinHandle<()>,
}

impl Line {
    pub async fn at(address: &str) -> Self {
        Self::over(tokio::net::TcpStream::connect(address).await.unwrap()).await
    }

    pub async fn over(stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) -> Self {
        // What nobody has taken yet is kept, however much it is.
        let begun = h2::client::Builder::new()
            .data_frame_budget(usize::MAX)
            .handshake(stream);
        let (sender, connection) = begun.await.unwrap();
        let gone = tokio::spawn(async move {
            let _ = connection.await;
        });
        Self { sender, gone }
    }

    /// A call of this name of ours, with one message.
    pub async fn call(&self, name: &str, fields: &[(&str, &str)], message: &[u8]) -> Call {
        self.call_at(&format!("{SERVICE}/{name}"), fields, message).await
    }

    pub async fn call_at(&self, path: &str, fields: &[(&str, &str)], message: &[u8]) -> Call {
        let mut request = Request::post(format!("http://box/{path}"));
        if !fields.iter().any(|(name, _)| *name == "content-type") {
            request = request.header("content-type", "application/grpc");
        }
        for (name, value) in fields {
            request = request.header(*name, *value);
        }
        let mut sender = self.sender.clone().ready().await.unwrap();
        let (answer, mut body) = sender.send_request(request.body(()).unwrap(), false).unwrap();
        let length = u32::try_from(message.len()).unwrap().to_be_bytes();
        let framed = [&[0], &length[..], message].concat();
        // Who is refused by the head alone does not listen any more.
        let _ = body.send_data(framed.into(), true);
        Call { answer }
    }
}

pub struct Call {
    answer: ResponseFuture,
}

impl Call {
    /// The head of the answer, and the messages as they come.
    pub async fn begun(self) -> (u16, HeaderMap, RecvStream) {
        let (head, body) = self.answer.await.unwrap().into_parts();
        (head.status.as_u16(), head.headers, body)
    }

    /// The answer itself, to wait for.
    pub fn answer(&mut self) -> &mut ResponseFuture {
        &mut self.answer
    }

    /// How it ended: the number of its status and what was said.
    pub async fn ended(self) -> (String, String) {
        let (_, head, mut body) = self.begun().await;
        if head.contains_key("grpc-status") {
            return status(&head);
        }
        while bytes(&mut body).await.is_some() {}
        status(&body.trailers().await.unwrap().unwrap_or_default())
    }
}

/// What comes next; none at the end.
pub async fn bytes(body: &mut RecvStream) -> Option<Bytes> {
    let some = body.data().await?.unwrap();
    body.flow_control().release_capacity(some.len()).unwrap();
    Some(some)
}

pub fn status(fields: &HeaderMap) -> (String, String) {
    let text = |name: &str| {
        let value = fields.get(name).map(|value| value.to_str().unwrap().to_owned());
        value.unwrap_or_default()
    };
    (text("grpc-status"), text("grpc-message"))
}

pub const DATA: u8 = 0;
pub const HEADERS: u8 = 1;
pub const RESET: u8 = 3;
pub const SETTINGS: u8 = 4;
pub const PING: u8 = 6;
pub const GO_AWAY: u8 = 7;
pub const CONTINUATION: u8 = 9;
const END_HEADERS: u8 = 4;

pub fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes()[..], payload].concat()
}

pub fn preface() -> Vec<u8> {
    [&b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"[..], &frame(SETTINGS, 0, 0, &[])].concat()
}

/// Fields in the simplest of all ways.
pub fn fields(all: &[(&str, &str)]) -> Vec<u8> {
    let text = |text: &str| [&[u8::try_from(text.len()).unwrap()], text.as_bytes()].concat();
    let field = |(name, value): &(&str, &str)| [vec![0], text(name), text(value)].concat();
    all.iter().flat_map(field).collect()
}

/// The head of a call of which no message comes.
pub fn head(stream: u32) -> Vec<u8> {
    let path = format!("/{SERVICE}/GetVersionInfo");
    let fields = fields(&[
        (":method", "POST"),
        (":scheme", "http"),
        (":path", &path),
        (":authority", "box"),
        ("content-type", "application/grpc"),
    ]);
    frame(HEADERS, END_HEADERS, stream, &fields)
}

/// Sends these bytes; frames that come back, kind and payload, until the other side closes or enough have come.
pub fn frames(address: &str, sent: &[u8], enough: impl Fn(&[(u8, Vec<u8>)]) -> bool) -> Vec<(u8, Vec<u8>)> {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut other = stream.try_clone().unwrap();
    let sent = sent.to_vec();
    // The other side may be done before all of it is sent.
    let writing = std::thread::spawn(move || drop(other.write_all(&sent)));
    let began = Instant::now();
    let mut came = Vec::new();
    let mut head = [0; 9];
    while !enough(&came) && stream.read_exact(&mut head).is_ok() {
        assert!(
            began.elapsed() < PATIENCE,
            "neither closed nor enough: {} frames",
            came.len()
        );
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize;
        let mut payload = vec![0; length];
        if stream.read_exact(&mut payload).is_err() {
            break;
        }
        came.push((head[3], payload));
    }
    let _ = stream.shutdown(std::net::Shutdown::Both);
    writing.join().unwrap();
    came
}
