//! A real listener for the webhook channel: it keeps what was posted and answers as it is told to.

use crate::clock::instant;
use std::{
    io::{self, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

/// Longest a post may take to arrive.
const POST_WITHIN: Duration = Duration::from_secs(5);

/// How the listener answers a post.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reply {
    /// With this status.
    Status(u16),
    /// Not at all: the connection is closed.
    Close,
    /// Not at all: the connection stays open.
    Hang,
}

/// The other side of the webhook channel.
#[derive(Debug)]
pub struct WebhookListener {
    address: SocketAddr,
    state: Arc<State>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct State {
    reply: Mutex<Reply>,
    posts: Mutex<Vec<(Instant, String)>>,
    hanging: Mutex<Vec<TcpStream>>,
    has_stopped: AtomicBool,
}

fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl WebhookListener {
    /// Listens on this machine, and replies in this way until told otherwise.
    ///
    /// # Errors
    /// Where there is no port to be had.
    pub fn start(reply: Reply) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        let state = Arc::new(State {
            reply: Mutex::new(reply),
            posts: Mutex::default(),
            hanging: Mutex::default(),
            has_stopped: AtomicBool::new(false),
        });
        let serving = state.clone();
        let thread = thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                if serving.has_stopped.load(Ordering::SeqCst) {
                    return;
                }
                // A connection that breaks is the other side's loss; the test sees that nothing was posted.
                drop(serving.serve(stream));
            }
        });
        Ok(Self { address, state, thread: Some(thread) })
    }

    /// Where to post.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}/hook", self.address)
    }

    /// Replies in this way from now on.
    pub fn reply(&self, reply: Reply) {
        *locked(&self.state.reply) = reply;
    }

    /// What was posted, in order: head and body, as they came.
    #[must_use]
    pub fn posts(&self) -> Vec<String> {
        locked(&self.state.posts).iter().map(|(_, post)| post.clone()).collect()
    }

    /// The bodies of what was posted.
    #[must_use]
    pub fn bodies(&self) -> Vec<String> {
        self.timed_bodies().into_iter().map(|(_, body)| body).collect()
    }

    /// The same, each with the moment at which it was whole.
    #[must_use]
    pub fn timed_bodies(&self) -> Vec<(Instant, String)> {
        let posts = locked(&self.state.posts);
        let body = |(at, post): &(Instant, String)| Some((*at, post.split_once("\r\n\r\n")?.1.to_owned()));
        posts.iter().filter_map(body).collect()
    }
}

impl State {
    fn serve(&self, mut stream: TcpStream) -> io::Result<()> {
        stream.set_read_timeout(Some(POST_WITHIN))?;
        let mut post = Vec::new();
        while !is_whole(&post) {
            let mut part = [0; 4096];
            match stream.read(&mut part)? {
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                length => post.extend(part.iter().take(length)),
            }
        }
        // The reply first: whoever has seen the post may change it for the next.
        let reply = *locked(&self.reply);
        locked(&self.posts).push((instant(), String::from_utf8_lossy(&post).into_owned()));
        match reply {
            Reply::Status(status) => {
                write!(stream, "HTTP/1.1 {status} Said\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
            }
            Reply::Close => Ok(()),
            Reply::Hang => {
                locked(&self.hanging).push(stream);
                Ok(())
            }
        }
    }
}

/// Whether head and body have come.
fn is_whole(post: &[u8]) -> bool {
    let text = String::from_utf8_lossy(post);
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let length = head.lines().find_map(|line| {
        line.to_ascii_lowercase().strip_prefix("content-length:").map(|length| length.trim().parse::<usize>())
    });
    matches!(length, Some(Ok(length)) if body.len() >= length)
}

impl Drop for WebhookListener {
    fn drop(&mut self) {
        self.state.has_stopped.store(true, Ordering::SeqCst);
        // A last connection wakes the listener, so that it sees that it has stopped.
        drop(TcpStream::connect(self.address));
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}
