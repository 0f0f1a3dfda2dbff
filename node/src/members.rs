//! Who belongs to the cluster, as this node knows it now: the applied record, completed by the
//! configuration, and by what Raft still needs of members that are leaving.
//!
//! Whom the node dials, whose streams it takes and of whom it waits for something follows this table
//! while it runs. It is made new whenever the record, the group or an address changes, and never edited.

use std::collections::{BTreeMap, BTreeSet};

use akashi_domain::records::{Members, Standing};
use akashi_replica::conf::Conf;
use akashi_replica::entry::NodeId;

use crate::config::Config;

/// One member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// Its name.
    pub name: String,
    /// Where it stands.
    pub site: String,
    /// Where replicas reach it: host and port; empty if nobody has said.
    pub peer_address: String,
    /// Where clients reach it: host and port; empty if nobody has said.
    pub client_address: String,
    /// What it may do; none while Raft still needs a member that the record names no more.
    pub standing: Option<Standing>,
    /// What its data directory calls itself; none until the leader has met it.
    pub life: Option<[u8; 16]>,
}

/// The members of the cluster.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MemberTable {
    members: BTreeMap<NodeId, Member>,
    removed: BTreeSet<NodeId>,
}

/// What a node believes of a caller that says it is a replica.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admission {
    /// It is a member.
    Member,
    /// It was removed, and nothing needs it any more.
    Removed,
    /// It is neither: it may have joined after what this node has applied, or be no member at all.
    Unknown,
}

impl MemberTable {
    /// The table as of an applied record and a Raft group. Before the cluster is founded there is no
    /// record, and the founders of the configuration are the members. `told` are peer addresses that
    /// members have named themselves; they count where nothing else is known.
    #[must_use]
    pub fn of(
        config: &Config,
        record: Option<&Members>,
        conf: &Conf,
        told: &BTreeMap<NodeId, String>,
        before: &Self,
    ) -> Self {
        let mut table = match record {
            None => Self::founders(config),
            Some(record) => Self::recorded(config, record),
        };
        // Raft cannot complete a removal without those that are being removed.
        for id in conf.members() {
            if table.members.contains_key(&id) {
                continue;
            }
            if let Some(leaving) = before.members.get(&id) {
                let leaving = Member {
                    standing: None,
                    ..leaving.clone()
                };
                table.members.insert(id, leaving);
            }
        }
        for (id, address) in told {
            if table.removed.contains(id) && !table.members.contains_key(id) {
                continue;
            }
            let member = table.members.entry(*id).or_insert_with(|| Member {
                name: String::new(),
                site: String::new(),
                peer_address: String::new(),
                client_address: String::new(),
                standing: None,
                life: None,
            });
            if member.peer_address.is_empty() {
                member.peer_address.clone_from(address);
            }
        }
        table
    }

    fn founders(config: &Config) -> Self {
        let members = config.cluster.replicas.iter().map(|replica| {
            let member = Member {
                name: replica.name.clone(),
                site: replica.site.clone(),
                peer_address: replica.peer_address.clone(),
                client_address: replica.client_address.clone(),
                standing: Some(Standing::Voter),
                life: None,
            };
            (replica.id, member)
        });
        Self {
            members: members.collect(),
            removed: BTreeSet::new(),
        }
    }

    fn recorded(config: &Config, record: &Members) -> Self {
        let founders = &config.cluster.replicas;
        let members = record.members.iter().map(|member| {
            let file = founders.iter().find(|replica| replica.id == member.id);
            let pick = |recorded: &String, configured: Option<&String>| match configured {
                Some(configured) if recorded.is_empty() => configured.clone(),
                Some(_) | None => recorded.clone(),
            };
            let row = Member {
                name: member.name.clone(),
                site: member.site.clone(),
                peer_address: pick(&member.peer_address, file.map(|r| &r.peer_address)),
                client_address: pick(&member.client_address, file.map(|r| &r.client_address)),
                standing: Some(member.standing),
                life: (member.life != [0; 16]).then_some(member.life),
            };
            (member.id, row)
        });
        Self {
            members: members.collect(),
            removed: record.removed.iter().copied().collect(),
        }
    }

    /// All of them, ascending by id.
    #[must_use]
    pub const fn members(&self) -> &BTreeMap<NodeId, Member> {
        &self.members
    }

    /// One of them.
    #[must_use]
    pub fn get(&self, id: NodeId) -> Option<&Member> {
        self.members.get(&id)
    }

    /// Those that the record names with this standing, ascending.
    pub fn with(&self, standing: Standing) -> impl Iterator<Item = NodeId> {
        let members = self.members.iter();
        members.filter_map(move |(id, member)| (member.standing == Some(standing)).then_some(*id))
    }

