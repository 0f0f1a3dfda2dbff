//! The apply thread: decided entries, in order, into the state store; then everybody is told.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender};

use akashi_domain::apply::Recorded;
use akashi_domain::decide::Checker;
use akashi_domain::event::Event;
use akashi_domain::ids::Stamp;
use akashi_domain::keys;
use akashi_domain::kv::{Table, View as _};
use akashi_domain::records::Members;
use akashi_domain::state::Records as _;
use akashi_replica::agreement::StateDigest;
use akashi_replica::entry::LogEntry;
use akashi_replica::machine::{Machine, MachineError, Outcome, Settled};
use akashi_replica::snapshot::{History, Proved};
use akashi_replica::store::StateStore;
use akashi_replica::succession::{boundary, change_at};
use tokio::sync::{broadcast, watch};

use super::applied_at::AppliedAt;
use super::decoded::Decoded;
use super::digester::Digester;
use super::handle::AppliedEntry;
use super::raft_thread::RaftInput;
use super::seal_thread::SealInput;
use super::stop_process;
use super::waiters::Waiters;
use crate::clock;
use crate::telemetry::Metrics;

/// What the apply thread is given.
#[derive(Debug)]
pub(crate) enum ApplyInput {
    /// Decided entries, in order.
    Committed(Vec<LogEntry>),
    /// A sealed head to keep.
    Head {
        /// Its size.
        size: u64,
        /// Its signed note.
        note: String,
    },
    /// A piece of the audit log that was missing.
    Fill(Proved),
    /// Look whether a timer is due by this time: the leader asks, tick by tick.
    CheckTimers(Stamp),
    /// End.
    Stop,
}

/// What this replica has applied, as readers see it.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Position {
    pub(super) progress: akashi_domain::records::Progress,
    pub(super) root: [u8; 32],
    pub(super) state_hash: [u8; 32],
}

/// What the apply thread tells.
pub(super) struct ApplyOutputs {
    pub(super) raft: Sender<RaftInput>,
    pub(super) seal: Sender<SealInput>,
    pub(super) waiters: Arc<Waiters>,
    pub(super) decoded: Decoded,
    pub(super) applied: Arc<AppliedAt>,
    pub(super) position: watch::Sender<Position>,
    pub(super) events: broadcast::Sender<Arc<AppliedEntry>>,
    /// Set while a timer is due: the leader proposes an entry, and applying it fires the timer.
    pub(super) timer_due: Arc<AtomicBool>,
    pub(super) digester: Digester,
    /// The members as of the last applied entry; none before the founding.
    pub(super) record: watch::Sender<Option<Arc<Members>>>,
    /// What is missing since this replica started from a snapshot.
    pub(super) history: watch::Sender<Option<History>>,
    /// The newest head that this replica vowed before it started.
    pub(super) vow: Option<(u64, [u8; 32])>,
    pub(super) metrics: Metrics,
}

/// Runs until told to stop.
pub(super) fn run<S: StateStore, C: Checker>(
    mut machine: Machine<S>,
    mut checker: C,
    inputs: &Receiver<ApplyInput>,
    out: &ApplyOutputs,
) {
    // Nothing is due before this: what is due is looked for from here on only.
    let mut looked_until = Stamp::default();
    while let Ok(input) = inputs.recv() {
        let result = match input {
            ApplyInput::Committed(entries) => {
                // An entry fires everything due up to its stamp; look from there again.
                looked_until = Stamp::default();
                apply(&mut machine, &mut checker, entries, out)
                    .and_then(|()| settle(&mut machine, out))
            }
            ApplyInput::Head { size, note } => keep_head(&mut machine, size, note, &out.seal),
            ApplyInput::Fill(piece) => fill(&mut machine, piece, out),
            ApplyInput::CheckTimers(now) => look_for_timers(&machine, &mut looked_until, now, out),
            ApplyInput::Stop => return,
        };
        if let Err(error) = result {
            stop_process("the state machine cannot go on", &error);
        }
    }
}

