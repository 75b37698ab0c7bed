//! The hub's network: how a byte stream to the service is had, and the seam at which a simulator stands in.
//!
//! Time limits on sockets are tokio's own (a simulator pauses tokio's clock); waits between attempts are the injected
//! clock's, because they are part of what the hub decides.

use async_trait::async_trait;
use std::io;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
};

/// A two-way stream of bytes.
pub trait ByteStream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> ByteStream for T {}

/// Connections, as the hub is given them.
#[async_trait]
pub trait Network: Send + Sync {
    /// A new stream to a host and port.
    ///
    /// # Errors
    /// Whatever kept it from connecting. The caller limits the time.
    async fn connect(&self, host: &str, port: u16) -> io::Result<Box<dyn ByteStream>>;
}

/// The machine's own TCP.
#[derive(Debug, Clone, Copy, Default)]
pub struct TcpNetwork;

#[async_trait]
impl Network for TcpNetwork {
    async fn connect(&self, host: &str, port: u16) -> io::Result<Box<dyn ByteStream>> {
        let stream = TcpStream::connect((host, port)).await?;
        // A batch is written whole; waiting to fill a packet only delays a live reading.
        stream.set_nodelay(true)?;
        Ok(Box::new(stream))
    }
}
