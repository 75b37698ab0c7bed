//! Devices with a memory: whatever the line does, every record comes once in a conversation that reaches its end, and
//! nothing lets a device forget what is not kept.

use super::summary::Summary;
use device_codecs::serial::Protocol;
use harness::serial::{
    devices::{Device, contec, contour, freestyle, nonin, onetouch},
    line::Planted,
    near::{Keeper, Near},
    noise::{GARBAGE, Noise},
    story::{Cut, Plan, Teller, Went},
};
use hub_agent::link::Heard;
use std::time::Duration;
use vitals::ClockOffset;

const ENDS_WITHIN: Duration = Duration::from_secs(240);

/// How many kinds of noise are put between a device's answers.
const NOISES: u64 = 30;

/// Makes a device whose records begin with this number.
type Make = fn(usize) -> Box<dyn Device>;

/// One device, plugged in, spoken with and unplugged, as often as the story wants.
struct Run<'a> {
    near: &'a Near,
    teller: Teller<'a>,
    make: Make,
    /// How many devices there were.
    devices: usize,
    records: usize,
}

impl Run<'_> {
    fn new_device(&mut self) -> Box<dyn Device> {
        self.devices += 1;
        (self.make)(self.devices * 10)
    }

    /// One visit: gives how it went, how many bytes were said, and the records that came.
    async fn visit(&mut self, device: &mut dyn Device, plan: Plan<'_>) -> (Went, usize, Vec<Vec<u8>>) {
        let (before, said) = (self.near.notes.came_frames(), self.teller.counts.said_bytes);
        device.is_plugged_in();
        self.teller.plug().await.unwrap();
        let went = self.teller.hold(device, plan).await.unwrap();
        if went == Went::ToItsEnd {
            self.teller.unplug().await.unwrap();
        }
        (went, self.teller.counts.said_bytes - said, self.near.notes.records_after(before))
    }

    /// A visit of a new device from which everything must come, once.
    async fn whole(&mut self, plan: Plan<'_>) -> usize {
        let mut device = self.new_device();
        // What it holds before: some devices forget.
        let held = device.records();
        let (went, said, came) = self.visit(device.as_mut(), plan).await;
        let held = if held.is_empty() { device.records() } else { held };
        assert_eq!(device.wrongs(), <[String; 0]>::default(), "{plan:?}");
        assert_eq!(went, Went::ToItsEnd);
        assert!(
            came == held,
            "{plan:?}: {} of {} records; hints {:?}",
            came.len(),
            held.len(),
            self.near.notes.came().hints()
        );
        self.records += came.len();
        said
    }

    /// Noise after every answer: what comes is what the device holds, no more than once; what the noise hid is still
    /// there for the next visit, on a clean line.
    async fn noisy(&mut self, seed: u64) {
        let mut device = self.new_device();
        let held = device.records();
        let mut noise = Noise::new(seed).bytes(7);
        // The line itself takes these two where they mean "stop" and "go on"; they have a test of their own.
        noise.retain(|byte| !matches!(byte, 0x11 | 0x13));
        let (_, _, mut came) = self.visit(device.as_mut(), Plan { between: &noise, ..Plan::PLAIN }).await;
        let held_now = if held.is_empty() { device.records() } else { held.clone() };
        assert!(came.iter().all(|came| held_now.contains(came)), "noise {seed}: something else came");
        let (went, _, rest) = self.visit(device.as_mut(), Plan::PLAIN).await;
        assert_eq!(went, Went::ToItsEnd);
        came.extend(rest);
        let held = if held.is_empty() { device.records() } else { held };
        assert!(held.iter().all(|record| came.contains(record)), "noise {seed}: a record is missing");
        self.records += held.len();
    }

    /// One bit is turned over on the way: nothing that the device does not hold may come, and nothing may be missing once
    /// it was visited again. For protocols whose checksums cover every record.
    async fn damaged(&mut self, place: usize) {
        let mut device = self.new_device();
        let held = device.records();
        let plan = Plan { damaged_after: Some(place), ..Plan::PLAIN };
        let (_, _, mut came) = self.visit(device.as_mut(), plan).await;
        let held_now = if held.is_empty() { device.records() } else { held.clone() };
        assert!(came.iter().all(|came| held_now.contains(came)), "damaged after {place}: something else came");
        let (went, _, rest) = self.visit(device.as_mut(), Plan::PLAIN).await;
        assert_eq!(went, Went::ToItsEnd);
        came.extend(rest);
        let held = if held.is_empty() { device.records() } else { held };
        assert!(held.iter().all(|record| came.contains(record)), "damaged after {place}: a record is missing");
        self.records += held.len();
    }

    /// The device stays plugged in and is asked again after the rest, with noise between.
    async fn stays(&mut self) {
        let mut device = self.new_device();
        let before = self.near.notes.came_frames();
        device.is_plugged_in();
        self.teller.plug().await.unwrap();
        assert_eq!(self.teller.hold(device.as_mut(), Plan::PLAIN).await.unwrap(), Went::ToItsEnd);
        if self.teller.has_ended() {
            self.teller.noise_in_rest(GARBAGE).await.unwrap();
            self.teller.next_conversation().await;
            assert_eq!(self.teller.hold(device.as_mut(), Plan::PLAIN).await.unwrap(), Went::ToItsEnd);
            let (came, held) = (self.near.notes.records_after(before), device.records());
            assert!(held.iter().all(|record| came.iter().filter(|came| *came == record).count() == 2));
            self.records += held.len();
        }
        self.teller.unplug().await.unwrap();
        assert_eq!(device.wrongs(), <[String; 0]>::default());
    }

    /// The line hangs up after so many bytes; then the same device comes back, and nothing is missing.
    async fn hung_up(&mut self, place: usize) {
        let mut device = self.new_device();
        let held = device.records();
        let (went, _, mut came) =
            self.visit(device.as_mut(), Plan { hangs_up_after: Some(place), ..Plan::PLAIN }).await;
        if went == Went::HungUp {
            let (went, _, rest) = self.visit(device.as_mut(), Plan::PLAIN).await;
            assert_eq!(went, Went::ToItsEnd);
            came.extend(rest);
        }
        let held = if held.is_empty() { device.records() } else { held };
        assert_eq!(device.wrongs(), <[String; 0]>::default(), "hung up after {place}");
        for record in &held {
            let times = came.iter().filter(|came| *came == record).count();
            assert!((1..=2).contains(&times), "hung up after {place}: a record came {times} times");
        }
        assert!(came.iter().all(|came| held.contains(came)), "hung up after {place}: something else came");
        self.records += held.len();
    }
}

