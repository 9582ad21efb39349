//! Changelog files through the real binary: styles of many projects, checks, drafts out of git.

use std::fs;
use std::path::{Path, PathBuf};

use netlink::release::changelog::{self, AnyDocument, Span, check, html, markdown, read_any, view};
use netlink::version::Dotted;
use serde_json::Value;

use crate::world::{Installation, Publisher, command, run};

fn data(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/data/changelogs")
        .join(name)
}

/// Each file with all that it releases, newest first: version, date, `yanked` or `pending`.
const CORPUS: &[(&str, &[&str])] = &[
    ("codenames.md", &["1.8.3 2022-04-07", "1.8.2 2021-10-21"]),
    (
        "conventional-levels.md",
        &[
            "2.0.0 2022-04-01",
            "1.1.0 2022-03-01",
            "1.0.1 2022-02-01",
            "1.0.0 2022-01-01",
        ],
    ),
    (
        "date-below.md",
        &[
            "1.4.0 2022-10-13",
            "1.3.2 2022-09-01",
            "1.3.1 pending",
            "1.3.0 2022-08-20",
        ],
    ),
    ("date-first.md", &["18.1.0 2022-10-25", "18.0.0 2022-04-19"]),
    (
        "keep-a-changelog.md",
        &["1.1.0 2023-03-05", "1.0.1 2023-02-01 yanked", "1.0.0 2023-01-01"],
    ),
    (
        "lifecycle.md",
        &[
            "0r2 2026-05-01",
            "0b2 2026-04-15",
            "0a2+20260401.3 2026-04-01",
            "0r1 2026-03-01 yanked",
            "0b1",
        ],
    ),
    (
        "named.md",
        &["1.9.0 2022-07-05", "1.8.3 2022-05-02", "1.8.2 2022-04-30"],
    ),
    ("packages.md", &["5.1.0", "5.0.0-next.2", "4.9.0", "4.8.4"]),
    ("per-minor.md", &["1.25.3", "1.25.2", "1.25.0-rc.1", "1.25.0-alpha.2"]),
    (
        "setext-slash.md",
        &["4.2.0 2021-06-09", "4.1.10 2021-05-01", "4.1.9 2021-04-01"],
    ),
    (
        "short-dates.md",
        &[
            "2.8.0 2022-10-19",
            "2.7.1 2022-05-23",
            "2.7.0 2022-02-01",
            "2.6.0 2021-12-25",
            "2.5.0 2021-10-31",
        ],
    ),
    ("tbd.md", &["14.0.0 pending", "13.0.1 2023-06-12", "13.0.0 2023-06-01"]),
    (
        "version-word.md",
        &["1.3.0 2020-11-19", "1.2.1 2020-10-08", "1.2.0 2020-10-01"],
    ),
    ("windows.md", &["0.3.0 2022-01-03", "0.2.0", "0.1.0"]),
    (
        "wrapped-small.md",
        &["9.0.1 2022-11-02", "9.0.0 2022-10-22", "8.5.11 2022-10-01"],
    ),
];

fn short(release: &Value) -> String {
    let mut out = release["version"].as_str().unwrap().to_owned();
    out += &release["date"]
        .as_str()
        .map(|date| format!(" {date}"))
        .unwrap_or_default();
    out += if release["yanked"].is_object() { " yanked" } else { "" };
    out + if release["pending"] == true { " pending" } else { "" }
}

#[test]
fn every_release_of_every_style_is_found() {
    let mut files: Vec<_> = fs::read_dir(data(""))
        .unwrap()
        .map(|file| file.unwrap().file_name())
        .collect();
    files.sort();
    let listed: Vec<_> = CORPUS.iter().map(|(name, _)| *name).collect();
    assert_eq!(files, listed, "each file of the folder has its list here");
    for (name, expected) in CORPUS {
        let shown = run(&[
            "changelog",
            "show",
            data(name).to_str().unwrap(),
            "--pre",
            "--format",
            "json",
        ])
        .ok();
        let releases: Vec<String> = shown.json()["releases"].as_array().unwrap().iter().map(short).collect();
        assert_eq!(releases, *expected, "{name}");
        let odd = name.starts_with("packages");
        assert_eq!(
            shown
                .err
                .contains("packages.md:32:1: `4.7.0.beta2.final` looks like a release"),
            odd,
            "{name}: {}",
            shown.err
        );
    }
}

