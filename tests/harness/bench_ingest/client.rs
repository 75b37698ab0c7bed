//! The load: bytes made ready beforehand go down keep-alive connections, one request at a time on each.
//!
//! One thread and one `poll`, so that the client takes as little of the machine from the service as it can. Invariants:
//! nothing is built or checked while the clock runs; at a pace, a request counts from the moment it was due, whether or not
//! a connection was free then, so that a service that stalls cannot hide it.

use crate::{
    clock,
    trouble::{Doing, Trouble},
};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use std::{
    io::{ErrorKind, Read, Write},
    net::{SocketAddr, TcpStream},
    time::{Duration, Instant},
};

/// Longest that no connection may have anything to say: far longer than any answer takes.
const SILENCE_MAX: Duration = Duration::from_secs(60);

/// Bytes read at once.
const READ_BYTES: usize = 64 * 1024;

/// When requests are sent.
#[derive(Debug, Clone, Copy)]
pub(super) enum Pace {
    /// The next as soon as the one before is answered, until so much time has passed.
    AsFastAsAnswered(Duration),
    /// So many a second, whatever the answers.
    EverySecond(f64),
}

/// A request and what came of it.
#[derive(Debug)]
pub(super) struct Answered {
    /// Which request.
    pub(super) request: usize,
    /// When it was sent, or was due.
    pub(super) from: Instant,
    /// From when it was sent, or was due, to the last byte of the answer.
    pub(super) took: Duration,
    pub(super) status: u16,
    pub(super) body: Vec<u8>,
}

/// What a load came to.
#[derive(Debug)]
pub(super) struct Load {
    pub(super) answers: Vec<Answered>,
    /// From the first byte sent to the last answer.
    pub(super) lasted: Duration,
}

/// Connections to a service, kept alive.
pub(super) struct Lines(Vec<TcpStream>);

impl Lines {
    pub(super) fn connect(address: SocketAddr, count: usize) -> Result<Self, Trouble> {
        let connect = |_| {
            let stream = TcpStream::connect(address).doing("connect to the service")?;
            stream.set_nodelay(true).doing("set up a connection")?;
            stream.set_nonblocking(true).doing("set up a connection")?;
            Ok(stream)
        };
        Ok(Self((0..count).map(connect).collect::<Result<_, Trouble>>()?))
    }

    /// Sends requests, in their order, each down the first connection that is free, and waits for their answers.
    pub(super) fn send(&self, requests: &[impl AsRef<[u8]>], pace: Pace) -> Result<Load, Trouble> {
        let start = clock::instant();
        let due = |request: usize| match pace {
            Pace::AsFastAsAnswered(_) => start,
            Pace::EverySecond(rate) => start + Duration::from_secs_f64(super::stats::real(request) / rate),
        };
        let mut lines: Vec<Line<'_>> = self.0.iter().map(Line::new).collect();
        let mut next = 0;
        let mut answers = Vec::with_capacity(requests.len());
        let mut scratch = vec![0; READ_BYTES];
        loop {
            let now = clock::instant();
            let is_over = matches!(pace, Pace::AsFastAsAnswered(lasts) if now - start >= lasts);
            let mut next_due: Option<Instant> = None;
            for line in lines.iter_mut().filter(|line| line.flight.is_none()) {
                if next == requests.len() || is_over {
                    break;
                }
                let due = due(next);
                if due > now {
                    next_due = Some(due);
                    break;
                }
                let from = if matches!(pace, Pace::EverySecond(_)) { due } else { now };
                line.flight = Some(Flight { request: next, from, sent: 0 });
                line.write(requests)?;
                next += 1;
            }
            if next_due.is_none() && lines.iter().all(|line| line.flight.is_none()) {
                return Ok(Load { answers, lasted: clock::instant() - start });
            }
            let wait = next_due.map_or(SILENCE_MAX, |due| due.saturating_duration_since(clock::instant()));
            let ready = wait_for(&lines, wait)?;
            if ready.is_empty() && next_due.is_none() {
                return Err(Trouble::new("wait for the service", "no answer came in a minute"));
            }
            for place in ready {
                let Some(line) = lines.get_mut(place) else { continue };
                line.write(requests)?;
                let Some(answered) = line.read(&mut scratch)? else { continue };
                if !(200..300).contains(&answered.status) {
                    let said = String::from_utf8_lossy(&answered.body).into_owned();
                    return Err(Trouble::new("send a request", format!("answered {}: {said}", answered.status)));
                }
                answers.push(answered);
            }
        }
    }
}

