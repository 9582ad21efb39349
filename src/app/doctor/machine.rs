//! What the machine gives: room, confinement, files that nobody else reads.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use super::super::Installation;
use super::{Findings, Verdict, all, or_well};
use crate::disk;
use crate::host::Confining;

/// Others on the machine may do nothing with a file of secrets.
const OF_OTHERS: u32 = 0o077;

pub fn secrets(installation: &Installation) -> Findings {
    let layout = &installation.layout;
    let files = [layout.token(), layout.backup_key(), layout.config_key()];
    let open = files.iter().filter_map(is_open);
    Ok(or_well(all(Verdict::Wrong, open), || {
        "nobody else on this machine reads keys and tokens".into()
    }))
}

fn is_open(file: &PathBuf) -> Option<String> {
    let mode = std::fs::metadata(file).ok()?.permissions().mode() & 0o777;
    let shown = file.display();
    (mode & OF_OTHERS != 0).then(|| {
        format!(
            "{shown} is open to others on this machine (mode {mode:04o}): `chmod 600 {shown}`, and change what it holds"
        )
    })
}

/// Another release like this one, its backup and a copy of its data to try migrations on should find room.
pub fn room(installation: &Installation) -> Findings {
    let layout = &installation.layout;
    let size = |path: &Path| match disk::exists(path)? {
        true => disk::tree_size(path),
        false => Ok(0),
    };
    let release = installation.installed()?.map(|version| layout.release(&version));
    let release = release.map_or(Ok(0), |path| size(&path))?;
    let wanted = release + 2 * size(&layout.data())?;
    let free = disk::free_space(layout.root())?;
    let free_text = format!("{} MB are free", free / 1_000_000);
    Ok(match free < wanted {
        true => {
            let text = format!(
                "{free_text}; a release like this one, a backup and a trial copy of the data take up to {} MB",
                wanted / 1_000_000
            );
            vec![(Verdict::Warning, text)]
        }
        false => vec![(Verdict::Ok, free_text)],
    })
}

pub fn confinement(installation: &Installation) -> Findings {
    let here = Confining::here();
    let verdict = match here {
        Confining::Possible { .. } => Verdict::Ok,
        Confining::SwitchedOff | Confining::NotThere => Verdict::Warning,
    };
    let unable = installation.commands_can_run().err().map(|error| error.to_string());
    let mut found = all(Verdict::Wrong, unable);
    found.push((verdict, here.to_string()));
    Ok(found)
}
