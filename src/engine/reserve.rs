//! Room set aside for the way back: when the disk is full, it is given free so that the journal and the undoing can be written.

use std::path::PathBuf;

use super::Layout;
use crate::disk;

/// Many times what the journal of one update and the small files of its undoing take.
const BYTES: u64 = 4 << 20;

pub struct Reserve {
    path: PathBuf,
}

impl Reserve {
    /// Takes the room where there is any: whether an update has enough of it is for the pre-flight to say.
    pub fn take(layout: &Layout) -> Self {
        let path = layout.state().join("reserve");
        let _ = disk::reserve(&path, BYTES);
        Self { path }
    }

    /// Gives the room free. Repeatable.
    pub fn release(&self) {
        let _ = disk::remove_file(&self.path);
    }
}

impl Drop for Reserve {
    fn drop(&mut self) {
        self.release();
    }
}
