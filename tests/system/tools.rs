//! The hub's tools as programs: `check` says what is wrong and what to do; what `record` writes, `run --replay` plays.

use harness::serial::{devices::onetouch, process::HubProcess, socket::Socket};
use std::{
    fs::{self, Permissions},
    os::unix::fs::PermissionsExt,
    path::Path,
    process::{Command, Output},
};

const HUB: &str = env!("CARGO_BIN_EXE_hub-under-test");

/// Settings without devices, with what a test adds.
fn settings(folder: &Path, more: &str) {
    fs::write(folder.join("hub.key"), "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=").unwrap();
    fs::set_permissions(folder.join("hub.key"), Permissions::from_mode(0o600)).unwrap();
    let text =
        format!("hub = 'hub-test'\nserver = 'http://127.0.0.1:1'\ndata_folder = 'hub'\nkey_file = 'hub.key'\n{more}");
    fs::write(folder.join("hub.toml"), text).unwrap();
}

fn hub(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(HUB);
    // No bus of this machine: what is found there is none of the test's.
    command.env("DBUS_SYSTEM_BUS_ADDRESS", format!("unix:path={}", folder.join("no-bus").display()));
    command.args(arguments).arg("--config").arg(folder.join("hub.toml")).output().unwrap()
}

#[test]
fn a_check_says_what_is_wrong_and_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    settings(folder.path(), "");
    let good = hub(folder.path(), &["check"]);
    assert!(good.status.success(), "{good:?}");

    settings(folder.path(), "[bluetooth]\n[[serial]]\nport = '/dev/no-such-port'\nprotocol = 'nonin_df2'\n");
    let wrong = hub(folder.path(), &["check"]);
    assert_eq!(wrong.status.code(), Some(1), "{wrong:?}");
    let lines = String::from_utf8(wrong.stdout).unwrap();
    for what in ["system bus", "serial port /dev/no-such-port"] {
        let line = lines.lines().find(|line| line.contains(what)).unwrap_or_else(|| panic!("no {what} in {lines}"));
        assert!(line.starts_with("WRONG"), "{line}");
        let sentences = line.matches(". ").count();
        assert!(sentences >= 1, "what it is and what to do: {line}");
    }
    assert!(lines.lines().any(|line| line.starts_with("good  clock of this hub")), "{lines}");
}

/// Three records of a meter are recorded while the agent keeps them; played again on another hub they are the same
/// readings. The recording is the owner's only, and never overwritten.
#[tokio::test]
async fn what_is_recorded_plays_again_as_the_same_readings() {
    let folder = tempfile::tempdir().unwrap();
    let socket = Socket::new().unwrap();
    let wire = socket.plug().unwrap();
    let mut device = onetouch::UltraEasy::with(0, 3);
    let recording = folder.path().join("recorded.jsonl");
    let command = ["record", recording.to_str().unwrap()];
    let process =
        HubProcess::start_as(Path::new(HUB), &command, folder.path(), &socket.path(), "onetouch_ultraeasy").unwrap();
    process.answers(wire, &mut device, 3).await.unwrap();
    let (status, log) = process.stop().unwrap();
    assert!(status.success(), "{log}");
    assert_eq!(fs::metadata(&recording).unwrap().permissions().mode() & 0o777, 0o600);
    let kept = ids(&log);
    assert_eq!(kept.len(), 3, "{log}");

    let again = hub(folder.path(), &["record", recording.to_str().unwrap()]);
    assert_eq!(again.status.code(), Some(3), "a recording is never overwritten: {again:?}");

    let other = tempfile::tempdir().unwrap();
    settings(other.path(), "");
    let mut command = Command::new(HUB);
    command.args(["run", "--at-once", "--replay"]).arg(&recording).arg("--config").arg(other.path().join("hub.toml"));
    let mut played =
        command.env("DERWENT_LOG", "info").stderr(fs::File::create(other.path().join("log")).unwrap()).spawn().unwrap();
    let log = || fs::read_to_string(other.path().join("log")).unwrap();
    let waited = harness::clock::wait_until(std::time::Duration::from_secs(60), "three readings are kept", || {
        ids(&log()).len() == 3
    });
    // The service is not there, so it would go on trying to send.
    played.kill().unwrap();
    played.wait().unwrap();
    waited.unwrap();
    assert_eq!(ids(&log()), kept);
}

/// The readings that a log says were kept, in order.
fn ids(log: &str) -> Vec<String> {
    let lines = log.lines().filter(|line| line.contains("event=\"reading_kept\""));
    lines.filter_map(|line| line.split("reading.id=").nth(1)?.split_whitespace().next()).map(str::to_owned).collect()
}
