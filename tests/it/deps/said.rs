//! What a publisher is told before anything is packed, and an operator of a tool that is not there.

use std::fs;
use std::path::Path;

use super::wheels::{OIL_1, WICK_1, locked};
use super::{Shop, add};
use crate::world::{Lamp, Publisher, put};

#[test]
fn what_operators_machines_would_refuse_is_not_packed() {
    let dir = tempfile::tempdir().unwrap();
    let publisher = Publisher::new(dir.path());
    let python = "\n[[dependencies]]\nkind = \"pip\"\nrequirements = \"requirements.txt\"\n";
    let with = |lock: &'static str, more: &'static str| {
        move |tree: &Path| {
            put(&tree.join("requirements.txt"), lock, 0o644);
            format!("{python}{more}")
        }
    };
    let good = "oil==1.0 --hash=sha256:00\n";
    type Make = Box<dyn Fn(&Path) -> String>;
    let cases: [(Make, &str); 9] = [
        (
            Box::new(with("oil==1.0\n", "")),
            "requirements.txt:1: `oil==1.0` has no digest",
        ),
        (Box::new(with("-r other.txt\n", "")), "is not a requirement"),
        (Box::new(with(good, "wheels = \"nowhere\"\n")), "nowhere"),
        (Box::new(with(good, "index = \"file:///x\"\n")), "not a URL"),
        (
            Box::new(with(good, "index = \"https://me:pass@example.org/simple\"\n")),
            "names a user or a password",
        ),
        (
            Box::new(with(good, "path = \"bin\"\n")),
            "bin is made on the operator's machine",
        ),
        (Box::new(with(good, "path = \".dependencies/x\"\n")), "NetLink's own"),
        (Box::new(with(good, python)), "two of this name"),
        (
            Box::new(|_| "\n[[dependencies]]\nkind = \"npm\"\n".to_owned()),
            "package.json",
        ),
    ];
    for (make, said) in cases {
        let tree = publisher.lamp(&Lamp::A1);
        add(&tree, make);
        publisher.pack(&tree).no(2, &["NL0501", said]);
        fs::remove_dir_all(&tree).unwrap();
    }
}

#[test]
fn a_lock_of_npm_that_does_not_say_what_comes_is_not_packed() {
    let dir = tempfile::tempdir().unwrap();
    let publisher = Publisher::new(dir.path());
    let good = r#""integrity": "sha512-xx=="#;
    let strange = [
        (format!("{good}\", \"resolved\": \"https://example.org/oil.tgz\""), None),
        (
            r#""resolved": "https://example.org/oil.tgz""#.to_owned(),
            Some("no `integrity`"),
        ),
        (
            r#""resolved": "git+ssh://git@example.org/oil.git#0123""#.to_owned(),
            Some("no `integrity`"),
        ),
        (r#""integrity": "sha1-xx=""#.to_owned(), Some("no `integrity`")),
        (r#""integrity": "sha1-xx= sha512-xx==""#.to_owned(), None),
        (r#""inBundle": true"#.to_owned(), None),
        (r#""dev": true"#.to_owned(), None),
        (r#""resolved": "oil", "link": true"#.to_owned(), Some("is a folder")),
        (
            format!("{good}\", \"resolved\": \"file:../oil.tgz\""),
            Some("is not a file of the project"),
        ),
        (
            format!("{good}\", \"resolved\": \"file:gone.tgz\""),
            Some("is not a file of the project"),
        ),
        (format!("{good}\", \"resolved\": \"file:package.json\""), None),
    ];
    for (oil, said) in strange {
        let tree = publisher.lamp(&Lamp::A1);
        put(&tree.join("package.json"), "{\"name\": \"web\"}", 0o644);
        let lock = format!(
            "{{\"lockfileVersion\": 3, \"packages\": {{\"\": {{\"name\": \"web\"}}, \"node_modules/oil\": {{\"version\": \"1.0.0\", {oil}}}}}}}"
        );
        put(&tree.join("package-lock.json"), &lock, 0o644);
        add(&tree, |_| "\n[[dependencies]]\nkind = \"npm\"\n".to_owned());
        let packed = publisher.pack(&tree);
        match said {
            None => drop(packed.ok()),
            Some(said) => drop(packed.no(2, &["NL0501", "package-lock.json: node_modules/oil", said])),
        }
        fs::remove_dir_all(&tree).unwrap();
    }
}

#[test]
fn a_tool_that_is_missing_is_named_with_the_setting_for_it() {
    let shop = Shop::with(|_| String::new());
    shop.publish(Lamp::B1, |tree| locked(tree, "pip", &[WICK_1, OIL_1]));
    put(
        &shop.lamp.path("config/update.yml"),
        "dependencies: {python: python-of-nobody}\n",
        0o644,
    );
    let said = ["NL0311", "python-of-nobody", "config/update.yml"];
    shop.lamp
        .run(&["update", "upgrade", "--to", "0b1", "--yes"])
        .no(1, &said);
    shop.lamp.assert_at("0a1");
}
