//! What the peer port, the raft thread and the callers share about the members: who is heard, what they
//! said when they opened their streams, and how far the leader has brought them.
//!
//! A member is one disk. The leader has the number of each member's data directory recorded when it
//! first meets it; from then on every node turns away whoever comes under that id with another one: an
//! emptied disk, or one from elsewhere. An older copy of the right disk has the right number; the leader
//! notices it when its log ends before what it has acknowledged.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use akashi_replica::consensus::Role;
use akashi_replica::entry::NodeId;
use tokio::sync::watch;

use crate::members::{Admission, MemberTable};
use crate::peers::{Greeting, TurnedAway};
use crate::telemetry::Metrics;

/// See the module.
#[derive(Debug)]
pub(super) struct Roster {
    table: watch::Receiver<Arc<MemberTable>>,
    role: watch::Receiver<Role>,
    /// Peers with a live stream from here.
    connected: Arc<Mutex<BTreeSet<NodeId>>>,
    view: Mutex<LeaderView>,
    greetings: Mutex<BTreeMap<NodeId, Greeting>>,
    turned: Mutex<BTreeMap<NodeId, TurnedAway>>,
    told: watch::Sender<BTreeMap<NodeId, String>>,
    metrics: Metrics,
}

/// How far the followers are, as the leader of a term sees it; empty on the others.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct LeaderView {
    pub(super) term: u64,
    /// Last index that each is known to hold.
    pub(super) followers: Vec<(NodeId, u64)>,
    /// Last index of the leader's own log.
    pub(super) last_index: u64,
}

impl LeaderView {
    pub(super) fn holds(&self, id: NodeId) -> Option<u64> {
        let mut followers = self.followers.iter();
        followers.find(|(other, _)| *other == id).map(|(_, at)| *at)
    }
}

impl Roster {
    pub(super) fn new(
        table: watch::Receiver<Arc<MemberTable>>,
        role: watch::Receiver<Role>,
        connected: Arc<Mutex<BTreeSet<NodeId>>>,
        metrics: Metrics,
    ) -> Self {
        Self {
            table,
            role,
            connected,
            view: Mutex::default(),
            greetings: Mutex::default(),
            turned: Mutex::default(),
            told: watch::channel(BTreeMap::new()).0,
            metrics,
        }
    }

    /// The members now.
    pub(super) fn table(&self) -> Arc<MemberTable> {
        Arc::clone(&self.table.borrow())
    }

    /// The members as they change.
    pub(super) fn watch(&self) -> watch::Receiver<Arc<MemberTable>> {
        self.table.clone()
    }

    /// Peer addresses that members have named themselves, as they come.
    pub(super) fn told(&self) -> watch::Receiver<BTreeMap<NodeId, String>> {
        self.told.subscribe()
    }

    /// The leader has brought its followers so far.
    pub(super) fn publish(&self, view: LeaderView) {
        *lock(&self.view) = view;
    }

    pub(super) fn view(&self) -> LeaderView {
        lock(&self.view).clone()
    }

    /// What a member said when it opened its newest stream to here.
    pub(super) fn greeting(&self, id: NodeId) -> Option<Greeting> {
        lock(&self.greetings).get(&id).cloned()
    }

    /// Whether there is a live stream to this peer.
    pub(super) fn reaches(&self, id: NodeId) -> bool {
        lock(&self.connected).contains(&id)
    }

    /// Whether a call of this replica is taken.
    pub(super) fn takes_calls(&self, id: NodeId) -> bool {
        self.table.borrow().admission(id) == Admission::Member
    }

    /// A replica has opened a stream and says who it is.
    pub(super) fn greeted(&self, from: NodeId, greeting: Greeting) -> Result<(), TurnedAway> {
        match self.examine(from, &greeting) {
            Ok(()) => {
                lock(&self.turned).remove(&from);
                if !greeting.peer_address.is_empty() {
                    self.told.send_if_modified(|told| {
                        let address = greeting.peer_address.clone();
                        told.insert(from, address.clone()) != Some(address)
                    });
                }
                lock(&self.greetings).insert(from, greeting);
                Ok(())
            }
            Err(why) => {
                self.metrics.turned_away(why);
                // It comes again and again; it is said once.
                if lock(&self.turned).insert(from, why) != Some(why) {
                    tracing::error!(peer = from, reason = %why, "a replica is turned away");
                }
                Err(why)
            }
        }
    }

    /// Whether what comes on an open stream of this disk is still heard.
    pub(super) fn hears(&self, from: NodeId, life: [u8; 16]) -> bool {
        let table = self.table.borrow();
        let same = table
            .get(from)
            .and_then(|member| member.life)
            .is_none_or(|known| known == life);
        same && table.admission(from) != Admission::Removed
    }

