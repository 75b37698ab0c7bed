//! What the hub's tests share: a hand-set clock, recorded events, a screen that remembers, invented people and cuffs,
//! and a tiny real HTTP server on loopback.

use crate::{
    agent::Parts,
    assign::{Binding, Bindings, User},
    clock::Clock,
    config::{Config, Server},
    disk::Folder,
    events::{Events, HubEvent},
    net::TcpNetwork,
    prompt::{Instruction, Screen},
    rng::{NoRandomness, Randomness},
    uplink::sign::HubKey,
};
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use device_codecs::{Frame, FrameBytes, FrameKind};
use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader, Read, Write},
    net::TcpListener,
    path::Path,
    sync::{Arc, Mutex},
    thread::JoinHandle,
    time::Duration,
};
use vitals::{
    ClockOffset, HubId, PatientId, SourceId,
    wire::{
        hello::Hello,
        v1::{self, Batch, Outcome, Receipt, ReceiptLine},
    },
};

pub(crate) const CAPTURE_UA651: &str = "1686004d006400e10701100d00183d000000";
pub(crate) const CAPTURE_NAN: &str = "16ff07ff07ff07e107011000391cff070000";
pub(crate) const CAPTURE_RESERVED_BITS: &str = "de88f420f3ff07e4070113163700bcf2014401";

pub(crate) fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

pub(crate) fn noon() -> DateTime<Utc> {
    at("2026-06-01T12:00:00Z")
}

pub(crate) fn cuff() -> SourceId {
    SourceId::device("A&D Medical", "5161000042").unwrap()
}

pub(crate) fn patient() -> PatientId {
    PatientId::parse("pt-4c1e").unwrap()
}

pub(crate) fn frame(hex: &str, seen_at: DateTime<Utc>, clock: ClockOffset) -> Frame {
    let bytes = FrameBytes::new(vitals::hex::decode(hex).unwrap()).unwrap();
    Frame { device: cuff(), kind: FrameKind::BloodPressure, bytes, seen_at, clock, counts_from: None }
}

/// 182/118 taken on 1 June 2026 at this minute past 12 local time (11 in UTC), heard at noon in UTC, the clock read.
/// From minute 30 on it is live at noon.
pub(crate) fn june_frame(minute: u8) -> Frame {
    let hex = format!("16b6007600ff07ea0706010c{minute:02x}0060000000");
    frame(&hex, noon(), ClockOffset::ReadAtConnection { device_ahead_secs: 0 })
}

pub(crate) struct HandClock(Mutex<DateTime<Utc>>, Mutex<Vec<Duration>>);

impl HandClock {
    pub(crate) fn new(now: DateTime<Utc>) -> Self {
        Self(Mutex::new(now), Mutex::default())
    }

    pub(crate) fn set(&self, now: DateTime<Utc>) {
        *self.0.lock().unwrap() = now;
    }

    pub(crate) fn slept(&self) -> Vec<Duration> {
        self.1.lock().unwrap().clone()
    }
}

#[async_trait]
impl Clock for HandClock {
    fn now(&self) -> DateTime<Utc> {
        *self.0.lock().unwrap()
    }

    async fn sleep(&self, how_long: Duration) {
        // Noted only at its end: a sleep cut short is no sleep.
        tokio::task::yield_now().await;
        self.1.lock().unwrap().push(how_long);
        *self.0.lock().unwrap() += how_long;
    }
}

/// Counts up, so that runs are equal.
#[derive(Default)]
pub(crate) struct CountingBytes(Mutex<u8>);

impl Randomness for CountingBytes {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), NoRandomness> {
        let mut last = self.0.lock().unwrap();
        *last = last.wrapping_add(1);
        bytes.fill(*last);
        Ok(())
    }
}

#[derive(Default)]
pub(crate) struct Recorded(Mutex<Vec<HubEvent>>);

impl Recorded {
    pub(crate) fn all(&self) -> Vec<HubEvent> {
        self.0.lock().unwrap().clone()
    }

    pub(crate) fn names(&self) -> Vec<&'static str> {
        self.all().iter().map(HubEvent::name).collect()
    }
}

impl Events for Recorded {
    fn emit(&self, event: &HubEvent) {
        crate::events::LogEvents.emit(event);
        self.0.lock().unwrap().push(event.clone());
    }
}

#[derive(Default)]
pub(crate) struct Shown(Mutex<Vec<Instruction>>);

impl Shown {
    pub(crate) fn texts(&self) -> Vec<String> {
        self.0.lock().unwrap().iter().map(|instruction| instruction.text.clone()).collect()
    }
}

impl Screen for Shown {
    fn show(&self, instruction: &Instruction) {
        self.0.lock().unwrap().push(instruction.clone());
    }
}

/// Everything an agent needs, and handles to look at.
pub(crate) struct Fixture {
    pub(crate) clock: Arc<HandClock>,
    pub(crate) events: Arc<Recorded>,
    pub(crate) screen: Arc<Shown>,
    pub(crate) parts: Parts,
}

