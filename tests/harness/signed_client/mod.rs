//! A small HTTP client that can be told to send what no proper client would: it writes the bytes itself.
//!
//! [`Call`] is a request as it goes over the wire, [`Seal`] its signature with every part open to tampering, and
//! [`TestHub`] does it properly.

mod seal;

pub use seal::{Seal, TestHub, batch};

use std::{
    fmt::Write as _,
    io::{self, Read, Write},
    net::{Shutdown, SocketAddr, TcpStream},
    thread,
    time::Duration,
};
use vitals::wire::{
    hello::HelloAnswer,
    v1::{Problem, Receipt},
};

/// Longest wait for an answer: far above any limit of the service's that the tests reach.
const ANSWER_WITHIN: Duration = Duration::from_secs(60);

/// How the body goes over the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Framing {
    /// Whole, with its length.
    Length,
    /// In chunks, without a length.
    Chunked,
    /// With its length, but only this many bytes of it.
    Cut(usize),
}

/// A request, as it goes over the wire.
#[derive(Debug, Clone)]
pub struct Call {
    /// The method.
    pub method: String,
    /// Path and query.
    pub target: String,
    /// The headers, in order; those of the connection and the framing come by themselves.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
    /// How the body is sent.
    pub framing: Framing,
}

impl Call {
    /// A request without headers and body.
    #[must_use]
    pub fn new(method: &str, target: &str) -> Self {
        Self {
            method: method.to_owned(),
            target: target.to_owned(),
            headers: Vec::new(),
            body: Vec::new(),
            framing: Framing::Length,
        }
    }

    /// With one more header.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// With another value in place of a header's, or with the header where it was not there.
    #[must_use]
    pub fn changed(self, name: &str, value: &str) -> Self {
        self.without(name).with(name, value)
    }

    /// Without a header.
    #[must_use]
    pub fn without(mut self, name: &str) -> Self {
        self.headers.retain(|(known, _)| !known.eq_ignore_ascii_case(name));
        self
    }

    /// With a body.
    #[must_use]
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    /// The value of a header.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// The bytes on the wire; equal calls are equal bytes.
    fn bytes(&self, address: SocketAddr) -> io::Result<Vec<u8>> {
        let mut head = format!("{} {} HTTP/1.1\r\nconnection: close\r\n", self.method, self.target);
        let mut line = |name: &str, value: &str| write!(head, "{name}: {value}\r\n").map_err(io::Error::other);
        if self.header("host").is_none() {
            line("host", &address.to_string())?;
        }
        for (name, value) in &self.headers {
            line(name, value)?;
        }
        match self.framing {
            Framing::Chunked => line("transfer-encoding", "chunked")?,
            Framing::Length | Framing::Cut(_) => line("content-length", &self.body.len().to_string())?,
        }
        let mut bytes = (head + "\r\n").into_bytes();
        match self.framing {
            Framing::Length => bytes.extend(&self.body),
            Framing::Cut(length) => bytes.extend(self.body.iter().take(length)),
            Framing::Chunked => {
                for chunk in self.body.chunks(16 * 1024) {
                    bytes.extend(format!("{:x}\r\n", chunk.len()).bytes());
                    bytes.extend(chunk);
                    bytes.extend(b"\r\n");
                }
                bytes.extend(b"0\r\n\r\n");
            }
        }
        Ok(bytes)
    }

    /// Sends it down a connection of its own and reads the answer.
    ///
    /// # Errors
    /// Where the connection breaks before there is an answer, or what comes is none.
    pub fn send(&self, address: SocketAddr) -> io::Result<Answer> {
        let mut stream = TcpStream::connect(address)?;
        stream.set_read_timeout(Some(ANSWER_WITHIN))?;
        let (bytes, mut sending) = (self.bytes(address)?, stream.try_clone()?);
        let is_cut = matches!(self.framing, Framing::Cut(_));
        let mut answer = Vec::new();
        let read = thread::scope(|scope| {
            // A service that refuses early closes while we still write; what counts is its answer.
            scope.spawn(move || {
                let written = sending.write_all(&bytes);
                if is_cut && written.is_ok() { sending.shutdown(Shutdown::Write) } else { written }
            });
            stream.read_to_end(&mut answer)
        });
        match Answer::parse(&answer) {
            Some(answer) => Ok(answer),
            None => Err(read.err().unwrap_or_else(|| io::Error::other("the connection was closed without an answer"))),
        }
    }
}

/// What came back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The headers, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: String,
}

impl Answer {
    fn parse(bytes: &[u8]) -> Option<Self> {
        let text = String::from_utf8_lossy(bytes);
        let (head, body) = text.split_once("\r\n\r\n")?;
        let mut lines = head.split("\r\n");
        let status = lines.next()?.strip_prefix("HTTP/1.1 ")?.split(' ').next()?.parse().ok()?;
        let header =
            |line: &str| line.split_once(':').map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()));
        Some(Self { status, headers: lines.filter_map(header).collect(), body: body.to_owned() })
    }

    /// The value of a header.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The body as a receipt.
    ///
    /// # Errors
    /// Where it is none; the answer is in the message.
    pub fn receipt(&self) -> Result<Receipt, String> {
        serde_json::from_str(&self.body).map_err(|error| format!("{error}: {self:?}"))
    }

    /// The body as the answer to a hello.
    ///
    /// # Errors
    /// Where it is none; the answer is in the message.
    pub fn hello(&self) -> Result<HelloAnswer, String> {
        serde_json::from_str(&self.body).map_err(|error| format!("{error}: {self:?}"))
    }

    /// The body as a problem.
    ///
    /// # Errors
    /// Where it is none; the answer is in the message.
    pub fn problem(&self) -> Result<Problem, String> {
        serde_json::from_str(&self.body).map_err(|error| format!("{error}: {self:?}"))
    }
}
