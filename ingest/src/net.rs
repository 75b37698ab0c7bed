//! The service's way out: how a byte stream to another system is had. The seam at which a simulator stands in.

use async_trait::async_trait;
use std::io;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
};

/// A two-way stream of bytes.
pub trait ByteStream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> ByteStream for T {}

/// Connections, as the service is given them.
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
        Ok(Box::new(TcpStream::connect((host, port)).await?))
    }
}
