//! Puts one signed request on the network and brings back the answer, within limits of time and size.

use crate::{
    clock::Clock,
    config::Server,
    net::{ByteStream, Network},
    tls::{NotTrusted, Pins, Tls},
};
use http_body_util::{BodyExt, Full, Limited};
use hyper::{
    Method, Request, Uri,
    body::Bytes,
    header::{CONTENT_ENCODING, CONTENT_TYPE, RETRY_AFTER},
    rt::ReadBufCursor,
};
use hyper_util::{
    client::legacy::{
        Client,
        connect::{Connected, Connection},
    },
    rt::{TokioExecutor, TokioIo, TokioTimer},
};
use std::{
    future::Future,
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};
use thiserror::Error;

/// Longest wait for a connection: two lost packets on a mobile line.
pub const CONNECT_WITHIN: Duration = Duration::from_secs(10);

/// Longest wait for the whole answer: a full batch over a slow mobile line, and the service's own limit beyond that.
pub const ANSWER_WITHIN: Duration = Duration::from_secs(60);

/// Largest answer in bytes: a receipt line for each of 1000 readings with all it may hold.
pub const ANSWER_BYTES_MAX: usize = 4 * 1024 * 1024;

/// How long an idle connection is kept: shorter than any server closes it, so that a request seldom meets a closing one.
const IDLE_FOR: Duration = Duration::from_secs(4);

/// The one content type sent.
pub(super) const JSON: &str = "application/json";

