//! Live events (server-sent events) as they come over the line.

use std::io::{BufRead, BufReader, Read};

use ureq::BodyReader;

use super::{RemoteError, ServerPlace};

/// A longer line is none of a server of ours.
const LIMIT: u64 = 1 << 20;

/// What was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Line {
    Event {
        /// Where to go on from; progress has none.
        id: Option<String>,
        data: String,
    },
    /// Nothing happened, and the server is alive.
    Alive,
}

pub struct Lines<R = BodyReader<'static>> {
    server: ServerPlace,
    reader: BufReader<R>,
}

impl<R: Read> Lines<R> {
    pub(super) fn new(server: ServerPlace, reader: R) -> Self {
        let reader = BufReader::new(reader);
        Self { server, reader }
    }

    /// Waits for the next one; none when the server has ended the line.
    pub fn wait(&mut self) -> Result<Option<Line>, RemoteError> {
        let (mut id, mut data) = (None, None::<String>);
        loop {
            let mut line = Vec::new();
            let read = Read::by_ref(&mut self.reader).take(LIMIT).read_until(b'\n', &mut line);
            read.map_err(|e| RemoteError::Unreachable {
                server: self.server.clone(),
                reason: e.to_string(),
            })?;
            // What is cut off in the middle is sent again to who comes back.
            if !line.ends_with(b"\n") {
                return match line.len() as u64 {
                    LIMIT.. => Err(self.garbled("a line of events is too long")),
                    _ => Ok(None),
                };
            }
            let text = String::from_utf8_lossy(&line);
            let text = text.trim_end_matches(['\n', '\r']);
            match text.split_once(':').map_or((text, ""), |(name, value)| {
                (name, value.strip_prefix(' ').unwrap_or(value))
            }) {
                ("", "") if text.is_empty() => {
                    if let Some(data) = data {
                        return Ok(Some(Line::Event { id, data }));
                    }
                    id = None;
                }
                ("", _) => return Ok(Some(Line::Alive)),
                ("id", value) => id = Some(value.to_owned()),
                ("data", value) => match &mut data {
                    None => data = Some(value.to_owned()),
                    Some(before) if before.len() as u64 > LIMIT => return Err(self.garbled("an event is too long")),
                    Some(before) => *before = format!("{before}\n{value}"),
                },
                _ => {}
            }
        }
    }

    fn garbled(&self, reason: &str) -> RemoteError {
        RemoteError::Garbled {
            server: self.server.clone(),
            reason: reason.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str) -> Lines<&[u8]> {
        Lines::new("http://box".parse().unwrap(), text.as_bytes())
    }

    #[test]
    fn events_are_read_one_by_one_and_half_of_one_is_none() {
        let mut lines = lines("retry: 2000\n\nid: 3\ndata: {\"a\":1}\n\n:\n\ndata: x\ndata:y\r\n\r\nid: 4\ndata: cut");
        let event = |id: Option<&str>, data: &str| {
            let (id, data) = (id.map(str::to_owned), data.to_owned());
            Some(Line::Event { id, data })
        };
        assert_eq!(lines.wait().unwrap(), event(Some("3"), "{\"a\":1}"));
        assert_eq!(lines.wait().unwrap(), Some(Line::Alive));
        assert_eq!(lines.wait().unwrap(), event(None, "x\ny"));
        assert_eq!(lines.wait().unwrap(), None);
    }

    #[test]
    fn a_line_without_end_is_refused() {
        let long = "data: ".to_owned() + &"x".repeat(2 << 20);
        assert!(lines(&long).wait().is_err());
    }
}
