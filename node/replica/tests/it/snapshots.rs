//! Snapshots: a replica gets from one other, whom it does not trust, the state that a quorum has
//! recorded, and goes on from there as if it had applied every entry itself.

use std::sync::Arc;

use akashi_domain::command::{Command, CreateTenant, Found, RecordStateDigest, Request};
use akashi_domain::decide::Inline;
use akashi_domain::entry::{Entry, RULE_VERSION, Sealed};
use akashi_domain::ids::{ClientId, Digest, RequestId, Stamp};
use akashi_domain::policy::{AgentRule, Grants, PolicyBody, PolicyPurpose};
use akashi_domain::records::ReplicaInfo;
use akashi_domain::state::Records as _;
use akashi_merkle::{
    Cosigner, CosignerKey, CosignerSecret, Head, KeySet, Origin, SignedHead, inclusion_proof,
    leaf_hash, root_at, verify_inclusion,
};
use akashi_replica::digest::state_digest;
use akashi_replica::entry::{EntryKind, LogEntry};
use akashi_replica::machine::{Machine, Settled};
use akashi_replica::snapshot::{
    CHUNK_BYTES_MAX, Chunk, ChunkError, Cursor, HistoryError, HistoryPart, Manifest, ManifestError,
    Offer, Proved, ReceiveError, Receiver, Want, frozen_progress, read_chunk, read_history,
};
use akashi_replica::store::{Batch, Frozen, MemStore, StateStore as _, Table};

const START: u64 = 1_800_000_000_000_000;

fn secret(id: u64) -> CosignerSecret {
    let seed = [u8::try_from(id).unwrap(); 32];
    CosignerSecret::from_seed(&format!("n{id}"), &seed).unwrap()
}

fn keys() -> KeySet {
    let cosigner = |id: u64| Cosigner {
        site: "a".into(),
        name: format!("n{id}"),
        key: CosignerKey::new(&format!("n{id}"), secret(id).public().public_key()).unwrap(),
    };
    let origin = Origin::parse("bank/e1/g0").unwrap();
    KeySet::new(origin, (1..=3).map(cosigner).collect(), 2).unwrap()
}

fn pinned() -> Vec<KeySet> {
    vec![keys()]
}

fn found() -> Command {
    let replica = |id: u64| ReplicaInfo {
        id,
        name: format!("n{id}"),
        site: "a".into(),
        cosigner: *secret(id).public().public_key(),
    };
    Command::Found(Found {
        cluster: "bank".into(),
        replicas: (1..=3).map(replica).collect(),
        quorum: 2,
        tenant: "retail".into(),
        policy: "standard".into(),
        body: PolicyBody {
            purpose: PolicyPurpose::CustomerCall,
            require_possession: true,
            require_knowledge: true,
            predicates: Vec::new(),
            face: None,
            consent: None,
            challenge_ttl_s: 120,
            verdict_ttl_s: 600,
            grants: Grants::default(),
            agents: AgentRule::registered(),
        },
    })
}

/// A replica that has run from the start, and keeps what it applied.
struct Source {
    machine: Machine<MemStore>,
    log: Vec<LogEntry>,
    /// The state as of the mark.
    frozen: MemStore,
    offer: Offer,
    head: SignedHead,
}

impl Source {
    fn empty() -> Self {
        let origin = Origin::parse("bank/e1/g0").unwrap();
        let head = Head {
            origin,
            size: 0,
            root: [0; 32],
        };
        Self {
            machine: Machine::open(Arc::new(MemStore::default())).unwrap(),
            log: Vec::new(),
            frozen: MemStore::default(),
            offer: Offer {
                progress: akashi_domain::records::Progress::default(),
                digest: [0; 32],
            },
            head: SignedHead::new(head, []),
        }
    }

