//! Headings of well-known styles, and what each is to give.

use super::*;
use crate::version::{Dotted, Version};

/// What a heading should give, in short: `1.2.3 2024-01-02 yanked`, or `pending`, `date`, `series`, `odd`, `plain`.
fn short<V: Scheme>(text: &str) -> String {
    match read::<V>(text) {
        Title::Release(release) => {
            let mut out = release.version.to_string();
            for other in &release.together_with {
                out += &format!("&{other}");
            }
            match release.date {
                Some(When::Day(date)) => out += &format!(" {date}"),
                Some(When::Vague) => out += " vague",
                Some(When::Either(..)) => out += " either",
                Some(When::Impossible) => out += " impossible",
                None => {}
            }
            if release.yanked {
                out += " yanked";
            }
            if release.pending {
                out += " pending";
            }
            match release.certainty {
                Certainty::Clear => out,
                Certainty::Wordy => out + " wordy",
                Certainty::Named => out + " named",
                Certainty::Stopped => out + " stopped",
                Certainty::Told => out + " told",
            }
        }
        Title::Pending => "pending".into(),
        Title::Date(_) => "date".into(),
        Title::Versionless => "versionless".into(),
        Title::Series => "series".into(),
        Title::Odd => "odd".into(),
        Title::Plain => "plain".into(),
    }
}

