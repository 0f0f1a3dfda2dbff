//! Applying an entry: timers that are due, then every command in order, each decided on the state
//! that the one before it left.

use akashi_merkle::Leaf;

use crate::answer::{Answer, Placement, Rejection};
use crate::command::Request;
use crate::decide::{Checker, Step, Stop, decide, decide_timer};
use crate::entry::{Entry, encode};
use crate::event::Event;
use crate::evolve::{Place, evolve};
use crate::keys;
use crate::kv::{Changes, Fault, Overlay, Table, View};
use crate::leaf::{LeafPlace, leaf};
use crate::limits::{
    DEDUPE_BUCKET_MS, DEDUPE_PRUNE_PER_ENTRY_MAX, REQUEST_ID_AHEAD_US_MAX, TIMERS_PER_ENTRY_MAX,
};
use crate::records::{Progress, Remembered};
use crate::state::{Records as _, load, store};

/// A fact with its place in the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded {
    /// Its index in the audit log.
    pub leaf_index: u64,
    /// Its leaf.
    pub leaf: Leaf,
    /// What happened.
    pub event: Event,
}

/// What one entry led to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Applied {
    /// How far the replica has come with it.
    pub progress: Progress,
    /// The facts, in order.
    pub events: Vec<Recorded>,
    /// One answer per command, in order.
    pub answers: Vec<Answer>,
    /// What to write, all of it or nothing; `progress` is among it.
    pub changes: Changes,
}

/// Applies one decoded entry (or none: a leader's opening no-op moves only the index).
///
/// `sealed_root_holds` says whether the root that the entry claims for its sealed size is the one
/// this replica computed; a claim that does not hold is ignored, on every replica alike.
///
/// # Errors
///
/// [`Fault`] if the storage fails: nothing may be written then, and the replica stops.
pub fn apply<V: View, C: Checker>(
    view: &V,
    log_index: u64,
    term: u64,
    entry: Option<&Entry>,
    sealed_root_holds: bool,
    checker: &mut C,
) -> Result<Applied, Fault> {
    let before = view.progress()?;
    let mut progress = Progress {
        log_index,
        term,
        ..before
    };
    if let Some(entry) = entry {
        progress.stamp = before.stamp.max(entry.stamp);
        let newer = entry
            .sealed
            .filter(|s| sealed_root_holds && s.size > before.sealed.size);
        progress.sealed = newer.unwrap_or(before.sealed);
    }
    let mut run = Run {
        overlay: Overlay::new(view),
        progress,
        events: Vec::new(),
        term,
    };
    let mut answers = Vec::new();
    if let Some(entry) = entry {
        run.fire_timers()?;
        for (position, request) in entry.requests.iter().enumerate() {
            let step = Step {
                stamp: progress.stamp,
                log_index,
                ordinal: u32::try_from(position).unwrap_or(u32::MAX),
                random: entry.random,
                sealed: progress.sealed,
            };
            answers.push(run.answer(&step, request, checker)?);
        }
        run.forget_old_requests()?;
    }
    let Run {
        mut overlay,
        progress,
        events,
        ..
    } = run;
    store(
        &mut overlay,
        Table::Meta,
        keys::PROGRESS.to_vec(),
        &progress,
    );
    Ok(Applied {
        progress,
        events,
        answers,
        changes: overlay.into_changes(),
    })
}

struct Run<'a, V> {
    overlay: Overlay<'a, V>,
    progress: Progress,
    events: Vec<Recorded>,
    term: u64,
}

