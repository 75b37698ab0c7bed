//! What putting a protocol in force for a whole county does to the readings that come meanwhile: how long from a reading to
//! the alert before, while, and after it becomes so.
//!
//! The service is `ingest serve` in a process of its own, on a store that holds everybody with a care plan that names two
//! protocols. One is in force from the beginning. A clinical lead signs in and puts the other in force for the footprint over
//! the interface, while readings go on at an even pace. Invariants: a reading counts from the moment it was due; every eighth
//! opens an alert that nobody had before, whose id is known beforehand; one that is not told voids the run, and so does a
//! protocol that judged nobody after it was put in force.

mod county;
mod phase;
mod table;

pub use table::Activation;

use super::{Options, machine, probe, server::Server, settings, world::World};
use crate::{
    clock::time_of,
    say,
    signed_client::Call,
    trouble::{Doing, Trouble},
    webhook::{Reply, WebhookListener},
};
use county::{PASSWORD, STAFF};
use phase::Stream;
use register::{Place, PlacePlan, Stage, plan::AtPlace};
use rules::ActivePack;
use serde_json::json;
use std::{net::SocketAddr, time::Duration};
use vitals::bounded::Text;

/// Readings a second where nothing else is said: four times the morning peak of a county (design, load model).
pub const RATE: f64 = 124.0;

/// Measures it.
///
/// # Errors
/// [`Trouble`] where something could not be put in place, and where a run is void.
pub fn measure_activation(options: &Options, rate: f64) -> Result<Activation, Trouble> {
    let folder = options.make_folder()?;
    let load_before = machine::load();
    let mut world = World::new(options.hubs, options.seed)?;
    let webhook = WebhookListener::start(Reply::Status(204)).doing("listen for what staff are told")?;
    let protocols = settings::Protocols::by_plan()?;
    let path = settings::write_with(&world, folder.path(), &protocols, Some(&webhook.url()))?;
    say::error_line(&format!("{} people; their care plans are written", world.people()));
    county::fill(&world, &folder.path().join("data"), &protocols)?;
    let server = Server::start(&options.program, &path)?;
    let cookie = sign_in(server.address())?;
    let mut stream = Stream::start(&server, &mut world, &webhook, protocols.first()?, rate)?;

    let lasts = options.window / 4;
    let probe_before = probe::burst(folder.path(), lasts)?;
    let before = stream.phase(options.window, || Ok(()))?;
    say::error_line(&format!("before: {before}"));
    let mut put = Duration::ZERO;
    let during = stream.phase(options.window, || {
        let mut done = Ok(());
        if options.has_rules {
            put = time_of(|| done = put_in_force(server.address(), &cookie, protocols.all()));
        }
        done
    })?;
    say::error_line(&format!("while it is put in force: {during}"));
    let after = stream.phase(options.window, || Ok(()))?;
    say::error_line(&format!("after: {after}"));
    let probe = probe::together(probe_before, probe::burst(folder.path(), lasts)?);
    if after.rules_a_reading <= before.rules_a_reading {
        let why =
            format!("{:.1} rules a reading before and {:.1} after", before.rules_a_reading, after.rules_a_reading);
        return Err(Trouble::new("count a void run: the protocol judged nobody", why));
    }
    let people = world.people();
    server.stop()?;
    Ok(Activation {
        machine: machine::about(),
        filesystem: machine::filesystem(folder.path()),
        load: (load_before, machine::load()),
        people,
        rate,
        put,
        phases: [("before", before), ("during", during), ("after", after)],
        probe,
    })
}

/// What the footprint says where these are in force.
fn place_plan<'a>(in_force: impl IntoIterator<Item = &'a ActivePack>) -> Result<PlacePlan, Trouble> {
    let at = |pack: &ActivePack| {
        let pack = pack.pack();
        let (name, content_hash) = (Text::new(&pack.id), Text::new(&pack.content_hash));
        let (pack, content_hash) = (name.doing("name a protocol")?, content_hash.doing("name a protocol's content")?);
        Ok(AtPlace { pack, content_hash, stage: Stage::Active })
    };
    let packs = in_force.into_iter().map(at).collect::<Result<_, Trouble>>()?;
    let id = PlacePlan::id_of(&Place::Footprint).ok_or_else(|| Trouble::new("name a plan", "it has no id"))?;
    Ok(PlacePlan { id, place: Place::Footprint, packs, parameters: Vec::new() })
}

fn sign_in(address: SocketAddr) -> Result<String, Trouble> {
    let body = json!({ "staff": STAFF, "password": PASSWORD }).to_string();
    let call = Call::new("POST", "/v1/session").with("content-type", "application/json").body(body);
    let answer = call.send(address).doing("sign in")?;
    let cookie = answer.header("set-cookie").and_then(|cookie| cookie.split(';').next());
    cookie.map(str::to_owned).ok_or_else(|| Trouble::new("sign in", format!("answered {}", answer.status)))
}

fn put_in_force(address: SocketAddr, cookie: &str, protocols: &[ActivePack]) -> Result<(), Trouble> {
    let plan = place_plan(protocols)?;
    let body = json!({ "version": 2, "item": { "place_plan": plan }, "why": "Agreed for everybody." }).to_string();
    let call = Call::new("PUT", &format!("/v1/register/place_plan/{}", plan.id)).with("cookie", cookie);
    let answer = call.with("content-type", "application/json").body(body).send(address).doing("put it in force")?;
    if answer.status == 200 || answer.status == 201 {
        return Ok(());
    }
    Err(Trouble::new("put a protocol in force", format!("answered {}: {}", answer.status, answer.body)))
}