#[test]
fn markdown_of_every_style_reads_back_the_same() {
    let dir = tempfile::tempdir().unwrap();
    let again = dir.path().join("again.md");
    for (name, _) in CORPUS {
        let json = |file: &Path| {
            run(&["changelog", "show", file.to_str().unwrap(), "--pre", "--format", "json"])
                .ok()
                .json()
        };
        let markdown = run(&[
            "changelog",
            "show",
            data(name).to_str().unwrap(),
            "--pre",
            "--format",
            "markdown",
        ])
        .ok();
        fs::write(&again, &markdown.out).unwrap();
        let (first, second) = (json(&data(name)), json(&again));
        let entries = |document: &Value| -> Vec<Value> {
            document["releases"]
                .as_array()
                .unwrap()
                .iter()
                .map(|one| one["sections"].clone())
                .collect()
        };
        assert_eq!(entries(&first), entries(&second), "{name}");
        let again = run(&[
            "changelog",
            "show",
            again.to_str().unwrap(),
            "--pre",
            "--format",
            "markdown",
        ])
        .ok();
        assert_eq!(again.out, markdown.out, "{name}");
    }
}

#[test]
fn a_range_of_a_file_in_every_format() {
    let file = data("keep-a-changelog.md");
    let show = |more: &[&str]| {
        let args = [&["changelog", "show", file.to_str().unwrap()], more].concat();
        run(&args).ok().out
    };
    assert_eq!(
        show(&["--since", "1.0.0"]),
        "1.1.0 - 2023-03-05\n\n  Added\n    - A switch for every lantern.\n      - Also for those outdoors.\n\n  Fixed\n    \
         - Flicker at dusk (#12).\n\n1.0.1 - 2023-02-01 [withdrawn; use 1.1.0]\n\n  Fixed\n    - Wrong fuse.\n"
    );
    let one = show(&["--since", "1.0.0", "--until", "1.0.1", "--format", "markdown"]);
    assert!(
        one.starts_with("# [~~1.0.1~~]") || one.starts_with("# ~~[1.0.1]("),
        "{one}"
    );
    assert!(
        !one.contains("Unreleased") && show(&[]).starts_with("Unreleased\n"),
        "{one}"
    );
    let down = show(&["--since", "1.1.0", "--until", "1.0.1"]);
    assert!(down.starts_with("You will lose\n\n1.1.0"), "{down}");
    let coloured = show(&["--since", "1.0.0", "--color", "always"]);
    assert!(
        coloured.contains("\x1b[9m1.0.1 - 2023-02-01\x1b[0m") && coloured.contains("[withdrawn; use 1.1.0]"),
        "{coloured}"
    );
    let html = show(&["--format", "html"]);
    assert!(
        html.contains("<a href=\"https://lantern.example/docs\">every lantern</a>"),
        "{html}"
    );
    assert_eq!(show(&["--since", "1.1.0"]), "no newer release\n");
    let same = run(&["changelog", "show", file.to_str().unwrap(), "--output", "json"])
        .ok()
        .json();
    assert_eq!(
        same["releases"][0]["link"],
        "https://lantern.example/compare/v1.0.1...v1.1.0"
    );
}

#[test]
fn a_year_alone_behind_a_version_is_kept_with_all_that_follows() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("year.md");
    let text = "# Changes\n\n## 1.2.3 (2020)\n\n### Added\n\n- A lantern.\n- A wick.\n\n## 1.2.2 (2019)\n\n### Fixed\n\n- Smoke.\n";
    fs::write(&file, text).unwrap();
    let show = |format: &str| run(&["changelog", "show", file.to_str().unwrap(), "--format", format]).ok();
    let json = show("json").json();
    let shown: Vec<String> = json["releases"].as_array().unwrap().iter().map(short).collect();
    assert_eq!(shown, ["1.2.3", "1.2.2"], "{json:#}");
    for format in ["text", "markdown", "html", "json"] {
        let ran = show(format);
        assert_eq!(ran.err, "", "{format}");
        for words in ["1.2.3", "2020", "A lantern.", "A wick.", "1.2.2", "2019", "Smoke."] {
            assert!(ran.out.contains(words), "{format}, {words}: {ran}");
        }
    }
}