pub(crate) fn fixture(folder: &Path) -> Fixture {
    let (clock, events, screen) =
        (Arc::new(HandClock::new(noon())), Arc::new(Recorded::default()), Arc::new(Shown::default()));
    let parts = Parts {
        clock: clock.clone(),
        randomness: Arc::new(CountingBytes::default()),
        disk: Arc::new(Folder::open(folder).unwrap()),
        network: Arc::new(TcpNetwork),
        events: events.clone(),
        screen: screen.clone(),
    };
    Fixture { clock, events, screen, parts }
}

pub(crate) const SEED: [u8; 32] = [7; 32];

pub(crate) fn config(server: &str, folder: &Path) -> Config {
    Config {
        hub: HubId::parse("hub-a").unwrap(),
        server: Server::parse(server).unwrap(),
        service_key: None,
        data_folder: folder.to_owned(),
        key: HubKey::from_seed(SEED).unwrap(),
        bindings: Bindings::new([Binding { source: cuff(), user: User::Any, patient: patient() }]).unwrap(),
        bluetooth: None,
        serial: Vec::new(),
    }
}

/// A request as the server saw it.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) line: String,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: Vec<u8>,
}

impl Seen {
    /// The body's JSON, unpacked where it is packed.
    pub(crate) fn json(&self) -> Vec<u8> {
        let mut json = Vec::new();
        match self.headers["content-encoding"].as_str() {
            "gzip" => drop(flate2::read::GzDecoder::new(self.body.as_slice()).read_to_end(&mut json).unwrap()),
            _ => json.clone_from(&self.body),
        }
        json
    }

    pub(crate) fn batch(&self) -> Batch {
        serde_json::from_slice(&self.json()).unwrap()
    }

    pub(crate) fn hello(&self) -> Hello {
        serde_json::from_slice(&self.json()).unwrap()
    }

    pub(crate) fn ids(&self) -> Vec<String> {
        self.batch().readings.into_iter().map(|reading| reading.id).collect()
    }

    pub(crate) fn nonce(&self) -> String {
        let input = &self.headers["signature-input"];
        input.split("nonce=\"").nth(1).unwrap().split('"').next().unwrap().to_owned()
    }
}

/// What the server does with a request.
pub(crate) enum Reply {
    /// Closes the connection without a word: the answer is lost.
    Lost,
    /// Answers with status, one more header line (may be empty) and body.
    Answer(u16, &'static str, Vec<u8>),
}

/// A server on a real loopback socket that answers its script, one reply for each request, and then ends.
pub(crate) struct ScriptedServer {
    pub(crate) url: String,
    thread: JoinHandle<Vec<Seen>>,
}

impl ScriptedServer {
    pub(crate) fn start(script: Script) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let thread = std::thread::spawn(move || {
            let mut seen = Vec::new();
            for reply in script {
                let (mut stream, _) = listener.accept().unwrap();
                let request = read_request(&mut BufReader::new(&stream));
                if let Reply::Answer(status, header, body) = reply(&request) {
                    let header = if header.is_empty() { String::new() } else { format!("{header}\r\n") };
                    let length = body.len();
                    write!(
                        stream,
                        "HTTP/1.1 {status} -\r\n{header}content-length: {length}\r\nconnection: close\r\n\r\n"
                    )
                    .unwrap();
                    // The client may hang up on an answer that is too long.
                    drop(stream.write_all(&body));
                }
                seen.push(request);
            }
            seen
        });
        Self { url, thread }
    }

    /// The requests seen, once the script has been played to its end.
    pub(crate) fn seen(self) -> Vec<Seen> {
        self.thread.join().unwrap()
    }
}

fn read_request(reader: &mut impl BufRead) -> Seen {
    let mut next = || {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    };
    let line = next();
    let mut headers = BTreeMap::new();
    loop {
        let header = next();
        let Some((name, value)) = header.split_once(": ") else { break };
        headers.insert(name.to_ascii_lowercase(), value.to_owned());
    }
    let mut body = vec![0; headers["content-length"].parse().unwrap()];
    reader.read_exact(&mut body).unwrap();
    Seen { line, headers, body }
}

/// A receipt that says `outcome` of every reading, with a prompt for each where a text is given.
pub(crate) fn receipt(seen: &Seen, outcome: Outcome, prompt: Option<v1::Prompt>) -> Vec<u8> {
    let line = |(position, id): (usize, String)| ReceiptLine {
        position,
        id,
        outcome,
        code: None,
        message: None,
        verdict: None,
        prompts: prompt.clone().into_iter().collect(),
        chain_head: None,
    };
    let readings = seen.ids().into_iter().enumerate().map(line).collect();
    serde_json::to_vec(&Receipt { received_at: v1::moment(noon()), readings }).unwrap()
}

pub(crate) type Script = Vec<Box<dyn FnOnce(&Seen) -> Reply + Send>>;

pub(crate) fn stored() -> Box<dyn FnOnce(&Seen) -> Reply + Send> {
    Box::new(|seen| Reply::Answer(200, "", receipt(seen, Outcome::Stored, None)))
}

pub(crate) fn answer(status: u16, header: &'static str, body: &'static str) -> Box<dyn FnOnce(&Seen) -> Reply + Send> {
    Box::new(move |_| Reply::Answer(status, header, body.as_bytes().to_vec()))
}
