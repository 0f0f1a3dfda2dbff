//! What orders and logins change.

use super::{Evolve, Place};
use crate::event::{AgentLoginOpened, OrderApproved, OrderOffered, OrderPayloadExpired};
use crate::ids::{ChallengeId, Digest, Stamp};
use crate::keys::{self, TimerKind};
use crate::kv::{Fault, Overlay, Table, View};
use crate::records::{AgentLogin, Order, SealedOrder};
use crate::state::{Records as _, store};

impl Evolve for OrderOffered {
    fn evolve<V: View + ?Sized>(
        &self,
        state: &mut Overlay<'_, V>,
        _place: Place,
    ) -> Result<(), Fault> {
        let record = Order {
            subject: self.subject,
            terms: self.terms.clone(),
            challenge: ChallengeId::ZERO,
            verdict: None,
            sealed_digest: Digest::ZERO,
            payload_until: Stamp::default(),
        };
        let key = keys::order(self.tenant, self.contact, self.terms.order);
        store(state, Table::Call, key, &record);
        Ok(())
    }
}

impl Evolve for OrderApproved {
    fn evolve<V: View + ?Sized>(
        &self,
        state: &mut Overlay<'_, V>,
        _place: Place,
    ) -> Result<(), Fault> {
        let mut record = state
            .order(self.tenant, self.contact, self.order)?
            .ok_or(Fault::Corrupt)?;
        record.sealed_digest = self.sealed_digest;
        record.payload_until = self.payload_until;
        let key = keys::order(self.tenant, self.contact, self.order);
        store(state, Table::Call, key, &record);
        let sealed = SealedOrder {
            challenge: self.challenge,
            payload: self.payload.clone(),
        };
        let key = keys::sealed_order(self.tenant, self.contact, self.order);
        store(state, Table::Outbox, key, &sealed);
        let due = self.payload_until;
        let timer = keys::timer(due, TimerKind::Order, self.tenant, self.challenge.0);
        state.put(Table::Timer, timer, Vec::new());
        Ok(())
    }
}

impl Evolve for OrderPayloadExpired {
    fn evolve<V: View + ?Sized>(
        &self,
        state: &mut Overlay<'_, V>,
        _place: Place,
    ) -> Result<(), Fault> {
        let record = state
            .order(self.tenant, self.contact, self.order)?
            .ok_or(Fault::Corrupt)?;
        let due = record.payload_until;
        let timer = keys::timer(due, TimerKind::Order, self.tenant, self.challenge.0);
        state.delete(Table::Timer, timer);
        let sealed = keys::sealed_order(self.tenant, self.contact, self.order);
        state.delete(Table::Outbox, sealed);
        Ok(())
    }
}

impl Evolve for AgentLoginOpened {
    fn evolve<V: View + ?Sized>(
        &self,
        state: &mut Overlay<'_, V>,
        _place: Place,
    ) -> Result<(), Fault> {
        let record = AgentLogin {
            agent: self.agent,
            agent_tag: self.agent_tag,
            challenge: ChallengeId::ZERO,
            verdict: None,
            session: None,
        };
        let key = keys::agent_login(self.tenant, self.login);
        store(state, Table::Call, key, &record);
        Ok(())
    }
}
