//! What observers and requests to unmask change.

use super::{Evolve, Place, with_contact, with_subject};
use crate::event::{SupervisorJoined, UnmaskDecided, UnmaskRequested};
use crate::ids::Stamp;
use crate::keys;
use crate::kv::{Fault, Overlay, Table, View};
use crate::limits::TOLD_MAX;
use crate::records::{Observer, Told, Unmask, UnmaskState};
use crate::state::{Records as _, store};

impl Evolve for SupervisorJoined {
    fn evolve<V: View + ?Sized>(
        &self,
        state: &mut Overlay<'_, V>,
        _place: Place,
    ) -> Result<(), Fault> {
        with_contact(state, self.tenant, self.contact, |record| {
            record.observers.push(Observer {
                agent: self.agent,
                session: self.session,
            });
        })
    }
}

impl Evolve for UnmaskRequested {
    fn evolve<V: View + ?Sized>(
        &self,
        state: &mut Overlay<'_, V>,
        _place: Place,
    ) -> Result<(), Fault> {
        let record = Unmask {
            agent: self.agent,
            session: self.session,
            fields: self.fields,
            reason: self.reason,
            break_glass: self.break_glass,
            state: UnmaskState::Asked,
            decided_by: None,
            until: Stamp::default(),
            leaf: 0,
        };
        let key = keys::unmask(self.tenant, self.contact, self.unmask);
        store(state, Table::Call, key, &record);
        Ok(())
    }
}

impl Evolve for UnmaskDecided {
    fn evolve<V: View + ?Sized>(
        &self,
        state: &mut Overlay<'_, V>,
        place: Place,
    ) -> Result<(), Fault> {
        let mut record = state
            .unmask(self.tenant, self.contact, self.unmask)?
            .ok_or(Fault::Corrupt)?;
        record.state = if self.granted() {
            UnmaskState::Granted
        } else {
            UnmaskState::Denied
        };
        record.decided_by = self.decided_by;
        record.until = self.until;
        record.leaf = place.leaf;
        let key = keys::unmask(self.tenant, self.contact, self.unmask);
        store(state, Table::Call, key, &record);
        if !self.granted() {
            return Ok(());
        }
        with_contact(state, self.tenant, self.contact, |record| {
            record.care.unmasked = record.care.unmasked.saturating_add(1);
        })?;
        with_subject(state, self.tenant, self.subject, |record| {
            let over = record.told.len().saturating_add(1).saturating_sub(TOLD_MAX);
            record.told.drain(..over.min(record.told.len()));
            record.told.push(Told {
                leaf: place.leaf,
                at: place.stamp,
                contact: self.contact,
                fields: self.fields,
                until: self.until,
                break_glass: self.break_glass,
            });
        })
    }
}
