//! What a request carries: small JSON, whole within a time, of exactly the fields that its address knows.

use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::time::Duration;

use actix_web::http::header;
use actix_web::{FromRequest, HttpMessage, HttpRequest, dev, web};
use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{DeserializeOwned, Deserializer, MapAccess, Visitor};

use super::audit::Subject;
use super::problem::Problem;
use crate::crypt::{Digest, digest_of};

/// From the end of the headers to the end of the body.
const TIME_LIMIT: Duration = Duration::from_secs(15);

/// A body that was read, and what tells it from others.
pub struct Sent<T> {
    pub value: T,
    pub fingerprint: Digest,
}

/// A request that says nothing more than its address.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Empty {}

impl<T: DeserializeOwned + 'static> FromRequest for Sent<T> {
    type Error = Problem;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Problem>>>>;

    fn from_request(request: &HttpRequest, payload: &mut dev::Payload) -> Self::Future {
        let typed = content_type(request);
        let request = request.clone();
        let bytes = web::Bytes::from_request(&request, payload);
        Box::pin(async move {
            let read = tokio::time::timeout(TIME_LIMIT, bytes).await;
            let bytes = read.map_err(|_| Problem::slow_body(TIME_LIMIT))?;
            let bytes = bytes.map_err(|e| Problem::of_body(&e))?;
            // A body that says nothing needs no type.
            if !bytes.is_empty() {
                typed?;
            }
            let text: &[u8] = if bytes.is_empty() { b"{}" } else { &bytes };
            // Recursion is limited by serde_json, and of a key that comes twice our types take none.
            let Object(value) =
                serde_json::from_slice(text).map_err(|e| Problem::malformed(format!("the body: {e}")))?;
            // Of bodies that are understood every field is known, and none of them is a secret.
            let said = String::from_utf8_lossy(text).into_owned();
            request.extensions_mut().insert(Subject(said));
            Ok(Self {
                value,
                fingerprint: digest_of(text),
            })
        })
    }
}

/// A value whose fields come by their names: what is derived would also take them from an array, by their places. The fields of
/// requests are single values and lists of them, so that there is nothing below that would have to be asked for in the same way.
struct Object<T>(T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Fields(PhantomData)).map(Self)
    }
}

struct Fields<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for Fields<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, fields: A) -> Result<T, A::Error> {
        T::deserialize(MapAccessDeserializer::new(fields))
    }
}

fn content_type(request: &HttpRequest) -> Result<(), Problem> {
    let sent = request.headers().get(header::CONTENT_TYPE);
    let essence = sent.and_then(|value| value.to_str().ok()?.split(';').next());
    match essence.map(str::trim) {
        Some(essence) if essence.eq_ignore_ascii_case("application/json") => Ok(()),
        _ => Err(Problem::no_json()),
    }
}
