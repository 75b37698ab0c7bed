//! Whatever is repeated is stored once and says the same the second time; what differs is kept beside it.

use super::{
    Check, Holds, Plant,
    cast::{at, calm, heard_by, hub, red, slice_of, staff},
    ensure,
    fault::{Fault, Read},
    same,
    shapes::{ChangesReadings, ChangesSlices, LosesVerdicts, readings_of, salt},
    stage::{Stage, duplicate, far, stored},
};
use async_trait::async_trait;
use ingest::{
    access::Access,
    store::{ReadingOutcome, Store, StoredRefusal, Subject},
};
use rules::{Event, Verdict, event::RefusedReading};
use vitals::{Admitted, ErrorCode, RawFrame, Value};

pub(super) fn checks() -> Vec<Check> {
    vec![
        Check {
            name: "a duplicate repeats the first verdict and prompts, also once the store was opened again",
            run: |stage| Box::pin(repeats(stage)),
            plants: vec![
                Plant::of_hubs("the verdict is not kept", |hubs| LosesVerdicts::new(hubs, false)),
                Plant::of_hubs("the verdict is kept in memory only", |hubs| LosesVerdicts::new(hubs, true)),
                Plant::new("what is known is kept in memory only", || {
                    ChangesReadings::new(|admitted, since| {
                        if since.reopened > 0 {
                            salt(admitted, &since.reopened.to_le_bytes());
                        }
                    })
                }),
            ],
        },
        Check {
            name: "what comes twice in one slice is judged once",
            run: |stage| Box::pin(twice_in_a_slice(stage)),
            plants: vec![Plant::new("what is new in this slice is not known yet", || {
                ChangesSlices::new(|slice, _| {
                    for (place, admitted) in readings_of(std::slice::from_mut(slice)).enumerate() {
                        salt(admitted, &place.to_le_bytes());
                    }
                })
            })],
        },
        Check {
            name: "a conflict is kept once for each hub and content, shown, and judged by nobody",
            run: |stage| Box::pin(conflict(stage)),
            plants: vec![
                Plant::new("other contents are taken for the same", || {
                    ChangesReadings::new(|admitted, _| admitted.reading.value = calm(1, 1, 0).reading.value)
                }),
                Plant::new("other contents are judged", || {
                    ChangesReadings::new(|admitted, _| {
                        let said = serde_json::to_vec(&admitted.reading.value).unwrap_or_default();
                        salt(admitted, &said);
                    })
                }),
                Plant::new("a conflict is shown again each time it comes", || {
                    ChangesReadings::new(|admitted, since| {
                        if admitted.reading.value != calm(1, 1, 0).reading.value {
                            admitted.reading.raw.bytes.extend(since.offered.to_le_bytes());
                        }
                    })
                }),
                Plant::new("a conflict is not shown", || HidesConflicts),
            ],
        },
        Check {
            name: "a record told again in other surroundings is the same, and another record is not",
            run: |stage| Box::pin(surroundings(stage)),
            plants: vec![
                Plant::new("what stands around a record counts", || {
                    ChangesReadings::new(|admitted, _| admitted.reading.raw.characteristic.push('x'))
                }),
                Plant::new("a record's bytes do not count", || {
                    ChangesReadings::new(|admitted, _| admitted.reading.raw.bytes.clear())
                }),
            ],
        },
        Check {
            name: "a refused reading is kept once for each hub and content, with its reason and its first time",
            run: |stage| Box::pin(refused(stage)),
            plants: vec![
                Plant::new("a refusal is kept again each time", CountsRefusals::default),
                Plant::new("refusals of two hubs are taken for one", || OneHub),
            ],
        },
    ]
}

