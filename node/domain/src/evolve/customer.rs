//! What signals, weaker ways, wishes, reports and delegations change.

use super::{Evolve, Place, Rest, with_challenge, with_contact, with_subject};
use crate::event::{
    ContactBlocked, DelegationGranted, DelegationRevoked, DuressSignalled, FallbackUsed,
    OptOutChanged, RiskAttached, WrongParty,
};
use crate::ids::{ContactId, Stamp, SubjectHash};
use crate::keys::{self, TimerKind};
use crate::kv::{Fault, Overlay, Table, View};
use crate::limits::REST_AFTER_US;
use crate::records::{Contact, Delegation, Reported, risk_flag};
use crate::state::{Records as _, store};

impl Evolve for DelegationGranted {
    fn evolve<V: View + ?Sized>(
        &self,
        state: &mut Overlay<'_, V>,
        place: Place,
    ) -> Result<(), Fault> {
        let record = Delegation {
            scope: self.scope,
            until: self.until,
            granted: place.stamp,
            leaf: place.leaf,
            tag: self.tag,
            delegate_tag: self.delegate_tag,
        };
        let key = keys::delegation(self.tenant, self.principal, self.delegate);
        store(state, Table::Subject, key, &record);
        Ok(())
    }
}

impl Evolve for DelegationRevoked {
    fn evolve<V: View + ?Sized>(
        &self,
        state: &mut Overlay<'_, V>,
        _place: Place,
    ) -> Result<(), Fault> {
        let key = keys::delegation(self.tenant, self.principal, self.delegate);
        state.delete(Table::Subject, key);
        Ok(())
    }
}

impl Evolve for OptOutChanged {
    fn evolve<V: View + ?Sized>(
        &self,
        state: &mut Overlay<'_, V>,
        _place: Place,
    ) -> Result<(), Fault> {
        with_subject(state, self.tenant, self.subject, |record| {
            record.opted_out_until = self.until;
        })
    }
}

impl Evolve for ContactBlocked {
    fn evolve<V: View + ?Sized>(
        &self,
        state: &mut Overlay<'_, V>,
        place: Place,
    ) -> Result<(), Fault> {
        let (tenant, subject) = (self.tenant, self.subject);
        let before = block(state, tenant, self.contact)?;
        let frozen = state.subject(tenant, subject)?.frozen_until;
        let mut known = state.reported(tenant, subject)?;
        // A new contact that ends at once because of an earlier report repeats what is known already.
        if self.frozen_until != frozen
            && known.map(|known| known.frozen_until) != Some(self.frozen_until)
        {
            let record = Reported {
                at: place.stamp,
                frozen_until: self.frozen_until,
            };
            store(
                state,
                Table::Subject,
                keys::reported(tenant, subject),
                &record,
            );
            known = Some(record);
        }
        // One step stops so many contacts of a report: the others follow.
        if let Some(known) = known
            && known.frozen_until == self.frozen_until
            && before.announced <= known.at
            && has_more(state, tenant, subject, known)?
        {
            let due = Some(place.stamp.after_us(REST_AFTER_US));
            rest_of_report(tenant, &subject).follows(state, due)?;
        }
        with_subject(state, self.tenant, self.subject, |record| {
            record.frozen_until = record.frozen_until.max(self.frozen_until);
        })
    }
}

impl Evolve for RiskAttached {
    fn evolve<V: View + ?Sized>(
        &self,
        state: &mut Overlay<'_, V>,
        _place: Place,
    ) -> Result<(), Fault> {
        with_contact(state, self.tenant, self.contact, |record| {
            record.risk = Some(self.risk);
            if self.limits != 0 {
                record.shrink(self.scope, self.limits);
            }
        })?;
        // The number was checked, and it is not somebody else's now.
        if self.risk.flags & risk_flag::RECYCLED == 0 {
            with_subject(state, self.tenant, self.subject, |record| {
                record.suspect = false;
            })?;
        }
        Ok(())
    }
}

/// The verdict that follows, if one does, carries the change.
impl Evolve for FallbackUsed {
    fn evolve<V: View + ?Sized>(
        &self,
        _state: &mut Overlay<'_, V>,
        _place: Place,
    ) -> Result<(), Fault> {
        Ok(())
    }
}

impl Evolve for DuressSignalled {
    fn evolve<V: View + ?Sized>(
        &self,
        state: &mut Overlay<'_, V>,
        _place: Place,
    ) -> Result<(), Fault> {
        with_challenge(state, self.tenant, self.challenge, |record| {
            record.duress = true;
        })?;
        if self.contact == ContactId::ZERO {
            return Ok(());
        }
        with_contact(state, self.tenant, self.contact, |record| {
            record.shrink_unseen(self.scope);
        })
    }
}

/// Whether a report is still to stop contacts.
fn has_more<V: View + ?Sized>(
    state: &Overlay<'_, V>,
    tenant: u32,
    subject: SubjectHash,
    reported: Reported,
) -> Result<bool, Fault> {
    let from = keys::open_contacts_before(tenant, subject, Stamp(0));
    let to = keys::open_contacts_before(tenant, subject, reported.at.after_us(1));
    Ok(!state.scan(Table::Call, &from, &to, 1)?.is_empty())
}

const fn rest_of_report(tenant: u32, subject: &SubjectHash) -> Rest<'_> {
    Rest {
        table: Table::Subject,
        kind: TimerKind::Report,
        tenant,
        who: &subject.0,
    }
}

/// Nobody goes on with a contact: a report need not find it.
pub(super) fn over<V: View + ?Sized>(
    state: &mut Overlay<'_, V>,
    tenant: u32,
    id: ContactId,
    contact: &Contact,
) -> Result<(), Fault> {
    let subject = contact.subject;
    let key = keys::open_contact(tenant, subject, contact.announced, id);
    state.delete(Table::Call, key);
    match state.reported(tenant, subject)? {
        Some(reported) if !has_more(state, tenant, subject, reported)? => {
            rest_of_report(tenant, &subject).follows(state, None)
        }
        Some(_) | None => Ok(()),
    }
}

/// What was reported is forgotten, with whatever was left to do about it.
pub(super) fn forget_report<V: View + ?Sized>(
    state: &mut Overlay<'_, V>,
    tenant: u32,
    subject: SubjectHash,
) -> Result<(), Fault> {
    state.delete(Table::Subject, keys::reported(tenant, subject));
    rest_of_report(tenant, &subject).follows(state, None)
}

/// Nobody goes on with a contact. Says how it stood.
fn block<V: View + ?Sized>(
    state: &mut Overlay<'_, V>,
    tenant: u32,
    id: ContactId,
) -> Result<Contact, Fault> {
    let before = state.contact(tenant, id)?.ok_or(Fault::Corrupt)?;
    over(state, tenant, id, &before)?;
    with_contact(state, tenant, id, |record| record.blocked = true)?;
    Ok(before)
}

impl Evolve for WrongParty {
    fn evolve<V: View + ?Sized>(
        &self,
        state: &mut Overlay<'_, V>,
        _place: Place,
    ) -> Result<(), Fault> {
        block(state, self.tenant, self.contact)?;
        with_subject(state, self.tenant, self.subject, |record| {
            record.suspect = true;
        })
    }
}
