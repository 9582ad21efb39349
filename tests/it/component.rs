//! Components of others: listed, fetched, checked and unpacked, from servers that do not behave.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::thread;

use crate::world::{Publisher, Ran, put, run};

/// Status line, headers, body.
#[derive(Clone)]
struct Answer {
    status: &'static str,
    headers: String,
    body: Vec<u8>,
}

fn answer(body: impl Into<Vec<u8>>) -> Answer {
    Answer {
        status: "200 OK",
        headers: String::new(),
        body: body.into(),
    }
}

/// A web server with a folder for a source and what is made of it.
struct Shop {
    dir: tempfile::TempDir,
    url: String,
    answers: Arc<Mutex<BTreeMap<String, Answer>>>,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Shop {
    fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (answers, asked) = (Arc::new(Mutex::new(BTreeMap::new())), Arc::new(Mutex::new(Vec::new())));
        let (theirs, log) = (Arc::clone(&answers), Arc::clone(&asked));
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (answers, asked) = (Arc::clone(&theirs), Arc::clone(&log));
                thread::spawn(move || serve(&stream.unwrap(), &answers, &asked));
            }
        });
        let dir = tempfile::tempdir().unwrap();
        Self {
            dir,
            url,
            answers,
            asked,
        }
    }

    fn has(&self, path: &str, answer: Answer) {
        self.answers.lock().unwrap().insert(path.to_owned(), answer);
    }

    /// A file with its line among the checksums.
    fn offers(&self, name: &str, body: &[u8]) {
        self.has(&format!("/{name}"), answer(body));
        let line = format!("{}  {name}\n", sha256(body));
        self.has("/sums.txt", answer(line));
    }

    fn asked(&self) -> Vec<String> {
        std::mem::take(&mut self.asked.lock().unwrap())
    }

    fn text(&self, name: &str) -> String {
        self.dir.path().join(name).to_str().unwrap().to_owned()
    }

    fn source(&self, text: &str) -> String {
        let path = self.text("tool.yml");
        put(&PathBuf::from(&path), &text.replace("URL", &self.url), 0o644);
        path
    }

    /// Of a file with this name and its line in `sums.txt`.
    fn source_of(&self, name: &str) -> String {
        self.source(&format!("name: tool\nurl: URL/{name}\nchecksums: URL/sums.txt\narch: {{x86_64: amd64}}\nmax_unpacked_mib: 2\nmax_download_mib: 4\n"))
    }

    fn import(&self, source: &str) -> Ran {
        self.import_with(source, &[])
    }

    fn import_with(&self, source: &str, more: &[&str]) -> Ran {
        let into = self.text("tool");
        let args = [
            "release",
            "import",
            "--source",
            source,
            "--version",
            "1.7.0",
            "--into",
            &into,
        ];
        run(&[&args[..], &["--platform", "linux-x86_64"], more].concat())
    }

    fn list(&self, source: &str, json: bool) -> Ran {
        let output = if json { "json" } else { "text" };
        run(&["--output", output, "release", "import", "--source", source, "--list"])
    }

    /// Nothing but the source.
    #[track_caller]
    fn assert_nothing_made(&self) {
        let names: Vec<_> = fs::read_dir(self.dir.path())
            .unwrap()
            .map(|one| one.unwrap().file_name())
            .collect();
        assert_eq!(names, ["tool.yml"]);
    }

    /// What python makes of these lines, which write to `out`.
    fn python(&self, lines: &str) -> Vec<u8> {
        let script = format!(
            "import io, sys, tarfile, zipfile, lzma\nout = io.BytesIO()\n{lines}\nsys.stdout.buffer.write(out.getvalue())\n"
        );
        let output = Command::new("python3").args(["-c", &script]).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        output.stdout
    }
}

fn serve(stream: &TcpStream, answers: &Mutex<BTreeMap<String, Answer>>, asked: &Mutex<Vec<String>>) {
    let mut reader = BufReader::new(stream);
    let mut head = String::new();
    while reader.read_line(&mut head).is_ok_and(|n| n > 2) {}
    let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
    asked.lock().unwrap().push(path.clone());
    let found = answers.lock().unwrap().get(&path).cloned();
    let found = found.unwrap_or_else(|| Answer {
        status: "404 Not Found",
        ..answer("none")
    });
    let Answer { status, headers, body } = found;
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n{headers}\r\n",
        body.len()
    );
    let mut stream = stream;
    let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(&body));
}

fn sha256(bytes: &[u8]) -> String {
    netlink::crypt::digest_of(bytes).to_string()
}

