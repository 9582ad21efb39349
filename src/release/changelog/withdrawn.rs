//! What stands below the heading of a withdrawn release: why, and where to go. It is read as it is written.

use pulldown_cmark::{Event, Parser, Tag, TagEnd};

use super::blocks::OPTIONS;
use super::model::Yanked;
use crate::version::Scheme;

const WITHDRAWN: &str = "withdrawn";
/// Before a newer version, and before an older one.
const WAYS: [&str; 2] = ["use ", "go back to "];

/// `withdrawn: loses data; use 2.1.0`
pub(super) fn words<V: Scheme>(version: &V, reason: Option<&str>, instead: Option<&V>) -> String {
    let reason = reason.map(|reason| format!(": {}", reason.replace('\n', " ")));
    let instead = instead.map(|instead| format!("; {}{instead}", WAYS[usize::from(instead < version)]));
    format!(
        "{WITHDRAWN}{}{}",
        reason.unwrap_or_default(),
        instead.unwrap_or_default()
    )
}

/// The same out of a quotation, where one of nothing but these words stands.
pub(super) fn read<V: Scheme>(block: &str) -> Option<Yanked<V>> {
    let begins = block.strip_prefix('>')?.trim_start().starts_with(WITHDRAWN);
    let text = begins.then(|| quoted(block)).flatten()?;
    let rest = text.strip_prefix(WITHDRAWN)?;
    let way = |text: &str| WAYS.iter().find_map(|way| text.strip_prefix(way)?.parse().ok());
    let (reason, instead) = match rest.rsplit_once("; ").map(|(reason, text)| (reason, way(text))) {
        Some((reason, Some(instead))) => (reason, Some(instead)),
        _ => (rest, None),
    };
    let reason = match reason {
        "" => None,
        reason => Some(reason.strip_prefix(": ")?.to_owned()),
    };
    Some(Yanked { reason, instead })
}

/// The plain text of a quotation that is one paragraph of it.
fn quoted(block: &str) -> Option<String> {
    let mut text = String::new();
    let mut paragraphs = 0;
    for event in Parser::new_ext(block, OPTIONS) {
        match event {
            Event::Start(Tag::BlockQuote(_)) | Event::End(TagEnd::BlockQuote(_) | TagEnd::Paragraph) => {}
            Event::Start(Tag::Paragraph) => paragraphs += 1,
            Event::Text(words) => text.push_str(&words),
            Event::SoftBreak => text.push(' '),
            // Markup would get lost.
            _ => return None,
        }
    }
    (paragraphs == 1).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::version::Dotted;

    #[test]
    fn what_is_written_is_read() {
        let version = |text: &str| text.parse::<Dotted>().unwrap();
        for (reason, instead) in [
            (None, None),
            (None, Some("1.3")),
            (Some("loses data; use it no more"), Some("1.1")),
            (Some("x: y"), None),
        ] {
            let yanked = Yanked {
                reason: reason.map(str::to_owned),
                instead: instead.map(version),
            };
            let written = words(&version("1.2"), reason, yanked.instead.as_ref());
            assert_eq!(read(&format!("> {written}")), Some(yanked), "{written}");
        }
        for other in [
            "withdrawn",
            "> withdrawn by us",
            "> withdrawn\n>\n> x",
            "> **withdrawn**",
            "> - withdrawn",
        ] {
            assert_eq!(read::<Dotted>(other), None, "{other}");
        }
    }
}