    /// Those that the record names, ascending.
    pub fn staying(&self) -> impl Iterator<Item = NodeId> {
        let members = self.members.iter();
        members.filter_map(|(id, member)| member.standing.map(|_| *id))
    }

    /// Whether the peer port listens to `id`.
    #[must_use]
    pub fn admission(&self, id: NodeId) -> Admission {
        if self
            .members
            .get(&id)
            .is_some_and(|member| !member.name.is_empty())
        {
            Admission::Member
        } else if self.removed.contains(&id) {
            Admission::Removed
        } else {
            Admission::Unknown
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use akashi_domain::records::Member as Recorded;

    use super::*;

    fn config() -> Config {
        Config::parse(Config::EXAMPLE, Path::new("/etc/akashi")).unwrap()
    }

    fn recorded(id: u64, standing: Standing) -> Recorded {
        Recorded {
            id,
            name: format!("n{id}"),
            site: "a".to_owned(),
            peer_address: String::new(),
            client_address: String::new(),
            cosigner: [1; 32],
            standing,
            life: [0; 16],
        }
    }

    fn record(members: Vec<Recorded>, removed: Vec<u64>) -> Members {
        Members {
            version: 1,
            members,
            quorum: 2,
            removed,
            key_set: 0,
        }
    }

    fn table(record: Option<&Members>, conf: &Conf, before: &MemberTable) -> MemberTable {
        MemberTable::of(&config(), record, conf, &BTreeMap::new(), before)
    }

    #[test]
    fn before_the_founding_the_members_are_those_of_the_file() {
        let table = table(None, &Conf::of(vec![1, 2, 3]), &MemberTable::default());
        assert_eq!(table.with(Standing::Voter).collect::<Vec<_>>(), [1, 2, 3]);
        assert_eq!(table.get(2).unwrap().peer_address, "127.0.0.1:7431");
        assert_eq!(table.admission(1), Admission::Member);
        assert_eq!(table.admission(4), Admission::Unknown);
    }

    #[test]
    fn addresses_come_from_the_record_and_where_it_has_none_from_the_file() {
        let mut added = recorded(4, Standing::Learner);
        added.peer_address = "10.0.0.4:7421".to_owned();
        added.life = [9; 16];
        let mut moved = recorded(1, Standing::Voter);
        moved.peer_address = "10.0.0.1:7421".to_owned();
        let record = record(vec![moved, recorded(2, Standing::Voter), added], vec![3]);
        let table = table(
            Some(&record),
            &Conf::of(vec![1, 2]),
            &MemberTable::default(),
        );
        let address = |id| table.get(id).unwrap().peer_address.as_str();
        assert_eq!(address(1), "10.0.0.1:7421");
        assert_eq!(address(2), "127.0.0.1:7431");
        assert_eq!(address(4), "10.0.0.4:7421");
        assert_eq!(table.get(4).unwrap().life, Some([9; 16]));
        assert_eq!(table.get(1).unwrap().life, None);
        assert_eq!(table.with(Standing::Learner).collect::<Vec<_>>(), [4]);
        assert_eq!(table.admission(3), Admission::Removed);
    }

    #[test]
    fn who_leaves_stays_reachable_until_raft_needs_it_no_more() {
        let before = table(None, &Conf::of(vec![1, 2, 3]), &MemberTable::default());
        let two = vec![recorded(1, Standing::Voter), recorded(2, Standing::Voter)];
        let record = record(two, vec![3]);
        let during = table(Some(&record), &Conf::of(vec![1, 2, 3]), &before);
        assert_eq!(during.admission(3), Admission::Member);
        assert_eq!(during.get(3).unwrap().standing, None);
        assert_eq!(during.staying().collect::<Vec<_>>(), [1, 2]);
        let after = table(Some(&record), &Conf::of(vec![1, 2]), &during);
        assert_eq!(after.admission(3), Admission::Removed);
        assert_eq!(after.get(3), None);
    }

    #[test]
    fn an_address_that_a_replica_names_itself_counts_where_there_is_no_other() {
        let told = BTreeMap::from([(2, "10.9.9.2:1".to_owned()), (7, "10.9.9.7:1".to_owned())]);
        let conf = Conf::of(vec![1, 2, 3]);
        let before = MemberTable::default();
        let table = MemberTable::of(&config(), None, &conf, &told, &before);
        assert_eq!(table.get(2).unwrap().peer_address, "127.0.0.1:7431");
        assert_eq!(table.get(7).unwrap().peer_address, "10.9.9.7:1");
        assert_eq!(
            table.admission(7),
            Admission::Unknown,
            "an address is no membership"
        );
        assert_eq!(table.staying().collect::<Vec<_>>(), [1, 2, 3]);
    }
}