    /// Some entries, a sealed head that the log names, more entries, a mark, more, the record of its
    /// digest, more; and a head sealed over all of it.
    fn new() -> Self {
        let mut source = Self::empty();
        source.apply(vec![found()], None);
        source.tenants(40);
        let size = source.machine.progress().leaves - 3;
        let root = source.machine.root_of(size).unwrap().unwrap();
        let sealed = Sealed {
            size,
            root: Digest(root),
        };
        source.apply(Vec::new(), Some(sealed));
        source.tenants(5);
        source.mark();
        source.tenants(7);
        source.record();
        source.tenants(4);
        source.head = source.seal(&[1, 3]);
        source
    }

    fn apply(&mut self, commands: Vec<Command>, sealed: Option<Sealed>) {
        let index = self.machine.progress().log_index + 1;
        let mut id = [0; 16];
        id[..8].copy_from_slice(&((START / 1_000) << 16).to_be_bytes());
        id[8..].copy_from_slice(&index.to_be_bytes());
        let request = |command| Request {
            id: RequestId(id),
            client: ClientId::of("tests"),
            not_after: Stamp(u64::MAX),
            command,
        };
        let entry = Entry {
            rule_version: RULE_VERSION,
            stamp: Stamp(START + index),
            random: [7; 32],
            sealed,
            requests: commands.into_iter().map(request).collect(),
        };
        let entry = LogEntry {
            index,
            term: 3,
            kind: EntryKind::Normal,
            data: entry.encode(),
        };
        let outcome = self.machine.apply(&entry, &mut Inline).unwrap();
        for answer in outcome.applied.answers {
            answer.result.unwrap();
        }
        self.log.push(entry);
    }

    fn tenants(&mut self, count: u64) {
        for _ in 0..count {
            let tenant = format!("t{}", self.machine.progress().log_index);
            self.apply(vec![Command::CreateTenant(CreateTenant { tenant })], None);
        }
    }

    fn mark(&mut self) {
        self.apply(vec![Command::MarkState], None);
        self.frozen = self.machine.view().0.fork();
        let progress = frozen_progress(&self.frozen).unwrap();
        assert_eq!(progress, self.machine.progress());
        let digest = state_digest(&self.frozen, &mut |_bytes| true).unwrap();
        self.offer = Offer {
            progress,
            digest: digest.unwrap(),
        };
    }

    fn record(&mut self) {
        let said = self.offer.state_digest();
        let command = RecordStateDigest {
            index: said.index,
            digest: Digest(said.digest),
        };
        self.apply(vec![Command::RecordStateDigest(command)], None);
    }

    fn seal(&self, signers: &[u64]) -> SignedHead {
        let head = Head {
            origin: Origin::parse("bank/e1/g0").unwrap(),
            size: self.machine.progress().leaves,
            root: self.machine.root(),
        };
        let signed: Vec<_> = signers
            .iter()
            .map(|id| secret(*id).cosign(&head, 9).unwrap())
            .collect();
        SignedHead::new(head, &signed)
    }

    fn manifest(&self) -> Manifest {
        let mark = self.machine.view().state_mark().unwrap();
        let made = self.offer.manifest(self.machine.view(), mark, &self.head);
        made.unwrap().unwrap()
    }

    fn chunk(&self, after: Option<&Cursor>) -> Vec<u8> {
        let chunk = read_chunk(&self.frozen, after).unwrap();
        chunk.encode(&self.offer.digest, after)
    }

    fn leaves(&self, from: u64, to: u64, size: u64) -> Vec<u8> {
        let part = read_history(self.machine.view(), from, to, size).unwrap();
        part.unwrap().encode()
    }

    fn receiver(&self) -> Receiver {
        Receiver::new(self.manifest().verify(&pinned()).unwrap())
    }

    /// Gives what is wanted until nothing is.
    fn serve(&self, receiver: &mut Receiver, store: &MemStore) -> Result<(), ReceiveError> {
        loop {
            match receiver.wants() {
                Want::Chunk(after) => {
                    receiver.chunk(store, &self.chunk(after.as_ref()))?;
                }
                Want::Leaves { from, to } => {
                    let size = receiver.verified().leaves;
                    receiver.leaves(store, &self.leaves(from, to, size))?;
                }
                Want::Nothing => return Ok(()),
            }
        }
    }

