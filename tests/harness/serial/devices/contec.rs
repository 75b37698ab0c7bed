//! Contec CMS50 oximeters of both generations, after atbrask/CMS50Dplus and timegrid/CMS50Dplus7 with their tests.

use super::{Device, Stream, Wrongs, hex, turning};

/// Most bytes that the link hands over of a recording at once.
const PIECE_BYTES_MAX: usize = 510;

/// The older generation, live: sixty records a second, whatever happens.
#[derive(Debug, Default)]
pub struct OlderLive {
    wrongs: Wrongs,
}

/// A live record of the older generation: saturation 97, rate 60 and a bit; the wave turns, below 11 hexadecimal, which a
/// line that is set for the newer generation would take for itself.
fn older_live(number: usize) -> Vec<u8> {
    vec![0x85, turning(number, 16), 0x04, 60 + turning(number / 16, 32), 97]
}

impl Stream for OlderLive {
    fn a_second(&self) -> u32 {
        60
    }

    fn record(&self, number: usize) -> Vec<u8> {
        older_live(number)
    }

    fn hears(&mut self, byte: u8) -> Vec<Vec<u8>> {
        self.wrongs.note(format!("an oximeter that only talks was sent {}", hex(&[byte])));
        Vec::new()
    }

    fn wrongs(&self) -> &[String] {
        self.wrongs.all()
    }
}

/// The older generation with a recording: it talks live until F5 F5, sends what it recorded, and talks on.
#[derive(Debug, Default)]
pub struct OlderRecorder {
    points: Vec<Vec<u8>>,
    command: Vec<u8>,
    live: usize,
    wrongs: Wrongs,
}

impl OlderRecorder {
    /// One with so many points; `first` tells recordings apart.
    #[must_use]
    pub fn with(first: usize, points: usize) -> Self {
        let point =
            |number: usize| vec![0xf0 | turning(number, 2), 0x80 | turning(number / 2, 100), 85 + turning(number, 15)];
        Self { points: (first..first + points).map(point).collect(), ..Self::default() }
    }

    fn talk(&mut self) -> Vec<u8> {
        self.live += 1;
        older_live(self.live)
    }

    /// Three times F2 80 00, the length less one in seven-bit pieces, the points.
    fn recording(&self) -> Vec<u8> {
        let length = (self.points.len() * 3).saturating_sub(1);
        let piece = |shift: u32| u8::try_from(length >> shift & 0x7f).unwrap_or(0);
        let header = [0xf2, 0x80, 0x00].repeat(3);
        [header, vec![0x80 | piece(14), 0x80 | piece(7), piece(0)], self.points.concat()].concat()
    }
}

impl Device for OlderRecorder {
    fn is_plugged_in(&mut self) {
        self.command.clear();
    }

    fn wakes(&mut self) -> Vec<Vec<u8>> {
        (0..4).map(|_record| self.talk()).collect()
    }

    fn hears(&mut self, byte: u8, _kept: usize) -> Vec<Vec<u8>> {
        self.command.push(byte);
        match self.command.as_slice() {
            [0xf5] | [0xf6] | [0xf6, 0xf6] => Vec::new(),
            [0xf5, 0xf5] => {
                self.command.clear();
                vec![self.recording()]
            }
            [0xf6, 0xf6, 0xf6] => {
                self.command.clear();
                Vec::new()
            }
            _ => {
                self.wrongs.note(format!("not a command: {}", hex(&std::mem::take(&mut self.command))));
                Vec::new()
            }
        }
    }

    fn waits(&mut self) -> Vec<Vec<u8>> {
        (0..4).map(|_record| self.talk()).collect()
    }

    fn records(&self) -> Vec<Vec<u8>> {
        pieces(&self.points)
    }

    fn wrongs(&self) -> &[String] {
        self.wrongs.all()
    }
}

/// What the link hands over of a recording: whole points or packets, as many as a piece holds.
fn pieces(parts: &[Vec<u8>]) -> Vec<Vec<u8>> {
    let mut pieces: Vec<Vec<u8>> = Vec::new();
    for part in parts {
        match pieces.last_mut() {
            Some(piece) if piece.len() + part.len() <= PIECE_BYTES_MAX => piece.extend(part),
            Some(_) | None => pieces.push(part.clone()),
        }
    }
    pieces
}

