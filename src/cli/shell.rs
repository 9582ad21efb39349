//! `netlink completions SHELL` and `netlink man`: what shells and people read, made of the commands themselves.

use std::io::Write;
use std::path::Path;

use clap::{Command, CommandFactory};
use clap_complete::{Shell, generate};
use clap_mangen::Man;

use super::args::Args;
use super::output::{Failed, Result, say};
use crate::app::{self, AppError, ManualPage};
use crate::release::counted;

/// Writes the completions to standard output.
pub fn completions(shell: Shell) -> Result<()> {
    let mut text = Vec::new();
    generate(shell, &mut Args::command(), "netlink", &mut text);
    to_standard_output(&text)
}

/// The page of the program, or a page for each command into a folder.
pub fn man(folder: Option<&Path>) -> Result<()> {
    let mut all = Args::command();
    all.build();
    let Some(folder) = folder else {
        return to_standard_output(&page(&all)?.text);
    };
    let mut pages = Vec::new();
    collect(&all, &mut pages)?;
    app::write_manual(folder, &pages)?;
    say(&format!("{} in {}", counted(pages.len(), "page"), folder.display()));
    Ok(())
}

fn collect(command: &Command, pages: &mut Vec<ManualPage>) -> Result<()> {
    pages.push(page(command)?);
    let mut below = command.get_subcommands().filter(|one| one.get_name() != "help");
    below.try_for_each(|one| collect(one, pages))
}

fn page(command: &Command) -> Result<ManualPage> {
    let page = Man::new(command.clone());
    let mut text = Vec::new();
    page.render(&mut text).map_err(|e| AppError::below("NL0408", &e))?;
    let name = page.get_filename();
    Ok(ManualPage { name, text })
}

fn to_standard_output(text: &[u8]) -> Result<()> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text).and_then(|()| out.flush()) {
        Err(e) if e.kind() != std::io::ErrorKind::BrokenPipe => Err(Failed::App(AppError::below("NL0408", &e))),
        _ => Ok(()),
    }
}