    /// The entries after the mark.
    fn rest(&self) -> &[LogEntry] {
        let marked = usize::try_from(self.offer.progress.log_index).unwrap();
        &self.log[marked..]
    }
}

/// What the filler of a node does before the state machine sees a piece.
fn proved(machine: &Machine<MemStore>, part: HistoryPart) -> Result<Proved, HistoryError> {
    let history = machine.history().unwrap();
    let root = root_at(machine.view(), history.base);
    part.verify(history.next, history.base, &root.unwrap_or_default())
}

fn all(store: &MemStore, table: Table) -> Vec<(Vec<u8>, Vec<u8>)> {
    store.scan(table, &[], &[u8::MAX; 64], usize::MAX).unwrap()
}

#[test]
fn a_replica_that_starts_from_a_snapshot_goes_on_like_one_that_applied_every_entry() {
    let source = Source::new();
    let store = MemStore::default();
    source.serve(&mut source.receiver(), &store).unwrap();
    let mut joined = Machine::open(Arc::new(store)).unwrap();
    assert_eq!(joined.progress(), source.offer.progress);
    for entry in source.rest() {
        joined.apply(entry, &mut Inline).unwrap();
    }
    assert_eq!(joined.root(), source.machine.root());
    assert_eq!(joined.state_hash(), source.machine.state_hash());
    let digest = |machine: &Machine<MemStore>| {
        let view = machine.view().0.fork();
        state_digest(&view, &mut |_bytes| true).unwrap().unwrap()
    };
    assert_eq!(digest(&joined), digest(&source.machine));
}

#[test]
fn old_leaves_are_filled_in_and_only_then_a_sealed_head_is_matched() {
    let source = Source::new();
    let store = MemStore::default();
    source.serve(&mut source.receiver(), &store).unwrap();
    let mut joined = Machine::open(Arc::new(store)).unwrap();
    let size = source.machine.progress().leaves;
    let missing = joined.history().unwrap();
    assert!(missing.base > 10 && missing.lacks(0) && !missing.lacks(missing.base));
    assert_eq!(joined.settle(None).unwrap(), Settled::NotYet);
    for entry in source.rest() {
        joined.apply(entry, &mut Inline).unwrap();
    }
    assert_eq!(joined.settle(None).unwrap(), Settled::NotYet);
    while let Some(history) = joined.history().filter(|history| !history.is_whole()) {
        // A few at a time, and a restart after each.
        let to = history.base.min(history.next + 7);
        let bytes = source.leaves(history.next, to, history.base);
        let piece = proved(&joined, HistoryPart::decode(&bytes).unwrap()).unwrap();
        assert!(joined.fill(piece.clone()).unwrap());
        assert!(!joined.fill(piece).unwrap(), "once is enough");
        joined = Machine::open(Arc::clone(&joined.view().0)).unwrap();
    }
    let mut other = Machine::open(Arc::new(joined.view().0.fork())).unwrap();
    assert_eq!(other.settle(Some((3, [9; 32]))).unwrap(), Settled::Differs);
    assert_eq!(joined.settle(None).unwrap(), Settled::Matched);
    assert_eq!(joined.history(), None);
    for table in [Table::Audit, Table::Tiles] {
        assert_eq!(
            all(&joined.view().0, table),
            all(&source.machine.view().0, table)
        );
    }
    for index in 0..size {
        let leaf = joined.view().leaf(index).unwrap().unwrap();
        let path = inclusion_proof(joined.view(), index, size).unwrap();
        verify_inclusion(&leaf_hash(&leaf), index, size, &path, &joined.root()).unwrap();
    }
}