fn apply<S: StateStore, C: Checker>(
    machine: &mut Machine<S>,
    checker: &mut C,
    entries: Vec<LogEntry>,
    out: &ApplyOutputs,
) -> Result<(), MachineError> {
    for entry in entries {
        let began = clock::monotonic();
        let at = (entry.index, entry.term);
        let Outcome { applied, root } = match out.decoded.take(at) {
            Some(decoded) => machine.apply_decoded(&entry, Some(&decoded), checker)?,
            None => machine.apply(&entry, checker)?,
        };
        out.metrics
            .applied(began.elapsed(), entry.index, applied.progress.leaves);
        let position = Position {
            progress: applied.progress,
            root,
            state_hash: machine.state_hash(),
        };
        out.position.send_replace(position);
        // Before the raft thread learns that the entry is applied: a new leader takes the record for
        // complete once it has applied what it began with.
        if applied
            .events
            .iter()
            .any(|recorded| is_of_members(&recorded.event))
        {
            let record = machine.view().members()?.map(Arc::new);
            out.record.send_replace(record);
        }
        out.waiters
            .applied(entry.index, entry.term, applied.answers);
        for recorded in &applied.events {
            count(&recorded.event, &out.metrics);
            if let Event::ClusterFounded(fact) = &recorded.event {
                drop(out.seal.send(SealInput::Founded(fact.cluster.clone())));
            }
            succeed(machine, recorded, &out.seal)?;
            if let Event::StateMarked(_) = &recorded.event {
                out.digester.digest(&machine.view().0, entry.index);
                drop(out.seal.send(SealInput::Marked(entry.index)));
            }
            if let Event::StateDigestRecorded(fact) = &recorded.event {
                drop(out.seal.send(SealInput::Recorded {
                    leaf: recorded.leaf_index,
                    at: entry.index,
                    said: StateDigest {
                        index: fact.index,
                        digest: fact.digest.0,
                    },
                }));
            }
        }
        drop(out.seal.send(SealInput::Applied {
            index: entry.index,
            size: applied.progress.leaves,
            root,
        }));
        out.applied.is(entry.index, &out.raft);
        // Nobody may be listening.
        drop(out.events.send(Arc::new(AppliedEntry {
            log_index: entry.index,
            stamp: applied.progress.stamp,
            events: applied.events,
        })));
    }
    Ok(())
}

/// Keeps a sealed head. One with which a key set ends is brought to disk at once, and the sealer is told: nothing
/// larger is signed before.
fn keep_head<S: StateStore>(
    machine: &mut Machine<S>,
    size: u64,
    note: String,
    seal: &Sender<SealInput>,
) -> Result<(), MachineError> {
    machine.keep_head(size, note)?;
    if change_at(machine.view(), size)?.is_some() {
        machine.view().0.flush()?;
        drop(seal.send(SealInput::Kept(size)));
    }
    Ok(())
}

/// Tells the sealer of a change of the key set, before it hears of the entry's end.
fn succeed<S: StateStore>(
    machine: &Machine<S>,
    recorded: &Recorded,
    seal: &Sender<SealInput>,
) -> Result<(), MachineError> {
    let Some(size) = boundary(&recorded.event, recorded.leaf_index) else {
        return Ok(());
    };
    if let Some(change) = change_at(machine.view(), size)?
        && let Some(root) = machine.root_of(size)?
    {
        drop(seal.send(SealInput::Succeeded { change, root }));
    }
    Ok(())
}

/// Writes a piece of the audit log that was missing.
fn fill<S: StateStore>(
    machine: &mut Machine<S>,
    piece: Proved,
    out: &ApplyOutputs,
) -> Result<(), MachineError> {
    machine.fill(piece)?;
    settle(machine, out)?;
    out.history.send_replace(machine.history());
    Ok(())
}

/// Once nothing is missing: has the replica sign again if it computed what a quorum sealed without it.
fn settle<S: StateStore>(machine: &mut Machine<S>, out: &ApplyOutputs) -> Result<(), MachineError> {
    if machine.history().is_none() {
        return Ok(());
    }
    match machine.settle(out.vow)? {
        Settled::NotYet => {}
        Settled::Matched => {
            tracing::info!("the audit log is whole and matches a sealed head: this node signs");
            out.history.send_replace(None);
            drop(out.seal.send(SealInput::Settled(true)));
        }
        Settled::Differs => drop(out.seal.send(SealInput::Settled(false))),
    }
    Ok(())
}

/// New timers are due seconds after their making, so what was looked at once stays empty.
fn look_for_timers<S: StateStore>(
    machine: &Machine<S>,
    looked_until: &mut Stamp,
    now: Stamp,
    out: &ApplyOutputs,
) -> Result<(), MachineError> {
    if now < *looked_until {
        // The clock was set back: look again.
        *looked_until = Stamp::default();
    }
    let from = (*looked_until).max(machine.progress().timers_fired);
    let found = machine.view().scan(
        Table::Timer,
        &keys::timers_from(from),
        &keys::timers_after(now),
        1,
    )?;
    let due = found.first().and_then(|(key, _)| keys::timer_due(key));
    *looked_until = due.unwrap_or(now);
    out.timer_due.store(due.is_some(), Ordering::Release);
    Ok(())
}

/// Whether the record of members is another one after this.
const fn is_of_members(event: &Event) -> bool {
    matches!(
        event,
        Event::ClusterFounded(_)
            | Event::MemberAdded(_)
            | Event::MemberPromoted(_)
            | Event::MemberRemoved(_)
            | Event::MemberMet(_)
    )
}

fn count(event: &Event, metrics: &Metrics) {
    if let Event::VerdictReached(fact) = event {
        metrics.verdict(fact.outcome);
    }
    if let Event::ProofRefused(fact) = event {
        metrics.refusal(fact.judged.reason);
    }
    if let Event::SessionSuspended(fact) = event {
        metrics.suspended(fact.reason);
    }
}
