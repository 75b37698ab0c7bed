//! Settings that are read, and settings that are refused with the key that is wrong.

use super::*;
use std::os::unix::fs::PermissionsExt;

const GOOD: &str = r#"
hub = "hub-3f2a"
server = "http://127.0.0.1:8080"
data_folder = "data"
key_file = "hub.key"

[[binding]]
source = "device/A&D Medical/5161000042"
user_index = 1
patient = "pt-4c1e"
"#;

fn load(text: &str, key: &str, mode: u32) -> Result<Config, ConfigError> {
    let folder = tempfile::tempdir().unwrap();
    let key_file = folder.path().join("hub.key");
    fs::write(&key_file, key).unwrap();
    fs::set_permissions(&key_file, fs::Permissions::from_mode(mode)).unwrap();
    fs::write(folder.path().join("hub.toml"), text).unwrap();
    Config::load(&folder.path().join("hub.toml"))
        .inspect(|config| assert_eq!(config.data_folder, folder.path().join("data")))
}

fn good_key() -> String {
    STANDARD.encode([7; 32]) + "\n"
}

#[test]
fn good_settings_are_read() {
    let config = load(GOOD, &good_key(), 0o600).unwrap();
    assert_eq!((config.hub.as_str(), config.server.to_string().as_str()), ("hub-3f2a", "http://127.0.0.1:8080"));
    assert_eq!(config.key.public_key().unwrap(), HubKey::from_seed([7; 32]).unwrap().public_key().unwrap());
    let source = SourceId::parse("device/A&D Medical/5161000042").unwrap();
    assert!(matches!(config.bindings.who(&source, Some(1)), vitals::Who::Patient(_)));
}

#[test]
fn wrong_settings_name_the_key() {
    for (from, to, says) in [
        ("hub = \"hub-3f2a\"", "", "missing field `hub`"),
        ("hub-3f2a", "pt-3f2a", "hub = "),
        ("http://", "ftp://", "server = "),
        ("http://", "https://", "`server_fingerprints`"),
        ("127.0.0.1", "192.0.2.1", "`server` is another machine"),
        ("data_folder", "server_ca = \"no.pem\"\ndata_folder", "neither without"),
        ("http://127.0.0.1:8080", "http://127.0.0.1", "server = "),
        ("8080", "8080/v1", "server = "),
        ("key_file", "keyfile", "unknown field `keyfile`"),
        ("user_index = 1", "user_index = 255", "binding"),
        ("user_index = 1", "user_index = 256", "user_index = 256"),
        ("user_index", "user", "unknown field `user`"),
        ("pt-4c1e", "pt-9990000018", "patient = "),
        ("device/A&D", "A&D", "source = "),
        ("hub.key", "no.key", "`key_file`"),
    ] {
        let error = load(&GOOD.replace(from, to), &good_key(), 0o600).unwrap_err();
        let text =
            format!("{error}: {}", std::error::Error::source(&error).map(ToString::to_string).unwrap_or_default());
        assert!(text.contains(says), "want {says:?} in {text}");
    }
    let twice = format!(
        "{GOOD}{}",
        GOOD.split_once("data_folder").unwrap().1.split_once("[[").map(|(_, rest)| format!("[[{rest}")).unwrap()
    );
    assert!(matches!(load(&twice, &good_key(), 0o600), Err(ConfigError::Binding(BindingRefused::Twice { .. }))));
}

