//! The names in a tree: no two of them may be one to a file system or an eye that is less exact than this one.

use std::collections::HashMap;

use icu_normalizer::ComposingNormalizerBorrowed;

/// So deep no product lies; deeper trees take tools very long.
const DEPTH_LIMIT: usize = 64;
const FOLDERS_LIMIT: usize = 200_000;

/// A tree of names being built, each kept once, whatever lies below it.
#[derive(Default)]
pub(super) struct Names<'a> {
    /// By the number of the folder and how the name reads.
    known: HashMap<(usize, String), Place<'a>>,
    folders: usize,
}

struct Place<'a> {
    name: &'a str,
    /// The number of the folder; none for a file or link.
    folder: Option<usize>,
}

impl<'a> Names<'a> {
    /// Takes in the path of a file or link; those of the list must come in its order.
    pub fn add(&mut self, path: &'a str) -> Result<(), &'static str> {
        if path.chars().any(is_deceptive) {
            return Err("its name has characters that hide or turn round what it says");
        }
        if path.split('/').nth(DEPTH_LIMIT).is_some() {
            return Err("it lies more than 64 folders deep");
        }
        let (mut above, mut rest) = (0, path);
        while let Some((folder, below)) = rest.split_once('/') {
            above = self.folder(above, folder)?;
            rest = below;
        }
        let place = Place {
            name: rest,
            folder: None,
        };
        match self.known.insert((above, reads_as(rest)), place) {
            None => Ok(()),
            Some(_) => Err("another name differs from it in case only, or in the form of its letters"),
        }
    }

    fn folder(&mut self, above: usize, name: &'a str) -> Result<usize, &'static str> {
        let next = self.folders + 1;
        let key = (above, reads_as(name));
        match self.known.get(&key) {
            Some(there) if there.name != name => Err(
                "the name of a folder above it differs from another name in case only, or in the form of its letters",
            ),
            Some(Place {
                folder: Some(folder), ..
            }) => Ok(*folder),
            Some(_) => Err("it lies below a file or link"),
            None if next > FOLDERS_LIMIT => Err("there are too many folders"),
            None => {
                let folder = Some(next);
                self.known.insert(key, Place { name, folder });
                self.folders = next;
                Ok(next)
            }
        }
    }
}

/// The same for names that some file system takes for one, or that look the same.
fn reads_as(name: &str) -> String {
    let form = ComposingNormalizerBorrowed::new_nfkc();
    // Lower case may have another form, and the other way round.
    let lower = form.normalize(name).to_lowercase();
    let visible: String = form.normalize(&lower).chars().filter(|c| !is_invisible(*c)).collect();
    visible
}

/// Joiners, variation selectors and the like: they may be meant, but make no difference to the eye.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{34f}' | '\u{200c}' | '\u{200d}' | '\u{2060}'..='\u{2064}' | '\u{fe00}'..='\u{fe0f}' | '\u{e0100}'..='\u{e01ef}')
}

/// What turns the direction of writing, spaces without width, lines that end in other ways, and tags.
fn is_deceptive(c: char) -> bool {
    matches!(c,
        '\u{61c}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{206f}' | '\u{feff}'
        | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn added(paths: &[&str]) -> Result<(), &'static str> {
        let mut names = Names::default();
        paths.iter().try_for_each(|path| names.add(path))
    }

    #[test]
    fn names_that_are_one_to_somebody_are_refused() {
        for (one, other) in [
            ("A", "a"),
            ("dir/File", "dir/file"),
            ("Dir/x", "dir/y"),
            ("caf\u{e9}", "cafe\u{301}"),
            ("\u{fb01}le", "file"),
            ("\u{ff41}", "a"),
            ("\u{212a}", "k"),
            ("\u{c9}", "e\u{301}"),
            ("co\u{ad}op", "coop"),
            ("a\u{200d}b", "ab"),
            ("x/y", "X"),
        ] {
            assert!(added(&[one, other]).is_err(), "{one:?} and {other:?}");
            assert!(added(&[other, one]).is_err(), "{other:?} and {one:?}");
        }
        for sound in [
            &["a/b", "a/c", "ab/b"][..],
            &["\u{e9}", "e"],
            &["\u{3b1}", "a"],
            &["x/A", "y/a"],
        ] {
            assert_eq!(added(sound), Ok(()), "{sound:?}");
        }
    }

    #[test]
    fn what_hides_is_refused_and_what_is_too_deep() {
        for bad in ["a\u{202e}gnp.exe", "a\u{200b}", "\u{feff}a", "a\u{2066}b", "a\u{e0041}"] {
            assert!(added(&[bad]).is_err(), "{bad:?}");
        }
        let deep = |levels: usize| "a/".repeat(levels) + "a";
        assert_eq!(added(&[&deep(DEPTH_LIMIT - 1)]), Ok(()));
        assert!(added(&[&deep(DEPTH_LIMIT)]).is_err());
        let many: Vec<String> = (0..=FOLDERS_LIMIT).map(|n| format!("{n}/a")).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        assert!(added(&many[..FOLDERS_LIMIT]).is_ok() && added(&many).is_err());
    }
}
