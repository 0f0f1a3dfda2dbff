//! The tasks of a node's edge: what it takes up after a restart and from nodes that are gone, what it tells
//! the log, and that it goes on telling.

use std::time::Duration;

use akashi_domain::command::{Command, PresenceCause, ReportPresence, SessionPresence};
use akashi_domain::event::Event;
use akashi_domain::ids::SessionId;
use akashi_domain::records::{PresenceState, Session};
use akashi_domain::state::Records as _;
use akashi_node::api::Replica as _;
use akashi_presence::{Class, Heard, Key, Summary};
use akashi_proto::v1;
use tokio::time::timeout;

use crate::holder::operator;
use crate::paper::{Mood, Paper};
use crate::policies::{policy, put};
use crate::port::Port;
use crate::presence::{Desk, gate, hears};
use crate::sessions::{AGENT, Centre};

/// Longer than two looks for missing nodes, and than a window of heartbeats.
const SOON: Duration = Duration::from_secs(60);

/// A centre whose sessions are lost after two seconds without a word.
async fn strict() -> Centre {
    let centre = Centre::open().await;
    let mut login = policy("login", v1::PolicyPurpose::AgentLogin);
    login.agents = Some(v1::AgentRule {
        presence: Some(v1::PresenceRule {
            lost_grace_s: Some(2),
            ..v1::PresenceRule::default()
        }),
        ..v1::AgentRule::default()
    });
    let mut operator = operator(&centre.port).await;
    operator.put_policy(put(login)).await.unwrap();
    centre
}

fn session(paper: &Paper, id: &bytes::Bytes) -> Session {
    let id = SessionId(id.as_ref().try_into().unwrap());
    paper.view().session(1, id).unwrap().unwrap()
}

/// The log has the session at `node`, where its agent is seen.
fn seen_at(paper: &Paper, id: &bytes::Bytes, node: u64) {
    let line = |cause| SessionPresence {
        tenant: 1,
        session: SessionId(id.as_ref().try_into().unwrap()),
        state: PresenceState::Present,
        cause,
    };
    paper.done(Command::ReportPresence(ReportPresence {
        node,
        sessions: vec![line(PresenceCause::Attached), line(PresenceCause::Samples)],
    }));
    let session = session(paper, id);
    assert_eq!(
        (session.edge, session.presence),
        (node, PresenceState::Present)
    );
}

#[tokio::test]
async fn the_leader_takes_over_sessions_of_a_node_that_is_gone_and_misses_their_desktops() {
    let mut centre = strict().await;
    let (_worker, id) = centre.at_work(AGENT, 1).await;
    let (_, mut changes) = gate(&centre).await;
    // Node 2 is not connected: this one leads, and has no stream to it.
    seen_at(&centre.port.paper, &id, 2);
    // A second look at it by an edge that has just begun, however long all this took.
    let _edge = Port::open(centre.port.paper.clone()).await;
    let mut heard = Vec::new();
    timeout(SOON, async {
        loop {
            let change = hears(&mut changes).await;
            heard.push((change.cause(), change.presence()));
            if change.presence() == v1::PresenceState::CameraLost {
                break;
            }
        }
    })
    .await
    .expect("an orphan is lost when its desktop does not come back");
    let (attached, seen) = (v1::PresenceCause::Attached, v1::PresenceState::Present);
    assert!(heard.contains(&(attached, seen)), "{heard:?}");
    assert_eq!(
        heard.last(),
        Some(&(v1::PresenceCause::Silence, v1::PresenceState::CameraLost))
    );
    assert_eq!(session(&centre.port.paper, &id).edge, 1);
}

#[tokio::test]
async fn a_node_that_starts_again_misses_the_desktops_that_it_had() {
    let mut centre = strict().await;
    let (_worker, id) = centre.at_work(AGENT, 1).await;
    // The log has the session here, and nobody sits in this process.
    seen_at(&centre.port.paper, &id, 1);
    let paper = centre.port.paper.clone();
    let mut entries = paper.subscribe();
    let _restarted = Port::open(paper.clone()).await;
    timeout(SOON, async {
        loop {
            let entry = entries.recv().await.unwrap();
            let lost = entry.events.iter().any(|recorded| {
                matches!(&recorded.event, Event::PresenceChanged(fact)
                    if fact.to == PresenceState::CameraLost && fact.cause == PresenceCause::Silence)
            });
            if lost {
                break;
            }
        }
    })
    .await
    .expect("whoever does not come back is lost");
    assert_eq!(session(&paper, &id).presence, PresenceState::CameraLost);
}

#[tokio::test]
async fn a_change_reaches_the_log_although_there_was_no_leader_when_it_happened() {
    let mut centre = Centre::open().await;
    let (mut worker, id) = centre.at_work(AGENT, 1).await;
    let mut desk = Desk::seen(&centre, &mut worker.client, &id).await;
    let (_, mut changes) = gate(&centre).await;
    centre.port.paper.be(Mood::Leaderless);
    desk.sees(v1::SampleClass::Several).await;
    let word = desk.sees(v1::SampleClass::Several).await;
    // The screen does not wait for the log.
    assert_eq!(
        (word.presence(), word.action()),
        (v1::PresenceState::Multiple, v1::ScreenAction::Mask)
    );
    assert_eq!(
        session(&centre.port.paper, &id).presence,
        PresenceState::Present
    );
    centre.port.paper.be(Mood::Well);
    let change = timeout(SOON, hears(&mut changes)).await.unwrap();
    assert_eq!(change.presence(), v1::PresenceState::Multiple);
    let page = centre.port.scrape.text();
    for line in [
        "akashi_presence_changes_total{",
        "akashi_presence_reports_total{",
        "akashi_lease_renewals_total{",
        "akashi_presence_desktops",
    ] {
        assert!(page.contains(line), "{line}");
    }
    assert!(page.contains("state=\"multiple\""), "{page}");
}

#[tokio::test]
async fn what_was_heard_in_a_window_is_summed_up_and_its_root_can_be_made_again() {
    let mut centre = Centre::open().await;
    let (mut worker, id) = centre.at_work(AGENT, 1).await;
    let mut entries = centre.port.paper.subscribe();
    let mut desk = Desk::open(&mut worker.client, &id).await.unwrap();
    desk.word().await.unwrap();
    for class in [
        v1::SampleClass::Match,
        v1::SampleClass::Match,
        v1::SampleClass::Several,
    ] {
        desk.sees(class).await;
    }
    let summary = timeout(SOON, async {
        loop {
            let entry = entries.recv().await.unwrap();
            for recorded in &entry.events {
                if let Event::PresenceSummarised(fact) = &recorded.event {
                    return fact.clone();
                }
            }
        }
    })
    .await
    .expect("a window with heartbeats has a summary");
    assert_eq!((summary.node, summary.sessions), (1, 1));
    assert_eq!(summary.heartbeats, 3);
    assert!(summary.from < summary.until);
    let mut heard = Heard::default();
    for (sequence, class) in (1..).zip([Class::Match, Class::Match, Class::Several]) {
        heard.count(class, sequence);
    }
    let key = Key {
        tenant: 1,
        session: id.as_ref().try_into().unwrap(),
    };
    let again = Summary::of(&std::collections::BTreeMap::from([(key, heard)]));
    assert_eq!(summary.root.0, again.root);
}
