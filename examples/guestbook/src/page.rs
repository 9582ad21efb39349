//! The page: a list and a form, without script; everything a visitor wrote is escaped.

use std::fmt::Write;

use crate::entries::Entry;

const STYLE: &str = "body{font:1rem/1.5 system-ui,sans-serif;max-width:40rem;margin:2rem auto;padding:0 1rem;\
    color-scheme:light dark}label{display:block;margin:.5rem 0}input,textarea{width:100%;box-sizing:border-box;font:inherit}\
    li{margin:1rem 0}p{white-space:pre-wrap;overflow-wrap:anywhere;margin:0}[role=alert]{font-weight:bold}";

/// What the form holds, and what was wrong with it when it comes back.
#[derive(Debug, Default)]
pub(crate) struct Draft<'a> {
    pub author: &'a str,
    pub message: &'a str,
    pub complaint: Option<&'a str>,
}

pub(crate) fn render(title: &str, version: &str, max_length: usize, entries: &[Entry], draft: &Draft<'_>) -> String {
    let title = escape(title);
    let complaint = draft
        .complaint
        .map(|text| format!("<p role=\"alert\">{}</p>", escape(text)))
        .unwrap_or_default();
    let list: String = entries.iter().map(item).collect();
    format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\"><title>{title}</title><style>{STYLE}</style></head>\
         <body><h1>{title}</h1>{complaint}\
         <form method=\"post\" action=\"/\">\
         <label>Name <input name=\"author\" required maxlength=\"80\" value=\"{author}\"></label>\
         <label>Message <textarea name=\"message\" required maxlength=\"{max_length}\" rows=\"3\">\n{message}</textarea></label>\
         <button>Sign</button></form>\
         <ol reversed>{list}</ol><footer>guestbook {version}</footer></body></html>\n",
        author = escape(draft.author),
        message = escape(draft.message),
    )
}

fn item(entry: &Entry) -> String {
    let words = match entry.words {
        None => String::new(),
        Some(1) => ", 1 word".into(),
        Some(words) => format!(", {words} words"),
    };
    format!(
        "<li value=\"{}\"><strong>{}</strong> <small><time>{}</time>{words}</small><p>{}</p></li>",
        entry.id,
        escape(&entry.author),
        escape(&entry.created_at),
        escape(&entry.message),
    )
}

fn escape(text: &str) -> String {
    text.chars().fold(String::with_capacity(text.len()), |mut out, c| {
        match c {
            '&' | '<' | '>' | '"' | '\'' => drop(write!(out, "&#{};", u32::from(c))),
            _ => out.push(c),
        }
        out
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_visitors_write_is_text_and_never_markup() {
        let hostile = Entry {
            id: 1,
            author: "<b>".into(),
            message: "<script>\"&'".into(),
            created_at: "2026".into(),
            words: None,
        };
        let draft = Draft {
            author: "\"><i>",
            message: "</textarea>",
            complaint: Some("<u>"),
        };
        let page = render("<title>", "0a1", 5, &[hostile], &draft);
        for markup in ["<b>", "<script>", "<i>", "<u>", "<title><"] {
            assert!(!page.contains(markup), "{markup} in {page}");
        }
        assert_eq!(page.matches("</textarea>").count(), 1);
        assert!(page.contains("&#60;script&#62;&#34;&#38;&#39;"));
    }
}
