//! What calls, step-ups, retired policies and erasures change.

use super::contact::remind_no_more;
use super::customer::forget_report;
use super::session::{leave, let_go};
use super::{Evolve, Place, with_contact};
use crate::event::{
    ContactResumed, LegChanged, NoticeReminded, PolicyRetired, StepUpAsked, SubjectErased,
};
use crate::ids::{ChallengeId, Stamp, Tag};
use crate::keys;
use crate::kv::{Fault, Overlay, Table, View};
use crate::limits::ERASED_PER_COMMAND_MAX;
use crate::records::{Leg, LegState, StepUps};

impl Evolve for LegChanged {
    fn evolve<V: View + ?Sized>(
        &self,
        state: &mut Overlay<'_, V>,
        place: Place,
    ) -> Result<(), Fault> {
        with_contact(state, self.tenant, self.contact, |record| {
            record.leg = Leg {
                state: self.state,
                cleared: match self.state {
                    LegState::Cleared => place.stamp,
                    LegState::None | LegState::Ringing | LegState::Established | LegState::Held => {
                        Stamp::default()
                    }
                },
            };
            record.queue = self.queue;
        })
    }
}

impl Evolve for ContactResumed {
    fn evolve<V: View + ?Sized>(
        &self,
        state: &mut Overlay<'_, V>,
        _place: Place,
    ) -> Result<(), Fault> {
        let before = let_go(state, self.tenant, self.contact)?;
        with_contact(state, self.tenant, self.contact, |record| {
            record.session = None;
            record.agent = None;
            record.agent_tag = Tag::ZERO;
            record.queue = self.queue;
            record.leg = Leg {
                state: LegState::Ringing,
                cleared: Stamp::default(),
            };
        })?;
        leave(state, self.tenant, before.session, self.contact)
    }
}

/// The challenge that follows says which it is.
impl Evolve for StepUpAsked {
    fn evolve<V: View + ?Sized>(
        &self,
        state: &mut Overlay<'_, V>,
        _place: Place,
    ) -> Result<(), Fault> {
        with_contact(state, self.tenant, self.contact, |record| {
            record.steps = StepUps {
                asked: self.step,
                challenge: ChallengeId::ZERO,
                verdict: None,
            };
        })
    }
}

/// Whoever holds the phone's stream shows the notice once more.
impl Evolve for NoticeReminded {
    fn evolve<V: View + ?Sized>(
        &self,
        state: &mut Overlay<'_, V>,
        _place: Place,
    ) -> Result<(), Fault> {
        remind_no_more(state, self.tenant, self.challenge)
    }
}

impl Evolve for PolicyRetired {
    fn evolve<V: View + ?Sized>(
        &self,
        state: &mut Overlay<'_, V>,
        _place: Place,
    ) -> Result<(), Fault> {
        let key = keys::policy_retired(self.tenant, &self.policy, self.version);
        state.put(Table::Policy, key, Vec::new());
        Ok(())
    }
}

impl Evolve for SubjectErased {
    fn evolve<V: View + ?Sized>(
        &self,
        state: &mut Overlay<'_, V>,
        _place: Place,
    ) -> Result<(), Fault> {
        let (tenant, subject) = (self.tenant, self.subject);
        state.delete(Table::Subject, keys::subject(tenant, subject));
        state.delete(Table::Subject, keys::template(tenant, subject));
        state.delete(Table::Subject, keys::history(tenant, subject));
        forget_report(state, tenant, subject)?;
        let from = keys::credentials_from(tenant, subject);
        let to = keys::credentials_to(tenant, subject);
        for (key, _) in state.scan(Table::Subject, &from, &to, usize::MAX)? {
            state.delete(Table::Subject, key);
        }
        let (from, to) = keys::evidence_of(tenant, subject);
        let kept = state.scan(Table::Evidence, &from, &to, ERASED_PER_COMMAND_MAX)?;
        for (key, _) in kept {
            let record = keys::evidence_named_by(&key).ok_or(Fault::Corrupt)?;
            state.delete(Table::Evidence, record);
            state.delete(Table::Evidence, key);
        }
        Ok(())
    }
}
