//! Packages that are fetched: from an index of Python and from a registry of npm, both folders that a server on loopback lists.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
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
        let module = ["-u", "-m", "http.server", "--bind", "127.0.0.1", "--directory"];
        Self::run(&module, folder, "0")
    }

    fn guarded(folder: &Path, login: &str) -> Self {
        Self::run(&["-u", "-c", GUARDED], folder, login)
    }

    fn run(args: &[&str], folder: &Path, more: &str) -> Self {
        let mut child = Command::new("python3")
            .args(args)
            .arg(folder)
            .arg(more)
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

/// The same, for those alone who know a password.
const GUARDED: &str = r#"
import base64, functools, http.server, sys
folder, login = sys.argv[1:]
wanted = "Basic " + base64.b64encode(login.encode()).decode()
class Guarded(http.server.SimpleHTTPRequestHandler):
    def do_GET(self):
        if self.headers.get("Authorization") == wanted:
            return super().do_GET()
        self.send_response(401)
        self.send_header("WWW-Authenticate", 'Basic realm="oil"')
        self.send_header("Content-Length", "0")
        self.end_headers()
    def log_message(self, *_):
        pass
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Guarded, directory=folder))
print(f"(http://127.0.0.1:{server.server_port})", flush=True)
server.serve_forever()
"#;

impl Drop for Server {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

/// The wheels lie in the index, and the release names another one that nobody has.
fn fetched(tree: &Path, index: &Path) -> String {
    let more = locked(tree, "pip", &[WICK_1, OIL_1]);
    for name in ["wick", "oil"] {
        let wheel = format!("{name}-1.0-py3-none-any.whl");
        fs::create_dir_all(index.join(name)).unwrap();
        fs::rename(tree.join("wheels").join(&wheel), index.join(name).join(wheel)).unwrap();
    }
    fs::remove_dir(tree.join("wheels")).unwrap();
    more.replace("wheels = \"wheels\"", "index = \"http://127.0.0.1:1/nobody\"")
}

/// Every file below a folder that has this in it.
fn files_with(folder: &Path, secret: &str) -> Vec<PathBuf> {
    let entries = netlink::disk::walk(folder).unwrap();
    let files = entries
        .iter()
        .filter(|entry| entry.kind == netlink::disk::EntryKind::File);
    let paths = files.map(|entry| folder.join(&entry.path));
    let holds = |path: &PathBuf| {
        let content = fs::read(path).unwrap();
        content.windows(secret.len()).any(|piece| piece == secret.as_bytes())
    };
    paths.filter(holds).collect()
}

#[test]
fn the_password_of_an_index_is_in_no_command_line_message_journal_or_log() {
    const PASSWORD: &str = "wicked-secret";
    let dir = tempfile::tempdir().unwrap();
    let index = dir.path().join("index");
    let server = Server::guarded(&index, &format!("me:{PASSWORD}"));
    let shop = Shop::with(|_| String::new());
    shop.publish(Lamp::B1, |tree| fetched(tree, &index));
    // An interpreter that notes how it is called, as anybody could who lists processes.
    let (python, calls) = (dir.path().join("python"), dir.path().join("calls"));
    let script = format!("#!/bin/sh\necho \"$@\" >> {}\nexec python3 \"$@\"\n", calls.display());
    put(&python, &script, 0o755);
    let settings = |login: &str| {
        let url = server.url.replace("http://", &format!("http://{login}@"));
        format!(
            "dependencies: {{python: {}, python_index: \"{url}\"}}\n",
            python.display()
        )
    };
    let path = shop.lamp.path("config/update.yml");
    put(&path, &settings("me:wrong-secret"), 0o600);
    let upgrade = ["update", "upgrade", "--to", "0b1", "--yes", "--output", "json"];
    let failed = shop.lamp.run(&upgrade).no(1, &["NL0311"]);
    let why = shop.lamp.run(&["update", "why"]).ok();
    assert!(!format!("{failed}{why}").contains("wrong-secret"), "{failed}{why}");
    assert_eq!(files_with(&shop.lamp.root, "wrong-secret"), std::slice::from_ref(&path));

    put(&path, &settings(&format!("me:{PASSWORD}")), 0o600);
    let done = shop.lamp.run(&upgrade).ok();
    shop.lamp.assert_at("0b1");
    assert!(!done.to_string().contains(PASSWORD), "{done}");
    assert_eq!(files_with(&shop.lamp.root, PASSWORD), [path]);
    let calls = fs::read_to_string(calls).unwrap();
    assert!(calls.contains("-m pip") && !calls.contains("secret"), "{calls}");
}

#[test]
fn the_operators_index_goes_before_that_of_the_release() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::of(dir.path());
    let shop = Shop::with(|_| String::new());
    shop.publish(Lamp::B1, |tree| fetched(tree, dir.path()));
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