#[test]
fn what_cannot_be_shown_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let put = |name: &str, text: &[u8]| {
        let path = dir.path().join(name);
        fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let none = put("none.md", b"# Notes\n\n- nothing\n");
    run(&["changelog", "show", &none]).no(2, &["NL0505", "none.md"]);
    let latin = put("latin.md", b"# 1.0.0\n- caf\xe9\n");
    run(&["changelog", "show", &latin]).no(2, &["NL0504", "latin.md"]);
    run(&["changelog", "show", "/nowhere/x.md"]).no(2, &["NL0504", "/nowhere/x.md"]);
    let fine = put("fine.md", b"# 1.0.0\n- x\n");
    run(&["changelog", "show", &fine, "--since", "one"]).no(2, &["NL0101"]);
    run(&["changelog", "show", &fine, "--scheme", "lifecycle"]).no(2, &["NL0505"]);
    let evil = put("evil.md", b"# 1.0.0\n- \x1b[31mred\x07 <script>x</script>\n");
    let evil_too = put("entities.md", b"# 1.0.0\n- a &#27;[31mRED &#x202e;x\n");
    let page = run(&["changelog", "show", &evil_too, "--format", "html"]).ok().out;
    assert!(!page.contains(['\u{1b}', '\u{202e}']), "{page}");
    for format in ["text", "markdown", "html", "json"] {
        let shown = run(&["changelog", "show", &evil, "--format", format, "--color", "always"])
            .ok()
            .out;
        assert!(!shown.contains("\x1b[31m") && !shown.contains('\x07'), "{shown}");
        assert_eq!(format == "html", !shown.contains("<script>"), "{shown}");
    }
}

#[test]
fn front_matter_is_told_the_same_everywhere_and_that_of_a_stranger_is_let_be() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("log.md");
    let path = file.to_str().unwrap();
    let put = |text: &str| fs::write(&file, text).unwrap();
    put("---\nbreaking: [{id: a, text: Doors open outwards}]\n---\n# 1.0\n- y");
    run(&["changelog", "show", path]).no(0, &["Doors open outwards"]);
    run(&["changelog", "check", path]).no(1, &["4:1: 1.0 has breaking changes but no upgrade note"]);
    put("---\nversion: 2.0\nurgency: low\n---\n# 1.0\n- y");
    run(&["changelog", "show", path]).no(0, &["log.md:2:1", "names 2.0"]);
    run(&["changelog", "check", path]).no(1, &["log.md:2:1: the front matter names 2.0"]);
    put("---\ntitle: Log\nlayout: page\n---\n# 1.0\n- y");
    let shown = run(&["changelog", "show", path]).ok();
    assert!(shown.out.starts_with("1.0\n") && shown.err.is_empty(), "{shown}");
    run(&["changelog", "check", path]).no(1, &["log.md:1:1: the front matter has none of"]);
    put("---\nversion: 1.0\nurgncy: low\n---\n- x\n");
    run(&["changelog", "show", path]).no(0, &["log.md:3:1", "urgncy"]);
    run(&["changelog", "check", path]).no(1, &["log.md:3:1", "urgncy"]);
}

#[test]
fn what_the_documentation_shows_is_right_and_so_are_the_examples() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = fs::read_to_string(root.join("docs/changelogs.md")).unwrap();
    let shown = page.split("```markdown\n").nth(1).unwrap().split("```").next().unwrap();
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("0r1.md");
    fs::write(&file, shown).unwrap();
    run(&["changelog", "check", file.to_str().unwrap()]).ok();
    let told = run(&["changelog", "show", file.to_str().unwrap()]).ok().out;
    let note = "many-entries, 0r1, from <0b1, when rows > 1000000, to be acknowledged";
    assert!(told.contains(note), "{told}");
    for version in ["0a1", "0b1", "0r1"] {
        let example = root.join(format!("examples/guestbook/releases/{version}/changelog.md"));
        run(&["changelog", "check", example.to_str().unwrap()]).ok();
    }
}

