//! Planning over 1,000, 100,000 and 1,000,000 releases with ranges, 1% stops and 1% blocks.
//!
//! Blocks mean one move each, then half of all; then 10,000 and 100,000 releases with protocol windows that go up and down at random.
//!
//! `cargo bench --bench planner`; reading the index and planning over it are told apart, and the growth beside n log n.
#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::disallowed_methods)]

use std::fmt::Write;
use std::time::{Duration, Instant};

use netlink::plan::{Index, Terms, plan_way};
use netlink::version::Dotted;

const SIZES: [(u32, usize); 3] = [(1_000, 201), (100_000, 15), (1_000_000, 5)];
const WINDOW_SIZES: [(u32, usize); 2] = [(10_000, 15), (100_000, 5)];

fn version(n: u32) -> String {
    format!("{}.{}.{}", 1 + n / 10_000, n / 100 % 100, n % 100)
}

/// Each release may be entered from the thousand before it; each hundredth may not be skipped; into one of each hundred one of
/// those moves is blocked.
fn index(count: u32) -> String {
    let mut text = String::from(r#"{"scheme":"dotted","releases":["#);
    for n in 0..count {
        let comma = if n > 0 { "," } else { "" };
        let from = format!(">={}, <{}", version(n.saturating_sub(1000)), version(n));
        let stop = if n % 100 == 50 { r#","stop":true"# } else { "" };
        let _ = write!(text, r#"{comma}{{"version":"{}","from":["{from}"]{stop}}}"#, version(n));
    }
    text.push_str(r#"],"blocked":["#);
    for n in (99..count).step_by(100) {
        let comma = if n > 99 { "," } else { "" };
        let (from, to) = (version(n - 49), version(n));
        let _ = write!(
            text,
            r#"{comma}{{"name":"B{n}","from":"={from}","to":"={to}","reason":"it loses data"}}"#
        );
    }
    text.push_str("]}");
    text
}

/// Each hundredth release closes the way from all before it to all after it: each block means half of all releases.
fn wide_index(count: u32) -> String {
    let releases: Vec<String> = (0..count)
        .map(|n| format!(r#"{{"version":"{}"}}"#, version(n)))
        .collect();
    let block = |n: u32| {
        let (from, to) = (version(n - 50), version(n));
        format!(r#"{{"name":"B{n}","from":"<{from}","to":">={to}","reason":"it loses data"}}"#)
    };
    let blocks: Vec<String> = (99..count).step_by(100).map(block).collect();
    format!(
        r#"{{"scheme":"dotted","releases":[{}],"blocked":[{}]}}"#,
        releases.join(","),
        blocks.join(",")
    )
}

/// Protocol windows that go up and down at random and are narrow beside all there are: nothing is said of many neighbours at once,
/// and the way has dozens of hops.
fn window_index(count: u32) -> String {
    const WINDOWS: u64 = 100;
    let mut random: u64 = 42;
    let mut release = |n: u32| {
        // xorshift64
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        let drawn = random % WINDOWS;
        let least = if n == 0 {
            0
        } else if n + 1 == count {
            WINDOWS - 1
        } else {
            drawn
        };
        format!(
            r#"{{"version":"{}","protocol":{},"min_protocol":{least}}}"#,
            version(n),
            least + 2
        )
    };
    let releases: Vec<String> = (0..count).map(&mut release).collect();
    format!(r#"{{"scheme":"dotted","releases":[{}]}}"#, releases.join(","))
}

fn terms() -> Terms<Dotted> {
    Terms::at(jiff::Timestamp::UNIX_EPOCH)
}

fn median(mut times: Vec<Duration>) -> f64 {
    times.sort_unstable();
    times[times.len() / 2].as_secs_f64() * 1e3
}

fn main() {
    measure("blocks of one move each", index, SIZES);
    measure("blocks of half of all moves each", wide_index, SIZES);
    measure("protocol windows at random", window_index, WINDOW_SIZES);
}

fn measure<const N: usize>(what: &str, index: fn(u32) -> String, sizes: [(u32, usize); N]) {
    println!("{what}:");
    let mut first = None;
    for (count, rounds) in sizes {
        let text = index(count);
        let (from, to): (Dotted, Dotted) = (version(0).parse().unwrap(), version(count - 1).parse().unwrap());
        let mut times = [Vec::new(), Vec::new()];
        let mut hops = 0;
        for _ in 0..rounds {
            let start = Instant::now();
            let graph = Index::<Dotted>::read(&text)
                .unwrap()
                .graph(&text, Some(&from), &terms())
                .unwrap();
            times[0].push(start.elapsed());
            let start = Instant::now();
            hops = plan_way(&graph, &from, &to).unwrap().hops().len();
            times[1].push(start.elapsed());
        }
        let [read, plan] = times.map(median);
        let megabytes = text.len() as f64 / 1e6;
        println!(
            "{count:>9} releases, {megabytes:>6.1} MB: reading {read:>8.2} ms, planning {plan:>8.3} ms, {hops} hops"
        );
        let n_log_n = f64::from(count) * f64::from(count).log2();
        let (least, at) = *first.get_or_insert((plan, n_log_n));
        println!("{:>9} growth {:.1}, n log n {:.1}", "", plan / least, n_log_n / at);
    }
}
