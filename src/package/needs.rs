//! The publisher's side of dependencies: their locks are in the tree and are locks, and their places are free.

use std::collections::BTreeSet;
use std::path::Path;

use crate::disk;
use crate::release::{
    AptSpec, CargoSpec, CommandSpec, DEPENDENCY_STORE, DependencySpec, NpmSpec, PythonSpec, RelPath, ReleaseManifest,
};

const LOCK_LIMIT: u64 = 64 << 20;

/// What the manifest's `[[dependencies]]` name is in the tree, and fit for operators' machines.
pub(super) fn check(tree: &Path, manifest: &ReleaseManifest) -> Result<(), String> {
    let mut names = BTreeSet::new();
    let mut places: Vec<String> = Vec::new();
    for spec in &manifest.dependencies {
        let name = spec.name();
        let wrong = |problem: String| format!("dependencies `{name}`: {problem}");
        if !names.insert(name) {
            return Err(wrong(
                "there are two of this name; give each a `name` of its own".into(),
            ));
        }
        if let Some(place) = spec.place() {
            is_free(tree, &place, &places).map_err(wrong)?;
            places.push(place);
        }
        match spec {
            DependencySpec::Pip(python) | DependencySpec::Uv(python) => check_python(tree, python),
            DependencySpec::Npm(npm) => check_npm(tree, npm),
            DependencySpec::Cargo(cargo) => check_cargo(tree, cargo),
            DependencySpec::Command(command) => {
                let commands = [Some(&command.apply), command.plan.as_ref(), command.verify.as_ref()];
                commands.into_iter().flatten().try_for_each(check_command)
            }
            DependencySpec::Apt(apt) => check_apt(apt),
        }
        .map_err(wrong)?;
    }
    Ok(())
}

fn is_free(tree: &Path, place: &str, taken: &[String]) -> Result<(), String> {
    if place == DEPENDENCY_STORE || place.starts_with(&format!("{DEPENDENCY_STORE}/")) {
        return Err(format!("{DEPENDENCY_STORE} is NetLink's own; choose another `path`"));
    }
    let inside = |one: &str, other: &str| one == other || one.starts_with(&format!("{other}/"));
    if let Some(other) = taken.iter().find(|other| inside(place, other) || inside(other, place)) {
        return Err(format!(
            "`{place}` and `{other}` are in each other's way; choose another `path`"
        ));
    }
    for path in [place, DEPENDENCY_STORE] {
        if tree.join(path).symlink_metadata().is_ok() {
            return Err(format!(
                "{path} is made on the operator's machine; remove it from the release"
            ));
        }
    }
    Ok(())
}

fn file(tree: &Path, path: &str) -> Result<String, String> {
    disk::read_text_limited(&tree.join(path), LOCK_LIMIT).map_err(|e| format!("{e}: {}", e.source))
}

fn folder(tree: &Path, key: &str, path: &RelPath) -> Result<(), String> {
    if path.under(tree).is_dir() {
        return Ok(());
    }
    Err(format!("`{key}` names {path}, which is not a folder of the release"))
}

fn url(key: &str, url: Option<&String>) -> Result<(), String> {
    let names_somebody = |url: &String| {
        let place = url.split("://").nth(1).unwrap_or_default();
        place
            .split(['/', '?', '#'])
            .next()
            .is_some_and(|place| place.contains('@'))
    };
    match url {
        Some(url) if names_somebody(url) => Err(format!(
            "`{key}` names a user or a password, which everybody who gets the release could read; operators give their own in config/update.yml"
        )),
        Some(url) if !["https://", "http://"].iter().any(|scheme| url.starts_with(scheme)) => Err(format!(
            "`{key} = \"{url}\"` is not a URL: expected http:// or https://"
        )),
        _ => Ok(()),
    }
}

fn check_python(tree: &Path, python: &PythonSpec) -> Result<(), String> {
    url("index", python.index.as_ref())?;
    if let Some(wheels) = &python.wheels {
        folder(tree, "wheels", wheels)?;
    }
    let name = &python.requirements;
    let problem = requirements(&file(tree, name.as_str())?);
    problem.map_err(|(line, problem)| format!("{name}:{line}: {problem}"))
}

/// Each requirement has one version and a digest, and nothing says where else to look. With the line that does not.
fn requirements(text: &str) -> Result<(), (usize, String)> {
    let mut logical = String::new();
    let mut begins = 1;
    for (at, line) in text.lines().enumerate() {
        if logical.is_empty() {
            begins = at + 1;
        }
        let code = line.split(" #").next().unwrap_or_default();
        let code = if code.trim_start().starts_with('#') { "" } else { code };
        match code.trim_end().strip_suffix('\\') {
            Some(more) => {
                logical.push_str(more);
                logical.push(' ');
                continue;
            }
            None => logical.push_str(code),
        }
        requirement(logical.trim()).map_err(|problem| (begins, problem))?;
        logical.clear();
    }
    requirement(logical.trim()).map_err(|problem| (begins, problem))
}

