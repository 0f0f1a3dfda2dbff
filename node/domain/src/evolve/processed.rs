//! What counting contacts changes.

use super::{Evolve, Place, with_contact};
use crate::event::ContactProcessed;
use crate::keys;
use crate::kv::{Fault, Overlay, Table, View};
use crate::records::Tally;
use crate::state::{Records as _, store};

impl Evolve for ContactProcessed {
    fn evolve<V: View + ?Sized>(
        &self,
        state: &mut Overlay<'_, V>,
        place: Place,
    ) -> Result<(), Fault> {
        let number = self.number;
        count(state, self.tenant, |tally| tally.processed = number)?;
        let key = keys::processed(self.tenant, number);
        store(state, Table::Call, key, &place.leaf);
        with_contact(state, self.tenant, self.contact, |record| {
            record.number = number;
        })
    }
}

/// Changes a tenant's counts.
pub(super) fn count<V: View + ?Sized>(
    state: &mut Overlay<'_, V>,
    tenant: u32,
    change: impl FnOnce(&mut Tally),
) -> Result<(), Fault> {
    let mut tally = state.tally(tenant)?;
    change(&mut tally);
    store(state, Table::Call, keys::tally(tenant), &tally);
    Ok(())
}