#[test]
fn a_replica_that_computes_another_root_than_was_sealed_never_signs() {
    let source = Source::new();
    let store = MemStore::default();
    source.serve(&mut source.receiver(), &store).unwrap();
    let mut joined = Machine::open(Arc::new(store)).unwrap();
    let tenant = "other".to_owned();
    let mut other = Source::empty();
    other.machine = Machine::open(Arc::new(joined.view().0.fork())).unwrap();
    for _ in source.rest() {
        let tenant = format!("{tenant}{}", other.machine.progress().log_index);
        other.apply(vec![Command::CreateTenant(CreateTenant { tenant })], None);
    }
    for entry in &other.log {
        joined.apply(entry, &mut Inline).unwrap();
    }
    let history = joined.history().unwrap();
    let bytes = source.leaves(0, history.base, history.base);
    let piece = proved(&joined, HistoryPart::decode(&bytes).unwrap()).unwrap();
    assert!(joined.fill(piece).unwrap());
    assert_eq!(joined.settle(None).unwrap(), Settled::Differs);
}

#[test]
fn chunks_survive_the_way_and_one_that_is_damaged_or_elsewhere_does_not() {
    let source = Source::new();
    let mut batch = Batch::default();
    for number in 0..3_000_u32 {
        batch.put(
            Table::Call,
            number.to_be_bytes().to_vec(),
            vec![u8::try_from(number % 251).unwrap(); 900],
        );
    }
    source.frozen.write(batch).unwrap();
    let mut after = None;
    let mut chunks = Vec::new();
    loop {
        let bytes = source.chunk(after.as_ref());
        assert!(bytes.len() <= CHUNK_BYTES_MAX);
        let chunk = Chunk::decode(&bytes, &source.offer.digest, after.as_ref()).unwrap();
        assert_eq!(chunk.encode(&source.offer.digest, after.as_ref()), bytes);
        let (table, key, _) = chunk.pairs.last().unwrap();
        let end = Cursor {
            table: *table,
            key: key.clone(),
        };
        chunks.push((after.replace(end), bytes));
        if chunk.last {
            break;
        }
    }
    assert!(chunks.len() >= 3, "{}", chunks.len());
    let (place, bytes) = &chunks[1];
    let digest = &source.offer.digest;
    for at in (0..bytes.len()).step_by(10_007).chain([bytes.len() - 1]) {
        let mut damaged = bytes.clone();
        damaged[at] ^= 1;
        let read = Chunk::decode(&damaged, digest, place.as_ref());
        assert_eq!(read, Err(ChunkError::Hash), "byte {at}");
    }
    let elsewhere = Chunk::decode(bytes, digest, chunks[2].0.as_ref());
    assert_eq!(elsewhere, Err(ChunkError::Hash));
    assert_eq!(Chunk::decode(bytes, digest, None), Err(ChunkError::Hash));
    let other = Chunk::decode(bytes, &[1; 32], place.as_ref());
    assert_eq!(other, Err(ChunkError::Hash));
    let cut = Chunk::decode(&bytes[..bytes.len() - 1], digest, place.as_ref());
    assert_eq!(cut, Err(ChunkError::Hash));
    assert_eq!(
        Chunk::decode(&[1; 9], digest, None),
        Err(ChunkError::Malformed)
    );
}

#[test]
fn pairs_out_of_order_or_of_other_tables_are_not_taken_even_with_the_right_hash() {
    let pair = |table, key: &[u8]| (table, key.to_vec(), vec![1]);
    let read = |pairs, last, after: Option<Cursor>| {
        let bytes = Chunk { pairs, last }.encode(&[7; 32], after.as_ref());
        Chunk::decode(&bytes, &[7; 32], after.as_ref()).map(drop)
    };
    let [a, b] = [pair(Table::Call, b"a"), pair(Table::Call, b"b")];
    assert_eq!(read(vec![a.clone(), b.clone()], false, None), Ok(()));
    let order = Err(ChunkError::Order);
    assert_eq!(read(vec![b.clone(), a.clone()], false, None), order);
    assert_eq!(read(vec![a.clone(), a.clone()], false, None), order);
    let behind = Cursor {
        table: Table::Call,
        key: b"a".to_vec(),
    };
    assert_eq!(read(vec![a], false, Some(behind.clone())), order);
    assert_eq!(read(vec![b], false, Some(behind)), Ok(()));
    assert_eq!(read(vec![pair(Table::Heads, b"a")], true, None), order);
    assert_eq!(read(Vec::new(), false, None), Err(ChunkError::Empty));
    assert_eq!(read(Vec::new(), true, None), Ok(()));
}