/// A tar with one program in a folder of its own.
const TOOL: &str = "
tar = tarfile.open(fileobj=out, mode='w:KIND')
one = tarfile.TarInfo('tool-1.7.0/bin/tool'); one.mode = 0o755; one.size = 9
tar.addfile(one, io.BytesIO(b'#!/bin/sh'))
tar.close()";

#[test]
fn a_component_is_fetched_checked_unpacked_packed_and_published() {
    let shop = Shop::new();
    for (ending, kind) in [("tar.gz", "gz"), ("tar.xz", "xz")] {
        let bytes = shop.python(&TOOL.replace("KIND", kind));
        let name = format!("tool-1.7.0.linux-amd64.{ending}");
        shop.offers(&name, &bytes);
        let source = shop.source_of(&format!("tool-{{version}}.{{os}}-{{arch}}.{ending}"));
        let ran = shop.import_with(&source, &["--as", "0a1", "--output", "json"]).ok();
        assert_eq!(ran.json()["checked_against"], format!("{}/sums.txt", shop.url));
        assert_eq!(ran.json()["sha256"], sha256(&bytes));
        let tree = PathBuf::from(shop.text("tool"));
        assert_eq!(fs::read_to_string(tree.join("bin/tool")).unwrap(), "#!/bin/sh");
        let manifest = fs::read_to_string(tree.join("netlink-component.json")).unwrap();
        let manifest: serde_json::Value = serde_json::from_str(&manifest).unwrap();
        assert_eq!(manifest["version"], "1.7.0");
        assert_eq!(manifest["files"][0]["path"], "bin/tool");
        // Never over what is there.
        shop.import(&source).no(2, &["NL0530", "is there already"]);
        if kind == "gz" {
            let publisher = Publisher::new(&shop.dir.path().join("publisher"));
            publisher.publish(&tree);
            run(&["release", "verify", &publisher.text("repo")]).ok();
            fs::remove_dir_all(&publisher.dir).unwrap();
        }
        fs::remove_dir_all(&tree).unwrap();
        shop.assert_nothing_made();
    }
}

#[test]
fn a_file_that_its_checksum_does_not_vouch_for_is_refused() {
    let shop = Shop::new();
    let bytes = shop.python(&TOOL.replace("KIND", "gz"));
    let source = shop.source_of("tool-{version}.tar.gz");
    shop.offers("tool-1.7.0.tar.gz", &bytes);
    let mut forged = bytes.clone();
    forged[20] ^= 1;
    shop.has("/tool-1.7.0.tar.gz", answer(forged));
    shop.import(&source)
        .no(1, &["NL0532", "but its checksum is", &sha256(&bytes)]);
    shop.has("/tool-1.7.0.tar.gz", answer(bytes.clone()));
    let other = format!("{}  tool-1.7.1.tar.gz\n", sha256(&bytes));
    shop.has("/sums.txt", answer(other));
    shop.import(&source)
        .no(1, &["NL0532", "there is no line for `tool-1.7.0.tar.gz`"]);
    let two = format!(
        "{}  tool-1.7.0.tar.gz\n{}  tool-1.7.0.tar.gz\n",
        sha256(&bytes),
        sha256(b"")
    );
    shop.has("/sums.txt", answer(two));
    shop.import(&source).no(1, &["NL0532", "two different hashes"]);
    shop.has("/sums.txt", answer(vec![b'a'; 5 << 20]));
    shop.import(&source).no(1, &["NL0531", "is longer than"]);
    shop.has(
        "/sums.txt",
        answer(format!("SHA256 (tool-1.7.0.tar.gz) = {}\n", sha256(&bytes))),
    );
    shop.has("/tool-1.7.0.tar.gz", answer(vec![0; 5 << 20]));
    shop.import(&source).no(1, &["NL0531", "is longer than 4194304 bytes"]);
    shop.answers.lock().unwrap().remove("/tool-1.7.0.tar.gz");
    shop.import(&source).no(1, &["NL0531", "does not exist"]);
    shop.assert_nothing_made();
    shop.has("/tool-1.7.0.tar.gz", answer(bytes));
    shop.import(&source).ok();
}

