//! Does the hub agent hear devices over BlueZ as it should? The unmodified agent, with its real Bluetooth link, against a
//! bluetoothd whose devices follow scripts; a bus or a bluetoothd that does not start fails a test and never skips it.

mod bluetoothd;
mod recovery;
mod scripts;
mod to_the_service;

use harness::bluez::script::Script;
use std::path::Path;

const HUB: &str = env!("CARGO_BIN_EXE_hub-under-test");

const SCRIPTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/bluez");

fn script(name: &str) -> Script {
    Script::load(&Path::new(SCRIPTS).join(format!("{name}.toml"))).unwrap()
}