#[test]
fn a_state_with_a_pair_more_less_or_other_is_refused_at_its_end() {
    let source = Source::new();
    let pairs = all(&source.frozen, Table::Policy);
    let (known, _) = pairs.first().unwrap();
    let harms = [
        (b"zz".to_vec(), Some(vec![1])),
        (known.clone(), None),
        (known.clone(), Some(vec![1])),
    ];
    for (key, value) in harms {
        let liar = Source::new();
        let mut batch = Batch::default();
        match value {
            Some(value) => batch.put(Table::Policy, key, value),
            None => batch.delete(Table::Policy, key),
        }
        liar.frozen.write(batch).unwrap();
        let mut receiver = source.receiver();
        let store = MemStore::default();
        let ended = liar.serve(&mut receiver, &store).unwrap_err();
        assert!(matches!(ended, ReceiveError::Digest), "{ended}");
        assert!(ended.begins_anew());
    }
}

#[test]
fn an_interrupted_snapshot_is_taken_up_where_it_ended() {
    let mut source = Source::new();
    // Enough for several chunks: this state is recorded anew.
    let big: Vec<u8> = vec![3; 600_000];
    for number in 0..4_u8 {
        let mut batch = Batch::default();
        batch.put(Table::Evidence, vec![number; 9], big.clone());
        source.machine.view().0.write(batch).unwrap();
    }
    source.mark();
    source.record();
    source.head = source.seal(&[2, 3]);
    let store = MemStore::default();
    let mut receiver = source.receiver();
    for _ in 0..2 {
        let Want::Chunk(after) = receiver.wants() else {
            panic!("the state is larger than two chunks");
        };
        receiver
            .chunk(&store, &source.chunk(after.as_ref()))
            .unwrap();
    }
    let wanted = receiver.wants();
    let verified = source.manifest().verify(&pinned()).unwrap();
    let mut again = Receiver::resume(verified.clone(), &store).unwrap();
    assert_eq!(again.wants(), wanted);
    source.serve(&mut again, &store).unwrap();
    // And once more, when all of it is there.
    let mut again = Receiver::resume(verified, &store).unwrap();
    source.serve(&mut again, &store).unwrap();
    let joined = Machine::open(Arc::new(store)).unwrap();
    assert_eq!(joined.progress(), source.offer.progress);
}

#[test]
fn a_manifest_is_believed_for_a_quorum_and_for_nothing_else() {
    let source = Source::new();
    let good = source.manifest();
    let bytes = good.encode();
    assert_eq!(Manifest::decode(&bytes).as_ref(), Ok(&good));
    good.verify(&pinned()).unwrap();
    let refused = |harm: &dyn Fn(&mut Manifest)| {
        let mut manifest = good.clone();
        harm(&mut manifest);
        manifest.verify(&pinned()).unwrap_err()
    };
    let one = source.seal(&[1]).to_text();
    assert_eq!(refused(&|m| m.head = one.clone()), ManifestError::Untrusted);
    let stranger = {
        let head = source.head.head.clone();
        let forger = CosignerSecret::from_seed("n1", &[99; 32]).unwrap();
        let signed = [
            forger.cosign(&head, 9).unwrap(),
            secret(2).cosign(&head, 9).unwrap(),
        ];
        SignedHead::new(head, &signed).to_text()
    };
    assert_eq!(
        refused(&|m| m.head = stranger.clone()),
        ManifestError::Untrusted
    );
    assert_eq!(refused(&|m| m.head.truncate(30)), ManifestError::Malformed);
    assert_eq!(refused(&|m| m.index += 1), ManifestError::Leaf);
    assert_eq!(refused(&|m| m.leaf_index += 1), ManifestError::Inclusion);
    assert_eq!(
        refused(&|m| m.inclusion[0][0] ^= 1),
        ManifestError::Inclusion
    );
    assert_eq!(refused(&|m| m.root[0] ^= 1), ManifestError::Consistency);
    assert_eq!(refused(&|m| m.leaves -= 1), ManifestError::Consistency);
    assert_eq!(
        refused(&|m| m.leaves = m.leaf_index + 1),
        ManifestError::Sizes
    );
    assert_eq!(refused(&|m| m.edge.push(0)), ManifestError::Malformed);
    assert_eq!(refused(&|m| m.keys.truncate(9)), ManifestError::Malformed);
    // Another leaf of the same log, rightly proved, records nothing.
    let other = source.machine.view().leaf(0).unwrap().unwrap();
    assert_eq!(refused(&|m| m.leaf = other.clone()), ManifestError::Leaf);
    let mut edge = good.clone();
    let at = edge.edge.len() - 1;
    edge.edge[at] ^= 1;
    let mut receiver = Receiver::new(edge.verify(&pinned()).unwrap());
    let ended = source.serve(&mut receiver, &MemStore::default());
    assert!(matches!(ended, Err(ReceiveError::OtherManifest)));
}

