//! What is made out of the .proto file and kept: the same as is made now. `NETLINK_MAKE=1` writes it anew.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

const PROTO: &str = "netlink/update/v1/upgrade.proto";

fn proto(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("proto").join(path)
}

/// A message type is as good as its bytes: comments stay in the file.
fn without_comments(mut set: Described) -> Described {
    for file in &mut set.file {
        file.source_code_info = None;
    }
    set
}

type Described = prost_types::FileDescriptorSet;

#[test]
fn messages_and_service_are_those_of_the_proto_file() {
    let described = protox::compile([PROTO], [proto("")]).unwrap();
    let dir = tempfile::tempdir().unwrap();
    tonic_prost_build::configure()
        .build_client(false)
        .build_transport(false)
        .emit_rerun_if_changed(false)
        .out_dir(dir.path())
        .compile_fds(described.clone())
        .unwrap();
    let code = fs::read_to_string(dir.path().join("netlink.update.v1.rs")).unwrap();
    let mut bytes = Vec::new();
    prost::Message::encode(&without_comments(described), &mut bytes).unwrap();
    let kept = ["made/netlink.update.v1.rs", "made/netlink.update.v1.bin"].map(proto);
    if std::env::var_os("NETLINK_MAKE").is_some() {
        fs::write(&kept[0], &code).unwrap();
        fs::write(&kept[1], &bytes).unwrap();
    }
    let how = "`NETLINK_MAKE=1 ./test messages_and_service` makes it anew";
    assert!(
        fs::read_to_string(&kept[0]).unwrap() == code,
        "{}: {how}",
        kept[0].display()
    );
    assert!(fs::read(&kept[1]).unwrap() == bytes, "{}: {how}", kept[1].display());
}

/// Google's own compiler takes the file, and finds in it what reflection tells.
#[test]
fn another_compiler_reads_the_proto_file_likewise() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("set.bin");
    let ran = Command::new(here.join("target/python/bin/python"))
        .args(["-m", "grpc_tools.protoc", "--include_imports", "-I"])
        .arg(proto(""))
        .arg(format!("--descriptor_set_out={}", out.display()))
        .arg(PROTO)
        .output()
        .unwrap();
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    let read = |bytes: &[u8]| -> Described { prost::Message::decode(bytes).unwrap() };
    let theirs = read(&fs::read(out).unwrap());
    let ours = read(netlink::grpc::pb::DESCRIPTION);
    let upgrade = |set: Described| set.file.into_iter().find(|file| file.name() == PROTO).unwrap();
    assert_eq!(upgrade(ours), upgrade(theirs));
}
