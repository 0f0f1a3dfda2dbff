//! Switching to a received snapshot: log and state together, whenever the power goes.
//!
//! A received snapshot lies beside the replica's own state and counts for nothing until a mark says
//! that it is whole ([`Place::whole`]). From then on each start goes through these steps, of which
//! each may be interrupted and repeated:
//!
//! 1. The log starts anew behind the mark: one synced frame. Term and vote stay; so does the newest vow.
//! 2. The received state takes the place of the old one.
//! 3. The mark goes.
//!
//! Raft runs only after the last step, so that no entry comes between them. A log that does not lack
//! the entry of the mark keeps what it has: then the snapshot is dropped, because entries that were
//! acknowledged must never go.

use crate::entry::HardState;
use crate::log::{Disk, FrameBody, LogError, RaftLog};

/// The entry behind which a log starts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Base {
    /// Its index.
    pub index: u64,
    /// Its term.
    pub term: u64,
}

/// Where a received snapshot lies.
///
/// # Durability
///
/// Every method has its whole effect on disk once it returns; one that is interrupted by a power loss
/// has it or not, or (removing) part of it, and can be repeated.
pub trait Place {
    /// Why it could not.
    type Error;

    /// The entry behind which the log will start, if a whole snapshot lies here.
    ///
    /// # Errors
    ///
    /// When the disk does not say.
    fn whole(&mut self) -> Result<Option<Base>, Self::Error>;

    /// Puts the received state in the place of the replica's own. Does nothing if that was done.
    ///
    /// # Errors
    ///
    /// When the disk refuses.
    fn adopt(&mut self) -> Result<(), Self::Error>;

    /// Removes the mark of a whole snapshot, and then what is left of it.
    ///
    /// # Errors
    ///
    /// When the disk refuses.
    fn clear(&mut self) -> Result<(), Self::Error>;
}

/// What a switch led to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Switched {
    /// There is no whole snapshot.
    Nothing,
    /// Log and state start behind this entry.
    To(Base),
    /// The log has this entry, or has dropped it: the snapshot was dropped.
    NotNeeded(Base),
}

/// Why the switch was not made; the next start tries again.
#[derive(Debug, thiserror::Error)]
pub enum SwitchError<E> {
    /// The log refused.
    #[error("the raft log cannot be switched to a snapshot")]
    Log(#[from] LogError),
    /// The place of the snapshot refused.
    #[error("the state cannot be switched to a snapshot")]
    Place(#[source] E),
}

/// Makes the switch if a whole snapshot lies at `place`. To be called at every start, before the state
/// is opened and Raft is started.
///
/// # Errors
///
/// [`SwitchError`]: the replica must not start.
pub fn switch<P: Place, D: Disk>(
    place: &mut P,
    log: &mut RaftLog<D>,
) -> Result<Switched, SwitchError<P::Error>> {
    let Some(base) = place.whole().map_err(SwitchError::Place)? else {
        return Ok(Switched::Nothing);
    };
    let there = (base.index, base.term);
    let reset = log.base() == there && log.last() == there;
    if !reset {
        if !lacks(log, base) {
            place.clear().map_err(SwitchError::Place)?;
            return Ok(Switched::NotNeeded(base));
        }
        let known = log.hard_state();
        log.append(FrameBody::Reset {
            index: base.index,
            term: base.term,
            hard_state: behind(known, base),
        })?;
        log.sync()?;
    }
    place.adopt().map_err(SwitchError::Place)?;
    place.clear().map_err(SwitchError::Place)?;
    Ok(Switched::To(base))
}

/// Whether the log ends before this entry, or has another in its place, which then was never decided.
fn lacks<D: Disk>(log: &RaftLog<D>, base: Base) -> bool {
    if log.last().0 < base.index {
        return true;
    }
    log.term(base.index).is_some_and(|term| term != base.term)
}

/// Term and vote stay: a replica that forgot them could vote twice. The entry proves that its term
/// began, and this replica has not voted in a term that it had not heard of.
fn behind(known: HardState, base: Base) -> HardState {
    let (term, vote) = if known.term < base.term {
        (base.term, 0)
    } else {
        (known.term, known.vote)
    };
    HardState {
        term,
        vote,
        commit: base.index,
    }
}
