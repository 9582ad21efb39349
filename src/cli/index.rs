//! `netlink plan --index FILE --from V --to V`, and `netlink plan --stack FILE`

use std::io::{self, Write};

use serde_json::json;

use super::args::{Global, IndexArgs, LeastChannel, Output, VersionScheme};
use super::output::{Failed, Result, bold, dim, harmless, line, red, say, streamed, yellow};
use super::stack;
use crate::app::{self, AppError, IndexOptions};
use crate::plan::{NoTravel, Policy, Travel};
use crate::release::FactSheet;
use crate::version::{Channel, Dotted, Scheme, Version};

pub fn run(global: &Global, args: &IndexArgs) -> Result<()> {
    if let Some(file) = &args.stack {
        return stack::run(global, args, file);
    }
    let (Some(index), Some(from), Some(to)) = (&args.index, &args.from, &args.to) else {
        return Err(Failed::said("NL0110", "`--index` goes with `--from` and `--to`"));
    };
    let (text, named) = app::read_index(index)?;
    if let Some(other) = named
        .as_deref()
        .filter(|name| ![Dotted::NAME, Version::NAME].contains(name))
    {
        let message = format!(
            "the release index is of the scheme `{other}`; there are {} and {}",
            Version::NAME,
            Dotted::NAME
        );
        return Err(AppError::said("NL0111", message).into());
    }
    let dotted = args.scheme.map_or(named.as_deref() == Some(Dotted::NAME), |scheme| {
        scheme == VersionScheme::Dotted
    });
    if dotted {
        answer::<Dotted>(global, args, text, (from, to))
    } else {
        answer::<Version>(global, args, text, (from, to))
    }
}

pub fn options(args: &IndexArgs) -> IndexOptions {
    let mut facts = FactSheet::default();
    for (name, fact) in &args.facts {
        facts.insert(name.clone(), fact.clone());
    }
    IndexOptions {
        facts,
        now: args.now,
        node: args.node.clone(),
        accepted_risks: args.accepted_risks.iter().cloned().collect(),
    }
}

fn answer<V: Scheme>(global: &Global, args: &IndexArgs, text: String, (from, to): (&str, &str)) -> Result<()> {
    let (from, to) = (read::<V>(from)?, read::<V>(to)?);
    let options = options(args);
    let graph = match app::graph_of_index(text, &from, policy(args)?, &options) {
        Ok(graph) => graph,
        Err(no) => return refused(global, &no, args.explain),
    };
    match app::plan_over_index(&graph, &from, &to) {
        Ok(travel) => streamed(global, &travel, |travel, out| shown(travel, args.explain, out)),
        Err(no) => refused(global, &no, args.explain),
    }
}

fn policy<V: Scheme>(args: &IndexArgs) -> Result<Policy<V>> {
    let bound = |text: &Option<String>| {
        let read = |text: &str| text.parse().map_err(|e| AppError::below("NL0101", &e));
        text.as_deref().map(read).transpose()
    };
    let constraint = |text: &String| text.parse().map_err(|e| AppError::below("NL0101", &e).into());
    Ok(Policy {
        min: bound(&args.min)?,
        max: bound(&args.max)?,
        exclude: args.exclude.iter().map(constraint).collect::<Result<_>>()?,
        channel: match args.channel {
            LeastChannel::Alpha => Channel::Alpha,
            LeastChannel::Beta => Channel::Beta,
            LeastChannel::Stable => Channel::Release,
        },
    })
}

fn read<V: Scheme>(text: &str) -> Result<V> {
    Ok(text.parse().map_err(|e| AppError::below("NL0101", &e))?)
}

fn shown<V: Scheme>(travel: &Travel<'_, V>, explain: bool, out: &mut dyn Write) -> io::Result<()> {
    for start in travel.path().take(1) {
        write!(out, "{}", bold(&start.to_string()))?;
    }
    for hop in travel.hops() {
        let stop = if hop.stop { " (stop)" } else { "" };
        write!(out, " -> {}{stop}", bold(&hop.to.to_string()))?;
    }
    writeln!(
        out,
        "{}",
        if travel.hops().len() == 0 {
            ": already there"
        } else {
            ""
        }
    )?;
    for warning in travel.warnings() {
        writeln!(out, "{} {}", yellow("warning:"), harmless(&warning.message))?;
    }
    for hop in travel.hops().filter(|hop| !hop.gates.is_empty()) {
        let gates = harmless(&hop.gates.join(", "));
        writeln!(out, "{} {} needs {gates} first", yellow("gate:"), hop.to)?;
    }
    if explain { explained(travel, out) } else { Ok(()) }
}

fn explained<V: Scheme>(travel: &Travel<'_, V>, out: &mut dyn Write) -> io::Result<()> {
    for hop in travel.hops() {
        let back = if hop.reversible {
            ""
        } else {
            "; no way back but a restore"
        };
        let because = harmless(&hop.because.to_string());
        writeln!(out, "  {} -> {}: {because}{back}", hop.from, hop.to)?;
    }
    fused(travel, out)?;
    for refused in travel.refused() {
        writeln!(out, "  {} {}", red("not"), harmless(&refused.to_string()))?;
    }
    Ok(())
}

/// Hops that need nothing between them to run are one backup, one outage, one switch.
fn fused<V: Scheme>(travel: &Travel<'_, V>, out: &mut dyn Write) -> io::Result<()> {
    let mut open = false;
    for hop in travel.hops() {
        if !hop.runs && !open {
            write!(out, "  {}", dim(&format!("in one go: {}", hop.from)))?;
        }
        if !hop.runs || open {
            write!(out, "{}", dim(&format!(" -> {}", hop.to)))?;
        }
        if hop.runs && open {
            writeln!(out)?;
        }
        open = !hop.runs;
    }
    Ok(())
}

fn refused<V: Scheme>(global: &Global, no: &NoTravel<V>, explain: bool) -> Result<()> {
    let code = app::code_of_no_travel(no);
    let NoTravel::NoPath { stuck, .. } = no else {
        return Err(AppError::below(code, no).into());
    };
    let more = if explain || stuck.witness.len() < 2 {
        ""
    } else {
        "; `--explain` shows all that stands in the way"
    };
    say(&format!(
        "{} {}{more} [{code}]",
        red("error:"),
        harmless(&no.to_string())
    ));
    if global.output == Output::Json {
        let farthest = stuck.farthest.to_string();
        let document = json!({"error": {
            "code": code, "kind": "no-path", "message": no.to_string(), "farthest": farthest, "witness": stuck.witness, "components": stuck.components,
        }});
        let _ = line(&document.to_string());
    } else if explain {
        for refused in &stuck.witness {
            say(&format!("  {} {}", red("not"), harmless(&refused.to_string())));
        }
        for need in &stuck.components {
            say(&format!("  {}", harmless(&need.to_string())));
        }
    }
    Err(Failed::Exit(super::output::exit_of(code)))
}
