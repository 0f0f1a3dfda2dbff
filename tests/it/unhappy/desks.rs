//! Desks on three real nodes: another face, a lost camera, and a lock that reaches a node which does not
//! answer. Rows 24 and 25, and when a revocation is in force.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use akashi_client::agent::{Agent, Presence, ScreenAction, SessionState};
use akashi_client::auditor::Flow;
use akashi_client::clock::monotonic;
use akashi_client::phone::{PhoneDirectory, Profile, Session as Notices};
use akashi_client::platform::{InvitedTo, Party};
use akashi_client::policy::{AgentBinding, AgentRule, Grants, PolicyPurpose, PresenceRule, Rules};
use akashi_client::presence::{Class, Desktop, InForce, Screen};
use akashi_client::{Deadline, Phone, Platform, Stage};
use akashi_proof::PinSecret;
use akashi_tests::real::{ACT, RealCluster, Setup, TENANT, cheap_pin};
use tokio::task::JoinHandle;

const LOGINS: &str = "agent-pin";

/// A cluster with agents' certificates and a policy for their logins.
pub(super) async fn centre(agents: &[&str]) -> (RealCluster, Platform) {
    let cluster = RealCluster::of(&Setup {
        agents: agents.iter().map(|&agent| agent.to_owned()).collect(),
        ..Setup::default()
    })
    .await;
    let rules = Rules {
        purpose: PolicyPurpose::AgentLogin,
        require_possession: true,
        require_knowledge: true,
        predicates: Vec::new(),
        face: None,
        consent: None,
        challenge_ttl_s: 120,
        verdict_ttl_s: 3_600,
        grants: Grants::default(),
        agents: AgentRule {
            binding: AgentBinding::Present,
            presence: PresenceRule {
                lost_grace_s: 4,
                suspend_after_s: 10,
                ..PresenceRule::default()
            },
            ..AgentRule::default()
        },
    };
    let operator = cluster.dev.operator().unwrap();
    operator
        .put_policy(TENANT, rules.to_wire(LOGINS), Deadline::after(ACT))
        .await
        .unwrap();
    let platform = cluster.dev.context().platform().unwrap();
    (cluster, platform)
}

/// An agent with a phone and a desktop.
pub(super) struct Worker {
    handle: &'static str,
    pub(super) agent: Agent,
    phone: Phone,
    notices: Notices,
    pin: PinSecret,
}

impl Worker {
    pub(super) async fn hire(
        cluster: &RealCluster,
        platform: &Platform,
        handle: &'static str,
    ) -> Self {
        let context = cluster.dev.context();
        let operator = cluster.dev.operator().unwrap();
        operator
            .register_agent(TENANT, handle, None, Deadline::after(ACT))
            .await
            .unwrap();
        let home = PhoneDirectory::of(context.phones(), handle);
        let profile = Profile {
            tenant: TENANT.to_owned(),
            subject: handle.to_owned(),
            agent: true,
            key_epoch: 0,
            nodes: context.nodes().to_vec(),
        };
        let ca = std::fs::read_to_string(context.ca()).unwrap();
        home.create(&profile, &context.key_set().unwrap(), &ca)
            .unwrap();
        let phone = Phone::open(&home).unwrap();
        let pin = cheap_pin(handle, b"2468");
        let invitation = platform
            .invite(
                Party::Agent(handle),
                InvitedTo::Device,
                Deadline::after(ACT),
            )
            .await
            .unwrap();
        phone
            .enrol(&invitation, &pin, Deadline::after(ACT))
            .await
            .unwrap();
        let notices = phone.open_session(Deadline::after(ACT)).await.unwrap();
        Self {
            handle,
            agent: context.agent(handle).unwrap(),
            phone,
            notices,
            pin,
        }
    }

    /// The phone proves who logs in.
    async fn log_in(&mut self, platform: &Platform) -> [u8; 16] {
        let login = platform
            .open_login(self.handle, LOGINS, Deadline::after(ACT))
            .await
            .unwrap();
        let notice = self
            .phone
            .notice_of(&mut self.notices, &login.challenge_id, Deadline::after(ACT))
            .await
            .unwrap();
        let proof = self.phone.prove(&notice, Some(&self.pin)).unwrap();
        self.phone
            .submit(&proof, Deadline::after(ACT))
            .await
            .unwrap();
        platform
            .wait_login(&login.login_id, Stage::Committed, Deadline::after(ACT))
            .await
            .unwrap();
        login.login_id
    }

