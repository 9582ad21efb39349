//! Pieces of entrances that are less than a block, listed with their block.

use super::{BLOCK, Seeker, add_up, cut};
use crate::plan::search::Terrain;

pub struct Near {
    /// Where in `pieces` those of each block begin, and at last where all end.
    starts: Vec<u32>,
    /// Where those of each block end that are left.
    ends: Vec<u32>,
    pieces: Vec<Piece>,
}

/// Places of the block from which one comes to `to`.
#[derive(Clone, Copy)]
struct Piece {
    to: u32,
    first: u8,
    end: u8,
}

impl Near {
    pub fn of(terrain: &impl Terrain) -> Self {
        let blocks = terrain.len().div_ceil(BLOCK) as usize;
        let mut starts = vec![0; blocks + 1];
        for (block, _) in pieces(terrain) {
            starts[block] += 1;
        }
        add_up(&mut starts);
        let none = Piece {
            to: 0,
            first: 0,
            end: 0,
        };
        let mut near = Self {
            pieces: vec![none; starts[blocks] as usize],
            ends: starts[..blocks].to_vec(),
            starts,
        };
        for (block, piece) in pieces(terrain) {
            let end = &mut near.ends[block];
            near.pieces[*end as usize] = piece;
            *end += 1;
        }
        near
    }

    pub fn look<T: Terrain>(&mut self, seeker: &mut Seeker<'_, T, impl FnMut(u32)>) {
        let (block, place) = ((seeker.from / BLOCK) as usize, seeker.from % BLOCK);
        let mut at = self.starts[block];
        while at < self.ends[block] {
            let piece = self.pieces[at as usize];
            if u32::from(piece.first) <= place && place < u32::from(piece.end) {
                seeker.try_to_reach(piece.to);
            }
            if seeker.waits(piece.to) {
                at += 1;
                continue;
            }
            self.ends[block] -= 1;
            self.pieces[at as usize] = self.pieces[self.ends[block] as usize];
        }
    }
}

/// All pieces, each with its block.
fn pieces(terrain: &impl Terrain) -> impl Iterator<Item = (usize, Piece)> {
    (1..terrain.len()).flat_map(|to| {
        let ends = terrain.entrances(to).into_iter().flat_map(|stretch| cut(&stretch).1);
        ends.filter(|piece| !piece.is_empty()).map(move |piece| {
            let block = piece.start / BLOCK;
            // Both are of one block, so they fit.
            let within = |place: u32| u8::try_from(place - block * BLOCK).unwrap_or(u8::MAX);
            let (first, end) = (within(piece.start), within(piece.end));
            (block as usize, Piece { to, first, end })
        })
    })
}
