//! A replica on paper: the pure core over a map, a real tree over its leaves, and a quorum of
//! cosigners that signs whatever it is shown. Every entry is decided the moment it is proposed.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use akashi_domain::answer::Answer;
use akashi_domain::apply::apply;
use akashi_domain::command::{Command, Found, Request};
use akashi_domain::decide::Inline;
use akashi_domain::entry::{Entry, RULE_VERSION, Sealed};
use akashi_domain::ids::{ClientId, Digest, RequestId, Stamp};
use akashi_domain::kv::{Changes, Fault, Pair, Table, View};
use akashi_domain::policy::{AgentRule, Grants, PolicyBody, PolicyPurpose};
use akashi_domain::records::{Progress, ReplicaInfo};
use akashi_domain::state::Records as _;
use akashi_merkle::{
    Cosigner, CosignerSecret, Frontier, Hash, Head, Held, HeldReceipt, KeyHistory, KeySet,
    NodeReader, Origin, Receipt, SignedHead, consistency_proof, inclusion_proof, leaf_hash,
    multi_inclusion_proof, root_at,
};
use akashi_node::api::Replica;
use akashi_node::clock;
use akashi_node::config::Config;
use akashi_node::engine::{AppliedEntry, ProposeError, ReadError, ReceiptError, Status};
use akashi_node::members::MemberTable;
use akashi_replica::conf::Conf;
use akashi_replica::entry::NodeId;
use tokio::sync::{broadcast, watch};
use tokio::time::Instant;

use crate::pki::CLUSTER;

pub(crate) const TENANT: &str = "retail";
pub(crate) const OTHER_TENANT: &str = "insurance";
pub(crate) const POLICY: &str = "standard";
pub(crate) const ORIGIN: &str = "dev/e1/g0";

/// How the replica behaves towards callers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Mood {
    /// It decides at once.
    #[default]
    Well,
    /// It never answers.
    Stuck,
    /// Its queue is full.
    Busy,
    /// There is no leader.
    Leaderless,
    /// No quorum of clocks agrees.
    Unstamped,
    /// The leader's disk is nearly full.
    Full,
}

#[derive(Clone)]
pub(crate) struct Paper {
    inner: Arc<Mutex<Inner>>,
    events: broadcast::Sender<Arc<AppliedEntry>>,
    sealed: watch::Sender<Option<Arc<SignedHead>>>,
    fence: watch::Sender<Option<String>>,
    asked: watch::Sender<u32>,
}

struct Inner {
    state: Changes,
    leaves: Vec<Vec<u8>>,
    nodes: BTreeMap<(u8, u64), Hash>,
    frontier: Frontier,
    log_index: u64,
    sealing: bool,
    mood: Mood,
    /// What readers see until they ask for everything that was decided.
    stale: Option<Changes>,
    skipped_us: u64,
}

/// The state at one moment.
#[derive(Clone)]
pub(crate) struct Snapshot(Arc<Changes>);

impl View for Snapshot {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, Fault> {
        View::get(self.0.as_ref(), table, key)
    }

    fn scan(&self, table: Table, from: &[u8], to: &[u8], limit: usize) -> Result<Vec<Pair>, Fault> {
        View::scan(self.0.as_ref(), table, from, to, limit)
    }
}

struct Nodes<'a>(&'a BTreeMap<(u8, u64), Hash>);

impl NodeReader for Nodes<'_> {
    type Error = ();

    fn node(&self, level: u8, index: u64) -> Result<Hash, ()> {
        self.0.get(&(level, index)).copied().ok_or(())
    }
}

pub(crate) fn body() -> PolicyBody {
    PolicyBody {
        purpose: PolicyPurpose::CustomerCall,
        predicates: Vec::new(),
        face: None,
        consent: None,
        require_possession: true,
        require_knowledge: true,
        challenge_ttl_s: 120,
        verdict_ttl_s: 600,
        grants: Grants::default(),
        agents: AgentRule::registered(),
    }
}

fn cosigners() -> Vec<CosignerSecret> {
    (1..=3)
        .map(|n| CosignerSecret::from_seed(&format!("n{n}"), &[n; 32]).unwrap())
        .collect()
}

pub(crate) fn replicas() -> Vec<ReplicaInfo> {
    (1..)
        .zip(cosigners())
        .map(|(id, secret)| ReplicaInfo {
            id,
            name: format!("n{id}"),
            site: "a".to_owned(),
            cosigner: *secret.public().public_key(),
        })
        .collect()
}

impl Paper {
    /// Before the first entry.
    pub(crate) fn empty() -> Self {
        Self {
            inner: Arc::new(Mutex::new(Inner {
                state: Changes::new(),
                leaves: Vec::new(),
                nodes: BTreeMap::new(),
                frontier: Frontier::new(),
                log_index: 0,
                sealing: true,
                mood: Mood::Well,
                stale: None,
                skipped_us: 0,
            })),
            events: broadcast::channel(16).0,
            sealed: watch::Sender::new(None),
            fence: watch::Sender::new(None),
            asked: watch::Sender::new(0),
        }
    }

