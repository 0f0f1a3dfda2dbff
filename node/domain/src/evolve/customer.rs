//! What signals, weaker ways, wishes, reports and delegations change.

use super::{Evolve, Place, with_challenge, with_contact, with_subject};
use crate::event::{
    ContactBlocked, DelegationGranted, DelegationRevoked, DuressSignalled, FallbackUsed,
    OptOutChanged, RiskAttached, WrongParty,
};
use crate::ids::ContactId;
use crate::keys;
use crate::kv::{Fault, Overlay, Table, View};
use crate::records::{Delegation, risk_flag};
use crate::state::store;

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
        _place: Place,
    ) -> Result<(), Fault> {
        with_contact(state, self.tenant, self.contact, |record| {
            record.blocked = true;
        })?;
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

impl Evolve for WrongParty {
    fn evolve<V: View + ?Sized>(
        &self,
        state: &mut Overlay<'_, V>,
        _place: Place,
    ) -> Result<(), Fault> {
        with_contact(state, self.tenant, self.contact, |record| {
            record.blocked = true;
        })?;
        with_subject(state, self.tenant, self.subject, |record| {
            record.suspect = true;
        })
    }
}
