//! Enrolment: the hub makes its key, shows a code, and keeps what it is told.
//!
//! Invariants: the secret half of the key is on the disk, readable by its owner only, before the service hears of the public
//! one, so that no hub is enrolled with a key that it then loses; it never leaves this machine.

use super::{
    follow::is_note,
    send::{NoAnswer, Post},
    sign::{HubKey, SignError},
};
use crate::{
    clock::Clock,
    config::{Server, ServiceKey},
    disk::Folder,
    net::Network,
    rng::{NoRandomness, Randomness},
    tls::Trust,
};
use base64::{Engine, engine::general_purpose::STANDARD};
use httpsig::prelude::{HttpSigError, SigningKey};
use std::{
    fs,
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    sync::Arc,
};
use thiserror::Error;
use vitals::{
    ErrorCode, HubId,
    wire::{
        announced::Fingerprint,
        enrol::{Code, ENROL_PATH, Enrol, Enrolled},
        v1::Problem,
    },
};

/// The key's file in the hub's folder.
pub const KEY_FILE: &str = "hub.key";

/// The settings' file in the hub's folder.
pub const SETTINGS_FILE: &str = "hub.toml";

/// The folder of the outbox within the hub's.
const DATA_FOLDER: &str = "data";

/// The note in it that says above which epoch to number requests, see `outbox::epoch`.
const EPOCH_NOTE: &str = "epoch";

