//! The webhook channel: an HTTP address of the footprint's own, told that an alert waits. Ids only, nothing personal.

use super::{Deliver, NotDelivered};
use crate::{net::Network, store::Committed};
use async_trait::async_trait;
use http_body_util::Full;
use hyper::{Request, body::Bytes, client::conn::http1, header};
use hyper_util::rt::TokioIo;
use rules::Job;
use serde::Serialize;
use std::{fmt, sync::Arc, time::Duration};
use thiserror::Error;
use vitals::wire::v1::{Urgency, moment};

/// Longest one attempt may take.
const ATTEMPT_MAX: Duration = Duration::from_secs(10);

/// Where to post: `http://host:port/path`. TLS comes with the listener's.
#[derive(Clone, PartialEq, Eq)]
pub struct WebhookAddress {
    host: String,
    port: u16,
    path: String,
}

/// The address may hold a token in its path, so it is not shown.
impl fmt::Debug for WebhookAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "WebhookAddress({}:{})", self.host, self.port)
    }
}

/// A text is not an address we can post to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("read a webhook address: want http://HOST:PORT/PATH")]
pub struct WebhookAddressError;

impl WebhookAddress {
    /// Reads an address.
    ///
    /// # Errors
    /// [`WebhookAddressError`] for anything but `http://HOST:PORT/PATH`.
    pub fn parse(text: &str) -> Result<Self, WebhookAddressError> {
        let uri: hyper::Uri = text.parse().map_err(|_cause| WebhookAddressError)?;
        let host = uri.host().map(str::to_owned);
        match (uri.scheme_str(), host, uri.port_u16()) {
            (Some("http"), Some(host), Some(port)) => {
                Ok(Self { host, port, path: uri.path_and_query().map_or_else(|| "/".to_owned(), ToString::to_string) })
            }
            _ => Err(WebhookAddressError),
        }
    }
}

/// What is posted.
#[derive(Serialize)]
struct Message<'a> {
    /// The notification: the same on every attempt, so that the other side can tell a repeat.
    id: String,
    kind: &'a str,
    alert: String,
    urgency: Urgency,
    why: &'a str,
    made_at: String,
}

/// Posts each notification to an address.
pub struct Webhook {
    /// Where to.
    pub address: WebhookAddress,
    /// How to get there.
    pub network: Arc<dyn Network>,
}

#[async_trait]
impl Deliver for Webhook {
    async fn deliver(&self, job: &Committed<Job>, urgency: Urgency) -> Result<(), NotDelivered> {
        let late = |_elapsed| NotDelivered(format!("no answer within {} seconds", ATTEMPT_MAX.as_secs()));
        tokio::time::timeout(ATTEMPT_MAX, self.post(job.get(), urgency)).await.map_err(late)?
    }
}

impl Webhook {
    async fn post(&self, job: &Job, urgency: Urgency) -> Result<(), NotDelivered> {
        let failed = |what: &str| NotDelivered(what.to_owned());
        let message = Message {
            id: job.id.to_string(),
            kind: "alert_waits",
            alert: job.alert.to_string(),
            urgency,
            why: job.why.name(),
            made_at: moment(job.made_at),
        };
        let body = serde_json::to_vec(&message).map_err(|_cause| failed("the message could not be written"))?;
        let WebhookAddress { host, port, path } = &self.address;
        let stream = self.network.connect(host, *port).await.map_err(|_cause| failed("could not connect"))?;
        let (mut sender, connection) =
            http1::handshake(TokioIo::new(stream)).await.map_err(|_cause| failed("could not connect"))?;
        let request = Request::post(path)
            .header(header::HOST, format!("{host}:{port}"))
            .header(header::CONTENT_TYPE, "application/json")
            .body(Full::new(Bytes::from(body)))
            .map_err(|_cause| failed("the request could not be written"))?;
        // The connection must be polled for the answer to come; both end here, whatever happens. One that closes after its
        // answer may end in the same moment as the answer comes, so its end alone says nothing.
        let mut answer = std::pin::pin!(sender.send_request(request));
        let answer = tokio::select! {
            answer = &mut answer => answer,
            _ended = connection => answer.await,
        };
        let answer = answer.map_err(|_cause| failed("the connection broke"))?;
        if answer.status().is_success() {
            Ok(())
        } else {
            Err(NotDelivered(format!("the answer was {}", answer.status().as_u16())))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_plain_http_address_with_a_port_is_taken() {
        assert!(WebhookAddress::parse("http://127.0.0.1:8099/hook?x=1").is_ok());
        for text in ["", "127.0.0.1:80", "https://example.org:443/", "http://example.org/", "ftp://a:1/"] {
            assert_eq!(WebhookAddress::parse(text), Err(WebhookAddressError), "{text}");
        }
    }
}
