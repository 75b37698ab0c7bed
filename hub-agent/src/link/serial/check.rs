//! The serial part of `hub-agent check`: are the ports there, may they be opened, and which others are there.
//!
//! Invariant: a port is opened exactly as the agent opens it, and closed again at once; nothing is sent.

use super::open::{Gone, open_now};
use crate::{check::Finding, config::SerialPort};
use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

/// Where the system names serial ports so that the name stays the same over unplugging.
pub const BY_ID: &str = "/dev/serial/by-id";

/// Most ports listed that are not in the settings.
const PORTS_LISTED_MAX: usize = 32;

/// Looks at each configured port, and lists ports in `by_id` that no setting names. Must run inside a tokio runtime; it
/// blocks for as long as opening takes.
#[must_use]
pub fn check(ports: &[SerialPort], by_id: &Path) -> Vec<Finding> {
    ports.iter().map(check_port).chain(not_in_the_settings(ports, by_id)).collect()
}

/// One configured port.
fn check_port(SerialPort { port, protocol }: &SerialPort) -> Finding {
    let what = format!("serial port {} ({protocol})", port.display());
    let line = protocol.line_settings();
    match fs::metadata(port) {
        Ok(found) if !is_character_device(&found) => {
            let advice = format!("Correct `port` in the settings; real ports are listed in {BY_ID}.");
            return Finding::bad(what, "It is there, but it is not a serial port.", advice);
        }
        // What cannot be looked at cannot be opened either, and opening says why.
        Ok(_) | Err(_) => {}
    }
    match open_now(port, line) {
        Ok(_open) => Finding::good(what, format!("It can be opened at {line}.")),
        Err(Gone::Missing) => Finding::bad(
            what,
            "It is not there.",
            format!("Plug the device or its cable in. If it is, correct `port` in the settings; see {BY_ID}."),
        ),
        Err(Gone::NotAllowed) => Finding::bad(
            what,
            "It is there, but this user may not open it.",
            "Add the hub's user to the group `dialout` (`sudo usermod -aG dialout USER`), then start the hub again.",
        ),
        Err(Gone::Busy) => Finding::bad(
            what,
            "It is in use by another program.",
            "If the hub agent runs, that is as it should be. If not, stop the other program; on a desktop \
             `ModemManager` often takes ports.",
        ),
        Err(Gone::Unplugged | Gone::Failed) => Finding::bad(
            what,
            "It is there, but it cannot be opened.",
            "Unplug it and plug it in again. If that does not help, try another cable.",
        ),
    }
}

#[cfg(unix)]
fn is_character_device(found: &fs::Metadata) -> bool {
    std::os::unix::fs::FileTypeExt::is_char_device(&found.file_type())
}

#[cfg(not(unix))]
fn is_character_device(_found: &fs::Metadata) -> bool {
    true
}

/// The ports that are there and that no setting names. None where the folder is not there: then no port is either.
fn not_in_the_settings(ports: &[SerialPort], by_id: &Path) -> Vec<Finding> {
    let real = |port: &Path| fs::canonicalize(port).unwrap_or_else(|_gone| port.to_owned());
    let known: BTreeSet<PathBuf> = ports.iter().map(|known| real(&known.port)).collect();
    let entries = fs::read_dir(by_id).into_iter().flatten().flatten().map(|entry| entry.path());
    let mut others: Vec<PathBuf> = entries.filter(|port| !known.contains(&real(port))).take(PORTS_LISTED_MAX).collect();
    others.sort();
    others
        .into_iter()
        .map(|port| {
            let mut finding = Finding::good(
                format!("serial port {}", port.display()),
                "It is there, and the settings do not name it.",
            );
            finding.advice = Some("If a device is meant to be read there, add it under `[[serial]]`.".to_owned());
            finding
        })
        .collect()
}

#[cfg(test)]
mod tests {
    //! Made folders stand for /dev; a real terminal is opened in the system tests.

    use super::*;
    use device_codecs::serial::Protocol;

    fn port(path: PathBuf) -> SerialPort {
        SerialPort { port: path, protocol: Protocol::NoninDf2 }
    }

    #[test]
    fn a_missing_port_and_a_file_are_told_apart() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        fs::write(&file, b"no port").unwrap();
        let findings = check(&[port(folder.path().join("none")), port(file)], folder.path().join("none").as_path());
        let sentences: Vec<_> = findings.iter().map(|finding| finding.sentence.as_str()).collect();
        assert_eq!(sentences, ["It is not there.", "It is there, but it is not a serial port."]);
        assert!(findings.iter().all(|finding| !finding.is_good && finding.advice.is_some()));
    }

    #[test]
    fn ports_that_no_setting_names_are_listed() {
        let folder = tempfile::tempdir().unwrap();
        let by_id = folder.path().join("by-id");
        fs::create_dir(&by_id).unwrap();
        for name in ["ttyUSB0", "ttyUSB1"] {
            fs::write(folder.path().join(name), b"").unwrap();
            std::os::unix::fs::symlink(folder.path().join(name), by_id.join(format!("usb-{name}"))).unwrap();
        }
        // Known by its other name.
        let findings = not_in_the_settings(&[port(folder.path().join("ttyUSB0"))], &by_id);
        let whats: Vec<_> = findings.iter().map(|finding| finding.what.clone()).collect();
        assert_eq!(whats, [format!("serial port {}", by_id.join("usb-ttyUSB1").display())]);
    }
}
