//! `netlink doctor`

use super::args::Global;
use super::output::{Failed, Result, bold, green, harmless, red, result, yellow};
use crate::app::{self, Diagnosis, Examined, Verdict};
use crate::release::counted;

/// Exit code of an installation that something is wrong with.
const WRONG: u8 = 1;

pub fn run(global: &Global) -> Result<()> {
    let examined = app::examine(&global.root, global.config.as_deref())?;
    result(global, &examined, text)?;
    match examined.wrong {
        0 => Ok(()),
        _ => Err(Failed::Exit(WRONG)),
    }
}

fn text(examined: &Examined) -> String {
    let lines = examined.findings.iter().map(line);
    let end = match (examined.wrong, examined.warnings) {
        (0, 0) => "nothing is wrong".to_owned(),
        (0, warnings) => format!("nothing is wrong, {} to look at", counted(warnings, "warning")),
        (wrong, 0) => format!("{} wrong", counted(wrong, "thing")),
        (wrong, warnings) => format!("{} wrong, {}", counted(wrong, "thing"), counted(warnings, "warning")),
    };
    lines.chain([bold(&end)]).collect::<Vec<_>>().join("\n")
}

fn line(one: &Diagnosis) -> String {
    let verdict = match one.verdict {
        Verdict::Ok => green("ok     "),
        Verdict::Warning => yellow("warning"),
        Verdict::Wrong => red("wrong  "),
    };
    format!("{verdict}  {:<11}  {}", one.about, harmless(&one.found))
}
