//! Writes the groups of a patch. What a group is: [`super`].

use std::io::{self, Write};

use super::index::common;

/// A group is closed once one of its streams has this many bytes.
pub(super) const GROUP: usize = 4 << 20;

/// The most bytes that a single step copies or adds, so that no group gets much larger than it should.
pub(super) const STEP: usize = 1 << 20;

/// Runs of differing bytes with at most this many equal bytes between them are one run.
const JOINED: usize = 1;

/// What the steps of a group consume, each in a stream of its own: like goes with like and is packed the better.
#[derive(Default)]
struct Group {
    steps: Vec<u8>,
    gaps: Vec<u8>,
    values: Vec<u8>,
    extra: Vec<u8>,
    /// Equal bytes since the last differing one.
    equal: u64,
}

/// Collects steps and writes a group whenever there is enough of them.
pub(super) struct Writer<W: Write> {
    sink: W,
    group: Group,
    /// Where in the base the next step would go on.
    expected: u64,
}

impl<W: Write> Writer<W> {
    pub fn new(sink: W) -> Self {
        Self {
            sink,
            group: Group::default(),
            expected: 0,
        }
    }

    /// Begins a file: the steps that follow copy from this one of the old files, or from none.
    pub fn begin(&mut self, base: Option<usize>) {
        number(&mut self.group.steps, base.map_or(0, |base| base as u64 + 1));
        self.expected = 0;
    }

    /// One step of a file: the bytes of `new`, the first of which are much like `old`, which stands at `from` of the base.
    /// Neither part may be longer than [`STEP`].
    pub fn add(&mut self, from: u64, old: &[u8], new: &[u8]) -> io::Result<()> {
        let (copy, extra) = new.split_at(old.len());
        self.step(copy.len(), extra.len(), from);
        self.group.differences(old, copy);
        self.group.extra.extend_from_slice(extra);
        let group = &self.group;
        let streams = [&group.steps, &group.gaps, &group.values, &group.extra];
        if streams.iter().any(|stream| stream.len() >= GROUP) {
            self.flush()?;
        }
        Ok(())
    }

    fn step(&mut self, copy: usize, extra: usize, from: u64) {
        let steps = &mut self.group.steps;
        number(steps, copy as u64);
        number(steps, extra as u64);
        if copy > 0 {
            let jump = from.wrapping_sub(self.expected).cast_signed();
            number(steps, ((jump << 1) ^ (jump >> 63)).cast_unsigned());
            self.expected = from.wrapping_add(copy as u64);
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        let group = std::mem::take(&mut self.group);
        let streams = [group.steps, group.gaps, group.values, group.extra];
        let mut lengths = Vec::new();
        for stream in &streams {
            number(&mut lengths, stream.len() as u64);
        }
        self.sink.write_all(&lengths)?;
        streams.iter().try_for_each(|stream| self.sink.write_all(stream))
    }

    /// Writes what is left, and the empty group that says that nothing follows.
    pub fn finish(mut self) -> io::Result<W> {
        if !self.group.steps.is_empty() {
            self.flush()?;
        }
        self.sink.write_all(&[0; 4])?;
        Ok(self.sink)
    }
}

impl Group {
    /// How `new` differs from `old`, which is as long: how many bytes are equal, how many then differ, and by how much.
    fn differences(&mut self, old: &[u8], new: &[u8]) {
        let mut at = 0;
        while at < new.len() {
            let equal = common(&old[at..], &new[at..]);
            self.equal += equal as u64;
            at += equal;
            let begin = at;
            let mut end = at;
            while at < new.len() && at - end <= JOINED {
                if old[at] != new[at] {
                    end = at + 1;
                }
                at += 1;
            }
            if end > begin {
                number(&mut self.gaps, std::mem::take(&mut self.equal));
                number(&mut self.gaps, (end - begin) as u64);
                let pairs = old[begin..end].iter().zip(&new[begin..end]);
                self.values.extend(pairs.map(|(old, new)| new.wrapping_sub(*old)));
            }
            at = end;
        }
    }
}

/// Seven bits a byte, the lowest first.
pub(super) fn number(stream: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        stream.push(value as u8 | 0x80);
        value >>= 7;
    }
    stream.push(value as u8);
}
