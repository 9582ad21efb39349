//! The audit's rows of requests: every changing one leaves a row before and one after. Only what comes from somebody who is let in is
//! written down beforehand; of wrong tokens only that there was one.

use std::net::IpAddr;

use super::access::{Access, Identity};
use super::refusal::Refusal;
use super::say::say;
use super::work::Work;
use crate::app::{self, Act, Became};

/// The row before `action`; none when the sender is not known, who will be told so. When it cannot be written, nothing is to be done.
pub fn asked(
    (work, access): (&Work, &Access),
    sender: Result<Identity, Refusal>,
    action: String,
    from: IpAddr,
) -> Result<Option<Act>, Refusal> {
    let identity = match sender {
        Ok(identity) => identity,
        Err(Refusal::WrongToken(_)) => {
            let act = act(Identity::unknown(from), action);
            write(work, &act, &Became::Failed("NL0701".into()))?;
            return Ok(None);
        }
        Err(_) => return Ok(None),
    };
    access.count_change(&identity)?;
    let act = act(identity, action);
    write(work, &act, &Became::Asked)?;
    Ok(Some(act))
}

/// The row after. What was done is done: when it cannot be written down, the server's log says so.
pub fn became(work: &Work, act: Act, subject: String, failed: Option<String>) {
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

fn act(identity: Identity, action: String) -> Act {
    Act {
        who: identity.who,
        origin: identity.from,
        action,
        subject: String::new(),
    }
}
