//! `netlink plan --stack FILE`

use std::fmt::Write;
use std::path::Path;

use serde_json::json;

use super::args::{Global, IndexArgs, Output};
use super::index::options;
use super::output::{Failed, Result, bold, dim, exit_of, green, harmless, line, red, result, say, yellow};
use crate::app::{self, NoStack};
use crate::plan::{Change, FittedStack, Missed, Placed, StackError, StackWish};

pub fn run(global: &Global, args: &IndexArgs, file: &Path) -> Result<()> {
    match app::fit_stack(file, &wish(args)?, &options(args)) {
        Ok(fitted) => result(global, &fitted, text),
        Err(no) => refused(global, &no),
    }
}

fn wish(args: &IndexArgs) -> Result<StackWish> {
    Ok(match (args.component.as_slice(), &args.to, args.all) {
        (_, _, true) => StackWish::All,
        ([], None, false) => StackWish::Mend,
        ([component], Some(version), false) => StackWish::To {
            component: component.clone(),
            version: version.clone(),
        },
        (_, Some(_), false) => return Err(Failed::said("NL0110", "`--to` is of one `--component`")),
        (components, None, false) => StackWish::Newest(components.to_vec()),
    })
}

fn text(fitted: &FittedStack) -> String {
    let widest = fitted
        .components
        .iter()
        .map(|placed| placed.component.chars().count())
        .max();
    let mut out = String::new();
    for placed in &fitted.components {
        let name = format!("{:<width$}", placed.component, width = widest.unwrap_or(0));
        let _ = writeln!(out, "{}  {}", harmless(&name), change(placed));
    }
    for Missed {
        component,
        version,
        because,
    } in &fitted.passed_over
    {
        let _ = writeln!(out, "{} {component} {version}:", yellow("passed over"));
        for sentence in &because.0 {
            let _ = writeln!(out, "  {}", harmless(sentence));
        }
    }
    if fitted.may_change_less {
        let _ = writeln!(
            out,
            "{} a set with fewer changes may exist; the search for it was given up",
            yellow("note:")
        );
    }
    for warning in &fitted.warnings {
        let _ = writeln!(out, "{} {}", yellow("warning:"), harmless(warning));
    }
    out.trim_end().to_owned()
}

fn change(placed: &Placed) -> String {
    let nothing = String::new();
    let (from, to) = (
        placed.from.as_ref().unwrap_or(&nothing),
        placed.to.as_ref().unwrap_or(&nothing),
    );
    let why = || match placed.because.as_slice() {
        [] => String::new(),
        reasons => dim(&format!("  ({})", harmless(&reasons.join("; ")))),
    };
    match placed.change {
        Change::Stays => format!("{from} stays"),
        Change::NotNeeded => dim("not needed"),
        Change::Comes => format!("{} {}{}", green("new"), bold(to), why()),
        Change::Up | Change::Down => {
            let way: Vec<String> = placed.path.iter().skip(1).map(|version| bold(version)).collect();
            let down = if placed.change == Change::Down {
                red(" (down)")
            } else {
                String::new()
            };
            format!("{from} -> {}{down}{}", way.join(" -> "), why())
        }
    }
}

fn refused(global: &Global, no: &NoStack) -> Result<()> {
    let code = no.code();
    let NoStack::Stack(StackError::NoFit(why)) = no else {
        return Err(match no {
            NoStack::Stack(error) => app::AppError::below(code, error).into(),
            NoStack::App(error) => Failed::said(code, error.to_string()),
        });
    };
    say(&format!("{} {} [{code}]", red("error:"), harmless(&no.to_string())));
    if global.output == Output::Json {
        let error = json!({"code": code, "kind": "no-fit", "message": no.to_string(), "explanation": why});
        let _ = line(&json!({ "error": error }).to_string());
    } else {
        why.0
            .iter()
            .for_each(|sentence| say(&format!("  {}", harmless(sentence))));
    }
    Err(Failed::Exit(exit_of(code)))
}
