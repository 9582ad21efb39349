//! Reads the groups of a patch. Nothing in it is believed: every length has its limit before a byte is read for it.

use std::io::Read;

use super::write::GROUP;
use crate::package::PackageError;

/// No stream of a group is longer: a group is closed at [`GROUP`], and the last step may have added to it what it could.
const STREAM_LIMIT: usize = 2 * GROUP;

/// One step of a file: so many bytes much like those of the base at `from`, then so many of the patch's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Step {
    pub copy: u64,
    pub extra: usize,
    pub from: u64,
}

/// A stream of a group, read from its beginning.
#[derive(Default)]
struct Stream {
    bytes: Vec<u8>,
    at: usize,
}

/// The groups of a patch, one at a time in memory.
pub(super) struct Reader<R: Read> {
    source: R,
    steps: Stream,
    gaps: Stream,
    values: Stream,
    extra: Stream,
    /// Copied bytes until the next that differ, and how many then do. None before the first, and when there are no more.
    gap: Option<(u64, u64)>,
    expected: u64,
}

impl<R: Read> Reader<R> {
    pub fn new(source: R) -> Self {
        Self {
            source,
            steps: Stream::default(),
            gaps: Stream::default(),
            values: Stream::default(),
            extra: Stream::default(),
            gap: None,
            expected: 0,
        }
    }

    /// Which of the old files the next file is made of.
    pub fn begin(&mut self) -> Result<Option<usize>, PackageError> {
        self.expected = 0;
        let base = self.next_number()?;
        base.checked_sub(1)
            .map(|base| usize::try_from(base).map_err(|_| broken("it names an old file that there cannot be")))
            .transpose()
    }

    /// The next step of a file of which `left` bytes are missing.
    pub fn step(&mut self, left: u64) -> Result<Step, PackageError> {
        let copy = self.next_number()?;
        let extra = self.steps.number()?;
        if copy.checked_add(extra).is_none_or(|sum| sum == 0 || sum > left) {
            return Err(broken("a step gives no bytes, or more than the file has"));
        }
        let mut from = self.expected;
        if copy > 0 {
            let jump = self.steps.number()?;
            let jump = (jump >> 1).cast_signed() ^ -((jump & 1).cast_signed());
            from = from
                .checked_add_signed(jump)
                .ok_or_else(|| broken("a step copies from before the beginning of a file"))?;
        }
        if copy > 0 {
            self.expected = from
                .checked_add(copy)
                .ok_or_else(|| broken("a step copies from nowhere"))?;
        }
        let extra = usize::try_from(extra).map_err(|_| broken("a step adds more than a group has"))?;
        Ok(Step { copy, extra, from })
    }

    /// Turns bytes of the base into those of the new file.
    pub fn change(&mut self, copied: &mut [u8]) -> Result<(), PackageError> {
        let mut rest = copied;
        while !rest.is_empty() {
            let (equal, differing) = match self.gap {
                Some(gap) => gap,
                None if self.gaps.is_read() => return Ok(()),
                None => {
                    let gap = (self.gaps.number()?, self.gaps.number()?);
                    if gap.1 == 0 {
                        return Err(broken("a run of differing bytes is empty"));
                    }
                    gap
                }
            };
            let skipped = at_most(equal, rest.len());
            let changed = at_most(differing, rest.len() - skipped);
            let (done, behind) = rest.split_at_mut(skipped + changed);
            for (byte, value) in done[skipped..].iter_mut().zip(self.values.take(changed)?) {
                *byte = byte.wrapping_add(*value);
            }
            let left = (equal - skipped as u64, differing - changed as u64);
            self.gap = Some(left).filter(|left| left.1 > 0);
            rest = behind;
        }
        Ok(())
    }

    /// Bytes of the patch's own.
    pub fn extra(&mut self, count: usize) -> Result<&[u8], PackageError> {
        self.extra.take(count)
    }

    /// Nothing may follow the last file.
    pub fn finish(mut self) -> Result<R, PackageError> {
        if !self.steps.is_read() {
            return Err(broken("it goes on behind the last file"));
        }
        self.all_is_read()?;
        for _ in 0..4 {
            if number_of(&mut self.source)? != 0 {
                return Err(broken("it goes on behind the last file"));
            }
        }
        Ok(self.source)
    }

    /// The next number of the steps, of the next group when this one is read.
    fn next_number(&mut self) -> Result<u64, PackageError> {
        if self.steps.is_read() {
            self.all_is_read()?;
            self.next_group()?;
        }
        self.steps.number()
    }

    fn next_group(&mut self) -> Result<(), PackageError> {
        let mut lengths = [0; 4];
        for length in &mut lengths {
            let found = number_of(&mut self.source)?;
            *length = usize::try_from(found)
                .ok()
                .filter(|found| *found <= STREAM_LIMIT)
                .ok_or_else(|| {
                    broken(format!(
                        "a group has {found} bytes of one kind, {STREAM_LIMIT} are allowed"
                    ))
                })?;
        }
        if lengths[0] == 0 {
            return Err(broken("it ends before the last file"));
        }
        let streams = [&mut self.steps, &mut self.gaps, &mut self.values, &mut self.extra];
        for (stream, length) in streams.into_iter().zip(lengths) {
            stream.fill(&mut self.source, length)?;
        }
        self.gap = None;
        Ok(())
    }

    /// What a group brings must be used by its own steps.
    fn all_is_read(&self) -> Result<(), PackageError> {
        let streams = [&self.gaps, &self.values, &self.extra];
        if self.gap.is_some() || !streams.iter().all(|stream| stream.is_read()) {
            return Err(broken("a group has bytes that no step uses"));
        }
        Ok(())
    }
}

