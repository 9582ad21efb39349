//! Packs that no index speaks of: a run that was killed has finished them. What is in them need not be written again.

use super::Result;
use super::repository::{Index, Repository};

pub fn adopt(repository: &Repository, known: &mut Index) -> Result<()> {
    let mut adopted = Vec::new();
    for (id, _) in repository.pack_files()? {
        if known.packs().contains_key(&id) {
            continue;
        }
        // One that cannot be read is of no use here; `verify` names it.
        if let Ok(packed) = repository.pack(id).and_then(|pack| pack.list()) {
            known.add(&packed);
            adopted.push(packed);
        }
    }
    if adopted.is_empty() {
        return Ok(());
    }
    repository.write_index(&adopted)
}
