//! Several links as one: whichever hears something first.

use super::{Heard, Link};
use async_trait::async_trait;
use futures_util::future::select_all;

/// Several links as one. It ends when all of them have ended.
#[derive(Default)]
pub struct Links {
    links: Vec<Box<dyn Link>>,
    last: Option<usize>,
    first: usize,
}

impl Links {
    /// These links as one.
    #[must_use]
    pub fn new(links: Vec<Box<dyn Link>>) -> Self {
        Self { links, last: None, first: 0 }
    }
}

#[async_trait]
impl Link for Links {
    async fn next(&mut self) -> Option<Heard> {
        loop {
            if self.links.is_empty() {
                return None;
            }
            // Each in turn is asked first, so that a busy link cannot keep the others waiting for ever.
            self.first = (self.first + 1) % self.links.len();
            let (heard, place) = {
                let mut waits: Vec<_> = self.links.iter_mut().map(|link| link.next()).collect();
                waits.rotate_left(self.first);
                let (heard, place, others) = select_all(waits).await;
                drop(others);
                (heard, place)
            };
            let place = (place + self.first) % self.links.len();
            match heard {
                Some(heard) => {
                    self.last = Some(place);
                    return Some(heard);
                }
                None => drop(self.links.remove(place)),
            }
            self.last = None;
        }
    }

    fn kept(&mut self) {
        if let Some(link) = self.last.and_then(|place| self.links.get_mut(place)) {
            link.kept();
        }
    }
}

#[cfg(test)]
mod tests {
    //! Two links of made frames: everything is heard once, none starves, and each is told of its own frames only.

    use super::*;
    use crate::test_parts::{june_frame, noon};
    use std::sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    };

    struct Counted {
        frames: u8,
        kept: Arc<AtomicUsize>,
    }

    #[async_trait]
    impl Link for Counted {
        async fn next(&mut self) -> Option<Heard> {
            self.frames = self.frames.checked_sub(1)?;
            Some(Heard::Frame(june_frame(self.frames)))
        }

        fn kept(&mut self) {
            self.kept.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[tokio::test]
    async fn each_link_is_heard_in_turn_and_told_what_is_kept() {
        let counts = [Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0))];
        let link =
            |kept: &Arc<AtomicUsize>| -> Box<dyn Link> { Box::new(Counted { frames: 5, kept: Arc::clone(kept) }) };
        let mut links = Links::new(counts.iter().map(link).collect());
        let mut heard = 0;
        while let Some(Heard::Frame(frame)) = links.next().await {
            assert_eq!(frame.seen_at, noon());
            heard += 1;
            links.kept();
            let [one, other] = counts.each_ref().map(|count| count.load(Ordering::Relaxed));
            assert!(one.abs_diff(other) <= 1 || heard > 8, "one link starved: {one} and {other}");
        }
        assert_eq!((heard, counts.each_ref().map(|count| count.load(Ordering::Relaxed))), (10, [5, 5]));
    }
}
