//! Sealing: replicas cosign the tree heads they computed themselves, outside of Raft.
//!
//! The leader announces a size; every replica that has applied so far vows its head (a synced record
//! in its own log), signs it and sends the signature to all. A head with a quorum of signatures is
//! sealed. One seal is in flight at a time. A replica that stays without the seal of its newest leaves
//! (signatures are not replayed after a restart) asks for it as the leader would. A replica never
//! signs two roots for one size, never a smaller size than before, and fences itself when a quorum, or its own earlier vow, says another
//! root than it computes.
//!
//! Who signs depends on the size ([`groups`]): at the boundary between two key sets everybody stops until the old
//! set has sealed exactly that size and the driver says that the head is safe ([`Sealer::kept`]). A replica
//! that missed the signatures gets the sealed head of the boundary from any peer that has it. A replica that is
//! in no set only collects.
//!
//! No clock, no disk, no network in here: inputs are method calls, everything else is an [`Effect`].

mod groups;

use std::collections::BTreeMap;

use akashi_domain::records::{Cluster, KeySetChange};
use akashi_merkle::{Cosignature, CosignerSecret, Hash, Head, SignedHead};

use self::groups::{Group, Groups};

use crate::cosigner::Cosigner;
use crate::entry::NodeId;
use crate::log::HeadVow;

/// Least time between two announcements.
///
/// A seal costs each replica a vow, a signature, two checks of
/// others' and some twenty messages between threads, about as much as five commands of a lone caller;
/// after a quiet moment the first is announced at once.
pub const SEAL_INTERVAL_MS: u64 = 20;
/// After this long without a seal the leader asks again: a message may have been lost.
pub const SEAL_RETRY_MS: u64 = 250;
/// After this long without a seal of its newest leaves any other replica asks too: longer than the
/// leader takes to ask again, and short for a phone whose notice waits for the seal.
pub const SEAL_ASK_MS: u64 = 1_000;
/// How long replicas may have signed different roots without a quorum for one of them, before everything
/// stands still: longer than a signature needs to all of them.
pub const HALT_AFTER_MS: u64 = 1_000;
/// Entry boundaries with their roots kept at hand: a follower that is further behind than this many
/// entries signs the next head instead.
const BOUNDARIES_MAX: usize = 65_536;
/// Sizes for which signatures are being collected.
const COLLECTING_MAX: usize = 64;

/// What replicas tell one another about heads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SealMessage {
    /// From the leader, or from a replica that missed a seal: sign the head of this size, or say
    /// again that you did.
    Announce {
        /// Leaves under the head.
        size: u64,
    },
    /// A signature.
    Cosign {
        /// Leaves under the head.
        size: u64,
        /// The root the signer computed.
        root: Hash,
        /// The signer's clock in seconds since 1970-01-01 UTC.
        time_s: u64,
        /// Ed25519 over the C2SP cosignature message.
        signature: [u8; 64],
    },
    /// The sealed head at the end of a key set, for a replica that missed it.
    Handover(SignedHead),
}

/// What the driver has to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Write and sync this vow, then call [`Sealer::vowed`].
    Vow(HeadVow),
    /// Send to every peer.
    Broadcast(SealMessage),
    /// A new newest sealed head. If a key set ends with it, nothing larger is signed before
    /// [`Sealer::kept`] says that it is where no crash can take it.
    Sealed(SignedHead),
    /// Serve, lead and sign nothing from here on.
    Fence(FenceReason),
    /// Replicas have signed different roots for one size, and for [`HALT_AFTER_MS`] none of them has a
    /// quorum: take no commands and serve nothing until [`Effect::Resume`].
    Halt,
    /// A quorum agrees again.
    Resume,
}

