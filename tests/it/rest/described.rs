//! Whether an answer is what the description of the interface says, in a simple way of our own: every key is described,
//! every required one is there, and types, words and times are those named.

use std::collections::BTreeSet;

use serde_json::Value;

use super::server::Answer;

pub struct Description(pub Value);

impl Description {
    pub fn read(text: &str) -> Self {
        Self(serde_saphyr::from_str(text).unwrap())
    }

    /// The operation of an address without its base; none where that has no such method.
    pub fn operation(&self, method: &str, path: &str) -> Option<&Value> {
        let path = path.split('?').next().unwrap();
        let mut paths = self.0["paths"].as_object().unwrap().iter();
        // One that is named counts more than one that may have any name.
        let named = paths.clone().find(|(template, _)| *template == path);
        let found = named.or_else(|| paths.find(|(template, _)| is_of(template, path)));
        found.and_then(|(_, address)| address.get(method.to_lowercase()))
    }

    /// What is named there, where this is but a reference.
    fn resolved<'a>(&'a self, part: &'a Value) -> &'a Value {
        let named = part["$ref"].as_str().and_then(|named| named.strip_prefix('#'));
        named.map_or(part, |named| self.0.pointer(named).unwrap())
    }

    /// Checks an answer: its status is described, its headers are there, its body is of the schema, with nothing besides, and a
    /// problem is of a type that is described for this operation and status.
    #[track_caller]
    pub fn check(&self, method: &str, path: &str, answer: &Answer) {
        let Some(operation) = self.operation(method, path) else {
            assert!(
                matches!(answer.status, 400 | 404 | 405),
                "{method} {path} is not described: {answer:#?}"
            );
            return self.assert_fits(&self.0["components"]["schemas"]["Problem"], &answer.body);
        };
        let response = self.resolved(&operation["responses"][answer.status.to_string()]);
        assert!(
            response.is_object(),
            "{method} {path}: {} is not described: {answer:#?}",
            answer.status
        );
        for (name, header) in response["headers"].as_object().into_iter().flatten() {
            let may_be_missing = header["schema"]["type"].is_array();
            assert!(
                may_be_missing || answer.headers.contains_key(name),
                "{method} {path}: {name} is missing: {answer:#?}"
            );
        }
        if response["content"].is_null() {
            return assert_eq!(answer.text, "", "{method} {path} has a body that is not described");
        }
        let content_type = answer.header("content-type").split(';').next().unwrap();
        let schema = &response["content"][content_type]["schema"];
        assert!(
            !schema.is_null(),
            "{method} {path}: {content_type} is not described: {answer:#?}"
        );
        self.assert_is(schema, content_type, answer);
    }

    #[track_caller]
    fn assert_is(&self, schema: &Value, content_type: &str, answer: &Answer) {
        match content_type {
            "application/yaml" => {}
            "application/json" | "application/problem+json" => self.assert_fits(schema, &answer.body),
            _ => self.assert_fits(schema, &Value::String(answer.text.clone())),
        }
    }

    /// Whether this is of a schema in the words of JSON Schema.
    pub fn complaint(&self, schema: &Value, value: &Value) -> Option<String> {
        let whole = serde_json::json!({"components": self.0["components"], "allOf": [schema]});
        let mut options = jsonschema::options().with_draft(jsonschema::Draft::Draft202012);
        options = options.should_validate_formats(true);
        let validator = options.build(&whole).unwrap();
        validator
            .validate(value)
            .err()
            .map(|e| format!("{e} at {}", e.instance_path()))
    }

    #[track_caller]
    fn assert_fits(&self, schema: &Value, body: &Value) {
        if let Err(why) = self.fits(schema, body, "the body") {
            panic!("{why}: {body:#}");
        }
        if let Some(why) = self.complaint(schema, body) {
            panic!("{why}: {body:#}");
        }
    }

    /// All keys of `value` are described and all that is required is there.
    fn fits(&self, schema: &Value, value: &Value, at: &str) -> Result<(), String> {
        let known = self.known(schema, value, at)?;
        let keys = value.as_object().into_iter().flatten();
        match keys.map(|(key, _)| key).find(|key| !known.contains(*key)) {
            Some(key) => Err(format!("{at}: `{key}` is not described")),
            None => Ok(()),
        }
    }

