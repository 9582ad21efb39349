//! What comes before each call: who asks and what that one may, how long and how large a message may be, and the audit's rows.

use std::convert::Infallible;
use std::future::Future;
use std::net::{IpAddr, Ipv4Addr};
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};
use std::time::Duration;

use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use tonic::body::Body;
use tonic::codegen::Service;
use tonic::codegen::http::{HeaderMap, Request, Response, header};
use tonic::metadata::MetadataValue;
use tonic::server::NamedService;
use tonic::{Code, Status};

use super::status;
use super::verbs::blocking;
use super::wire::Other;
use crate::app::Act;
use crate::clock;
use crate::relay;
use crate::serving::{
    self, Access, Answered, Asking, Credential, End, Identity, Peer, Refusal, RequestId, Said, Server, say_request,
};
use crate::store::Role;

/// Longest message, in bytes, with its frame; all that is sent here is a few short fields.
const MESSAGE_LIMIT: usize = 64 << 10;
/// From the head of a request to the end of its message.
const TIME_LIMIT: Duration = Duration::from_secs(15);

/// The calls, with the least role that each asks for.
const CALLS: [(&str, Role); 8] = [
    ("GetVersionInfo", Role::Viewer),
    ("CheckForUpdates", Role::Viewer),
    ("ValidateUpgrade", Role::Viewer),
    ("TriggerUpgrade", Role::Operator),
    ("GetUpgradeStatus", Role::Viewer),
    ("WatchUpgradeStatus", Role::Viewer),
    ("RollbackUpgrade", Role::Operator),
    ("GetUpgradeHistory", Role::Viewer),
];

/// A call that was made, as far as its head says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Call {
    name: &'static str,
    least: Role,
}

impl Call {
    fn at(path: &str) -> Option<Self> {
        let name = path.rsplit('/').next()?;
        let found = CALLS.iter().find(|(known, _)| *known == name);
        found.map(|(name, least)| Self { name, least: *least })
    }

    /// Who may only look changes nothing.
    fn changes(self) -> bool {
        self.least > Role::Viewer
    }

    fn action(self) -> String {
        format!("gRPC {}", self.name)
    }
}

/// What a call was about, in its own words, once it was understood; for the row that says what came of it.
#[derive(Debug, Default)]
pub struct Heard(OnceLock<String>);

impl Heard {
    pub fn note(&self, subject: String) {
        let _already = self.0.set(subject);
    }
}

/// A service behind its guard.
#[derive(Clone)]
pub struct Guard<S> {
    inner: S,
    server: Arc<Server>,
}

impl<S> Guard<S> {
    pub fn before(inner: S, server: Arc<Server>) -> Self {
        Self { inner, server }
    }
}

impl<S: NamedService> NamedService for Guard<S> {
    const NAME: &'static str = S::NAME;
}

type Answer = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

impl<S> Service<Request<Body>> for Guard<S>
where
    S: Answers + Clone + Send + 'static,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Answer;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Answer {
        let (inner, server) = (self.inner.clone(), Arc::clone(&self.server));
        Box::pin(async move {
            let answered = match Call::at(request.uri().path()) {
                Some(call) if call.changes() => to_its_end(guarded(inner, server, call, request)).await,
                Some(call) => guarded(inner, server, call, request).await,
                None => Ok(inner.answer(request).await),
            };
            Ok(answered.unwrap_or_else(Status::into_http))
        })
    }
}

/// A generated service: always ready, and its answers are never errors of the transport.
trait Answers {
    fn answer(self, request: Request<Body>) -> impl Future<Output = Response<Body>> + Send;
}

impl<S> Answers for S
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible> + Send,
    S::Future: Send,
{
    async fn answer(mut self, request: Request<Body>) -> Response<Body> {
        match self.call(request).await {
            Ok(response) => response,
            Err(never) => match never {},
        }
    }
}

/// Also when whoever called has gone: what comes of a change is written down whoever still wants to hear it.
async fn to_its_end(
    call: impl Future<Output = Result<Response<Body>, Status>> + Send + 'static,
) -> Result<Response<Body>, Status> {
    let ended = tokio::spawn(call).await;
    ended.unwrap_or_else(|e| Err(status::no("NL0999", &e.to_string(), None)))
}

