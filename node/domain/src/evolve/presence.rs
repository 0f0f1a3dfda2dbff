//! What presence changes.

use super::session::with_session;
use super::{Evolve, Place, with_contact};
use crate::event::{PresenceChanged, PresenceSummarised};
use crate::kv::{Fault, Overlay, View};

impl Evolve for PresenceChanged {
    fn evolve<V: View + ?Sized>(
        &self,
        state: &mut Overlay<'_, V>,
        _place: Place,
    ) -> Result<(), Fault> {
        let session = with_session(state, self.tenant, self.session, |record| {
            record.presence = self.to;
            record.edge = self.node;
        })?;
        if self.from != self.to {
            for contact in session.contacts {
                with_contact(state, self.tenant, contact, |record| {
                    record.care.presence |= self.to.bit();
                })?;
            }
        }
        Ok(())
    }
}

/// Nothing: it is said so that it can be seen.
impl Evolve for PresenceSummarised {
    fn evolve<V: View + ?Sized>(
        &self,
        _state: &mut Overlay<'_, V>,
        _place: Place,
    ) -> Result<(), Fault> {
        Ok(())
    }
}
