//! `netlink tuf …`: the commands that TUF's conformance suite asks of a client, on any repository.

use super::args::{Global, TufArgs, TufVerb};
use super::output::{Failed, Result, green, result, say};
use crate::app::{self, TargetsWanted, TufNote};

pub fn run(global: &Global, args: &TufArgs) -> Result<()> {
    let tell = |note: &TufNote| {
        if note.is_warning() || !global.quiet {
            say(&note.to_string());
        }
    };
    let dir = &args.metadata_dir;
    match &args.verb {
        TufVerb::Init { root } => {
            app::tuf_init(dir, root)?;
            result(global, &serde_json::json!({"metadata_dir": dir}), |_| {
                format!("{} {}", green("trusted"), root.display())
            })
        }
        TufVerb::Refresh => {
            let view = app::tuf_refresh(dir, needed(args.metadata_url.as_ref(), "--metadata-url URL")?, &tell)?;
            result(global, &view, |view| {
                format!("{} targets {}", green("fresh"), view.targets_version)
            })
        }
        TufVerb::Download => {
            let wanted = TargetsWanted {
                names: &args.target_names,
                base_url: needed(args.target_base_url.as_ref(), "--target-base-url URL")?,
                into: needed(args.target_dir.as_ref(), "--target-dir DIR")?,
            };
            needed(wanted.names.first(), "--target-name NAME")?;
            let url = needed(args.metadata_url.as_ref(), "--metadata-url URL")?;
            let views = app::tuf_download(dir, url, &wanted, &tell)?;
            result(global, &views, |views| {
                let lines = views
                    .iter()
                    .map(|view| format!("{} {}\n", green("verified"), view.path.display()));
                lines.collect()
            })
        }
    }
}

fn needed<'a, T>(given: Option<&'a T>, option: &str) -> Result<&'a T> {
    given.ok_or_else(|| Failed::said("NL0110", format!("this needs `{option}`; see `netlink tuf --help`")))
}
