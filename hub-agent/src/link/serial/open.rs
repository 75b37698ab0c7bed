//! Opens serial ports: the protocol's line settings as the operating system wants them, and an open port's two moves.
//!
//! Invariants: a port is opened exclusively; nothing that was received before its settings were in force is used; a
//! closed port holds nothing back, because output that a silent device never took is thrown away first; the end of the
//! file is told apart from "nothing yet", so that an unplugged port is never asked in a busy loop.

use crate::clock::Clock;
use device_codecs::serial::{DataBits, Flow, LineSettings, Parity, StopBits};
use std::{
    future::poll_fn,
    io,
    path::{Path, PathBuf},
    pin::Pin,
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    task::{JoinHandle, spawn_blocking},
    time::timeout,
};
use tokio_serial::{ClearBuffer, ErrorKind, SerialPort as _, SerialPortBuilder, SerialStream};

/// How long opening may take. Drivers of USB adapters talk to them while they open; the slowest answer within a second.
const OPEN_WITHIN: Duration = Duration::from_secs(10);

/// How long the line may take no byte: 4,096 bytes at 9,600 baud take 4.3 s. A device that stopped us with XOFF and
/// went away would hold us for ever.
const WRITE_WITHIN: Duration = Duration::from_secs(10);

/// How many bytes are taken at once: what 115,200 baud bring in 90 ms.
const READ_BYTES: usize = 1_024;

/// The operating system's error numbers that say a device has gone: EIO, ENXIO and ENODEV.
const GONE: [i32; 3] = [5, 6, 19];

/// Why a port is not there, as people are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gone {
    /// It was there and went away.
    Unplugged,
    /// There is no such port.
    Missing,
    /// The hub's user may not open it.
    NotAllowed,
    /// Another program has it.
    Busy,
    /// Anything else.
    Failed,
}

impl Gone {
    /// The stable name, as in logs and metrics.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Unplugged => "unplugged",
            Self::Missing => "missing",
            Self::NotAllowed => "not_allowed",
            Self::Busy => "busy",
            Self::Failed => "failed",
        }
    }

    /// What an error of an open port means.
    fn of(error: &io::Error) -> Self {
        let is_gone = error.raw_os_error().is_some_and(|number| GONE.contains(&number));
        if is_gone { Self::Unplugged } else { Self::Failed }
    }
}

impl From<tokio_serial::Error> for Gone {
    /// What an error of opening means. `NoDevice` is how serialport says "another program has it": EBUSY from an
    /// exclusive terminal, or a lock that is held.
    fn from(error: tokio_serial::Error) -> Self {
        match error.kind {
            ErrorKind::NoDevice => Self::Busy,
            ErrorKind::Io(io::ErrorKind::NotFound) => Self::Missing,
            ErrorKind::Io(io::ErrorKind::PermissionDenied) => Self::NotAllowed,
            ErrorKind::Io(_) | ErrorKind::InvalidInput | ErrorKind::Unknown => Self::Failed,
        }
    }
}

/// How a port is opened: nothing is left to what the port was set to before.
///
/// ```
/// use device_codecs::serial::Protocol;
/// use hub_agent::link::serial::open::builder;
/// let opened = builder("/dev/ttyUSB0", Protocol::Cms50V4Live.line_settings());
/// let by_hand = tokio_serial::new("/dev/ttyUSB0", 19_200).parity(tokio_serial::Parity::Odd).exclusive(true);
/// assert_eq!(opened, by_hand);
/// ```
#[must_use]
pub fn builder(port: &str, line: LineSettings) -> SerialPortBuilder {
    let data_bits = match line.data_bits {
        DataBits::Seven => tokio_serial::DataBits::Seven,
        DataBits::Eight => tokio_serial::DataBits::Eight,
    };
    let parity = match line.parity {
        Parity::None => tokio_serial::Parity::None,
        Parity::Odd => tokio_serial::Parity::Odd,
        Parity::Even => tokio_serial::Parity::Even,
    };
    let stop_bits = match line.stop_bits {
        StopBits::One => tokio_serial::StopBits::One,
        StopBits::Two => tokio_serial::StopBits::Two,
    };
    let flow = match line.flow {
        Flow::None => tokio_serial::FlowControl::None,
        Flow::XonXoff => tokio_serial::FlowControl::Software,
    };
    tokio_serial::new(port, line.baud)
        .data_bits(data_bits)
        .parity(parity)
        .stop_bits(stop_bits)
        .flow_control(flow)
        .exclusive(true)
}

/// Opens a port and throws away what came before its settings were in force. Must run inside a tokio runtime, on a
/// thread that may block.
///
/// # Errors
/// [`Gone`] says why it could not be opened.
pub fn open_now(port: &Path, line: LineSettings) -> Result<OpenPort, Gone> {
    let path = port.to_str().ok_or(Gone::Missing)?;
    let stream = SerialStream::open(&builder(path, line))?;
    stream.clear(ClearBuffer::Input)?;
    Ok(OpenPort { stream, buffer: [0; READ_BYTES] })
}

/// Opens one port, again and again, never twice at a time.
#[derive(Debug)]
pub(super) struct Opener {
    port: PathBuf,
    line: LineSettings,
    under_way: Option<JoinHandle<Result<OpenPort, Gone>>>,
}

impl Opener {
    pub(super) fn new(port: PathBuf, line: LineSettings) -> Self {
        Self { port, line, under_way: None }
    }

