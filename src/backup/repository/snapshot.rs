//! The small document that makes a backup: what it says of itself, and where its two lists begin.

use serde::{Deserialize, Serialize};

use crate::backup::chunk::ChunkId;
use crate::backup::{BackupId, Record};
use crate::named;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    pub record: Record,
    /// Chunks of the list of entries, a line of JSON each.
    pub entries: Vec<ChunkId>,
    /// Chunks of the list of the files' chunks, 16 bytes each, in the order of the entries.
    pub contents: Vec<ChunkId>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    record: Record,
    entries: Vec<String>,
    contents: Vec<String>,
}

impl Snapshot {
    /// The chunks of both lists.
    pub fn lists(&self) -> impl Iterator<Item = &ChunkId> {
        self.entries.iter().chain(&self.contents)
    }

    pub fn encode(&self) -> Vec<u8> {
        let hex = |ids: &[ChunkId]| ids.iter().map(|id| hex::encode(id.0)).collect();
        let written = Written {
            record: self.record.clone(),
            entries: hex(&self.entries),
            contents: hex(&self.contents),
        };
        // Strings, numbers and lists always become JSON.
        serde_json::to_vec(&written).unwrap_or_default()
    }

    pub fn parse(content: &[u8], id: &BackupId) -> Result<Self, String> {
        let written: Written = named::from_json(content).map_err(|e| format!("it is not understood: {e}"))?;
        if written.record.id != *id {
            return Err(format!("it is {} under another name", written.record.id));
        }
        Ok(Self {
            record: written.record,
            entries: ids(&written.entries)?,
            contents: ids(&written.contents)?,
        })
    }
}

fn ids(list: &[String]) -> Result<Vec<ChunkId>, String> {
    let id = |text: &String| {
        let mut id = [0; 16];
        match hex::decode_to_slice(text, &mut id) {
            Ok(()) => Ok(ChunkId(id)),
            Err(_) => Err(format!("`{text}` is not the id of a chunk")),
        }
    };
    list.iter().map(id).collect()
}
