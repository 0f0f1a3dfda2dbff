//! The receiver in Python, with the unmodified library `standardwebhooks` in it, as a child process.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use akashi_client::webhook::Endpoint;
use serde_json::{Value, json};

/// One request as the receiver saw it.
#[derive(Clone, Debug)]
pub(super) struct Seen(pub(super) Value);

impl Seen {
    pub(super) fn text(&self, name: &str) -> &str {
        self.0[name].as_str().unwrap()
    }

    pub(super) fn event(&self) -> &Value {
        &self.0["event"]
    }

    /// Index of the leaf that it is about.
    pub(super) fn index(&self) -> u64 {
        self.event()["id"].as_str().unwrap().parse().unwrap()
    }

    fn all(&self, name: &str) -> Vec<bool> {
        let list = self.0[name].as_array().unwrap();
        list.iter().map(|one| one.as_bool().unwrap()).collect()
    }

    /// Whether the library took it with every secret, the second verifier with every public key, and
    /// neither a changed body.
    pub(super) fn is_sound(&self) -> bool {
        self.all("v1").iter().all(|accepted| *accepted)
            && self.all("v1a").iter().all(|accepted| *accepted)
            && self.all("changed").iter().all(|accepted| !*accepted)
            && self.0["bytes"].as_u64().unwrap() < 20_000
            && self.text("type") == "application/cloudevents+json; charset=utf-8"
    }
}

/// The process and what it has seen.
pub(super) struct Receiver {
    child: Child,
    /// Its port on loopback.
    pub(super) port: u16,
    seen: Arc<Mutex<Vec<Seen>>>,
    keys_file: PathBuf,
    keys: BTreeMap<String, Value>,
}

impl Drop for Receiver {
    fn drop(&mut self) {
        // One that is gone already needs no signal.
        let (Ok(()) | Err(_)) = self.child.kill();
        let (Ok(_) | Err(_)) = self.child.wait();
    }
}

impl Receiver {
    /// Starts it on loopback.
    pub(super) fn start(folder: &Path) -> Self {
        Self::start_on("127.0.0.1", folder, None)
    }

    /// Starts it on an address of loopback, with TLS if there is a certificate with its key.
    pub(super) fn start_on(address: &str, folder: &Path, tls: Option<(&Path, &Path)>) -> Self {
        let kind = if tls.is_some() { "tls" } else { "plain" };
        let keys_file = folder.join(format!("keys-{kind}-{address}.json"));
        std::fs::write(&keys_file, "{}").unwrap();
        let here = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut command = Command::new(python());
        command
            .arg(here.join("it/webhooks/receiver.py"))
            .arg(&keys_file)
            .arg(address)
            .env("PYTHONPATH", here)
            .stdout(Stdio::piped());
        if let Some((certificate, key)) = tls {
            command.arg(certificate).arg(key);
        }
        let mut child = command.spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let port = lines.next().unwrap().unwrap().parse().unwrap();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let sink = Arc::clone(&seen);
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                let request = Seen(serde_json::from_str(&line).unwrap());
                sink.lock().unwrap().push(request);
            }
        });
        Self {
            child,
            port,
            seen,
            keys_file,
            keys: BTreeMap::new(),
        }
    }

    /// Tells it the newest keys of an endpoint, beside those that it has been told before.
    pub(super) fn learn(&mut self, name: &str, endpoint: &Endpoint) {
        let newest = endpoint.newest().unwrap();
        self.learn_texts(name, &newest.secret_text(), &newest.public_text());
    }

    /// The same from the texts that the command prints.
    pub(super) fn learn_texts(&mut self, name: &str, secret: &str, public: &str) {
        let known = self
            .keys
            .entry(name.to_owned())
            .or_insert_with(|| json!({ "secrets": [], "public": [] }));
        known["secrets"].as_array_mut().unwrap().push(json!(secret));
        known["public"].as_array_mut().unwrap().push(json!(public));
        let fresh = self.keys_file.with_extension("new");
        std::fs::write(&fresh, json!(self.keys).to_string()).unwrap();
        std::fs::rename(&fresh, &self.keys_file).unwrap();
    }

    /// What it has seen of an endpoint.
    pub(super) fn seen(&self, name: &str) -> Vec<Seen> {
        let seen = self.seen.lock().unwrap();
        let of_it = seen.iter().filter(|one| one.text("endpoint") == name);
        of_it.cloned().collect()
    }

    /// The leaves that it has heard of through an endpoint.
    pub(super) fn leaves(&self, name: &str) -> BTreeSet<u64> {
        self.seen(name).iter().map(Seen::index).collect()
    }
}

/// Waits until something holds.
pub(super) async fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let end = Instant::now() + Duration::from_secs(60);
    while !holds() {
        assert!(Instant::now() < end, "{what}: not within a minute");
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
}

/// The Python that has the library, in an environment beside what is built.
fn python() -> PathBuf {
    let here = std::env::current_exe().unwrap();
    let target = here.ancestors().nth(3).unwrap();
    let python = target.join("standardwebhooks/bin/python");
    let has_it = || {
        let import = Command::new(&python)
            .args(["-c", "import standardwebhooks"])
            .stderr(Stdio::null())
            .status();
        import.is_ok_and(|status| status.success())
    };
    static ONCE: Mutex<()> = Mutex::new(());
    let _one_at_a_time = ONCE.lock().unwrap();
    if !has_it() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let status = Command::new(root.join("ops/setup.sh"))
            .arg("webhooks")
            .env("CARGO_TARGET_DIR", target)
            .status()
            .unwrap();
        assert!(
            status.success() && has_it(),
            "run ops/setup.sh webhooks (needs the network, once)"
        );
    }
    python
}