    /// Opens the port within [`OPEN_WITHIN`]. An opening that takes longer is waited for at the next try, so that a
    /// driver that hangs costs one thread and no more.
    pub(super) async fn open(&mut self) -> Result<OpenPort, Gone> {
        let opening = self.under_way.get_or_insert_with(|| {
            let (port, line) = (self.port.clone(), self.line);
            spawn_blocking(move || open_now(&port, line))
        });
        let Ok(opened) = timeout(OPEN_WITHIN, opening).await else { return Err(Gone::Failed) };
        self.under_way = None;
        opened.unwrap_or(Err(Gone::Failed))
    }
}

/// An open port.
#[derive(Debug)]
pub struct OpenPort {
    stream: SerialStream,
    buffer: [u8; READ_BYTES],
}

impl OpenPort {
    /// The next bytes, at least one. Dropping the wait loses none.
    pub(super) async fn read(&mut self) -> Result<&[u8], Gone> {
        // Not `readable` and `try_read`: those never clear the readiness, so that the second wait would not wait.
        let mut into = ReadBuf::new(&mut self.buffer);
        poll_fn(|cx| Pin::new(&mut self.stream).poll_read(cx, &mut into)).await.map_err(|error| Gone::of(&error))?;
        let length = into.filled().len();
        // The end of the file: the line hung up.
        self.buffer.get(..length).filter(|bytes| !bytes.is_empty()).ok_or(Gone::Unplugged)
    }

    /// Writes all these bytes, or fails where the line takes none for [`WRITE_WITHIN`].
    pub(super) async fn write(&mut self, bytes: &[u8], clock: &dyn Clock) -> Result<(), Gone> {
        let mut rest = bytes;
        while !rest.is_empty() {
            let written = tokio::select! {
                biased;
                written = poll_fn(|cx| Pin::new(&mut self.stream).poll_write(cx, rest)) => written,
                () = clock.sleep(WRITE_WITHIN) => return Err(Gone::Failed),
            };
            let length = written.map_err(|error| Gone::of(&error))?;
            rest = rest.get(length..).filter(|_| length > 0).ok_or(Gone::Unplugged)?;
        }
        Ok(())
    }
}

impl Drop for OpenPort {
    fn drop(&mut self) {
        // Closing waits up to 30 s for output that a stopped line never takes. There is nothing to be done where this
        // fails: the port has gone.
        drop(self.stream.clear(ClearBuffer::All));
    }
}

#[cfg(test)]
mod tests {
    //! What a pty does not enforce is asserted here: the settings each protocol's port is opened with.

    use super::*;
    use device_codecs::serial::Protocol;

    #[test]
    fn each_protocol_opens_its_port_with_its_own_line_settings() {
        for protocol in Protocol::ALL {
            let usual = tokio_serial::new("/dev/ttyUSB0", 9_600);
            let want = match protocol {
                Protocol::Cms50V4Live | Protocol::Cms50V4Recorded => {
                    usual.baud_rate(19_200).parity(tokio_serial::Parity::Odd)
                }
                Protocol::Cms50V7Live | Protocol::Cms50V7Recorded => {
                    usual.baud_rate(115_200).flow_control(tokio_serial::FlowControl::Software)
                }
                Protocol::NoninDf2
                | Protocol::NoninDf7
                | Protocol::NoninDf8
                | Protocol::NoninDf13
                | Protocol::MasimoAscii1
                | Protocol::ContourAstm
                | Protocol::OnetouchUltra2
                | Protocol::OnetouchUltraEasy => usual,
                Protocol::FreestyleOptium => usual.baud_rate(19_200),
            };
            let want =
                want.data_bits(tokio_serial::DataBits::Eight).stop_bits(tokio_serial::StopBits::One).exclusive(true);
            assert_eq!(builder("/dev/ttyUSB0", protocol.line_settings()), want, "{protocol}");
        }
    }

    #[test]
    fn every_setting_reaches_the_port() {
        let line = LineSettings {
            baud: 300,
            data_bits: DataBits::Seven,
            parity: Parity::Even,
            stop_bits: StopBits::Two,
            flow: Flow::XonXoff,
        };
        let want = tokio_serial::new("/dev/ttyS0", 300)
            .data_bits(tokio_serial::DataBits::Seven)
            .parity(tokio_serial::Parity::Even)
            .stop_bits(tokio_serial::StopBits::Two)
            .flow_control(tokio_serial::FlowControl::Software)
            .exclusive(true);
        assert_eq!(builder("/dev/ttyS0", line), want);
    }

    #[test]
    fn what_may_not_be_opened_is_told_from_what_another_program_has() {
        for (kind, want) in [
            (ErrorKind::Io(io::ErrorKind::PermissionDenied), "not_allowed"),
            (ErrorKind::NoDevice, "busy"),
            (ErrorKind::Io(io::ErrorKind::NotFound), "missing"),
            (ErrorKind::Io(io::ErrorKind::Other), "failed"),
            (ErrorKind::InvalidInput, "failed"),
            (ErrorKind::Unknown, "failed"),
        ] {
            assert_eq!(Gone::from(tokio_serial::Error::new(kind, "")).name(), want);
        }
        for number in GONE {
            assert_eq!(Gone::of(&io::Error::from_raw_os_error(number)), Gone::Unplugged);
        }
        assert_eq!(Gone::of(&io::Error::from_raw_os_error(9)), Gone::Failed);
    }

    #[test]
    fn what_is_no_port_is_missing_or_fails() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        std::fs::write(&file, b"no port").unwrap();
        assert_eq!(open_now(&folder.path().join("none"), LineSettings::USUAL).unwrap_err(), Gone::Missing);
        assert_eq!(open_now(&file, LineSettings::USUAL).unwrap_err(), Gone::Failed);
    }
}