    pub(super) async fn at_work(&mut self, platform: &Platform) -> [u8; 16] {
        let login = self.log_in(platform).await;
        let opened = self
            .agent
            .open_session(&login, 0, Deadline::after(ACT))
            .await
            .unwrap();
        opened.session_id
    }
}

/// A desktop that runs, with what its camera sees and what its screen was told.
struct Desk {
    camera: Arc<Mutex<Class>>,
    screens: Arc<Mutex<Vec<(std::time::Instant, Screen)>>>,
    running: JoinHandle<()>,
}

impl Desk {
    fn run(worker: &Worker, session: [u8; 16]) -> Self {
        let camera = Arc::new(Mutex::new(Class::Match));
        let screens = Arc::new(Mutex::new(Vec::new()));
        let desktop = Desktop::new(worker.agent.connection().clone(), session);
        let (sees, told) = (Arc::clone(&camera), Arc::clone(&screens));
        let running = tokio::spawn(async move {
            // It ends with the test, or with the session.
            drop(
                desktop
                    .keep(
                        || Some(*sees.lock().unwrap()),
                        |screen| told.lock().unwrap().push((monotonic(), screen)),
                    )
                    .await,
            );
        });
        Self {
            camera,
            screens,
            running,
        }
    }

    fn sees(&self, class: Class) {
        *self.camera.lock().unwrap() = class;
    }

