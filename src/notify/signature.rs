//! Signatures of webhooks as Standard Webhooks 1.0 has them: HMAC-SHA256 over id, time and body with a shared secret.

use base64ct::{Base64, Encoding};

use crate::crypt::{self, Secret};

const PREFIX: &str = "whsec_";
/// What the standard asks for.
const LENGTHS: std::ops::RangeInclusive<usize> = 24..=64;

/// The secrets that sign; more than one while they are changed.
#[derive(Debug, Clone)]
pub struct SigningSecrets(Vec<Secret>);

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SecretError {
    #[error("there is no secret in it; make one with `echo whsec_$(head -c 32 /dev/urandom | base64)`")]
    None,
    /// What was found is not repeated.
    #[error(
        "line {0} is not a secret: expected `whsec_` and 24 to 64 bytes in Base64, as `echo whsec_$(head -c 32 /dev/urandom | base64)` makes it"
    )]
    Form(usize),
}

impl SigningSecrets {
    /// One a line.
    pub fn read(text: &Secret) -> Result<Self, SecretError> {
        let lines = text.expose().split(|byte| *byte == b'\n').enumerate();
        let secrets: Result<Vec<Secret>, SecretError> = lines
            .map(|(at, line)| (at + 1, line.trim_ascii()))
            .filter(|(_, line)| !line.is_empty())
            .map(|(at, line)| secret(line).ok_or(SecretError::Form(at)))
            .collect();
        match secrets? {
            none if none.is_empty() => Err(SecretError::None),
            secrets => Ok(Self(secrets)),
        }
    }

    /// The value of `webhook-signature`: one signature for each secret, so that who has any of them can check.
    pub fn sign(&self, id: &str, seconds: i64, body: &str) -> String {
        let seconds = seconds.to_string();
        let parts = [id, ".", &seconds, ".", body].map(str::as_bytes);
        let signed = self.0.iter().map(|secret| {
            let tag = crypt::hmac_sha256(secret, &parts);
            format!("v1,{}", Base64::encode_string(&tag))
        });
        signed.collect::<Vec<_>>().join(" ")
    }
}

fn secret(line: &[u8]) -> Option<Secret> {
    let encoded = std::str::from_utf8(line).ok()?.strip_prefix(PREFIX)?;
    let bytes = Secret::new(Base64::decode_vec(encoded).ok()?);
    LENGTHS.contains(&bytes.expose().len()).then_some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<SigningSecrets, SecretError> {
        SigningSecrets::read(&Secret::from(text.to_owned()))
    }

    /// The example of the libraries at standard-webhooks.
    #[test]
    fn the_example_of_the_standard() {
        let secrets = read("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n").unwrap();
        let body = r#"{"test": 2432232314}"#;
        let id = "msg_p5jXN8AQM9LWM0D4loKWxJek";
        assert_eq!(
            secrets.sign(id, 1614265330, body),
            "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
        );
    }

    #[test]
    fn while_a_secret_is_changed_both_sign() {
        let (old, new) = (
            "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
            "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD",
        );
        let both = read(&format!("{new}\n\n{old}")).unwrap().sign("a", 1, "b");
        let each = [new, old].map(|one| read(one).unwrap().sign("a", 1, "b"));
        assert_eq!(both, each.join(" "));
    }

    #[test]
    fn what_is_no_secret_is_refused_and_not_repeated() {
        for wrong in ["", " \n", "whsec_", "whsec_c2hvcnQ=", "hunter2", "whsec_!!!!"] {
            let error = read(wrong).unwrap_err().to_string();
            assert!(!error.contains("hunter2") && !error.contains("c2hvcnQ"), "{error}");
        }
        assert_eq!(
            read("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\nx").unwrap_err(),
            SecretError::Form(2)
        );
    }
}
