//! Versions: reading one beside the `semver` crate, and sorting a million.
//!
//! `cargo bench --bench version`; the ratio is of medians of interleaved rounds, because machines are noisy.
#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::disallowed_methods)]

use std::hint::black_box;
use std::time::{Duration, Instant};

use criterion::{BatchSize, Criterion, Throughput};
use netlink::version::{Dotted, Version};

const COUNT: u32 = 1000;
const ROUNDS: usize = 401;

/// As long as those of `semantic`, one by one: 5 to 8 bytes, e.g. `12b345`.
fn lifecycle() -> Vec<String> {
    let text = |n: u32, [major, minor, _]: [u32; 3]| {
        let letter = ['a', 'b', 'r'][n as usize % 3];
        // Two dots take one byte more than a letter does.
        format!("{}{letter}{}", number(n, major), number(n / 7, minor))
    };
    (0..COUNT)
        .map(|n| match n % 4 {
            0 => text(n, [2, 2, 0]),
            1 => text(n, [2, 3, 0]),
            2 => text(n, [2, 4, 0]),
            _ => text(n, [3, 4, 0]),
        })
        .collect()
}

fn semantic() -> Vec<String> {
    let text = |n: u32, [major, minor, patch]: [u32; 3]| {
        format!("{}.{}.{}", number(n, major), number(n / 7, minor), number(n / 3, patch))
    };
    (0..COUNT)
        .map(|n| match n % 4 {
            0 => text(n, [1, 1, 1]),
            1 => text(n, [1, 2, 1]),
            2 => text(n, [2, 2, 1]),
            _ => text(n, [2, 2, 2]),
        })
        .collect()
}

/// A number of so many digits.
fn number(n: u32, digits: u32) -> u32 {
    let least = 10_u32.pow(digits - 1);
    least + n.wrapping_mul(2_654_435_761) % (9 * least)
}

fn time(work: impl FnOnce()) -> Duration {
    let start = Instant::now();
    work();
    start.elapsed()
}

fn median(mut times: Vec<Duration>) -> f64 {
    times.sort_unstable();
    times[times.len() / 2].as_secs_f64() * 1e9 / f64::from(COUNT)
}

fn beside_semver() {
    let (ours, theirs) = (lifecycle(), semantic());
    assert!(ours.iter().zip(&theirs).all(|(a, b)| a.len() == b.len()));
    let lifecycle = || {
        for text in &ours {
            drop(black_box(black_box(text).parse::<Version>()));
        }
    };
    let semver = || {
        for text in &theirs {
            drop(black_box(semver::Version::parse(black_box(text))));
        }
    };
    let dotted = || {
        for text in &theirs {
            drop(black_box(black_box(text).parse::<Dotted>()));
        }
    };
    let round = || [time(lifecycle), time(semver), time(dotted)];
    let rounds: Vec<[Duration; 3]> = (0..ROUNDS).map(|_| round()).collect();
    let of = |at: usize| median(rounds.iter().map(|round| round[at]).collect());
    let (lifecycle, semver, dotted) = (of(0), of(1), of(2));
    println!("parse, 5 to 8 bytes: lifecycle {lifecycle:.1} ns, semver {semver:.1} ns, dotted {dotted:.1} ns");
    println!(
        "ratio semver / lifecycle {:.2} (bar: 2), semver / dotted {:.2}\n",
        semver / lifecycle,
        semver / dotted
    );
}

fn main() {
    beside_semver();
    let mut criterion = Criterion::default().configure_from_args();
    let mut group = criterion.benchmark_group("version");
    let versions: Vec<Version> = (0..1_000_000_u64)
        .map(|n| {
            let mixed = n.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 40;
            let letter = ['a', 'b', 'r'][usize::try_from(mixed % 3).unwrap()];
            format!("{}{letter}{}", mixed % 97, 1 + mixed % 50_021).parse().unwrap()
        })
        .collect();
    group.sample_size(10).throughput(Throughput::Elements(1_000_000));
    group.bench_function("sort a million", |bencher| {
        bencher.iter_batched(
            || versions.clone(),
            |mut versions| {
                versions.sort_unstable();
                versions
            },
            BatchSize::LargeInput,
        );
    });
    group.finish();
    criterion.final_summary();
}
