//! Step 7: an agent's desktop at home. A stolen one opens nothing; a lock puts one out at once.

use std::time::Duration;

use tokio::task::JoinHandle;

use super::super::enrol;
use super::stage::{ACT_S, Stage, act, inbound};
use crate::agent::{Agent, Presence, ScreenAction, SessionState};
use crate::answer::{Outcome, Stage as Reached};
use crate::error::Error;
use crate::phone::{Means, Phone, PhoneDirectory, Pin, Session};
use crate::platform::Announced;
use crate::policy::{AgentBinding, AgentRule, Grants, PolicyPurpose, Rules};
use crate::presence::{Class, Desktop};

/// Reason number: no verified login of this agent.
const LOGIN_NOT_VERIFIED: u16 = 120;
/// Reason number: the agent is locked.
const AGENT_LOCKED: u16 = 125;
/// Reason number: no open session.
const NO_SESSION: u16 = 128;
/// Reason number: no camera has said yet who sits at the desktop.
const NOT_SEEN_YET: u16 = 137;
/// How often the demo looks whether the camera's word has arrived.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// An agent with a desktop and a phone of his or her own.
struct Worker {
    handle: String,
    desktop: Agent,
    phone: Phone,
    notices: Session,
    pin: Pin,
    /// The desktop's program, while it runs.
    camera: Option<JoinHandle<()>>,
}

impl Drop for Worker {
    fn drop(&mut self) {
        if let Some(camera) = &self.camera {
            camera.abort();
        }
    }
}

impl Worker {
    /// The desktop's camera sees its agent from now on.
    fn sits_down(&mut self, session: [u8; 16]) {
        let desktop = Desktop::new(self.desktop.connection().clone(), session);
        self.camera = Some(tokio::spawn(async move {
            // It ends with the session, or with this step.
            drop(desktop.keep(|| Some(Class::Match), |_screen| {}).await);
        }));
    }

