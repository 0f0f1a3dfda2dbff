//! Evolving: what an event changes. Cannot refuse; the same event on the same state gives the same
//! bytes everywhere.

mod admin;
mod call;
mod contact;
mod customer;
mod enrolment;
mod holding;
mod member;
mod notifier;
mod order;
mod oversight;
mod presence;
mod processed;
mod question;
mod registry;
mod session;
mod submission;

use crate::event::Event;
use crate::ids::{ChallengeId, ContactId, EnrolmentId, Stamp, SubjectHash};
use crate::keys::{self, TimerKind};
use crate::kv::{Fault, Overlay, Table, View};
use crate::records::{Challenge, Contact, Evidence, Subject};
use crate::state::{Records as _, load, store};

/// Where the event stands in the log: what the log knows and the event does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Cluster time.
    pub stamp: Stamp,
    /// Its leaf.
    pub leaf: u64,
}

/// What one kind of event changes.
pub(crate) trait Evolve {
    /// Writes it.
    fn evolve<V: View + ?Sized>(
        &self,
        state: &mut Overlay<'_, V>,
        place: Place,
    ) -> Result<(), Fault>;
}

/// Writes what `event` changes.
///
/// # Errors
///
/// [`Fault`] if the storage fails.
pub fn evolve<V: View + ?Sized>(
    state: &mut Overlay<'_, V>,
    event: &Event,
    place: Place,
) -> Result<(), Fault> {
    event.evolve(state, place)
}

/// Keeps what was looked at, and under whose name it is found when the subject is erased.
fn keep_evidence<V: View + ?Sized>(
    state: &mut Overlay<'_, V>,
    (tenant, subject): (u32, SubjectHash),
    id: [u8; 16],
    place: Place,
    evidence: &Evidence,
) {
    store(
        state,
        Table::Evidence,
        keys::evidence(tenant, id, place.leaf),
        evidence,
    );
    let name = keys::evidence_of_subject(tenant, subject, id, place.leaf);
    state.put(Table::Evidence, name, Vec::new());
}

/// One more failed attempt; the last one uses the invitation up.
fn count_refusal<V: View + ?Sized>(
    state: &mut Overlay<'_, V>,
    tenant: u32,
    id: EnrolmentId,
) -> Result<(), Fault> {
    let mut record = state.enrolment(tenant, id)?.ok_or(Fault::Corrupt)?;
    record.refusals = record.refusals.saturating_add(1);
    let used_up = record.refusals >= crate::limits::ENROLMENT_REFUSALS_MAX;
    store(state, Table::Subject, keys::enrolment(tenant, id), &record);
    if used_up {
        close_enrolment(state, tenant, id)?;
    }
    Ok(())
}

fn close_enrolment<V: View + ?Sized>(
    state: &mut Overlay<'_, V>,
    tenant: u32,
    id: EnrolmentId,
) -> Result<(), Fault> {
    let mut record = state.enrolment(tenant, id)?.ok_or(Fault::Corrupt)?;
    record.closed = true;
    store(state, Table::Subject, keys::enrolment(tenant, id), &record);
    state.delete(
        Table::Timer,
        keys::timer(record.expires, TimerKind::Enrolment, tenant, id.0),
    );
    Ok(())
}

/// What one step may touch has an end, and what is left follows a little later: a timer stands exactly
/// while something is left, so that the state follows from events alone.
#[derive(Clone, Copy)]
struct Rest<'a> {
    /// Where the record of the timer lies.
    table: Table,
    kind: TimerKind,
    tenant: u32,
    who: &'a [u8; 32],
}

impl Rest<'_> {
    /// Sets the timer, moves it, or takes it away.
    fn follows<V: View + ?Sized>(
        self,
        state: &mut Overlay<'_, V>,
        due: Option<Stamp>,
    ) -> Result<(), Fault> {
        let key = keys::going_on(self.tenant, self.who);
        let id = keys::beginning(self.who);
        let timer = |due| keys::timer(due, self.kind, self.tenant, id);
        let before: Option<Stamp> = load(state, self.table, &key)?;
        if let Some(before) = before {
            state.delete(Table::Timer, timer(before));
        }
        match (before, due) {
            (_, Some(due)) => {
                state.put(Table::Timer, timer(due), Vec::new());
                store(state, self.table, key, &due);
            }
            (Some(_), None) => state.delete(self.table, key),
            (None, None) => {}
        }
        Ok(())
    }
}

fn with_subject<V: View + ?Sized>(
    state: &mut Overlay<'_, V>,
    tenant: u32,
    id: SubjectHash,
    change: impl FnOnce(&mut Subject),
) -> Result<(), Fault> {
    let mut record = state.subject(tenant, id)?;
    change(&mut record);
    store(state, Table::Subject, keys::subject(tenant, id), &record);
    Ok(())
}

/// Events about a contact follow its announcement, so a missing record means foreign bytes.
fn with_contact<V: View + ?Sized>(
    state: &mut Overlay<'_, V>,
    tenant: u32,
    id: ContactId,
    change: impl FnOnce(&mut Contact),
) -> Result<(), Fault> {
    let mut record = state.contact(tenant, id)?.ok_or(Fault::Corrupt)?;
    change(&mut record);
    store(state, Table::Call, keys::contact(tenant, id), &record);
    Ok(())
}

fn with_challenge<V: View + ?Sized>(
    state: &mut Overlay<'_, V>,
    tenant: u32,
    id: ChallengeId,
    change: impl FnOnce(&mut Challenge),
) -> Result<(), Fault> {
    let mut record = state.challenge(tenant, id)?.ok_or(Fault::Corrupt)?;
    change(&mut record);
    store(state, Table::Call, keys::challenge(tenant, id), &record);
    Ok(())
}