#[test]
fn what_nothing_vouches_for_is_taken_only_where_the_source_says_so_and_then_loudly() {
    let shop = Shop::new();
    shop.has("/tool-1.7.0", answer("#!/bin/sh"));
    let source = shop.source("name: tool\nurl: URL/tool-{version}\n");
    shop.import(&source)
        .no(2, &["NL0530", "tool.yml", "accept-bytes-that-nobody-vouches-for"]);
    assert!(shop.asked().is_empty());
    let source = shop.source("name: tool\nurl: URL/tool-{version}\nunverified: accept-bytes-that-nobody-vouches-for\n");
    let ran = shop.import(&source).ok();
    assert!(ran.err.contains("NOTHING VOUCHED FOR"), "{ran}");
    let tree = PathBuf::from(shop.text("tool"));
    assert_eq!(fs::read_to_string(tree.join("tool")).unwrap(), "#!/bin/sh");
    let manifest = fs::read_to_string(tree.join("netlink-component.json")).unwrap();
    assert!(manifest.contains("\"checked_against\": null"), "{manifest}");
}

#[test]
fn releases_are_listed_page_by_page_without_drafts() {
    let shop = Shop::new();
    let page = |next: &str, body: &str| Answer {
        headers: if next.is_empty() {
            String::new()
        } else {
            format!(
                "Link: <{}{next}>; rel=\"next\", <{}/>; rel=\"last\"\r\n",
                shop.url, shop.url
            )
        },
        ..answer(body)
    };
    let file = |name: &str, digest: &str| {
        format!(
            r#"[{{"name":"{name}","browser_download_url":"{}/got","digest":{digest}}}]"#,
            shop.url
        )
    };
    let digest = format!(r#""sha256:{}""#, sha256(b"#!"));
    shop.has(
        "/releases?per_page=100",
        page(
            "/releases?per_page=100&page=2",
            r#"[{"tag_name":"v9.0.0","draft":true},{"tag_name":"v1.10.0","published_at":"2026-01-02T03:04:05Z"},
                {"tag_name":"v2.0.0-rc.1"},{"tag_name":"v1.9.9","prerelease":true}]"#,
        ),
    );
    let second = format!(
        r#"[{{"tag_name":"v1.7.0","assets":{}}},{{"tag_name":"latest-build"}},{{"tag_name":"v1.8.0","assets":{}}}]"#,
        file("tool-linux", &digest),
        file("tool-linux", "null"),
    );
    shop.has("/releases?per_page=100&page=2", page("", &second));
    let text = "name: tool\nreleases: URL/releases\nasset: tool-{os}\n";
    let source = shop.source(text);
    let listed = shop.list(&source, false).ok().out;
    assert_eq!(
        listed,
        "1.10.0           2026-01-02\n1.8.0\n1.7.0\nno versions: 1 tag\n"
    );
    let with_pre = shop.source(&format!("{text}pre_releases: true\n"));
    let offers = shop.list(&with_pre, true).ok().json();
    let versions: Vec<&str> = offers["offers"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["version"].as_str().unwrap())
        .collect();
    assert_eq!(versions, ["2.0.0-rc.1", "1.10.0", "1.9.9", "1.8.0", "1.7.0"]);
    assert_eq!(offers["offers"][0]["pre_release"], true);

    shop.has("/got", answer("#!"));
    let source = shop.source(text);
    let ran = shop.import_with(&source, &["--output", "json"]).ok();
    assert_eq!(ran.json()["sha256"], sha256(b"#!"));
    assert_eq!(fs::read_to_string(shop.text("tool/tool")).unwrap(), "#!");
    fs::remove_dir_all(shop.text("tool")).unwrap();
    let of = |version: &str| {
        let into = shop.text("tool");
        run(&[
            "release",
            "import",
            "--source",
            &source,
            "--version",
            version,
            "--into",
            &into,
        ])
    };
    of("1.8.0").no(1, &["NL0532", "gives no SHA-256 of `tool-linux`"]);
    of("9.0.0").no(1, &["NL0532", "9.0.0 is not among the"]);
    of("1.10.0").no(1, &["NL0532", "has no file `tool-linux`; it has none"]);
    of("1.x").no(2, &["`1.x` is not a version"]);
    shop.assert_nothing_made();
}