async fn repeats(stage: &mut Stage) -> Holds {
    let reading = red(1, 1, 0);
    let first = stage.offer(&reading, at(1)).await?;
    let told = super::only(first.readings.clone(), "outcomes of one reading")?;
    let Verdict::Evaluated { alerts, prompts, late } = stored(&told)?.clone() else {
        return ensure(false, "the red is judged");
    };
    same(&(alerts.len(), prompts.len(), late), &(1, 1, false), "what the red says")?;
    same(&(first.alerts.len(), first.jobs), &(1, 1), "what the red makes")?;
    for secs in [60, 120] {
        let again = stage.offer(&reading, at(secs)).await?;
        let outcome = super::only(again.readings, "outcomes of one reading")?;
        same(&duplicate(&outcome)?, &Some(stored(&told)?), "the verdict told again")?;
        same(&(again.alerts.len(), again.jobs, again.chain_head), &(0, 0, first.chain_head), "what a duplicate makes")?;
        stage.reopen().await?;
    }
    same(&stage.readings().await?.len(), &1, "readings")?;
    same(&stage.alerts().await?.len(), &1, "alerts")?;
    same(&stage.lease(far(), at(200)).await?.len(), &1, "notifications")
}

async fn twice_in_a_slice(stage: &mut Stage) -> Holds {
    let (first, other, second) = (red(1, 1, 0), calm(1, 1, 0), calm(1, 2, 5));
    let slice = slice_of(&[first.clone(), first.clone(), other, second]);
    let outcome = super::only(stage.apply(&stage.hub(&hub(0))?, vec![slice], at(9)).await?, "answers to one slice")??;
    let [new, again, conflict, calm] = outcome.readings.as_slice() else {
        return same(&outcome.readings.len(), &4, "outcomes of four readings");
    };
    same(&duplicate(again)?, &Some(stored(new)?), "the verdict told again")?;
    same(conflict, &ReadingOutcome::Conflict { id: first.reading.id }, "other contents")?;
    stored(calm)?;
    same(&stage.readings().await?.len(), &2, "readings")?;
    same(&stage.refusals().await?.len(), &1, "conflicts shown")?;
    same(&stage.alerts().await?.len(), &1, "alerts")
}

async fn conflict(stage: &mut Stage) -> Holds {
    let first = calm(1, 1, 0);
    stored(&stage.tell(&first, at(1)).await?)?;
    let others: [Admitted; 2] = [red(1, 1, 0), super::cast::amber(1, 1, 0)];
    for secs in [2, 60] {
        for other in &others {
            let outcome = stage.offer(other, at(secs)).await?;
            same(&outcome.readings, &vec![ReadingOutcome::Conflict { id: first.reading.id }], "other contents")?;
            same(&(outcome.alerts.len(), outcome.jobs), &(0, 0), "what a conflict makes")?;
        }
        stage.reopen().await?;
    }
    let shown = stage.store.refusals(&staff("ada", &[]), super::stage::ALL).await?;
    let codes: Vec<_> = shown.iter().map(|refusal| (refusal.code, refusal.at, refusal.hub.clone())).collect();
    same(&codes, &vec![(ErrorCode::ReadingConflict, at(2), hub(0)); 2], "conflicts shown")?;
    // Staff see what their hubs sent, so what another hub sends is kept for its own.
    for secs in [70, 80] {
        stage.offer(&heard_by(&red(1, 1, 0), &hub(1), 70), at(secs)).await?;
    }
    let all: Vec<_> = stage.refusals().await?.iter().map(|refusal| (refusal.hub.clone(), refusal.at)).collect();
    same(&all, &vec![(hub(1), at(70)), (hub(0), at(2)), (hub(0), at(2))], "conflicts of both hubs")?;
    let kept = super::only(stage.readings().await?, "readings")?;
    same(&kept.reading, &first.reading, "the first stays")?;
    same(&stage.alerts().await?, &Vec::new(), "alerts")?;
    same(&duplicate(&stage.tell(&first, at(90)).await?)?, &kept.verdict.as_ref(), "the first, told again")
}