const FOUND: &[(&str, &str)] = &[
    ("1.2.3", "1.2.3"),
    ("v1.2.3", "1.2.3"),
    ("V1.2.3", "1.2.3"),
    ("[1.2.3]", "1.2.3"),
    ("[v1.2.3]", "1.2.3"),
    ("[1.2.3] - 2024-01-02", "1.2.3 2024-01-02"),
    ("1.2.3 (2024-01-02)", "1.2.3 2024-01-02"),
    ("1.2.3 (2020)", "1.2.3 vague"),
    ("1.2.3 - 2020", "1.2.3 vague"),
    ("1.2.3 (2020-03)", "1.2.3 vague"),
    ("1.2.3 / 2016-01-02", "1.2.3 2016-01-02"),
    ("1.2.3 — 2016-01-02", "1.2.3 2016-01-02"),
    ("1.2.3, 2016-01-02", "1.2.3 2016-01-02"),
    ("1.2.3: 2016-01-02", "1.2.3 2016-01-02"),
    ("1.2.3 | 2016-01-02", "1.2.3 2016-01-02"),
    ("v1.2.3 - Jan 2, 2020", "1.2.3 2020-01-02"),
    ("1.2.3 (January 2nd, 2020)", "1.2.3 2020-01-02"),
    ("1.2.3 - 2 January 2020", "1.2.3 2020-01-02"),
    ("1.2.3 (23rd May, 2022)", "1.2.3 2022-05-23"),
    ("1.2.3 (02.01.2020)", "1.2.3 2020-01-02"),
    ("1.2.3 (25/12/2020)", "1.2.3 2020-12-25"),
    ("1.2.3 (03/04/2020)", "1.2.3 either"),
    ("1.2.3 -- 05/13/2024", "1.2.3 2024-05-13"),
    ("1.2.3 - 2022-10-081", "1.2.3 impossible"),
    ("2022-10-081 1.2.3", "1.2.3 impossible"),
    ("1.2.3 (2020年1月2日)", "1.2.3 2020-01-02"),
    ("1.2.3（2020年1月2日）", "1.2.3 2020-01-02"),
    ("1.2.3 - 2020\u{2011}01\u{2011}02", "1.2.3 2020-01-02"),
    ("1.2.3 (2020-Q1)", "1.2.3 vague"),
    ("1.2.3 (October 2020)", "1.2.3 vague"),
    ("1.2.3 (2020-02-30)", "1.2.3 impossible"),
    ("[1.2.3] - 2024-01-02 [YANKED]", "1.2.3 2024-01-02 yanked"),
    ("1.2.3 (yanked)", "1.2.3 yanked"),
    ("YANKED 1.2.3", "1.2.3 yanked"),
    ("[1.2.3] - Unreleased", "1.2.3 pending"),
    ("1.2.3 - not yet released", "1.2.3 pending"),
    ("1.2.3 (in development)", "1.2.3 pending"),
    ("1.2.3 (In Development, 2024-01-02)", "1.2.3 2024-01-02 pending"),
    ("1.2.3 (TBD)", "1.2.3 pending"),
    ("1.2.3 - TBC", "1.2.3 pending"),
    ("1.2.3 (not yet released, TBA)", "1.2.3 pending"),
    ("1.2.3 - YYYY-MM-DD", "1.2.3 pending"),
    ("Version 1.2", "1.2"),
    ("Version 1.2.3 (2024-01-02)", "1.2.3 2024-01-02"),
    ("Release v1.2", "1.2"),
    ("Release 1.2.3", "1.2.3"),
    ("Release Notes for 1.2.3", "1.2.3"),
    ("What's new in 1.2.3", "1.2.3"),
    ("Changes in version 1.2.3", "1.2.3"),
    ("Changes between 1.1.1 and 1.1.2 [1 Nov 2022]", "1.1.2 2022-11-01"),
    ("ver. 1.2.3", "1.2.3"),
    ("v.1.2.3", "1.2.3"),
    ("v1", "1"),
    ("Version 2", "2"),
    ("3 (2024-01-02)", "3 2024-01-02"),
    ("hyperfine 1.2.3", "1.2.3 named"),
    ("hyperfine 1.2.3 (September 27, 2022)", "1.2.3 2022-09-27 named"),
    ("Ruby on Rails 7.0.4", "7.0.4 named"),
    ("pkg@1.2.3", "1.2.3"),
    ("@scope/pkg@1.2.3", "1.2.3"),
    ("pkg/v1.2.3", "1.2.3"),
    ("my-pkg-1.2.3 (2024-01-02)", "1.2.3 2024-01-02"),
    (
        "2022-10-25, Version 18.12.0 'Hydrogen' (LTS), @someone",
        "18.12.0 2022-10-25 wordy",
    ),
    ("1.2.3 ultimate-farewell (2022-04-07)", "1.2.3 2022-04-07 wordy"),
    ("2.4.1 \"Dancing Days\" - 2017-10-25", "2.4.1 2017-10-25 wordy"),
    ("8.5.7 October 22, 2022 { id=\"8.5.7\" }", "8.5.7 2022-10-22"),
    ("1.2.3 (2024-01-02) {#v1-2-3}", "1.2.3 2024-01-02"),
    ("1.2.3 ##", "1.2.3"),
    ("🎉 1.2.3", "1.2.3"),
    (":tada: 1.2.3", "1.2.3"),
    ("**1.2.3**", "1.2.3"),
    ("1.2.3.4", "1.2.3.4"),
    ("2022.10.1", "2022.10.1"),
    ("2022.10.14", "2022.10.14"),
    ("22.10.0 / 2022-10-14", "22.10.0 2022-10-14"),
    ("1.0.0-rc.1 (2024-01-02)", "1.0.0-rc.1 2024-01-02"),
    ("1.0.0rc1", "1.0.0rc1"),
    ("1.0 RC 1", "1.0-rc.1"),
    ("2.0.0 beta2 (2024-01-02)", "2.0.0-beta.2 2024-01-02"),
    ("1.30.0+k3s1", "1.30.0+k3s1"),
    ("1.2.1 - 1.2.3", "1.2.3&1.2.1"),
    ("1.2.1 to 1.2.3 (2024-01-02)", "1.2.3&1.2.1 2024-01-02"),
    ("1.0.0 ... 1.0.2", "1.0.2&1.0.0"),
    ("1.0.1, 1.0.2", "1.0.2&1.0.1"),
    ("1.2.3 2022-10-19T12:00:00Z", "1.2.3 2022-10-19"),
    ("1.2.3 released on 2024-01-02", "1.2.3 2024-01-02"),
    ("Unreleased", "pending"),
    ("[Unreleased]", "pending"),
    ("UNRELEASED", "pending"),
    ("Next release", "pending"),
    ("HEAD", "pending"),
    ("TBD", "pending"),
    ("unreleased (2024-01-02)", "pending"),
    ("v.NEXT", "pending"),
    ("2 January 2020", "date"),
    ("2024-01-02", "date"),
    ("2.x", "series"),
    ("v1.x", "series"),
    ("Changes in 3.x", "series"),
    ("1.2.3.foo", "odd"),
    ("99999999999999999999.1", "odd"),
    ("v1.2-", "1.2"),
    ("0r1", "odd"),
    ("Added", "plain"),
    ("Changelog", "plain"),
    ("Upgrading to 2.0", "plain"),
    ("Changes since 1.2.2", "plain"),
    ("Downloads for v1.25.3", "plain"),
    ("3.8 is now required", "3.8 told"),
    ("Python 3.8 is now required", "3.8 told"),
    ("[2.3.0] - 2024-01-01 (requires 2.0)", "2.3.0 2024-01-01 stopped"),
    ("2.3.0 – Upgrade recommended", "2.3.0 stopped"),
    ("2.3.0 Migration release", "2.3.0 stopped"),
    ("2.3.0 - requires PHP 8.1 (2024-01-01)", "2.3.0 2024-01-01 stopped"),
    ("2.3.0 - 2024-01-01 - supports Django 5.0", "2.3.0 2024-01-01 stopped"),
    ("v2.3.0 support for IE", "2.3.0 stopped"),
    ("2.3.0 (was 2.2.9)", "2.3.0 stopped"),
    ("2.1.0 (compatible with 1.0)", "2.1.0 stopped"),
    ("2.3.0 [see upgrade guide]", "2.3.0 stopped"),
    (
        "hyperfine 1.2.3 (2024-01-02) - upgrade recommended",
        "1.2.3 2024-01-02 stopped",
    ),
    ("2.4.0 - for Django 4.2 and 5.0", "2.4.0 wordy"),
    ("2.4.0 - supports 4.2, 5.0", "2.4.0 stopped"),
    ("3 new features", "plain"),
    ("v2 – Upgrade recommended", "2 told"),
    ("V8 engine", "8 told"),
    ("Node v18 support", "plain"),
    ("2019", "plain"),
    ("1.0 to 2.0 migration guide", "2.0&1.0 told"),
    ("Support for Python 3.8", "plain"),
    ("HTTP/2", "plain"),
    ("v2020-01-02", "odd"),
    ("", "versionless"),
    ("[]()", "versionless"),
    ("- 2020-01-01", "date"),
    ("[] - 2020-01-01", "date"),
    ("[v] - 2020-01-01", "versionless"),
    ("Version (2020-01-01)", "versionless"),
    ("[] - 2020-01-01 [YANKED]", "versionless"),
];

#[test]
fn headings_as_found_in_the_wild() {
    for (text, expected) in FOUND {
        assert_eq!(short::<Dotted>(text), *expected, "{text}");
    }
}

#[test]
fn headings_of_the_lifecycle_scheme() {
    let table = [
        ("0b1", "0b1"),
        ("0b1 - 2026-02-09", "0b1 2026-02-09"),
        ("[0r1] - 2026-02-09 [YANKED]", "0r1 2026-02-09 yanked"),
        ("v0a1", "0a1"),
        ("NetLink 1a1 (9 February 2026)", "1a1 2026-02-09 named"),
        ("0b1+20241219.7", "0b1+20241219.7"),
        ("1r12 - Unreleased", "1r12 pending"),
        ("9.9 - next", "odd"),
        ("0b*", "plain"),
        ("0b01", "odd"),
        ("0B1", "odd"),
        ("Fixed", "plain"),
    ];
    for (text, expected) in table {
        assert_eq!(short::<Version>(text), expected, "{text}");
    }
}