/// Answers a call, and has the log say so as it does of requests over REST.
async fn guarded<S: Answers + Send>(
    inner: S,
    server: Arc<Server>,
    call: Call,
    request: Request<Body>,
) -> Result<Response<Body>, Status> {
    let began = clock::monotonic();
    let peer = request.extensions().get::<Peer>();
    let from = peer.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), Peer::address);
    let shown = match peer {
        Some(Peer::Behind { certificate, .. }) => certificate.as_deref(),
        _ => request.extensions().get::<Other>().and_then(Other::client),
    };
    let sender = server.access.admit(credential(request.headers(), peer), from);
    let sender = sender.map(|identity| identity.showing(shown));
    let id = request.headers().get("x-request-id");
    let id = RequestId::of(id.and_then(|sent| sent.to_str().ok()));
    let who = sender
        .as_ref()
        .map_or_else(|_| "nobody".to_owned(), |identity| identity.who.clone());
    let asking = Asking {
        id: id.clone(),
        action: call.action(),
        from,
    };
    let answer = answered(inner, &server, (call, asking), sender, request).await;
    let code = outcome(&answer);
    let how = match code {
        Code::Internal | Code::Unknown => Answered::Badly,
        _ if call.changes() => Answered::Changing,
        _ => Answered::Looking,
    };
    if how.is_said() {
        say_request(&id, (how, i32::from(code)), &call.action(), &who, began.elapsed());
    }
    answer
}

async fn answered<S: Answers + Send>(
    inner: S,
    server: &Arc<Server>,
    (call, asking): (Call, Asking),
    sender: Result<Identity, Refusal>,
    request: Request<Body>,
) -> Result<Response<Body>, Status> {
    let act = match call.changes() {
        true => asked(server, sender.clone(), asking).await?,
        false => None,
    };
    let heard = Arc::new(Heard::default());
    let allowed = sender.and_then(|identity| identity.may(call.least).map(|()| identity));
    let answer = match allowed {
        Ok(identity) => passed_on(inner, request, identity, &heard).await,
        Err(refusal) => Err(status::of_refusal(&refusal)),
    };
    if let Some(act) = act {
        let failed = failure(&answer);
        let (server, subject) = (Arc::clone(server), heard.0.get().cloned().unwrap_or_default());
        let written = tokio::task::spawn_blocking(move || serving::became(&server.work, act, &subject, failed));
        let _ = written.await;
    }
    answer
}

async fn asked(server: &Arc<Server>, sender: Result<Identity, Refusal>, asking: Asking) -> Result<Option<Act>, Status> {
    let server = Arc::clone(server);
    let asked = blocking(move || Ok(serving::asked((&server.work, &server.access), sender, asking)));
    asked.await?.map_err(|refusal| status::of_refusal(&refusal))
}

async fn passed_on<S: Answers>(
    inner: S,
    request: Request<Body>,
    identity: Identity,
    heard: &Arc<Heard>,
) -> Result<Response<Body>, Status> {
    let (mut head, body) = request.into_parts();
    let body = whole(body).await?;
    head.extensions.insert(identity);
    head.extensions.insert(Arc::clone(heard));
    let answer = inner.answer(Request::from_parts(head, body)).await;
    let refused = Status::from_header_map(answer.headers()).filter(|_| heard.0.get().is_none());
    refused.map_or(Ok(answer), |refused| Err(status::of_unread(refused)))
}

/// The message has come, and is no longer than it may be.
async fn whole(body: Body) -> Result<Body, Status> {
    let read = tokio::time::timeout(TIME_LIMIT, Limited::new(body, MESSAGE_LIMIT).collect());
    match read.await {
        Ok(Ok(collected)) => Ok(Body::new(Full::new(collected.to_bytes()))),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(status::too_long(MESSAGE_LIMIT)),
        Ok(Err(error)) => Err(status::of_refusal(&Refusal::Malformed(format!("the message: {error}")))),
        Err(_) => Err(status::too_slow(TIME_LIMIT)),
    }
}

