//! `ingest rules backtest`: what protocols would have raised over readings of the past.
//!
//! Invariants: it is the decision of the service, with a clock of arrivals and timers; nobody is told and nothing is stored.
//! What is held is of people and of alerts; of readings only those that one person's arrived at one moment.

use super::{
    super::{CommandError, StoreMaker, out, stopped::Stopped},
    PackFile, ProtocolsError, files, kept,
    lines::Lines,
    play::{Line, Playing, Staff},
    print,
    report::{self, Base, Tally},
};
use chrono::{DateTime, NaiveDate, Utc};
use clap::Args;
use rules::{
    ActivePack, Actor, Channel, Plan,
    duration::Span,
    pack::{Override, Settings},
};
use std::{
    collections::{BTreeMap, VecDeque},
    path::{Path, PathBuf},
};
use vitals::{Admitted, ErrorCode, HubId, PatientId, ReadingId, Who, bounded::Text, id::StaffId};

/// Most readings of one person that are judged together, as in a batch.
const SLICE_MAX: usize = vitals::wire::v1::BATCH_READINGS_MAX;

/// Of how many of a person's latest readings is known that they were there already.
const KNOWN_MAX: usize = 256;

/// Most lines that are named because they do not read; all are counted.
const NAMED_MAX: u64 = 100;

/// What is to be tried, and on what.
#[derive(Debug, Args)]
pub(in crate::cli) struct Asked {
    /// The protocols to try, or folders of them. They need no approval.
    #[arg(long = "packs", visible_alias = "pack", required = true, num_args = 1..)]
    packs: Vec<PathBuf>,
    /// The protocols to compare with: shows which alerts would be added, removed or moved.
    #[arg(long, num_args = 1.., conflicts_with = "json")]
    active: Vec<PathBuf>,
    /// Readings in wire form, one JSON object a line, each with its `patient`; and with `arrived_at` where that is known.
    #[arg(long, required_unless_present = "config", conflicts_with = "config")]
    readings: Option<PathBuf>,
    /// The settings of a service, which must be stopped: its own history, each person with the numbers set for them.
    #[arg(long)]
    config: Option<PathBuf>,
    /// One line of JSON for each alert instead of the report.
    #[arg(long)]
    json: bool,
    /// After what time staff are taken to take an alert, such as 15m or 1h.
    #[arg(long, default_value = "1h", value_parser = span)]
    taken_after: Span,
}

fn span(text: &str) -> Result<Span, String> {
    Span::parse(text).map_err(|error| error.to_string())
}

/// Tries them and says what came of it.
pub(super) fn run(asked: &Asked, make_store: StoreMaker) -> Result<(), CommandError> {
    let mut test = Backtest::new(asked)?;
    match (&asked.readings, &asked.config) {
        (Some(path), _) => test.over_file(path)?,
        (None, Some(config)) => {
            Stopped::work(config, make_store, |stopped| test.over_history(stopped))?;
        }
        (None, None) => {}
    }
    test.conclude()
}

/// The protocols of some files, as if they were in force.
fn plan(files: &[PackFile]) -> Result<Plan, CommandError> {
    let packs = files.iter().map(PackFile::read).collect::<Result<Vec<_>, _>>()?;
    // One channel, so that each alert is told once; nobody listens to it.
    Ok(Plan::for_backtest(packs, vec![Channel::Console]).map_err(ProtocolsError::from)?)
}

struct Backtest {
    tried: Plan,
    active: Option<Plan>,
    staff: Staff,
    taken_after: Span,
    is_json: bool,
    base: Base,
    tally: Tally,
    /// What is compared at the end: of the protocols in force, and of those that are tried.
    compared: (Vec<Line>, Vec<Line>),
    lines: u64,
    refused: u64,
}

/// One person on the way through.
struct Person {
    tried: Playing,
    active: Option<Playing>,
    /// What arrived at one moment and is not judged yet.
    waiting: Vec<Admitted>,
    known: VecDeque<ReadingId>,
    day: Option<NaiveDate>,
}

impl Backtest {
    fn new(asked: &Asked) -> Result<Self, CommandError> {
        let active = if asked.active.is_empty() { None } else { Some(plan(&files(&asked.active)?)?) };
        let by = Actor {
            id: StaffId::parse("st-backtest").map_err(ProtocolsError::from)?,
            name: Text::new("Back-test").map_err(ProtocolsError::from)?,
        };
        Ok(Self {
            tried: plan(&files(&asked.packs)?)?,
            active,
            staff: Staff { by, taken_after: asked.taken_after.delta() },
            taken_after: asked.taken_after,
            is_json: asked.json,
            base: Base::default(),
            tally: Tally::default(),
            compared: (Vec::new(), Vec::new()),
            lines: 0,
            refused: 0,
        })
    }

    /// Readings from a file: everybody at once, because their lines stand among each other.
    fn over_file(&mut self, path: &Path) -> Result<(), CommandError> {
        let file = |cause| CommandError::File { path: path.to_owned(), cause };
        let hub = HubId::parse("hub-backtest").map_err(ProtocolsError::from)?;
        let mut lines = Lines::open(path, hub).map_err(file)?;
        let mut people: BTreeMap<PatientId, Person> = BTreeMap::new();
        let each = lines.each(|number, reading| {
            self.lines = self.lines.saturating_add(1);
            match reading {
                Ok(admitted) => self.take(&mut people, admitted),
                Err(code) => self.refuse(number, code),
            }
        });
        each.map_err(file)?;
        let end = lines.end.unwrap_or(DateTime::UNIX_EPOCH);
        for person in people.into_values() {
            self.finish(person, end);
        }
        Ok(())
    }

