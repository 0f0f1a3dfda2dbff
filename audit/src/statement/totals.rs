//! The figures of a statement: counted from leaves by who makes it, and again by who checks it.

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::String;

use crate::processed::{FALLBACK, PRESENT, Processed, VERIFIED, flag};

/// Most campaigns with figures of their own: far above any tenant, low enough to hold.
pub(super) const CAMPAIGNS_MAX: usize = 65_536;

/// Contacts in which something was not as it should be. One contact can count in several.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Exceptions {
    /// Closed without a verdict.
    pub no_verdict: u64,
    /// Nobody had it, or an agent who had no session.
    pub no_session: u64,
    /// The presence of an agent was not "present" throughout.
    pub presence: u64,
    /// A session without valid training had it.
    pub training: u64,
    /// A session without a valid attestation of its posture had it.
    pub posture: u64,
    /// Masked data were shown.
    pub unmasked: u64,
    /// Verified by a weaker way.
    pub fallback: u64,
    /// Good for less than the policy's full scope.
    pub limited: u64,
    /// Reported by the customer.
    pub blocked: u64,
}

impl Exceptions {
    /// Names and figures, in the order of the text form.
    #[must_use]
    pub const fn named(&self) -> [(&'static str, u64); 9] {
        [
            ("no-verdict", self.no_verdict),
            ("no-session", self.no_session),
            ("presence", self.presence),
            ("training", self.training),
            ("posture", self.posture),
            ("unmasked", self.unmasked),
            ("fallback", self.fallback),
            ("limited", self.limited),
            ("blocked", self.blocked),
        ]
    }

    /// The figures from what `figure` gives for each name.
    pub(super) fn from_named<E>(
        mut figure: impl FnMut(&'static str) -> Result<u64, E>,
    ) -> Result<Self, E> {
        Ok(Self {
            no_verdict: figure("no-verdict")?,
            no_session: figure("no-session")?,
            presence: figure("presence")?,
            training: figure("training")?,
            posture: figure("posture")?,
            unmasked: figure("unmasked")?,
            fallback: figure("fallback")?,
            limited: figure("limited")?,
            blocked: figure("blocked")?,
        })
    }

    fn add(&mut self, contact: &Processed) {
        let care = &contact.care;
        let attended = care.level > 0;
        let lacks = |bit| attended && contact.flags & bit == 0;
        let count = |figure: &mut u64, here: bool| {
            *figure = figure.saturating_add(u64::from(here));
        };
        count(&mut self.no_verdict, contact.outcome == 0);
        count(&mut self.no_session, !attended);
        count(&mut self.presence, care.presence & !PRESENT != 0);
        count(&mut self.training, lacks(flag::TRAINING));
        count(&mut self.posture, lacks(flag::POSTURE));
        count(&mut self.unmasked, care.unmasked > 0);
        count(&mut self.fallback, contact.limits & FALLBACK != 0);
        count(&mut self.limited, contact.limits != 0);
        count(&mut self.blocked, contact.flags & flag::BLOCKED != 0);
    }
}

/// The figures of one campaign.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CampaignTotals {
    /// Its contacts.
    pub contacts: u64,
    /// Those with a verified customer.
    pub verified: u64,
}

/// The figures of a statement.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Contacts closed in the period.
    pub contacts: u64,
    /// By how their verification ended: outcome number and contacts. Those without a verdict are not
    /// among them.
    pub outcomes: BTreeMap<u8, u64>,
    /// Contacts with a verdict.
    pub decided: u64,
    /// Contacts whose verdict came within the agreed time of the announcement.
    pub within: u64,
    /// What was not as it should be.
    pub exceptions: Exceptions,
    /// By campaign; zero is "none".
    pub campaigns: BTreeMap<u32, CampaignTotals>,
    /// Contacts that were announced and not closed yet when the last one of this statement closed.
    pub open: u64,
}

impl Totals {
    /// Counts one contact. `service_s` is the agreed time in seconds.
    ///
    /// Contacts come in the order of their numbers: what is still open is read off the last.
    pub fn add(&mut self, contact: &Processed, service_s: u32) {
        self.contacts = self.contacts.saturating_add(1);
        if contact.outcome != 0 {
            let figure = self.outcomes.entry(contact.outcome).or_default();
            *figure = figure.saturating_add(1);
        }
        if let Some(milliseconds) = contact.verdict_ms {
            self.decided = self.decided.saturating_add(1);
            let in_time = u64::from(milliseconds) <= u64::from(service_s) * 1_000;
            self.within = self.within.saturating_add(u64::from(in_time));
        }
        self.exceptions.add(contact);
        let campaign = self.campaigns.entry(contact.campaign).or_default();
        campaign.contacts = campaign.contacts.saturating_add(1);
        let verified = u64::from(contact.outcome == VERIFIED);
        campaign.verified = campaign.verified.saturating_add(verified);
        self.open = contact.announced.saturating_sub(contact.number);
    }

    /// Writes the lines of the text form, behind the block's first.
    pub(super) fn write(&self, text: &mut String) {
        let mut line = |name: &str, figure: u64| text.push_str(&format!("{name} {figure}\n"));
        line("contacts", self.contacts);
        for (outcome, contacts) in &self.outcomes {
            line(&format!("outcome {outcome}"), *contacts);
        }
        line("decided", self.decided);
        line("within", self.within);
        for (name, figure) in self.exceptions.named() {
            line(name, figure);
        }
        for (campaign, totals) in &self.campaigns {
            let CampaignTotals { contacts, verified } = totals;
            line(&format!("campaign {campaign} {contacts}"), *verified);
        }
        line("open", self.open);
    }
}
