//! The audit's rows of requests: every changing one leaves a row before and one after. Only what comes from somebody who is let in is
//! written down beforehand; of wrong tokens only that there was one.

use std::net::IpAddr;

use super::access::{Access, Identity};
use super::refusal::Refusal;
use super::request_id::RequestId;
use super::say::say;
use super::work::Work;
use crate::app::{self, Act, Became};

/// A request that changes something.
#[derive(Debug, Clone)]
pub struct Asking {
    pub id: RequestId,
    /// In the words of its door.
    pub action: String,
    pub from: IpAddr,
}

/// The row before; none when the sender is not known, who will be told so. When it cannot be written, nothing is to be done.
pub fn asked(
    (work, access): (&Work, &Access),
    sender: Result<Identity, Refusal>,
    asking: Asking,
) -> Result<Option<Act>, Refusal> {
    let identity = match sender {
        Ok(identity) => identity,
        Err(Refusal::WrongToken(_)) => {
            let act = act(Identity::unknown(asking.from), asking);
            write(work, &act, &Became::Failed("NL0701".into()))?;
            return Ok(None);
        }
        Err(_) => return Ok(None),
    };
    access.count_change(&identity)?;
    let act = act(identity, asking);
    write(work, &act, &Became::Asked)?;
    Ok(Some(act))
}

/// The row after. What was done is done: when it cannot be written down, the server's log says so.
pub fn became(work: &Work, act: Act, subject: &str, failed: Option<String>) {
    let subject = format!("{} {subject}", act.subject).trim_end().to_owned();
    let act = Act { subject, ..act };
    let became = failed.map_or(Became::Done, Became::Failed);
    if let Err(refusal) = write(work, &act, &became) {
        say(&format!("the audit: {refusal}"));
    }
}

fn write(work: &Work, act: &Act, became: &Became) -> Result<(), Refusal> {
    app::audit(&work.open()?, act, became)?;
    work.copy_checkpoint_soon();
    Ok(())
}

fn act(identity: Identity, asking: Asking) -> Act {
    Act {
        who: identity.who,
        origin: identity.from,
        action: asking.action,
        subject: format!("[{}]", asking.id),
    }
}