    /// A cluster with two tenants and a policy each.
    pub(crate) fn founded() -> Self {
        let paper = Self::empty();
        paper.done(Command::Found(Found {
            cluster: CLUSTER.to_owned(),
            replicas: replicas(),
            quorum: 2,
            tenant: TENANT.to_owned(),
            policy: POLICY.to_owned(),
            body: body(),
        }));
        let tenant = OTHER_TENANT.to_owned();
        paper.done(Command::CreateTenant(
            akashi_domain::command::CreateTenant { tenant },
        ));
        paper
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap()
    }

    /// Behaves differently from now on.
    pub(crate) fn be(&self, mood: Mood) {
        self.lock().mood = mood;
    }

    /// Waits until callers have asked for this many decisions.
    pub(crate) async fn asked(&self, times: u32) {
        self.asked
            .subscribe()
            .wait_for(|asked| *asked >= times)
            .await
            .unwrap();
    }

    /// Serves nothing from now on.
    pub(crate) fn fence(&self) {
        self.fence
            .send_replace(Some("another root than a quorum".to_owned()));
    }

    /// Heads are signed only on [`Paper::seal`].
    pub(crate) fn hold_seals(&self) {
        self.lock().sealing = false;
    }

    /// Readers see the state as of now until they ask for all that was decided.
    pub(crate) fn lag(&self) {
        let mut inner = self.lock();
        inner.stale = Some(inner.state.clone());
    }

    /// Lets cluster time pass; timers fire.
    pub(crate) fn skip(&self, time: Duration) {
        self.lock().skipped_us += u64::try_from(time.as_micros()).unwrap();
        self.decide(Vec::new());
    }

    /// Has a command decided as the cluster's own.
    pub(crate) fn done(&self, command: Command) -> Answer {
        let id = fresh_id();
        let client = ClientId::of("/tests");
        let request = Request {
            id,
            client,
            not_after: Stamp(u64::MAX),
            command,
        };
        let answer = self.decide(vec![request]).remove(0);
        assert!(answer.result.is_ok(), "{answer:?}");
        answer
    }

    fn decide(&self, requests: Vec<Request>) -> Vec<Answer> {
        let (applied, log_index, sealing) = {
            let mut inner = self.lock();
            inner.log_index += 1;
            let entry = Entry {
                rule_version: RULE_VERSION,
                stamp: Stamp(clock::unix_us() + inner.skipped_us),
                random: [7; 32],
                sealed: self.sealed.borrow().as_ref().map(|sealed| Sealed {
                    size: sealed.head.size,
                    root: Digest(sealed.head.root),
                }),
                requests,
            };
            let index = inner.log_index;
            let applied = apply(&inner.state, index, 1, Some(&entry), true, &mut Inline).unwrap();
            for (slot, value) in applied.changes.clone() {
                inner.state.insert(slot, value);
            }
            for recorded in &applied.events {
                inner.append(recorded.leaf.encode());
            }
            (applied, index, inner.sealing)
        };
        // Nobody may be listening.
        drop(self.events.send(Arc::new(AppliedEntry {
            log_index,
            stamp: applied.progress.stamp,
            events: applied.events,
        })));
        if sealing {
            self.seal();
        }
        applied.answers
    }

    /// Signs a head over everything there is.
    pub(crate) fn seal(&self) {
        let inner = self.lock();
        let head = Head {
            origin: Origin::parse(ORIGIN).unwrap(),
            size: inner.frontier.size(),
            root: inner.frontier.root(),
        };
        let time_s = clock::unix_s();
        let cosigs: Vec<_> = cosigners()
            .iter()
            .take(2)
            .map(|who| who.cosign(&head, time_s).unwrap())
            .collect();
        drop(inner);
        self.sealed
            .send_replace(Some(Arc::new(SignedHead::new(head, &cosigs))));
    }

    /// The keys by which its heads are checked.
    pub(crate) fn keys(&self) -> KeySet {
        let cosigners = cosigners()
            .iter()
            .map(|secret| Cosigner {
                name: secret.public().name().to_owned(),
                site: "a".to_owned(),
                key: secret.public().clone(),
            })
            .collect();
        KeySet::new(Origin::parse(ORIGIN).unwrap(), cosigners, 2).unwrap()
    }
}

impl Inner {
    fn append(&mut self, leaf: Vec<u8>) {
        let Self {
            frontier, nodes, ..
        } = self;
        frontier.append(leaf_hash(&leaf), &mut |node, hash| {
            nodes.insert((node.level, node.index), hash);
        });
        self.leaves.push(leaf);
    }
}

/// A `UUIDv7` of now.
pub(crate) fn fresh_id() -> RequestId {
    let mut id = akashi_node::entropy::bytes::<16>().unwrap();
    let now_ms = clock::unix_us() / 1_000;
    id[..6].copy_from_slice(&now_ms.to_be_bytes()[2..]);
    id[6] = 0x70 | (id[6] & 0x0f);
    id[8] = 0x80 | (id[8] & 0x3f);
    RequestId(id)
}

