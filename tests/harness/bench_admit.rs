//! What a request costs the service between the socket and the store and back, stage by stage.
//!
//! Beside it stand probes of the same run: copying its body, reading it as JSON of any form, and verifying its signature by
//! the crate that hubs sign with.
//!
//! Figures are for reading and comparing, not for passing or failing: the machine under a test is nobody's promise.

use crate::{
    bench::Figures,
    bench_codecs::kind_of,
    clock::time_of,
    service::MORNING,
    signed_client::{Call, TestHub},
    trouble::{Doing, Trouble},
};
use actix_web::{HttpRequest, test::TestRequest};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use chrono::TimeDelta;
use device_codecs::{Frame, FrameBytes, decode};
use httpsig::prelude::{AlgorithmName, HttpSignatureHeaders, PublicKey, VerifyingKey};
use hub_agent::{
    admit::{HubContext, admit as made_of},
    assign::{Binding, Bindings, User},
};
use ingest::{
    access::{Access, HubEntry, HubRegistry},
    admit::admit,
    decide::ByPlan,
    disk::Folder,
    http::{
        batches::sort,
        receipt,
        signature::{Signed, verify},
    },
    store::{
        Store,
        embedded::{EmbeddedStore, StoreKeys},
    },
};
use serde::Deserialize;
use serde_json::value::RawValue;
use std::{collections::BTreeMap, fmt, hint::black_box, sync::Arc};
use vitals::{
    ClockOffset, HubId, PatientId, Reading, SourceId,
    wire::v1::{self, lent},
};

/// The public cases, one JSON object a line.
const PUBLIC: &str = include_str!("../vectors/devices.jsonl");

/// The hub and the person of the requests.
const HUB: &str = "hub-a";
const PERSON: &str = "pt-4c1e";

/// Readings in a request.
const SIZES: [u32; 3] = [1, 10, 100];

/// Readings in one measured round, whatever the size of a request.
const ROUND_READINGS: u32 = 1_000;

/// Rounds of a stage: the fastest is told, which other work on the machine disturbs least.
const ROUNDS: usize = 201;
const ROUNDS_QUICK: usize = 21;

#[derive(Deserialize)]
struct Case {
    characteristic_or_frame: String,
    hex: String,
}

/// One stage's figure for a request of one size.
#[derive(Debug, Clone, PartialEq)]
struct Row {
    readings: u32,
    stage: &'static str,
    us: f64,
}

/// All stages' figures.
#[derive(Debug, Clone, PartialEq)]
pub struct Table(Vec<Row>);

/// Measures every stage at every size.
///
/// # Errors
/// [`Trouble`] where no request can be made of the cases, or one is not taken.
pub fn measure(is_quick: bool) -> Result<Table, Trouble> {
    let rounds = if is_quick { ROUNDS_QUICK } else { ROUNDS };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().doing("start the runtime")?;
    let mut rows = Vec::new();
    for readings in SIZES {
        let request = Request::new(readings)?;
        let stage = |stage: &'static str, work: &mut dyn FnMut()| {
            rows.push(Row { readings, stage, us: fastest_us(ROUND_READINGS / readings, rounds, work) });
        };
        request.measure(&runtime, stage)?;
    }
    Ok(Table(rows))
}

/// A signed request, as it comes off the socket.
struct Request {
    readings: u32,
    hubs: HubRegistry,
    public_key: [u8; 32],
    call: Call,
    head: HttpRequest,
}

impl Request {
    fn new(readings: u32) -> Result<Self, Trouble> {
        let hub = TestHub::new(HUB, [7; 32]).doing("make a hub's key")?;
        let public_key = hub.key().public_key().doing("take its public half")?;
        let patients = [PatientId::parse(PERSON).doing("name a person")?].into();
        let id = HubId::parse(HUB).doing("name a hub")?;
        let hubs = HubRegistry::new([(id, HubEntry { public_key, patients })].into());
        let wire = heard(readings)?.iter().map(v1::Reading::from).collect();
        let batch = v1::Batch { made_at: v1::moment(MORNING), lane: v1::Lane::Live, readings: wire };
        let body = serde_json::to_vec(&batch).doing("write a batch")?;
        let call = hub.signed(body, MORNING).doing("sign a request")?;
        let mut head = TestRequest::post().uri(&call.target);
        for (name, value) in &call.headers {
            head = head.insert_header((name.as_str(), value.as_str()));
        }
        Ok(Self { readings, hubs, public_key, call, head: head.to_http_request() })
    }

