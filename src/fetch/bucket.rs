//! Files of object stores that speak S3. The library finds the machine's credentials and makes a signed URL; the bytes come
//! by the same way as from any web server, with all its limits.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use http_body_util::BodyExt;
use object_store::aws::{AmazonS3, AmazonS3Builder};
use object_store::client::{
    HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpResponse, HttpService,
};
use object_store::path::Path;
use object_store::signer::{Method, Signer};
use object_store::{ClientOptions, RetryConfig};

use super::http::{Address, agent};
use super::{FetchError, Network};

/// Answers with credentials are at most this long.
const CREDENTIALS_LIMIT: u64 = 64 * 1024;
/// Until the machine's credentials are there, all tries together.
const CREDENTIALS_TIME: Duration = Duration::from_secs(20);
/// No signature is good for longer.
const LONGEST: Duration = Duration::from_secs(7 * 24 * 3600);

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Object {
    pub bucket: String,
    pub key: String,
}

impl Object {
    /// A URL that is good for as long as the file may take. Credentials, region and endpoint are those of the `AWS_` variables
    /// of the environment, else of the machine that this runs on.
    pub fn address(&self, network: &Network) -> Result<Address, FetchError> {
        let shown = format!("s3://{}/{}", self.bucket, self.key);
        let no = |reason: String| FetchError::Store {
            url: shown.clone(),
            reason,
        };
        let limits = &network.limits;
        let good_for = limits.whole.max(limits.whole_from_store) + CREDENTIALS_TIME;
        let wire = Wire {
            network: network.clone(),
            limit: CREDENTIALS_LIMIT,
            time: CREDENTIALS_TIME / 2,
        };
        let store = store(&self.bucket, wire, CREDENTIALS_TIME).map_err(|e| no(e.to_string()))?;
        let key = Path::parse(&self.key).map_err(|e| no(e.to_string()))?;
        let signing = store.signed_url(Method::GET, &key, good_for.min(LONGEST));
        // The library is asynchronous; nothing else here is, so it has a runtime of its own and for this alone.
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
        let url = runtime.map_err(|e| no(e.to_string()))?.block_on(signing);
        Ok(Address {
            url: url.map_err(|e| no(e.to_string()))?.into(),
            shown,
            is_store: true,
        })
    }
}

/// The bucket, with the credentials, region and endpoint of the environment, else of the machine that this runs on.
pub(super) fn store(bucket: &str, wire: Wire, retry_for: Duration) -> object_store::Result<AmazonS3> {
    let retry = RetryConfig {
        max_retries: 1,
        retry_timeout: retry_for,
        ..RetryConfig::default()
    };
    AmazonS3Builder::from_env()
        .with_bucket_name(bucket)
        .with_http_connector(wire)
        .with_retry(retry)
        .build()
}

/// Sends the library's requests by the client that everything else is fetched with, so that there is one for TLS, proxies and
/// limits.
#[derive(Debug, Clone)]
pub(super) struct Wire {
    pub network: Network,
    /// The most that an answer may have.
    pub limit: u64,
    /// For one request.
    pub time: Duration,
}

impl HttpConnector for Wire {
    fn connect(&self, _: &ClientOptions) -> object_store::Result<HttpClient> {
        Ok(HttpClient::new(self.clone()))
    }
}

type Answering<'a> = Pin<Box<dyn Future<Output = Result<HttpResponse, HttpError>> + Send + 'a>>;

impl HttpService for Wire {
    fn call<'a, 'b>(&'a self, request: HttpRequest) -> Answering<'b>
    where
        'a: 'b,
        Self: 'b,
    {
        Box::pin(async {
            let (head, body) = request.into_parts();
            let body = body.collect().await?.to_bytes();
            self.answer(ureq::http::Request::from_parts(head, body.to_vec()))
        })
    }
}

impl Wire {
    fn answer(&self, request: ureq::http::Request<Vec<u8>>) -> Result<HttpResponse, HttpError> {
        let url = request.uri().to_string();
        let address = Address {
            shown: url.clone(),
            url,
            is_store: false,
        };
        let agent = agent(&address, &self.network).map_err(|e| HttpError::new(HttpErrorKind::Connect, e))?;
        let request = agent.configure_request(request).timeout_global(Some(self.time)).build();
        let failed = |e| HttpError::new(HttpErrorKind::Request, e);
        let (head, mut body) = agent.run(request).map_err(failed)?.into_parts();
        let content = body.with_config().limit(self.limit).read_to_vec().map_err(failed)?;
        Ok(HttpResponse::from_parts(head, content.into()))
    }
}
