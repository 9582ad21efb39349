//! `netlink update watch`: an update that somebody else drives, shown until it ends or waits.

use std::thread;
use std::time::Duration;

use super::args::Global;
use super::events::Show;
use super::open::open;
use super::output::{Failed, Result};
use super::remote;
use super::update::finish;
use crate::app::{self, AppError, Installation, Running, UpdateView};
use crate::store::UpdateId;

const LOOK_EVERY: Duration = Duration::from_millis(100);
/// Entries of the journal that are read at once.
const PAGE: u32 = 200;

/// From its beginning; what has ended already is shown all the same.
pub fn watch(global: &Global, id: Option<&UpdateId>) -> Result<()> {
    if let Some(wire) = remote::wire(global)? {
        return finish(global, &remote::watch(global, &wire, id)?);
    }
    let installation = open(global)?;
    let update = app::status(&installation, id)?.update.ok_or(AppError::NoUpdateYet)?;
    let id = update.update_id;
    let (mut show, mut after) = (Show::new(global), 0);
    loop {
        // Looked at first: what is journaled meanwhile is shown before one ends.
        let update = app::update(&installation, &id)?;
        after = show_after(&installation, &id, after, &mut show)?;
        if has_come_to_its_end(&update)? {
            return finish(global, &app::report(&installation, &id)?);
        }
        thread::sleep(LOOK_EVERY);
    }
}

fn show_after(installation: &Installation, id: &UpdateId, mut after: i64, show: &mut Show) -> Result<i64> {
    loop {
        let events = app::events_after(installation, Some(id), after, PAGE)?;
        let Some(last) = events.last() else { return Ok(after) };
        after = last.seq;
        events.iter().for_each(|event| show.event(event));
    }
}

fn has_come_to_its_end(update: &UpdateView) -> Result<bool> {
    match update.running {
        Running::Finished { .. } | Running::Waiting { .. } => Ok(true),
        Running::Running { .. } => Ok(false),
        Running::Died => {
            let message = format!(
                "the process that worked on update {} is gone; `netlink update resume` goes on",
                update.update_id
            );
            Err(Failed::said("NL0407", message))
        }
    }
}
