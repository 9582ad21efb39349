//! Manual pages in a folder, where `man` and packagers look for them.

use std::path::Path;

use super::Result;
use crate::disk;

const MODE: u32 = 0o644;

/// A page by the name of its file, e.g. `netlink-serve.1`.
pub struct ManualPage {
    pub name: String,
    pub text: Vec<u8>,
}

pub fn write_manual(folder: &Path, pages: &[ManualPage]) -> Result<()> {
    disk::create_dir_all(folder)?;
    for page in pages {
        disk::write_atomic(&folder.join(&page.name), &page.text, MODE)?;
    }
    Ok(())
}