impl<V: View> Run<'_, V> {
    fn record(&mut self, event: Event) -> Result<(), Fault> {
        let stamp = self.progress.stamp;
        let leaf_index = self.progress.leaves;
        evolve(
            &mut self.overlay,
            &event,
            Place {
                stamp,
                leaf: leaf_index,
            },
        )?;
        let place = LeafPlace {
            stamp,
            term: self.term,
            log_index: self.progress.log_index,
            ordinal: u32::try_from(self.events.len()).unwrap_or(u32::MAX),
        };
        let leaf = leaf(&event, place);
        self.events.push(Recorded {
            leaf_index,
            leaf,
            event,
        });
        self.progress.leaves = leaf_index.saturating_add(1);
        Ok(())
    }

    fn fire_timers(&mut self) -> Result<(), Fault> {
        let from = keys::timers_from(self.progress.timers_fired);
        let until = keys::timers_after(self.progress.stamp);
        let due = self
            .overlay
            .scan(Table::Timer, &from, &until, TIMERS_PER_ENTRY_MAX)?;
        self.progress.timers_fired = match due.last() {
            // More may be due at the same time: the next entry begins there again.
            Some((last, _)) if due.len() == TIMERS_PER_ENTRY_MAX => {
                keys::timer_due(last).ok_or(Fault::Corrupt)?
            }
            Some(_) | None => self.progress.stamp,
        };
        for (key, _) in due {
            let (kind, tenant, id) = keys::parse_timer(&key).ok_or(Fault::Corrupt)?;
            for event in decide_timer(&self.overlay, kind, tenant, id, self.progress.stamp)? {
                self.record(event)?;
            }
            self.overlay.delete(Table::Timer, key);
        }
        Ok(())
    }

    fn answer<C: Checker>(
        &mut self,
        step: &Step,
        request: &Request,
        checker: &mut C,
    ) -> Result<Answer, Fault> {
        let placement = Placement {
            log_index: step.log_index,
            stamp: step.stamp,
            first_leaf: self.progress.leaves,
            leaf_count: 0,
            repeated: false,
        };
        if let Some(rejection) = self.untimely(step, request)? {
            return Ok(Answer {
                placement,
                result: Err(rejection),
            });
        }
        let key = keys::remembered(request.client, request.id);
        let body = request.body_digest();
        if let Some(known) = load::<Remembered, _>(&self.overlay, Table::Dedupe, &key)? {
            if known.body != body {
                return Ok(Answer {
                    placement,
                    result: Err(Rejection::RequestIdReused),
                });
            }
            let mut answer = known.answer;
            answer.placement.repeated = true;
            return Ok(answer);
        }
        let decision = match decide(&self.overlay, step, request, checker) {
            Ok(decision) => decision,
            Err(Stop::Rejected(rejection)) => {
                return Ok(Answer {
                    placement,
                    result: Err(rejection),
                });
            }
            Err(Stop::Fault(fault)) => return Err(fault),
        };
        let leaf_count = u32::try_from(decision.events.len()).unwrap_or(u32::MAX);
        for event in decision.events {
            self.record(event)?;
        }
        let placement = Placement {
            leaf_count,
            ..placement
        };
        let answer = Answer {
            placement,
            result: Ok(decision.reply),
        };
        let remembered = Remembered { body, answer };
        self.overlay.put(Table::Dedupe, key, encode(&remembered));
        Ok(remembered.answer)
    }

    /// Ids outside the horizon: too old, and it could have been executed and forgotten; too far
    /// ahead, and it would have to be remembered too long.
    fn untimely(&self, step: &Step, request: &Request) -> Result<Option<Rejection>, Fault> {
        let horizon_us = self.overlay.settings()?.horizon_us();
        let made_us = request.id.time_ms().saturating_mul(1_000);
        let forgotten = request.id.time_ms() < self.progress.forgotten_ms;
        if forgotten || made_us < step.stamp.before_us(horizon_us).0 {
            return Ok(Some(Rejection::RequestIdTooOld));
        }
        if made_us > step.stamp.after_us(REQUEST_ID_AHEAD_US_MAX).0 {
            return Ok(Some(Rejection::RequestIdAhead));
        }
        Ok(None)
    }

    /// Forgets requests whose ids would be refused as too old from here on. Requests are remembered
    /// beside the state: they follow from the log, not from events.
    fn forget_old_requests(&mut self) -> Result<(), Fault> {
        let horizon_us = self.overlay.settings()?.horizon_us();
        let oldest_ms = self
            .progress
            .stamp
            .before_us(horizon_us)
            .0
            .checked_div(1_000)
            .unwrap_or_default();
        let whole =
            oldest_ms.saturating_sub(oldest_ms.checked_rem(DEDUPE_BUCKET_MS).unwrap_or_default());
        self.progress.forgotten_ms = self.progress.forgotten_ms.max(whole);
        let from = keys::dedupe_bucket(self.progress.pruned_ms);
        let until = keys::dedupe_bucket(self.progress.forgotten_ms);
        let old = self
            .overlay
            .scan(Table::Dedupe, &from, &until, DEDUPE_PRUNE_PER_ENTRY_MAX)?;
        if old.len() < DEDUPE_PRUNE_PER_ENTRY_MAX {
            self.progress.pruned_ms = self.progress.forgotten_ms;
        }
        for (key, _) in old {
            self.overlay.delete(Table::Dedupe, key);
        }
        Ok(())
    }
}
