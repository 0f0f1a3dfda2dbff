//! Checks what a core is started with: settings that make sense, and a disk that lost nothing.
//!
//! raft-rs panics on most of what is refused here.

use raft::INVALID_ID;

use super::config::{CoreConfig, MAX_VOTERS, Recovered, StartError};
use super::outbound;
use super::tail::Tail;
use crate::conf::Conf;
use crate::entry::HardState;

/// Whether the group and the limits make sense.
pub(super) fn check_config(
    config: &CoreConfig,
    recovered: Option<&Conf>,
) -> Result<(), StartError> {
    if recovered.is_some_and(|conf| !conf.is_sound()) {
        return Err(StartError::BadConfig);
    }
    let mut members = config.voters.clone();
    members.sort_unstable();
    members.dedup();
    let group_is_sound = members.len() == config.voters.len()
        && members.len() <= MAX_VOTERS
        && !members.contains(&INVALID_ID)
        && config.id != INVALID_ID
        && (config.joins || recovered.is_some() || members.contains(&config.id));
    let limits_are_sound = config.heartbeat_ticks > 0
        && config.election_ticks > config.heartbeat_ticks
        && config.election_ticks.checked_mul(2).is_some()
        && config.max_entry_bytes > 0
        && config.max_inflight > 0
        && config.max_uncommitted_bytes >= config.max_entry_bytes
        && config.max_unapplied_bytes > 0
        && config.max_waiting_reads > 0;
    if group_is_sound && limits_are_sound {
        Ok(())
    } else {
        Err(StartError::BadConfig)
    }
}

/// The tail to start with, and the vote record as raft-rs must see it: commit at least what was
/// applied, because the hint on disk lags, and a term of at least 1, because raft-rs panics when a
/// replica at term 0 refuses a pre-vote.
pub(super) fn check_recovered(
    config: &CoreConfig,
    recovered: Recovered,
) -> Result<(Tail, HardState), StartError> {
    let Recovered {
        hard_state,
        compacted_index,
        compacted_term,
        entries,
        applied,
        conf,
    } = recovered;
    let base = (compacted_index, compacted_term);
    if (base.0 == 0) != (base.1 == 0) {
        return Err(StartError::BrokenLog);
    }
    let mut last = base;
    for entry in &entries {
        if last.0.checked_add(1) != Some(entry.index) || entry.term < last.1.max(1) {
            return Err(StartError::BrokenLog);
        }
        last = (entry.index, entry.term);
    }
    if last.1 > hard_state.term {
        return Err(StartError::BrokenLog);
    }
    if applied > last.0 || hard_state.commit > last.0 {
        return Err(StartError::LogLost);
    }
    if applied < base.0 {
        return Err(StartError::StateLost);
    }
    let hard_state = HardState {
        term: hard_state.term.max(1),
        vote: hard_state.vote,
        commit: hard_state.commit.max(applied),
    };
    let boot = raft::eraftpb::HardState {
        term: hard_state.term,
        vote: hard_state.vote,
        commit: hard_state.commit,
    };
    let entries = entries.into_iter().map(outbound::to_raft).collect();
    let tail = Tail::new(
        base,
        entries,
        boot,
        conf.unwrap_or_else(|| Conf::of(config.voters.clone())),
        config.resident_bytes,
    );
    Ok((tail, hard_state))
}
