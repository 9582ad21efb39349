//! Finding, making and reading the frame of a repository.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use super::document::{self, Kind};
use super::lock::{self, Purpose, RepositoryLock};
use super::pack::{self, PackId, PackReader, Packed};
use super::{Index, Snapshot};
use crate::backup::chunk::Chunking;
use crate::backup::keys::{Keyring, Master};
use crate::backup::{BackupError, BackupId, BackupIdError, Result};
use crate::crypt::random;
use crate::disk;

const FRAME: &str = "repository.json";
const FRAME_LIMIT: u64 = 4096;
pub(super) const INDEX_ENDING: &str = "index";
const SNAPSHOT_ENDING: &str = "snapshot";
const FAILURE_ENDING: &str = "failure";
const DRILL_ENDING: &str = "drill";
/// Of the documents of backups, and what they are.
pub(super) const DOCUMENT_ENDINGS: [(&str, Kind); 3] = [
    (SNAPSHOT_ENDING, Kind::Snapshot),
    (FAILURE_ENDING, Kind::Failure),
    (DRILL_ENDING, Kind::Drill),
];
const PACKS_AN_INDEX: usize = 64;

/// An open repository: its folder and the keys to it.
pub struct Repository {
    dir: PathBuf,
    keyring: Keyring,
}

impl Repository {
    /// Makes the frame of a new one in `dir`; what is there already stays. Repeatable.
    pub fn make(dir: &Path) -> Result<()> {
        for folder in ["packs", "index", "snapshots"] {
            disk::create_dir_all(&dir.join(folder))?;
        }
        disk::set_mode(dir, 0o700)?;
        let frame = dir.join(FRAME);
        if !disk::exists(&frame)? {
            disk::write_atomic(&frame, frame_text(dir).as_bytes(), 0o600)?;
        }
        Ok(())
    }

    /// A folder name for a new repository.
    pub fn new_name() -> String {
        hex::encode(random::<8>())
    }

    /// Repositories in a folder of backups, whosever they are.
    pub fn all_in(dir: &Path) -> Result<Vec<PathBuf>> {
        let mut found: Vec<PathBuf> = names(dir)?
            .into_iter()
            .map(|name| dir.join(name))
            .filter(|path| path.join(FRAME).exists())
            .collect();
        found.sort();
        Ok(found)
    }

    /// Folders named as repositories are that lack their frame: a run was killed while it made one, or the frame was lost.
    pub fn unframed_in(dir: &Path) -> Result<Vec<PathBuf>> {
        let named = |name: &String| name.len() == 16 && name.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        let found = names(dir)?.into_iter().filter(named).map(|name| dir.join(name));
        Ok(found
            .filter(|path| path.is_dir() && !path.join(FRAME).exists())
            .collect())
    }

    /// Whether something lies in its packs or snapshots.
    pub fn holds_any(dir: &Path) -> Result<bool> {
        Ok(!names(&dir.join("packs"))?.is_empty() || !names(&dir.join("snapshots"))?.is_empty())
    }

    /// The frame of the repository in `dir` is gone, and backups are there.
    pub fn lost_frame(dir: &Path) -> BackupError {
        let problem = format!("it is missing; write this line to it: {}", frame_text(dir).trim_end());
        BackupError::damaged(&dir.join(FRAME), problem)
    }

    pub fn open(dir: &Path, keyring: Keyring) -> Result<Self> {
        let frame = dir.join(FRAME);
        let text = disk::read_text_limited(&frame, FRAME_LIMIT)?;
        if text != frame_text(dir) {
            let problem = "it is not the frame of a repository of this name in the format that this NetLink knows";
            return Err(BackupError::damaged(&frame, problem));
        }
        Ok(Self {
            dir: dir.to_path_buf(),
            keyring,
        })
    }

    pub fn dir(&self) -> &Path {
        &self.dir
    }

    pub fn keyring(&self) -> &Keyring {
        &self.keyring
    }

    pub fn master(&self) -> &Master {
        self.keyring.current()
    }

    /// How content is cut and chunks are named here, under whatever master key.
    pub fn chunking(&self) -> Chunking {
        Chunking::new(self.keyring.chunks())
    }

    pub fn packs(&self) -> PathBuf {
        self.dir.join("packs")
    }

    fn indexes(&self) -> PathBuf {
        self.dir.join("index")
    }

    fn snapshots(&self) -> PathBuf {
        self.dir.join("snapshots")
    }

    /// Waits for others, up to a limit.
    pub fn lock(&self, purpose: Purpose) -> Result<RepositoryLock> {
        lock::take(&self.dir.join("lock"), purpose)
    }

    /// Where each chunk lies that can be had: in packs that are there in their whole length, by the indexes and, for packs that no
    /// readable index speaks of, by themselves. What is damaged is left out here; `verify` names it.
    pub fn index(&self) -> Result<Index> {
        let mut index = self.sound_index()?;
        self.unindexed(&index)?.iter().for_each(|packed| index.add(packed));
        Ok(index)
    }

