//! The serial protocols by name: how each sets the line, and who leads the conversation.

use super::{cms50, contour, dialogue::Dialogue, framer::Framer, freestyle, masimo, nonin, onetouch};
use crate::FrameKind;
use std::fmt;
use thiserror::Error;

/// A way for devices to speak over a serial line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Protocol {
    /// Nonin data format 2, live.
    NoninDf2,
    /// Nonin data format 7, live.
    NoninDf7,
    /// Nonin data format 8, live.
    NoninDf8,
    /// Nonin data format 13, spot checks.
    NoninDf13,
    /// Contec CMS50, older generation, live.
    Cms50V4Live,
    /// Contec CMS50, older generation, what it recorded.
    Cms50V4Recorded,
    /// Contec CMS50, newer generation, live.
    Cms50V7Live,
    /// Contec CMS50, newer generation, what it recorded.
    Cms50V7Recorded,
    /// Masimo Rad in ASCII 1, live.
    MasimoAscii1,
    /// Ascensia Contour (ASTM), stored results.
    ContourAstm,
    /// LifeScan OneTouch Ultra 2, stored results.
    OnetouchUltra2,
    /// LifeScan OneTouch UltraEasy, stored results.
    OnetouchUltraEasy,
    /// Abbott FreeStyle Optium, stored results.
    FreestyleOptium,
}

/// A text names no serial protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("read a serial protocol: want one such as nonin_df2, cms50_v7_live or contour_astm")]
pub struct NotAProtocol;

impl Protocol {
    /// Every protocol.
    pub const ALL: [Self; 13] = [
        Self::NoninDf2,
        Self::NoninDf7,
        Self::NoninDf8,
        Self::NoninDf13,
        Self::Cms50V4Live,
        Self::Cms50V4Recorded,
        Self::Cms50V7Live,
        Self::Cms50V7Recorded,
        Self::MasimoAscii1,
        Self::ContourAstm,
        Self::OnetouchUltra2,
        Self::OnetouchUltraEasy,
        Self::FreestyleOptium,
    ];

    /// The protocol of a stable name, upper or lower case.
    ///
    /// # Errors
    /// [`NotAProtocol`] for any other text.
    ///
    /// ```
    /// use device_codecs::serial::{Parity, Protocol};
    /// let protocol = Protocol::parse("cms50_v4_live").unwrap();
    /// assert_eq!(protocol.line_settings().parity, Parity::Odd);
    /// assert!(Protocol::parse("omron_14").is_err(), "an Omron's memory is read over Bluetooth");
    /// ```
    pub fn parse(text: &str) -> Result<Self, NotAProtocol> {
        Self::ALL.into_iter().find(|protocol| protocol.name().eq_ignore_ascii_case(text)).ok_or(NotAProtocol)
    }

