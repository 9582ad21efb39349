//! `netlink notify`, answers that are no yes, and what must never be seen.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, Instant};

use super::receiver::{Answer, Receiver};
use super::{SECRET, is_signed_with, listed, settings};
use crate::rest::server::Server;
use crate::scene::Scene;
use crate::world::put;

#[test]
fn answers_that_are_no_yes_are_none() {
    let scene = Scene::new();
    let (ops, elsewhere) = (Receiver::start(), Receiver::start());
    settings(&scene.lamp, &[("ops", &ops)], "");
    let to_elsewhere = Answer::Head(302, format!("location: {}", elsewhere.url()));
    for (answer, said) in [
        (Answer::Status(500), "answered with 500"),
        (to_elsewhere, "answered with 302"),
        (Answer::Silence, "timeout"),
        (Answer::Drip, "timeout"),
        (Answer::EndlessHead, "header"),
    ] {
        ops.answers(std::slice::from_ref(&answer));
        let began = Instant::now();
        let ran = scene.lamp.run(&["notify", "test", "ops"]).no(1, &[said]);
        assert!(began.elapsed() < Duration::from_secs(40), "{answer:?}");
        assert!(!ran.out.contains("/hook"), "{ran}");
        ops.answers(&[Answer::Status(200)]);
        scene.lamp.run(&["notify", "retry"]).ok();
    }
    assert!(elsewhere.told().is_empty(), "a redirect is not followed");
    assert!(ops.taken() < 8 << 20, "{} bytes of a head were taken", ops.taken());

    // Of the body of a yes nothing is wanted.
    ops.answers(&[Answer::Endless]);
    let began = Instant::now();
    scene.lamp.run(&["notify", "test"]).ok();
    assert!(began.elapsed() < Duration::from_secs(20));
    assert!(ops.taken() < 64 << 20, "{} bytes of a body were taken", ops.taken());
}

#[test]
fn what_is_given_up_is_said_and_can_be_tried_again() {
    let scene = Scene::new();
    let ops = Receiver::start();
    // A receiver that wants nothing more says so.
    ops.answers(&[Answer::Status(410)]);
    settings(&scene.lamp, &[("ops", &ops)], "");
    scene
        .lamp
        .run(&["notify", "test"])
        .no(1, &["given up", "answered with 410"]);
    // Or it is too old.
    settings(&scene.lamp, &[("ops", &ops)], "  retry_for: 1ms\n");
    ops.answers(&[Answer::Status(500)]);
    let server = Server::start(&scene.lamp);
    scene.upgrade().ok();
    let measure = "netlink_notices_dead{receiver=\"ops\"} 3";
    let measures = super::wait_for_measure(&server, measure);
    assert!(
        measures.contains("netlink_notices_total{receiver=\"ops\",result=\"dead\"} 3"),
        "{measures}"
    );
    assert!(server.log().contains("[NL0741]"), "{}", server.log());
    // Worth seeing to, and no reason to send nobody here.
    let ready = server.get("/health/ready").is(200).body;
    let told = ready["warnings"][0].as_str().unwrap_or_default();
    assert!(told.starts_with("3 notices were given up"), "{ready:#}");
    let dead = listed(&scene.lamp);
    assert!(dead.iter().all(|one| one["state"] == "dead"), "{dead:#?}");
    assert_eq!(dead[1]["tries"], 3);

    ops.answers(&[Answer::Status(200)]);
    let id = dead[2]["id"].as_str().unwrap();
    scene.lamp.run(&["notify", "retry", id]).ok();
    assert_eq!(ops.told().last().unwrap().header("webhook-id"), id);
    scene.lamp.run(&["notify", "retry"]).ok();
    assert!(listed(&scene.lamp).iter().all(|one| one["state"] == "delivered"));
    server.wait("/health/ready", |ready| {
        ready["warnings"].as_array().unwrap().is_empty()
    });
    scene.lamp.run(&["notify", "retry"]).ok();
    scene.lamp.run(&["notify", "retry", id]).no(2, &["NL0743"]);
    scene.lamp.run(&["notify", "test", "nobody"]).no(2, &["NL0742", "ops"]);
}

#[test]
fn a_pause_that_the_receiver_asks_for_is_kept() {
    let scene = Scene::new();
    let ops = Receiver::start();
    ops.answers(&[Answer::Head(429, "retry-after: 3000".into())]);
    settings(&scene.lamp, &[("ops", &ops)], "  longest_pause: 2000s\n");
    scene.lamp.run(&["notify", "test"]).no(1, &["answered with 429"]);
    let next: jiff::Timestamp = listed(&scene.lamp)[0]["not_before"].as_str().unwrap().parse().unwrap();
    let pause = next.duration_since(jiff::Timestamp::now()).as_secs();
    assert!((1500..=2000).contains(&pause), "{pause}");
}

