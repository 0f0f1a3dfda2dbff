//! What notifiers' words change: how often there was one.

use super::{Evolve, Place};
use crate::event::{NoticeDelivered, NoticeFailed};
use crate::ids::ChallengeId;
use crate::keys;
use crate::kv::{Fault, Overlay, Table, View};
use crate::records::Sent;
use crate::state::{Records as _, store};

impl Evolve for NoticeDelivered {
    fn evolve<V: View + ?Sized>(
        &self,
        state: &mut Overlay<'_, V>,
        _place: Place,
    ) -> Result<(), Fault> {
        count(state, self.tenant, self.challenge, |sent| {
            sent.delivered = true;
        })
    }
}

impl Evolve for NoticeFailed {
    fn evolve<V: View + ?Sized>(
        &self,
        state: &mut Overlay<'_, V>,
        _place: Place,
    ) -> Result<(), Fault> {
        count(state, self.tenant, self.challenge, |sent| {
            sent.failures = sent.failures.saturating_add(1);
        })
    }
}

fn count<V: View + ?Sized>(
    state: &mut Overlay<'_, V>,
    tenant: u32,
    challenge: ChallengeId,
    change: impl FnOnce(&mut Sent),
) -> Result<(), Fault> {
    let mut sent = state.sent(tenant, challenge)?;
    change(&mut sent);
    store(state, Table::Call, keys::sent(tenant, challenge), &sent);
    Ok(())
}