fn outcome(answer: &Result<Response<Body>, Status>) -> Code {
    match answer {
        Err(refused) => refused.code(),
        // Where there is no status yet the answer goes on.
        Ok(answer) => Status::from_header_map(answer.headers()).map_or(Code::Ok, |status| status.code()),
    }
}

/// The code of a no.
fn failure(answer: &Result<Response<Body>, Status>) -> Option<String> {
    let said = |refused: &Status| {
        let own = || format!("{:?}", refused.code());
        status::code_of(refused).unwrap_or_else(own)
    };
    match answer {
        Err(refused) => Some(said(refused)),
        Ok(answer) => Status::from_header_map(answer.headers()).as_ref().map(said),
    }
}

/// Before every call, whatever it is for: who has connected, or whom the relay passes on.
pub fn known(access: &Access, mut request: tonic::Request<()>) -> Result<tonic::Request<()>, Status> {
    let nowhere = End::Network(Ipv4Addr::UNSPECIFIED.into());
    let end = request.extensions().get::<Other>().map_or(nowhere, |other| other.end);
    let said = |name| {
        let values = request.metadata().get_all(name).iter();
        values.map(MetadataValue::as_encoded_bytes).collect()
    };
    let said = Said {
        from: said(relay::FROM),
        certificate: said(relay::CERTIFICATE),
    };
    let peer = access.peer(end, &said).map_err(|no| status::of_unbelieved(&no))?;
    request.extensions_mut().insert(peer);
    Ok(request)
}

fn credential<'a>(head: &'a HeaderMap, peer: Option<&Peer>) -> Credential<'a> {
    let Some(sent) = head.get(header::AUTHORIZATION) else {
        return match peer {
            Some(Peer::User(user)) => Credential::Peer(*user),
            _ => Credential::Nothing,
        };
    };
    let text = sent.to_str().ok().and_then(|text| text.split_once(' '));
    match text {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => Credential::Token(token.trim()),
        _ => Credential::NoToken,
    }
}

#[cfg(test)]
mod tests {
    use tonic::codegen::http::HeaderValue;

    use super::*;
    use crate::grpc::pb::upgrade_service_server::SERVICE_NAME;

    #[test]
    fn every_call_of_the_service_is_known_and_no_other() {
        use prost::Message;
        let set = prost_types::FileDescriptorSet::decode(crate::grpc::pb::DESCRIPTION).unwrap();
        let services = set.file.iter().flat_map(|file| &file.service);
        let named: Vec<&str> = services
            .flat_map(|service| &service.method)
            .map(prost_types::MethodDescriptorProto::name)
            .collect();
        assert_eq!(named, CALLS.map(|(name, _)| name));
        for name in named {
            assert_eq!(Call::at(&format!("/{SERVICE_NAME}/{name}")).unwrap().name, name);
        }
        assert_eq!(Call::at(&format!("/{SERVICE_NAME}/Nothing")), None);
    }

    #[test]
    fn a_token_is_read_in_any_case_of_its_scheme() {
        let read = |text: &'static str| {
            let mut head = HeaderMap::new();
            head.insert(header::AUTHORIZATION, HeaderValue::from_static(text));
            format!("{:?}", credential(&head, Some(&Peer::User(7))))
        };
        assert_eq!(read("bearer nlk_1"), "Token(\"nlk_1\")");
        assert_eq!(read("Bearer  nlk_1 "), "Token(\"nlk_1\")");
        assert_eq!(read("Basic bmV0"), "NoToken");
        assert_eq!(read("nlk_1"), "NoToken");
        let nothing = |peer: Peer| format!("{:?}", credential(&HeaderMap::new(), Some(&peer)));
        assert_eq!(nothing(Peer::User(7)), "Peer(7)");
        let from = Ipv4Addr::LOCALHOST.into();
        let behind = Peer::Behind {
            from,
            certificate: None,
        };
        assert_eq!([nothing(Peer::Network(from)), nothing(behind)], ["Nothing", "Nothing"]);
    }
}
