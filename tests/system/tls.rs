//! A hub and its service over TLS, with the programs themselves: how the hub comes to know the service, what it does when it
//! does not know it any more, and how it follows when the service says beforehand what will change.
//!
//! What a program sends to a service that it does not know is nothing: the service's own store says so in these tests, and the
//! bytes on the wire in the hub's.

use harness::{clock::wait_until, contents::Contents, ingest_process::IngestProcess};
use hub_agent::{
    Agent, Config, Parts, disk::Folder, net::TcpNetwork, prompt::Screen, rng::OsRandomness, uplink::SendError,
};
use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    sync::{Arc, Mutex},
    time::Duration,
};
use tempfile::TempDir;

const INGEST: &str = env!("CARGO_BIN_EXE_ingest-under-test");
const HUB: &str = env!("CARGO_BIN_EXE_hub-under-test");

/// A morning of readings.
const STORY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../deploy/demo/story/morning.jsonl");

/// How long a program may take on a busy machine.
const WITHIN: Duration = Duration::from_secs(60);

/// A service and a hub, each with its folder.
struct Home {
    folder: TempDir,
}

impl Home {
    fn new() -> Self {
        let home = Self { folder: tempfile::tempdir().unwrap() };
        home.settle("listen = '127.0.0.1:0'", "tls = { names = ['localhost'] }");
        home
    }

    fn settle(&self, listen: &str, more: &str) {
        let text = format!(
            "{listen}\n{more}\ndata = '{}'\nservice_name = 'Test'\nservice_hours = 'Always.'\npeople_are = 'invented'\n",
            self.data().display()
        );
        fs::write(self.settings(), text).unwrap();
    }

    fn settings(&self) -> PathBuf {
        self.folder.path().join("ingest.toml")
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("service")
    }

    fn hub(&self) -> PathBuf {
        self.folder.path().join("hub")
    }

    fn start(&self) -> IngestProcess {
        let log = self.folder.path().join("ingest.log");
        let service = IngestProcess::start(Path::new(INGEST), &self.settings(), &log).unwrap();
        let settings = self.hub().join("hub.toml");
        if let Ok(text) = fs::read_to_string(&settings) {
            // Another start has another port.
            let server = format!("server = \"https://{}\"", service.address());
            let lines: Vec<&str> =
                text.lines().map(|line| if line.starts_with("server =") { &server } else { line }).collect();
            fs::write(&settings, lines.join("\n")).unwrap();
        }
        service
    }

    fn ingest(&self, arguments: &[&str]) -> (bool, String) {
        let Output { status, stdout, stderr } =
            Command::new(INGEST).args(arguments).arg("--config").arg(self.settings()).output().unwrap();
        (status.success(), String::from_utf8([stdout, stderr].concat()).unwrap())
    }

    fn does(&self, arguments: &[&str]) -> String {
        let (is_done, said) = self.ingest(arguments);
        assert!(is_done, "{arguments:?}: {said}");
        said
    }

    /// Enrols with the program: whether it did, and what it said.
    fn enrol(&self, service: &IngestProcess, code: &str, more: &[&str]) -> (bool, String) {
        let server = format!("https://{}", service.address());
        let Output { status, stdout, stderr } = Command::new(HUB)
            .args(["enrol", "--server", &server, "--code", code, "--folder"])
            .arg(self.hub())
            .args(more)
            .output()
            .unwrap();
        (status.success(), String::from_utf8([stdout, stderr].concat()).unwrap())
    }

    /// How many readings the service has, of whomever.
    fn stored(&self) -> usize {
        Contents::read(&self.data()).unwrap().readings.len()
    }