/// The places of the connections that can go on.
fn wait_for(lines: &[Line<'_>], wait: Duration) -> Result<Vec<usize>, Trouble> {
    let in_flight: Vec<(usize, &Line<'_>)> =
        lines.iter().enumerate().filter(|(_, line)| line.flight.is_some()).collect();
    let mut looked_at: Vec<PollFd<'_>> = in_flight
        .iter()
        .map(|(_, line)| {
            let also = if line.is_blocked { PollFlags::OUT } else { PollFlags::empty() };
            PollFd::new(line.stream, PollFlags::IN | also)
        })
        .collect();
    let wait =
        Timespec { tv_sec: i64::try_from(wait.as_secs()).unwrap_or(i64::MAX), tv_nsec: i64::from(wait.subsec_nanos()) };
    match poll(&mut looked_at, Some(&wait)) {
        Ok(_) | Err(rustix::io::Errno::INTR) => {}
        Err(error) => return Err(Trouble::new("wait for the service", error)),
    }
    let is_ready = looked_at.iter().map(|fd| !fd.revents().is_empty());
    Ok(in_flight.iter().zip(is_ready).filter(|(_, is_ready)| *is_ready).map(|((place, _), _)| *place).collect())
}

struct Line<'a> {
    stream: &'a TcpStream,
    flight: Option<Flight>,
    is_blocked: bool,
    heard: Vec<u8>,
    /// The status, and where the body starts and ends in what was heard.
    head: Option<(u16, usize, usize)>,
}

struct Flight {
    request: usize,
    from: Instant,
    sent: usize,
}

impl<'a> Line<'a> {
    fn new(stream: &'a TcpStream) -> Self {
        Self { stream, flight: None, is_blocked: false, heard: Vec::new(), head: None }
    }

    fn write(&mut self, requests: &[impl AsRef<[u8]>]) -> Result<(), Trouble> {
        let Some(flight) = &mut self.flight else { return Ok(()) };
        let bytes = requests.get(flight.request).map(AsRef::as_ref).unwrap_or_default();
        self.is_blocked = false;
        while let Some(rest) = bytes.get(flight.sent..).filter(|rest| !rest.is_empty()) {
            match (&mut &*self.stream).write(rest) {
                Ok(count) => flight.sent += count,
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    self.is_blocked = true;
                    return Ok(());
                }
                Err(error) => return Err(Trouble::new("send a request", error)),
            }
        }
        Ok(())
    }

    /// The answer, once it is whole.
    fn read(&mut self, scratch: &mut [u8]) -> Result<Option<Answered>, Trouble> {
        loop {
            match (&mut &*self.stream).read(scratch) {
                Ok(0) => return Err(Trouble::new("read an answer", "the service closed the connection")),
                Ok(count) => self.heard.extend(scratch.iter().take(count)),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(None),
                Err(error) => return Err(Trouble::new("read an answer", error)),
            }
            if self.head.is_none() {
                self.head = head(&self.heard)?;
            }
            if let Some((status, starts, ends)) = self.head
                && self.heard.len() >= ends
            {
                let heard = std::mem::take(&mut self.heard);
                self.head = None;
                let body = heard.get(starts..ends).unwrap_or_default().to_vec();
                let flight = self.flight.take();
                return Ok(flight.map(|flight| Answered {
                    request: flight.request,
                    from: flight.from,
                    took: clock::instant() - flight.from,
                    status,
                    body,
                }));
            }
        }
    }
}

/// The status of an answer, and where its body starts and ends; nothing until the head is whole.
fn head(heard: &[u8]) -> Result<Option<(u16, usize, usize)>, Trouble> {
    const END: &[u8] = b"\r\n\r\n";
    let Some(ends) = heard.windows(END.len()).position(|part| part == END) else { return Ok(None) };
    let malformed = || Trouble::new("read an answer", "its head is not what we read");
    let text = heard.get(..ends).and_then(|head| std::str::from_utf8(head).ok()).ok_or_else(malformed)?;
    let status = text.get(9..12).and_then(|status| status.parse().ok()).ok_or_else(malformed)?;
    let length = text.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().ok())?
    });
    let starts = ends + END.len();
    match (length, status) {
        (Some(length), _) => Ok(Some((status, starts, starts + length))),
        (None, 204) => Ok(Some((status, starts, starts))),
        (None, _) => Err(malformed()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_says_where_the_body_ends() {
        let check = |text: &str, expected| assert_eq!(head(text.as_bytes()).ok(), expected, "{text}");
        check("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab", Some(Some((200, 38, 43))));
        check("HTTP/1.1 204 No Content\r\nx: y\r\n\r\n", Some(Some((204, 33, 33))));
        check("HTTP/1.1 200 OK\r\nContent-Le", Some(None));
        check("HTTP/1.1 200 OK\r\n\r\n", None);
    }
}
