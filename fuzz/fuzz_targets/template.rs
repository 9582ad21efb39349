//! `{name}` in commands and URLs: values go in as they are, and nothing of a value is looked at again.
#![no_main]

use std::collections::BTreeMap;

use netlink::release::{TemplateError, expand};
use netlink_fuzz::points_into;

libfuzzer_sys::fuzz_target!(|text: &str| {
    let (template, value) = text.split_once('\n').unwrap_or((text, ""));
    let values = |value: &str| {
        BTreeMap::from([
            ("data".to_owned(), value.to_owned()),
            ("a b".to_owned(), "{data}".to_owned()),
        ])
    };
    match expand(template, &values(value)) {
        Ok(expanded) => {
            let marked = expand(template, &values("\u{1}")).unwrap();
            if !template.contains('\u{1}') {
                assert_eq!(marked.replace('\u{1}', value), expanded);
            }
        }
        Err(TemplateError::Unclosed { text, at }) => {
            points_into(&text, at);
            assert!(text[at..].starts_with('{'));
        }
        Err(TemplateError::UnknownVariable { name, .. }) => assert!(template.contains(&name)),
    }
    let escaped = template.replace('{', "{{").replace('}', "}}");
    assert_eq!(expand(&escaped, &BTreeMap::new()).unwrap(), template);
});