#[test]
fn a_secret_that_others_may_read_signs_nothing() {
    let scene = Scene::new();
    let ops = Receiver::start();
    settings(&scene.lamp, &[("ops", &ops)], "");
    let open = |mode| std::fs::set_permissions(scene.lamp.path("ops.secret"), Permissions::from_mode(mode)).unwrap();
    for (mode, verb) in [(0o644, "test"), (0o604, "retry"), (0o660, "retry")] {
        open(mode);
        let said = format!("mode {mode:04o}");
        let ran = scene.lamp.run(&["notify", verb]);
        ran.no(1, &["ops.secret", &said, "chmod 600"]);
    }
    assert!(ops.told().is_empty());
    open(0o640);
    scene.lamp.run(&["notify", "retry"]).ok();
    assert_eq!(ops.told().len(), 1);
}

#[test]
fn while_a_secret_is_changed_each_of_both_can_check() {
    let scene = Scene::new();
    let ops = Receiver::start();
    settings(&scene.lamp, &[("ops", &ops)], "");
    let new = "whsec_bmV3bmV3bmV3bmV3bmV3bmV3bmV3bmV3";
    let secret = |text: &str| put(&scene.lamp.path("ops.secret"), text, 0o600);
    for (text, count) in [
        (format!("{SECRET}\n"), 1),
        (format!("{new}\n{SECRET}\n"), 2),
        (format!("{new}\n"), 1),
    ] {
        secret(&text);
        scene.lamp.run(&["notify", "test"]).ok();
        let told = ops.told();
        let last = told.last().unwrap();
        assert_eq!(last.header("webhook-signature").split(' ').count(), count, "{text}");
        for known in [SECRET, new] {
            assert_eq!(is_signed_with(known, last), text.contains(known), "{known} of {text}");
        }
    }
}

#[test]
fn a_secret_is_seen_nowhere() {
    let scene = Scene::new();
    let ops = Receiver::start();
    let token = "planted-in-the-path";
    settings(&scene.lamp, &[("ops", &ops)], "");
    let text = scene
        .lamp
        .text("config/update.yml")
        .replace("/hook", &format!("/hook/{token}?t={token}"));
    put(&scene.lamp.path("config/update.yml"), &text, 0o644);
    ops.answers(&[
        Answer::Status(500),
        Answer::Silence,
        Answer::EndlessHead,
        Answer::Status(200),
    ]);
    let server = Server::start(&scene.lamp);
    let mut said = scene.upgrade().ok().err;
    ops.wait_for(5);
    assert!(ops.told()[0].path.contains(token));
    for args in [
        &["notify", "list"][..],
        &["notify", "list", "--output", "json"],
        &["audit", "export"],
    ] {
        let ran = scene.lamp.run(args).ok();
        said += &format!("{}{}", ran.out, ran.err);
    }
    put(&scene.lamp.path("ops.secret"), "planted-and-wrong\n", 0o600);
    let ran = scene.lamp.run(&["notify", "test"]).no(1, &["line 1 is not a secret"]);
    said += &format!("{}{}{}", ran.out, ran.err, server.log());
    assert!(!said.contains("planted") && !said.contains(SECRET), "{said}");
    let ours = [scene.lamp.path("ops.secret"), scene.lamp.path("config/update.yml")];
    let mut looked = 0;
    look(&scene.lamp.root, &mut |path, bytes| {
        looked += 1;
        let holds = |what: &str| bytes.windows(what.len()).any(|window| window == what.as_bytes());
        assert!(
            ours.contains(&path.to_path_buf()) || !(holds(token) || holds(SECRET) || holds("planted-and-wrong")),
            "{}",
            path.display()
        );
    });
    assert!(looked > 20, "{looked}");
}

fn look(folder: &std::path::Path, each: &mut dyn FnMut(&std::path::Path, &[u8])) {
    for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let kind = entry.file_type().unwrap();
        if kind.is_dir() {
            look(&entry.path(), each);
        } else if kind.is_file() {
            // What is gone by now is not kept anywhere.
            each(&entry.path(), &std::fs::read(entry.path()).unwrap_or_default());
        }
    }
}

#[test]
fn settings_that_cannot_be_meant_are_refused_without_repeating_a_secret() {
    let scene = Scene::new();
    for (text, said) in [
        (
            "webhooks: [{name: a, url: 'https://h/', secret: whsec_planted}]",
            "file:PATH",
        ),
        (
            "webhooks: [{name: a, url: 'https://me:planted@h/', secret: 'env:A'}]",
            "without a user",
        ),
        (
            "webhooks: [{name: a, url: 'https://h/', secret: 'env:A', events: [update.done]}]",
            "update.completed",
        ),
        (
            "webhooks: [{name: a/b, url: 'https://h/', secret: 'env:A'}]",
            "1 to 40 letters",
        ),
        ("commands: [{name: a, command: []}]", "no program"),
        (
            "commands: [{name: a, command: [x]}, {name: a, command: [y]}]",
            "another receiver has this name",
        ),
        ("timeout: 0s", "notifications.timeout"),
    ] {
        put(
            &scene.lamp.path("config/update.yml"),
            &format!("notifications:\n  {text}\n"),
            0o644,
        );
        let ran = scene.lamp.run(&["notify", "list"]).no(2, &[said, "NL0403"]);
        assert!(!ran.err.contains("planted"), "{ran}");
    }
}
