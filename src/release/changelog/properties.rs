//! Whatever the text: nothing of it is lost, and nothing panics.

use proptest::prelude::*;

use super::*;
use crate::version::Dotted;

/// Pieces that Markdown and changelogs are made of, put together at random.
fn piece() -> impl Strategy<Value = String> {
    let pieces = [
        "- item\n",
        "* item\n  more\n",
        "1. one\n",
        "7) seven\n",
        "- a\n\n  b\n",
        "  - nested\n",
        "    - deeper\n",
        "\t- tab\n",
        "paragraph\n",
        "lazy\n",
        "\n",
        "\n\n",
        "```rust\ncode\n```\n",
        "```\nopen\n",
        "    indented\n",
        "-     code\n",
        "> quote\n",
        "<div>\nhtml\n</div>\n",
        "<!-- comment -->\n",
        "<!-- open\n",
        "<pre>\n\n",
        "| a | b |\n|---|---|\n| 1 | 2 |\n",
        "### Added\n",
        "#### Deep\n",
        "## Fixed\n",
        "# Odd title *x* `y`\n",
        "Setext\n---\n",
        "**Bold:** x\n",
        "BUG FIXES:\n",
        "[ref]: https://x.example\n",
        "- [ref] and [t][ref] ![i][ref] [ref][]\n",
        "- [ ] task\n",
        "-\n",
        "-\n  below\n",
        "***\n",
        "- ```\n  x\n  ```\n",
        "feat!: x\n",
        "\\# no heading\n",
        "é – “x”\n",
        "- # heading in item\n",
        "\r\n",
        "&amp; &lt; \\<b>\n",
        "- - two\n",
    ];
    prop_oneof![
        6 => proptest::sample::select(pieces.to_vec()).prop_map(str::to_owned),
        1 => "[-*+>#`\\[\\]()!<>&~|_=: \t\na-z0-9.]{0,12}",
    ]
}

fn body() -> impl Strategy<Value = String> {
    proptest::collection::vec(piece(), 0..24).prop_map(|pieces| pieces.concat())
}

/// A release's title, sections and entries, without where they stand.
fn told(release: &Changelog<Dotted>) -> Vec<String> {
    let mut all = release.body.preamble.clone();
    for section in &release.body.sections {
        all.push(format!("## {} {:?}", section.title, section.kind));
        all.extend(
            section
                .entries
                .iter()
                .map(|entry| format!("{:?} {} {}", entry.form, entry.breaking, entry.text)),
        );
    }
    all
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn text_to_data_to_markdown_keeps_every_item_in_order(body in body()) {
        let text = format!("# 1.0.0 - 2024-01-02\n\n{body}");
        let first = read::<Dotted>(&text);
        for release in &first.releases {
            let markdown = release.to_markdown();
            let again = read::<Dotted>(&markdown);
            prop_assert_eq!(again.releases.len(), usize::from(true), "{}", markdown);
            prop_assert_eq!(told(&again.releases[0]), told(release), "{}", markdown);
            prop_assert_eq!(again.releases[0].to_markdown(), markdown);
        }
    }

    #[test]
    fn every_word_of_the_text_is_somewhere(items in proptest::collection::vec("[a-z]{3,9}", 1..40), style in 0..4_usize) {
        let mark = ["- ", "* ", "1. ", ""][style];
        let listed: String = items.iter().map(|item| format!("{mark}{item}\n\n")).collect();
        let document = read::<Dotted>(&format!("## 1.0.0\n{listed}## 0.9.0\n### Fixed\n{listed}"));
        prop_assert_eq!(document.releases.len(), 2);
        for release in &document.releases {
            let found: Vec<String> = release.body.preamble.iter().chain(release.body.entries().map(|entry| &entry.text)).cloned().collect();
            prop_assert_eq!(&found, &items);
        }
    }

    #[test]
    fn no_text_makes_anything_panic(text in prop_oneof![any::<String>(), "[-#\\[\\]()v.0-9a-z+\\n \t`<>!*:]{0,200}", "(---|\\+\\+\\+)\n(.*\n){0,5}(---|\\+\\+\\+)\n.*"], width in 0..200_usize) {
        for grammar in [None, Some(Grammar::Lifecycle), Some(Grammar::Dotted)] {
            check_any(&text, grammar, jiff::civil::date(2024, 1, 1));
            let written = match read_any(&text, grammar) {
                AnyDocument::Lifecycle(document) => written(document, width),
                AnyDocument::Dotted(document) => written(document, width),
            };
            for text in written {
                prop_assert!(!text.contains(|c: char| c.is_control() && c != '\n' && c != '\t'));
            }
        }
    }

    #[test]
    fn no_heading_makes_the_parser_panic(heading in "[\\[(v]{0,2}([0-9]{1,5}[.abr/ -]){0,5}[^\n]{0,30}") {
        super::heading::read::<Dotted>(&heading);
        super::heading::read::<crate::version::Version>(&heading);
    }
}

fn written<V: crate::version::Scheme>(document: Document<V>, width: usize) -> Vec<String> {
    let (releases, pending) = document.into_releases();
    let view = view(
        releases,
        pending,
        &Span {
            since: None,
            until: None,
            pre: false,
        },
    );
    vec![
        text(&view, width, &|_, text| text.to_owned()),
        markdown(&view),
        html(&view),
    ]
}