/// Why a replica is fenced.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FenceReason {
    /// A quorum computed another root.
    #[error("a quorum of replicas computed another root than this one")]
    OtherRoot,
    /// The replicas' roots differ and no root has a quorum.
    #[error("no root has a quorum: the replicas disagree")]
    NoQuorumRoot,
    /// This replica vowed another root for this size earlier.
    #[error("this replica vowed another root for the same size earlier")]
    OwnVow,
    /// A quorum holds another state, though the facts may be the same.
    #[error("a quorum of replicas holds another state than this one")]
    OtherState,
    /// The replicas' states differ and none has a quorum.
    #[error("no state has a quorum: the replicas disagree")]
    NoQuorumState,
    /// The data directory says that this replica is fenced, and not in words that are known.
    #[error("this replica was fenced earlier, and its data directory does not say why")]
    Unreadable,
}

/// One replica's part in sealing.
pub struct Sealer<C = CosignerSecret> {
    me: NodeId,
    secret: C,
    groups: Groups,
    /// Roots at entry boundaries, and behind each change of the key set: leaves → root.
    boundaries: BTreeMap<u64, Hash>,
    /// Roots where key sets end whose last head is not sealed yet, if they are no longer among `boundaries`.
    ends: BTreeMap<u64, Hash>,
    /// The newest vow, on disk or on its way there.
    vow: Option<(u64, Hash)>,
    /// A head that waits for its vow to be synced.
    signing: Option<Head>,
    /// The largest size somebody asked for.
    wanted: u64,
    collecting: BTreeMap<u64, BTreeMap<NodeId, (Hash, Cosignature)>>,
    sealed: Option<SignedHead>,
    leads: bool,
    announced: Option<(u64, u64)>,
    /// Since when a replica that does not lead has been without the seal of its newest leaves.
    unsealed_since: Option<u64>,
    /// Since when replicas have disagreed without a quorum.
    disputed_since: Option<u64>,
    halted: bool,
    /// Larger heads are not signed yet.
    sign_up_to: u64,
    fenced: bool,
}

impl<C> std::fmt::Debug for Sealer<C> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sealer")
            .field("me", &self.me)
            .field("wanted", &self.wanted)
            .finish_non_exhaustive()
    }
}

impl<C: Cosigner> Sealer<C> {
    /// Starts with what the disk gave back: the newest vow and the newest sealed head.
    #[must_use]
    pub fn new(
        me: NodeId,
        secret: C,
        vow: Option<(u64, Hash)>,
        sealed: Option<SignedHead>,
    ) -> Self {
        let mut groups = Groups::default();
        groups.keep(sealed.as_ref().map_or(0, |sealed| sealed.head.size));
        Self {
            me,
            secret,
            groups,
            boundaries: BTreeMap::new(),
            ends: BTreeMap::new(),
            vow,
            signing: None,
            wanted: 0,
            collecting: BTreeMap::new(),
            sealed,
            leads: false,
            announced: None,
            unsealed_since: None,
            disputed_since: None,
            halted: false,
            sign_up_to: u64::MAX,
            fenced: false,
        }
    }

    /// Learns who signs; called once the founding entry is applied. A replica whose own key is not
    /// among them only collects.
    pub fn founded(&mut self, cluster: &Cluster) {
        self.groups.founded(cluster);
    }

    /// Learns who signs behind a change of the key set: before any [`Sealer::applied`] of a larger size, and
    /// at the start for every change there was.
    pub fn succeeded(&mut self, change: &KeySetChange) {
        self.groups.succeeded(change);
    }

    /// At the start: the root where a key set ends whose last head was not sealed before, if the tree has
    /// grown past it. Called for each such end: there may be several.
    pub fn ends(&mut self, size: u64, root: Hash) {
        self.ends.insert(size, root);
    }

    /// At the start: a head with which a key set ended, for replicas that missed it.
    pub fn has(&mut self, sealed: &SignedHead) {
        self.groups.remember(sealed);
    }

    /// The sealed head of this size is where no crash can take it.
    pub fn kept(&mut self, size: u64, now_ms: u64) -> Vec<Effect> {
        if !self.groups.keep(size) {
            return Vec::new();
        }
        self.ends.retain(|end, _| *end > size);
        let mut effects = self.sign();
        effects.extend(self.tick(now_ms));
        effects
    }

    /// Who leads now.
    pub const fn role(&mut self, leads: bool) {
        self.leads = leads;
        self.announced = None;
    }