/// A packet of the newer generation: the type, the highest bits of the data, the data with their highest bits set.
fn packet(kind: u8, data: &[u8]) -> Vec<u8> {
    let high = data.iter().enumerate().fold(0x80, |high, (place, byte)| high | (byte >> 7) << place);
    [kind, high].into_iter().chain(data.iter().map(|byte| byte | 0x80)).collect()
}

/// A command is a packet of type 7D with seven bytes.
fn command(data: [u8; 7]) -> Vec<u8> {
    packet(0x7d, &data)
}

/// How many records the newer generation sends without a sign of the hub: 6 s of them.
const KEPT_ALIVE_FOR: usize = 360;

/// The newer generation, live: silent until A1, and again when it hears nothing of the hub.
#[derive(Debug, Default)]
pub struct NewerLive {
    is_sending: bool,
    sent: usize,
    command: Vec<u8>,
    wrongs: Wrongs,
}

impl Stream for NewerLive {
    fn a_second(&self) -> u32 {
        60
    }

    fn record(&self, number: usize) -> Vec<u8> {
        // Signal 5; the wave; bar 4 with perfusion index; rate, one above 127 at times; saturation 98; index 3.60.
        let rate = if number.is_multiple_of(3) { 130 } else { 70 };
        packet(0x01, &[0x05, turning(number, 128), 0x14, rate, 98, 0x68, turning(number / 128, 128)])
    }

    fn is_plugged_in(&mut self) {
        self.is_sending = false;
        self.command.clear();
    }

    fn hears(&mut self, byte: u8) -> Vec<Vec<u8>> {
        self.command.push(byte);
        if self.command.len() < 9 {
            return Vec::new();
        }
        let heard = std::mem::take(&mut self.command);
        self.sent = 0;
        if heard == command([0xa1, 0, 0, 0, 0, 0, 0]) {
            self.is_sending = true;
        } else if heard != command([0xaf, 0, 0, 0, 0, 0, 0]) {
            self.wrongs.note(format!("not a command: {}", hex(&heard)));
        }
        Vec::new()
    }

    fn has_sent(&mut self) {
        self.sent += 1;
        if self.sent > KEPT_ALIVE_FOR {
            self.is_sending = false;
            self.wrongs.note("the hub was silent for too long, so the stream ended");
        }
    }

    fn is_sending(&self) -> bool {
        self.is_sending
    }

    fn wrongs(&self) -> &[String] {
        self.wrongs.all()
    }
}

/// The newer generation with a recording: silent until A6 for user 1, segment 1.
#[derive(Debug, Default)]
pub struct NewerRecorder {
    packets: Vec<Vec<u8>>,
    command: Vec<u8>,
    wrongs: Wrongs,
}

impl NewerRecorder {
    /// One with so many packets of three points; `first` tells recordings apart.
    #[must_use]
    pub fn with(first: usize, packets: usize) -> Self {
        let three = |number: usize| {
            let (saturation, rate) = (85 + turning(number, 15), 100 + turning(number / 15, 100));
            packet(0x0f, &[saturation, rate, saturation, rate, saturation, rate])
        };
        Self { packets: (first..first + packets).map(three).collect(), ..Self::default() }
    }
}

impl Device for NewerRecorder {
    fn is_plugged_in(&mut self) {
        self.command.clear();
    }

    fn hears(&mut self, byte: u8, _kept: usize) -> Vec<Vec<u8>> {
        self.command.push(byte);
        if self.command.len() < 9 {
            return Vec::new();
        }
        let heard = std::mem::take(&mut self.command);
        if heard == command([0xa6, 1, 1, 0, 0, 0, 0]) {
            return vec![self.packets.concat()];
        }
        if heard != command([0xa7, 0, 0, 0, 0, 0, 0]) {
            self.wrongs.note(format!("not a command: {}", hex(&heard)));
        }
        Vec::new()
    }

    fn records(&self) -> Vec<Vec<u8>> {
        pieces(&self.packets)
    }

    fn wrongs(&self) -> &[String] {
        self.wrongs.all()
    }
}