#[test]
fn a_check_says_where_and_what() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("log.md");
    let text = "# Log\n\n## 0r2 - 2999-01-01\n- **BREAKING** x\n\n## 0a1\n- a\n\n  # 0b9\n\n## 0b1 - 2026-01-01\n\n## 0b1\n- b\n## 0b01\n";
    fs::write(&file, text).unwrap();
    let path = file.to_str().unwrap();
    let ran = run(&["changelog", "check", path]).no(1, &[]);
    let lines: Vec<&str> = ran.out.lines().collect();
    let starts = [
        "3:1: 0r2 has breaking",
        "3:1: 0r2 is dated 2999-01-01",
        "9:3: `0b9` looks like a release but stands within a list",
        "13:1: 0b1 is newer than 0a1",
        "15:1: `0b01` looks like",
    ];
    for (line, start) in lines.iter().zip(starts) {
        assert!(line.starts_with(&format!("{path}:{start}")), "{ran}");
    }
    assert_eq!(lines.len(), starts.len(), "{ran}");
    let fine = data("keep-a-changelog.md");
    run(&["changelog", "check", fine.to_str().unwrap()]).ok();
    let documents = run(&["changelog", "check", fine.to_str().unwrap(), path, "--output", "json"])
        .no(1, &[])
        .json();
    assert_eq!(documents[0]["findings"], serde_json::json!([]));
    assert_eq!(documents[1]["findings"][0]["kind"], "breaking-without-note");
    fs::write(&file, "# 0b2 - 2026-02-01\n- x\n# 0b01 - 2026-01-01\n- y\n").unwrap();
    run(&["changelog", "check", path]).no(1, &["log.md:3:1: `0b01 - 2026-01-01` looks like a release"]);
    fs::write(&file, "## 2.0.0 - 2021-01-01\n- x\n\n## []\n- y\n\n## 1.0.0\n- z\n").unwrap();
    run(&["changelog", "check", path]).no(1, &["log.md:4:1: this heading has no version"]);
    run(&["changelog", "check", "/nowhere/x.md"]).no(2, &["/nowhere/x.md"]);
    fs::write(&file, "+++\nversion = \"0b1\"\ncolour = 1\n+++\n- x\n").unwrap();
    run(&["changelog", "check", path]).no(1, &["log.md:3:1: ", "colour"]);
}

fn commit(repository: &git2::Repository, message: &str) -> git2::Oid {
    let who = git2::Signature::new("A", "a@example.org", &git2::Time::new(1_700_000_000, 0)).unwrap();
    let tree = repository
        .find_tree(repository.index().unwrap().write_tree().unwrap())
        .unwrap();
    let parent = repository.head().ok().and_then(|head| head.peel_to_commit().ok());
    let parents: Vec<&git2::Commit> = parent.iter().collect();
    repository
        .commit(Some("HEAD"), &who, &who, message, &tree, &parents)
        .unwrap()
}

#[test]
fn a_draft_groups_the_commits_since_a_tag() {
    let dir = tempfile::tempdir().unwrap();
    let repository = git2::Repository::init(dir.path()).unwrap();
    let first = commit(&repository, "feat: before");
    repository
        .tag_lightweight("v1.0.0", &repository.find_object(first, None).unwrap(), false)
        .unwrap();
    for message in [
        "fix: leak",
        "feat(api)!: drop v1\n\nBREAKING CHANGE: use v2",
        "chore: tidy",
        "Say more",
    ] {
        commit(&repository, message);
    }
    let inside = dir.path().join("deep/er");
    fs::create_dir_all(&inside).unwrap();
    let drafted = command(&["changelog", "draft", "--since", "v1.0.0"])
        .current_dir(&inside)
        .output()
        .unwrap();
    let text = String::from_utf8(drafted.stdout).unwrap();
    let order = [
        "# Unreleased",
        "## Breaking changes",
        "- use v2 (",
        "## Added",
        "- **api:** drop v1 (",
        "## Fixed",
        "- leak (",
        "- Say more (",
    ];
    let places: Vec<usize> = order
        .iter()
        .map(|words| text.find(words).unwrap_or_else(|| panic!("{words}: {text}")))
        .collect();
    assert!(
        places.is_sorted() && !text.contains("before") && text.contains("1 commit of"),
        "{text}"
    );

    let repo = dir.path().to_str().unwrap();
    let draft = ["changelog", "draft", "--since", "v1.0.0", "--repo", repo];
    let document = run(&[&draft[..], &["--output", "json"]].concat()).ok().json();
    assert_eq!(document["markdown"], text.as_str());
    assert_eq!(document["since"], "v1.0.0");
    run(&[&draft[..], &["--version", "0b01"]].concat()).no(2, &["NL0101", "at byte 2"]);
    let file = dir.path().join("new.md");
    fs::write(
        &file,
        run(&[
            "changelog",
            "draft",
            "--since",
            "v1.0.0",
            "--repo",
            repo,
            "--version",
            "1.1.0",
        ])
        .ok()
        .out,
    )
    .unwrap();
    run(&["changelog", "check", file.to_str().unwrap()]).no(1, &["1.1.0 has breaking changes but no upgrade note"]);
    run(&["changelog", "draft", "--since", "v9", "--repo", repo]).no(2, &["NL0506", "`v9`"]);
    run(&[
        "changelog",
        "draft",
        "--since",
        "v1.0.0",
        "--repo",
        repo,
        "--version",
        "x",
    ])
    .no(2, &["NL0101"]);
    let elsewhere = tempfile::tempdir().unwrap();
    run(&[
        "changelog",
        "draft",
        "--since",
        "x",
        "--repo",
        elsewhere.path().to_str().unwrap(),
    ])
    .no(2, &["NL0506", "no git repository"]);
}

