//! Changelogs: from text to data to Markdown to data nothing is lost, and what is rendered obeys no foreign text.
#![no_main]

use netlink::release::Changelog;
use netlink::release::changelog::{
    AnyDocument, Document, Form, Grammar, Section, Span, WarningKind, check_any, html, markdown, read, read_any, text,
    view,
};
use netlink::version::Scheme;

libfuzzer_sys::fuzz_target!(|input: &str| {
    let lines = input.matches(['\n', '\r']).count() + 1;
    let _ = read_any(input, None);
    for grammar in [Grammar::Lifecycle, Grammar::Dotted] {
        for finding in check_any(input, Some(grammar), jiff::civil::date(2024, 1, 1)) {
            assert!((1..=lines).contains(&finding.place.line), "{finding:?}");
        }
        match read_any(input, Some(grammar)) {
            AnyDocument::Lifecycle(document) => check(document),
            AnyDocument::Dotted(document) => check(document),
        }
    }
});

fn check<V: Scheme>(document: Document<V>) {
    document.releases.iter().for_each(comes_back);
    let (releases, pending) = document.into_releases();
    for pre in [true, false] {
        let span = Span { pre, ..Span::all() };
        let view = view(releases.clone(), pending.clone(), &span);
        let written = [
            text(&view, 40, &|_, text| text.to_owned()),
            markdown(&view),
            html(&view),
        ];
        for written in &written {
            let obeyed = |c: char| c.is_control() && c != '\n' && c != '\t';
            assert!(!written.contains(obeyed), "{written:?}");
        }
        only_known_tags(&written[2]);
        serde_json::to_string(&view).unwrap();
    }
}

/// A release as a file of its own says the same again.
fn comes_back<V: Scheme>(release: &Changelog<V>) {
    let markdown = release.to_markdown();
    let mut again = read::<V>(&markdown);
    let wrong = again
        .warnings
        .iter()
        .any(|one| matches!(one.kind, WarningKind::Front(_)));
    assert!(again.releases.len() == 1 && !wrong, "{markdown}");
    let again = again.releases.remove(0);
    assert_eq!(told(&again), told(release), "{markdown}");
    assert_eq!(again.to_markdown(), markdown);
}

/// All that a release says, without where it stands.
fn told<V: Scheme>(release: &Changelog<V>) -> String {
    let section = |section: &Section| {
        let entries: Vec<(Form, bool, &str)> = section
            .entries
            .iter()
            .map(|entry| (entry.form, entry.breaking, entry.text.as_str()))
            .collect();
        format!("{:?} {:?} {entries:#?}", section.kind, section.title)
    };
    let Changelog {
        version,
        together_with,
        date,
        dated,
        channel,
        pending,
        link,
        urgency,
        end_of_life,
        yanked,
        notes,
        body,
        place: _,
    } = release;
    let sections: Vec<String> = body.sections.iter().map(section).collect();
    format!(
        "{version} {together_with:?} {date:?} {dated:?} {channel} {pending} {link:?} {urgency:?} {end_of_life:?} {yanked:?} {notes:?} \
         {:#?} {sections:#?}",
        body.preamble
    )
}

const TAGS: [&str; 33] = [
    "a",
    "article",
    "blockquote",
    "br",
    "code",
    "del",
    "em",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "hr",
    "img",
    "input",
    "li",
    "ol",
    "p",
    "pre",
    "section",
    "small",
    "span",
    "strong",
    "table",
    "tbody",
    "td",
    "th",
    "thead",
    "time",
    "tr",
    "ul",
    "div",
];

/// Tags are those that rendering writes; their attributes run no script.
fn only_known_tags(html: &str) {
    let mut rest = html;
    while let Some((_, tag)) = rest.split_once('<') {
        let (inside, after) = tag.split_once('>').unwrap_or_else(|| panic!("an open tag: {html}"));
        let name = inside
            .trim_start_matches('/')
            .split([' ', '/'])
            .next()
            .unwrap_or_default();
        assert!(TAGS.contains(&name), "<{inside}> in {html}");
        let attributes = inside.to_ascii_lowercase();
        for bad in ["=\"javascript:", "=\"data:", "=\"vbscript:", " on"] {
            assert!(!without_values(&attributes, bad), "<{inside}> in {html}");
        }
        rest = after;
    }
}

/// Whether `bad` stands in a tag, ` on` only where a name of an attribute begins.
fn without_values(attributes: &str, bad: &str) -> bool {
    if bad.starts_with('=') {
        return attributes.contains(bad);
    }
    let names = attributes.split('"').step_by(2);
    names.into_iter().any(|outside| outside.contains(bad))
}