    /// Of chunks in indexed packs alone, as far as these are there in their whole length: what a new backup may stand on.
    pub fn sound_index(&self) -> Result<Index> {
        let mut index = Index::default();
        let there: HashMap<PackId, u64> = self.pack_files()?.into_iter().collect();
        for name in self.index_names()? {
            let packs = self.read_index_unless_damaged(&name)?;
            let sound = packs
                .iter()
                .filter(|packed| there.get(&packed.id) == Some(&packed.length));
            sound.for_each(|packed| index.add(packed));
        }
        Ok(index)
    }

    /// What the readable indexes say.
    pub fn indexed(&self) -> Result<Vec<Packed>> {
        let mut packs = Vec::new();
        for name in self.index_names()? {
            packs.extend(self.read_index_unless_damaged(&name)?);
        }
        Ok(packs)
    }

    fn read_index_unless_damaged(&self, name: &str) -> Result<Vec<Packed>> {
        match self.read_index(name) {
            Err(e) if e.is_damage() => Ok(Vec::new()),
            read => read,
        }
    }

    /// Packs that the index does not know: a run that was killed has finished them, or their index was lost.
    pub fn unindexed(&self, known: &Index) -> Result<Vec<Packed>> {
        let mut packs = Vec::new();
        for (id, _) in self.pack_files()? {
            if known.packs().contains_key(&id) {
                continue;
            }
            match self.pack(id).and_then(|pack| pack.list()) {
                Err(e) if e.is_damage() => {}
                read => packs.push(read?),
            }
        }
        Ok(packs)
    }

    pub fn index_names(&self) -> Result<Vec<String>> {
        with_ending(&self.indexes(), INDEX_ENDING)
    }

    pub fn read_index(&self, name: &str) -> Result<Vec<Packed>> {
        let path = self.index_path(name);
        let content = document::read(&path, Kind::Index, &self.keyring)?;
        pack::decode_index(&content).ok_or_else(|| BackupError::damaged(&path, "it is not understood"))
    }

    /// Writes indexes of these packs, which must be durable; of so many each that none becomes large.
    pub fn write_indexes(&self, packs: &[Packed]) -> Result<()> {
        packs.chunks(PACKS_AN_INDEX).try_for_each(|some| self.write_index(some))
    }

    /// Writes a new index of these packs, which must be durable.
    pub fn write_index(&self, packs: &[Packed]) -> Result<()> {
        let name = hex::encode(random::<16>());
        let path = self.index_path(&name);
        document::write(&path, Kind::Index, self.master(), &pack::encode_index(packs))
    }

    pub fn remove_index(&self, name: &str) -> Result<()> {
        Ok(disk::remove_file(&self.index_path(name))?)
    }

    pub fn index_path(&self, name: &str) -> PathBuf {
        self.indexes().join(format!("{name}.{INDEX_ENDING}"))
    }

    /// Packs in the folder, with the bytes of their files.
    pub fn pack_files(&self) -> Result<Vec<(PackId, u64)>> {
        let packs = self.packs();
        let mut found = Vec::new();
        for name in names(&packs)? {
            let Some(id) = PackId::of_file(&name) else { continue };
            let path = packs.join(&name);
            let meta = std::fs::metadata(&path).map_err(|e| BackupError::io("look at", &path, e))?;
            found.push((id, meta.len()));
        }
        found.sort();
        Ok(found)
    }

    pub fn pack(&self, id: PackId) -> Result<PackReader> {
        PackReader::open(&self.packs(), id, &self.keyring)
    }

    pub fn remove_pack(&self, id: PackId) -> Result<()> {
        Ok(disk::remove_file(&id.file_in(&self.packs()))?)
    }

    /// Seals a pack anew with the current key, under a new name; no index speaks of that yet.
    pub fn reseal_pack(&self, packed: &Packed) -> Result<Packed> {
        let pack = self.pack(packed.id)?;
        if pack.list()? != *packed {
            return Err(pack.damaged("it is not the one that the index speaks of"));
        }
        pack.reseal(&self.packs(), self.master())
    }

    /// Seals the document of a backup anew with the current key, which is then the one that it names.
    pub fn reseal_document(&self, path: &Path) -> Result<()> {
        let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
        let Some((_, kind)) = DOCUMENT_ENDINGS.iter().find(|(one, _)| *one == ending) else {
            return Err(BackupError::damaged(path, "it is no document of a backup"));
        };
        let mut content = document::read(path, *kind, &self.keyring)?;
        if *kind == Kind::Snapshot {
            let name = path.file_stem().and_then(|name| name.to_str()).unwrap_or_default();
            let id = name
                .parse()
                .map_err(|e: BackupIdError| BackupError::damaged(path, e.to_string()))?;
            let mut snapshot = Snapshot::parse(&content, &id).map_err(|problem| BackupError::damaged(path, problem))?;
            snapshot.record.key = self.master().fingerprint();
            content = snapshot.encode();
        }
        document::write(path, *kind, self.master(), &content)
    }

