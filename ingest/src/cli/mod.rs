//! The command line: `ingest serve`, `ingest verify` and `ingest server-key`.

mod hub;
mod keys;
pub mod out;
mod people;
mod protocols;
mod record;
mod register;
mod roster;
mod rotate;
mod staff;
mod stopped;
mod verify;

use crate::{
    access::{HubRegistry, SignIn},
    clock::{Clock, WallClock},
    config::{Config, ConfigError},
    decide::{ByPlan, PackRefused, WithoutPlan},
    disk::{Disk, Folder},
    events::{Events, LogEvents},
    http::{Lists, PageSettings},
    net::{TcpNetwork, listen},
    notify::{Console, Deliver, Webhook},
    rng::{OsRandomness, Randomness},
    service::{Parts, Service, StaffSignIn, StartError},
    store::{
        Store,
        embedded::{self, EmbeddedStore, OpenError, StoreKeys},
        evidence::NotVerified,
    },
    tls::{Tls, TlsError},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use clap::{CommandFactory, Parser, Subcommand};
use rules::{
    ActivePack, Channel, Pack,
    pack::{PackError, SignedError},
};
use std::{
    collections::BTreeMap,
    ffi::OsString,
    fs, io,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
    time::Duration,
};
use thiserror::Error;
use tokio::signal::unix::{SignalKind, signal};

/// The service that receives readings, keeps them, decides, and tells.
#[derive(Debug, Parser)]
#[command(name = "ingest", version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Runs the service.
    Serve {
        /// The settings.
        #[arg(long)]
        config: PathBuf,
    },
    /// Checks every row of the store against the others and names the first that is not as it was written. Changes nothing;
    /// the service may run meanwhile.
    Verify {
        /// The settings.
        #[arg(long)]
        config: PathBuf,
        /// Also has SQLite compare each index with its table. The log of a running service grows meanwhile.
        #[arg(long)]
        indexes: bool,
    },
    /// People of the register, one by one and in lists. The service must be stopped.
    #[command(subcommand)]
    People(people::PeopleCommand),
    /// Anything of the register, one thing at a time. The service must be stopped.
    #[command(subcommand)]
    Register(register::RegisterCommand),
    /// One person's record: given out, looked into, erased or disposed of. The service must be stopped.
    #[command(subcommand)]
    Record(record::RecordCommand),
    /// Codes with which hubs are enrolled, and the end of their keys. The service must be stopped.
    #[command(subcommand)]
    Hub(hub::HubCommand),
    /// Adds members of staff, and sets their passwords.
    Staff {
        #[command(subcommand)]
        command: staff::StaffCommand,
    },
    /// Protocols before they judge anybody: checked, run through their own tests, and tried on readings of the past.
    #[command(subcommand)]
    Rules(protocols::ProtocolsCommand),
    /// Has another key or certificate follow the one in use, so that hubs follow too.
    #[command(subcommand)]
    Rotate(rotate::RotateCommand),
    /// Prints the fingerprint of the certificate the service shows, and of the one that will follow. Makes the first one where
    /// the service is to make it and has none yet.
    Fingerprint {
        /// The settings.
        #[arg(long)]
        config: PathBuf,
    },
    /// Prints the public half of the key the service signs with, in base64, for the settings of its hubs
    /// (`service_public_key`). Makes the key where there is none yet.
    ServerKey {
        /// The settings.
        #[arg(long)]
        config: PathBuf,
    },
}

/// Makes the store for a folder: the seam at which a test puts a faulty one.
pub type StoreMaker = fn(&Path, StoreKeys) -> Result<Arc<dyn Store>, OpenError>;

