//! What people write is read; and the calendar against a walk from minute to minute that knows nothing of edges.

use proptest::prelude::*;

use super::*;

const ZONES: [&str; 6] = [
    "Europe/Berlin",
    "America/New_York",
    // Half an hour forward and back.
    "Australia/Lord_Howe",
    // Has left out a whole day.
    "Pacific/Apia",
    "Asia/Kathmandu",
    "UTC",
];

fn zone(name: &str) -> TimeZone {
    TimeZone::get(name).unwrap()
}

fn calendar(name: &str, hours: &[&str], blocked: &[&str]) -> Calendar {
    Calendar {
        hours: hours.iter().map(|text| text.parse().unwrap()).collect(),
        blocked: blocked.iter().map(|text| text.parse().unwrap()).collect(),
        ..Calendar::open_in(zone(name))
    }
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

#[track_caller]
fn opens(calendar: &Calendar, from: &str, expected: &str) {
    assert_eq!(calendar.next_opening(at(from)), Some(at(expected)), "from {from}");
}

#[test]
fn hours_and_days_are_read_as_people_write_them() {
    for (text, written) in [
        ("02:00-04:00", "02:00-04:00"),
        ("2:00 - 4:00", "02:00-04:00"),
        ("22:00-02:00", "22:00-02:00"),
        ("22:00-24:00", "22:00-24:00"),
        ("00:00-24:00", "00:00-24:00"),
        ("22:00-00:00", "22:00-24:00"),
    ] {
        let hours: Hours = text.parse().unwrap();
        assert_eq!(hours.to_string(), written);
        assert_eq!(written.parse(), Ok(hours));
    }
    for wrong in [
        "",
        "02:00",
        "02:00-02:00",
        "24:00-02:00",
        "25:00-26:00",
        "02:60-03:00",
        "2-4",
        "02:00-04:0",
        "02:00–04:00",
    ] {
        let said = wrong.parse::<Hours>().unwrap_err().to_string();
        assert!(said.starts_with(&format!("`{wrong}` is not hours of a day")), "{said}");
    }
    for (text, written) in [
        ("friday", "friday"),
        ("Fri", "friday"),
        ("SUNDAY", "sunday"),
        ("mon", "monday"),
    ] {
        assert_eq!(text.parse::<Day>().unwrap().to_string(), written);
    }
    for wrong in ["", "fr", "frid", "freitag", "s"] {
        assert!(wrong.parse::<Day>().is_err(), "{wrong}");
    }
    for text in ["2026-12-24", "2026-12-24..2027-01-06"] {
        assert_eq!(text.parse::<Dates>().unwrap().to_string(), text);
    }
    for wrong in [
        "",
        "2026-13-01",
        "2026-02-29",
        "2027-01-06..2026-12-24",
        "2026-12-24 10:00",
        "2026-12-24..",
        "20261224",
    ] {
        assert!(wrong.parse::<Dates>().is_err(), "{wrong}");
    }
}

#[test]
fn an_exception_is_either_open_or_closed_and_has_a_reason() {
    let read = |text: &str| serde_json::from_str::<Exception>(text).map_err(|e| e.to_string());
    let exception = read(r#"{"days": "2026-12-30", "open": "agreed"}"#).unwrap();
    assert_eq!(exception.rule, ExceptionRule::Open);
    assert_eq!(read(&serde_json::to_string(&exception).unwrap()), Ok(exception));
    for wrong in [
        r#"{"days": "2026-12-30"}"#,
        r#"{"days": "2026-12-30", "closed": " "}"#,
        r#"{"days": "2026-12-30", "open": "a", "closed": "b"}"#,
    ] {
        let said = read(wrong).unwrap_err();
        assert!(said.contains("`2026-12-30` needs either `open` or `closed`"), "{said}");
    }
}

#[test]
fn hours_across_midnight_are_of_the_day_that_it_is() {
    let calendar = calendar("UTC", &["22:00-02:00"], &["fri"]);
    // 2026-11-20 is a Friday.
    assert!(calendar.closed(at("2026-11-19T23:59:59Z")).is_none());
    assert_eq!(calendar.closed(at("2026-11-20T00:00:00Z")).unwrap().name(), "day");
    assert_eq!(calendar.closed(at("2026-11-20T23:00:00Z")).unwrap().name(), "day");
    assert!(calendar.closed(at("2026-11-21T00:00:00Z")).is_none());
    assert_eq!(calendar.closed(at("2026-11-21T02:00:00Z")).unwrap().name(), "hours");
    opens(&calendar, "2026-11-20T00:00:00Z", "2026-11-21T00:00:00Z");
}

#[test]
fn an_hour_that_the_clock_leaves_out_or_repeats() {
    let berlin = calendar("Europe/Berlin", &["02:00-03:00"], &[]);
    // On 2026-03-29 there is no such hour; on 2026-10-25 there are two.
    opens(&berlin, "2026-03-28T02:30:00Z", "2026-03-30T00:00:00Z");
    opens(&berlin, "2026-10-24T12:00:00Z", "2026-10-25T00:00:00Z");
    let twice = berlin.intervals(at("2026-10-25T00:00:00Z"), at("2026-10-25T02:00:00Z"));
    assert_eq!(twice.len(), 1, "{twice:?}");
    assert!(twice[0].closed.is_none());
    let apia = calendar("Pacific/Apia", &[], &["mon", "tue", "wed", "thu", "sat", "sun"]);
    // 2011-12-30, a Friday, was left out there.
    opens(&apia, "2011-12-24T10:00:00Z", "2012-01-05T10:00:00Z");
}

#[test]
fn exceptions_go_before_days_and_hours_and_a_freeze_before_all() {
    let mut calendar = calendar("UTC", &["02:00-04:00"], &["sat", "sun"]);
    let exception = |text: &str| serde_json::from_str::<Exception>(text).unwrap();
    calendar.exceptions = vec![
        exception(r#"{"days": "2026-11-21", "open": "agreed"}"#),
        exception(r#"{"days": "2026-11-20..2026-12-02", "closed": "the shop's busiest days"}"#),
    ];
    opens(&calendar, "2026-11-20T03:00:00Z", "2026-11-21T00:00:00Z");
    opens(&calendar, "2026-11-22T00:00:00Z", "2026-12-03T02:00:00Z");
    let why = calendar.closed(at("2026-11-20T03:00:00Z")).unwrap();
    assert_eq!(
        why.to_string(),
        "no updates on 2026-11-20..2026-12-02: the shop's busiest days"
    );
    calendar.freeze = Some("audit".into());
    assert_eq!(calendar.next_opening(at("2026-11-21T00:00:00Z")), None);
    assert_eq!(
        calendar.closed(at("2026-11-21T00:00:00Z")).unwrap().to_string(),
        "updates are frozen: audit"
    );
}

#[test]
fn what_never_opens_within_a_year_is_said_and_a_leap_day_is_found() {
    let all = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
    let mut never = calendar("Europe/Berlin", &[], &all);
    let from = at("2027-03-01T00:00:00Z");
    assert_eq!(
        never.at(from),
        Answer::Closed {
            why: Closed::Day("mon".parse().unwrap()),
            opens: None
        }
    );
    never.exceptions = vec![serde_json::from_str(r#"{"days": "2028-02-29", "open": "once"}"#).unwrap()];
    opens(&never, "2027-03-01T00:00:00Z", "2028-02-28T23:00:00Z");
    let always = Calendar::open_in(zone("Asia/Kathmandu"));
    assert_eq!(always.at(from), Answer::Open { until: None });
}

#[test]
fn a_time_is_read_with_an_offset_or_by_the_clock_there() {
    let berlin = zone("Europe/Berlin");
    let now = at("2026-10-24T20:00:00Z");
    for (text, expected) in [
        ("2026-11-22T02:00:00Z", "2026-11-22T02:00:00Z"),
        ("2026-11-22T02:00:00+02:00", "2026-11-22T00:00:00Z"),
        ("2026-11-22 02:00", "2026-11-22T01:00:00Z"),
        ("2026-11-22T02:00", "2026-11-22T01:00:00Z"),
        ("23:00", "2026-10-24T21:00:00Z"),
        ("21:00", "2026-10-25T20:00:00Z"),
        // Shown twice that night: the first of them.
        ("02:30", "2026-10-25T00:30:00Z"),
    ] {
        assert_eq!(moment(text, &berlin, now), Ok(at(expected)), "{text}");
    }
    let between = at("2026-10-25T00:45:00Z");
    assert_eq!(moment("02:30", &berlin, between), Ok(at("2026-10-25T01:30:00Z")));
    let spring = at("2027-03-27T12:00:00Z");
    assert_eq!(moment("02:30", &berlin, spring), Ok(at("2027-03-29T00:30:00Z")));
    let said = |text: &str, now| moment(text, &berlin, now).unwrap_err().to_string();
    assert!(said("2027-03-28 02:30", spring).contains("put forward"));
    assert!(said("2026-10-24 02:30", now).contains("has passed"));
    assert!(said("2028-10-24 02:30", now).contains("more than a year"));
    for wrong in [
        "",
        "soon",
        "2 o'clock",
        "24:00",
        "2026-11-22",
        "2026-11-22 2",
        "tomorrow 02:00",
    ] {
        assert!(said(wrong, now).contains("is not a time"), "{wrong}");
    }
}

/// As the rules say it, without any thought of how long it stays so.
fn plainly_open(calendar: &Calendar, at: Timestamp) -> bool {
    let local = at.to_zoned(calendar.zone.clone());
    for exception in &calendar.exceptions {
        if exception.days.contain(local.date()) {
            return exception.rule == ExceptionRule::Open;
        }
    }
    let blocked = calendar.blocked.iter().any(|day| day.0 == local.weekday());
    let within = calendar.hours.iter().any(|hours| hours.contain(local.time()));
    !blocked && (calendar.hours.is_empty() || within)
}

fn any_hours() -> impl Strategy<Value = Hours> {
    let time = || (0..24_u8, prop::sample::select(vec![0_u8, 1, 15, 30, 59]));
    (time(), time()).prop_filter_map("is none", |((a, b), (c, d))| {
        format!("{a:02}:{b:02}-{c:02}:{d:02}").parse().ok()
    })
}

fn any_calendar() -> impl Strategy<Value = Calendar> {
    let days = prop::collection::vec(0..7_i8, 0..6);
    let exceptions = prop::collection::vec((0..10_i64, 0..3_i64, any::<bool>()), 0..3);
    let hours = prop::collection::vec(any_hours(), 0..3);
    (prop::sample::select(ZONES.to_vec()), hours, days, exceptions).prop_map(|(name, hours, days, exceptions)| {
        Calendar {
            hours,
            blocked: days
                .into_iter()
                .map(|day| Day(jiff::civil::Weekday::from_monday_zero_offset(day).unwrap()))
                .collect(),
            // Days after the beginning, which is put in later.
            exceptions: exceptions
                .into_iter()
                .map(|(first, more, open)| {
                    let date = |ahead: i64| {
                        jiff::civil::date(2000, 1, 1).saturating_add(SignedDuration::from_hours(24 * ahead))
                    };
                    Exception {
                        days: format!("{}..{}", date(first), date(first + more)).parse().unwrap(),
                        rule: if open {
                            ExceptionRule::Open
                        } else {
                            ExceptionRule::Closed
                        },
                        reason: "so".into(),
                    }
                })
                .collect(),
            ..Calendar::open_in(zone(name))
        }
    })
}

/// Near a change of the clock, where there is one, else anywhere.
fn any_instant(zone: &TimeZone, seed: i64) -> Timestamp {
    let anywhere = Timestamp::from_second(1_104_537_600 + seed.rem_euclid(25 * 365 * 86_400)).unwrap();
    let near = zone.following(anywhere).next().map(|change| change.timestamp());
    let near = near.filter(|near| near.duration_since(anywhere).as_hours() < 400 * 24);
    let before = SignedDuration::from_secs(seed.rem_euclid(4 * 86_400));
    near.map_or(anywhere, |near| near.checked_sub(before).unwrap())
}

fn moved(calendar: &Calendar, to: Timestamp) -> Calendar {
    let first = to.to_zoned(calendar.zone.clone()).date();
    let days = first.duration_since(jiff::civil::date(2000, 1, 1));
    let moved = |date: &str| {
        date.parse::<jiff::civil::Date>()
            .unwrap()
            .saturating_add(days)
            .to_string()
    };
    let mut calendar = calendar.clone();
    for exception in &mut calendar.exceptions {
        let text = exception.days.to_string();
        let ends: Vec<String> = text.split("..").map(moved).collect();
        exception.days = ends.join("..").parse().unwrap();
    }
    calendar
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]
    #[test]
    fn it_is_what_a_walk_from_minute_to_minute_finds(calendar in any_calendar(), seed in any::<i64>()) {
        const MINUTES: i64 = 9 * 24 * 60;
        let from = any_instant(&calendar.zone, seed);
        let calendar = moved(&calendar, from);
        let minute = |n: i64| match n {
            0 => from,
            n => Timestamp::from_second((from.as_second().div_euclid(60) + n) * 60).unwrap(),
        };
        let end = minute(MINUTES);
        let intervals = calendar.intervals(from, end);
        let mut walked = (0..MINUTES).map(minute);
        let opening = calendar.next_opening(from);
        match walked.find(|at| plainly_open(&calendar, *at)) {
            Some(first) => prop_assert_eq!(opening, Some(first)),
            None => prop_assert!(opening.is_none_or(|opening| opening >= end), "{:?}", opening),
        }
        prop_assert_eq!(intervals[0].from, from);
        prop_assert_eq!(intervals.last().unwrap().until, end);
        for pair in intervals.windows(2) {
            prop_assert_eq!(pair[0].until, pair[1].from);
            prop_assert_ne!(&pair[0].closed, &pair[1].closed);
        }
        let mut intervals = intervals.iter().peekable();
        for at in (0..MINUTES).map(minute) {
            while intervals.next_if(|interval| interval.until <= at).is_some() {}
            let closed = &intervals.peek().unwrap().closed;
            prop_assert_eq!(closed.is_none(), plainly_open(&calendar, at), "at {}", at);
        }
    }
}