    /// The stable name: that of the frames it brings.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.frames().name()
    }

    /// The kind of frame it brings.
    #[must_use]
    pub fn frames(self) -> FrameKind {
        match self {
            Self::NoninDf2 => FrameKind::NoninDf2,
            Self::NoninDf7 => FrameKind::NoninDf7,
            Self::NoninDf8 => FrameKind::NoninDf8,
            Self::NoninDf13 => FrameKind::NoninDf13,
            Self::Cms50V4Live => FrameKind::ContecV4Live,
            Self::Cms50V4Recorded => FrameKind::ContecV4Recorded,
            Self::Cms50V7Live => FrameKind::ContecV7Live,
            Self::Cms50V7Recorded => FrameKind::ContecV7Recorded,
            Self::MasimoAscii1 => FrameKind::MasimoAscii1,
            Self::ContourAstm => FrameKind::ContourAstm,
            Self::OnetouchUltra2 => FrameKind::LifescanUltra2,
            Self::OnetouchUltraEasy => FrameKind::LifescanUltraEasy,
            Self::FreestyleOptium => FrameKind::FreestyleOptium,
        }
    }

    /// Whether it is a live stream, which never ends and of which a sampler picks readings.
    #[must_use]
    pub fn is_live(self) -> bool {
        match self {
            Self::NoninDf2
            | Self::NoninDf7
            | Self::NoninDf8
            | Self::Cms50V4Live
            | Self::Cms50V7Live
            | Self::MasimoAscii1 => true,
            Self::NoninDf13
            | Self::Cms50V4Recorded
            | Self::Cms50V7Recorded
            | Self::ContourAstm
            | Self::OnetouchUltra2
            | Self::OnetouchUltraEasy
            | Self::FreestyleOptium => false,
        }
    }

    /// How the line is set. Sources: the page of each protocol's module.
    #[must_use]
    pub fn line_settings(self) -> LineSettings {
        match self {
            Self::Cms50V4Live | Self::Cms50V4Recorded => {
                LineSettings { baud: 19_200, parity: Parity::Odd, ..LineSettings::USUAL }
            }
            Self::Cms50V7Live | Self::Cms50V7Recorded => {
                LineSettings { baud: 115_200, flow: Flow::XonXoff, ..LineSettings::USUAL }
            }
            Self::NoninDf2
            | Self::NoninDf7
            | Self::NoninDf8
            | Self::NoninDf13
            | Self::MasimoAscii1
            | Self::ContourAstm
            | Self::OnetouchUltra2
            | Self::OnetouchUltraEasy => LineSettings::USUAL,
            Self::FreestyleOptium => LineSettings { baud: 19_200, ..LineSettings::USUAL },
        }
    }

    /// A new conversation.
    #[must_use]
    pub fn dialogue(self) -> Box<dyn Dialogue> {
        match self {
            Self::NoninDf2 => Box::new(nonin::packet_dialogue(nonin::PacketFormat::Df2)),
            Self::NoninDf7 => Box::new(nonin::packet_dialogue(nonin::PacketFormat::Df7)),
            Self::NoninDf8 => Box::new(nonin::second_dialogue()),
            Self::NoninDf13 => Box::new(nonin::SpotCheckDialogue::new()),
            Self::Cms50V4Live => Box::new(cms50::v4_live_dialogue()),
            Self::Cms50V4Recorded => Box::new(cms50::RecordedV4::new()),
            Self::Cms50V7Live => Box::new(cms50::LiveV7::new()),
            Self::Cms50V7Recorded => Box::new(cms50::RecordedV7::new()),
            Self::MasimoAscii1 => Box::new(masimo::dialogue()),
            Self::ContourAstm => Box::new(contour::ContourDialogue::new()),
            Self::OnetouchUltra2 => Box::new(onetouch::Ultra2Dialogue::new()),
            Self::OnetouchUltraEasy => Box::new(onetouch::UltraEasyDialogue::new()),
            Self::FreestyleOptium => Box::new(freestyle::OptiumDialogue::new()),
        }
    }

    /// A new framer.
    #[must_use]
    pub fn framer(self) -> Box<dyn Framer> {
        match self {
            Self::NoninDf2 => Box::new(nonin::packet_framer(nonin::PacketFormat::Df2)),
            Self::NoninDf7 => Box::new(nonin::packet_framer(nonin::PacketFormat::Df7)),
            Self::NoninDf8 => Box::new(nonin::second_framer()),
            Self::NoninDf13 => Box::new(nonin::spot_check_framer()),
            Self::Cms50V4Live => Box::new(cms50::v4_live_framer()),
            Self::Cms50V4Recorded => Box::new(cms50::v4_recorded_framer()),
            Self::Cms50V7Live | Self::Cms50V7Recorded => Box::new(cms50::v7_framer()),
            Self::MasimoAscii1 => Box::new(masimo::framer()),
            Self::ContourAstm => Box::new(contour::framer()),
            Self::OnetouchUltra2 => Box::new(onetouch::ultra2_framer()),
            Self::OnetouchUltraEasy => Box::new(onetouch::ultraeasy_framer()),
            Self::FreestyleOptium => Box::new(freestyle::framer()),
        }
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// How a serial line is set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct LineSettings {
    /// Symbols a second.
    pub baud: u32,
    /// Bits in a character.
    pub data_bits: DataBits,
    /// The check bit of a character.
    pub parity: Parity,
    /// Bits that end a character.
    pub stop_bits: StopBits,
    /// How one side stops the other.
    pub flow: Flow,
}

impl LineSettings {
    /// 9600 8N1 without flow control, as most of these devices have it.
    pub const USUAL: Self = Self {
        baud: 9_600,
        data_bits: DataBits::Eight,
        parity: Parity::None,
        stop_bits: StopBits::One,
        flow: Flow::None,
    };
}

/// As people write it: `19200 8O1`, with the flow control where there is one.
impl fmt::Display for LineSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let data_bits = match self.data_bits {
            DataBits::Seven => 7,
            DataBits::Eight => 8,
        };
        let parity = match self.parity {
            Parity::None => 'N',
            Parity::Odd => 'O',
            Parity::Even => 'E',
        };
        let stop_bits = match self.stop_bits {
            StopBits::One => 1,
            StopBits::Two => 2,
        };
        let flow = match self.flow {
            Flow::None => "",
            Flow::XonXoff => " XON/XOFF",
        };
        write!(f, "{} {data_bits}{parity}{stop_bits}{flow}", self.baud)
    }
}

/// Bits in a character.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DataBits {
    /// Seven.
    Seven,
    /// Eight.
    Eight,
}

/// The check bit of a character.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Parity {
    /// No check bit.
    None,
    /// Ones and check bit together are odd.
    Odd,
    /// Ones and check bit together are even.
    Even,
}

/// Bits that end a character.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum StopBits {
    /// One.
    One,
    /// Two.
    Two,
}

/// How one side stops the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Flow {
    /// Not at all.
    None,
    /// By the characters 13 and 11.
    XonXoff,
}