fn requirement(line: &str) -> Result<(), String> {
    if line.is_empty() {
        return Ok(());
    }
    if line.starts_with('-') {
        return Err(format!(
            "`{line}` is not a requirement; a lock has only those, as `uv pip compile --generate-hashes` writes it"
        ));
    }
    if !line.contains("==") {
        return Err(format!(
            "`{line}` names no version; a lock has `name==version` with its digests"
        ));
    }
    if !line.contains("--hash=sha256:") {
        return Err(format!(
            "`{line}` has no digest; `uv pip compile --generate-hashes` or `pip-compile --generate-hashes` writes them"
        ));
    }
    Ok(())
}

fn check_npm(tree: &Path, npm: &NpmSpec) -> Result<(), String> {
    url("registry", npm.registry.as_ref())?;
    if let Some(cache) = &npm.cache {
        folder(tree, "cache", cache)?;
    }
    let project = npm
        .project
        .as_ref()
        .map_or_else(String::new, |project| format!("{project}/"));
    file(tree, &format!("{project}package.json"))?;
    let lock = file(tree, &format!("{project}package-lock.json"))?;
    let lock: serde_json::Value =
        serde_json::from_str(&lock).map_err(|e| format!("{project}package-lock.json is not JSON: {e}"))?;
    if lock["lockfileVersion"].as_u64().is_none_or(|version| version < 2) {
        return Err(format!(
            "{project}package-lock.json is of an npm before 7; write it anew with `npm install --package-lock-only`"
        ));
    }
    let packages = lock["packages"].as_object().into_iter().flatten();
    let mut locked = packages.filter(|(path, package)| !path.is_empty() && package["dev"] != true);
    locked.try_for_each(|(path, package)| {
        let problem = npm_package(&tree.join(&project), path, package);
        problem.map_err(|problem| format!("{project}package-lock.json: {path} {problem}"))
    })
}

/// Digests that `npm ci` compares; of SHA-1 others can make the same.
const STRONG: [&str; 3] = ["sha512-", "sha384-", "sha256-"];

/// What is installed is exactly one archive, which an operator's machine can have.
fn npm_package(project: &Path, path: &str, package: &serde_json::Value) -> Result<(), String> {
    if package["link"] == true || !path.contains("node_modules/") {
        return Err("is a folder, which does not come along; pack it (`npm pack`) and depend on the archive".into());
    }
    // It lies in the archive of another package.
    if package["inBundle"] == true {
        return Ok(());
    }
    let integrity = package["integrity"].as_str().unwrap_or_default();
    if !integrity
        .split_whitespace()
        .any(|digest| STRONG.iter().any(|strong| digest.starts_with(strong)))
    {
        return Err(
            "has no `integrity` of SHA-256 or better, so that anything could come in its place; remove it from the lock and write \
             that anew with `npm install --package-lock-only`, from a registry, not from git"
                .into(),
        );
    }
    let resolved = package["resolved"].as_str().unwrap_or_default();
    let Some(archive) = resolved.strip_prefix("file:") else {
        return Ok(());
    };
    match archive.parse::<RelPath>() {
        Ok(archive) if archive.under(project).is_file() => Ok(()),
        _ => Err(format!("comes from {archive}, which is not a file of the project")),
    }
}

fn check_cargo(tree: &Path, cargo: &CargoSpec) -> Result<(), String> {
    for name in ["Cargo.toml", "Cargo.lock"] {
        file(tree, &format!("{}/{name}", cargo.source))?;
    }
    Ok(())
}

fn check_command(spec: &CommandSpec) -> Result<(), String> {
    match spec.command.first() {
        Some(_) => Ok(()),
        None => Err("one of its commands is empty".into()),
    }
}

fn check_apt(apt: &AptSpec) -> Result<(), String> {
    let legal = |c: char| c.is_ascii_alphanumeric() || "+-.:=~".contains(c);
    let is_one =
        |package: &String| package.starts_with(|c: char| c.is_ascii_alphanumeric()) && package.chars().all(legal);
    if apt.packages.is_empty() {
        return Err("`packages` is empty".into());
    }
    match apt.packages.iter().find(|package| !is_one(package)) {
        Some(package) => Err(format!("`{package}` is not `name` or `name=version`")),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_of_python_names_versions_and_digests_and_nothing_else() {
        let good = "# made by uv\noil==1.0 \\\n    --hash=sha256:aa \\\n    --hash=sha256:bb\n    # via wick\n\n\
                    wick==2.0 ; python_version < \"3.14\" --hash=sha256:cc # last\n";
        assert_eq!(requirements(good), Ok(()));
        for (text, line, said) in [
            ("oil==1.0 --hash=sha256:aa\nwick>=1\n", 2, "no version"),
            ("\noil==1.0\n", 2, "no digest"),
            ("--extra-index-url https://example.org\n", 1, "not a requirement"),
            ("oil==1.0 \\\n --hash=sha256:aa\n-r other.txt", 3, "not a requirement"),
            ("oil==1.0 \\\n", 1, "no digest"),
        ] {
            let (at, problem) = requirements(text).unwrap_err();
            assert!(at == line && problem.contains(said), "{text}: {at}: {problem}");
        }
    }
}