    /// Each stage once to be sure that it does its work, and then for its figure.
    fn measure(
        &self,
        runtime: &tokio::runtime::Runtime,
        mut stage: impl FnMut(&'static str, &mut dyn FnMut()),
    ) -> Result<(), Trouble> {
        let body = &self.call.body;
        stage("probe: copy the body", &mut || drop(black_box(black_box(body).clone())));
        stage("probe: read any JSON", &mut || {
            drop(black_box(serde_json::from_slice::<serde_json::Value>(black_box(body))));
        });
        if !self.is_verified_by_httpsig() {
            return Err(Trouble::new("verify a signature", "httpsig does not take it"));
        }
        stage("probe: httpsig verifies", &mut || {
            black_box(self.is_verified_by_httpsig());
        });

        let signed = self.verified()?;
        stage("verify the signature", &mut || drop(black_box(self.verified())));
        signed.covers(body).map_err(|code| Trouble::new("check the digest", code.code()))?;
        stage("check the digest", &mut || {
            black_box(signed.covers(black_box(body)).is_ok());
        });
        let batch: v1::Batch<&RawValue> = serde_json::from_slice(body).doing("read a batch")?;
        stage("read the batch", &mut || {
            drop(black_box(serde_json::from_slice::<v1::Batch<&RawValue>>(black_box(body))));
        });
        let readings = batch.readings.iter().map(|json| serde_json::from_str(json.get()));
        let readings: Vec<lent::Reading<'_>> = readings.collect::<Result<_, _>>().doing("read a reading")?;
        stage("read each reading", &mut || {
            for json in &batch.readings {
                drop(black_box(serde_json::from_str::<lent::Reading<'_>>(black_box(json).get())));
            }
        });
        for reading in &readings {
            let admitted = admit(reading, signed.hub().id(), MORNING, MORNING);
            admitted.map_err(|code| Trouble::new("admit a reading", code.code()))?;
        }
        stage("admit each reading", &mut || {
            for reading in &readings {
                drop(black_box(admit(black_box(reading), signed.hub().id(), MORNING, MORNING)));
            }
        });
        stage("read, admit and sort", &mut || {
            drop(black_box(sort(black_box(&batch.readings), &signed, MORNING, MORNING)));
        });

        let (slices, places) = sort(&batch.readings, &signed, MORNING, MORNING);
        let answers = runtime.block_on(async {
            let folder = tempfile::tempdir().doing("make a folder")?;
            let keys = StoreKeys { chain: [0xc; 32] };
            let store = EmbeddedStore::open(Arc::new(Folder::new(folder.path())), keys).doing("open a store")?;
            let who = Access::hub(signed.hub());
            let answers = store.apply(&who, slices, Arc::new(ByPlan::default()), MORNING).await;
            store.close().await;
            Ok::<_, Trouble>(answers)
        })?;
        let json = receipt::write(&places, &answers, |_person| true, MORNING);
        let json = json.map_err(|code| Trouble::new("write a receipt", code.code()))?;
        let receipt: v1::Receipt = serde_json::from_slice(&json).doing("read a receipt")?;
        let stored = receipt.readings.iter().filter(|line| line.outcome == v1::Outcome::Stored).count();
        if u32::try_from(stored) != Ok(self.readings) {
            return Err(Trouble::new("store a request", format!("only {stored} of its readings were stored")));
        }
        stage("write the receipt", &mut || {
            drop(black_box(receipt::write(&places, black_box(&answers), |_person| true, MORNING)));
        });
        stage("probe: the receipt as JSON", &mut || drop(black_box(serde_json::to_vec(black_box(&receipt)))));
        Ok(())
    }

    fn verified(&self) -> Result<Signed, Trouble> {
        verify(self.head.head(), &self.hubs, MORNING).map_err(|code| Trouble::new("verify a request", code.code()))
    }

    /// The crate's parsing and its Ed25519, without building what was signed, which costs it some microseconds more.
    fn is_verified_by_httpsig(&self) -> bool {
        let header = |name| self.call.header(name).unwrap_or_default();
        let Ok(labelled) = HttpSignatureHeaders::try_parse(header("signature"), header("signature-input")) else {
            return false;
        };
        let input = header("signature-input").strip_prefix("hub=").unwrap_or_default();
        let lines = [
            "\"@method\": POST\n\"@path\": /v1/batches\n\"@query\": ?\n\"content-type\": application/json\n",
            "\"content-encoding\": identity\n\"content-digest\": ",
            header("content-digest"),
            "\n\"@signature-params\": ",
            input,
        ];
        let signature = labelled.get("hub").map(|signed| signed.signature().to_string()).unwrap_or_default();
        let key = PublicKey::from_bytes(&AlgorithmName::Ed25519, &self.public_key);
        let (Ok(key), Ok(signature)) = (key, STANDARD.decode(signature)) else { return false };
        key.verify(lines.concat().as_bytes(), &signature).is_ok()
    }
}

/// Readings as a hub makes them of the public cases, each from a device of its own.
fn heard(count: u32) -> Result<Vec<Reading>, Trouble> {
    let (hub, patient) = (HubId::parse(HUB).doing("name a hub")?, PatientId::parse(PERSON).doing("name a person")?);
    let hub = HubContext { hub, boot: [1; 8], zone: chrono_tz::Europe::London };
    let mut frames = Vec::new();
    for line in PUBLIC.lines() {
        let case: Case = serde_json::from_str(line).doing("read a case")?;
        let Some(kind) = kind_of(&case.characteristic_or_frame) else { continue };
        if let Ok(bytes) = FrameBytes::new(vitals::hex::decode(&case.hex).doing("read a case's bytes")?) {
            frames.push((kind, bytes));
        }
    }
    let mut readings = Vec::new();
    let mut number = 0_u32;
    for (kind, bytes) in frames.iter().cycle().take(frames.len() * ROUND_READINGS.try_into().unwrap_or(1)) {
        number += 1;
        let device = SourceId::device("Invented Devices", &format!("SN-{number:05}")).doing("name a device")?;
        let frame = Frame {
            device: device.clone(),
            kind: *kind,
            bytes: bytes.clone(),
            seen_at: MORNING - TimeDelta::microseconds(1_234_567),
            clock: ClockOffset::ReadAtConnection { device_ahead_secs: 0 },
            counts_from: None,
        };
        let binding = Binding { source: device, user: User::Any, patient: patient.clone() };
        let bindings = Bindings::new([binding]).doing("bind a device")?;
        let reading = made_of(&frame, decode(&frame), &bindings, &hub);
        if reading.value.measured().is_some() {
            readings.push(reading);
        }
        if u32::try_from(readings.len()) == Ok(count) {
            return Ok(readings);
        }
    }
    Err(Trouble::new("make readings", "the cases give too few"))
}

/// Microseconds a request, in the fastest of the rounds.
fn fastest_us(requests: u32, rounds: usize, work: &mut dyn FnMut()) -> f64 {
    let times = (0..rounds).map(|_| time_of(|| (0..requests).for_each(|_| work())));
    times.min().unwrap_or_default().as_secs_f64() * 1e6 / f64::from(requests)
}

impl Figures for Table {
    fn named(&self) -> BTreeMap<String, f64> {
        let name = |row: &Row| format!("{} of {} readings, us", row.stage, row.readings);
        self.0.iter().map(|row| (name(row), row.us)).collect()
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut copied = 1.0;
        writeln!(f, "{:>8} {:<28} {:>10} {:>11} {:>8}", "readings", "stage", "us", "us/reading", "copies")?;
        for Row { readings, stage, us } in &self.0 {
            if *stage == "probe: copy the body" {
                copied = *us;
            }
            let each = us / f64::from(*readings);
            writeln!(f, "{readings:>8} {stage:<28} {us:>10.2} {each:>11.3} {:>7.0}×", us / copied)?;
        }
        write!(f, "the fastest of many rounds, one thread; copies: how often the body could have been copied meanwhile")
    }
}