/// The whole story of a protocol: every split, every byte alone, noise, and the plug pulled at every place.
async fn tell(protocol: Protocol, make: Make) {
    let summary = Summary::of(protocol.name());
    let near = Near::start(protocol, Planted::Nothing, Keeper::List).await.unwrap();
    let mut run = Run { near: &near, teller: Teller::new(&near), make, devices: 0, records: 0 };
    let said = run.whole(Plan::PLAIN).await;
    for place in 1..said {
        run.whole(Plan { cut: Cut::After(place), ..Plan::PLAIN }).await;
    }
    run.whole(Plan { cut: Cut::Everywhere, ..Plan::PLAIN }).await;
    run.whole(Plan { before: GARBAGE, ..Plan::PLAIN }).await;
    for place in 1..said {
        run.hung_up(place).await;
    }
    if !matches!(protocol, Protocol::Cms50V4Recorded | Protocol::Cms50V7Recorded) {
        for place in 0..said {
            run.damaged(place).await;
        }
    }
    run.stays().await;
    for seed in 0..NOISES {
        run.noisy(seed).await;
    }
    summary.held(&format!("{} records, none missing, none made up", run.records), run.teller.counts);
    let came = near.end().await.unwrap();
    assert_eq!(came.kept, came.frames().len());
}

async fn holds(protocol: Protocol, make: Make) {
    tokio::time::timeout(ENDS_WITHIN, tell(protocol, make)).await.expect("the story ends");
}

#[tokio::test]
async fn spot_checks_come_once_and_are_forgotten_once_kept() {
    holds(Protocol::NoninDf13, |first| Box::new(nonin::SpotChecker::with(first, 3))).await;
}

#[tokio::test]
async fn contour_results_come_once() {
    holds(Protocol::ContourAstm, |first| Box::new(contour::Contour::with(first, 3))).await;
}

#[tokio::test]
async fn ultra2_results_come_once() {
    holds(Protocol::OnetouchUltra2, |first| Box::new(onetouch::Ultra2::with(first, 3))).await;
}

#[tokio::test]
async fn ultraeasy_results_come_once() {
    holds(Protocol::OnetouchUltraEasy, |first| Box::new(onetouch::UltraEasy::with(first, 3))).await;
}

#[tokio::test]
async fn optium_results_come_once() {
    holds(Protocol::FreestyleOptium, |first| Box::new(freestyle::Optium::with(first, 3))).await;
}

#[tokio::test]
async fn an_older_contec_recording_comes_once() {
    holds(Protocol::Cms50V4Recorded, |first| Box::new(contec::OlderRecorder::with(first, 180))).await;
}