    /// Plays the morning through the hub's program, until its log says this; whether it ended well by itself before.
    fn plays(&self, until: Option<&str>) -> Option<bool> {
        let log = self.folder.path().join("hub.log");
        let mut command = Command::new(HUB);
        command.args(["run", "--at-once", "--replay", STORY, "--config"]).arg(self.hub().join("hub.toml"));
        command.env("DERWENT_LOG", "info").stdout(Stdio::null()).stderr(fs::File::create(&log).unwrap());
        let mut hub = command.spawn().unwrap();
        let mut ended = None;
        let waited = wait_until(WITHIN, "the hub has ended or said so", || {
            ended = hub.try_wait().unwrap().map(|status| status.success());
            ended.is_some() || until.is_some_and(|word| fs::read_to_string(&log).unwrap().contains(word))
        });
        drop(hub.kill());
        drop(hub.wait());
        waited.unwrap_or_else(|late| panic!("{late}: {}", fs::read_to_string(&log).unwrap()));
        ended
    }
}

/// The word after another in what a program said.
fn after<'t>(said: &'t str, word: &str) -> &'t str {
    said.split(word)
        .nth(1)
        .and_then(|rest| rest.split_whitespace().next())
        .unwrap_or_else(|| panic!("{word} in {said}"))
}

struct NoScreen;

impl Screen for NoScreen {
    fn show(&self, _instruction: &hub_agent::prompt::Instruction) {}
}

/// What the hub says of the service.
#[derive(Default)]
struct Said(Mutex<Vec<String>>);

impl hub_agent::events::Events for Said {
    fn emit(&self, event: &hub_agent::events::HubEvent) {
        self.0.lock().unwrap().push(event.name().to_owned());
    }
}

