//! The command line: parse, call app, render. Results go to standard output, everything else to standard error.

mod args;
mod asked;
mod audit;
mod backup;
mod backup_keys;
mod backup_rotation;
mod changelog;
mod check;
mod config;
mod dependencies;
mod doctor;
mod events;
mod explain;
mod index;
mod init;
mod maintenance;
mod notify;
mod open;
mod output;
mod plan;
mod relay;
mod release;
mod remote;
mod schedule;
mod schema;
mod scheme;
mod serve;
mod shell;
mod stack;
mod starter;
mod status;
mod supervise;
mod token;
mod tuf;
mod unlock;
mod update;
mod watch;

use std::process::ExitCode;

use clap::Parser;

use args::{Args, Command};
use output::Failed;

/// Parses, runs, and gives the exit code of INTERFACES.md.
pub fn main() -> ExitCode {
    let args = match Args::try_parse() {
        Ok(args) => args,
        Err(error) => {
            let _ = error.print();
            return ExitCode::from(if error.use_stderr() { 2 } else { 0 });
        }
    };
    args.global.color.apply();
    let ran = remote::refuse_what_is_local(&args.global, &args.command).and_then(|()| {
        notify::told(&args.global, &args.command, || {
            audit::audited(&args.global, &args.command, || run(&args))
        })
    });
    match ran {
        Ok(()) => ExitCode::SUCCESS,
        Err(failed) => failed.report(&args.global),
    }
}

fn run(args: &Args) -> Result<(), Failed> {
    let global = &args.global;
    match &args.command {
        Command::Init(wanted) => init::run(global, wanted),
        Command::Update(verb) => update::run(global, verb),
        Command::Backup(verb) => backup::run(global, verb),
        Command::Release(verb) => release::run(global, verb),
        Command::Plan(args) => index::run(global, args),
        Command::Changelog(verb) => changelog::run(global, verb),
        Command::Scheme(verb) => scheme::run(global, verb),
        Command::Schema(verb) => schema::run(global, verb),
        Command::Maintenance { switch } => maintenance::run(global, *switch),
        Command::Serve(wanted) => serve::run(global, wanted),
        Command::Audit(verb) => audit::run(global, verb),
        Command::Token(verb) => token::run(global, verb),
        Command::Notify(verb) => notify::run(global, verb),
        Command::Supervise(wanted) => supervise::run(global, wanted),
        Command::Tuf(wanted) => tuf::run(global, wanted),
        Command::Config(verb) => config::run(global, verb),
        Command::Doctor => doctor::run(global),
        Command::Explain { code } => explain::run(global, code.as_deref()),
        Command::Completions { shell } => shell::completions(*shell),
        Command::Man { out } => shell::man(out.as_deref()),
    }
}