/// A Contour numbers its results anew in each transfer, and the link byte and CRC of an `UltraEasy` depend on what was
/// said before.
async fn surroundings(stage: &mut Stage) -> Holds {
    let rows = [
        ("contour_astm", &b"R|1|^^^Glucose|133"[..], &b"R|9|^^^Glucose|133"[..], &b"R|1|^^^Glucose|134"[..]),
        ("onetouch_ultraeasy", b"\x02\x06\x00AB\x03cc", b"\x02\x06\x03AB\x03dd", b"\x02\x06\x00AC\x03cc"),
    ];
    for (person, (characteristic, first, again, other)) in (1..).zip(rows) {
        let heard = |bytes: &[u8], service: &str| {
            let mut reading = calm(person, 1, 0);
            let bytes = bytes.to_vec();
            reading.reading.raw = RawFrame { service: service.into(), characteristic: characteristic.into(), bytes };
            reading
        };
        stored(&stage.tell(&heard(first, "meter"), at(1)).await?)?;
        duplicate(&stage.tell(&heard(again, "meter"), at(2)).await?)?;
        for conflict in [heard(other, "meter"), heard(first, "another")] {
            let outcome = stage.tell(&conflict, at(3)).await?;
            same(&outcome, &ReadingOutcome::Conflict { id: conflict.reading.id }, characteristic)?;
        }
    }
    // Bytes of a kind that puts nothing around its record differ wherever they differ; and so does what they mean.
    let plain = calm(5, 1, 0);
    stored(&stage.tell(&plain, at(4)).await?)?;
    let (mut longer, mut valueless) = (plain.clone(), plain.clone());
    longer.reading.raw.bytes.push(0);
    valueless.reading.value = Value::NotMeasured(vitals::NoValue::MeasurementFailed);
    for conflict in [longer, valueless] {
        let outcome = stage.tell(&conflict, at(5)).await?;
        same(&outcome, &ReadingOutcome::Conflict { id: plain.reading.id }, "other bytes, and another value")?;
    }
    Ok(())
}

async fn refused(stage: &mut Stage) -> Holds {
    for (secs, by, body) in [(1, 0, "{}"), (2, 0, "{}"), (3, 1, "{}"), (4, 0, "{ }"), (5, 0, "{}")] {
        let refused =
            RefusedReading { hub: hub(by), id: None, code: ErrorCode::UnitNotSupported, body: body.to_owned() };
        let events = vec![Event::Refused(Box::new(refused))];
        stage.one(&stage.hub(&hub(by))?, Subject::Unassigned(hub(by)), events, at(secs)).await??;
        if secs == 4 {
            stage.reopen().await?;
        }
    }
    let shown = stage.refusals().await?;
    let shown: Vec<_> = shown.iter().map(|refusal| (refusal.at, refusal.hub.clone(), refusal.code)).collect();
    let code = ErrorCode::UnitNotSupported;
    same(&shown, &vec![(at(4), hub(0), code), (at(3), hub(1), code), (at(1), hub(0), code)], "refusals, newest first")?;
    same(&event_kinds(stage).await?, &vec!["reading-refused"; 3], "changes")
}

async fn event_kinds(stage: &Stage) -> Result<Vec<&'static str>, super::Fails> {
    Ok(stage.changes().await?.iter().map(|change| change.kind).collect())
}

struct HidesConflicts;

#[async_trait]
impl Fault for HidesConflicts {
    async fn refusals(&self, real: &dyn Store, who: &Access, limit: usize) -> Read<StoredRefusal> {
        let mut refusals = real.refusals(who, limit).await?;
        refusals.retain(|refusal| refusal.code != ErrorCode::ReadingConflict);
        Ok(refusals)
    }
}

/// Makes each refusal another one by its place in time.
#[derive(Default)]
struct CountsRefusals(std::sync::atomic::AtomicUsize);

#[async_trait]
impl Fault for CountsRefusals {
    async fn apply(&self, real: &dyn Store, mut call: super::fault::Call) -> super::fault::Answers {
        for event in call.slices.iter_mut().flat_map(|slice| &mut slice.events) {
            if let Event::Refused(refused) = event {
                let count = self.0.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
                refused.body.push_str(&count.to_string());
            }
        }
        call.on(real).await
    }
}

/// Refusals by what they say, whoever sent them: the second hub's is not kept.
struct OneHub;

#[async_trait]
impl Fault for OneHub {
    async fn refusals(&self, real: &dyn Store, who: &Access, limit: usize) -> Read<StoredRefusal> {
        let mut refusals = real.refusals(who, limit).await?;
        refusals.retain(|refusal| refusal.hub == hub(0));
        Ok(refusals)
    }
}