    /// Heads of more leaves than `size` are not signed until this is said again: a state digest under
    /// them is not compared yet, or this replica has not yet shown that it has what it would sign.
    pub fn sign_up_to(&mut self, size: u64) -> Vec<Effect> {
        let raised = size > self.sign_up_to;
        self.sign_up_to = size;
        if raised { self.sign() } else { Vec::new() }
    }

    /// The newest sealed head.
    #[must_use]
    pub const fn sealed(&self) -> Option<&SignedHead> {
        self.sealed.as_ref()
    }

    /// Whether [`Sealer::tick`] has nothing to do until an input comes, but for asking again.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        !self.leads || self.fenced || self.newest() <= self.sealed_size()
    }

    /// The largest size that can be sealed now.
    fn newest(&self) -> u64 {
        let newest = self.boundaries.last_key_value();
        newest.map_or(0, |(size, _)| (*size).min(self.groups.limit()))
    }

    /// The root that this replica computed for `size`, if it is at hand.
    fn root(&self, size: u64) -> Option<Hash> {
        let known = self.boundaries.get(&size).copied();
        known.or_else(|| self.ends.get(&size).copied())
    }

    /// An entry was applied and left this tree.
    pub fn applied(&mut self, size: u64, root: Hash, now_ms: u64) -> Vec<Effect> {
        self.boundaries.insert(size, root);
        if let Some((vowed, promised)) = self.vow
            && (self.skipped(vowed) || (vowed == size && promised != root))
        {
            return self.fence(FenceReason::OwnVow);
        }
        while self.boundaries.len() > BOUNDARIES_MAX {
            let dropped = self.boundaries.pop_first();
            if let Some((size, root)) = dropped.filter(|(size, _)| self.groups.is_boundary(*size)) {
                self.ends.insert(size, root);
            }
        }
        // What came in while this replica was behind.
        let waiting: Vec<u64> = self
            .collecting
            .range(..=size)
            .map(|(size, _)| *size)
            .collect();
        let mut effects = Vec::new();
        for waiting in waiting {
            effects.extend(self.compare(waiting));
            effects.extend(self.seal(waiting));
        }
        effects.extend(self.sign());
        effects.extend(self.tick(now_ms));
        effects
    }

    /// The vow of `size` is on disk: the signature may leave.
    pub fn vowed(&mut self, size: u64, now_ms: u64) -> Vec<Effect> {
        let Some(head) = self.signing.take_if(|head| head.size == size) else {
            return Vec::new();
        };
        if self.fenced {
            return Vec::new();
        }
        let time_s = now_ms.checked_div(1_000).unwrap_or_default();
        let Ok(cosignature) = self.secret.cosign(&head, time_s) else {
            return Vec::new();
        };
        let message = SealMessage::Cosign {
            size,
            root: head.root,
            time_s: cosignature.time_s,
            signature: cosignature.signature,
        };
        let mut effects = vec![Effect::Broadcast(message)];
        effects.extend(self.collect(self.me, size, head.root, cosignature, now_ms));
        effects.extend(self.sign());
        effects
    }

    /// A peer said something.
    pub fn message(&mut self, from: NodeId, message: &SealMessage, now_ms: u64) -> Vec<Effect> {
        if self.fenced {
            return Vec::new();
        }
        match *message {
            SealMessage::Handover(ref sealed) => self.handed(sealed),
            SealMessage::Announce { size } => {
                self.wanted = self.wanted.max(size);
                let again = self.target().and_then(|size| self.signed_already(size));
                let again = again.map(Effect::Broadcast);
                let handover = self.groups.handover(size).cloned();
                let handover = handover.map(SealMessage::Handover).map(Effect::Broadcast);
                let mut effects = self.sign();
                effects.extend(again);
                effects.extend(handover);
                effects
            }
            SealMessage::Cosign {
                size,
                root,
                time_s,
                signature,
            } => {
                let signer = self.groups.at(size).and_then(|group| group.keys.get(&from));
                let (Some(key), Some(head)) = (signer, self.groups.head(size, root)) else {
                    return Vec::new();
                };
                // Said before, or too late to matter: not worth checking a signature.
                if size < self.sealed_size() || self.knows(from, size, root, signature) {
                    return Vec::new();
                }
                let cosignature = Cosignature {
                    name: key.name().to_owned(),
                    key_id: key.key_id(),
                    time_s,
                    signature,
                };
                if self.secret.check(key, &head, &cosignature).is_err() {
                    return Vec::new();
                }
                self.collect(from, size, root, cosignature, now_ms)
            }
        }
    }

    /// Time went by: the leader announces what is new, or asks again; the others ask for a seal that
    /// they missed.
    pub fn tick(&mut self, now_ms: u64) -> Vec<Effect> {
        let mut effects = self.dispute(now_ms);
        effects.extend(self.say(now_ms));
        effects
    }

    /// What there is to say now.
    fn say(&mut self, now_ms: u64) -> Vec<Effect> {
        if self.fenced || !self.groups.are_known() {
            return Vec::new();
        }
        if !self.leads {
            return self.ask(now_ms);
        }
        if self.boundaries.is_empty() {
            return Vec::new();
        }
        let newest = self.newest();
        let sealed = self.sealed_size();
        let size = match self.announced {
            Some((size, since)) if sealed < size => {
                if is_within(since, now_ms, SEAL_RETRY_MS) {
                    return Vec::new();
                }
                newest
            }
            Some((_, since)) if is_within(since, now_ms, SEAL_INTERVAL_MS) => return Vec::new(),
            Some(_) | None if newest > sealed => newest,
            // Sealed, but a replica has not signed: it may not even know.
            Some((_, since)) if is_within(since, now_ms, SEAL_RETRY_MS) => return Vec::new(),
            Some(_) | None if self.signed_by_all() => return Vec::new(),
            Some(_) | None => sealed,
        };
        self.announced = Some((size, now_ms));
        self.announce(size)
    }

    /// For a replica that does not lead: the newest leaves have been without a seal for too long.
    fn ask(&mut self, now_ms: u64) -> Vec<Effect> {
        let newest = self.newest();
        if newest <= self.sealed_size() {
            self.unsealed_since = None;
            return Vec::new();
        }
        let since = *self.unsealed_since.get_or_insert(now_ms);
        if is_within(since, now_ms, SEAL_ASK_MS) {
            return Vec::new();
        }
        self.unsealed_since = Some(now_ms);
        self.announce(newest)
    }

    fn announce(&mut self, size: u64) -> Vec<Effect> {
        self.wanted = self.wanted.max(size);
        let mut effects = vec![Effect::Broadcast(SealMessage::Announce { size })];
        effects.extend(self.signed_already(size).map(Effect::Broadcast));
        effects.extend(self.sign());
        effects
    }

    fn sealed_size(&self) -> u64 {
        self.sealed.as_ref().map_or(0, |sealed| sealed.head.size)
    }

    /// The signature this replica made for `size`, to send again.
    fn signed_already(&self, size: u64) -> Option<SealMessage> {
        let (root, cosignature) = self.collecting.get(&size)?.get(&self.me)?;
        Some(SealMessage::Cosign {
            size,
            root: *root,
            time_s: cosignature.time_s,
            signature: cosignature.signature,
        })
    }

    fn signed_by_all(&self) -> bool {
        self.sealed.as_ref().is_none_or(|sealed| {
            let group = self.groups.at(sealed.head.size);
            let signers = group.map_or(0, |group| group.keys.len());
            sealed.signatures.len() >= signers
        })
    }

    /// Whether this replica's tree has grown past `size` without ever having that size between two
    /// entries: whoever had it applied something else.
    fn skipped(&self, size: u64) -> bool {
        let first = self
            .boundaries
            .first_key_value()
            .map_or(u64::MAX, |(first, _)| *first);
        let last = self
            .boundaries
            .last_key_value()
            .map_or(0, |(last, _)| *last);
        first < size && size < last && !self.boundaries.contains_key(&size)
    }

    /// The size to sign: what is wanted, or where the key set ends before that. If this replica skipped that
    /// size, the next it had: replicas that agree with it sign the same one, so that a quorum can show who
    /// is wrong.
    fn target(&self) -> Option<u64> {
        // Nobody asks for the head of the empty tree.
        if self.wanted == 0 {
            return None;
        }
        let wanted = self.wanted.min(self.groups.limit());
        if self.root(wanted).is_none() && self.skipped(wanted) {
            let next = self.boundaries.range(wanted..).next();
            return next.map(|(size, _)| (*size).min(self.groups.limit()));
        }
        self.root(wanted).map(|_| wanted)
    }

    fn knows(&self, from: NodeId, size: u64, root: Hash, signature: [u8; 64]) -> bool {
        let known = self
            .collecting
            .get(&size)
            .and_then(|signed| signed.get(&from));
        known.is_some_and(|(theirs, known)| *theirs == root && known.signature == signature)
    }

    /// Vows the wanted head if it is applied, new, and nothing else is being vowed.
    fn sign(&mut self) -> Vec<Effect> {
        if self.fenced || self.signing.is_some() {
            return Vec::new();
        }
        let Some(size) = self.target() else {
            return Vec::new();
        };
        if size > self.sign_up_to {
            return Vec::new();
        }
        let group = self.groups.at(size).filter(|group| self.may_sign(group));
        let Some(root) = group.and_then(|_| self.root(size)) else {
            return Vec::new();
        };
        match self.vow {
            Some((vowed, _)) if vowed > size => return Vec::new(),
            Some((vowed, promised)) if vowed == size && promised != root => {
                return self.fence(FenceReason::OwnVow);
            }
            Some((vowed, _)) if vowed == size && self.signed_already(size).is_some() => {
                return Vec::new();
            }
            Some(_) | None => {}
        }
        let Some(head) = self.groups.head(size, root) else {
            return Vec::new();
        };
        self.vow = Some((size, root));
        let vow = HeadVow {
            origin: head.origin.to_string().into_bytes(),
            size,
            root,
        };
        self.signing = Some(head);
        vec![Effect::Vow(vow)]
    }

    fn may_sign(&self, group: &Group) -> bool {
        group
            .keys
            .get(&self.me)
            .is_some_and(|key| key == self.secret.public())
    }

    fn collect(
        &mut self,
        from: NodeId,
        size: u64,
        root: Hash,
        cosignature: Cosignature,
        now_ms: u64,
    ) -> Vec<Effect> {
        // What lies behind the end of the key set must wait, or it would push out what is needed first.
        if size < self.sealed_size() || size > self.groups.limit() {
            return Vec::new();
        }
        self.collecting
            .entry(size)
            .or_default()
            .insert(from, (root, cosignature));
        while self.collecting.len() > COLLECTING_MAX {
            self.collecting.pop_first();
        }
        let mut effects = self.compare(size);
        effects.extend(self.seal(size));
        effects.extend(self.tick(now_ms));
        effects
    }

    fn seal(&mut self, size: u64) -> Vec<Effect> {
        if self.fenced || size < self.sealed_size() || size > self.groups.limit() {
            return Vec::new();
        }
        let (Some(group), Some(signed)) = (self.groups.at(size), self.collecting.get(&size)) else {
            return Vec::new();
        };
        let Some(root) = self.root(size) else {
            return Vec::new();
        };
        let agreeing: Vec<&Cosignature> = signed
            .iter()
            .filter(|(from, (theirs, _))| *theirs == root && group.keys.contains_key(*from))
            .map(|(_, (_, cosignature))| cosignature)
            .collect();
        let known = self
            .sealed
            .as_ref()
            .filter(|sealed| sealed.head.size == size);
        let better = known.is_none_or(|sealed| sealed.signatures.len() < agreeing.len());
        if agreeing.len() < group.quorum || !better {
            return Vec::new();
        }
        let Some(head) = self.groups.head(size, root) else {
            return Vec::new();
        };
        let sealed = SignedHead::new(head, agreeing);
        self.accept(sealed)
    }

    /// A peer has the sealed head that this replica waits for.
    fn handed(&mut self, theirs: &SignedHead) -> Vec<Effect> {
        let size = theirs.head.size;
        let Some(own) = self.root(size).filter(|_| size == self.groups.limit()) else {
            return Vec::new();
        };
        if size <= self.sealed_size() {
            return Vec::new();
        }
        match self.groups.sealed(theirs, &self.secret) {
            Some(_) if theirs.head.root != own => self.fence(FenceReason::OtherRoot),
            Some(sealed) => self.accept(sealed),
            None => Vec::new(),
        }
    }

    fn accept(&mut self, sealed: SignedHead) -> Vec<Effect> {
        self.groups.remember(&sealed);
        self.sealed = Some(sealed.clone());
        self.unsealed_since = None;
        self.collecting = self.collecting.split_off(&sealed.head.size);
        vec![Effect::Sealed(sealed)]
    }

    /// Compares the roots that came in for `size` with this replica's own.
    fn compare(&mut self, size: u64) -> Vec<Effect> {
        let (Some(group), Some(signed)) = (self.groups.at(size), self.collecting.get(&size)) else {
            return Vec::new();
        };
        let own = self.root(size);
        if own.is_none() && !self.skipped(size) {
            return Vec::new();
        }
        let mut votes: BTreeMap<Hash, usize> = BTreeMap::new();
        let signed = signed
            .iter()
            .filter(|(from, _)| group.keys.contains_key(*from));
        let mut signers = 0_usize;
        for (_, (root, _)) in signed {
            let count = votes.entry(*root).or_default();
            *count = count.saturating_add(1);
            signers = signers.saturating_add(1);
        }
        let quorum_root = votes
            .iter()
            .find(|(_, count)| **count >= group.quorum)
            .map(|(r, _)| *r);
        match quorum_root {
            Some(root) if own != Some(root) => self.fence(FenceReason::OtherRoot),
            Some(_) => Vec::new(),
            None if signers == group.keys.len() => self.fence(FenceReason::NoQuorumRoot),
            None => Vec::new(),
        }
    }

    /// Whether those who sign at this size have signed different roots, and none has a quorum.
    fn is_disputed(&self, size: u64) -> bool {
        let (Some(group), Some(signed)) = (self.groups.at(size), self.collecting.get(&size)) else {
            return false;
        };
        let of_group = signed
            .iter()
            .filter(|(from, _)| group.keys.contains_key(*from));
        let roots: Vec<&Hash> = of_group.map(|(_, (root, _))| root).collect();
        let alike = |root: &Hash| roots.iter().filter(|other| **other == root).count();
        roots.iter().any(|root| Some(root) != roots.first())
            && roots.iter().all(|root| alike(root) < group.quorum)
    }

    /// Stops everything while replicas disagree and nobody can tell who is right; lets it go on when a
    /// quorum is of one mind. It goes on signing: that is how a quorum is found.
    fn dispute(&mut self, now_ms: u64) -> Vec<Effect> {
        if self.fenced {
            return Vec::new();
        }
        if !self.collecting.keys().any(|size| self.is_disputed(*size)) {
            self.disputed_since = None;
            let resumes = std::mem::replace(&mut self.halted, false);
            return resumes.then_some(Effect::Resume).into_iter().collect();
        }
        let since = *self.disputed_since.get_or_insert(now_ms);
        if self.halted || is_within(since, now_ms, HALT_AFTER_MS) {
            return Vec::new();
        }
        self.halted = true;
        vec![Effect::Halt]
    }

    /// Ends this replica's part: it signs nothing any more.
    pub fn fence(&mut self, reason: FenceReason) -> Vec<Effect> {
        if std::mem::replace(&mut self.fenced, true) {
            return Vec::new();
        }
        vec![Effect::Fence(reason)]
    }
}

/// Whether less than `bound_ms` have passed. A clock that was set back ends every wait: sealing must
/// not stand still until it catches up.
const fn is_within(since_ms: u64, now_ms: u64, bound_ms: u64) -> bool {
    matches!(now_ms.checked_sub(since_ms), Some(passed) if passed < bound_ms)
}