#[test]
fn changes_of_an_installation_between_two_versions() {
    let dir = tempfile::tempdir().unwrap();
    let publisher = Publisher::with_lamps(&dir.path().join("publisher"));
    let lamp = Installation::of_lamp(&dir.path().join("lamp"), &publisher, "0a1");
    let changes = |more: &[&str]| {
        let args = [&["update", "changelog", "--format", "json"], more].concat();
        let json = lamp.run(&args).ok().json();
        assert!(json["way"] == "up" && json["breaking"].is_array(), "{json}");
        let versions: Vec<String> = json["releases"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| one["version"].as_str().unwrap().to_owned())
            .collect();
        versions.join(" ")
    };
    assert_eq!(changes(&["--since", "0a1"]), "0r1 0b1");
    assert_eq!(changes(&["--since", "0a1", "--until", "0b1"]), "0b1");
    assert_eq!(changes(&["--until", "0r1"]), "0r1");
    assert_eq!(changes(&["--until", "0r1", "--pre"]), "0r1 0b1 0a1");
    let down = lamp
        .run(&["update", "changelog", "--since", "0r1", "--until", "0a1"])
        .ok()
        .out;
    assert!(down.starts_with("You will lose\n\n0r1\n"), "{down}");
    lamp.run(&["update", "changelog", "--version", "0b1", "--until", "0r1"])
        .no(2, &[]);
}

/// 30,000 lines of each in well under the limit; anything that grows with the square of its length takes minutes.
#[test]
fn long_files_of_any_making_are_read_in_linear_time() {
    let lines: [&dyn Fn(usize) -> String; 17] = [
        &|n| format!("## 1.0.{n} - 2024-01-02\n- entry {n}\n"),
        &|n| format!("- entry {n}\n"),
        &|n| format!("[r{n}]: https://x.example/{n}\n"),
        &|n| format!("- see [r{n}] and [r1][]\n"),
        &|_| "> ".to_owned(),
        &|_| "- ".to_owned(),
        &|_| "[".to_owned(),
        &|_| "*a _b ".to_owned(),
        &|_| "`".to_owned(),
        &|_| "<!-- ".to_owned(),
        &|_| "![a](".to_owned(),
        &|n| format!("# 1.0.{n}-rc.1\n- a\n"),
        &|n| format!("# 2.{n}\n"),
        &|_| "# 1.2.3 - ".to_owned(),
        &|_| "breaking ".to_owned(),
        &|_| "x **breaking** change ".to_owned(),
        &|_| "[core] a not breaking: ".to_owned(),
    ];
    let start = std::time::Instant::now();
    for line in lines {
        let text: String = (0..30_000).map(line).collect();
        let before = std::time::Instant::now();
        if let AnyDocument::Dotted(document) = read_any(&text, None) {
            check(&document, jiff::civil::date(2024, 1, 1));
            let (releases, pending) = document.into_releases();
            let view = view(releases, pending, &Span::all());
            assert!(
                changelog::text(&view, 80, &|_, text| text.to_owned()).len()
                    + markdown(&view).len()
                    + html(&view).len()
                    > 0
            );
        }
        let took = before.elapsed();
        assert!(
            took.as_secs() < 20,
            "{took:?} for {:?}…",
            text.chars().take(20).collect::<String>()
        );
    }
    assert!(start.elapsed().as_secs() < 60, "{:?} in all", start.elapsed());
}

