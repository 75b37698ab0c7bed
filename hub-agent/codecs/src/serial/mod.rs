//! What devices on a serial line send: records, how a stream is cut into them, and the conversation that brings them.
//!
//! Three layers, each pure: a codec says what one whole record means ([`DECODERS`]); a [`Framer`] finds records in a
//! stream that may be split, noisy or broken off; a [`Dialogue`] knows what to send and when a device may forget.
//! [`sample`] picks readings from a live stream.

pub mod checksum;
pub mod cms50;
pub mod contour;
mod decoders;
pub mod dialogue;
pub mod framer;
pub mod freestyle;
mod listen;
pub mod masimo;
mod measurement;
pub mod nonin;
pub mod omron;
pub mod onetouch;
pub mod oximetry;
pub mod phd;
pub mod protocol;
pub mod sample;
mod text;

pub use decoders::DECODERS;
pub use dialogue::{Dialogue, Do, Hint};
pub use framer::{Dropped, Framed, Framer};
pub use measurement::Measurement;
pub(crate) use measurement::decode;
pub use oximetry::Oximetry;
pub use protocol::{DataBits, Flow, LineSettings, Parity, Protocol, StopBits};
pub use sample::{Live, Picked, Sampler};

#[cfg(test)]
mod all_tests;
#[cfg(test)]
mod far_side;
