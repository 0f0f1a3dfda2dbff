//! Peers that misbehave: floods, poison, frames that lie about their sender, cosigners that are late,
//! missing or say two things.

use akashi_domain::command::{Command, CreateTenant, Request};
use akashi_domain::entry::{Entry, RULE_VERSION};
use akashi_domain::ids::{ClientId, RequestId, Stamp};
use akashi_domain::limits::REQUESTS_PER_ENTRY_MAX;
use akashi_merkle::{Head, Origin};
use akashi_replica::consensus::ProposeError;
use akashi_replica::cosigner::Cosigner as _;
use akashi_replica::entry::NodeId;
use akashi_replica::seal::SealMessage;

use crate::clients::ORIGIN;
use crate::clock::EPOCH_US;
use crate::event::Event;
use crate::node::Cosigning;
use crate::plan::MS;
use crate::seen::Seen;
use crate::world::World;

/// Bytes of one entry of a flood.
const FLOOD_ENTRY_BYTES: usize = 32 * 1024;
/// Entries of one flood: eight times what a leader takes.
const FLOOD_ENTRIES: usize = 64;
/// Commands that one entry may hold are refused from here on.
const CROWD: usize = REQUESTS_PER_ENTRY_MAX + 1;

impl World {
    /// More than the cluster can take: what is too much is refused, and what waits stays bounded.
    pub(super) fn flood(&mut self) {
        let Some(id) = self.leader() else { return };
        let life = self.nodes[&id].life;
        let Some(live) = self.live(id, life) else {
            return;
        };
        let mut refused = 0;
        for _ in 0..FLOOD_ENTRIES {
            let mut bytes = RULE_VERSION.to_le_bytes().to_vec();
            bytes.resize(FLOOD_ENTRY_BYTES, 0xf1);
            match live.core.propose(bytes) {
                Err(ProposeError::Overloaded) => refused += 1,
                Ok(_)
                | Err(
                    ProposeError::NotLeader { .. } | ProposeError::TooLarge | ProposeError::Empty,
                ) => {}
            }
        }
        let waiting = live.core.uncommitted_bytes();
        if waiting > 256 * 1024 + FLOOD_ENTRY_BYTES {
            self.oracle
                .broke(format!("{id} takes {waiting} bytes of proposals"));
        }
        self.tally.saw_many(Seen::Overloaded, refused);
        self.pump(id);
    }

    /// An entry that makes no sense, from a leader that makes none.
    pub(crate) fn poison(&mut self, id: NodeId, life: u64) {
        let kind = self.rng.below(4);
        let stamp = Stamp(self.clock_us(id));
        let random = self.rng.bytes();
        let nonsense = Request {
            id: RequestId([0; 16]),
            client: ClientId::of("nobody"),
            not_after: Stamp(0),
            command: Command::CreateTenant(CreateTenant {
                tenant: "\u{202e}".repeat(900),
            }),
        };
        let entry = |requests| Entry {
            rule_version: RULE_VERSION,
            stamp,
            random,
            sealed: None,
            requests,
        };
        let (bytes, seen) = match kind {
            0 => {
                let mut bytes = RULE_VERSION.to_le_bytes().to_vec();
                bytes.extend_from_slice(&random);
                (bytes, Seen::PoisonEntry)
            }
            1 => (entry(vec![nonsense]).encode(), Seen::PoisonCommand),
            2 => {
                // Says that it holds more commands than any entry may, and does not even hold one.
                let mut bytes = entry(Vec::new()).encode();
                let at = bytes.len() - 4;
                bytes[at..].copy_from_slice(&u32::try_from(CROWD).unwrap().to_le_bytes());
                bytes.extend_from_slice(&nonsense.encode());
                (bytes, Seen::PoisonCrowd)
            }
            _ => (vec![1; 48 * 1024 + 1], Seen::PoisonHuge),
        };
        let Some(live) = self.live(id, life) else {
            return;
        };
        let proposed = live.core.propose(bytes);
        let counts = match proposed {
            Ok(_) => seen != Seen::PoisonHuge,
            Err(ProposeError::TooLarge) => seen == Seen::PoisonHuge,
            Err(
                ProposeError::NotLeader { .. } | ProposeError::Overloaded | ProposeError::Empty,
            ) => false,
        };
        self.tally.saw_many(seen, u64::from(counts));
    }

    /// An entry under a rule of a later version: every replica of this one has to stop.
    pub(crate) fn newer_rule(&mut self) {
        let Some(id) = self.leader() else {
            return self.at(100 * MS, Event::NewerRule);
        };
        let entry = Entry {
            rule_version: u16::MAX,
            stamp: Stamp(self.clock_us(id)),
            random: [0; 32],
            sealed: None,
            requests: Vec::new(),
        };
        let life = self.nodes[&id].life;
        if let Some(live) = self.live(id, life) {
            let _refused_unless_it_leads = live.core.propose(entry.encode());
        }
        self.pump(id);
    }

    /// Frames that no honest peer sends: an honest one under another name, and noise.
    pub(super) fn hostile_frames(&mut self, id: NodeId) {
        let mut noise = Vec::new();
        for _ in 0..self.rng.between(1, 8) {
            noise.extend_from_slice(&self.rng.bytes());
        }
        let overheard = self.overheard.take();
        let life = self.nodes[&id].life;
        let from = 1 + id % self.plan.nodes;
        let Some(live) = self.live(id, life) else {
            return;
        };
        let commit = live.core.commit_index();
        let mut admitted = live.core.peer(from, &noise).is_ok();
        self.tally.saw(Seen::NonsenseRefused);
        if let Some((honest, to, bytes)) = overheard {
            let life = self.nodes[&to].life;
            for impostor in (0..=self.plan.nodes + 1).filter(|other| *other != honest) {
                if let Some(live) = self.live(to, life) {
                    admitted |= live.core.peer(impostor, &bytes).is_ok();
                    self.tally.saw(Seen::ImpostorRefused);
                }
            }
        }
        let after = self
            .live(id, life)
            .map_or(commit, |live| live.core.commit_index());
        if admitted || after != commit {
            self.oracle.broke(format!("{id} takes a frame that lies"));
        }
        self.pump(id);
    }

    /// Signatures that come late or not at all for a while, or that contradict the signer's own.
    pub(super) fn disturb_cosigner(&mut self, id: NodeId) {
        let kind = self.rng.below(3);
        let ends = self.rng.between(500 * MS, 6_000 * MS);
        match kind {
            0 => self.nodes.get_mut(&id).unwrap().cosigning = Cosigning::Late,
            1 => self.nodes.get_mut(&id).unwrap().cosigning = Cosigning::Missing,
            _ => return self.equivocate(id),
        }
        self.at(ends, Event::Well { node: id });
    }

    /// A thief of the key of `id` signs a root that nobody computed, for a size that somebody may sign.
    fn equivocate(&mut self, id: NodeId) {
        let newest = self
            .oracle
            .heads
            .last_key_value()
            .map_or(1, |(size, _)| *size);
        let head = Head {
            origin: Origin::parse(ORIGIN).unwrap(),
            size: newest + self.rng.below(8),
            root: self.rng.bytes(),
        };
        let time_s = (EPOCH_US + self.now_us) / 1_000_000;
        let signed = self.nodes[&id].hand.cosign(&head, time_s).unwrap();
        let message = SealMessage::Cosign {
            size: head.size,
            root: head.root,
            time_s,
            signature: signed.signature,
        };
        self.tally.saw(Seen::CosignerEquivocated);
        for to in self.others(id) {
            self.post(|| Event::Seal {
                from: id,
                to,
                message: message.clone(),
            });
        }
    }
}
