//! The leaf of a processed contact. Its layout lies in the audit crate, beside who checks it.

use akashi_merkle::Leaf;
use akashi_merkle::processed::{Care, Processed, flag};

use super::{Columns, bit};
use crate::entry::encode;
use crate::event::ContactProcessed;
use crate::outcome::Outcome;

impl Columns for ContactProcessed {
    fn columns(&self, leaf: &mut Leaf) {
        let care = &self.care;
        let flags = bit(care.training, flag::TRAINING)
            | bit(care.posture, flag::POSTURE)
            | bit(self.blocked, flag::BLOCKED);
        let processed = Processed {
            tenant: self.tenant,
            contact_id: self.contact.0,
            closed_us: leaf.stamp_us,
            number: self.number,
            announced: self.announced_count,
            outcome: self.outcome.map_or(0, Outcome::code),
            reason: self.reason,
            policy_version: self.policy_version,
            queue: self.queue,
            campaign: self.campaign,
            agent_tag: self.agent_tag.0,
            announced_us: self.announced.0,
            verdict_ms: self.verdict_ms,
            aal: self.aal,
            factors: u8::try_from(self.factors).unwrap_or(u8::MAX),
            limits: self.limits,
            scope: self.scope,
            call_reason: self.call_reason,
            initiator: encode(&self.initiator).first().copied().unwrap_or(0),
            disposition: self.disposition,
            care: Care {
                agents: care.agents,
                presence: care.presence,
                level: care.level,
                unmasked: care.unmasked,
                rules_version: care.rules_version,
            },
            flags,
        };
        processed.fill(leaf);
    }
}
