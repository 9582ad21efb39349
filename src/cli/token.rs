//! `netlink token …`

use super::args::{Global, TokenVerb};
use super::asked::asked;
use super::output::{Result, dim, green, harmless, red, result, say, yellow};
use crate::clock;
use crate::store::TokenRecord;

pub fn run(global: &Global, verb: &TokenVerb) -> Result<()> {
    let asked = asked(global)?;
    match verb {
        TokenVerb::Create { name, role, expires } => {
            let made = asked.create_token(name, *role, expires.as_deref())?;
            say("keep it now: it is shown this once, and kept nowhere");
            result(global, &made, |made| made.token.clone())
        }
        TokenVerb::List => {
            let tokens = asked.tokens()?;
            result(global, &tokens, |tokens| match tokens.is_empty() {
                true => "no token yet; `netlink serve` makes the first one".into(),
                false => tokens.iter().map(line).collect::<Vec<_>>().join("\n"),
            })
        }
        TokenVerb::Revoke { prefix } => {
            let revoked = asked.revoke_token(prefix)?;
            result(global, &revoked, |revoked| {
                format!("{} {} ({})", green("revoked"), revoked.prefix, harmless(&revoked.name))
            })
        }
    }
}

fn line(token: &TokenRecord) -> String {
    let state = match (token.revoked_at, token.expires_at) {
        (Some(at), _) => red(&format!("revoked {at:.0}")),
        (None, Some(at)) if at <= clock::now() => red(&format!("expired {at:.0}")),
        (None, Some(at)) => yellow(&format!("until {at:.0}")),
        (None, None) => "does not expire".into(),
    };
    let used = token
        .last_used_at
        .map_or("never used".to_owned(), |at| format!("last used {at:.0}"));
    format!(
        "{}  {:<8}  {}  {state}  {}",
        token.prefix,
        token.role,
        harmless(&token.name),
        dim(&used)
    )
}
