//! Slots as they are made, opened, bent, cut off and forged.
#![allow(clippy::disallowed_methods)]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use proptest::prelude::*;

use super::slot::{Slot, file_name};
use super::store::folder;
use super::wrap::marks;
use super::*;
use crate::crypt::Secret;

struct Repository {
    dir: tempfile::TempDir,
}

impl Repository {
    fn new() -> Self {
        Self {
            dir: tempfile::tempdir().unwrap(),
        }
    }

    fn path(&self) -> PathBuf {
        self.dir.path().join("backups")
    }

    fn key(&self) -> Unlock {
        Unlock::KeyFile(self.dir.path().join("backup.key"))
    }

    fn made(&self) -> Keyring {
        create(&self.path(), &self.key(), &author()).unwrap()
    }

    fn files(&self) -> Vec<PathBuf> {
        let mut files: Vec<PathBuf> = fs::read_dir(folder(&self.path()))
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .collect();
        files.sort();
        files
    }

    fn add(&self, ring: &Keyring, secret: &NewSecret) -> Listed {
        add(&self.path(), ring, secret, "", &author()).unwrap()
    }
}

fn author() -> Author {
    Author {
        by: "a test".into(),
        at: "2026-01-31T12:00:00Z".parse().unwrap(),
    }
}

fn secret(text: &str) -> Secret {
    Secret::new(text.as_bytes().to_vec())
}

fn variable(text: &str) -> (NewSecret, Unlock) {
    let (name, value) = ("BACKUP_SECRET".to_owned(), secret(text));
    (
        NewSecret::Environment {
            name: name.clone(),
            value: value.clone(),
        },
        Unlock::Environment { name, value },
    )
}

fn command(script: &str) -> SecretCommand {
    SecretCommand {
        argv: ["sh", "-c", script].map(String::from).to_vec(),
        dir: "/".into(),
    }
}

/// A ring that was rotated once after `ring`.
fn rotated(ring: &Keyring) -> Keyring {
    ring.rotated()
}

#[test]
fn every_kind_opens_the_same_ring_and_a_wrong_secret_none() {
    let repository = Repository::new();
    let (dir, ring) = (repository.path(), repository.made());
    let half_file = repository.dir.path().join("private");
    let half = recipient_file(&half_file);
    let code = RecoveryCode::generate();
    let (of_text, text) = variable("a sentence that is a secret\n");
    let hex = "5f".repeat(32);
    let ways = [
        (
            NewSecret::Passphrase(secret("four words or more")),
            Unlock::Passphrase(secret("four words or more")),
        ),
        (NewSecret::Recipient(half), Unlock::Recovery(half_file)),
        (
            NewSecret::RecoveryCode(code.clone()),
            Unlock::RecoveryCode(code.clone()),
        ),
        (of_text, text),
        (
            NewSecret::Command(command(&format!("echo {hex}"))),
            Unlock::Command(command(&format!("printf {hex}"))),
        ),
    ];
    for (new, unlock) in &ways {
        let slot = repository.add(&ring, new);
        assert_eq!(slot.kind, new.kind());
        assert_eq!(marks(&open(&dir, unlock).unwrap()), marks(&ring), "{}", unlock.name());
    }
    assert_eq!(list(&dir).unwrap().len(), 6);
    let other_file = repository.dir.path().join("other");
    recipient_file(&other_file);
    let other_key = repository.dir.path().join("other.key");
    fs::write(&other_key, "0".repeat(64)).unwrap();
    fs::set_permissions(&other_key, fs::Permissions::from_mode(0o600)).unwrap();
    for unlock in [
        Unlock::Passphrase(secret("four words or more.")),
        Unlock::KeyFile(other_key),
        Unlock::Recovery(other_file),
        Unlock::RecoveryCode(RecoveryCode::generate()),
        variable("another sentence").1,
        variable(&"00".repeat(32)).1,
    ] {
        let error = open(&dir, &unlock).unwrap_err();
        assert!(matches!(error, KeysError::NotOpened { .. }), "{error}");
        let said = error.to_string();
        assert!(
            said.contains("--passphrase") && said.contains("--recovery FILE"),
            "{said}"
        );
        assert!(!said.contains("sentence") && !said.contains("four words"), "{said}");
    }
    for file in repository.files() {
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    }
    assert_eq!(check(&dir).unwrap(), []);
}