    /// The keys that this part of the description knows of `value`, when it fits.
    fn known(&self, schema: &Value, value: &Value, at: &str) -> Result<BTreeSet<String>, String> {
        if let Some(reference) = schema["$ref"].as_str() {
            let name = reference.strip_prefix("#/components/schemas/").unwrap();
            let named = self.0["components"]["schemas"].get(name);
            return self.known(named.ok_or(format!("{name} is referred to, not there"))?, value, at);
        }
        if let Some(parts) = schema["allOf"].as_array() {
            let known: Result<Vec<_>, _> = parts.iter().map(|part| self.known(part, value, at)).collect();
            return Ok(known?.into_iter().flatten().collect());
        }
        if let Some(choices) = schema["oneOf"].as_array() {
            let tried = choices.iter().map(|choice| self.known(choice, value, at));
            let (fit, not): (Vec<_>, Vec<_>) = tried.partition(Result::is_ok);
            return match <[_; 1]>::try_from(fit) {
                Ok([one]) => one,
                Err(fit) => Err(format!("{at}: {} choices fit: {not:?}", fit.len())),
            };
        }
        self.of_type(schema, value, at)
    }

    /// A map may have any key; its values are described.
    fn of_map(&self, schema: &Value, value: &Value, at: &str) -> Result<BTreeSet<String>, String> {
        let pairs = value.as_object().into_iter().flatten();
        for (key, value) in pairs.filter(|_| !schema.as_object().is_none_or(serde_json::Map::is_empty)) {
            self.fits(schema, value, &format!("{at}.{key}"))?;
        }
        let keys = value.as_object().into_iter().flatten().map(|(key, _)| key.clone());
        Ok(keys.collect())
    }

    fn of_type(&self, schema: &Value, value: &Value, at: &str) -> Result<BTreeSet<String>, String> {
        let kind = match value {
            Value::Null => "null",
            Value::Bool(_) => "boolean",
            Value::Number(number) if number.is_f64() => "number",
            Value::Number(_) => "integer",
            Value::String(_) => "string",
            Value::Array(_) => "array",
            Value::Object(_) => "object",
        };
        let types = match &schema["type"] {
            Value::Array(types) => types.clone(),
            one => vec![one.clone()],
        };
        if !types.iter().any(|named| named == kind) {
            return Err(format!("{at}: {kind} instead of {types:?}"));
        }
        if schema["enum"].as_array().is_some_and(|words| !words.contains(value)) {
            return Err(format!("{at}: {value} is not one of {}", schema["enum"]));
        }
        if let (Some(text), true) = (value.as_str(), schema["format"] == "date-time") {
            text.parse::<jiff::Timestamp>().map_err(|e| format!("{at}: {e}"))?;
        }
        for item in value.as_array().into_iter().flatten() {
            self.fits(&schema["items"], item, &format!("{at}[]"))?;
        }
        let Some(object) = value.as_object() else {
            return Ok(BTreeSet::new());
        };
        if schema["additionalProperties"].is_object() {
            return self.of_map(&schema["additionalProperties"], value, at);
        }
        for required in schema["required"].as_array().into_iter().flatten() {
            if !object.contains_key(required.as_str().unwrap()) {
                return Err(format!("{at}: {required} is missing"));
            }
        }
        let properties = schema["properties"].as_object().cloned().unwrap_or_default();
        for (name, schema) in &properties {
            if let Some(value) = object.get(name) {
                self.fits(schema, value, &format!("{at}.{name}"))?;
            }
        }
        Ok(properties.into_iter().map(|(name, _)| name).collect())
    }
}

fn is_of(template: &str, path: &str) -> bool {
    let (template, path): (Vec<_>, Vec<_>) = (template.split('/').collect(), path.split('/').collect());
    let same = |(wanted, found): (&&str, &&str)| wanted.starts_with('{') || wanted == found;
    template.len() == path.len() && template.iter().zip(&path).all(same)
}

#[test]
fn what_is_not_described_is_found() {
    let text = "
        components: {schemas: {Thing: {type: object, required: [a], properties: {a: {type: string, enum: [x]}, b: {type: [integer, 'null']}}}}}
        ";
    let description = Description::read(text);
    let fits = |value: Value| description.fits(&description.0["components"]["schemas"]["Thing"], &value, "it");
    assert_eq!(fits(serde_json::json!({"a": "x", "b": null})), Ok(()));
    for wrong in [
        serde_json::json!({"a": "y"}),
        serde_json::json!({"b": 1}),
        serde_json::json!({"a": "x", "b": "1"}),
        serde_json::json!({"a": "x", "c": 1}),
    ] {
        assert!(fits(wrong.clone()).is_err(), "{wrong}");
    }
}