    /// What killed writers left behind; only under a lock for writing.
    pub fn remove_left_overs(&self) -> Result<()> {
        for folder in [self.packs(), self.indexes(), self.snapshots()] {
            for name in names(&folder)?.iter().filter(|name| disk::is_part(name)) {
                disk::remove_file(&folder.join(name))?;
            }
        }
        Ok(())
    }

    /// Ids of backups, those of failed ones apart.
    pub fn backups(&self) -> Result<Vec<BackupId>> {
        ids(&self.snapshots(), SNAPSHOT_ENDING)
    }

    pub fn failures(&self) -> Result<Vec<BackupId>> {
        ids(&self.snapshots(), FAILURE_ENDING)
    }

    pub fn snapshot_path(&self, id: &BackupId) -> PathBuf {
        self.document(id, SNAPSHOT_ENDING)
    }

    fn failure_path(&self, id: &BackupId) -> PathBuf {
        self.document(id, FAILURE_ENDING)
    }

    fn drill_path(&self, id: &BackupId) -> PathBuf {
        self.document(id, DRILL_ENDING)
    }

    fn document(&self, id: &BackupId, ending: &str) -> PathBuf {
        self.snapshots().join(format!("{id}.{ending}"))
    }

    /// Whether the id is free for a new backup.
    pub fn is_free(&self, id: &BackupId) -> Result<bool> {
        Ok(!disk::exists(&self.snapshot_path(id))? && !disk::exists(&self.failure_path(id))?)
    }

    pub fn snapshot(&self, id: &BackupId) -> Result<Snapshot> {
        let path = self.snapshot_path(id);
        let content = match document::read(&path, Kind::Snapshot, &self.keyring) {
            Err(BackupError::Disk(e)) if e.is_missing() => {
                return Err(BackupError::Unknown {
                    id: id.clone(),
                    dir: self.dir.clone(),
                });
            }
            read => read?,
        };
        Snapshot::parse(&content, id).map_err(|problem| BackupError::damaged(&path, problem))
    }

    pub fn write_snapshot(&self, snapshot: &Snapshot) -> Result<()> {
        let path = self.snapshot_path(&snapshot.record.id);
        document::write(&path, Kind::Snapshot, self.master(), &snapshot.encode())
    }

    pub fn remove_snapshot(&self, id: &BackupId) -> Result<()> {
        disk::remove_file(&self.snapshot_path(id))?;
        disk::remove_file(&self.drill_path(id))?;
        Ok(disk::remove_file(&self.failure_path(id))?)
    }

    /// The record of a failed backup, as JSON.
    pub fn failure(&self, id: &BackupId) -> Result<Vec<u8>> {
        document::read(&self.failure_path(id), Kind::Failure, &self.keyring)
    }

    pub fn drills(&self) -> Result<Vec<BackupId>> {
        ids(&self.snapshots(), DRILL_ENDING)
    }

    /// The record of the last drill of a backup, as JSON.
    pub fn drill(&self, id: &BackupId) -> Result<Vec<u8>> {
        document::read(&self.drill_path(id), Kind::Drill, &self.keyring)
    }

    pub fn write_drill(&self, id: &BackupId, json: &[u8]) -> Result<()> {
        document::write(&self.drill_path(id), Kind::Drill, self.master(), json)
    }

    pub fn remove_drill(&self, id: &BackupId) -> Result<()> {
        Ok(disk::remove_file(&self.drill_path(id))?)
    }

    pub fn write_failure(&self, id: &BackupId, json: &[u8]) -> Result<()> {
        document::write(&self.failure_path(id), Kind::Failure, self.master(), json)
    }
}

/// A folder that was renamed or a frame from elsewhere is found by its name.
fn frame_text(dir: &Path) -> String {
    let name = dir.file_name().unwrap_or_default().to_string_lossy();
    format!("{{\"format\":2,\"repository\":\"{name}\"}}\n")
}

fn ids(folder: &Path, ending: &str) -> Result<Vec<BackupId>> {
    let names = with_ending(folder, ending)?;
    Ok(names.iter().filter_map(|name| name.parse().ok()).collect())
}

/// Names of files with this ending, without it, in order.
fn with_ending(folder: &Path, ending: &str) -> Result<Vec<String>> {
    let mut found: Vec<String> = names(folder)?
        .iter()
        .filter_map(|name| Some(name.strip_suffix(ending)?.strip_suffix('.')?.to_owned()))
        .collect();
    found.sort();
    Ok(found)
}

/// Names in the folder; none when it is not there.
pub(super) fn names(dir: &Path) -> Result<Vec<String>> {
    let failed = |e| BackupError::io("list", dir, e);
    let entries = match std::fs::read_dir(dir) {
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        other => other.map_err(failed)?,
    };
    let names = entries.map(|entry| Ok(entry.map_err(failed)?.file_name().into_string().ok()));
    names.filter_map(Result::transpose).collect()
}