fn recipient_file(path: &Path) -> PublicHalf {
    let public = file::new_half(path).unwrap().public().unwrap();
    assert_eq!(fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(matches!(file::new_half(path), Err(KeysError::InTheWay { .. })));
    public
}

#[test]
fn two_that_begin_a_repository_at_once_end_with_one_ring() {
    let repository = Repository::new();
    let rings: Vec<_> = std::thread::scope(|scope| {
        let made: Vec<_> = (0..4).map(|_| scope.spawn(|| marks(&repository.made()))).collect();
        made.into_iter().map(|one| one.join().unwrap()).collect()
    });
    assert!(rings.iter().all(|one| *one == rings[0]), "{rings:?}");
    assert_eq!(repository.files().len(), 1);
}

#[test]
fn a_new_ring_is_not_made_over_backups_that_lost_theirs() {
    let repository = Repository::new();
    repository.made();
    fs::create_dir(repository.path().join("snapshots")).unwrap();
    fs::write(repository.path().join("snapshots/one"), "x").unwrap();
    fs::remove_dir_all(folder(&repository.path())).unwrap();
    for error in [
        create(&repository.path(), &repository.key(), &author()).unwrap_err(),
        open(&repository.path(), &repository.key()).unwrap_err(),
    ] {
        assert!(matches!(error, KeysError::AllLost { .. }), "{error}");
    }
    // A key file that went away is not made anew either.
    let repository = Repository::new();
    repository.made();
    fs::remove_file(repository.dir.path().join("backup.key")).unwrap();
    let error = create(&repository.path(), &repository.key(), &author()).unwrap_err();
    assert!(matches!(error, KeysError::NoKeyFile { .. }), "{error}");
    assert!(!repository.dir.path().join("backup.key").exists());
}

#[test]
fn key_files_that_others_may_read_or_that_are_cut_off_are_refused() {
    let repository = Repository::new();
    repository.made();
    let path = repository.dir.path().join("backup.key");
    let whole = fs::read(&path).unwrap();
    assert_eq!(whole.len(), 65);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
    let error = open(&repository.path(), &repository.key()).unwrap_err().to_string();
    assert!(error.contains("chmod 600"), "{error}");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    fs::write(&path, &whole[..60]).unwrap();
    let error = open(&repository.path(), &repository.key()).unwrap_err();
    assert!(matches!(error, KeysError::KeyFile { .. }), "{error}");
    assert!(!error.to_string().contains(std::str::from_utf8(&whole[..10]).unwrap()));
}

#[test]
fn every_flipped_bit_of_a_slot_is_found_without_opening_it() {
    let repository = Repository::new();
    repository.made();
    let [file] = <[PathBuf; 1]>::try_from(repository.files()).unwrap();
    let whole = fs::read(&file).unwrap();
    for bit in 0..whole.len() * 8 {
        let mut bent = whole.clone();
        bent[bit / 8] ^= 1 << (bit % 8);
        fs::write(&file, &bent).unwrap();
        assert_eq!(check(&repository.path()).unwrap().len(), 1, "bit {bit}");
    }
    for length in 0..whole.len() {
        fs::write(&file, &whole[..length]).unwrap();
        assert_eq!(check(&repository.path()).unwrap().len(), 1, "{length} bytes");
    }
    let error = open(&repository.path(), &repository.key()).unwrap_err().to_string();
    assert!(error.contains("(damaged)"), "{error}");
    fs::write(&file, &whole).unwrap();
    assert_eq!(check(&repository.path()).unwrap(), []);
    fs::write(folder(&repository.path()).join("notes.txt"), "x").unwrap();
    std::os::unix::fs::symlink("/dev/zero", folder(&repository.path()).join("link.json")).unwrap();
    assert_eq!(check(&repository.path()).unwrap().len(), 2);
    open(&repository.path(), &repository.key()).unwrap();
}

/// Gives changed bytes the name that belongs to them, as who means harm would.
fn forge(repository: &Repository, file: &Path, bytes: &[u8]) -> PathBuf {
    fs::remove_file(file).unwrap();
    let forged = folder(&repository.path()).join(file_name(bytes));
    fs::write(&forged, bytes).unwrap();
    forged
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn a_changed_slot_under_its_right_name_never_opens_to_another_ring(
        which in 0..3_usize, at in any::<prop::sample::Index>(), bit in 0..8_u8,
    ) {
        let repository = Repository::new();
        let ring = repository.made();
        let code = RecoveryCode::generate();
        let (of_raw, raw) = variable(&"a7".repeat(32));
        let (new, unlock) = [
            (None, repository.key()),
            (Some(NewSecret::RecoveryCode(code.clone())), Unlock::RecoveryCode(code)),
            (Some(of_raw), raw),
        ].into_iter().nth(which).unwrap();
        let before = repository.files();
        if let Some(new) = &new {
            repository.add(&ring, new);
        }
        let mut files = repository.files();
        files.retain(|file| new.is_none() || !before.contains(file));
        let mut bytes = fs::read(&files[0]).unwrap();
        let at = at.index(bytes.len());
        bytes[at] ^= 1 << bit;
        forge(&repository, &files[0], &bytes);
        if let Ok(opened) = open(&repository.path(), &unlock) {
            prop_assert_eq!(marks(&opened), marks(&ring));
            prop_assert!(false, "a bit that nothing authenticates: byte {at}");
        }
    }
}

#[test]
fn a_forged_slot_cannot_take_all_memory_or_time() {
    let repository = Repository::new();
    let ring = repository.made();
    let words = "four words or more";
    let id = repository.add(&ring, &NewSecret::Passphrase(secret(words))).id;
    let made = repository.files();
    let mut file = made
        .into_iter()
        .find(|file| fs::read_to_string(file).unwrap().contains(&id.to_string()))
        .unwrap();
    let whole = fs::read_to_string(&file).unwrap();
    let costs = "\"memory_kib\":65536,\"passes\":3,\"lanes\":4";
    assert!(whole.contains(costs), "{whole}");
    for forged in [
        // 4 TiB in KiB is no number of 32 bits, and the next is the most that is.
        "\"memory_kib\":4294967296,\"passes\":3,\"lanes\":4",
        "\"memory_kib\":4294967295,\"passes\":3,\"lanes\":4",
        "\"memory_kib\":1048577,\"passes\":3,\"lanes\":4",
        "\"memory_kib\":65536,\"passes\":17,\"lanes\":4",
        "\"memory_kib\":65536,\"passes\":3,\"lanes\":17",
        "\"memory_kib\":65536,\"passes\":0,\"lanes\":4",
        "\"memory_kib\":31,\"passes\":3,\"lanes\":4",
    ] {
        file = forge(&repository, &file, whole.replace(costs, forged).as_bytes());
        let damaged = check(&repository.path()).unwrap();
        assert_eq!(damaged.len(), 1, "{forged}");
        let error = open(&repository.path(), &Unlock::Passphrase(secret(words))).unwrap_err();
        assert!(matches!(error, KeysError::NotOpened { .. }), "{error}");
    }
    // Cheaper than it was made is another key.
    let cheap = whole.replace(costs, "\"memory_kib\":32,\"passes\":1,\"lanes\":4");
    forge(&repository, &file, cheap.as_bytes());
    assert!(open(&repository.path(), &Unlock::Passphrase(secret(words))).is_err());
}

#[test]
fn the_last_slot_stays_and_others_go() {
    let repository = Repository::new();
    let (dir, ring) = (repository.path(), repository.made());
    let first = list(&dir).unwrap()[0].id.to_string();
    let error = remove(&dir, &ring, &first).unwrap_err();
    assert!(matches!(error, KeysError::LastSlot { .. }), "{error}");
    // A slot that somebody made who has no ring of ours is none to count on.
    let stranger = Repository::new();
    stranger.made();
    for file in stranger.files() {
        fs::copy(&file, folder(&dir).join(file.file_name().unwrap())).unwrap();
    }
    let error = remove(&dir, &ring, &first).unwrap_err();
    assert!(matches!(error, KeysError::LastSlot { .. }), "{error}");
    let second = repository.add(&ring, &variable("something secret").0);
    assert!(matches!(
        remove(&dir, &ring, "nono"),
        Err(KeysError::UnknownSlot { .. })
    ));
    assert!(matches!(remove(&dir, &ring, ""), Err(KeysError::UnknownSlot { .. })));
    assert_eq!(remove(&dir, &ring, &first[..6]).unwrap().id.to_string(), first);
    let error = remove(&dir, &ring, &second.id.to_string()).unwrap_err();
    assert!(matches!(error, KeysError::LastSlot { .. }), "{error}");
    open(&dir, &variable("something secret").1).unwrap();
    assert!(open(&dir, &repository.key()).is_err());
}

#[test]
fn a_rotated_slot_opens_by_its_new_secret_alone_also_after_a_crash() {
    let repository = Repository::new();
    let (dir, ring) = (repository.path(), repository.made());
    let (old, new) = (secret("the first of its words"), secret("the second of its words"));
    let id = repository
        .add(&ring, &NewSecret::Passphrase(old.clone()))
        .id
        .to_string();
    let before = repository.files();
    let kept: Vec<Vec<u8>> = before.iter().map(|file| fs::read(file).unwrap()).collect();
    let to = NewSecret::Passphrase(new.clone());
    let rotated = rotate(&dir, &ring, &id, &to, &author()).unwrap();
    assert_eq!((rotated.id.to_string(), rotated.unfinished), (id.clone(), false));
    assert!(open(&dir, &Unlock::Passphrase(old.clone())).is_err());
    open(&dir, &Unlock::Passphrase(new.clone())).unwrap();
    // As if it had died before the old one went.
    for (file, bytes) in before.iter().zip(&kept) {
        fs::write(file, bytes).unwrap();
    }
    for text in [&old, &new] {
        open(&dir, &Unlock::Passphrase(text.clone())).unwrap();
    }
    assert_eq!(list(&dir).unwrap().iter().filter(|one| one.unfinished).count(), 2);
    rotate(&dir, &ring, &id, &to, &author()).unwrap();
    assert!(open(&dir, &Unlock::Passphrase(old)).is_err());
    open(&dir, &Unlock::Passphrase(new)).unwrap();
    let error = rotate(&dir, &ring, &id, &variable("something secret").0, &author()).unwrap_err();
    assert!(matches!(error, KeysError::OtherKind { .. }), "{error}");
    let short = NewSecret::Passphrase(secret("short"));
    let error = rotate(&dir, &ring, &id, &short, &author()).unwrap_err();
    assert!(matches!(error, KeysError::ShortPassphrase { .. }), "{error}");
}

#[test]
fn a_rotated_key_file_takes_the_place_of_its_own_old_one_only() {
    let repository = Repository::new();
    let (dir, ring) = (repository.path(), repository.made());
    let id = list(&dir).unwrap()[0].id.to_string();
    let path = repository.dir.path().join("backup.key");
    let other = repository.dir.path().join("other.key");
    repository.add(&ring, &NewSecret::KeyFile(other.clone()));
    let before = fs::read(&path).unwrap();
    let error = rotate(&dir, &ring, &id, &NewSecret::KeyFile(other.clone()), &author()).unwrap_err();
    assert!(matches!(error, KeysError::OtherFile { .. }), "{error}");
    rotate(&dir, &ring, &id, &NewSecret::KeyFile(path.clone()), &author()).unwrap();
    assert_ne!(fs::read(&path).unwrap(), before);
    open(&dir, &repository.key()).unwrap();
    open(&dir, &Unlock::KeyFile(other)).unwrap();
    fs::write(&path, before).unwrap();
    assert!(open(&dir, &repository.key()).is_err());
}

#[test]
fn a_rotated_master_key_reaches_the_slots_that_need_no_secret_and_those_at_hand() {
    let repository = Repository::new();
    let (dir, ring) = (repository.path(), repository.made());
    let half_file = repository.dir.path().join("private");
    let words = Unlock::Passphrase(secret("four words or more"));
    let code = RecoveryCode::generate();
    repository.add(&ring, &NewSecret::Recipient(recipient_file(&half_file)));
    repository.add(&ring, &NewSecret::RecoveryCode(code.clone()));
    let passphrase = repository.add(&ring, &NewSecret::Passphrase(secret("four words or more")));
    let ring = rotated(&rotated(&ring));
    let rewrapped = rewrap(&dir, &ring, &[repository.key()], &author()).unwrap();
    assert_eq!((rewrapped.done.len(), rewrapped.left.len()), (3, 1));
    assert_eq!(rewrapped.left[0].id, passphrase.id);
    for unlock in [
        repository.key(),
        Unlock::Recovery(half_file),
        Unlock::RecoveryCode(code),
    ] {
        assert_eq!(marks(&open_to_write(&dir, &unlock).unwrap()), marks(&ring));
    }
    assert_eq!(open(&dir, &words).unwrap().older().len(), 0);
    let error = open_to_write(&dir, &words).unwrap_err();
    assert!(
        error.to_string().contains(&format!("keys rotate {}", passphrase.id)),
        "{error}"
    );
    // One that is behind is none to be left with.
    let ids: Vec<String> = list(&dir).unwrap().iter().map(|one| one.id.to_string()).collect();
    let gone = ids.iter().filter(|id| remove(&dir, &ring, id).is_ok()).count();
    assert_eq!(gone, 3);
    let again = NewSecret::Passphrase(secret("four words or more"));
    assert!(matches!(list(&dir).unwrap().as_slice(), [one] if one.id != passphrase.id));
    repository.add(&ring, &again);
    open_to_write(&dir, &words).unwrap();
    // With a slot that is behind nobody can tell that newer ones are strangers'.
    assert_eq!(strangers(&dir, &ring).unwrap(), []);
    assert_eq!(
        strangers(
            &dir,
            &Keyring::new(ring.older()[1].clone(), Vec::new(), ring.chunks().clone(), Vec::new())
        )
        .unwrap(),
        []
    );
    // Again changes nothing.
    let files = repository.files();
    rewrap(&dir, &ring, &[words], &author()).unwrap();
    assert_eq!(repository.files(), files);
}

#[test]
fn wrapping_again_that_was_cut_off_is_finished_by_the_next() {
    let repository = Repository::new();
    let (dir, ring) = (repository.path(), repository.made());
    let half_file = repository.dir.path().join("private");
    repository.add(&ring, &NewSecret::Recipient(recipient_file(&half_file)));
    let before = repository.files();
    let kept: Vec<Vec<u8>> = before.iter().map(|file| fs::read(file).unwrap()).collect();
    let ring = rotated(&ring);
    rewrap(&dir, &ring, &[repository.key()], &author()).unwrap();
    let done = repository.files();
    for (file, bytes) in before.iter().zip(&kept) {
        fs::write(file, bytes).unwrap();
    }
    for unlock in [repository.key(), Unlock::Recovery(half_file)] {
        assert_eq!(marks(&open_to_write(&dir, &unlock).unwrap()), marks(&ring));
    }
    let rewrapped = rewrap(&dir, &ring, &[repository.key()], &author()).unwrap();
    assert!(rewrapped.done.iter().all(|one| !one.unfinished), "{rewrapped:?}");
    assert_eq!(repository.files(), done);
}

#[test]
fn a_slot_whose_recipient_was_swapped_gets_no_new_key() {
    let repository = Repository::new();
    let (dir, ring) = (repository.path(), repository.made());
    let (ours, theirs) = (repository.dir.path().join("ours"), repository.dir.path().join("theirs"));
    let (public, swapped) = (recipient_file(&ours), recipient_file(&theirs));
    repository.add(&ring, &NewSecret::Recipient(public));
    let file = repository
        .files()
        .into_iter()
        .find(|file| fs::read_to_string(file).unwrap().contains(&public.to_string()))
        .unwrap();
    let text = fs::read_to_string(&file).unwrap();
    forge(
        &repository,
        &file,
        text.replace(&public.to_string(), &swapped.to_string()).as_bytes(),
    );
    assert_eq!(check(&dir).unwrap(), []);
    rewrap(&dir, &rotated(&ring), &[repository.key()], &author()).unwrap();
    assert!(open(&dir, &Unlock::Recovery(theirs)).is_err());
}

#[test]
fn rings_of_different_repositories_in_one_folder_are_refused() {
    let (one, other) = (Repository::new(), Repository::new());
    let (dir, ring, stranger) = (one.path(), one.made(), other.made());
    let half_file = one.dir.path().join("private");
    let public = recipient_file(&half_file);
    one.add(&ring, &NewSecret::Recipient(public));
    let theirs = other.add(&rotated(&stranger), &NewSecret::Recipient(public));
    for file in other.files() {
        if fs::read_to_string(&file).unwrap().contains(&theirs.id.to_string()) {
            fs::copy(&file, folder(&dir).join(file.file_name().unwrap())).unwrap();
        }
    }
    let error = open(&dir, &Unlock::Recovery(half_file)).unwrap_err();
    assert!(matches!(error, KeysError::Disagree { .. }), "{error}");
    assert_eq!(marks(&open(&dir, &one.key()).unwrap()), marks(&ring));
}

#[test]
fn a_command_that_fails_hangs_or_talks_too_much_gives_no_secret_and_tells_none() {
    let repository = Repository::new();
    repository.made();
    for script in ["echo swordfish; exit 3", "true", "yes swordfish | head -c 5000"] {
        let error = open(&repository.path(), &Unlock::Command(command(script))).unwrap_err();
        assert!(matches!(error, KeysError::NoSecret { .. }), "{error}");
        assert_eq!(error.code(), "NL0624");
        assert!(!format!("{error} {error:?}").contains("swordfish"), "{error:?}");
    }
    let missing = SecretCommand {
        argv: vec!["/nowhere/vault".into()],
        dir: "/".into(),
    };
    let error = open(&repository.path(), &Unlock::Command(missing))
        .unwrap_err()
        .to_string();
    assert!(error.contains("/nowhere/vault"), "{error}");
}

#[test]
fn what_a_killed_writer_left_is_no_slot_and_goes() {
    let repository = Repository::new();
    let ring = repository.made();
    let part = folder(&repository.path()).join(format!("{}.json{}", "0".repeat(32), crate::disk::PART));
    fs::write(&part, "{").unwrap();
    assert_eq!(check(&repository.path()).unwrap(), []);
    open(&repository.path(), &repository.key()).unwrap();
    repository.add(&ring, &variable("something secret").0);
    assert!(!part.exists());
}

#[test]
fn a_kit_opens_what_it_was_made_for() {
    let repository = Repository::new();
    let (dir, ring) = (repository.path(), repository.made());
    let place = Place {
        host: "lamp.example".into(),
        root: "/srv/lamp".into(),
        product: Some("lamp".into()),
    };
    let kit = Kit::make(&dir, &ring, place, "", &author()).unwrap();
    let page = String::from_utf8(kit.page().expose().to_vec()).unwrap();
    let typed: Vec<&str> = page
        .lines()
        .map(str::trim)
        .filter(|line| line.len() == 23 && line.matches('-').count() == 3)
        .collect();
    let code: RecoveryCode = typed.join(" ").parse().unwrap();
    assert_eq!(marks(&open(&dir, &Unlock::RecoveryCode(code)).unwrap()), marks(&ring));
    let mark = ring.current().fingerprint().to_string();
    for said in [
        mark.as_str(),
        "lamp.example",
        "/srv/lamp",
        dir.to_str().unwrap(),
        "\u{2588}",
    ] {
        assert!(page.contains(said), "{said}: {page}");
    }
    let out = repository.dir.path().join("kit.txt");
    kit.write(&out).unwrap();
    assert_eq!(fs::metadata(&out).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(matches!(kit.write(&out), Err(KeysError::InTheWay { .. })));
    assert!(!format!("{kit:?}").contains(typed[0]));
    kit.forget(&ring).unwrap();
    assert_eq!(list(&dir).unwrap().len(), 1);
}

#[test]
fn a_slot_reads_back_as_it_was_written() {
    let repository = Repository::new();
    let ring = repository.made();
    let label = "Ada's \u{1F511} \"key\"\n\u{7f}";
    let slot = add(
        &repository.path(),
        &ring,
        &variable("something secret").0,
        label,
        &author(),
    )
    .unwrap();
    assert_eq!(slot.label, "Ada's \u{1F511} \"key\"");
    for file in repository.files() {
        let bytes = fs::read(&file).unwrap();
        assert_eq!(Slot::parse(&bytes).unwrap().bytes(), bytes);
        let spaced = String::from_utf8(bytes).unwrap().replacen(':', ": ", 1);
        assert!(Slot::parse(spaced.as_bytes()).is_err());
    }
}
