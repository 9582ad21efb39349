//! A recovery kit: one page on paper that opens the repository again when everything else is gone.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use qrcode::render::unicode::Dense1x2;
use qrcode::{EcLevel, QrCode};
use zeroize::Zeroizing;

use super::{Author, Fingerprint, Keyring, Listed, NewSecret, RecoveryCode, Result, SlotId, add, remove};
use crate::crypt::Secret;
use crate::disk;

/// Where the backups lie, in words of those who look for them.
#[derive(Debug, Clone)]
pub struct Place {
    pub host: String,
    pub root: PathBuf,
    pub product: Option<String>,
}

/// What is printed, and a slot of its own that it opens.
#[derive(Debug, Clone)]
pub struct Kit {
    pub code: RecoveryCode,
    pub slot: Listed,
    pub dir: PathBuf,
    pub place: Place,
}

impl Kit {
    /// A fresh code and its slot.
    pub fn make(dir: &Path, ring: &Keyring, place: Place, label: &str, author: &Author) -> Result<Self> {
        let code = RecoveryCode::generate();
        let secret = NewSecret::RecoveryCode(code.clone());
        Ok(Self {
            slot: add(dir, ring, &secret, label, author)?,
            code,
            dir: dir.to_path_buf(),
            place,
        })
    }

    /// Takes the slot back, when nobody has got the code.
    pub fn forget(&self, ring: &Keyring) -> Result<()> {
        remove(&self.dir, ring, &self.slot.id.to_string()).map(drop)
    }

    /// Writes the page for its owner alone, never over something.
    pub fn write(&self, path: &Path) -> Result<()> {
        if disk::exists(path)? {
            return Err(super::KeysError::InTheWay {
                path: path.to_path_buf(),
            });
        }
        Ok(disk::write_atomic(path, self.page().expose(), 0o600)?)
    }

    pub fn id(&self) -> SlotId {
        self.slot.id
    }

    pub fn created(&self) -> Timestamp {
        self.slot.created
    }

    pub fn fingerprint(&self) -> Option<Fingerprint> {
        self.slot.masters.first().copied()
    }

    /// The page as text, with the code also as a QR code.
    pub fn page(&self) -> Secret {
        // Long enough that it never grows, which would leave a copy behind.
        let mut page = Zeroizing::new(String::with_capacity(16 << 10));
        let code = self.code.text();
        let shown = String::from_utf8_lossy(code.expose());
        let (first, second) = shown.split_at(shown.len() / 2);
        let mark = self.fingerprint().map_or_else(String::new, |mark| mark.to_string());
        let product = self.place.product.as_deref().unwrap_or("-");
        let _ = write!(
            page,
            "NETLINK BACKUP RECOVERY KIT\n\n\
             Whoever has this page can read every backup below. Keep it where you keep deeds, away from the\n\
             machine; it is the last way in when key files and passphrases are lost.\n\n\
             Recovery code (slot {id}):\n\n    {first}\n    {second}\n\n{qr}\n\n\
             Product       {product}\n\
             Backups       {dir}\n\
             On machine    {host}\n\
             Installation  {root}\n\
             Key           {mark}\n\
             Made          {created} by {by}\n",
            id = self.id(),
            first = first.trim_end_matches('-'),
            second = second.trim_start_matches('-'),
            qr = drawn(code.expose()),
            dir = self.dir.display(),
            host = self.place.host,
            root = self.place.root.display(),
            created = self.created(),
            by = self.slot.by,
        );
        page.push_str(&HOW.replace("NAME", product));
        Secret::new(page.as_bytes().to_vec())
    }
}

const HOW: &str = "
On a new machine:

 1. Install NetLink and make an empty installation: netlink --root /srv/product init --product NAME
 2. Copy the folder of backups, all of it, to /srv/product/backups/updates
 3. See that the code opens it, and that the key is the one above (the code is asked for):
      netlink --root /srv/product backup keys list --recovery-code
 4. Choose a backup and restore it:
      netlink --root /srv/product backup list --recovery-code
      netlink --root /srv/product backup restore ID --into ./restored --recovery-code
 5. Give the new machine a key of its own:
      netlink --root /srv/product backup keys add --new-key-file /srv/product/.netlink/backup.key --recovery-code

Where this page may have been seen by others, make a new kit (netlink backup keys export-recovery) and
remove this one's slot (netlink backup keys remove SLOT).
";

/// In half blocks, dark on light paper; nothing where the code does not fit, which it always does.
fn drawn(code: &[u8]) -> String {
    let drawn = QrCode::with_error_correction_level(code, EcLevel::Q);
    drawn.map_or_else(
        |_| String::new(),
        |code| {
            code.render::<Dense1x2>()
                .dark_color(Dense1x2::Dark)
                .light_color(Dense1x2::Light)
                .build()
        },
    )
}
