//! Streams that nobody without the key can read or change: AES-256-GCM in frames of 1 MiB, chained as STREAM does it.
//!
//! A stream begins with a random salt; its own key is HKDF-SHA256 of the master key, that salt and a context. A frame's nonce is
//! its number and a mark on the last one, so that frames cannot be reordered, left out, cut off or added.

use std::io::{self, Read, Write};

use aes_gcm::aead::inout::InOutBuf;
use aes_gcm::{AeadInOut, Aes256Gcm, KeyInit, Nonce, Tag};
use hkdf::Hkdf;
use sha2::Sha256;
use zeroize::Zeroizing;

use super::{Secret, random};

const FRAME: usize = 1 << 20;
const TAG: usize = 16;
const SALT: usize = 32;

/// Encrypts what is written to it. Without [`Sealer::finish`] the stream counts as cut off.
pub struct Sealer<W: Write> {
    sink: W,
    frames: Frames,
    /// Plain bytes of the frame being filled.
    frame: Zeroizing<Vec<u8>>,
}

impl<W: Write> Sealer<W> {
    /// Starts a stream; `context` is not stored, the reader must name the same.
    pub fn new(mut sink: W, master: &Secret, context: &[u8]) -> io::Result<Self> {
        let salt = random::<SALT>();
        sink.write_all(&salt)?;
        Ok(Self {
            sink,
            frames: Frames::new(master, &salt, context)?,
            frame: Zeroizing::new(Vec::with_capacity(FRAME)),
        })
    }

    /// Writes the last frame and gives back the sink.
    pub fn finish(mut self) -> io::Result<W> {
        self.write_frame(true)?;
        Ok(self.sink)
    }

    fn write_frame(&mut self, last: bool) -> io::Result<()> {
        let tag = self.frames.seal(&mut self.frame, last)?;
        self.sink.write_all(&self.frame)?;
        self.sink.write_all(&tag)?;
        self.frame.clear();
        Ok(())
    }
}

impl<W: Write> Write for Sealer<W> {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        // A full frame waits for the byte behind it: only then is it known not to be the last.
        if self.frame.len() == FRAME && !buf.is_empty() {
            self.write_frame(false)?;
        }
        let n = buf.len().min(FRAME - self.frame.len());
        self.frame.extend_from_slice(&buf[..n]);
        Ok(n)
    }

    /// Passes on to the sink; a frame that is not full stays here.
    fn flush(&mut self) -> io::Result<()> {
        self.sink.flush()
    }
}

/// Decrypts a sealed stream. Gives out no byte that was not checked, and ends only at the true end.
pub struct Opener<R: Read> {
    source: R,
    frames: Frames,
    /// The checked frame and how much of it was given out.
    frame: Zeroizing<Vec<u8>>,
    given: usize,
    /// The first byte of the frame to come: read ahead, because the last frame is known by nothing following it.
    ahead: Option<u8>,
    ended: bool,
}

impl<R: Read> Opener<R> {
    pub fn new(mut source: R, master: &Secret, context: &[u8]) -> io::Result<Self> {
        let mut salt = [0; SALT];
        source.read_exact(&mut salt).map_err(cut_off)?;
        let frames = Frames::new(master, &salt, context)?;
        let ahead = read_byte(&mut source)?;
        Ok(Self {
            source,
            frames,
            frame: Zeroizing::new(Vec::new()),
            given: 0,
            ahead,
            ended: false,
        })
    }

    fn read_frame(&mut self) -> io::Result<()> {
        let Some(first) = self.ahead else {
            return Err(damaged("the sealed stream is cut off"));
        };
        self.frame.clear();
        self.given = 0;
        self.frame.push(first);
        let rest = (FRAME + TAG - 1) as u64;
        Read::by_ref(&mut self.source).take(rest).read_to_end(&mut self.frame)?;
        self.ahead = if self.frame.len() == FRAME + TAG {
            read_byte(&mut self.source)?
        } else {
            None
        };
        let Some(length) = self.frame.len().checked_sub(TAG) else {
            self.frame.clear();
            return Err(damaged("the sealed stream is cut off"));
        };
        let mut tag = [0; TAG];
        tag.copy_from_slice(&self.frame[length..]);
        self.frame.truncate(length);
        self.ended = self.ahead.is_none();
        let opened = self.frames.open(&mut self.frame, &tag, self.ended);
        opened.inspect_err(|_| self.frame.clear())
    }
}

impl<R: Read> Read for Opener<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        while self.given == self.frame.len() {
            if self.ended || buf.is_empty() {
                return Ok(0);
            }
            // Whoever reads on after a refusal must not take the end of nothing for the end of the stream.
            self.read_frame()
                .inspect_err(|_| (self.ahead, self.ended) = (None, false))?;
        }
        let n = buf.len().min(self.frame.len() - self.given);
        buf[..n].copy_from_slice(&self.frame[self.given..self.given + n]);
        self.given += n;
        Ok(n)
    }
}

/// The key of one stream and the number of the next frame.
struct Frames {
    cipher: Aes256Gcm,
    next: u64,
}

impl Frames {
    fn new(master: &Secret, salt: &[u8], context: &[u8]) -> io::Result<Self> {
        let mut key = Zeroizing::new([0; 32]);
        Hkdf::<Sha256>::new(Some(salt), master.expose())
            .expand(context, key.as_mut())
            .map_err(|_| damaged("no key can be derived"))?;
        let cipher = Aes256Gcm::new_from_slice(key.as_ref()).map_err(|_| damaged("no key can be derived"))?;
        Ok(Self { cipher, next: 0 })
    }

