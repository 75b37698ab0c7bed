//! `ingest hub`: codes for hubs, and the end of their keys. On the store of a service that is stopped; of one that runs, staff
//! ask `POST /v1/hubs/HUB/code` and write the register.

use super::{CommandError, StoreMaker, keys, out, people::On, stopped::Stopped};
use crate::{
    access::{Access, Purpose, enrol},
    http::{code_key, new_code},
    rng::{NoRandomness, OsRandomness},
    store::{ApplyError, KeptItem, ReadError, Slice, Subject},
    tls::Tls,
};
use clap::Subcommand;
use register::{Hub, Item, ItemRef, Reason, Written};
use rules::Event;
use thiserror::Error;
use vitals::{ErrorCode, HubId, id::NotAnId, wire::v1};

/// What to do with a hub.
#[derive(Debug, Subcommand)]
pub(super) enum HubCommand {
    /// Prints a code with which a hub can be enrolled once, within 15 minutes. A hub that is not known yet is put into the
    /// register
    Code {
        #[command(flatten)]
        on: On,
        /// The hub.
        #[arg(value_parser = hub)]
        hub: HubId,
    },
    /// Ends every key of a hub, and its code: it was lost, stolen, or is no longer in use
    Revoke {
        #[command(flatten)]
        on: On,
        /// The hub.
        #[arg(value_parser = hub)]
        hub: HubId,
        /// Why, for whoever reads the history.
        #[arg(long, value_parser = super::people::reason)]
        why: Option<Reason>,
    },
}

fn hub(text: &str) -> Result<HubId, NotAnId> {
    HubId::parse(text)
}

/// Why a command on hubs failed.
#[derive(Debug, Error)]
pub enum HubError {
    /// There is no such hub.
    #[error("find the hub: the register has none of this id")]
    NotThere,
    /// There is no code to be had.
    #[error("make a code: {}", .0.code())]
    Code(ErrorCode),
    /// There is no randomness for it.
    #[error("make a code")]
    Randomness(#[from] NoRandomness),
    /// The register was not read.
    #[error("read the hub")]
    Read(#[from] ReadError),
    /// The register was not written.
    #[error("write the hub")]
    Write(#[from] ApplyError),
}

pub(super) fn run(command: HubCommand, make_store: StoreMaker) -> Result<(), CommandError> {
    match command {
        HubCommand::Code { on, hub } => Stopped::work(&on.config, make_store, |stopped| code(stopped, hub)),
        HubCommand::Revoke { on, hub, why } => Stopped::work(&on.config, make_store, |stopped| {
            let (kept, version) = find(stopped, &hub)?.ok_or(HubError::NotThere)?;
            write(stopped, enrol::revoked(&kept, stopped.at), version, why)?;
            out::line(&format!("Every key of {hub} has ended."));
            Ok(())
        }),
    }
}

fn code(stopped: &Stopped, hub: HubId) -> Result<(), CommandError> {
    let folder = &stopped.config.data;
    let server_key =
        keys::server_key(folder, &OsRandomness).map_err(|cause| CommandError::File { path: folder.clone(), cause })?;
    let code = new_code(&OsRandomness).map_err(HubError::from)?;
    let (kept, version) = find(stopped, &hub)?.unwrap_or_else(|| (enrol::new_hub(hub.clone()), 0));
    // Whoever has the store's folder may make as many codes as they like.
    let new = enrol::with_code(&kept, &code, &code_key(&server_key), [], stopped.at).map_err(HubError::Code)?;
    let until = new.code.as_ref().and_then(|code| code.span.until).unwrap_or(stopped.at);
    write(stopped, new, version, None)?;
    out::line(&format!("The code for {hub}, until {}, for one use: {}", v1::moment(until), code.shown()));
    let tls = stopped.config.tls.clone().map(|settings| Tls::open(settings, folder, stopped.at)).transpose()?;
    let fingerprint =
        tls.map_or_else(String::new, |tls| format!(" --fingerprint {}", tls.fingerprint().first_groups()));
    out::line(&format!(
        "Start the service, and type the code at the hub: hub-agent enrol --server URL --code CODE{fingerprint} --folder FOLDER"
    ));
    Ok(())
}

fn find(stopped: &Stopped, hub: &HubId) -> Result<Option<(Hub, u32)>, HubError> {
    let who = Access::system(Purpose::SetUp);
    let kept = stopped.wait(stopped.store.item(&who, &ItemRef::Hub(hub.clone())))?;
    Ok(kept.and_then(|KeptItem { item, version }| if let Item::Hub(hub) = item { Some((*hub, version)) } else { None }))
}

fn write(stopped: &Stopped, hub: Hub, version: u32, why: Option<Reason>) -> Result<(), HubError> {
    let written = Written { item: hub.into(), version: Some(version.saturating_add(1)), by: None, why };
    let slice = Slice { subject: Subject::Service, events: vec![Event::Written(Box::new(written))] };
    let who = Access::system(Purpose::SetUp);
    for answer in stopped.wait(stopped.store.apply(&who, vec![slice], Stopped::decide(), stopped.at)) {
        drop(answer?);
    }
    Ok(())
}
