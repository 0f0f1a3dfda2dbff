//! Webhooks and `akashi listen` with three real nodes, and receivers that check every signature with
//! the published library, fail, hang, redirect, hang up and answer nonsense.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use akashi_client::auditor::Flow;
use akashi_client::webhook::sign::Generation;
use akashi_client::webhook::{Ask, Endpoint, Filter, Home, Report, Runner, Schedule};
use akashi_client::{Auditor, Call, Deadline, Error, Initiator, Outcome, Platform};
use akashi_merkle::Leaf;
use akashi_tests::real::{ACT, RealCluster, TENANT};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::oneshot;

mod receiver;

use receiver::{Receiver, eventually};

/// A schedule that is over within a second: four attempts.
const FAST_MS: [u64; 4] = [0, 50, 100, 200];
/// What one attempt may take here; below what the slow receiver takes.
const PATIENCE: Duration = Duration::from_millis(2_500);

/// Reads the log and gives the leaves of the tenant.
async fn leaves_of_the_tenant(auditor: &Auditor) -> Vec<(u64, Leaf)> {
    let number = auditor
        .tenant_number(TENANT, Deadline::after(ACT))
        .await
        .unwrap()
        .unwrap();
    let mut leaves = Vec::new();
    let mut follower = auditor.follower();
    auditor
        .tail(
            &mut follower,
            false,
            Deadline::after(ACT),
            |index, bytes, _| {
                let leaf = Leaf::decode(bytes).unwrap();
                if leaf.tenant == number {
                    leaves.push((index, leaf));
                }
                Ok(Flow::Continue)
            },
        )
        .await
        .unwrap();
    leaves
}

fn indices(leaves: &[(u64, Leaf)]) -> BTreeSet<u64> {
    leaves.iter().map(|(index, _)| *index).collect()
}

/// Calls a customer, who proves; gives the contact and its verdict's leaf.
async fn verified_call(cluster: &RealCluster, subject: &str) -> ([u8; 16], u64) {
    let platform = cluster.dev.context().platform().unwrap();
    let (phone, pin) = cluster.enrol(subject).await;
    let call = Call {
        subject,
        initiator: Initiator::Customer,
        policy: "basic",
        call_reason: 1,
        agent: None,
        ..Call::default()
    };
    let announced = platform
        .announce(&call, Deadline::after(ACT))
        .await
        .unwrap();
    let mut session = phone.open_session(Deadline::after(ACT)).await.unwrap();
    let notice = phone
        .notice_of(&mut session, &announced.challenge_id, Deadline::after(ACT))
        .await
        .unwrap();
    let submission = phone.prove(&notice, Some(&pin)).unwrap();
    let verdict = phone
        .submit(&submission, Deadline::after(ACT))
        .await
        .unwrap();
    assert_eq!(verdict.outcome, Some(Outcome::Verified));
    let verdict = platform
        .wait_verdict(
            &announced.contact_id,
            akashi_client::Stage::Sealed,
            Deadline::after(ACT),
            |_| {},
        )
        .await
        .unwrap();
    (announced.contact_id, verdict.leaf_index)
}

/// An endpoint of the receiver with keys of its own.
async fn endpoint(auditor: &Auditor, port: u16, behaviour: &str, name: &str) -> Endpoint {
    let tenant = auditor
        .tenant_number(TENANT, Deadline::after(ACT))
        .await
        .unwrap();
    Endpoint {
        url: format!("http://localhost:{port}/{behaviour}/{name}"),
        filter: Filter::new(vec![], tenant).unwrap(),
        from: 0,
        allow_private: true,
        allow_http: true,
        ca: None,
        keys: vec![Generation::fresh(0).unwrap()],
    }
}

/// A runner in this process, which stops when it is told to.
struct Running {
    stop: oneshot::Sender<()>,
    task: tokio::task::JoinHandle<Result<(), Error>>,
    reports: Arc<Mutex<Vec<Report>>>,
}

