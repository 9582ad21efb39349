//! Packs that no index speaks of: a run that was killed has finished them. What is in them need not be written again.

use super::repository::{Index, Repository};
use super::{Result, check};

/// Reads such packs back, as their own run would have, and gives those that are whole an index. Others stay as they are, for
/// `repair`: it may be their index that was lost.
pub fn adopt(repository: &Repository, known: &mut Index) -> Result<()> {
    let mut adopted = Vec::new();
    for packed in repository.unindexed(known)? {
        match check::read_pack_back(repository, &packed) {
            Err(e) if e.is_damage() => {}
            read => {
                read?;
                known.add(&packed);
                adopted.push(packed);
            }
        }
    }
    repository.write_indexes(&adopted)
}