#[test]
fn lists_that_lead_elsewhere_never_end_or_ask_to_wait_are_given_up() {
    let shop = Shop::new();
    let source = shop.source("name: tool\nreleases: URL/releases\nasset: tool\n");
    let at = |answer: Answer| shop.has("/releases?per_page=100", answer);
    let link = |to: &str| Answer {
        headers: format!("Link: <{to}>; rel=\"next\"\r\n"),
        ..answer("[]")
    };
    at(link("http://127.0.0.2:1/releases"));
    shop.list(&source, false)
        .no(1, &["NL0531", "another server, which is not followed"]);
    at(link(&format!("{}/releases?per_page=100", shop.url)));
    shop.list(&source, false).no(1, &["NL0531", "more than 50 pages"]);
    assert_eq!(shop.asked().len(), 51);
    let status = |status, headers: &str| Answer {
        status,
        headers: headers.to_owned(),
        ..answer("{}")
    };
    at(status("429 Too Many Requests", "Retry-After: 3600\r\n"));
    shop.list(&source, false).no(
        1,
        &[
            "NL0531",
            "answers no more requests from here for 3600 s; try again then",
        ],
    );
    let reset = jiff::Timestamp::now().as_second() + 1800;
    at(status(
        "403 Forbidden",
        &format!("X-RateLimit-Remaining: 0\r\nX-RateLimit-Reset: {reset}\r\n"),
    ));
    let ran = shop
        .list(&source, false)
        .no(1, &["NL0531", "answers no more requests from here for 1"]);
    assert!(ran.err.contains("try again then"), "{ran}");
    at(status("403 Forbidden", ""));
    shop.list(&source, false).no(1, &["NL0531", "status 403"]);
    at(answer("<html>"));
    shop.list(&source, false).no(1, &["NL0532", "is not one"]);
    let source = shop.source("name: tool\nurl: URL/t-{version}\nchecksums: URL/sums.txt\n");
    shop.list(&source, false).no(2, &["NL0530", "has no list of releases"]);
}

#[test]
fn archives_that_mean_harm_are_refused_and_leave_nothing() {
    let shop = Shop::new();
    let zip = |lines: &str| {
        shop.python(&format!(
            "zip = zipfile.ZipFile(out, 'w', zipfile.ZIP_DEFLATED)\n{lines}\nzip.close()"
        ))
    };
    let tar = |kind: &str, lines: &str| {
        shop.python(&format!(
            "tar = tarfile.open(fileobj=out, mode='w:{kind}')\ndef add(name, **more):\n  one = tarfile.TarInfo(name)\n  for key in more: setattr(one, key, more[key])\n  tar.addfile(one)\n{lines}\ntar.close()"
        ))
    };
    let bomb = "one = tarfile.TarInfo('bomb'); one.size = 1 << 28\nclass Zero:\n  def read(self, n): return bytes(n)\ntar.addfile(one, Zero())";
    for (ending, bytes, said) in [
        ("zip", zip("zip.writestr('../../x', 'x')"), "not a path inside a tree"),
        (
            "zip",
            zip("zip.writestr('A', 'x'); zip.writestr('a', 'x')"),
            "in case only",
        ),
        (
            "zip",
            zip("zip.writestr('a', bytes(1 << 26))"),
            "more than may come of it",
        ),
        ("tar.xz", tar("xz", bomb), "more than may come of it"),
        ("tar.gz", tar("gz", bomb), "more than may come of it"),
        (
            "tar.gz",
            tar("gz", "add('a', type=tarfile.SYMTYPE, linkname='/etc')\nadd('a/passwd')"),
            "absolute path",
        ),
        (
            "tar.gz",
            tar("gz", "add('t/a', type=tarfile.SYMTYPE, linkname='../../x'); add('t/b')"),
            "leaves the tree",
        ),
        ("tar.gz", tar("gz", "add('a', mode=0o4755)"), "setuid"),
        ("tar.gz", tar("gz", "add('a', type=tarfile.CHRTYPE)"), "a device"),
        ("tar.gz", b"not gzip at all".to_vec(), "cannot be read to its end"),
        ("tar.xz", b"\xfd7zXZ\0\0\x04".to_vec(), "cannot be read to its end"),
        ("zip", b"PK".to_vec(), "refused"),
    ] {
        let name = format!("tool-1.7.0.{ending}");
        shop.offers(&name, &bytes);
        let source = shop.source_of(&format!("tool-{{version}}.{ending}"));
        shop.import(&source).no(1, &["NL0532", said]);
        shop.assert_nothing_made();
    }
}

/// A stream may say that unpacking it takes gigabytes; that is refused before they are taken.
#[test]
fn an_xz_file_that_asks_for_much_memory_is_refused() {
    let shop = Shop::new();
    let big = shop.python(
        "filters = [{'id': lzma.FILTER_LZMA2, 'dict_size': 1 << 30}]\nout.write(lzma.compress(b'x', filters=filters))",
    );
    shop.offers("tool-1.7.0.tar.xz", &big);
    let source = shop.source_of("tool-{version}.tar.xz");
    shop.import(&source).no(1, &["NL0532", "too big for mem_limit"]);
    shop.assert_nothing_made();
}