impl Running {
    fn start(home: &Home, auditor: &Auditor) -> Self {
        let reports = Arc::new(Mutex::new(Vec::new()));
        let sink = Arc::clone(&reports);
        let schedule = Schedule::of_ms(FAST_MS.to_vec());
        let tell = move |report: &Report| sink.lock().unwrap().push(report.clone());
        let runner = Runner::patient_for(home.clone(), auditor.clone(), schedule, PATIENCE, tell);
        let (stop, stopped) = oneshot::channel();
        let task = tokio::spawn(async move {
            runner
                .run(async {
                    let (Ok(()) | Err(_)) = stopped.await;
                })
                .await
        });
        Self {
            stop,
            task,
            reports,
        }
    }

    async fn stop(self) -> Vec<Report> {
        self.stop.send(()).unwrap();
        self.task.await.unwrap().unwrap();
        self.reports.lock().unwrap().clone()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_event_arrives_signed_and_receivers_that_misbehave_harm_only_themselves() {
    let mut cluster = RealCluster::start().await;
    let auditor = cluster.dev.context().auditor().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let home = Home::at(folder.path().join("webhooks"));
    let mut receiver = Receiver::start(folder.path());
    let behaviours = [
        "ok", "flaky", "dead", "gone", "redirect", "slow", "half", "noise", "endless",
    ];
    for behaviour in behaviours {
        let one = endpoint(&auditor, receiver.port, behaviour, behaviour).await;
        receiver.learn(behaviour, &one);
        home.add(behaviour, &one).unwrap();
    }
    // The same receiver, and an endpoint that does not allow addresses of this machine.
    let mut guarded = endpoint(&auditor, receiver.port, "ok", "guarded").await;
    guarded.allow_private = false;
    home.add("guarded", &guarded).unwrap();

    let running = Running::start(&home, &auditor);
    let (contact, verdict) = verified_call(&cluster, "sub_webhook_1").await;
    let leaves = leaves_of_the_tenant(&auditor).await;
    let all = indices(&leaves);
    assert!(all.contains(&verdict) && all.len() >= 8, "{all:?}");

    eventually("the good receiver has all", || receiver.leaves("ok") == all).await;
    eventually("the flaky one has all", || {
        home.state("flaky").unwrap().delivered() >= u64::try_from(all.len()).unwrap()
    })
    .await;
    for name in [
        "dead", "redirect", "slow", "half", "noise", "endless", "guarded",
    ] {
        eventually(name, || home.state(name).unwrap().dead().len() == all.len()).await;
    }
    eventually("gone", || {
        home.state("gone").unwrap().disabled_ms().is_some()
    })
    .await;

    every_request_is_sound(&receiver, &behaviours);
    what_arrived_is_what_the_log_says(&receiver, &auditor, contact, verdict).await;
    for index in &all {
        let of = |name: &str| {
            let seen = receiver.seen(name);
            let ids: Vec<String> = seen
                .iter()
                .filter(|one| one.index() == *index)
                .map(|one| one.text("id").to_owned())
                .collect();
            let first = ids.first().cloned();
            assert!(
                ids.iter().all(|id| Some(id) == first.as_ref()),
                "one id: {ids:?}"
            );
            ids.len()
        };
        // Two failures and a success; a busy machine may add one that came too late.
        assert!((3..=4).contains(&of("flaky")), "{}", of("flaky"));
        assert_eq!(of("dead"), FAST_MS.len(), "the whole schedule");
    }
    assert!(receiver.seen("guarded").is_empty(), "never connected");
    let trapped = |one: &receiver::Seen| one.text("behaviour") == "trap";
    assert!(
        !receiver.seen("redirect").iter().any(trapped),
        "never followed"
    );
    for (name, why) in [
        ("guarded", "not allowed (loopback)"),
        ("redirect", "redirects are not followed"),
        ("slow", "no answer"),
        ("dead", "status 500"),
        ("half", "connection ended"),
        ("noise", "connection ended"),
        ("endless", "connection ended"),
    ] {
        let state = home.state(name).unwrap();
        assert!(
            state.last_failure().contains(why),
            "{name}: {}",
            state.last_failure()
        );
    }
    gone_and_dead_are_delivered_when_somebody_says_so(&home, &mut receiver, &all).await;
    keys_are_rotated_without_a_gap(&cluster, &home, &mut receiver).await;
    let reports = running.stop().await;
    assert!(
        reports
            .iter()
            .any(|report| matches!(report, Report::Disabled { .. }))
    );
    tls_is_checked(&cluster, &auditor, folder.path()).await;
    cluster.dev.stop().await;
}

fn every_request_is_sound(receiver: &Receiver, names: &[&str]) {
    for name in names {
        let seen = receiver.seen(name);
        assert!(!seen.is_empty(), "{name} was asked");
        for one in seen {
            assert!(one.is_sound(), "{name}: {one:?}");
            let event = one.event();
            assert_eq!(event["specversion"], "1.0");
            assert_eq!(event["source"], "dev/e1/g0");
        }
    }
}

async fn what_arrived_is_what_the_log_says(
    receiver: &Receiver,
    auditor: &Auditor,
    contact: [u8; 16],
    verdict: u64,
) {
    let seen = receiver.seen("ok");
    let one = seen.iter().find(|one| one.index() == verdict).unwrap();
    let event = one.event();
    assert_eq!(event["type"], "jp.akashi.verdict.reached.v1");
    assert_eq!(event["subject"], hex::encode(contact));
    assert_eq!(event["sequence"], format!("{verdict:020}"));
    assert_eq!(event["data"]["outcome"], "verified");
    assert_eq!(event["data"]["columns"]["factors"], 3);
    // The bytes are those that a receipt proves.
    let (_, proved) = auditor
        .receipt(verdict, Deadline::after(ACT))
        .await
        .unwrap();
    let leaf = proved.leaf().unwrap();
    let sent = event["data"]["leaf"].as_str().unwrap();
    assert_eq!(base64(sent), leaf.encode());
}

async fn gone_and_dead_are_delivered_when_somebody_says_so(
    home: &Home,
    receiver: &mut Receiver,
    all: &BTreeSet<u64>,
) {
    let asked = receiver.seen("gone").len();
    assert!(asked < 10, "410 ended it: {asked}");
    for (name, ask) in [("gone", Ask::Enable), ("dead", Ask::ReplayDead)] {
        let before = receiver.seen(name).len();
        let mut repaired = home.endpoint(name).unwrap();
        repaired.url = format!("http://127.0.0.1:{}/ok/{name}", receiver.port);
        home.update(name, &repaired).unwrap();
        // The process looks at files twice a second.
        tokio::time::sleep(Duration::from_millis(1_200)).await;
        assert_eq!(
            receiver.seen(name).len(),
            before,
            "{name}: nothing by itself"
        );
        home.ask(name, &ask).unwrap();
        let expected = u64::try_from(all.len()).unwrap();
        eventually(name, || {
            let state = home.state(name).unwrap();
            state.delivered() >= expected && state.waiting().is_empty() && state.dead().is_empty()
        })
        .await;
        assert!(receiver.leaves(name).is_superset(all));
    }
    // A range again, to one that has it: the same ids.
    let (from, to) = (*all.first().unwrap(), *all.first().unwrap() + 2);
    let before = receiver.seen("ok");
    home.ask("ok", &Ask::Replay { from, to: Some(to) }).unwrap();
    let again: Vec<u64> = all.range(from..to).copied().collect();
    eventually("a replay", || {
        receiver.seen("ok").len() == before.len() + again.len()
    })
    .await;
    for one in &receiver.seen("ok")[before.len()..] {
        assert!(again.contains(&one.index()) && one.is_sound());
        assert!(before.iter().any(|b| b.text("id") == one.text("id")));
    }
}

async fn keys_are_rotated_without_a_gap(
    cluster: &RealCluster,
    home: &Home,
    receiver: &mut Receiver,
) {
    let mut rotated = home.endpoint("ok").unwrap();
    rotated.rotate(1, 1 << 40).unwrap();
    home.update("ok", &rotated).unwrap();
    tokio::time::sleep(Duration::from_millis(1_200)).await;
    receiver.learn("ok", &rotated);
    let before = receiver.seen("ok").len();
    let platform = cluster.dev.context().platform().unwrap();
    invite(&platform, "sub_webhook_2").await;
    eventually("the next event", || receiver.seen("ok").len() > before).await;
    // Sound now means: both secrets and both public keys.
    assert!(receiver.seen("ok").last().unwrap().is_sound());
}

/// Opens an invitation: one leaf.
async fn invite(platform: &Platform, subject: &str) {
    let opened = platform.open_enrolment(subject, Deadline::after(ACT)).await;
    opened.unwrap();
}

/// A receiver with the certificate of a node: trusted by whom its authority is named to, for the name
/// that is in it, and by nobody else.
async fn tls_is_checked(cluster: &RealCluster, auditor: &Auditor, folder: &Path) {
    let node = cluster.dev.directory().join("nodes/n1");
    let file = |end: &str| {
        let mut found = std::fs::read_dir(&node)
            .unwrap()
            .map(|entry| entry.unwrap().path());
        found
            .find(|path| path.to_str().unwrap().ends_with(end))
            .unwrap()
    };
    let (certificate, key) = (file("node.pem"), file("node.key"));
    let tls = Some((certificate.as_path(), key.as_path()));
    let mut receiver = Receiver::start_on("127.0.0.1", folder, tls);
    // The certificate is for 127.0.0.1, localhost and akashi.
    let other = Receiver::start_on("127.0.0.2", folder, tls);
    let ca = std::fs::read_to_string(cluster.dev.context().ca()).unwrap();
    let home = Home::at(folder.join("tls"));
    for (name, address, ca) in [
        (
            "trusted",
            format!("localhost:{}", receiver.port),
            Some(ca.clone()),
        ),
        ("stranger", format!("localhost:{}", receiver.port), None),
        ("misnamed", format!("127.0.0.2:{}", other.port), Some(ca)),
    ] {
        let mut one = endpoint(auditor, receiver.port, "ok", name).await;
        one.url = format!("https://{address}/ok/{name}");
        one.filter.events = vec!["verdict.reached".to_owned()];
        one.allow_http = false;
        one.ca = ca;
        receiver.learn(name, &one);
        // A machine may trust nobody at all; then there is no sender, and nothing to send.
        let has_sender = one.sender().is_ok();
        assert!(has_sender || name == "stranger");
        if has_sender {
            home.add(name, &one).unwrap();
        }
    }
    let running = Running::start(&home, auditor);
    eventually("over TLS", || receiver.leaves("trusted").len() == 1).await;
    assert!(receiver.seen("trusted")[0].is_sound());
    for name in home.names().unwrap() {
        if name != "trusted" {
            eventually(&name, || home.state(&name).unwrap().dead().len() == 1).await;
            assert!(
                home.state(&name)
                    .unwrap()
                    .last_failure()
                    .contains("trusted certificate")
            );
            assert!(
                receiver.seen(&name).is_empty() && other.seen(&name).is_empty(),
                "{name}"
            );
        }
    }
    running.stop().await;
}

/// The command, which lies beside the tests.
fn akashi(context: &Path) -> Command {
    let here = std::env::current_exe().unwrap();
    let profile = here.ancestors().nth(2).unwrap();
    let mut command = Command::new(profile.join("akashi"));
    command
        .env("AKASHI_CONTEXT", context)
        .stdin(Stdio::null())
        .kill_on_drop(true);
    command
}

async fn output_of(mut command: Command) -> (Option<i32>, String) {
    let output = command.output().await.unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    (output.status.code(), text)
}

fn webhook(context: &Path, home: &Path, arguments: &[&str]) -> Command {
    let mut command = akashi(context);
    command
        .arg("webhook")
        .args(arguments)
        .arg("--dir")
        .arg(home);
    command.args(["-o", "json", "--quiet"]);
    command
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_that_is_killed_again_and_again_loses_nothing() {
    const KILLS: usize = 6;
    const EVENTS_EACH: usize = 25;
    let mut cluster = RealCluster::start().await;
    let context = cluster.dev.directory().to_owned();
    let platform = cluster.dev.context().platform().unwrap();
    let auditor = cluster.dev.context().auditor().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let home = folder.path().join("webhooks");
    let mut receiver = Receiver::start(folder.path());
    let url = format!("http://127.0.0.1:{}/ok/crm", receiver.port);

    let refused = webhook(&context, &home, &["add", "crm", "--url", &url]);
    assert_eq!(
        output_of(refused).await.0,
        Some(2),
        "plain http must be allowed"
    );
    let add = [
        "add",
        "crm",
        "--url",
        &url,
        "--from",
        "0",
        "--allow-http",
        "--allow-private",
    ];
    let (status, printed) = output_of(webhook(&context, &home, &add)).await;
    assert_eq!(status, Some(0));
    let keys: Value = serde_json::from_str(&printed).unwrap();
    let (secret, public) = (
        keys["secret"].as_str().unwrap(),
        keys["publicKey"].as_str().unwrap(),
    );
    receiver.learn_texts("crm", secret, public);
    assert_eq!(
        output_of(webhook(&context, &home, &add)).await.0,
        Some(1),
        "twice"
    );
    let (status, _) = output_of(webhook(&context, &home, &["keys", "nobody"])).await;
    assert_eq!(status, Some(2));

    for round in 0..KILLS {
        let mut child = webhook(&context, &home, &["run"]).spawn().unwrap();
        for event in 0..EVENTS_EACH {
            invite(&platform, &format!("sub_crash_{round}_{event:03}")).await;
        }
        // In the middle of reading, queueing and sending.
        tokio::time::sleep(Duration::from_millis(40 * u64::try_from(round).unwrap())).await;
        child.start_kill().unwrap();
        child.wait().await.unwrap();
    }
    let mut child = webhook(&context, &home, &["run"]).spawn().unwrap();
    let all = indices(&leaves_of_the_tenant(&auditor).await);
    assert!(all.len() > KILLS * EVENTS_EACH);
    eventually("everything arrived", || receiver.leaves("crm") == all).await;
    let second = webhook(&context, &home, &["run"]);
    assert_eq!(
        output_of(second).await.0,
        Some(2),
        "one process per directory"
    );
    let seen = receiver.seen("crm");
    assert!(seen.iter().all(receiver::Seen::is_sound));
    println!(
        "{KILLS} kills, {} leaves, {} requests",
        all.len(),
        seen.len()
    );

    // A service manager's way of stopping it.
    eventually("nothing waits", || {
        Home::at(home.clone())
            .state("crm")
            .unwrap()
            .waiting()
            .is_empty()
    })
    .await;
    stop_in_good_order(&mut child).await;
    let (status, listed) = output_of(webhook(&context, &home, &["list"])).await;
    let listed: Value = serde_json::from_str(&listed).unwrap();
    assert_eq!(
        (status, &listed[0]["status"]),
        (Some(0), &Value::from("good"))
    );
    assert_eq!(listed[0]["waiting"], 0);

    let (status, _) = output_of(webhook(&context, &home, &["test", "crm"])).await;
    assert_eq!(status, Some(0));
    let tested = receiver.seen("crm").pop().unwrap();
    assert_eq!(tested.event()["type"], "jp.akashi.webhook.test.v1");
    assert!(tested.is_sound());
    let (status, _) = output_of(webhook(&context, &home, &["rotate", "crm"])).await;
    assert_eq!(status, Some(0));
    drop(receiver);
    let (status, _) = output_of(webhook(&context, &home, &["test", "crm"])).await;
    assert_eq!(status, Some(1), "nobody there");
    cluster.dev.stop().await;
}

async fn stop_in_good_order(child: &mut Child) {
    let pid = child.id().unwrap().to_string();
    let sent = Command::new("kill").args(["-TERM", &pid]).status().await;
    assert!(sent.unwrap().success());
    assert_eq!(child.wait().await.unwrap().code(), Some(0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn listening_prints_what_happens_as_it_happens_and_goes_on_where_it_stopped() {
    let mut cluster = RealCluster::start().await;
    let context = cluster.dev.directory().to_owned();
    let folder = tempfile::tempdir().unwrap();
    let state: PathBuf = folder.path().join("position");

    let mut listen = akashi(&context);
    listen.args([
        "listen",
        "--event",
        "verdict.*",
        "--tenant",
        TENANT,
        "--count",
        "1",
        "-o",
        "jsonl",
    ]);
    let mut child = listen
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut commentary = BufReader::new(child.stderr.take().unwrap()).lines();
    let first = commentary.next_line().await.unwrap().unwrap();
    assert!(first.starts_with("listening from leaf "), "{first}");
    let (contact, verdict) = verified_call(&cluster, "sub_listen_1").await;
    let output = child.wait_with_output().await.unwrap();
    assert!(output.status.success());
    let printed: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(printed["leafIndex"], verdict);
    assert_eq!(printed["contactId"], hex::encode(contact));
    assert_eq!(printed["outcome"], "verified");

    // From a leaf on, as CloudEvents; then from where that stopped.
    let mut from = akashi(&context);
    let index = verdict.to_string();
    from.args(["listen", "--from", &index, "--cloud-events", "--count", "1"]);
    let (status, text) = output_of(from).await;
    let event: Value = serde_json::from_str(&text).unwrap();
    assert_eq!((status, event["id"].as_str()), (Some(0), Some(&*index)));
    assert_eq!(event["type"], "jp.akashi.verdict.reached.v1");

    let run = |timeout: &str| {
        let mut command = akashi(&context);
        command.arg("listen").arg("--state").arg(&state);
        // Of the tenant only: the cluster's own leaves (who met whose disk) come when they come.
        command.args(["--tenant", TENANT]);
        command.args(["-o", "jsonl", "--quiet", "--timeout", timeout]);
        command
    };
    let (status, nothing) = output_of(run("1")).await;
    assert_eq!(
        (status, nothing.as_str()),
        (Some(0), ""),
        "only what is new"
    );
    let platform = cluster.dev.context().platform().unwrap();
    invite(&platform, "sub_listen_2").await;
    let (status, text) = output_of(run("2")).await;
    let lines: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(status, Some(0));
    assert!(
        lines
            .iter()
            .all(|line| line["leafIndex"].as_u64() > Some(verdict))
    );
    assert_eq!(lines.last().unwrap()["event"], "enrolment.opened");
    let (_, again) = output_of(run("1")).await;
    assert_eq!(again, "", "nothing twice");

    let mut unknown = akashi(&context);
    unknown.args(["listen", "--event", "no.such"]);
    assert_eq!(output_of(unknown).await.0, Some(2));
    cluster.dev.stop().await;
}

/// The bytes of standard base64, as a receiver without a library would read them.
fn base64(text: &str) -> Vec<u8> {
    const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut bytes = Vec::new();
    let (mut held, mut bits) = (0_u32, 0_u32);
    for letter in text.bytes().filter(|letter| *letter != b'=') {
        let value = ALPHABET.iter().position(|known| *known == letter).unwrap();
        held = (held << 6) | u32::try_from(value).unwrap();
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            bytes.push(u8::try_from((held >> bits) & 0xff).unwrap());
        }
    }
    bytes
}

/// What `docs/events.md` calls the extensions is what webhooks and scripts get as names.
#[test]
fn the_extensions_of_leaves_have_the_documented_names() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/events.md");
    let text = std::fs::read_to_string(page).unwrap();
    let (_, table) = text.split_once("## Extensions").unwrap();
    let (table, _) = table.split_once("\n`flags`").unwrap();
    let documented: Vec<(u16, String)> = table
        .lines()
        .filter_map(|line| {
            let mut cells = line.split('|').map(str::trim).skip(1);
            let number = cells.next()?.parse().ok()?;
            Some((number, cells.next()?.to_owned()))
        })
        .collect();
    let known: Vec<(u16, String)> = akashi_client::event::columns::COLUMNS
        .iter()
        .map(|(number, name, _)| (*number, (*name).to_owned()))
        .collect();
    assert_eq!(
        known, documented,
        "client/src/event/columns.rs and docs/events.md"
    );
}
