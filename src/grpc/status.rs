//! Every no as a status: its code by the table of codes, and with it, as `google.rpc.ErrorInfo`, what REST says in a problem document.

use std::collections::HashMap;
use std::time::Duration;

use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt};

use crate::app::{AppError, codes};
use crate::serving::{Refusal, Unbelieved};

/// Of who says the reason.
const DOMAIN: &str = "netlink";
/// Bytes of a message: clients take a few KB of trailing metadata, in which it stands twice.
const MESSAGE_LIMIT: usize = 1200;

/// A no with this code of ours.
pub fn no(code: &str, detail: &str, retry_after: Option<u64>) -> Status {
    let known = codes::lookup(code);
    let retry_after = retry_after.or(known.kind.retry_after());
    said(Code::from_i32(known.kind.grpc()), known, detail, retry_after)
}

/// The request itself is not as described, whatever the installation is doing.
pub fn invalid(error: &AppError) -> Status {
    said(Code::InvalidArgument, error.code(), &error.to_string(), None)
}

pub fn of_error(error: &AppError) -> Status {
    let code = error.code();
    said(
        Code::from_i32(code.kind.grpc()),
        code,
        &error.to_string(),
        error.retry_after(),
    )
}

pub fn of_refusal(refusal: &Refusal) -> Status {
    let code = codes::lookup(refusal.code());
    let status = match refusal {
        Refusal::Malformed(_) => Code::InvalidArgument,
        _ => Code::from_i32(code.kind.grpc()),
    };
    let retry_after = refusal.retry_after().or(code.kind.retry_after());
    said(status, code, &refusal.to_string(), retry_after)
}

/// It says what only a relay may.
pub fn of_unbelieved(why: &Unbelieved) -> Status {
    said(Code::InvalidArgument, codes::lookup("NL0751"), &why.to_string(), None)
}

/// The code of ours in a status that was made here.
pub fn code_of(status: &Status) -> Option<String> {
    status.get_details_error_info().map(|info| info.reason)
}

/// What has no code of ours in a request that did not come to its call: it could not be read.
pub fn of_unread(status: Status) -> Status {
    if status.code() == Code::Unimplemented || code_of(&status).is_some() {
        return status;
    }
    of_refusal(&Refusal::Malformed(format!("the message: {}", status.message())))
}

pub fn too_long(limit: usize) -> Status {
    let detail = format!("the message is longer than {limit} bytes");
    said(Code::ResourceExhausted, codes::lookup("NL0703"), &detail, None)
}

pub fn too_slow(limit: Duration) -> Status {
    let detail = format!("the message has not come within {} s", limit.as_secs());
    said(Code::DeadlineExceeded, codes::lookup("NL0703"), &detail, None)
}

fn said(status: Code, code: &codes::Code, detail: &str, retry_after: Option<u64>) -> Status {
    let more = HashMap::from([
        ("type".to_owned(), format!("urn:netlink:problem:{}", code.id)),
        ("title".to_owned(), code.title.to_owned()),
    ]);
    let mut details = ErrorDetails::with_error_info(code.id, DOMAIN, more);
    if let Some(seconds) = retry_after {
        details.set_retry_info(Some(Duration::from_secs(seconds)));
    }
    Status::with_error_details(status, shortened(detail), details)
}

fn shortened(detail: &str) -> String {
    if detail.len() <= MESSAGE_LIMIT {
        return detail.to_owned();
    }
    let end = (0..=MESSAGE_LIMIT).rev().find(|at| detail.is_char_boundary(*at));
    format!("{}…", &detail[..end.unwrap_or(0)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_no_has_its_code_its_reason_and_when_to_come_back() {
        let status = no("NL0714", "too many", Some(7));
        assert_eq!((status.code(), status.message()), (Code::ResourceExhausted, "too many"));
        let info = status.get_details_error_info().unwrap();
        assert_eq!((info.reason.as_str(), info.domain.as_str()), ("NL0714", "netlink"));
        assert_eq!(info.metadata["type"], "urn:netlink:problem:NL0714");
        let wait = status.get_details_retry_info().unwrap().retry_delay;
        assert_eq!(wait, Some(Duration::from_secs(7)));
        assert_eq!(code_of(&status).as_deref(), Some("NL0714"));
    }

    #[test]
    fn every_kind_has_a_status_that_is_a_no() {
        for code in codes::all() {
            let status = Code::from_i32(code.kind.grpc());
            assert!(!matches!(status, Code::Ok | Code::Unknown), "{}: {status:?}", code.id);
        }
    }

    #[test]
    fn long_messages_are_cut_between_characters() {
        let status = no("NL0999", &"ä".repeat(5000), None);
        assert!(status.message().len() < MESSAGE_LIMIT + 4 && status.message().ends_with("ä…"));
    }

    #[test]
    fn what_could_not_be_read_is_a_fault_of_the_request() {
        let status = of_unread(Status::internal("failed to decode"));
        assert_eq!(status.code(), Code::InvalidArgument);
        assert_eq!(code_of(&status).as_deref(), Some("NL0703"));
        assert_eq!(of_unread(Status::unimplemented("")).code(), Code::Unimplemented);
        assert_eq!(of_unread(no("NL0102", "no", None)).code(), Code::NotFound);
    }
}