    /// Waits until the cluster knows who sits there.
    async fn is_seen(&self, session: &[u8; 16]) -> Result<(), Error> {
        let deadline = act();
        loop {
            let seen = self.desktop.session(session, deadline).await?;
            if seen.presence == Presence::Present {
                return Ok(());
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }
}

pub(super) async fn run(stage: &mut Stage) -> Result<(), Error> {
    stage.title(
        7,
        "Desktops: a stolen laptop opens nothing, a lock puts one out everywhere at once",
    );
    let before = stage.ledger.held;
    for (name, purpose, binding) in [
        (
            "agent-pin",
            PolicyPurpose::AgentLogin,
            AgentBinding::Present,
        ),
        (
            "attended",
            PolicyPurpose::CustomerCall,
            AgentBinding::Present,
        ),
    ] {
        put(stage, name, purpose, binding).await?;
    }
    let mut worker = hire(stage).await?;
    stolen(stage, &mut worker).await?;
    let (session, call) = at_work(stage, &mut worker).await?;
    locked(stage, &mut worker, &session, &call).await?;
    let shown = stage.ledger.held - before;
    stage.sum("desktops", format!("{shown} expectations held"));
    Ok(())
}

async fn put(
    stage: &Stage,
    name: &str,
    purpose: PolicyPurpose,
    binding: AgentBinding,
) -> Result<(), Error> {
    let rules = Rules {
        purpose,
        require_possession: true,
        require_knowledge: true,
        predicates: Vec::new(),
        face: None,
        consent: None,
        challenge_ttl_s: 120,
        verdict_ttl_s: 3_600,
        grants: Grants::default(),
        agents: AgentRule {
            binding,
            ..AgentRule::default()
        },
    };
    let tenant = stage.context().tenant();
    stage
        .cluster
        .operator()?
        .put_policy(tenant, rules.to_wire(name), act())
        .await?;
    Ok(())
}

/// The last agent of the file gets a phone of his or her own.
async fn hire(stage: &Stage) -> Result<Worker, Error> {
    let context = stage.context();
    let handle = stage.agents.last().cloned();
    let handle = handle.ok_or_else(|| Error::usage("the enrolment file has no agents"))?;
    let pin = zeroize::Zeroizing::new("135790".to_owned());
    let directory = PhoneDirectory::of(context.phones(), &handle);
    if !directory.is_there() {
        let each = Duration::from_secs(ACT_S);
        enrol::agents_phone(context, &handle, pin.clone(), each).await?;
    }
    let phone = Phone::with_connection(&directory, stage.phones.clone())?;
    let notices = phone.open_session(act()).await?;
    Ok(Worker {
        desktop: context.agent(&handle)?,
        handle,
        phone,
        notices,
        pin: Pin::new(pin),
        camera: None,
    })
}

/// Whether an answer is a recorded refusal for this reason.
fn is_denied<T>(answer: &Result<T, Error>, why: u16) -> bool {
    matches!(answer, Err(Error::Denied { reason, .. }) if *reason == why)
}

/// The thief has the laptop: certificate and key, and the login that the platform just asked for.
async fn stolen(stage: &mut Stage, worker: &mut Worker) -> Result<(), Error> {
    let made_up = [0xee; 16];
    let answer = worker.desktop.open_session(&made_up, 0, act()).await;
    stage.expect(
        is_denied(&answer, LOGIN_NOT_VERIFIED),
        "stolen laptop: the certificate alone opens no session",
    );
    let asked = stage
        .platform
        .open_login(&worker.handle, "agent-pin", act())
        .await?;
    let answer = worker.desktop.open_session(&asked.login_id, 0, act()).await;
    stage.expect(
        is_denied(&answer, LOGIN_NOT_VERIFIED),
        "stolen laptop: nor does a login that the agent's phone has not proved",
    );
    let notice = worker
        .phone
        .notice_of(&mut worker.notices, &asked.challenge_id, act())
        .await?;
    let guess = Pin::new(zeroize::Zeroizing::new("000000000000".to_owned()));
    let means = Means {
        pin: Some(&guess),
        ..Means::default()
    };
    let attempt = worker.phone.answer(&notice, &means);
    let refused = match attempt {
        Ok(answer) => worker
            .phone
            .submit(&answer.submission, act())
            .await?
            .outcome
            .is_none(),
        Err(_not_even_tried) => true,
    };
    let answer = worker.desktop.open_session(&asked.login_id, 0, act()).await;
    stage.expect(
        refused && is_denied(&answer, LOGIN_NOT_VERIFIED),
        "stolen laptop and phone: without the PIN (or the face) it stays shut",
    );
    Ok(())
}

/// The agent logs in, and takes a call that wants somebody present.
async fn at_work(stage: &mut Stage, worker: &mut Worker) -> Result<([u8; 16], Announced), Error> {
    let mut person = stage.person().await?;
    let announced = stage
        .platform
        .announce(&inbound(person.phone.subject(), "attended"), act())
        .await?;
    let answer = stage
        .platform
        .bind_agent(&announced.contact_id, &worker.handle, act())
        .await;
    stage.expect(
        is_denied(&answer, NO_SESSION),
        "no session: the agent gets no call",
    );
    let login = log_in(stage, worker).await?;
    let opened = worker.desktop.open_session(&login, 0, act()).await?;
    let answer = stage
        .platform
        .bind_agent(&announced.contact_id, &worker.handle, act())
        .await;
    stage.expect(
        is_denied(&answer, NOT_SEEN_YET),
        "logged in, but no camera has looked yet: still no call",
    );
    worker.sits_down(opened.session_id);
    worker.is_seen(&opened.session_id).await?;
    stage
        .platform
        .bind_agent(&announced.contact_id, &worker.handle, act())
        .await?;
    let session = worker.desktop.session(&opened.session_id, act()).await?;
    let works = session.state == SessionState::Active
        && session.action == ScreenAction::Show
        && session.contact_ids == [announced.contact_id];
    stage.expect(
        works,
        "certificate and proved login: the session is open, and the call is the agent's",
    );
    let again = worker.desktop.open_session(&login, 0, act()).await;
    stage.expect(
        matches!(again, Err(Error::Denied { .. })),
        "a login opens one session, once",
    );
    let notice = person.notice(&announced).await?;
    let proof = person.phone.prove(&notice, Some(&person.secret))?;
    person.phone.submit(&proof, act()).await?;
    stage
        .expect_verdict(&announced, Outcome::Verified, "the customer is verified")
        .await?;
    Ok((opened.session_id, announced))
}

/// The agent's phone proves who logs in.
async fn log_in(stage: &Stage, worker: &mut Worker) -> Result<[u8; 16], Error> {
    let asked = stage
        .platform
        .open_login(&worker.handle, "agent-pin", act())
        .await?;
    let notice = worker
        .phone
        .notice_of(&mut worker.notices, &asked.challenge_id, act())
        .await?;
    let means = Means {
        pin: Some(&worker.pin),
        ..Means::default()
    };
    let answer = worker.phone.answer(&notice, &means)?;
    worker.phone.submit(&answer.submission, act()).await?;
    stage
        .platform
        .wait_login(&asked.login_id, Reached::Committed, act())
        .await?;
    Ok(asked.login_id)
}

/// The laptop is gone: one word, and the session is dark on every node; the call and its verdict stay.
async fn locked(
    stage: &mut Stage,
    worker: &mut Worker,
    session: &[u8; 16],
    call: &Announced,
) -> Result<(), Error> {
    stage.platform.lock_agent(&worker.handle, 7, act()).await?;
    let mut dark = 0;
    let nodes = worker.desktop.connection().each();
    let count = nodes.len();
    for (_, node) in nodes {
        let desktop = Agent::new(node);
        let seen = desktop.session(session, act()).await?;
        let out = seen.state == SessionState::Suspended
            && seen.action == ScreenAction::Blackout
            && seen.contact_ids.is_empty();
        let word = desktop
            .wait_view(&call.contact_id, Reached::Committed, act(), |_| {})
            .await;
        dark += usize::from(out && word.is_err());
    }
    stage.expect(
        dark == count,
        &format!("lock: the session is dark on all {count} nodes, and the word is not shown"),
    );
    let verdict = stage.verdict(call).await?;
    stage.expect(
        verdict.outcome == Some(Outcome::Verified),
        "lock: the call keeps its verdict and waits for another agent",
    );
    let answer = stage
        .platform
        .bind_agent(&call.contact_id, &worker.handle, act())
        .await;
    stage.expect(
        is_denied(&answer, AGENT_LOCKED),
        "lock: the locked agent cannot take it back",
    );
    let login = log_in(stage, worker).await?;
    let answer = worker.desktop.restore_session(session, &login, act()).await;
    stage.expect(
        is_denied(&answer, AGENT_LOCKED),
        "lock: not even the agent's own phone helps while it stands",
    );
    stage
        .platform
        .unlock_agent(&worker.handle, None, act())
        .await?;
    worker
        .desktop
        .restore_session(session, &login, act())
        .await?;
    worker.is_seen(session).await?;
    stage
        .platform
        .bind_agent(&call.contact_id, &worker.handle, act())
        .await?;
    let seen = worker.desktop.session(session, act()).await?;
    stage.expect(
        seen.state == SessionState::Active && seen.contact_ids == [call.contact_id],
        "unlocked: a fresh login brings the session back, and the call goes on",
    );
    Ok(())
}
