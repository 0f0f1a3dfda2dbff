//! What an order's end changes: the order, the outbox, the campaign's sum.

use super::{Evolve, Place};
use crate::event::{OrderExecuted, OrderOpened, OrderRefused, Share, TotalProved};
use crate::ids::{ChallengeId, ContactId, OrderId};
use crate::keys::{self, TimerKind};
use crate::kv::{Fault, Overlay, Table, View};
use crate::records::{Executed, Order};
use crate::state::{Records as _, store};

/// Events about an order follow its offer, so a missing record means foreign bytes.
fn with_order<V: View + ?Sized>(
    state: &mut Overlay<'_, V>,
    (tenant, contact, order): (u32, ContactId, OrderId),
    change: impl FnOnce(&mut Order),
) -> Result<Order, Fault> {
    let mut record = state.order(tenant, contact, order)?.ok_or(Fault::Corrupt)?;
    change(&mut record);
    store(
        state,
        Table::Call,
        keys::order(tenant, contact, order),
        &record,
    );
    Ok(record)
}

/// The payload is needed no longer: neither it nor its timer stays.
pub(super) fn drop_payload<V: View + ?Sized>(
    state: &mut Overlay<'_, V>,
    (tenant, contact, order): (u32, ContactId, OrderId),
    record: &Order,
    challenge: ChallengeId,
) {
    let due = record.payload_until;
    state.delete(
        Table::Timer,
        keys::timer(due, TimerKind::Order, tenant, challenge.0),
    );
    state.delete(Table::Outbox, keys::sealed_order(tenant, contact, order));
}

impl Evolve for OrderOpened {
    fn evolve<V: View + ?Sized>(
        &self,
        state: &mut Overlay<'_, V>,
        place: Place,
    ) -> Result<(), Fault> {
        let which = (self.tenant, self.contact, self.order);
        with_order(state, which, |record| record.opened = Some(place.stamp))?;
        Ok(())
    }
}

impl Evolve for OrderExecuted {
    fn evolve<V: View + ?Sized>(
        &self,
        state: &mut Overlay<'_, V>,
        place: Place,
    ) -> Result<(), Fault> {
        let which = (self.tenant, self.contact, self.order);
        let record = with_order(state, which, |record| {
            record.executed = Some(Executed {
                at: place.stamp,
                leaf: place.leaf,
                campaign: self.share.map_or(0, |share| share.campaign),
                number: self.share.map_or(0, |share| share.number),
            });
        })?;
        drop_payload(state, which, &record, self.challenge);
        if let Some(share) = self.share {
            add(state, self.tenant, share)?;
        }
        Ok(())
    }
}

/// One more order in the running sum, which stays readable after each of them.
fn add<V: View + ?Sized>(
    state: &mut Overlay<'_, V>,
    tenant: u32,
    share: Share,
) -> Result<(), Fault> {
    let mut campaign = state.campaign(tenant, share.campaign)?;
    campaign.orders = share.number;
    campaign.sum = share.sum;
    let key = keys::campaign(tenant, share.campaign);
    store(state, Table::Call, key, &campaign);
    let key = keys::campaign_sum(tenant, share.campaign, share.number);
    store(state, Table::Call, key, &share.sum);
    Ok(())
}

impl Evolve for OrderRefused {
    fn evolve<V: View + ?Sized>(
        &self,
        state: &mut Overlay<'_, V>,
        _place: Place,
    ) -> Result<(), Fault> {
        let which = (self.tenant, self.contact, self.order);
        with_order(state, which, |record| {
            record.refusals = record.refusals.saturating_add(1);
        })?;
        Ok(())
    }
}

impl Evolve for TotalProved {
    fn evolve<V: View + ?Sized>(
        &self,
        state: &mut Overlay<'_, V>,
        place: Place,
    ) -> Result<(), Fault> {
        let mut campaign = state.campaign(self.tenant, self.campaign)?;
        campaign.proved = self.through;
        campaign.proved_sum = self.running;
        campaign.proved_leaf = place.leaf;
        let key = keys::campaign(self.tenant, self.campaign);
        store(state, Table::Call, key, &campaign);
        Ok(())
    }
}