#[tokio::test]
async fn a_newer_contec_recording_comes_once() {
    holds(Protocol::Cms50V7Recorded, |first| Box::new(contec::NewerRecorder::with(first, 70))).await;
}

/// Tells the device to forget before the record is kept: the far side sees the word before the agent has the record.
async fn early_word_is_caught(protocol: Protocol, make: Make) {
    let wrongs = |planted| async move {
        let near = Near::start(protocol, planted, Keeper::List).await.unwrap();
        let mut run = Run { near: &near, teller: Teller::new(&near), make, devices: 0, records: 0 };
        let mut device = run.new_device();
        run.visit(device.as_mut(), Plan::PLAIN).await;
        device.wrongs().to_vec()
    };
    assert_eq!(wrongs(Planted::Nothing).await, <[String; 0]>::default());
    let caught = wrongs(Planted::ForgetsEarly).await;
    assert!(!caught.is_empty() && caught.iter().all(|wrong| wrong.contains("kept")), "{caught:?}");
}

#[tokio::test]
async fn a_word_that_lets_a_device_forget_too_early_is_caught() {
    early_word_is_caught(Protocol::NoninDf13, |first| Box::new(nonin::SpotChecker::with(first, 3))).await;
    early_word_is_caught(Protocol::ContourAstm, |first| Box::new(contour::Contour::with(first, 3))).await;
    early_word_is_caught(Protocol::OnetouchUltraEasy, |first| Box::new(onetouch::UltraEasy::with(first, 3))).await;
}

/// A full outbox: the device is not told to forget, is left in peace, and gives everything later.
#[tokio::test]
async fn a_record_that_is_not_kept_stays_on_the_device() {
    let near = Near::start(Protocol::NoninDf13, Planted::Nothing, Keeper::FullAtFirst(2)).await.unwrap();
    let mut teller = Teller::new(&near);
    let mut device = nonin::SpotChecker::with(0, 3);
    let held = device.records();
    teller.plug().await.unwrap();
    for _refused in 0..2 {
        teller.hold(&mut device, Plan::PLAIN).await.unwrap();
        assert!(teller.has_ended() && device.records() == held, "nothing was forgotten");
        device.is_plugged_in();
        teller.next_conversation().await;
    }
    teller.hold(&mut device, Plan::PLAIN).await.unwrap();
    assert!(device.is_done() && device.wrongs().is_empty(), "{:?}", device.wrongs());
    let came = near.end().await.unwrap();
    assert_eq!((came.frames().len(), came.kept), (5, 3));
    assert_eq!(came.said("port_opened"), 1, "opened once, and left open");
}

/// Who sent a record and how far its clock was: the meter says both before it gives any.
#[tokio::test]
async fn a_meter_that_says_who_it_is_is_the_source_and_its_clock_is_read() {
    let meters: [(Protocol, Make, &str); 5] = [
        (Protocol::ContourAstm, |first| Box::new(contour::Contour::with(first, 1)), "device/Ascensia/7390-2336773"),
        (Protocol::OnetouchUltra2, |first| Box::new(onetouch::Ultra2::with(first, 1)), "device/LifeScan/CDE12345Y"),
        (
            Protocol::OnetouchUltraEasy,
            |first| Box::new(onetouch::UltraEasy::with(first, 1)),
            "device/LifeScan/CDE12345T",
        ),
        (Protocol::FreestyleOptium, |first| Box::new(freestyle::Optium::with(first, 1)), "device/Abbott/DEF12345"),
        (Protocol::NoninDf13, |first| Box::new(nonin::SpotChecker::with(first, 1)), "port/hub-test/ttyTEST0"),
    ];
    for (protocol, make, source) in meters {
        let near = Near::start(protocol, Planted::Nothing, Keeper::List).await.unwrap();
        let mut run = Run { near: &near, teller: Teller::new(&near), make, devices: 0, records: 0 };
        run.whole(Plan::PLAIN).await;
        let came = near.end().await.unwrap();
        let [frame] = came.frames()[..] else { panic!("{protocol}: {:?}", came.heard) };
        assert_eq!(frame.device.as_str(), source);
        // Its clock is set to summer time, and the story begins at 13:00 local time; a minute or so has passed since.
        let ClockOffset::ReadAtConnection { device_ahead_secs } = frame.clock else { panic!("{protocol}: not read") };
        assert!((-120..=5).contains(&device_ahead_secs), "{protocol}: {device_ahead_secs} s");
        assert!(matches!(&came.heard[0], Heard::Connected { device, .. } if device.as_str() == source));
        assert!(matches!(came.heard.last(), Some(Heard::Disconnected { device }) if device.as_str() == source));
    }
}
