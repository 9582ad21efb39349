//! `{name}` in a manifest's commands, environment and URLs. `{{` and `}}` stand for the braces themselves.

use std::collections::BTreeMap;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    #[error("`{{{name}}}` in `{text}` is not a known name; known are {known}")]
    UnknownVariable { name: String, text: String, known: String },
    #[error("`{text}` opens a brace at byte {at} and never closes it; a plain brace is written `{{{{`")]
    Unclosed { text: String, at: usize },
}

/// Puts the values of `variables` in place of their names.
pub fn expand(text: &str, variables: &BTreeMap<String, String>) -> Result<String, TemplateError> {
    let mut expanded = String::with_capacity(text.len());
    each_part(text, &mut |part| {
        match part {
            Part::Literal(text) => expanded.push_str(text),
            Part::Name(name) => {
                let value = variables.get(name).ok_or_else(|| unknown(name, text, variables))?;
                expanded.push_str(value);
            }
        }
        Ok(())
    })?;
    Ok(expanded)
}

/// The names that a text has, in their order.
pub fn names(text: &str) -> Result<Vec<String>, TemplateError> {
    let mut names = Vec::new();
    each_part(text, &mut |part| {
        if let Part::Name(name) = part {
            names.push(name.to_owned());
        }
        Ok(())
    })?;
    Ok(names)
}

enum Part<'a> {
    Literal(&'a str),
    Name(&'a str),
}

fn each_part<'a>(
    text: &'a str,
    each: &mut dyn FnMut(Part<'a>) -> Result<(), TemplateError>,
) -> Result<(), TemplateError> {
    let mut rest = text;
    while let Some(at) = rest.find(['{', '}']) {
        each(Part::Literal(&rest[..at]))?;
        let brace = &rest[at..at + 1];
        rest = &rest[at + 1..];
        if let Some(after) = rest.strip_prefix(brace) {
            each(Part::Literal(brace))?;
            rest = after;
        } else if brace == "}" {
            each(Part::Literal(brace))?;
        } else {
            let (name, after) = rest.split_once('}').ok_or_else(|| TemplateError::Unclosed {
                text: text.to_owned(),
                at: text.len() - rest.len() - 1,
            })?;
            each(Part::Name(name))?;
            rest = after;
        }
    }
    each(Part::Literal(rest))
}

fn unknown(name: &str, text: &str, variables: &BTreeMap<String, String>) -> TemplateError {
    let known: Vec<_> = variables.keys().map(|known| format!("`{{{known}}}`")).collect();
    TemplateError::UnknownVariable {
        name: name.to_owned(),
        text: text.to_owned(),
        known: if known.is_empty() {
            "none".into()
        } else {
            known.join(", ")
        },
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn variables() -> BTreeMap<String, String> {
        [("data", "/d"), ("listen", "{data}")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into()
    }

    #[test]
    fn names_are_replaced_once_and_braces_escape() {
        let check = |text: &str, expected: &str| assert_eq!(expand(text, &variables()).unwrap(), expected, "{text}");
        check("{data}/x{data}", "/d/x/d");
        check("http://{listen}/", "http://{data}/");
        check("{{data}}", "{data}");
        check("{\u{7b}\"a\":1}}", "{\"a\":1}");
        check("a}b", "a}b");
        check("ü{data}ü", "ü/dü");
    }

    #[test]
    fn what_is_not_known_or_not_closed_is_an_error() {
        let error = expand("x {root}", &variables()).unwrap_err();
        assert_eq!(
            error.to_string(),
            "`{root}` in `x {root}` is not a known name; known are `{data}`, `{listen}`"
        );
        assert_eq!(
            expand("x {data", &variables()).unwrap_err(),
            TemplateError::Unclosed {
                text: "x {data".into(),
                at: 2
            }
        );
    }

    proptest! {
        #[test]
        fn escaped_text_comes_back(text in ".*") {
            let escaped = text.replace('{', "{{").replace('}', "}}");
            prop_assert_eq!(expand(&escaped, &BTreeMap::new()).unwrap(), text);
        }
    }
}
