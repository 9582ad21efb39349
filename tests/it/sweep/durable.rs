//! What a power cut could take away: the trace of what is made durable, against what the journal says.

use std::collections::BTreeSet;

use super::cases::{failing, rollback, upgrade};

/// Names that a power cut may take away without harm: they are made anew, or only written for people.
const PASSING: [&str; 5] = ["/staging", "/downloads", "/logs", "netlink.db", ".netlink/lock"];

/// Walks through the calls of a run: what was written must be durable before it gets its name, and names before the journal
/// says so. Gives what is not.
fn not_durable(calls: &[String]) -> Vec<String> {
    let mut wrong = Vec::new();
    let (mut contents, mut names) = (BTreeSet::new(), BTreeSet::new());
    let passing = |path: &str| PASSING.iter().any(|part| path.contains(part));
    for line in calls.iter().filter(|line| !line.contains(" = -1 ")) {
        let Some((call, rest)) = line.split_once('(') else {
            continue;
        };
        let open = rest
            .split_once('<')
            .and_then(|(_, path)| path.split_once('>'))
            .map(|(path, _)| path.to_owned());
        let quoted: Vec<&str> = rest.split('"').skip(1).step_by(2).collect();
        match (call, open, &quoted[..]) {
            ("write" | "pwrite64" | "ftruncate", Some(path), _) if !passing(&path) && path.starts_with('/') => {
                contents.insert(path);
            }
            ("fsync" | "fdatasync", Some(path), _) => {
                if path.ends_with("netlink.db-wal") {
                    wrong.extend(
                        names
                            .iter()
                            .map(|name| format!("the journal goes on before {name} is durable")),
                    );
                    names.clear();
                }
                contents.remove(&path);
                names.remove(&path);
            }
            ("syncfs", ..) => {
                contents.clear();
                names.clear();
            }
            ("rename" | "renameat" | "renameat2", _, [from, to]) if !passing(to) => {
                if contents.remove(*from) {
                    wrong.push(format!("{to} got its name before its content was durable"));
                }
                names.insert(folder(to));
            }
            ("mkdir" | "symlink", _, [.., made]) if !passing(made) && !made.contains("netlink-part") => {
                names.insert(folder(made));
            }
            _ => {}
        }
    }
    wrong
}

fn folder(path: &str) -> String {
    path.rsplit_once('/').map_or("", |(folder, _)| folder).to_owned()
}

const DURABILITY: &str = "write,pwrite64,ftruncate,fsync,fdatasync,syncfs,rename,renameat,renameat2,mkdir,symlink";

#[test]
fn what_the_journal_says_is_durable_before_it_says_so() {
    for scenario in [upgrade(), failing(), rollback()] {
        let calls = scenario.calls(DURABILITY, None);
        assert!(calls.len() > 200, "{} calls: does strace work here?", calls.len());
        assert_eq!(not_durable(&calls), [""; 0], "{:?}", scenario.args);
    }
}

#[test]
fn an_fsync_that_is_left_out_is_found() {
    let wrong = not_durable(&upgrade().calls(DURABILITY, Some("skip-fsync")));
    assert!(
        wrong.iter().any(|one| one.contains("before its content was durable")),
        "{wrong:?}"
    );
    assert!(wrong.iter().any(|one| one.contains("the journal goes on")), "{wrong:?}");
}