/// Why a hub was not enrolled.
#[derive(Debug, Error)]
pub enum EnrolError {
    /// The code has a mistake in it.
    #[error("read the code: its characters do not fit together")]
    Mistyped,
    /// The service is elsewhere, and there is no TLS to it.
    #[error("enrol over a line that others can read: want https://, or the service or a tunnel to it on this machine")]
    NotLoopback,
    /// There is nothing to know the service by, so that whoever is on the line would get the code.
    #[error(
        "know the service: give --fingerprint with what staff were shown beside the code, or --ca with its authority"
    )]
    NotKnown,
    /// The service says that its certificate is another than the one shown here.
    #[error(
        "enrol: the service says that its certificate is another than the one shown here, so somebody may stand between. Nothing was written. Have staff end this hub's keys and ask for a new code"
    )]
    OtherCertificate,
    /// There are settings already.
    #[error("enrol into {}: there are settings already", .0.display())]
    IsThere(PathBuf),
    /// A file could not be written.
    #[error("write {}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        cause: io::Error,
    },
    /// There is no randomness for a key.
    #[error("make a key")]
    Randomness(#[from] NoRandomness),
    /// The key does not sign; cannot happen.
    #[error("use the key")]
    Key(#[from] SignError),
    /// The same.
    #[error("sign with the key")]
    Sign(#[source] HttpSigError),
    /// The request has no JSON form; cannot happen.
    #[error("write the request")]
    Json(#[source] serde_json::Error),
    /// No answer came.
    #[error("ask the service")]
    NoAnswer(#[from] NoAnswer),
    /// The service refused.
    #[error("enrol: the service said {}", .0.map_or("nothing we know", ErrorCode::code))]
    Refused(Option<ErrorCode>),
    /// The answer is none.
    #[error("read the service's answer")]
    Answer,
}

/// Makes a key in a folder, enrols it, and writes the settings that go with it. Which hub this is comes back.
///
/// The service is known by the trust that the server's address carries; `ca` is the file that it was read from, for the settings.
/// Each try makes a key of its own. Where only the answer of one was lost, the key of the next ends that one's.
///
/// # Errors
/// [`EnrolError`]; nothing was enrolled, or the answer was lost, and then a new code is needed.
pub async fn enrol(
    network: Arc<dyn Network>,
    randomness: &dyn Randomness,
    server: &Server,
    code: &str,
    folder: &Path,
    ca: Option<&Path>,
    clock: Arc<dyn Clock>,
) -> Result<HubId, EnrolError> {
    let code = Code::parse(code).map_err(|_mistyped| EnrolError::Mistyped)?;
    match (server.has_tls(), server.trust()) {
        (false, _) if !server.is_loopback() => return Err(EnrolError::NotLoopback),
        (true, Trust::Nobody) => return Err(EnrolError::NotKnown),
        (false | true, _) => {}
    }
    let settings = folder.join(SETTINGS_FILE);
    if settings.exists() {
        return Err(EnrolError::IsThere(folder.to_owned()));
    }
    let key = make_key(folder, randomness)?;
    let public = key.public_key()?;
    let signature = key.sign(&code.to_sign(&public)).map_err(EnrolError::Sign)?;
    let request = Enrol {
        code: code.shown(),
        public_key: STANDARD.encode(public),
        signature: STANDARD.encode(signature),
        build: env!("CARGO_PKG_VERSION").to_owned(),
    };
    let body = serde_json::to_vec(&request).map_err(EnrolError::Json)?;
    // Nothing is sent, and so no code is lost, before the certificate is known.
    let post = Post::new(network, server.clone(), clock)?;
    let answer = post.post_plain(ENROL_PATH, body.into()).await?;
    if answer.status != 200 {
        let problem: Option<Problem> = serde_json::from_slice(&answer.body).ok();
        return Err(EnrolError::Refused(problem.and_then(|problem| ErrorCode::from_code(&problem.code))));
    }
    let enrolled: Enrolled = serde_json::from_slice(&answer.body).map_err(|_cause| EnrolError::Answer)?;
    let hub = HubId::parse(&enrolled.hub).map_err(|_no_id| EnrolError::Answer)?;
    ServiceKey::parse(&enrolled.server_key).map_err(|_no_key| EnrolError::Answer)?;
    let seen = post.pins().and_then(|pins| pins.seen());
    // A service behind somebody else's TLS knows of no certificate.
    let said = enrolled.tls_fingerprint.as_deref().map(Fingerprint::parse).transpose();
    let said = said.map_err(|_no_fingerprint| EnrolError::Answer)?;
    if let (Some(seen), Some(said)) = (seen, said)
        && seen != said
    {
        return Err(EnrolError::OtherCertificate);
    }
    if enrolled.epoch > 0 {
        private_folder(&folder.join(DATA_FOLDER))?;
        write(&folder.join(DATA_FOLDER).join(EPOCH_NOTE), &enrolled.epoch.to_string())?;
    }
    forget_followed(&folder.join(DATA_FOLDER))?;
    let known_by = seen.map_or_else(String::new, |seen| format!("server_fingerprints = [\"{seen}\"]\n"));
    let known_by = match ca {
        // A text of JSON is a text of TOML.
        Some(ca) => format!("server_ca = {}\n", serde_json::to_string(ca).map_err(EnrolError::Json)?),
        None => known_by,
    };
    // The settings last: where they are, the rest is.
    let text = format!(
        "hub = \"{hub}\"\nserver = \"{server}\"\n{known_by}service_public_key = \"{}\"\ndata_folder = \"{DATA_FOLDER}\"\nkey_file = \"{KEY_FILE}\"\n",
        enrolled.server_key
    );
    write(&settings, &text)?;
    Ok(hub)
}

fn make_key(folder: &Path, randomness: &dyn Randomness) -> Result<HubKey, EnrolError> {
    private_folder(folder)?;
    let mut seed = [0; 32];
    randomness.fill(&mut seed)?;
    write(&folder.join(KEY_FILE), &format!("{}\n", STANDARD.encode(seed)))?;
    Ok(HubKey::from_seed(seed)?)
}

fn private_folder(folder: &Path) -> Result<(), EnrolError> {
    let made = Folder::open(folder).map(drop);
    made.map_err(|cause| EnrolError::File { path: folder.to_owned(), cause: io::Error::other(cause) })
}

/// Whom an earlier enrolment followed counts no more: the service may have been brought back as it was before.
fn forget_followed(data: &Path) -> Result<(), EnrolError> {
    let forgotten = || -> io::Result<()> {
        if !data.exists() {
            return Ok(());
        }
        for entry in fs::read_dir(data)? {
            let entry = entry?;
            if entry.file_name().to_str().is_some_and(is_note) {
                fs::remove_file(entry.path())?;
            }
        }
        fs::File::open(data)?.sync_all()
    };
    forgotten().map_err(|cause| EnrolError::File { path: data.to_owned(), cause })
}

/// Writes a file for its owner only, beside and renamed, so that a power cut leaves a whole one or none.
fn write(path: &Path, text: &str) -> Result<(), EnrolError> {
    let written = || -> io::Result<()> {
        let beside = path.with_extension("new");
        let mut file = fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&beside)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(&beside, path)?;
        fs::File::open(path.parent().unwrap_or(Path::new(".")))?.sync_all()
    };
    written().map_err(|cause| EnrolError::File { path: path.to_owned(), cause })
}