/// Whether four times the size takes at most eight times as long, where what grows with the square takes sixteen times. Other
/// work on the machine may disturb a round, not all of them.
fn grows_about_linearly<T>(name: &str, sizes: usize, make: impl Fn(usize) -> T, work: impl Fn(&T)) {
    let inputs = [make(sizes), make(4 * sizes)];
    let mut best = [std::time::Duration::MAX; 2];
    for _ in 0..8 {
        for (input, best) in inputs.iter().zip(&mut best) {
            let start = std::time::Instant::now();
            work(input);
            *best = start.elapsed().min(*best);
        }
        if best[1] < best[0] * 8 {
            return;
        }
    }
    panic!("{name}: {best:?}");
}

/// A release with many entries, and pre-releases of it with entries and notes of their own.
fn with_candidates(candidates: usize) -> Vec<netlink::release::Changelog<Dotted>> {
    let entries =
        |from: usize, count: usize| -> String { (from..from + count).map(|n| format!("- entry {n}\n")).collect() };
    let mut text = format!("# 2.0.0\n## Added\n{}", entries(0, candidates * 100));
    for n in 0..candidates {
        text += &format!(
            "# 2.0.0-rc.{n}\n## Added\n{}## Only {n}\n- x {n}\n",
            entries(n * 30, 60)
        );
    }
    let mut releases = read_dotted(&text);
    for (n, release) in releases.iter_mut().enumerate() {
        let notes: String = (0..40)
            .map(|m| format!("- {{id: n{n}-{m}, text: t {n} {m}}}\n"))
            .collect();
        let text = format!(
            "---\nversion: {}\nactions:\n{notes}breaking:\n{notes}---\n# x\n",
            release.version
        );
        release.notes = netlink::release::Changelog::parse(&release.version, &text)
            .unwrap()
            .notes;
    }
    releases
}

fn read_dotted(text: &str) -> Vec<netlink::release::Changelog<Dotted>> {
    changelog::read::<Dotted>(text).into_releases().0
}

#[test]
fn folding_pre_releases_takes_about_linear_time() {
    let span = Span {
        pre: false,
        ..Span::all()
    };
    grows_about_linearly("folding", 30, with_candidates, |releases| {
        let view = view(releases.clone(), Vec::new(), &span);
        assert_eq!(view.releases.len(), 1);
    });
}

#[test]
fn what_a_plan_tells_is_gathered_in_about_linear_time() {
    let make = |count: usize| -> Vec<netlink::release::Changelog> {
        let one = |n: usize| {
            let list = |what: &str| -> String { (0..20).map(|m| format!("- {what} {n} {m}\n")).collect() };
            let notes: String = (0..20)
                .map(|m| format!("- {{id: n{n}-{m}, text: t {n} {m}}}\n"))
                .collect();
            let text = format!(
                "---\nactions:\n{notes}notes:\n{notes}---\n# {n}r1\n## Breaking\n{}## Security\n{}## Added\n{}",
                list("gone"),
                list("hole"),
                list("new")
            );
            netlink::release::Changelog::parse(&format!("{n}r1").parse().unwrap(), &text).unwrap()
        };
        (0..count).map(one).collect()
    };
    let facts = netlink::release::FactSheet::default();
    grows_about_linearly("a plan's notes", 60, make, |changelogs| {
        let up = netlink::plan::PlanNotes::of_the_way_up(changelogs, &"0a1".parse().unwrap(), &facts);
        let down = netlink::plan::PlanNotes::of_the_way_down(changelogs);
        assert_eq!(up.breaking.len() + up.concerns.len(), 2 * 20 * changelogs.len());
        assert_eq!(down.lost.len(), 2 * 20 * changelogs.len());
    });
}