    /// The history of a service: one person after another.
    fn over_history(&mut self, stopped: &Stopped) -> Result<(), CommandError> {
        let everybody: Vec<(PatientId, Vec<Override>)> = kept::people(stopped)?.into_iter().collect();
        for together in everybody.chunks(kept::PAGE) {
            kept::note(stopped, together.iter().map(|(id, _)| id))?;
            self.over_histories(stopped, together)?;
        }
        Ok(())
    }

    fn over_histories(&mut self, stopped: &Stopped, people: &[(PatientId, Vec<Override>)]) -> Result<(), CommandError> {
        for (id, set) in people {
            let settings = |plan: &Plan| {
                let packs = plan.packs().iter().map(ActivePack::pack);
                let settings = Settings::new(packs, set, stopped.at);
                let settings = settings.map_err(|cause| ProtocolsError::Parameter { person: id.clone(), cause });
                settings.map(|settings| plan.with(settings))
            };
            let (tried, active) = (settings(&self.tried)?, self.active.as_ref().map(settings).transpose()?);
            let readings = kept::readings_of(stopped, id)?;
            if readings.is_empty() {
                continue;
            }
            let mut people = BTreeMap::from([(id.clone(), self.person(tried, active, id))]);
            self.base.people = self.base.people.saturating_add(1);
            for admitted in readings {
                self.take(&mut people, admitted);
            }
            for person in people.into_values() {
                self.finish(person, stopped.at);
            }
        }
        Ok(())
    }

    fn person(&self, tried: Plan, active: Option<Plan>, id: &PatientId) -> Person {
        let playing = |plan| Playing::new(plan, id.clone());
        let (waiting, known) = (Vec::new(), VecDeque::new());
        Person { tried: playing(tried), active: active.map(playing), waiting, known, day: None }
    }

    /// A line that is no reading.
    fn refuse(&mut self, number: u64, code: ErrorCode) {
        self.refused = self.refused.saturating_add(1);
        if self.refused <= NAMED_MAX {
            let meaning = code.meaning();
            out::error_line(&format!("line {number}: {}: {}", code.code(), meaning.happened));
        }
    }

    /// A reading, of somebody known or new.
    fn take(&mut self, people: &mut BTreeMap<PatientId, Person>, admitted: Admitted) {
        let Who::Patient(id) = &admitted.reading.who else {
            self.base.of_nobody = self.base.of_nobody.saturating_add(1);
            return;
        };
        if !people.contains_key(id) {
            people.insert(id.clone(), self.person(self.tried.clone(), self.active.clone(), id));
            self.base.people = self.base.people.saturating_add(1);
        }
        let Some(person) = people.get_mut(id) else { return };
        if person.known.contains(&admitted.reading.id) {
            self.base.repeated = self.base.repeated.saturating_add(1);
            return;
        }
        person.known.push_back(admitted.reading.id);
        if person.known.len() > KNOWN_MAX {
            person.known.pop_front();
        }
        let at = admitted.server_received;
        self.base.arrived(at);
        let day = report::day(at);
        if person.day.is_none_or(|last| last < day) {
            person.day = Some(day);
            self.base.days = self.base.days.saturating_add(1);
        }
        let is_another = person.waiting.last().is_some_and(|last| last.server_received != at);
        if is_another || person.waiting.len() >= SLICE_MAX {
            self.judge(person);
        }
        person.waiting.push(admitted);
    }

    /// Judges what arrived together.
    fn judge(&mut self, person: &mut Person) {
        let waiting = std::mem::take(&mut person.waiting);
        let Some(at) = waiting.last().map(|last| last.server_received) else { return };
        let (mut of_tried, mut of_active) = (Vec::new(), Vec::new());
        person.tried.arrive(&waiting, &self.staff, at, &mut of_tried);
        if let Some(active) = &mut person.active {
            active.arrive(&waiting, &self.staff, at, &mut of_active);
        }
        self.tell(of_tried, of_active);
    }

    fn finish(&mut self, mut person: Person, end: DateTime<Utc>) {
        self.judge(&mut person);
        let (mut of_tried, mut of_active) = (Vec::new(), Vec::new());
        person.tried.finish(&self.staff, end, &mut of_tried);
        if let Some(active) = &mut person.active {
            active.finish(&self.staff, end, &mut of_active);
        }
        self.tally.add_aside(person.tried.aside);
        self.tell(of_tried, of_active);
    }

    /// Alerts that are done: counted, and printed or compared where that is asked for.
    fn tell(&mut self, of_tried: Vec<Line>, of_active: Vec<Line>) {
        for line in &of_tried {
            self.tally.add(line);
            if self.is_json {
                // Ids, words and times always have a form in JSON.
                serde_json::to_string(line).ok().iter().for_each(|line| out::line(line));
            }
        }
        if self.active.is_some() {
            self.compared.0.extend(of_active);
            self.compared.1.extend(of_tried);
        }
    }

    fn conclude(self) -> Result<(), CommandError> {
        if !self.is_json {
            print(&report::text(&self.base, &self.tally, &self.taken_after.to_string()));
        }
        if self.active.is_some() {
            let (active, tried) = &self.compared;
            out::line("");
            print(&report::difference(active, tried));
        }
        if self.refused == 0 {
            return Ok(());
        }
        Err(ProtocolsError::Lines { refused: self.refused, all: self.lines }.into())
    }
}

#[cfg(test)]
mod tests;
