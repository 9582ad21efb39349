//! Changelogs of 1,000, 10,000 and 30,000 releases as Keep a Changelog lays them out: reading, a range, and rendering it; and one
//! release with up to 300 pre-releases to fold, and what a plan tells of as many releases.
//!
//! `cargo bench --bench changelog`; in interleaved rounds, reading is told beside what `pulldown-cmark` takes to find the Markdown,
//! and beside the `parse-changelog` crate, which looks for headings only: its releases are slices of the text. Its growth is told
//! beside that of the text.
#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::disallowed_methods)]

use std::fmt::Write;
use std::hint::black_box;
use std::time::{Duration, Instant};

use netlink::plan::PlanNotes;
use netlink::release::FactSheet;
use netlink::release::changelog::{
    AnyDocument, Changelog, Document, Span, View, html, markdown, read, read_any, text, view,
};
use netlink::version::Dotted;
use pulldown_cmark::Parser;

const SIZES: [(u32, usize); 3] = [(1_000, 31), (10_000, 11), (30_000, 5)];

fn version(n: u32) -> String {
    format!("{}.{}.{}", 1 + n / 1000, n / 10 % 100, n % 10)
}

/// Newest first; each with two sections, entries of one line and of more, links, and its address at the end of the file.
fn file(count: u32) -> String {
    let mut text = String::from("# Changelog\n\nAll notable changes are told here.\n\n## [Unreleased]\n\n");
    for n in (0..count).rev() {
        let day = 1 + n % 28;
        let _ = write!(
            text,
            "## [{}] - 20{:02}-{:02}-{day:02}\n\n### Added\n\n- Option `--wait-{n}`, which waits for the other side ([#{n}])\n\
             - A second way to say it\n  that takes two lines\n\n### Fixed\n\n- A crash when *nothing* was there\n- **Security:** \
             a check of the length of `field_{n}`\n\n",
            version(n),
            n / 1000 % 100,
            1 + n / 28 % 12,
        );
    }
    for n in (0..count).rev() {
        let _ = writeln!(text, "[{}]: https://example.org/compare/{}", version(n), version(n));
        let _ = writeln!(text, "[#{n}]: https://example.org/issues/{n}");
    }
    text
}

fn time<T>(into: &mut Vec<Duration>, work: impl FnOnce() -> T) -> T {
    let start = Instant::now();
    let made = black_box(work());
    into.push(start.elapsed());
    made
}

fn median(mut times: Vec<Duration>) -> f64 {
    times.sort_unstable();
    times[times.len() / 2].as_secs_f64() * 1e3
}

/// The newer half of the releases.
fn range(document: Document<Dotted>, count: u32) -> View<Dotted> {
    let (releases, pending) = document.into_releases();
    let span = Span {
        since: Some(version(count / 2).parse().unwrap()),
        until: Some(version(count - 1).parse().unwrap()),
        pre: false,
    };
    view(releases, pending, &span)
}

/// A release of 50,000 entries at the most, with pre-releases of 500 each.
fn with_candidates(candidates: u32) -> String {
    let mut text = String::from("# 2.0.0\n## Added\n");
    let mut entries = |from: u32, count: u32, head: &str| {
        text += head;
        (from..from + count).for_each(|n| {
            let _ = writeln!(text, "- entry {n}");
        });
    };
    entries(0, candidates * 500 / 3, "");
    for n in 0..candidates {
        entries(n * 300, 500, &format!("# 2.0.0-rc.{n}\n## Added\n"));
    }
    text
}

/// Releases whose every entry and note is told.
fn asking(count: u32) -> Vec<Changelog> {
    let one = |n: u32| {
        let entries: String = (0..100).map(|m| format!("- gone {n} {m}\n")).collect();
        let notes: String = (0..20)
            .map(|m| format!("- {{id: n{n}-{m}, text: t {n} {m}}}\n"))
            .collect();
        let text = format!("---\nactions:\n{notes}notes:\n{notes}---\n# {n}r1\n## Breaking\n{entries}");
        Changelog::parse(&format!("{n}r1").parse().unwrap(), &text).unwrap()
    };
    (0..count).map(one).collect()
}

/// What is merged: pre-releases into their release, and the notes of releases into those of a plan.
fn merging() {
    let span = Span {
        pre: false,
        ..Span::all()
    };
    let (from, facts) = ("0a1".parse().unwrap(), FactSheet::default());
    let mut first = None;
    for count in [30, 300] {
        let (releases, _) = read::<Dotted>(&with_candidates(count)).into_releases();
        let changelogs = asking(count);
        let [mut folds, mut plans] = [const { Vec::new() }; 2];
        for _ in 0..5 {
            let releases = releases.clone();
            let view = time(&mut folds, || view(releases, Vec::new(), &span));
            assert_eq!(view.releases[0].with.len(), count as usize);
            let notes = time(&mut plans, || PlanNotes::of_the_way_up(&changelogs, &from, &facts));
            assert_eq!(notes.breaking.len(), 100 * count as usize);
        }
        let (folds, plans) = (median(folds), median(plans));
        let (fold, plan) = *first.get_or_insert((folds, plans));
        println!(
            "{count:>6} pre-releases folded {folds:.2} ms, growth {:.1}; notes of as many releases {plans:.2} ms, growth {:.1}",
            folds / fold,
            plans / plan
        );
    }
}

fn main() {
    merging();
    let mut first = None;
    for (count, rounds) in SIZES {
        let source = file(count);
        let [mut ours, mut detected, mut theirs, mut events] = [const { Vec::new() }; 4];
        let [mut ranges, mut texts, mut markdowns, mut pages] = [const { Vec::new() }; 4];
        for _ in 0..rounds {
            let found = time(&mut theirs, || parse_changelog::parse(&source).unwrap().len());
            time(&mut events, || Parser::new(&source).into_offset_iter().count());
            let document = time(&mut ours, || read::<Dotted>(&source));
            // Theirs counts what is not released yet as a release.
            assert_eq!((document.releases.len(), found), (count as usize, count as usize + 1));
            let any = time(&mut detected, || read_any(&source, None));
            assert!(matches!(any, AnyDocument::Dotted(_)));
            let view = time(&mut ranges, || range(document, count));
            assert_eq!(view.releases.len(), (count - 1 - count / 2) as usize);
            time(&mut texts, || text(&view, 100, &|_, text| text.to_owned()));
            time(&mut markdowns, || markdown(&view));
            time(&mut pages, || html(&view));
        }
        let megabytes = source.len() as f64 / 1e6;
        let (ours, theirs, events) = (median(ours), median(theirs), median(events));
        println!(
            "{count:>6} releases, {megabytes:>5.1} MB: reading {ours:>8.2} ms, {:.0} MB/s",
            megabytes / ours * 1e3
        );
        println!(
            "       parse-changelog {theirs:.2} ms, ratio {:.2}; pulldown-cmark {events:.2} ms, ratio {:.2}",
            theirs / ours,
            events / ours
        );
        println!("       reading in whichever scheme it is {:>8.2} ms", median(detected));
        println!(
            "       of the newer half: range {:.2} ms, text {:.2} ms, Markdown {:.2} ms, HTML {:.2} ms",
            median(ranges),
            median(texts),
            median(markdowns),
            median(pages)
        );
        let (least, at) = *first.get_or_insert((ours, megabytes));
        println!("       growth {:.1}, of the text {:.1}", ours / least, megabytes / at);
    }
}