/// What an https server is known by is read whole or refused; the hub never talks to one that it cannot know.
#[test]
fn an_https_server_is_known_by_fingerprints_or_by_authorities() {
    let with = |more: &str| {
        let good = GOOD.replace("http://127.0.0.1:8080\"", &format!("https://192.0.2.1:8443\"\n{more}"));
        load(&good, &good_key(), 0o600).map(|config| config.server)
    };
    let print = "ab".repeat(32);
    let server = with(&format!("server_fingerprints = [\"{print}\"]")).unwrap();
    assert_eq!(server.to_string(), "https://192.0.2.1:8443");
    assert_eq!(server.trust(), &Trust::Fingerprints(vec![Fingerprint::of([0xab; 32])]));
    let five = format!("server_fingerprints = [{}]", vec![format!("\"{print}\""); 5].join(", "));
    let both = format!("server_fingerprints = [\"{print}\"]\nserver_ca = \"ca.pem\"");
    for more in
        ["", "server_fingerprints = [\"abab\"]", &five, &both, "server_ca = \"hub.key\"", "server_ca = \"no.pem\""]
    {
        assert!(matches!(with(more), Err(ConfigError::NotKnown(_))), "{more}");
    }
}

#[test]
fn a_key_file_open_to_others_or_without_a_key_is_refused() {
    for mode in [0o640, 0o604, 0o660, 0o644] {
        let error = load(GOOD, &good_key(), mode).unwrap_err();
        assert!(matches!(error, ConfigError::KeyFileOpenToOthers { mode: found, .. } if found == mode), "{error}");
    }
    for key in ["", "not base64!", &STANDARD.encode([7; 31]), &STANDARD.encode([7; 33]), &"A".repeat(500)] {
        let error = load(GOOD, key, 0o600).unwrap_err();
        assert!(matches!(error, ConfigError::KeyMalformed { .. }), "{error}");
        assert!(key.is_empty() || !format!("{error} {error:?}").contains(key), "the key is not shown");
    }
}

#[test]
fn an_endless_settings_file_is_not_read() {
    let endless = format!("{GOOD}#{}", "x".repeat(usize::try_from(CONFIG_BYTES_MAX).unwrap()));
    assert!(matches!(load(&endless, &good_key(), 0o600), Err(ConfigError::TooLarge { .. })));
}

const DEVICES: &str = r#"
[bluetooth]
adapter = "hci0"

[[bluetooth.device]]
address = "c0:26:da:23:8f:68"
label = "cuff in the day room"
consent = { user_index = 1, code = 1234 }

[[serial]]
port = "/dev/ttyUSB0"
protocol = "nonin_df2"
"#;

#[test]
fn the_devices_of_a_hub_are_read() {
    let config = load(&format!("{GOOD}{DEVICES}"), &good_key(), 0o600).unwrap();
    let bluetooth = config.bluetooth.unwrap();
    assert_eq!((bluetooth.adapter.as_deref(), bluetooth.device.len()), (Some("hci0"), 1));
    assert_eq!(bluetooth.device[0].address.to_string(), "C0:26:DA:23:8F:68");
    assert!(!format!("{bluetooth:?}").contains("1234"), "a consent code is not for the log");
    assert_eq!(config.serial[0].protocol, device_codecs::serial::Protocol::NoninDf2);
    let without = load(GOOD, &good_key(), 0o600).unwrap();
    assert!(without.bluetooth.is_none() && without.serial.is_empty(), "left out, both are left alone");
}

#[test]
fn wrong_devices_name_the_key() {
    let twice =
        |part: &str| format!("{DEVICES}{}", DEVICES.split_once(part).map(|(_, rest)| format!("{part}{rest}")).unwrap());
    for (devices, says) in [
        (DEVICES.replace("c0:26:da:23:8f:68", "c026da238f68"), "address"),
        (DEVICES.replace("nonin_df2", "nonin"), "cms50_v7_live"),
        (DEVICES.replace("label", "name"), "unknown field `name`"),
        (DEVICES.replace("user_index = 1", "user_index = 255"), "consent"),
        (DEVICES.replace("1234", "12345"), "consent"),
        (DEVICES.replace("port =", "path ="), "unknown field `path`"),
        (twice("[[serial]]"), "named twice"),
    ] {
        let error = load(&format!("{GOOD}{devices}"), &good_key(), 0o600).unwrap_err();
        let text =
            format!("{error}: {}", std::error::Error::source(&error).map(ToString::to_string).unwrap_or_default());
        assert!(text.contains(says), "want {says:?} in {text}");
    }
}