impl Replica for Paper {
    type View = Snapshot;

    async fn propose(&self, request: Request, deadline: Instant) -> Result<Answer, ProposeError> {
        let mood = self.lock().mood;
        self.asked.send_modify(|asked| *asked += 1);
        match mood {
            Mood::Well => Ok(self.decide(vec![request]).remove(0)),
            Mood::Stuck => {
                tokio::time::sleep_until(deadline).await;
                Err(ProposeError::DeadlineExceeded)
            }
            Mood::Busy => Err(ProposeError::Busy),
            Mood::Leaderless => Err(ProposeError::Unavailable),
            Mood::Unstamped => Err(ProposeError::ClocksDisagree),
            Mood::Full => Err(ProposeError::DiskFull),
        }
    }

    async fn read_index(&self, _: Instant) -> Result<Progress, ReadError> {
        self.lock().stale = None;
        Ok(self.progress())
    }

    async fn wait_applied(&self, _: u64, _: Instant) -> Result<Progress, ReadError> {
        Ok(self.progress())
    }

    fn applied_by_all(&self) -> watch::Receiver<u64> {
        watch::Sender::new(self.lock().log_index).subscribe()
    }

    fn progress(&self) -> Progress {
        self.view().progress().unwrap()
    }

    fn view(&self) -> Snapshot {
        let inner = self.lock();
        Snapshot(Arc::new(
            inner.stale.as_ref().unwrap_or(&inner.state).clone(),
        ))
    }

    fn subscribe(&self) -> broadcast::Receiver<Arc<AppliedEntry>> {
        self.events.subscribe()
    }

    fn sealed(&self) -> watch::Receiver<Option<Arc<SignedHead>>> {
        self.sealed.subscribe()
    }

    fn receipt(&self, leaf_index: u64) -> Result<Receipt, ReceiptError> {
        let inner = self.lock();
        let at = usize::try_from(leaf_index).unwrap();
        let leaf = inner
            .leaves
            .get(at)
            .cloned()
            .ok_or(ReceiptError::UnknownLeaf)?;
        let head = self
            .sealed
            .borrow()
            .clone()
            .ok_or(ReceiptError::NotSealed)?;
        if leaf_index >= head.head.size {
            return Err(ReceiptError::NotSealed);
        }
        let path = inclusion_proof(&Nodes(&inner.nodes), leaf_index, head.head.size).unwrap();
        Ok(Receipt {
            leaf,
            index: leaf_index,
            path,
            signed_head: SignedHead::clone(&head),
        })
    }

    fn leaf(&self, leaf_index: u64) -> Result<Option<Vec<u8>>, ReadError> {
        Ok(self
            .lock()
            .leaves
            .get(usize::try_from(leaf_index).unwrap())
            .cloned())
    }

    fn consistency(&self, from: u64, to: u64) -> Result<Vec<Hash>, ReadError> {
        consistency_proof(&Nodes(&self.lock().nodes), from, to).map_err(|_| ReadError::Storage)
    }

    fn multi_proof(&self, indices: &[u64], size: u64) -> Result<Vec<Hash>, ReadError> {
        multi_inclusion_proof(&Nodes(&self.lock().nodes), indices, size)
            .map_err(|_| ReadError::Storage)
    }

    fn root_at(&self, size: u64) -> Result<Hash, ReadError> {
        root_at(&Nodes(&self.lock().nodes), size).map_err(|()| ReadError::Storage)
    }

    fn key_set(&self) -> Option<KeySet> {
        self.view().cluster().unwrap().map(|_| self.keys())
    }

    fn key_history(&self, _: u64, _: usize) -> Result<Option<(KeyHistory, bool)>, ReadError> {
        let keys = self.key_set();
        Ok(keys.map(|keys| (KeyHistory::new(keys, Vec::new()), false)))
    }

    fn hold(&self, held: Held) -> HeldReceipt {
        cosigners().remove(0).hold(held)
    }

    fn status(&self) -> Status {
        let fenced = self.fence.borrow().clone();
        let progress = self.progress();
        Status {
            node_id: 1,
            is_leader: true,
            leader: Some(1),
            progress,
            fenced,
            members: Arc::new(members()),
            conf: Conf::of(vec![1, 2, 3]),
            followers: vec![(2, 7), (3, 5)],
            ..Status::default()
        }
    }

    async fn transfer_leader(
        &self,
        to: Option<NodeId>,
        _: Instant,
    ) -> Result<Option<NodeId>, ProposeError> {
        Ok(to.or(Some(2)))
    }

    fn fenced(&self) -> watch::Receiver<Option<String>> {
        self.fence.subscribe()
    }
}

/// The three of the example.
fn members() -> MemberTable {
    let config = Config::parse(Config::EXAMPLE, Path::new("")).unwrap();
    let conf = Conf::of(vec![1, 2, 3]);
    let nothing = BTreeMap::new();
    MemberTable::of(&config, None, &conf, &nothing, &MemberTable::default())
}
