//! A running update on standard error: bars on a terminal, a line a step elsewhere; JSON lines on standard output when wanted.

use std::io::IsTerminal;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::args::{Global, Output};
use super::output::{bytes, dim, green, harmless, line, red, say, seconds, yellow};
use crate::app::{EventView, ProgressView};
use crate::plan::StepKind;

/// Shows events as they come.
pub struct Show {
    json: bool,
    quiet: bool,
    verbose: bool,
    terminal: bool,
    bar: Option<ProgressBar>,
    /// Progress lines without a terminal come at most once a tenth.
    last_tenth: u64,
}

impl Show {
    pub fn new(global: &Global) -> Self {
        Self {
            json: global.output == Output::Json,
            quiet: global.quiet,
            verbose: global.verbose,
            terminal: std::io::stderr().is_terminal(),
            bar: None,
            last_tenth: 0,
        }
    }

    pub fn event(&mut self, event: &EventView) {
        if self.json {
            if let Ok(text) = serde_json::to_string(event) {
                let _ = line(&text);
            }
        } else if !self.quiet {
            self.people(event);
        }
    }

    fn people(&mut self, event: &EventView) {
        let step = event.step.map_or("", StepKind::name);
        if self.verbose && event.kind != "progress" {
            say(&dim(&harmless(&format!("{} {} {step}", event.time, event.kind))));
        }
        let message = harmless(&event.message);
        match event.kind.as_ref() {
            "started" => self.begin(step),
            "progress" => self.progress(event),
            "succeeded" => self.end(&format!("{} {step:<16} {}", green("ok"), dim(&message))),
            "fell-back" => self.end(&format!("{} {step:<16} {message}", yellow("whole package"))),
            "failed" => self.end(&format!("{} {step:<16} {message}", red("failed"))),
            "undo-started" => self.begin(&format!("undo {step}")),
            "undo-finished" => self.end(&format!("{} {step}", yellow("undone"))),
            "undo-failed" => self.end(&format!("{} {step}: {message}", red("not undone"))),
            "aborted" => self.end(&format!("{} {message}", yellow("turning back"))),
            "paused" => self.end(&yellow("paused")),
            "settling" | "settled" => self.end(&format!("{} {message}", yellow("unfinished update:"))),
            "accepted" => say(&dim(event.update_id.as_str())),
            _ => {}
        }
    }

    fn begin(&mut self, step: &str) {
        self.last_tenth = 0;
        if !self.terminal {
            return;
        }
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
        if let Ok(style) = ProgressStyle::with_template("{spinner} {msg}") {
            bar.set_style(style);
        }
        bar.set_message(step.to_owned());
        bar.enable_steady_tick(Duration::from_millis(120));
        self.bar = Some(bar);
    }

    fn progress(&mut self, event: &EventView) {
        let Some(progress) = &event.progress else { return };
        if let Some(bar) = &self.bar {
            if bar.length().is_none() {
                bar.set_length(progress.total);
                let template = "{msg:<16} [{bar:30}] {decimal_bytes}/{decimal_total_bytes} {prefix}";
                if let Ok(style) = ProgressStyle::with_template(template) {
                    bar.set_style(style);
                }
            }
            bar.set_position(progress.done);
            bar.set_prefix(speed(progress));
            return;
        }
        let tenth = (progress.done * 10).checked_div(progress.total).unwrap_or(0);
        if tenth > self.last_tenth && tenth < 10 {
            self.last_tenth = tenth;
            let step = event.step.map_or("", StepKind::name);
            say(&format!(
                "   {step:<16} {} of {} {}",
                bytes(progress.done),
                bytes(progress.total),
                speed(progress)
            ));
        }
    }

    fn end(&mut self, text: &str) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
        say(text);
    }
}

/// `2.1 MB/s, 40 s left`; nothing as long as nobody can tell.
fn speed(progress: &ProgressView) -> String {
    let speed = progress.per_second.map(|speed| format!("{}/s", bytes(speed)));
    let left = progress.seconds_left.map(|left| format!("{} left", seconds(left)));
    speed.into_iter().chain(left).collect::<Vec<_>>().join(", ")
}