#[test]
fn no_manifest_is_made_before_the_digest_is_recorded_and_sealed() {
    let mut source = Source::new();
    let mark = source.machine.view().state_mark().unwrap();
    source.mark();
    let newer = source.machine.view().state_mark().unwrap();
    assert!(newer.marked > newer.recorded);
    let early = source
        .offer
        .manifest(source.machine.view(), newer, &source.head);
    assert_eq!(early.unwrap(), None, "not recorded");
    source.record();
    let recorded = source.machine.view().state_mark().unwrap();
    let early = source
        .offer
        .manifest(source.machine.view(), recorded, &source.head);
    assert_eq!(early.unwrap(), None, "not sealed");
    let stale = source
        .offer
        .manifest(source.machine.view(), mark, &source.head);
    assert_eq!(stale.unwrap(), None, "of another mark");
    source.head = source.seal(&[1, 2]);
    source.manifest().verify(&pinned()).unwrap();
}

#[test]
fn leaves_that_are_not_under_the_root_are_not_filled_in() {
    let source = Source::new();
    let store = MemStore::default();
    source.serve(&mut source.receiver(), &store).unwrap();
    let mut joined = Machine::open(Arc::new(store)).unwrap();
    let history = joined.history().unwrap();
    let part = HistoryPart::decode(&source.leaves(0, 5, history.base)).unwrap();
    let mut other = part.clone();
    other.leaves[3][100] ^= 1;
    assert_eq!(proved(&joined, other), Err(HistoryError::Unproved));
    let mut swapped = part.clone();
    swapped.leaves.swap(1, 2);
    assert_eq!(proved(&joined, swapped), Err(HistoryError::Unproved));
    let mut fewer = part.clone();
    fewer.leaves.pop();
    assert_eq!(proved(&joined, fewer), Err(HistoryError::Unproved));
    let mut later = part.clone();
    later.from = 2;
    assert_eq!(proved(&joined, later), Err(HistoryError::Elsewhere));
    assert!(joined.fill(proved(&joined, part).unwrap()).unwrap());
    assert_eq!(joined.history().unwrap().next, 5);
}

#[test]
fn any_replica_reads_the_same_chunks_from_the_same_state() {
    let source = Source::new();
    let mut twin = Machine::open(Arc::new(MemStore::default())).unwrap();
    for entry in &source.log {
        twin.apply(entry, &mut Inline).unwrap();
        if entry.index == source.offer.progress.log_index {
            break;
        }
    }
    let view = twin.view().0.fork();
    let view: &dyn Frozen = &view;
    let chunk = read_chunk(view, None).unwrap();
    assert_eq!(chunk.encode(&source.offer.digest, None), source.chunk(None));
}