impl Stream {
    fn fill<R: Read>(&mut self, source: &mut R, length: usize) -> Result<(), PackageError> {
        self.bytes.clear();
        self.bytes.resize(length, 0);
        self.at = 0;
        source
            .read_exact(&mut self.bytes)
            .map_err(PackageError::PatchUnreadable)
    }

    fn is_read(&self) -> bool {
        self.at == self.bytes.len()
    }

    fn take(&mut self, count: usize) -> Result<&[u8], PackageError> {
        let taken = self.bytes[self.at..]
            .get(..count)
            .ok_or_else(|| broken("a group has fewer bytes than its steps use"))?;
        self.at += count;
        Ok(taken)
    }

    fn number(&mut self) -> Result<u64, PackageError> {
        let mut rest = &self.bytes[self.at..];
        let before = rest.len();
        let number = number_of(&mut rest)?;
        self.at += before - rest.len();
        Ok(number)
    }
}

/// Seven bits a byte, the lowest first; written in the shortest way only.
pub(super) fn number_of<R: Read>(source: &mut R) -> Result<u64, PackageError> {
    let mut value = 0u64;
    for shift in (0..64).step_by(7) {
        let mut byte = [0];
        source.read_exact(&mut byte).map_err(PackageError::PatchUnreadable)?;
        let bits = u64::from(byte[0] & 0x7f);
        if shift == 63 && bits > 1 {
            break;
        }
        value |= bits << shift;
        if byte[0] < 0x80 {
            if byte[0] == 0 && shift > 0 {
                break;
            }
            return Ok(value);
        }
    }
    Err(broken("a number is not written as it should be"))
}

fn at_most(wanted: u64, room: usize) -> usize {
    usize::try_from(wanted).map_or(room, |wanted| wanted.min(room))
}

pub(super) fn broken(problem: impl Into<String>) -> PackageError {
    PackageError::PatchRefused {
        problem: problem.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::index::Index;
    use super::super::moves::moves;
    use super::super::write::{STEP, Writer, number};
    use super::*;
    use proptest::prelude::*;

    fn write(old: &[u8], new: &[u8]) -> Vec<u8> {
        let mut writer = Writer::new(Vec::new());
        writer.begin(Some(0));
        let mut at = 0;
        for one in moves(&Index::of(old, 1), old, new) {
            let end = at + one.copy + one.extra;
            let mut left = one;
            while at < end {
                let piece = left.first(STEP);
                let next = at + piece.copy + piece.extra;
                writer
                    .add(piece.from as u64, &old[piece.from..][..piece.copy], &new[at..next])
                    .unwrap();
                left = left.behind(piece);
                at = next;
            }
        }
        writer.finish().unwrap()
    }

    fn read(patch: &[u8], old: &[u8], size: usize) -> Result<Vec<u8>, PackageError> {
        let mut reader = Reader::new(patch);
        if reader.begin()? != Some(0) {
            return Err(broken("another file"));
        }
        let mut new = Vec::new();
        while new.len() < size {
            let step = reader.step((size - new.len()) as u64)?;
            let (from, copy) = (step.from as usize, step.copy as usize);
            let mut piece = old
                .get(from..)
                .and_then(|rest| rest.get(..copy))
                .ok_or_else(|| broken("outside"))?
                .to_vec();
            reader.change(&mut piece)?;
            new.extend(piece);
            new.extend_from_slice(reader.extra(step.extra)?);
        }
        reader.finish().map(|_| new)
    }

    #[test]
    fn what_is_larger_than_a_group_is_read_as_it_was_written() {
        let noise = |seed: u32, n: u32| -> Vec<u8> {
            (0..n)
                .map(|i| (i ^ seed).wrapping_mul(2_654_435_761).to_be_bytes()[0])
                .collect()
        };
        let old = noise(1, 9 << 20);
        let mut new = old.clone();
        new.splice(100..200, noise(2, 10 << 20));
        new.iter_mut().skip(11 << 20).step_by(3).for_each(|b| *b ^= 0x55);
        assert!(read(&write(&old, &new), &old, new.len()).unwrap() == new);
    }

    #[test]
    fn numbers_have_one_form() {
        for value in [0, 1, 127, 128, 300, u64::from(u32::MAX), u64::MAX] {
            let mut written = Vec::new();
            number(&mut written, value);
            assert_eq!(number_of(&mut written.as_slice()).unwrap(), value);
        }
        for bad in [&[0x80, 0][..], &[0xff; 11], &[0x80; 10], &[0x80]] {
            assert!(number_of(&mut &*bad).is_err(), "{bad:?}");
        }
    }

    proptest! {
        #[test]
        fn any_pair_of_contents_comes_through(
            old in prop::collection::vec(0u8..4, 0..300),
            new in prop::collection::vec(0u8..4, 0..300),
        ) {
            prop_assert_eq!(read(&write(&old, &new), &old, new.len()).unwrap(), new);
        }

        #[test]
        fn a_damaged_patch_is_read_to_an_end(at in 0usize..400, bit in 0u8..8) {
            let old: Vec<u8> = (0..300u32).map(|i| (i * i % 251) as u8).collect();
            let mut new = old.clone();
            new.splice(50..60, *b"another");
            new[200] ^= 1;
            let mut patch = write(&old, &new);
            let at = at % patch.len();
            patch[at] ^= 1 << bit;
            let _ = read(&patch, &old, new.len());
        }
    }
}