    /// Waits until the screen does this.
    async fn does(&self, action: ScreenAction, within: Duration) -> Screen {
        let until = monotonic() + within;
        loop {
            let last = self.screens.lock().unwrap().last().copied();
            if let Some((_, screen)) = last.filter(|(_, screen)| screen.action == action) {
                return screen;
            }
            assert!(
                monotonic() < until,
                "the screen does not {}: {last:?}",
                action.name()
            );
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn u24_another_face_blacks_the_screen_out_on_every_node_and_the_gate_hears_it() {
    let (mut cluster, platform) = centre(&["agent-u24"]).await;
    let mut worker = Worker::hire(&cluster, &platform, "agent-u24").await;
    let session = worker.at_work(&platform).await;
    let desk = Desk::run(&worker, session);
    desk.does(ScreenAction::Show, Duration::from_secs(10)).await;
    let heard = Arc::new(Mutex::new(Vec::new()));
    let gate = {
        let (heard, platform) = (
            Arc::clone(&heard),
            cluster.dev.context().platform().unwrap(),
        );
        tokio::spawn(async move {
            let until = Deadline::after(Duration::from_secs(60));
            let watching = platform.watch_sessions(Some(session), until, |word| {
                heard.lock().unwrap().extend(word.news);
                Flow::Continue
            });
            drop(watching.await);
        })
    };
    desk.sees(Class::NoMatch);
    // Masked with the first look, black when it stays.
    desk.does(ScreenAction::Mask, Duration::from_secs(8)).await;
    let began = monotonic();
    let screen = desk
        .does(ScreenAction::Blackout, Duration::from_secs(40))
        .await;
    println!("blackout {:?} after the mask", began.elapsed());
    // The report is on its way to the log while the screen is black already.
    desk.does(ScreenAction::Blackout, ACT).await;
    assert_eq!(screen.presence, Some(Presence::Other));
    let until = monotonic() + ACT;
    loop {
        let suspended = heard.lock().unwrap().iter().any(|news| news.suspended);
        if suspended {
            break;
        }
        assert!(monotonic() < until, "the gate hears nothing");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    gate.abort();
    for (address, node) in worker.agent.connection().each() {
        let seen = Agent::new(node)
            .session(&session, Deadline::after(ACT))
            .await
            .unwrap();
        assert_eq!(
            (seen.state, seen.presence, seen.action),
            (
                SessionState::Suspended,
                Presence::Other,
                ScreenAction::Blackout
            ),
            "{address}"
        );
    }
    // The right face alone changes nothing; a fresh login does, within seconds.
    desk.sees(Class::Match);
    tokio::time::sleep(Duration::from_secs(3)).await;
    desk.does(ScreenAction::Blackout, ACT).await;
    let began = monotonic();
    let login = worker.log_in(&platform).await;
    worker
        .agent
        .restore_session(&session, &login, Deadline::after(ACT))
        .await
        .unwrap();
    desk.does(ScreenAction::Show, Duration::from_secs(12)).await;
    println!("back at work after {:?}", began.elapsed());
    cluster.converge().await;
    cluster.dev.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn u25_a_lost_camera_clears_then_suspends_and_a_silent_desktop_too() {
    let (mut cluster, platform) = centre(&["agent-u25a", "agent-u25b"]).await;
    let mut first = Worker::hire(&cluster, &platform, "agent-u25a").await;
    let mut second = Worker::hire(&cluster, &platform, "agent-u25b").await;
    let session = first.at_work(&platform).await;
    let silent = second.at_work(&platform).await;
    let desk = Desk::run(&first, session);
    let other = Desk::run(&second, silent);
    desk.does(ScreenAction::Show, Duration::from_secs(10)).await;
    other
        .does(ScreenAction::Show, Duration::from_secs(10))
        .await;
    desk.sees(Class::Lost);
    // The other desktop dies without a word.
    other.running.abort();
    desk.does(ScreenAction::Clear, Duration::from_secs(12))
        .await;
    let screen = desk
        .does(ScreenAction::Blackout, Duration::from_secs(30))
        .await;
    assert!(screen.suspended);
    for (worker, session) in [(&first, session), (&second, silent)] {
        let until = monotonic() + Duration::from_secs(30);
        loop {
            let seen = worker
                .agent
                .session(&session, Deadline::after(ACT))
                .await
                .unwrap();
            if seen.state == SessionState::Suspended {
                assert_eq!(seen.presence, Presence::CameraLost);
                break;
            }
            assert!(monotonic() < until, "{}: {:?}", worker.handle, seen.state);
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
    cluster.converge().await;
    cluster.dev.stop().await;
}

/// A lock while all nodes are up, and one while the node that the desktop is attached to is frozen: it is
/// in force within the bound, and the desktop is dark by then without hearing from anybody.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lock_is_in_force_at_once_and_on_a_frozen_node_within_its_lease() {
    let (mut cluster, platform) = centre(&["agent-all", "agent-cut"]).await;
    let mut first = Worker::hire(&cluster, &platform, "agent-all").await;
    first.at_work(&platform).await;
    let began = monotonic();
    let index = platform
        .lock_agent("agent-all", 1, Deadline::after(ACT))
        .await
        .unwrap();
    let how = platform
        .await_enforced(index, Deadline::after(ACT))
        .await
        .unwrap();
    println!("lock in force after {:?}: {}", began.elapsed(), how.name());
    assert_eq!(how, InForce::AllApplied);
    assert!(began.elapsed() < Duration::from_secs(2));

    let mut second = Worker::hire(&cluster, &platform, "agent-cut").await;
    let session = second.at_work(&platform).await;
    let leader = cluster.leader().await;
    let frozen = (leader + 1) % cluster.size();
    second.agent.connection().prefer(frozen);
    let desk = Desk::run(&second, session);
    desk.does(ScreenAction::Show, Duration::from_secs(10)).await;
    platform.connection().prefer(leader);
    cluster.pause(frozen);
    let began = monotonic();
    let index = platform
        .lock_agent("agent-cut", 1, Deadline::after(ACT))
        .await
        .unwrap();
    let how = platform
        .await_enforced(index, Deadline::after(Duration::from_secs(20)))
        .await
        .unwrap();
    let took = began.elapsed();
    println!("lock in force after {took:?}: {}", how.name());
    assert_eq!(how, InForce::LeaseBound);
    assert!(took > Duration::from_secs(9) && took < Duration::from_secs(12));
    let shown = |screens: &[(std::time::Instant, Screen)], since| {
        screens
            .iter()
            .filter(|(at, _)| *at > since)
            .any(|(_, screen)| screen.action == ScreenAction::Show)
    };
    let last = desk.screens.lock().unwrap().last().copied();
    let (_, screen) = last.unwrap();
    assert!(
        [ScreenAction::Clear, ScreenAction::Blackout].contains(&screen.action),
        "{screen:?}"
    );
    // The node wakes up and knows that its lease is over, whatever it still believes.
    let woken = monotonic();
    cluster.resume(frozen);
    tokio::time::sleep(Duration::from_secs(4)).await;
    assert!(
        !shown(&desk.screens.lock().unwrap(), woken),
        "a locked agent's screen never shows again"
    );
    let ready = Deadline::after(Duration::from_secs(60));
    cluster.dev.wait_ready(ready).await.unwrap();
    cluster.converge().await;
    cluster.dev.stop().await;
}
