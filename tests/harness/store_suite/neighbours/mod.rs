//! What goes wrong in one slice never touches another: not in its request, and not in a commit they share.

mod faults;

use super::{
    Check, Fails, Holds, Plant,
    cast::{actor, at, calm, hub, pt, red, slice, staff},
    ensure,
    gate::{Held, begin},
    same,
    shapes::{ChangesDecisions, Decided},
    stage::{Door, Stage, Troubled, stored},
};
use chrono::{DateTime, Utc};
use faults::{DropsWhatPanics, OneByOne, OtherOrder, PanicIsCalm, WholeCommit, WholeRequest};
use futures_util::future::{BoxFuture, join_all};
use ingest::{
    access::{Access, Purpose},
    store::{ApplyError, Decide, Outcome, Slice, Subject},
};
use rules::{Audience, Event, Refused, Verdict};
use std::sync::Arc;
use vitals::{AlertId, ErrorCode, PatientId, wire::signing::RequestNumber};

/// For whom the rules panic, and for whom their stand-in does too.
const PANICS: usize = 2;
const PANICS_TWICE: usize = 3;

/// How many neighbours share a commit with what goes wrong.
const NEIGHBOURS: usize = 20;

pub(super) fn checks() -> Vec<Check> {
    vec![
        Check {
            name: "a panic in one person's slice leaves the others of its request alone",
            run: |stage| Box::pin(panic_in_a_request(stage)),
            plants: vec![
                Plant::new("a request is taken back whole", || WholeRequest),
                Plant::new("answers stand in another order than the slices", || OtherOrder),
                Plant::new("a reading is dropped where its rule panics", || DropsWhatPanics),
                Plant::new("a panic is taken for a verdict", || PanicIsCalm),
            ],
        },
        Check {
            name: "a panic in one request leaves the others of its commit alone",
            run: |stage| Box::pin(panic_in_a_commit(stage)),
            plants: vec![Plant::new("a commit is taken back whole", WholeCommit::default)],
        },
        Check {
            name: "a refusal leaves the other slices of its request and of its commit alone",
            run: |stage| Box::pin(refusal(stage)),
            plants: vec![
                Plant::new("a request is taken back whole", || WholeRequest),
                Plant::new("a commit is taken back whole", WholeCommit::default),
                Plant::new("a refusal is passed over", || {
                    ChangesDecisions(|decided: Decided<'_>| decided.decisions.refused = None)
                }),
            ],
        },
        Check {
            name: "a slice that fails half way takes back what it had written",
            run: |stage| Box::pin(half_way(stage)),
            plants: vec![Plant::new("the events of a slice are stored one by one", || OneByOne)],
        },
    ]
}

fn panicking(stage: &Stage) -> Arc<dyn Decide> {
    Arc::new(Troubled {
        rules: Arc::clone(&stage.decide),
        #[expect(clippy::manual_assert, clippy::panic, reason = "this is the fault that is planted")]
        trouble: |patient: &PatientId, is_stand_in: bool| {
            if *patient == pt(PANICS_TWICE) || (*patient == pt(PANICS) && !is_stand_in) {
                panic!("planted: a rule that panics");
            }
        },
    })
}

async fn panic_in_a_request(stage: &mut Stage) -> Holds {
    let door = stage.by(panicking(stage));
    let all = [5, PANICS, 4, PANICS_TWICE, 1].map(|person| red(person, 1, 0));
    let answers = door.apply(&door.hub(&hub(0))?, all.iter().map(slice).collect(), at(1)).await?;
    for (admitted, answer) in all.iter().zip(answers) {
        let patient = &admitted.reading.who;
        if admitted.reading.source == super::cast::cuff(PANICS_TWICE) {
            ensure(
                matches!(answer, Err(ApplyError::Unavailable(_))),
                "who cannot even be kept unjudged is answered so",
            )?;
            continue;
        }
        let outcome = answer?;
        let reading = super::only(outcome.readings, "outcomes of one reading")?;
        let verdict = stored(&reading)?;
        ensure(
            matches!(&reading, ingest::store::ReadingOutcome::Stored { id, .. } if *id == admitted.reading.id),
            "answers stand in the order of the slices",
        )?;
        let is_unjudged = *verdict == Verdict::unevaluated(ErrorCode::RulePanicked);
        same(&is_unjudged, &(admitted.reading.source == super::cast::cuff(PANICS)), &format!("unjudged: {patient:?}"))?;
        let alert = super::only(outcome.alerts, "alerts of one red")?;
        let audience = if is_unjudged { Audience::Technical } else { Audience::Clinical };
        same(&(alert.audience, outcome.jobs), &(audience, 1), "who is told")?;
    }
    is_kept(&door, &[5, 4, PANICS, 1], &[PANICS_TWICE]).await?;
    let waiting = super::only(door.unevaluated().await?, "readings that wait to be judged")?;
    same(&waiting.reading.source, &super::cast::cuff(PANICS), "what waits to be judged")
}

/// Whether these people have one reading each, and those none.
async fn is_kept(door: &Door, kept: &[usize], not: &[usize]) -> Holds {
    let readings = door.readings().await?;
    let count =
        |person: usize| readings.iter().filter(|stored| stored.reading.source == super::cast::cuff(person)).count();
    for person in kept {
        same(&count(*person), &1, &format!("readings of {}", pt(*person)))?;
    }
    for person in not {
        same(&count(*person), &0, &format!("readings of {}", pt(*person)))?;
    }
    Ok(())
}

type Asked = BoxFuture<'static, Result<Vec<Result<Outcome, ApplyError>>, Fails>>;

/// Sends requests so that they wait together behind one that is held up, and gives back what each came to.
async fn together(stage: &Stage, requests: Vec<Asked>) -> Result<Vec<Vec<Result<Outcome, ApplyError>>>, Fails> {
    let held = Held::at_the_gate(&stage.door()).await?;
    let mut waiting = Vec::new();
    for mut request in requests {
        let answered = begin(&mut request).await;
        waiting.push(async move {
            match answered {
                Some(answer) => answer,
                None => request.await,
            }
        });
    }
    let (opened, answers) = tokio::join!(held.open(), join_all(waiting));
    opened?;
    answers.into_iter().collect()
}

fn ask(door: Door, who: Access, slices: Vec<Slice>, at: DateTime<Utc>) -> Asked {
    Box::pin(async move { door.apply(&who, slices, at).await })
}

async fn panic_in_a_commit(stage: &mut Stage) -> Holds {
    let (door, access) = (stage.by(panicking(stage)), stage.hub(&hub(0))?);
    let people: Vec<usize> = (0..NEIGHBOURS).collect();
    let requests = people
        .iter()
        .map(|person| ask(door.clone(), access.clone(), vec![slice(&red(*person, 1, 0))], at(1)))
        .collect();
    for (person, answers) in people.iter().zip(together(stage, requests).await?) {
        let answer = super::only(answers, "answers to one slice")?;
        match (*person, answer) {
            (PANICS_TWICE, answer) => ensure(matches!(answer, Err(ApplyError::Unavailable(_))), "it says so")?,
            (person, answer) => {
                let reading = super::only(answer?.readings, "outcomes of one reading")?;
                let is_unjudged = *stored(&reading)? == Verdict::unevaluated(ErrorCode::RulePanicked);
                same(&is_unjudged, &(person == PANICS), &format!("unjudged: {}", pt(person)))?;
            }
        }
    }
    let kept: Vec<usize> = people.into_iter().filter(|person| *person != PANICS_TWICE).collect();
    is_kept(&stage.door(), &kept, &[PANICS_TWICE]).await
}

fn take(patient: usize, alert: AlertId) -> Slice {
    let events = vec![Event::Acknowledged { alert, by: actor("ada"), note: None }];
    Slice { subject: Subject::Patient(pt(patient)), events }
}

async fn refusal(stage: &mut Stage) -> Holds {
    let known = super::only(stage.offer(&red(2, 1, 0), at(1)).await?.alerts, "alerts of one red")?;
    let also = super::only(stage.offer(&red(4, 1, 0), at(1)).await?.alerts, "alerts of one red")?;
    let unknown = AlertId::derive(&[b"no such alert"]);
    let ada = staff("ada", &[1, 2, 4]);
    let not_open = |answer: &Result<_, ApplyError>| matches!(answer, Err(ApplyError::Refused(Refused::NotOpen)));
    // In one request.
    let answers = stage.apply(&ada, vec![take(2, known.id), take(1, unknown)], at(2)).await?;
    ensure(matches!(answers.as_slice(), [Ok(_), refused] if not_open(refused)), "one is taken and one refused")?;
    // In one commit, with readings of others.
    let hub_access = stage.hub(&hub(0))?;
    let mut requests = vec![
        ask(stage.door(), ada.clone(), vec![take(1, unknown)], at(3)),
        ask(stage.door(), ada.clone(), vec![take(4, also.id)], at(3)),
    ];
    let people: Vec<usize> = (5..5 + NEIGHBOURS).collect();
    let reading = |person: &usize| ask(stage.door(), hub_access.clone(), vec![slice(&calm(*person, 1, 0))], at(3));
    requests.extend(people.iter().map(reading));
    let mut answers = together(stage, requests).await?.into_iter().flatten();
    ensure(answers.next().is_some_and(|answer| not_open(&answer)), "what is not open is refused")?;
    for answer in answers {
        answer?;
    }
    is_kept(&stage.door(), &people, &[1]).await?;
    for alert in [known.id, also.id] {
        let shown = stage.store.alert(&ada, alert).await?;
        let is_taken = shown.is_some_and(|alert| matches!(alert.workflow, rules::Workflow::Acknowledged { .. }));
        ensure(is_taken, "what was taken beside a refusal stays taken")?;
    }
    Ok(())
}

async fn half_way(stage: &mut Stage) -> Holds {
    let access = stage.hub(&hub(0))?;
    let take = |sequences: &[u64]| {
        let received =
            |sequence: &u64| Event::Received { hub: hub(0), number: RequestNumber { epoch: 1, sequence: *sequence } };
        vec![Slice { subject: Subject::Service, events: sequences.iter().map(received).collect() }]
    };
    let answer = super::only(stage.apply(&access, take(&[1, 2, 2]), at(1)).await?, "answers to one slice")?;
    ensure(matches!(answer, Err(ApplyError::Replayed)), "a number that comes twice is refused")?;
    let window = stage.store.replay_window(&Access::system(Purpose::Receive), &hub(0)).await?;
    same(&window, &None, "the window after a slice that failed")?;
    same(&stage.changes().await?, &Vec::new(), "changes after a slice that failed")?;
    super::only(stage.apply(&access, take(&[1, 2]), at(2)).await?, "answers to one slice")??;
    Ok(())
}