/// Why the command failed.
#[derive(Debug, Error)]
pub enum CommandError {
    /// The settings.
    #[error("use the settings")]
    Config(#[from] ConfigError),
    /// A file.
    #[error("use {}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        cause: io::Error,
    },
    /// The store.
    #[error("open the store")]
    Open(#[from] OpenError),
    /// Staff.
    #[error(transparent)]
    Staff(#[from] staff::StaffError),
    /// The store is not as it was written, or could not be read.
    #[error(transparent)]
    Verify(#[from] NotVerified),
    /// A root is signed by a key that is not known.
    #[error(transparent)]
    UnknownKey(#[from] verify::UnknownKey),
    /// A pack does not read.
    #[error("use protocol {}", path.display())]
    Pack {
        /// Which file.
        path: PathBuf,
        /// Why.
        #[source]
        cause: PackError,
    },
    /// A pack is not approved.
    #[error("use protocol {}", path.display())]
    Signed {
        /// Which file.
        path: PathBuf,
        /// Why.
        #[source]
        cause: SignedError,
    },
    /// A pack may not run here.
    #[error("use the protocols")]
    PackRefused(#[from] PackRefused),
    /// Something with hubs.
    #[error(transparent)]
    Hub(#[from] hub::HubError),
    /// Something with people.
    #[error(transparent)]
    People(#[from] people::PeopleError),
    /// Something with protocols.
    #[error(transparent)]
    Protocols(#[from] protocols::ProtocolsError),
    /// Something with a record.
    #[error(transparent)]
    Record(#[from] record::RecordError),
    /// Something with the register.
    #[error(transparent)]
    Register(#[from] register::RegisterError),
    /// There is no certificate to show.
    #[error("use TLS")]
    Tls(#[from] TlsError),
    /// A key or certificate was not followed by another.
    #[error(transparent)]
    Rotate(#[from] rotate::RotateError),
    /// The service did not start.
    #[error("start the service")]
    Start(#[from] StartError),
    /// The operating system.
    #[error("run the service")]
    Run(#[source] io::Error),
    /// A part ended although nobody stopped it.
    #[error("keep the service running: a part of it has ended; the log says which")]
    PartEnded,
    /// Some part did not end in time.
    #[error("stop the service: some part did not end in time")]
    NotInTime,
}

/// The commands and their options, for the reference page.
#[must_use]
pub fn commands() -> clap::Command {
    Arguments::command()
}

/// The whole program, from its arguments to its exit code.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    run_with(arguments, open_store)
}

/// The service's own store, in a folder.
///
/// # Errors
/// [`OpenError`] as [`EmbeddedStore::open`].
pub fn open_store(folder: &Path, keys: StoreKeys) -> Result<Arc<dyn Store>, OpenError> {
    // A kill may have come between the end of a record and the file that is written anew without it.
    if let Err(error) = embedded::finish(folder, &keys) {
        tracing::error!(%error, "A record has ended, and what is left over of it in the file could not be removed yet.");
    }
    let disk: Arc<dyn Disk> = Arc::new(Folder::new(folder));
    Ok(Arc::new(EmbeddedStore::open(disk, keys)?))
}

/// As [`run`], with another store.
pub fn run_with(arguments: impl IntoIterator<Item = OsString>, make_store: StoreMaker) -> ExitCode {
    run_by(arguments, make_store, StaffSignIn::Accounts)
}

/// As [`run_with`], with somebody who signs in: the seam at which a test puts its staff.
pub fn run_as(
    arguments: impl IntoIterator<Item = OsString>,
    make_store: StoreMaker,
    sign_in: Arc<dyn SignIn>,
) -> ExitCode {
    run_by(arguments, make_store, StaffSignIn::Seeded(sign_in))
}

fn run_by(arguments: impl IntoIterator<Item = OsString>, make_store: StoreMaker, sign_in: StaffSignIn) -> ExitCode {
    let arguments = match Arguments::try_parse_from(arguments) {
        Ok(arguments) => arguments,
        Err(error) => return out::usage(&error),
    };
    out::start_log("info");
    let done = match arguments.command {
        Command::Serve { config } => serve(&config, make_store, sign_in),
        Command::Staff { command } => staff::run(command, make_store),
        Command::Verify { config, indexes } => verify::run(&config, indexes),
        Command::Hub(command) => hub::run(command, make_store),
        Command::People(command) => people::run(command, make_store),
        Command::Record(command) => record::run(command, make_store),
        Command::Register(command) => register::run(command, make_store),
        Command::Rules(command) => protocols::run(command, make_store),
        Command::Rotate(command) => rotate::run(command),
        Command::Fingerprint { config } => rotate::print_fingerprint(&config),
        Command::ServerKey { config } => print_server_key(&config),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            out::failed("ingest", &error);
            ExitCode::FAILURE
        }
    }
}

fn print_server_key(config: &Path) -> Result<(), CommandError> {
    let folder = Config::read(config)?.data;
    let key = make_private_folder(&folder).and_then(|()| keys::server_key(&folder, &OsRandomness));
    let key = key.map_err(|cause| CommandError::File { path: folder, cause })?;
    out::line(&STANDARD.encode(key.public()));
    Ok(())
}

fn serve(config: &Path, make_store: StoreMaker, sign_in: StaffSignIn) -> Result<(), CommandError> {
    let config = Config::read(config)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(CommandError::Run)?;
    runtime.block_on(serve_until_told(config, make_store, sign_in))
}

async fn serve_until_told(config: Config, make_store: StoreMaker, sign_in: StaffSignIn) -> Result<(), CommandError> {
    let mut terminate = signal(SignalKind::terminate()).map_err(CommandError::Run)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(CommandError::Run)?;
    let rng: Arc<dyn Randomness> = Arc::new(OsRandomness);
    let file = |path: &Path, cause| CommandError::File { path: path.to_owned(), cause };
    make_private_folder(&config.data).map_err(|cause| file(&config.data, cause))?;
    let _only = lock(&config.data).map_err(|cause| file(&config.data, cause))?;
    let chain = keys::chain_key(&config.data, rng.as_ref()).map_err(|cause| file(&config.data, cause))?;
    let server_key = keys::server_key(&config.data, rng.as_ref()).map_err(|cause| file(&config.data, cause))?;
    let public = STANDARD.encode(server_key.public());
    tracing::info!(
        key.id = server_key.id(),
        key.public = public,
        "The service signs with key {}: {public}.",
        server_key.id()
    );
    let clock: Arc<dyn Clock> = Arc::new(WallClock);
    let tls = config.tls.map(|settings| Tls::open(settings, &config.data, clock.now())).transpose()?;
    say_line(tls.as_ref());
    let lists = Some(Arc::new(Lists::new(&config.data, &chain, config.realm)));
    let keys = StoreKeys { chain };
    let store = make_store(&config.data, keys)?;
    let mut channels: BTreeMap<Channel, Arc<dyn Deliver>> = BTreeMap::new();
    channels.insert(Channel::Console, Arc::new(Console));
    if let Some(address) = config.webhook {
        channels.insert(Channel::Webhook, Arc::new(Webhook { address, network: Arc::new(TcpNetwork) }));
    }
    let packs = config.packs.iter().map(|path| read_pack(path)).collect::<Result<Vec<_>, _>>()?;
    if packs.is_empty() {
        tracing::warn!("No protocol is active: readings are stored, and none of them raises an alert.");
    }
    if !packs.is_empty() && config.without_plan == WithoutPlan::NotJudged {
        tracing::info!(
            "A protocol judges whose care plan names it, where a place has it in force; nobody without a care plan is judged."
        );
    }
    let decide = ByPlan::for_service(packs, channels.keys().copied().collect(), config.without_plan)?;
    let listener = listen(config.listen).map_err(|cause| CommandError::Start(StartError::Listen(cause)))?;
    let events: Arc<dyn Events> = Arc::new(LogEvents);
    let parts = Parts {
        clock: clock.clone(),
        rng,
        events,
        store,
        server_key,
        decide: Arc::new(decide),
        hubs: HubRegistry::new(config.hubs),
        people: config.people,
        sign_in,
        pages: PageSettings {
            service_name: config.service_name,
            banner: None,
            service_hours: config.service_hours,
            is_loopback_only: false,
        },
        lists,
        channels,
        listener,
    };
    let has_tls = tls.is_some();
    let service = Service::start_over(parts, tls.map(Arc::new)).await?;
    out::listening(service.address(), has_tls);
    let is_told = loop {
        tokio::select! {
            _ = terminate.recv() => break true,
            _ = interrupt.recv() => break true,
            () = clock.sleep(LOOK_AFTER_PARTS_EVERY) => if service.has_failed() { break false },
        }
    };
    let in_time = service.stop().await;
    match (is_told, in_time) {
        (false, _) => Err(CommandError::PartEnded),
        (true, false) => Err(CommandError::NotInTime),
        (true, true) => Ok(()),
    }
}

/// Says by which certificate hubs know the service, or that others may read along.
fn say_line(tls: Option<&Tls>) {
    match tls {
        Some(tls) => {
            let (in_use, groups) = (tls.fingerprint(), tls.fingerprint().first_groups());
            tracing::info!(tls.fingerprint = %in_use, "The service shows the certificate {in_use}; a hub is enrolled with {groups}.");
        }
        None => tracing::info!(
            "The service has no TLS of its own and listens on this machine only: a proxy must stand in front."
        ),
    }
}

/// How often to see whether every part still runs.
const LOOK_AFTER_PARTS_EVERY: Duration = Duration::from_secs(1);

fn read_pack(path: &Path) -> Result<ActivePack, CommandError> {
    let file =
        |path: &Path| fs::read_to_string(path).map_err(|cause| CommandError::File { path: path.to_owned(), cause });
    let pack = Pack::read(&file(path)?).map_err(|cause| CommandError::Pack { path: path.to_owned(), cause })?;
    let approvals = path.with_extension("signed.toml");
    ActivePack::new(pack, &file(&approvals)?).map_err(|cause| CommandError::Signed { path: approvals, cause })
}

/// Takes the folder for this process alone: two services on one store would each believe that theirs is the only writer.
/// The operating system lets go of it however the process ends.
fn lock(folder: &Path) -> io::Result<fs::File> {
    let file = fs::File::create(folder.join("lock"))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(fs::TryLockError::WouldBlock) => Err(io::Error::other("another ingest runs on this folder: stop it first")),
        Err(fs::TryLockError::Error(error)) => Err(error),
    }
}

/// Makes the store's folder for its owner only: it holds names, NHS numbers and readings. A folder that is there keeps
/// the mode its owner gave it.
fn make_private_folder(folder: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    match folder.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        Some(parent) => fs::File::open(parent)?.sync_all(),
        None => Ok(()),
    }
}
