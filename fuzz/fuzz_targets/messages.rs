//! Messages of gRPC's requests: the first byte names the call, the rest is what came. What is read is written as the same again, what it
//! asks for is understood or refused with a code of ours, and what the audit notes of it is one line.
#![no_main]

use std::fmt::Debug;

use netlink::grpc::{messages, pb};
use prost::Message;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let Some((call, bytes)) = bytes.split_first() else {
        return;
    };
    match call % 8 {
        0 => read::<pb::GetVersionInfoRequest>(bytes, |_| ()),
        1 => read::<pb::CheckForUpdatesRequest>(bytes, |_| ()),
        2 => read::<pb::ValidateUpgradeRequest>(bytes, |message| is_answered(messages::validation(message))),
        3 => read::<pb::TriggerUpgradeRequest>(bytes, |message| {
            let noted = is_one_line(&messages::of_upgrade(&message));
            assert_eq!(noted["target_version"], message.target_version.as_str());
            if let Ok(wanted) = messages::upgrade(message.clone()) {
                assert_eq!(wanted.begin.at.is_some(), message.scheduled_time.is_some());
                let again = message.target_version.parse();
                assert_eq!(again.ok(), Some(wanted.target_version));
            }
            is_answered(messages::upgrade(message));
        }),
        4 => read::<pb::GetUpgradeStatusRequest>(bytes, |_| ()),
        5 => read::<pb::WatchUpgradeStatusRequest>(bytes, |message| match messages::beginning(&message) {
            Ok(after) => assert!(after.is_none_or(|after| after >= 0)),
            refused => is_answered(refused),
        }),
        6 => read::<pb::RollbackUpgradeRequest>(bytes, |message| {
            let noted = is_one_line(&messages::of_rollback(&message));
            assert_eq!(noted["update_id"], message.update_id.as_str());
            is_answered(messages::rollback(message));
        }),
        _ => read::<pb::GetUpgradeHistoryRequest>(bytes, |message| {
            if let Ok((_, limit)) = messages::page(message.clone()) {
                assert!((1..=100).contains(&limit));
            }
            is_answered(messages::page(message));
        }),
    }
});

fn read<M: Message + Default + PartialEq + Debug>(bytes: &[u8], asks: impl Fn(M)) {
    let Ok(message) = M::decode(bytes) else { return };
    let written = message.encode_to_vec();
    assert_eq!(M::decode(&*written).as_ref(), Ok(&message));
    assert_eq!(written.len(), message.encoded_len());
    asks(message);
}

/// A no says which in the details, and is short enough for the head of an answer.
fn is_answered<T: Debug>(asked: Result<T, tonic::Status>) {
    if let Err(refused) = asked {
        assert!(
            !refused.message().is_empty() && refused.message().len() < 1300,
            "{refused:?}"
        );
        assert!(
            !refused.details().is_empty() && refused.details().len() < 2600,
            "{refused:?}"
        );
    }
}

fn is_one_line(noted: &str) -> serde_json::Value {
    assert!(!noted.contains(|c| c < ' '), "{noted:?}");
    serde_json::from_str(noted).unwrap()
}
