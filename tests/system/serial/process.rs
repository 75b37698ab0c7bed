//! The hub's program with a serial port in its settings: killed in the middle of a meter's memory and started again, it
//! has every record once.

use harness::serial::{
    devices::{Device, onetouch},
    process::HubProcess,
    socket::Socket,
};
use std::path::Path;

const HUB: &str = env!("CARGO_BIN_EXE_hub-under-test");

#[tokio::test]
async fn a_hub_killed_inside_a_meters_memory_has_every_record_once() {
    let folder = tempfile::tempdir().unwrap();
    let socket = Socket::new().unwrap();
    let wire = socket.plug().unwrap();
    let mut device = onetouch::UltraEasy::with(0, 6);
    let start = || HubProcess::start(Path::new(HUB), folder.path(), &socket.path(), "onetouch_ultraeasy").unwrap();

    let hub = start();
    hub.answers(wire, &mut device, 3).await.unwrap();
    hub.kill().unwrap();
    // A new wire, so that nothing of the old conversation is left on the line.
    socket.unplug().unwrap();
    device.is_plugged_in();
    let wire = socket.plug().unwrap();

    let hub = start();
    hub.answers(wire, &mut device, 6).await.unwrap();
    assert_eq!(device.wrongs(), <[String; 0]>::default(), "{}", hub.log());
    let (status, log) = hub.stop().unwrap();
    assert!(status.success(), "{status}: {log}");
    assert!(log.contains("readings waiting on the disk: 6"), "{log}");
}
