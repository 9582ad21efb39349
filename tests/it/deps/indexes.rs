//! Packages that are fetched: from an index of Python and from a registry of npm, both folders that a server on loopback lists.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use super::Shop;
use super::others::tool;
use super::wheels::{OIL_1, WICK_1, locked};
use crate::world::{Lamp, put};

/// Python's own server; its listing of a folder is an index as pip reads it.
struct Server {
    child: Child,
    url: String,
}

impl Server {
    fn of(folder: &Path) -> Self {
        fs::create_dir_all(folder).unwrap();
        let mut child = Command::new("python3")
            .args(["-u", "-m", "http.server", "--bind", "127.0.0.1", "--directory"])
            .arg(folder)
            .arg("0")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut said = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut said)
            .unwrap();
        let url = said.split(['(', ')']).nth(1).unwrap().trim_end_matches('/').to_owned();
        Self { child, url }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

#[test]
fn the_operators_index_goes_before_that_of_the_release() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::of(dir.path());
    let shop = Shop::with(|_| String::new());
    shop.publish(Lamp::B1, |tree| {
        let more = locked(tree, "pip", &[WICK_1, OIL_1]);
        for name in ["wick", "oil"] {
            let wheel = format!("{name}-1.0-py3-none-any.whl");
            fs::create_dir_all(dir.path().join(name)).unwrap();
            fs::rename(tree.join("wheels").join(&wheel), dir.path().join(name).join(wheel)).unwrap();
        }
        fs::remove_dir(tree.join("wheels")).unwrap();
        more.replace("wheels = \"wheels\"", "index = \"http://127.0.0.1:1/nobody\"")
    });
    let settings = format!("dependencies: {{python_index: \"{}\"}}\n", server.url);
    put(&shop.lamp.path("config/update.yml"), &settings, 0o644);
    shop.lamp.run(&["update", "upgrade", "--to", "0b1", "--yes"]).ok();
    shop.lamp.assert_at("0b1");
    // What is there needs no index any more.
    shop.lamp.run(&["update", "rollback", "--yes"]).ok();
    drop(server);
    shop.lamp.run(&["update", "upgrade", "--to", "0b1", "--yes"]).ok();
    shop.lamp.assert_at("0b1");
    let before = shop.pid();
    shop.lamp.run(&["update", "reinstall-deps"]).no(1, &["NL0311"]);
    assert_eq!(shop.pid(), before, "it was not stopped");
    shop.lamp.assert_at("0b1");
}

#[test]
fn what_npm_fetches_comes_from_the_registry_or_out_of_the_releases_cache() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::of(&dir.path().join("registry"));
    let source = dir.path().join("oil");
    put(
        &source.join("package.json"),
        "{\"name\": \"oil\", \"version\": \"1.0.0\"}",
        0o644,
    );
    put(&source.join("index.js"), "module.exports = 'fetched'\n", 0o644);
    let said = tool(&source, &["npm", "pack", "--json", "--pack-destination", "../registry"]);
    let packed: serde_json::Value = serde_json::from_str(&said).unwrap();
    let packed = packed.get(0).or_else(|| packed.get("oil")).unwrap();
    let about = serde_json::json!({"name": "oil", "dist-tags": {"latest": "1.0.0"}, "versions": {"1.0.0": {
        "name": "oil", "version": "1.0.0",
        "dist": {"tarball": format!("{}/oil-1.0.0.tgz", server.url), "integrity": packed["integrity"]}}}});
    put(&dir.path().join("registry/oil"), &about.to_string(), 0o644);
    let shop = Shop::with(|_| String::new());
    let project = |more: &'static str, cache: bool| {
        let url = server.url.clone();
        move |tree: &Path| {
            let asks = "{\"name\": \"web\", \"version\": \"1.0.0\", \"dependencies\": {\"oil\": \"^1.0.0\"}}";
            put(&tree.join("package.json"), asks, 0o644);
            put(&tree.join("app.js"), "console.log(require('oil'))\n", 0o644);
            let scratch = tempfile::tempdir().unwrap();
            let kept = if cache {
                tree.join("npm-cache")
            } else {
                scratch.path().to_path_buf()
            };
            let from = ["--registry", &url, "--cache", kept.to_str().unwrap()];
            tool(tree, &[&["npm", "install", "--package-lock-only"][..], &from].concat());
            if cache {
                tool(tree, &[&["npm", "ci"][..], &from].concat());
                fs::remove_dir_all(tree.join("node_modules")).unwrap();
                let _ = fs::remove_dir_all(tree.join("npm-cache/_logs"));
            }
            format!(
                "\n[[dependencies]]\nkind = \"npm\"\n{more}\n\n[test]\ncommand = [\"node\", \"{{release}}/app.js\"]\n"
            )
        }
    };
    shop.publish(Lamp::B1, project("", false));
    shop.publish(Lamp::R1, project("cache = \"npm-cache\"", true));
    let settings = format!("dependencies: {{npm_registry: \"{}\"}}\n", server.url);
    put(&shop.lamp.path("config/update.yml"), &settings, 0o644);
    shop.lamp.run(&["update", "upgrade", "--to", "0b1", "--yes"]).ok();
    shop.lamp.assert_at("0b1");
    drop(server);
    shop.lamp.run(&["update", "upgrade", "--to", "0r1", "--yes"]).ok();
    shop.lamp.assert_at("0r1");
}