/// Why there is no answer. Whether the service got the request is not known.
#[derive(Debug, Error)]
pub enum NoAnswer {
    /// The service is not known by what it showed. Nothing was sent.
    #[error(transparent)]
    NotTrusted(NotTrusted),
    /// TLS could not be set up with these settings.
    #[error("set up TLS to the service")]
    Tls(#[source] io::Error),
    /// No connection came about.
    #[error("connect to the service")]
    Connect(#[source] hyper_util::client::legacy::Error),
    /// The connection broke.
    #[error("read the service's answer")]
    Broken(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The answer took longer than [`ANSWER_WITHIN`].
    #[error("wait for the service's answer: more than {} s", ANSWER_WITHIN.as_secs())]
    TimeLimit,
    /// The answer is larger than [`ANSWER_BYTES_MAX`].
    #[error("read the service's answer: it has more than {ANSWER_BYTES_MAX} bytes")]
    TooLarge,
    /// A header holds what no header may; cannot happen with ours.
    #[error("write the request")]
    Request(#[source] hyper::http::Error),
}

impl NoAnswer {
    /// A stable word for events.
    pub(super) fn why(&self) -> &'static str {
        match self {
            Self::NotTrusted(why) => why.why(),
            Self::Tls(_) => "tls",
            Self::Connect(_) => "connect",
            Self::Broken(_) | Self::Request(_) => "broken",
            Self::TimeLimit => "time_limit",
            Self::TooLarge => "answer_too_large",
        }
    }
}

/// A request, its headers already signed.
pub(super) struct Outgoing<'a> {
    pub(super) path: &'a str,
    pub(super) content_encoding: &'a str,
    pub(super) content_digest: &'a str,
    pub(super) signature_input: &'a str,
    pub(super) signature: &'a str,
    pub(super) body: Bytes,
}

/// What the service answered.
pub(super) struct Answer {
    pub(super) status: u16,
    /// The Retry-After header, where it is a number of seconds.
    pub(super) retry_after: Option<Duration>,
    pub(super) body: Bytes,
}

/// The client: one connection at a time, kept while requests follow each other closely.
pub(super) struct Post {
    client: Client<Connector, Full<Bytes>>,
    server: Server,
    pins: Option<Arc<Pins>>,
}

impl Post {
    /// # Errors
    /// [`NoAnswer::Tls`] where the settings of TLS cannot be used.
    pub(super) fn new(network: Arc<dyn Network>, server: Server, clock: Arc<dyn Clock>) -> Result<Self, NoAnswer> {
        let tls = Tls::to(&server, clock).map_err(NoAnswer::Tls)?;
        let pins = tls.as_ref().and_then(Tls::pins).cloned();
        // A request is repeated by the client only if not one byte of it was written, so no request number goes out twice.
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE_FOR)
            .pool_max_idle_per_host(1)
            .build(Connector { network, tls });
        Ok(Self { client, server, pins })
    }

    /// The certificates by which the service is known, where it is by their fingerprints.
    pub(super) fn pins(&self) -> Option<&Arc<Pins>> {
        self.pins.as_ref()
    }

    pub(super) async fn post(&self, outgoing: Outgoing<'_>) -> Result<Answer, NoAnswer> {
        let request = Request::builder()
            .method(Method::POST)
            .uri(format!("{}{}", self.server, outgoing.path))
            .header(CONTENT_TYPE, JSON)
            .header(CONTENT_ENCODING, outgoing.content_encoding)
            .header("content-digest", outgoing.content_digest)
            .header("signature-input", outgoing.signature_input)
            .header("signature", outgoing.signature)
            .body(Full::new(outgoing.body))
            .map_err(NoAnswer::Request)?;
        tokio::time::timeout(ANSWER_WITHIN, self.answer(request)).await.map_err(|_elapsed| NoAnswer::TimeLimit)?
    }

    /// A request that is not signed in its headers: an enrolment, whose key is not known yet.
    pub(super) async fn post_plain(&self, path: &str, body: Bytes) -> Result<Answer, NoAnswer> {
        let request = Request::builder()
            .method(Method::POST)
            .uri(format!("{}{path}", self.server))
            .header(CONTENT_TYPE, JSON)
            .body(Full::new(body))
            .map_err(NoAnswer::Request)?;
        tokio::time::timeout(ANSWER_WITHIN, self.answer(request)).await.map_err(|_elapsed| NoAnswer::TimeLimit)?
    }

    async fn answer(&self, request: Request<Full<Bytes>>) -> Result<Answer, NoAnswer> {
        let response = self.client.request(request).await.map_err(|error| match NotTrusted::of(&error) {
            Some(why) => NoAnswer::NotTrusted(why),
            None if error.is_connect() => NoAnswer::Connect(error),
            None => NoAnswer::Broken(Box::new(error)),
        })?;
        let status = response.status().as_u16();
        let retry_after = response
            .headers()
            .get(RETRY_AFTER)
            .and_then(|value| value.to_str().ok())
            .and_then(|text| text.trim().parse().ok())
            .map(Duration::from_secs);
        let body = Limited::new(response.into_body(), ANSWER_BYTES_MAX).collect().await.map_err(|error| {
            if error.is::<http_body_util::LengthLimitError>() { NoAnswer::TooLarge } else { NoAnswer::Broken(error) }
        })?;
        Ok(Answer { status, retry_after, body: body.to_bytes() })
    }
}

/// The injected network as the HTTP client wants it.
#[derive(Clone)]
struct Connector {
    network: Arc<dyn Network>,
    tls: Option<Tls>,
}

impl tower_service::Service<Uri> for Connector {
    type Response = Stream;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Stream>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let Self { network, tls } = self.clone();
        Box::pin(async move {
            let host = uri.host().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
            let connecting = async {
                let stream = network.connect(host, uri.port_u16().unwrap_or(80)).await?;
                match &tls {
                    None => Ok(stream),
                    Some(tls) => tls.over(stream).await,
                }
            };
            let stream = tokio::time::timeout(CONNECT_WITHIN, connecting)
                .await
                .map_err(|_elapsed| io::ErrorKind::TimedOut)??;
            Ok(Stream(TokioIo::new(stream)))
        })
    }
}

/// A stream as the HTTP client wants it.
struct Stream(TokioIo<Box<dyn ByteStream>>);

impl Connection for Stream {
    fn connected(&self) -> Connected {
        Connected::new()
    }
}

impl hyper::rt::Read for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(context, buffer)
    }
}

impl hyper::rt::Write for Stream {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(context)
    }
}
