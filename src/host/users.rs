//! Users of this machine by their names, as /etc/passwd has them.

use std::io;
use std::path::Path;

use crate::disk;

const LIMIT: u64 = 4 << 20;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct User {
    pub id: u32,
    /// Its own group.
    pub group: u32,
}

/// The user of this name; none when there is none.
pub fn user_named(name: &str) -> io::Result<Option<User>> {
    let text = disk::read_text_limited(Path::new("/etc/passwd"), LIMIT).map_err(|e| e.source)?;
    Ok(found(&text, name))
}

fn found(passwd: &str, wanted: &str) -> Option<User> {
    passwd.lines().find_map(|line| {
        let mut fields = line.split(':');
        let (name, id, group) = (fields.next()?, fields.nth(1)?, fields.next()?);
        (name == wanted).then_some(User {
            id: id.parse().ok()?,
            group: group.parse().ok()?,
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_is_found_by_the_whole_name() {
        let passwd = "root:x:0:0:root:/root:/bin/sh\n# odd\nweb:x:990:991::/:/sbin/nologin\nbroken:x:y\n";
        let user = |id, group| Some(User { id, group });
        for (wanted, expected) in [
            ("root", user(0, 0)),
            ("web", user(990, 991)),
            ("990", None),
            ("we", None),
            ("", None),
            ("broken", None),
            ("x", None),
        ] {
            assert_eq!(found(passwd, wanted), expected, "{wanted}");
        }
    }

    #[test]
    fn root_is_known_here() {
        assert_eq!(user_named("root").unwrap(), Some(User { id: 0, group: 0 }));
    }
}
