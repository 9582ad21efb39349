//! Whatever signatures cover beyond keys of the four roles and targets, field by field: nothing is signed unseen.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use crate::tuf::Role;

/// Of what people sign, by the names of the roles, before and after.
pub fn changes(before: &BTreeMap<String, Value>, after: &BTreeMap<String, Value>) -> Vec<String> {
    let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let mut told = Vec::new();
    for name in names {
        let rest = |all: &BTreeMap<String, Value>| all.get(name).map(|role| rest(name, role));
        compare(
            &format!("{name}:"),
            rest(before).as_ref(),
            rest(after).as_ref(),
            &mut told,
        );
    }
    told
}

/// Without what is told in words of its own. Delegated roles stand under their names: their order is a field of its own.
fn rest(name: &str, role: &Value) -> Value {
    let mut rest = role.clone();
    let Some(fields) = rest.as_object_mut() else {
        return rest;
    };
    for told in ["_type", "version", "expires", "targets"] {
        fields.remove(told);
    }
    if name == Role::Root.name() {
        fields.remove("keys");
        let roles = fields.get_mut("roles").and_then(Value::as_object_mut);
        let known = roles.into_iter().flatten();
        for (_, rule) in known.filter(|(name, _)| name.parse::<Role>().is_ok()) {
            remove(rule, &["keyids", "threshold"]);
        }
    }
    if let Some(delegations) = fields.get_mut("delegations").and_then(Value::as_object_mut) {
        by_name(delegations);
    }
    rest
}

fn remove(value: &mut Value, names: &[&str]) {
    if let Some(fields) = value.as_object_mut() {
        fields.retain(|name, _| !names.contains(&name.as_str()));
    }
}

fn by_name(delegations: &mut Map<String, Value>) {
    let Some(Value::Array(roles)) = delegations.remove("roles") else {
        return;
    };
    let name = |role: &Value| role.get("name").and_then(Value::as_str).unwrap_or_default().to_owned();
    let order: Vec<Value> = roles.iter().map(|role| name(role).into()).collect();
    delegations.insert("order".into(), order.into());
    let roles = roles.into_iter().map(|role| (name(&role), role));
    delegations.insert("roles".into(), Value::Object(roles.collect()));
}

fn compare(path: &str, before: Option<&Value>, after: Option<&Value>, told: &mut Vec<String>) {
    if before == after {
        return;
    }
    let fields = |value: Option<&Value>| value.map_or(Some(Map::new()), |value| value.as_object().cloned());
    match (fields(before), fields(after)) {
        (Some(before), Some(after)) if !(before.is_empty() && after.is_empty()) => {
            let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
            for name in names {
                let path = match path.strip_suffix(':') {
                    Some(_) => format!("{path} {name}"),
                    None => format!("{path}.{name}"),
                };
                compare(&path, before.get(name), after.get(name), told);
            }
        }
        _ => told.push(match (before, after) {
            (Some(before), Some(after)) => format!("{path} is {after}, now {before}"),
            (None, Some(after)) => format!("{path} comes: {after}"),
            (_, None) => format!("{path} goes"),
        }),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn each_field_that_no_other_line_tells_is_told() {
        let root = |threshold: u64, extra: u64, consistent: bool| {
            json!({"_type": "root", "version": 1, "keys": {"k": 1}, "consistent_snapshot": consistent,
                "roles": {"root": {"keyids": ["k"], "threshold": threshold, "x": extra}}})
        };
        let role = |name: &str, paths: &[&str]| json!({"name": name, "threshold": 1, "paths": paths});
        let targets = |roles: Vec<Value>| json!({"version": 1, "targets": {"a": 1}, "delegations": {"keys": {"k": {"keytype": "ed25519"}}, "roles": roles}});
        let of =
            |root: Value, targets: Value| BTreeMap::from([("root".to_owned(), root), ("targets".to_owned(), targets)]);
        let before = of(
            root(1, 1, true),
            targets(vec![role("a", &["a/*"]), role("b", &["b/*"])]),
        );
        assert_eq!(changes(&before, &before), Vec::<String>::new());
        let after = of(
            root(2, 2, false),
            targets(vec![role("b", &["b/*", "a/*"]), role("c", &["c/*"])]),
        );
        assert_eq!(
            changes(&before, &after),
            [
                "root: consistent_snapshot is false, now true",
                "root: roles.root.x is 2, now 1",
                r#"targets: delegations.order is ["b","c"], now ["a","b"]"#,
                "targets: delegations.roles.a.name goes",
                "targets: delegations.roles.a.paths goes",
                "targets: delegations.roles.a.threshold goes",
                r#"targets: delegations.roles.b.paths is ["b/*","a/*"], now ["b/*"]"#,
                r#"targets: delegations.roles.c.name comes: "c""#,
                r#"targets: delegations.roles.c.paths comes: ["c/*"]"#,
                "targets: delegations.roles.c.threshold comes: 1",
            ]
        );
        let none = of(root(1, 1, true), json!({"version": 1, "targets": {}}));
        assert!(
            changes(&none, &before).contains(&r#"targets: delegations.keys.k.keytype comes: "ed25519""#.to_owned())
        );
        assert!(changes(&before, &none).contains(&"targets: delegations.roles.b.name goes".to_owned()));
    }
}
