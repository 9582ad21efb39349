//! What tools print about demands that contradict each other, as values.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::python::normal;
use super::{Conflict, Demand};

/// The lock of the release, in place of a package.
const LOCK: &str = "the lock of the release";

/// pip: below `The conflict is caused by:` a line each, `a 1.0 depends on b==1.0` or `The user requested b==2.0`.
pub fn of_pip(text: &str) -> Vec<Conflict> {
    let lines = text
        .lines()
        .skip_while(|line| !line.starts_with("The conflict is caused by"));
    let lines = lines.skip(1).take_while(|line| !line.trim().is_empty());
    let demand = |line: &str| {
        let line = line.trim();
        if let Some(wants) = line.strip_prefix("The user requested (constraint) ") {
            return Some((LOCK.to_owned(), wants.to_owned()));
        }
        if let Some(wants) = line.strip_prefix("The user requested ") {
            return Some((LOCK.to_owned(), wants.to_owned()));
        }
        let (by, wants) = line.split_once(" depends on ")?;
        Some((by.to_owned(), wants.to_owned()))
    };
    grouped(lines.filter_map(demand))
}

/// uv: sentences of `Because a==1.0 depends on b==1.0 and you require b==2.0, we can conclude …`.
pub fn of_uv(text: &str) -> Vec<Conflict> {
    let plain: String = text
        .lines()
        .map(|line| line.trim().trim_start_matches(['×', '╰', '─', '▶', '│', ' ']))
        .collect::<Vec<_>>()
        .join(" ");
    let Some(at) = plain.find("ecause ") else {
        return Vec::new();
    };
    let clauses = plain[at + "ecause ".len()..]
        .replace("And because ", ", ")
        .replace(" and ", ", ");
    let demand = |clause: &str| {
        let clause = clause.trim().trim_end_matches('.').trim_start_matches("only ");
        if clause.contains("we can conclude") {
            return None;
        }
        if let Some(wants) = clause.strip_prefix("you require ") {
            return Some((LOCK.to_owned(), wants.to_owned()));
        }
        let verbs = [" depends on ", " depend on "];
        let (by, wants) = verbs.iter().find_map(|verb| clause.split_once(verb))?;
        Some((by.to_owned(), wants.to_owned()))
    };
    grouped(clauses.split(", ").filter_map(demand))
}

/// What `npm ls --json` says of a package and of those below it.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct NpmTree {
    version: Option<String>,
    /// `"^2.0.0" from wick@1.0.0`, several of them with a comma between.
    invalid: Option<String>,
    /// Of those that are not there: `missing: gas@^1.0.0, required by wick@1.0.0`.
    pub problems: Vec<String>,
    dependencies: BTreeMap<String, NpmTree>,
}

/// Packages that are not what others demand, or are not there.
pub fn of_npm(tree: &NpmTree) -> Vec<Conflict> {
    let mut demands = Vec::new();
    gather_npm(tree, &mut demands);
    grouped(demands.into_iter())
}

fn gather_npm(tree: &NpmTree, demands: &mut Vec<(String, String)>) {
    for problem in &tree.problems {
        let missing = problem
            .strip_prefix("missing: ")
            .and_then(|rest| rest.split_once(", required by "));
        if let Some((wants, by)) = missing {
            demands.push((by.to_owned(), wants.to_owned()));
            demands.push((LOCK.to_owned(), format!("{}: none", package(wants))));
        }
    }
    for (name, below) in &tree.dependencies {
        if let Some(invalid) = &below.invalid {
            let version = below.version.as_deref().unwrap_or_default();
            demands.push((LOCK.to_owned(), format!("{name}@{version}")));
            let clauses = invalid.split(", ").filter_map(|clause| clause.split_once(" from "));
            demands.extend(clauses.map(|(wants, by)| (by.to_owned(), format!("{name}@{}", wants.trim_matches('"')))));
        }
        gather_npm(below, demands);
    }
}

/// apt: below `The following packages have unmet dependencies:` a line each, `wick : Depends: oil (= 1) but 2 is to be installed`.
pub fn of_apt(text: &str) -> Vec<Conflict> {
    let lines = text.lines().skip_while(|line| !line.contains("unmet dependencies"));
    let demand = |line: &str| {
        let (by, rest) = line.trim().split_once(" : ")?;
        let (_, wants) = rest.split_once(": ")?;
        let (wants, there) = wants.split_once(" but ").unwrap_or((wants, "that cannot be had"));
        let package = wants.split(' ').next()?;
        Some([
            (by.to_owned(), wants.to_owned()),
            ("this machine".to_owned(), format!("{package}: {}", there.trim())),
        ])
    };
    grouped(
        lines
            .skip(1)
            .take_while(|line| !line.starts_with("E:"))
            .filter_map(demand)
            .flatten(),
    )
}