    fn examine(&self, from: NodeId, greeting: &Greeting) -> Result<(), TurnedAway> {
        let role = *self.role.borrow();
        let table = self.table();
        match table.admission(from) {
            Admission::Removed => return Err(TurnedAway::Removed),
            // Who lags has not applied that somebody joined, and follows nobody that it knows.
            Admission::Unknown if role.leader.is_some_and(|leader| leader != from) => {
                return Err(TurnedAway::Stranger);
            }
            Admission::Member | Admission::Unknown => {}
        }
        if let Some(known) = table.get(from).and_then(|member| member.life)
            && known != greeting.life
        {
            return Err(TurnedAway::OtherDisk);
        }
        let view = lock(&self.view);
        // In a later term another leader may have had the end of its log replaced.
        let lost = role.is_leader
            && greeting.term <= view.term
            && view
                .holds(from)
                .is_some_and(|held| greeting.last_index < held);
        if lost {
            return Err(TurnedAway::OldDisk);
        }
        Ok(())
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use akashi_domain::records::{Member, Members, Standing};
    use akashi_replica::conf::Conf;
    use opentelemetry_sdk::metrics::SdkMeterProvider;

    use super::*;
    use crate::config::Config;

    struct Scene {
        roster: Roster,
        role: watch::Sender<Role>,
        table: watch::Sender<Arc<MemberTable>>,
    }

    fn member(id: u64, life: u8) -> Member {
        Member {
            id,
            name: format!("n{id}"),
            site: "a".to_owned(),
            peer_address: "h:1".to_owned(),
            client_address: "h:2".to_owned(),
            cosigner: [1; 32],
            standing: Standing::Voter,
            life: [life; 16],
        }
    }

    fn table(members: Vec<Member>) -> Arc<MemberTable> {
        let config = Config::parse(Config::EXAMPLE, Path::new("")).unwrap();
        let record = Members {
            version: 3,
            members,
            quorum: 2,
            removed: vec![3],
            key_set: 1,
        };
        let conf = Conf::of(vec![1, 2]);
        let before = MemberTable::default();
        let none = BTreeMap::new();
        Arc::new(MemberTable::of(
            &config,
            Some(&record),
            &conf,
            &none,
            &before,
        ))
    }

    fn scene() -> Scene {
        let (role, role_seen) = watch::channel(Role::default());
        let (table, table_seen) = watch::channel(table(vec![member(1, 1), member(2, 2)]));
        let metrics = Metrics::new(&SdkMeterProvider::builder().build());
        let roster = Roster::new(table_seen, role_seen, Arc::default(), metrics);
        Scene {
            roster,
            role,
            table,
        }
    }

    fn greeting(life: u8, last_index: u64) -> Greeting {
        Greeting {
            life: [life; 16],
            last_index,
            term: 4,
            peer_address: "h:9".to_owned(),
            priority: 0,
        }
    }

    fn leads(scene: &Scene, leader: NodeId) {
        scene.role.send_replace(Role {
            term: 4,
            leader: Some(leader),
            is_leader: leader == 1,
            leader_ready: leader == 1,
        });
    }

    #[test]
    fn a_member_is_heard_and_another_disk_under_its_id_is_not() {
        let scene = scene();
        assert_eq!(scene.roster.greeted(2, greeting(2, 0)), Ok(()));
        assert_eq!(scene.roster.greeting(2), Some(greeting(2, 0)));
        let other = scene.roster.greeted(2, greeting(9, 0));
        assert_eq!(other, Err(TurnedAway::OtherDisk));
        assert!(scene.roster.hears(2, [2; 16]) && !scene.roster.hears(2, [9; 16]));
    }

    #[test]
    fn a_disk_that_was_not_met_yet_is_heard_until_another_was() {
        let scene = scene();
        scene
            .table
            .send_replace(table(vec![member(1, 1), member(2, 0)]));
        assert_eq!(scene.roster.greeted(2, greeting(9, 0)), Ok(()));
        assert!(scene.roster.hears(2, [9; 16]));
        scene
            .table
            .send_replace(table(vec![member(1, 1), member(2, 2)]));
        assert!(
            !scene.roster.hears(2, [9; 16]),
            "on its open stream neither"
        );
    }

    #[test]
    fn who_was_removed_is_turned_away_and_a_stranger_while_the_node_follows_somebody() {
        let scene = scene();
        let removed = scene.roster.greeted(3, greeting(3, 0));
        assert_eq!(removed, Err(TurnedAway::Removed));
        assert!(!scene.roster.hears(3, [3; 16]));
        assert!(!scene.roster.takes_calls(3) && !scene.roster.takes_calls(7));
        assert_eq!(
            scene.roster.greeted(7, greeting(7, 0)),
            Ok(()),
            "it may lead"
        );
        leads(&scene, 2);
        let stranger = scene.roster.greeted(8, greeting(8, 0));
        assert_eq!(stranger, Err(TurnedAway::Stranger));
        leads(&scene, 8);
        assert_eq!(scene.roster.greeted(8, greeting(8, 0)), Ok(()));
    }

    #[test]
    fn a_log_that_ends_before_what_the_leader_knows_of_it_is_an_old_disk() {
        let scene = scene();
        leads(&scene, 1);
        scene.roster.publish(LeaderView {
            term: 4,
            followers: vec![(2, 10)],
            last_index: 12,
        });
        assert_eq!(scene.roster.greeted(2, greeting(2, 10)), Ok(()));
        let old = scene.roster.greeted(2, greeting(2, 9));
        assert_eq!(old, Err(TurnedAway::OldDisk));
        // In a later term its log may have been cut.
        let later = Greeting {
            term: 5,
            ..greeting(2, 9)
        };
        assert_eq!(scene.roster.greeted(2, later), Ok(()));
        // Only who leads knows what was acknowledged.
        leads(&scene, 2);
        assert_eq!(scene.roster.greeted(2, greeting(2, 9)), Ok(()));
    }

    #[test]
    fn addresses_that_members_name_are_told_once_each() {
        let scene = scene();
        let mut told = scene.roster.told();
        told.mark_unchanged();
        scene.roster.greeted(2, greeting(2, 0)).unwrap();
        assert!(told.has_changed().unwrap());
        assert_eq!(told.borrow_and_update().get(&2).unwrap(), "h:9");
        scene.roster.greeted(2, greeting(2, 5)).unwrap();
        assert!(!told.has_changed().unwrap());
    }
}