/// The hub as its program makes it of its settings: says hello once, sends what waits, and says what happened.
fn visits(home: &Home) -> (Result<(), SendError>, Vec<String>) {
    let config = Config::load(&home.hub().join("hub.toml")).unwrap();
    let said = Arc::new(Said::default());
    let parts = Parts {
        clock: Arc::new(hub_agent::clock::WallClock),
        randomness: Arc::new(OsRandomness),
        disk: Arc::new(Folder::open(&config.data_folder).unwrap()),
        network: Arc::new(TcpNetwork),
        events: said.clone(),
        screen: Arc::new(NoScreen),
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let done = runtime.block_on(async {
        let agent = Agent::new(parts, &config).await.unwrap();
        let done = match agent.say_hello().await {
            Ok(()) => agent.send_waiting().await.map(drop),
            refused => refused,
        };
        agent.close().await;
        done
    });
    let said = said.0.lock().unwrap().clone();
    (done, said)
}

fn has(said: &[String], name: &str) -> bool {
    said.iter().any(|said| said == name)
}

#[test]
fn a_hub_knows_its_service_and_follows_it_to_the_next_certificate_and_key_and_nowhere_else() {
    let home = Home::new();
    let said = home.does(&["hub", "code", "hub-tls"]);
    let (code, digits) = (after(&said, "for one use: ").to_owned(), after(&said, "--fingerprint ").to_owned());
    assert!(home.does(&["fingerprint"]).contains(&digits));
    let service = home.start();

    // Without the certificate, or with another, the code is not sent: it counts on.
    let other = format!("{}{}", if digits.starts_with('0') { '1' } else { '0' }, digits.get(1..).unwrap_or_default());
    for (more, expected) in [
        (&[][..], "give --fingerprint"),
        (&["--fingerprint", &other][..], "it shows another certificate"),
        (&["--fingerprint", "0123-4567"][..], "20 to 64 hexadecimal digits"),
    ] {
        let (is_enrolled, said) = home.enrol(&service, &code, more);
        assert!(!is_enrolled && said.contains(expected), "{more:?}: {said}");
        assert!(!home.hub().join("hub.toml").exists());
    }
    let (is_enrolled, said) = home.enrol(&service, &code, &["--fingerprint", &digits]);
    assert!(is_enrolled, "{said}");
    assert!(service.stop().unwrap().0.success());

    // Somebody puts another certificate in its place: nothing is sent to it, and nothing is lost.
    let tls = home.data().join(ingest::tls::FIRST_FILE);
    let first = fs::read(&tls).unwrap();
    fs::remove_file(&tls).unwrap();
    let service = home.start();
    assert_eq!(home.plays(Some("certificate_changed")), None, "it goes on trying");
    let (refused, said) = visits(&home);
    assert!(refused.is_err() && has(&said, "service_not_trusted"), "{refused:?} {said:?}");
    assert!(service.stop().unwrap().0.success());
    assert_eq!(home.stored(), 0);
    fs::write(&tls, &first).unwrap();
    let service = home.start();
    assert_eq!(home.plays(None), Some(true));
    assert!(service.stop().unwrap().0.success());
    assert!(home.stored() > 0, "what was kept arrives at the service that is known");

    // One that was announced is followed, by a hub that heard of it.
    let next = after(&home.does(&["rotate", "announce-certificate"]), "the next certificate: ")
        .trim_end_matches('.')
        .to_owned();
    let service = home.start();
    let (done, said) = visits(&home);
    assert!(done.is_ok() && has(&said, "certificate_followed"), "{done:?} {said:?}");
    assert!(service.stop().unwrap().0.success());
    let (is_used, said) = home.ingest(&["rotate", "use-certificate"]);
    assert!(!is_used && said.contains("have not heard of it"), "{said}");
    assert!(home.does(&["rotate", "use-certificate", "--early"]).contains(&next));
    assert_ne!(fs::read(&tls).unwrap(), first);
    let service = home.start();
    for _ in 0..2 {
        let (done, said) = visits(&home);
        assert!(done.is_ok() && !has(&said, "service_not_trusted"), "{done:?} {said:?}");
    }
    assert!(service.stop().unwrap().0.success());

    // Two keys are followed at once by a hub that slept through one of them, and the first counts no more.
    let before = fs::read(home.data().join("server.key")).unwrap();
    let keys = ["server.key", "server-keys.json"].map(|name| home.data().join(name));
    home.does(&["rotate", "key"]);
    home.does(&["rotate", "key"]);
    let newest = keys.each_ref().map(|path| fs::read(path).unwrap());
    let service = home.start();
    let (done, said) = visits(&home);
    assert!(done.is_ok() && has(&said, "service_key_followed"), "{done:?} {said:?}");
    assert!(service.stop().unwrap().0.success());
    fs::write(&keys[0], before).unwrap();
    fs::remove_file(&keys[1]).unwrap();
    let service = home.start();
    let (refused, _) = visits(&home);
    assert!(matches!(refused, Err(SendError::Heartbeat(_))), "the first key again: {refused:?}");
    assert!(service.stop().unwrap().0.success());
    keys.iter().zip(newest).for_each(|(path, bytes)| fs::write(path, bytes).unwrap());
    assert!(home.does(&["verify"]).starts_with("The store is sound"));
}

#[test]
fn a_service_that_others_can_reach_never_starts_without_tls() {
    let home = Home::new();
    home.settle("listen = '0.0.0.0:0'", "plain = true");
    let (is_started, said) = home.ingest(&["serve"]);
    assert!(!is_started && said.contains("others can reach this address and would read along"), "{said}");
    home.settle("listen = '0.0.0.0:0'", "");
    let service = home.start();
    assert!(home.data().join(ingest::tls::FIRST_FILE).exists());
    assert!(service.stop().unwrap().0.success());
    // Certificates that cannot serve are told before anything listens.
    fs::write(home.folder.path().join("own.pem"), "no certificate").unwrap();
    let own = home.folder.path().join("own.pem");
    home.settle("listen = '127.0.0.1:0'", &format!("tls = {{ certificate = '{0}', key = '{0}' }}", own.display()));
    let (is_started, said) = home.ingest(&["serve"]);
    assert!(!is_started && said.contains("want a certificate in PEM form"), "{said}");
}