/// By package; demands that nobody contradicts say nothing.
fn grouped(demands: impl Iterator<Item = (String, String)>) -> Vec<Conflict> {
    let mut packages: BTreeMap<String, Vec<Demand>> = BTreeMap::new();
    for (by, wants) in demands {
        let of = packages.entry(package(&wants)).or_default();
        let demand = Demand { by, wants };
        if !of.contains(&demand) {
            of.push(demand);
        }
    }
    let conflicts = packages.into_iter().filter(|(_, demands)| demands.len() > 1);
    conflicts
        .map(|(package, demands)| Conflict { package, demands })
        .collect()
}

/// The name that a demand begins with; npm's may begin with `@`.
fn package(demand: &str) -> String {
    let (scope, rest) = match demand.strip_prefix('@') {
        Some(rest) => ("@", rest),
        None => ("", demand),
    };
    let end = rest.find(|c: char| "=<>!~ ;[(@^,:".contains(c)).unwrap_or(rest.len());
    match scope {
        "" => normal(&rest[..end]),
        scope => format!("{scope}{}", &rest[..end]),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn told(conflicts: &[Conflict]) -> Vec<String> {
        conflicts.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn pip_says_who_wants_what() {
        let text = "ERROR: Cannot install -r r.txt (line 1) and oil==2.0 because these package versions have \
                    conflicting dependencies.\n\nThe conflict is caused by:\n    The user requested oil==2.0\n    \
                    wick 1.0 depends on oil==1.0\n\nTo fix this you could try to:\n1. loosen the range of a==1\n";
        let said = "oil: the lock of the release wants oil==2.0, wick 1.0 wants oil==1.0";
        assert_eq!(told(&of_pip(text)), [said]);
        assert_eq!(of_pip("ERROR: No matching distribution found for gas==1.0"), []);
    }

    #[test]
    fn uv_says_it_of_all_versions_too() {
        let text = "error: No solution found when resolving dependencies\n  cause: Because all versions of wick depend on oil==1.0 and you \
                    require wick==1.0, we can conclude that you require oil==1.0.\n         And because you require oil==2.0, we can \
                    conclude that your requirements are unsatisfiable.\n";
        let said = "oil: all versions of wick wants oil==1.0, the lock of the release wants oil==2.0";
        assert_eq!(told(&of_uv(text)), [said]);
    }

    proptest! {
        /// What is printed may be anything.
        #[test]
        fn any_text_can_be_read(text in "(The conflict is caused by:\n|Because |unmet dependencies\n| depends on | : Depends: |@|, |\\PC)*") {
            of_pip(&text);
            of_uv(&text);
            of_apt(&text);
        }
    }

    #[test]
    fn uv_says_it_in_sentences() {
        let text = "  × No solution found when resolving dependencies:\n  ╰─▶ Because wick==1.0 depends on oil==1.0 and \
                    you require oil==2.0, we can conclude that\n      you require oil==2.0 and wick==1.0 are incompatible.\n      \
                    And because you require wick==1.0, we can conclude that your requirements are unsatisfiable.\n";
        let said = "oil: wick==1.0 wants oil==1.0, the lock of the release wants oil==2.0";
        assert_eq!(told(&of_uv(text)), [said]);
    }

    #[test]
    fn apt_says_who_depends_on_what() {
        let text = "Some packages could not be installed.\nThe following packages have unmet dependencies:\n wick : Depends: oil (= 1.0) \
                    but 2.0 is to be installed\n        Depends: tin but it is not installable\nE: Unable to correct problems\n";
        let said = "oil: wick wants oil (= 1.0), this machine wants oil: 2.0 is to be installed";
        assert_eq!(told(&of_apt(text)), [said]);
    }

    #[test]
    fn npm_says_what_is_invalid_and_what_is_missing() {
        let text = r#"{"problems": ["missing: @lamp/gas@^1.0.0, required by wick@1.0.0"], "dependencies": {
            "oil": {"version": "1.0.0", "invalid": "\"^2.0.0\" from the root project, \"2.x\" from wick@1.0.0"},
            "wick": {"version": "1.0.0", "dependencies": {
                "oil": {"version": "1.0.0", "invalid": "\"^2.0.0\" from the root project, \"2.x\" from wick@1.0.0"}}}}}"#;
        assert_eq!(
            told(&of_npm(&serde_json::from_str(text).unwrap())),
            [
                "@lamp/gas: wick@1.0.0 wants @lamp/gas@^1.0.0, the lock of the release wants @lamp/gas: none",
                "oil: the lock of the release wants oil@1.0.0, the root project wants oil@^2.0.0, wick@1.0.0 wants oil@2.x",
            ]
        );
    }
}
