//! Members that come and go: what the operator asks, and what the leader makes of the applied record.

use std::collections::VecDeque;

use akashi_domain::command::{AddMember, Command, PromoteMember, RemoveMember};
use akashi_domain::state::Records as _;
use akashi_replica::conf::Standing;
use akashi_replica::consensus::Wanted;
use akashi_replica::cosigner::Cosigner as _;
use akashi_replica::entry::NodeId;

use crate::acts::index;
use crate::clients::Act;
use crate::cosign::Hand;
use crate::event::Event;
use crate::node::Node;
use crate::plan::MS;
use crate::seen::Seen;
use crate::world::World;

/// Replicas that join in one run.
const JOINS_MAX: u64 = 3;
/// Nobody joins so shortly before everything heals.
const JOINS_BEFORE_US: u64 = 10_000 * MS;
/// Entries that a learner may lack when it is promoted.
const LAG_MAX: u64 = 50;
/// How long a replica that left goes on running.
const RETIRES_US: u64 = 2_000 * MS;

impl World {
    pub(crate) fn operator_script(&self, number: u64) -> VecDeque<Act> {
        let joined = self.clients.list[index(number)].logins;
        // Whoever joins must have the time to catch up before that is looked at.
        let soon = self.now_us + JOINS_BEFORE_US > self.plan.faults_until_us;
        let acts: &[Act] = if joined < JOINS_MAX && !soon {
            &[
                Act::Join,
                Act::Promote,
                Act::Rest,
                Act::Leave,
                Act::Rest,
                Act::Rest,
            ]
        } else {
            &[Act::Rest]
        };
        acts.iter().copied().collect()
    }

    /// What the operator asks; `None` while the replicas are not ready for it.
    pub(crate) fn of_operator(&mut self, number: u64, act: Act) -> Option<Vec<Command>> {
        let newest = self.plan.nodes + self.clients.list[index(number)].logins;
        let command = match act {
            Act::Join => {
                self.clients.list[index(number)].logins += 1;
                self.joins(newest + 1)
            }
            Act::Promote => {
                if !self.has_caught_up(newest) {
                    return None;
                }
                Command::PromoteMember(PromoteMember { id: newest })
            }
            _ => {
                let voters = self.voters()?;
                let leader = self.leader().filter(|id| voters.contains(id));
                let id = if self.rng.one_in(2) {
                    leader?
                } else {
                    *voters.first()?
                };
                if leader == Some(id) {
                    self.tally.saw(Seen::LeaderRemoved);
                }
                Command::RemoveMember(RemoveMember { id })
            }
        };
        Some(vec![command])
    }

    /// A machine of its own, and what the cluster is told of it.
    fn joins(&mut self, id: NodeId) -> Command {
        let hand = Hand::of(id, false);
        let cosigner = *hand.public().public_key();
        self.nodes.insert(id, Node::formatted(id, hand));
        self.start(id);
        Command::AddMember(AddMember {
            id,
            name: format!("n{id}"),
            site: "a".into(),
            peer_address: format!("n{id}:7421"),
            client_address: format!("n{id}:7420"),
            cosigner,
        })
    }

    /// Whether a learner has nearly everything that any replica applied.
    fn has_caught_up(&self, id: NodeId) -> bool {
        let applied = |node: &Node| {
            let live = node.live.as_ref();
            live.map_or(0, |live| live.machine.progress().log_index)
        };
        let newest = self.nodes.values().map(applied).max().unwrap_or_default();
        let own = &self.nodes[&id];
        let learns = own
            .live
            .as_ref()
            .is_some_and(|live| live.core.standing() == Standing::Learner);
        learns && applied(own) + LAG_MAX >= newest
    }

    /// Who votes, as any running replica that leads has it.
    fn voters(&self) -> Option<Vec<NodeId>> {
        let live = self.nodes[&self.leader()?].live.as_ref()?;
        let members = live.machine.view().members().unwrap()?;
        Some(members.voters().map(|member| member.id).collect())
    }

    /// What could not be done now is asked again, because the last change was not sealed yet.
    pub(crate) fn ask_member_again(&mut self, command: &Command, number: u64) {
        let act = match command {
            Command::PromoteMember(_) => Act::Promote,
            Command::RemoveMember(_) => Act::Leave,
            _ => return,
        };
        self.clients.list[index(number)].script.push_front(act);
    }

    /// A member has left: its machine is taken away after a while.
    pub(crate) fn leaves(&mut self, id: NodeId) {
        self.tally.saw(Seen::MemberRemoved);
        self.nodes.get_mut(&id).unwrap().leaving = true;
        self.at(RETIRES_US, Event::Retire { node: id });
    }

    pub(crate) fn retire(&mut self, id: NodeId) {
        // A change that still needs its vote must be complete first.
        let needed = self.nodes.values().filter_map(|node| node.live.as_ref());
        let votes = |live: &crate::node::Live| {
            live.role.is_leader && live.core.conf().standing(id) != Standing::Outside
        };
        if needed.into_iter().any(votes) || self.leader().is_none() {
            return self.at(RETIRES_US, Event::Retire { node: id });
        }
        self.crash(id, false);
        self.nodes.get_mut(&id).unwrap().gone = true;
    }

    /// As the Raft thread of a node: the leader brings the group to what the applied record says.
    pub(crate) fn change_group(&mut self, id: NodeId, life: u64) {
        if !self.plan.churns() {
            return;
        }
        let Some(live) = self.live(id, life).filter(|live| live.role.leader_ready) else {
            return;
        };
        let Some(members) = live.machine.view().members().unwrap() else {
            return;
        };
        let of = |votes| {
            let all = members.members.iter();
            let some = all.filter(move |member| member.is_voter() == votes);
            some.map(|member| member.id).collect()
        };
        let wanted = Wanted {
            voters: of(true),
            learners: of(false),
        };
        let _refused_while_another_is_under_way = live.core.propose_conf(&wanted);
    }
}
