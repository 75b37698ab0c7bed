//! The service's way out: how a byte stream to another system is had. The seam at which a simulator stands in. And its way
//! in, where it listens.

use async_trait::async_trait;
use std::{
    io,
    net::{SocketAddr, TcpListener},
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpSocket, TcpStream},
};

/// Most connections that wait to be taken on. After a failure of power or of the line a county's hubs come back together,
/// and one that finds no room here tries again only after a second, then two, then four.
const BACKLOG: u32 = 4096;

/// Listens on the machine's own TCP. To be called within a runtime.
///
/// # Errors
/// Whatever kept it from listening, such as another program at this address.
pub fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    // As the standard library does: a restart need not wait until old connections are forgotten.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)?.into_std()
}

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

#[cfg(test)]
mod tests {
    use super::*;
    use std::{net::TcpStream, time::Duration};

    /// How many of these connections find room while nobody takes one on.
    fn room_of(listener: &TcpListener, wanted: usize) -> usize {
        let address = listener.local_addr().unwrap();
        let connect = |_| TcpStream::connect_timeout(&address, Duration::from_millis(500)).ok();
        (0..wanted).map_while(connect).collect::<Vec<_>>().len()
    }

    /// More connections at once than the standard library makes room for, and none is turned away.
    #[tokio::test]
    async fn hubs_that_come_back_together_all_find_room() {
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        assert!(room_of(&TcpListener::bind(any).unwrap(), 300) < 300, "the usual room is too small");
        assert_eq!(room_of(&listen(any).unwrap(), 300), 300);
    }
}
