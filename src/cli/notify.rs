//! `netlink notify …`, and telling receivers beside the commands that change something.

use super::args::{Command, Global, NotifyVerb};
use super::audit::changing;
use super::open::open;
use super::output::{Failed, Result, bold, dim, exit_of, green, harmless, red, result, say, yellow};
use crate::app::{self, Courier, Installation, NoticesView, ReceiverView, Tried};
use crate::clock;
use crate::store::{NoticeRecord, NoticeState};

pub fn run(global: &Global, verb: &NotifyVerb) -> Result<()> {
    let installation = open(global)?;
    match verb {
        NotifyVerb::Test { receiver } => tried(global, &app::test_notices(&installation, receiver.as_deref())?),
        NotifyVerb::Retry { id } => tried(global, &app::retry_notices(&installation, id.as_deref())?),
        NotifyVerb::List { limit } => result(global, &app::notices(&installation, *limit)?, list),
    }
}

fn tried(global: &Global, tried: &Tried) -> Result<()> {
    result(global, tried, |tried| match tried.notices.is_empty() {
        true => "nothing waits, and nothing was given up".to_owned(),
        false => lines(&tried.notices),
    })?;
    match tried.all_arrived() {
        true => Ok(()),
        false => Err(Failed::Exit(exit_of("NL0741"))),
    }
}

fn list(view: &NoticesView) -> String {
    if view.receivers.is_empty() {
        return "nobody is told of anything; `notifications` in config/update.yml names receivers".into();
    }
    let receivers: Vec<String> = view.receivers.iter().map(receiver).collect();
    format!("{}\n{}", receivers.join("\n"), lines(&view.notices))
        .trim_end()
        .to_owned()
}

fn receiver(one: &ReceiverView) -> String {
    let unknown = match one.is_known {
        true => String::new(),
        false => yellow(" (not in the settings any more)"),
    };
    let dead = match one.dead {
        0 => String::new(),
        count => red(&format!(", {count} given up")),
    };
    format!(
        "{}{unknown}: {} delivered, {} waiting{dead}",
        bold(&harmless(&one.name)),
        one.delivered,
        one.waiting
    )
}

fn lines(notices: &[NoticeRecord]) -> String {
    notices.iter().map(line).collect::<Vec<_>>().join("\n")
}

fn line(notice: &NoticeRecord) -> String {
    let NoticeRecord {
        made_at,
        receiver,
        kind,
        subject,
        id,
        tries,
        ..
    } = notice;
    let state = match notice.state {
        NoticeState::Delivered => green("delivered"),
        NoticeState::Waiting if *tries == 0 => dim("waiting"),
        NoticeState::Waiting => yellow(&format!("waiting, tried {tries} times")),
        NoticeState::Dead => red("given up"),
    };
    let why = notice.problem.as_ref().map_or_else(String::new, |problem| {
        format!("\n                        {}", harmless(problem))
    });
    format!(
        "  {made_at:.0}  {}  {kind}  {}  {state}  {}{why}",
        harmless(receiver),
        harmless(subject),
        dim(id)
    )
}

/// Runs a command with a courier beside it, where it changes something and anybody is to be told; waits a little at its end for what is
/// still on its way.
pub fn told(global: &Global, command: &Command, run: impl FnOnce() -> Result<()>) -> Result<()> {
    // A server has its own, here or elsewhere, and what runs the product outlives everybody.
    if global.remote.server.is_some()
        || changing(command).is_none()
        || matches!(command, Command::Serve(_) | Command::Supervise(_))
    {
        return run();
    }
    let (root, config, began) = (&global.root, global.config.as_deref(), clock::now());
    let beside = || Courier::beside(root, config, |_| {});
    let before = beside();
    let ran = run();
    // What has just made the installation has only now whom to tell.
    let courier = if matches!(command, Command::Init(_)) {
        beside()
    } else {
        before
    };
    if let Ok(Some(courier)) = courier
        && let Ok(installation) = Installation::open(root, config)
    {
        courier.end(installation.settings.notifications.linger);
        app::notices_left(&installation, began)
            .unwrap_or_default()
            .iter()
            .for_each(|(receiver, count, why)| still_waits(receiver, *count, why.as_deref()));
    }
    ran
}

fn still_waits(receiver: &str, count: usize, why: Option<&str>) {
    let why = why.map_or_else(String::new, |why| format!(" ({})", harmless(why)));
    let many = if count == 1 { "notice waits" } else { "notices wait" };
    say(&format!(
        "{} {count} {many} for {}{why}; `netlink serve` or the next command brings what can be brought",
        yellow("note:"),
        harmless(receiver)
    ));
}