    fn nonce(&mut self, last: bool) -> io::Result<Nonce<aes_gcm::aead::consts::U12>> {
        let mut nonce = [0; 12];
        nonce[3..11].copy_from_slice(&self.next.to_be_bytes());
        nonce[11] = u8::from(last);
        self.next = self
            .next
            .checked_add(1)
            .ok_or_else(|| damaged("the stream is too long to be sealed"))?;
        Ok(nonce.into())
    }

    fn seal(&mut self, frame: &mut [u8], last: bool) -> io::Result<[u8; TAG]> {
        let nonce = self.nonce(last)?;
        let tag = self.cipher.encrypt_inout_detached(&nonce, b"", InOutBuf::from(frame));
        Ok(tag.map_err(|_| damaged("the stream cannot be sealed"))?.into())
    }

    fn open(&mut self, frame: &mut [u8], tag: &[u8; TAG], last: bool) -> io::Result<()> {
        let nonce = self.nonce(last)?;
        let opened = self
            .cipher
            .decrypt_inout_detached(&nonce, b"", InOutBuf::from(frame), &Tag::from(*tag));
        opened.map_err(|_| damaged("the sealed stream was changed or cut off, or the key is not its own"))
    }
}

fn read_byte<R: Read>(source: &mut R) -> io::Result<Option<u8>> {
    let mut byte = [0];
    match source.read_exact(&mut byte) {
        Ok(()) => Ok(Some(byte[0])),
        Err(e) if e.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
        Err(e) => Err(e),
    }
}

fn cut_off(e: io::Error) -> io::Error {
    match e.kind() {
        io::ErrorKind::UnexpectedEof => damaged("the sealed stream is cut off"),
        _ => e,
    }
}

fn damaged(problem: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, problem)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn key() -> Secret {
        Secret::new(vec![7; 32])
    }

    fn seal(plain: &[u8]) -> Vec<u8> {
        let mut sealer = Sealer::new(Vec::new(), &key(), b"test").unwrap();
        sealer.write_all(plain).unwrap();
        sealer.finish().unwrap()
    }

    fn open(sealed: &[u8], key: &Secret, context: &[u8]) -> io::Result<Vec<u8>> {
        let mut plain = Vec::new();
        Opener::new(sealed, key, context)?.read_to_end(&mut plain)?;
        Ok(plain)
    }

    fn refused(sealed: &[u8], what: &str) {
        assert_eq!(
            open(sealed, &key(), b"test").unwrap_err().kind(),
            io::ErrorKind::InvalidData,
            "{what}"
        );
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn what_is_sealed_opens(length in prop_oneof![0..64_usize, FRAME - 2..FRAME + 3, 2 * FRAME - 1..2 * FRAME + 2], piece in 1..3_usize) {
            let plain: Vec<u8> = (0..length).map(|i| (i / 7) as u8).collect();
            let mut sealer = Sealer::new(Vec::new(), &key(), b"test").unwrap();
            for chunk in plain.chunks(piece * 65_537) {
                sealer.write_all(chunk).unwrap();
            }
            let sealed = sealer.finish().unwrap();
            prop_assert!(open(&sealed, &key(), b"test").unwrap() == plain);
        }

        #[test]
        fn a_flipped_or_missing_byte_in_any_frame_is_found(at in 0..(2 * FRAME + 100), bit in 0..8_u8) {
            let mut sealed = seal(&vec![1; 2 * FRAME + 20]);
            refused(&sealed[..at], "truncated");
            sealed[at] ^= 1 << bit;
            refused(&sealed, "flipped");
        }
    }

    #[test]
    fn every_byte_of_a_short_stream_matters() {
        let sealed = seal(b"twelve bytes");
        for at in 0..sealed.len() {
            let mut bent = sealed.clone();
            bent[at] ^= 1;
            refused(&bent, "flipped");
            refused(&sealed[..at], "truncated");
        }
        refused(&[&sealed[..], b"x"].concat(), "extended");
    }

    #[test]
    fn frames_keep_their_place() {
        let sealed = seal(&vec![1; 3 * FRAME]);
        let frame = |n: usize| &sealed[SALT + n * (FRAME + TAG)..SALT + (n + 1) * (FRAME + TAG)];
        let salt = &sealed[..SALT];
        assert!(open(&[salt, frame(0), frame(1), frame(2)].concat(), &key(), b"test").is_ok());
        refused(&[salt, frame(1), frame(0), frame(2)].concat(), "reordered");
        refused(&[salt, frame(0), frame(2)].concat(), "one left out");
        refused(&[salt, frame(0), frame(1)].concat(), "cut at a frame");
        refused(&[salt, frame(0), frame(1), frame(2), frame(2)].concat(), "one added");
    }

    #[test]
    fn reading_on_after_a_refusal_is_refused_again() {
        let mut sealed = seal(b"x");
        sealed[SALT] ^= 1;
        let (key, mut byte) = (key(), [0]);
        let mut opener = Opener::new(&sealed[..], &key, b"test").unwrap();
        assert!(opener.read(&mut byte).is_err());
        assert!(opener.read(&mut byte).is_err());
    }

    #[test]
    fn another_key_or_context_opens_nothing() {
        let sealed = seal(b"x");
        assert!(open(&sealed, &Secret::new(vec![8; 32]), b"test").is_err());
        assert!(open(&sealed, &key(), b"other").is_err());
    }
}
