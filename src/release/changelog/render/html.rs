//! HTML to put into a page. Everything foreign is escaped: raw HTML is shown as text, only safe addresses become links.

use pulldown_cmark::{CowStr, Event, Parser, Tag, TagEnd, html as write};

use super::super::blocks::OPTIONS;
use super::super::model::{Body, Entry, Form};
use super::super::range::{Shown, View, Way};
use super::super::source::shows_nothing;
use super::{harmless, harmless_lines, list, origin, versions, withdrawn_words};
use crate::version::Scheme;

const SAFE: [&str; 3] = ["http:", "https:", "mailto:"];

pub fn html<V: Scheme>(view: &View<V>) -> String {
    let mut out = String::from("<article class=\"changelog\">\n");
    if view.way == Way::Down {
        out += "<h1>You will lose</h1>\n";
    }
    out += &notes(view).unwrap_or_default();
    for pending in &view.pending {
        out += &format!("<section class=\"pending\">\n<h2>{}</h2>\n", escaped(&pending.title));
        body(&mut out, &pending.body);
        out += "</section>\n";
    }
    for one in &view.releases {
        release(&mut out, one);
    }
    out + "</article>\n"
}

fn notes<V: Scheme>(view: &View<V>) -> Option<String> {
    let mut lists = view.told.of_data().peekable();
    lists.peek()?;
    let urgency = view
        .urgency
        .map(|urgency| format!(" <span class=\"urgency {urgency}\">urgency: {urgency}</span>"));
    let mut out = format!(
        "<section class=\"notes\">\n<h2>Notes{}</h2>\n",
        urgency.unwrap_or_default()
    );
    for (title, notes) in lists {
        out += &format!("<h3>{title}</h3>\n<ul>\n");
        for (id, note) in notes {
            out += &format!(
                "<li>{}<small>{}, {}</small></li>\n",
                markdown(&note.text),
                escaped(&id.to_string()),
                escaped(&origin(note))
            );
        }
        out += "</ul>\n";
    }
    Some(out + "</section>\n")
}

fn release<V: Scheme>(out: &mut String, one: &Shown<V>) {
    let version = escaped(&versions(&one.release));
    let link = one.release.link.as_deref().filter(|url| is_safe(url));
    let linked = match link {
        Some(url) => format!("<a href=\"{}\" rel=\"nofollow noopener\">{version}</a>", escaped(url)),
        None => version,
    };
    let gone = withdrawn_words(one);
    let class = if gone.is_some() { "release withdrawn" } else { "release" };
    let title = if gone.is_some() {
        format!("<del>{linked}</del>")
    } else {
        linked
    };
    let date = one
        .release
        .date
        .map(|date| format!(" <time datetime=\"{date}\">{date}</time>"))
        .or_else(|| Some(format!(" {}", escaped(one.release.dated.as_deref()?))))
        .unwrap_or_default();
    let pending = if one.release.pending { " (unreleased)" } else { "" };
    *out += &format!("<section class=\"{class}\">\n<h2>{title}{date}{pending}</h2>\n");
    if let Some(words) = gone {
        *out += &format!("<p class=\"withdrawn\">{}</p>\n", escaped(&words));
    }
    if !one.with.is_empty() {
        *out += &format!(
            "<p class=\"with\">with the changes of {}</p>\n",
            escaped(&list(&one.with))
        );
    }
    body(out, &one.release.body);
    *out += "</section>\n";
}

fn body(out: &mut String, body: &Body) {
    for block in &body.preamble {
        *out += &markdown(block);
    }
    for section in &body.sections {
        *out += &format!("<h3>{}</h3>\n", escaped(&section.title));
        let mut open = "";
        for entry in &section.entries {
            let list = match entry.form {
                Form::Block => "",
                Form::Item => "ul",
                Form::Numbered(_) => "ol",
            };
            if list != open {
                *out += &tag("/", open);
                *out += &tag("", list);
                open = list;
            }
            item(out, entry);
        }
        *out += &tag("/", open);
    }
}

fn tag(slash: &str, name: &str) -> String {
    if name.is_empty() {
        String::new()
    } else {
        format!("<{slash}{name}>\n")
    }
}

fn item(out: &mut String, entry: &Entry) {
    let class = if entry.breaking { " class=\"breaking\"" } else { "" };
    let text = markdown(&entry.text);
    *out += &match entry.form {
        Form::Block => text,
        Form::Item => format!("<li{class}>{text}</li>\n"),
        Form::Numbered(number) => format!("<li{class} value=\"{number}\">{text}</li>\n"),
    };
}

/// Foreign Markdown as HTML that does nothing but show.
fn markdown(text: &str) -> String {
    let mut shown_links = Vec::new();
    let events = Parser::new_ext(text, OPTIONS).filter_map(|event| match event {
        Event::Html(raw) | Event::InlineHtml(raw) if shows_nothing(&raw) => None,
        Event::Html(raw) | Event::InlineHtml(raw) => Some(Event::Text(raw)),
        // A picture would be fetched from elsewhere, its description says as much; headings keep the page's order.
        Event::Start(Tag::Image { .. } | Tag::HtmlBlock) | Event::End(TagEnd::Image | TagEnd::HtmlBlock) => None,
        Event::Start(Tag::Heading { .. }) => Some(Event::Start(Tag::Paragraph)),
        Event::End(TagEnd::Heading(_)) => Some(Event::End(TagEnd::Paragraph)),
        // The language of a fence would become a class.
        Event::Start(Tag::CodeBlock(_)) => Some(Event::Start(Tag::CodeBlock(pulldown_cmark::CodeBlockKind::Indented))),
        Event::Start(Tag::Link {
            dest_url, link_type, ..
        }) => {
            let safe = is_safe(&dest_url) || link_type == pulldown_cmark::LinkType::Email;
            shown_links.push(safe);
            safe.then_some({
                Event::Start(Tag::Link {
                    link_type,
                    dest_url,
                    title: CowStr::Borrowed(""),
                    id: CowStr::Borrowed(""),
                })
            })
        }
        Event::End(TagEnd::Link) => shown_links.pop().unwrap_or(false).then_some(Event::End(TagEnd::Link)),
        event => Some(event),
    });
    let mut out = String::new();
    write::push_html(&mut out, events);
    // Only now: `&#27;` has become what it stands for.
    harmless_lines(&out)
}

fn is_safe(url: &str) -> bool {
    let lower = url.trim_start().to_ascii_lowercase();
    SAFE.iter().any(|scheme| lower.starts_with(scheme)) && !url.contains(char::is_control)
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in harmless(text).chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}
