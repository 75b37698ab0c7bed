//! A proxy between hub and service that loses answers.
//!
//! It lets a request through, waits for the whole answer, and cuts the connection instead of delivering it. What it
//! swallowed and what it delivered can be read afterwards.

use crate::trouble::{Doing, Trouble};
use serde::de::DeserializeOwned;
use std::{
    io,
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
};
use tokio::{
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

/// Ends the head of an HTTP message.
const END_OF_HEAD: &[u8] = b"\r\n\r\n";

/// An answer of the service.
#[derive(Debug, Clone)]
pub struct Answer {
    /// Whether the hub got it.
    pub was_delivered: bool,
    bytes: Vec<u8>,
}

impl Answer {
    /// What its body says.
    ///
    /// # Errors
    /// [`Trouble`] where it is something else.
    pub fn body<T: DeserializeOwned>(&self) -> Result<T, Trouble> {
        let (_, body) = split(&self.bytes).ok_or_else(|| Trouble::new("read an answer", "it has no body"))?;
        serde_json::from_slice(body).doing("read an answer")
    }
}

/// The proxy. It ends when it is dropped.
pub struct CutProxy {
    address: SocketAddr,
    answers: Arc<Mutex<Vec<Answer>>>,
    task: JoinHandle<()>,
}

impl CutProxy {
    /// Listens on this machine and passes everything on to `to`, but for the first `cuts` answers. To be called within a
    /// runtime.
    ///
    /// # Errors
    /// [`Trouble`] where it cannot listen.
    pub async fn start(to: SocketAddr, cuts: usize) -> Result<Self, Trouble> {
        let listener = TcpListener::bind("127.0.0.1:0").await.doing("listen for the hub")?;
        let address = listener.local_addr().doing("listen for the hub")?;
        let answers: Arc<Mutex<Vec<Answer>>> = Arc::default();
        let kept = Arc::clone(&answers);
        let task = tokio::spawn(async move {
            while let Ok((hub, _)) = listener.accept().await {
                let kept = Arc::clone(&kept);
                // A connection that breaks is what this proxy is about.
                tokio::spawn(async move { drop(pass(&hub, to, cuts, &kept).await) });
            }
        });
        Ok(Self { address, answers, task })
    }

    /// Where the hub finds it.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Every answer so far, in order.
    #[must_use]
    pub fn answers(&self) -> Vec<Answer> {
        self.answers.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for CutProxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// One connection: request by request, until one side closes it or an answer is cut.
async fn pass(hub: &TcpStream, to: SocketAddr, cuts: usize, answers: &Mutex<Vec<Answer>>) -> io::Result<()> {
    let service = TcpStream::connect(to).await?;
    loop {
        write(&service, &read(hub).await?).await?;
        let bytes = read(&service).await?;
        let was_delivered = {
            let mut answers = answers.lock().unwrap_or_else(PoisonError::into_inner);
            let was_delivered = answers.len() >= cuts;
            answers.push(Answer { was_delivered, bytes: bytes.clone() });
            was_delivered
        };
        if !was_delivered {
            return Ok(());
        }
        write(hub, &bytes).await?;
    }
}

/// One whole HTTP message with a Content-Length.
async fn read(stream: &TcpStream) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    while !is_whole(&bytes) {
        stream.readable().await?;
        let mut part = [0; 4096];
        match stream.try_read(&mut part) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(length) => bytes.extend(part.iter().take(length)),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
    }
    Ok(bytes)
}

async fn write(stream: &TcpStream, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        stream.writable().await?;
        match stream.try_write(bytes) {
            Ok(length) => bytes = bytes.split_at_checked(length).map_or(&[], |(_, rest)| rest),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Head and body, once the head is whole.
fn split(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = bytes.windows(END_OF_HEAD.len()).position(|window| window == END_OF_HEAD)?;
    bytes.split_at_checked(end + END_OF_HEAD.len())
}

fn is_whole(bytes: &[u8]) -> bool {
    let Some((head, body)) = split(bytes) else { return false };
    let head = String::from_utf8_lossy(head).to_ascii_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length:")?.trim().parse().ok());
    body.len() >= length.unwrap_or(0_usize)
}
