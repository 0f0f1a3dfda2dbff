//! "I am not on a call": every open contact of the customer stops, also one that is verified.
//!
//! One step stops as many as it may touch; what is left follows step by step, and contacts that
//! were announced after the report are not meant by it.

use std::collections::BTreeSet;

use super::challenge::end;
use crate::event::{ContactBlocked, Event};
use crate::ids::{ChallengeId, ContactId, Stamp, SubjectHash};
use crate::keys;
use crate::kv::{Fault, Table, View};
use crate::limits::STOPPED_PER_STEP_MAX;
use crate::outcome::{Outcome, reason};
use crate::records::Contact;
use crate::state::Records as _;

/// A report, and whom it protects.
pub(super) struct Reporting<'a, V> {
    pub(super) state: &'a V,
    pub(super) tenant: u32,
    pub(super) subject: SubjectHash,
    /// Until when it freezes the customer.
    pub(super) frozen_until: Stamp,
}

/// What is left of a report: contacts that did not fit into the step before.
pub(super) fn go_on<V: View>(
    state: &V,
    tenant: u32,
    customer: [u8; 16],
) -> Result<Vec<Event>, Fault> {
    let (from, to) = keys::open_contacts_of(tenant, customer);
    let first = state.scan(Table::Call, &from, &to, 1)?;
    let Some((key, _)) = first.first() else {
        return Ok(Vec::new());
    };
    let (subject, _) = keys::open_contact_of(key).ok_or(Fault::Corrupt)?;
    let Some(reported) = state.reported(tenant, subject)? else {
        return Ok(Vec::new());
    };
    let reporting = Reporting {
        state,
        tenant,
        subject,
        frozen_until: reported.frozen_until,
    };
    let stopped = reporting.open(reported.at.after_us(1))?;
    reporting.stop(&stopped, None)
}

impl<V: View> Reporting<'_, V> {
    /// The first step: the contact whose challenge was reported, and the others.
    pub(super) fn first(
        &self,
        challenge: ChallengeId,
        (id, here): (ContactId, Contact),
    ) -> Result<Vec<Event>, Fault> {
        let mut stopped = vec![(id, here)];
        let others = self.open(Stamp(u64::MAX))?;
        stopped.extend(others.into_iter().filter(|(other, _)| *other != id));
        stopped.retain(|(_, record)| !record.closed && !record.blocked);
        self.stop(&stopped, Some(challenge))
    }

    /// Contacts announced before `stamp` that somebody could still go on with, the oldest first.
    fn open(&self, stamp: Stamp) -> Result<Vec<(ContactId, Contact)>, Fault> {
        let from = keys::open_contacts_before(self.tenant, self.subject, Stamp(0));
        let to = keys::open_contacts_before(self.tenant, self.subject, stamp);
        let mut found = Vec::new();
        for (key, _) in self
            .state
            .scan(Table::Call, &from, &to, STOPPED_PER_STEP_MAX)?
        {
            let (_, id) = keys::open_contact_of(&key).ok_or(Fault::Corrupt)?;
            let record = self.state.contact(self.tenant, id)?;
            found.push((id, record.ok_or(Fault::Corrupt)?));
        }
        Ok(found)
    }

    /// Blocks these contacts and ends what is asked in them, but for the challenge that was answered with
    /// the report.
    fn stop(
        &self,
        stopped: &[(ContactId, Contact)],
        but: Option<ChallengeId>,
    ) -> Result<Vec<Event>, Fault> {
        let mut events = Vec::new();
        for (contact, record) in stopped {
            events.push(Event::ContactBlocked(ContactBlocked {
                tenant: self.tenant,
                contact: *contact,
                subject: record.subject,
                frozen_until: self.frozen_until,
                tag: self.state.subject(self.tenant, record.subject)?.tag,
            }));
        }
        for other in self.asked_there(stopped)? {
            if Some(other) != but {
                let (outcome, why) = (Outcome::ReportedByCustomer, reason::REPORTED_ELSEWHERE);
                events.extend(end(self.state, self.tenant, other, outcome, why)?);
            }
        }
        Ok(events)
    }

    /// The challenges that are open in these contacts: their own, and those of their orders.
    fn asked_there(
        &self,
        stopped: &[(ContactId, Contact)],
    ) -> Result<BTreeSet<ChallengeId>, Fault> {
        let mut open = BTreeSet::new();
        for (contact, record) in stopped {
            open.insert(record.challenge);
            let asked = self.state.subject(self.tenant, record.asked())?.open;
            if let Some(asked) = asked
                && let Some(challenge) = self.state.challenge(self.tenant, asked)?
                && challenge.contact == *contact
            {
                open.insert(asked);
            }
        }
        Ok(open)
    }
}
