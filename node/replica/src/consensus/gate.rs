//! The gate between the network and raft-rs: decodes a peer's message and lets it pass only if
//! raft-rs can take it without panicking.
//!
//! raft-rs trusts its peers: an append with a gap, a heartbeat that commits what we do not have, a
//! vote that arrives before our own candidacy is on disk, an enum value it does not know — each of
//! them stops the process. Every check here names the line of thought in raft-rs 0.7.0 it protects.
//! Peers are authenticated before their bytes come here, so a rejection means a bug, a mixed
//! version or a hostile member; the caller drops the frame, counts it and closes the stream.
//!
//! Whether a peer belongs to the cluster is for the peer port to say, which knows who was removed.
//!
//! The gate never changes state, looks at no entry's data but that of membership entries, and is no
//! defence against lies that are well-formed: Raft is not Byzantine-safe.

use raft::eraftpb::{Entry, EntryType, Message, MessageType};
use raft::{CAMPAIGN_TRANSFER, RawNode, StateRole};
use raft_prost::Message as _;

use super::tail::Tail;
use super::{CoreConfig, change};
use crate::entry::NodeId;

/// Entries in one message: keeps a small hostile frame from decoding into much memory. The sender
/// splits what is longer.
pub(super) const MAX_ENTRIES_PER_MESSAGE: usize = 1024;

/// Terms and indexes stay below this, so that adding one never overflows. Nobody gets there: it is
/// a million elections or entries per microsecond for a hundred thousand years.
const MAX_NUMBER: u64 = 1 << 62;

/// How far ahead of ours a peer's term may be. Terms rise by elections only, so an honest lag is
/// smaller than this by orders of magnitude, and a hostile peer needs 2^38 messages to reach
/// [`MAX_NUMBER`].
const MAX_TERM_LEAD: u64 = 1 << 24;

/// Bytes of the context that heartbeats carry for reads: our own are eight.
const MAX_CONTEXT_BYTES: usize = 16;

/// Why a peer's frame was dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
pub enum FrameRejected {
    /// Longer than any honest message.
    #[error("the frame is too large")]
    TooLarge,
    /// Not a Raft message.
    #[error("the frame does not decode")]
    Undecodable,
    /// A kind that this version does not know or that never crosses the network.
    #[error("the message kind is not for the network")]
    UnknownKind,
    /// Addressed to another replica.
    #[error("the message is for another replica")]
    NotForUs,
    /// The sender is nobody, is ourselves, or is not whom the connection says.
    #[error("the sender is not the replica it claims to be")]
    WrongSender,
    /// Zero or out of all proportion.
    #[error("the term cannot be right")]
    BadTerm,
    /// Entries with a gap, a falling term, a term above the message's, an unknown kind, too large,
    /// or where there should be none.
    #[error("the entries cannot be right")]
    BadEntries,
    /// An index or a commit that this replica or this sender cannot have.
    #[error("a position in the log cannot be right")]
    BadPosition,
    /// Claims to lead a term that another replica leads.
    #[error("two replicas claim to lead one term")]
    SecondLeader,
    /// Carries a field that its kind never carries.
    #[error("the message carries a field it should not")]
    ExtraField,
}

/// What to do with a frame that passed.
#[derive(Debug)]
pub(super) enum Admitted {
    /// Hand it to raft-rs.
    Step(Message),
    /// Keep it until everything this replica has promised is on disk, then admit it again.
    Hold(Message),
    /// Honest, but late: nothing to do.
    Ignore,
}

/// Decodes and checks one frame from `from`; `settled` says whether everything that must be synced
/// has been.
pub(super) fn admit(
    config: &CoreConfig,
    raw: &RawNode<Tail>,
    settled: bool,
    from: NodeId,
    bytes: &[u8],
) -> Result<Admitted, FrameRejected> {
    if bytes.len() > config.max_frame_bytes() {
        return Err(FrameRejected::TooLarge);
    }
    if count_entries(bytes).ok_or(FrameRejected::Undecodable)? > MAX_ENTRIES_PER_MESSAGE {
        return Err(FrameRejected::TooLarge);
    }
    let Ok(message) = Message::decode(bytes) else {
        return Err(FrameRejected::Undecodable);
    };
    check(config, raw, settled, from, message)
}

/// The checks of [`admit`] on a decoded message.
pub(super) fn check(
    config: &CoreConfig,
    raw: &RawNode<Tail>,
    settled: bool,
    from: NodeId,
    message: Message,
) -> Result<Admitted, FrameRejected> {
    // `get_msg_type` panics on a value it does not know, so this comes first.
    let kind = MessageType::from_i32(message.msg_type).ok_or(FrameRejected::UnknownKind)?;
    if message.to != config.id {
        return Err(FrameRejected::NotForUs);
    }
    if message.from != from || from == config.id || from == raft::INVALID_ID {
        return Err(FrameRejected::WrongSender);
    }
    let ours = raw.raft.term;
    // Term 0 marks a local message: raft-rs would skip every term rule.
    if message.term == 0
        || message.term >= MAX_NUMBER
        || message.term.saturating_sub(ours) > MAX_TERM_LEAD
    {
        return Err(FrameRejected::BadTerm);
    }
    check_shape(config, kind, &message)?;
    // A replica that lags does not know who has joined since, and must follow a new member that leads
    // and vote for one that stands (Raft thesis 4.1). Only an answer has to come from a member: anybody
    // else's is late.
    if is_answer(kind) && raw.raft.prs().get(from).is_none() {
        return Ok(Admitted::Ignore);
    }
    match kind {
        MessageType::MsgAppend => check_append(raw, &message)?,
        MessageType::MsgHeartbeat => check_heartbeat(raw, &message)?,
        MessageType::MsgAppendResponse => check_append_response(raw, &message)?,
        MessageType::MsgRequestVote | MessageType::MsgRequestPreVote => check_vote(&message)?,
        MessageType::MsgRequestVoteResponse => {
            if !message.reject && message.term > ours {
                // Nobody grants a vote in a term for which we never stood.
                return Err(FrameRejected::BadTerm);
            }
            // raft-rs asserts, on becoming leader, that its whole log is on disk. The log thread
            // sends our vote requests itself, so a granted vote can overtake its report.
            let counts = message.term == ours && raw.raft.state == StateRole::Candidate;
            if counts && !message.reject && !settled {
                return Ok(Admitted::Hold(message));
            }
        }
        MessageType::MsgTimeoutNow => {
            // Only our leader may tell us to take over, and only while we follow it.
            let ours = message.term == ours
                && raw.raft.leader_id == from
                && raw.raft.state == StateRole::Follower;
            if !ours {
                return Ok(Admitted::Ignore);
            }
        }
        MessageType::MsgHeartbeatResponse | MessageType::MsgRequestPreVoteResponse => {}
        // Local messages; proposals, reads and handovers, which the layer above forwards in its
        // own words; and snapshots, which do not travel this way.
        MessageType::MsgHup
        | MessageType::MsgBeat
        | MessageType::MsgPropose
        | MessageType::MsgSnapshot
        | MessageType::MsgUnreachable
        | MessageType::MsgSnapStatus
        | MessageType::MsgCheckQuorum
        | MessageType::MsgTransferLeader
        | MessageType::MsgReadIndex
        | MessageType::MsgReadIndexResp => return Err(FrameRejected::UnknownKind),
    }
    Ok(Admitted::Step(message))
}

/// Whether a message of this kind answers one of ours.
const fn is_answer(kind: MessageType) -> bool {
    matches!(
        kind,
        MessageType::MsgAppendResponse
            | MessageType::MsgHeartbeatResponse
            | MessageType::MsgRequestVoteResponse
            | MessageType::MsgRequestPreVoteResponse
    )
}

/// Fields that must be absent or small, whatever our state is.
fn check_shape(
    config: &CoreConfig,
    kind: MessageType,
    message: &Message,
) -> Result<(), FrameRejected> {
    if message.snapshot.is_some() || message.request_snapshot != 0 {
        return Err(FrameRejected::ExtraField);
    }
    let context_fits = match kind {
        MessageType::MsgHeartbeat | MessageType::MsgHeartbeatResponse => {
            message.context.len() <= MAX_CONTEXT_BYTES
        }
        MessageType::MsgRequestVote => {
            message.context.is_empty() || message.context == CAMPAIGN_TRANSFER
        }
        MessageType::MsgHup
        | MessageType::MsgBeat
        | MessageType::MsgPropose
        | MessageType::MsgAppend
        | MessageType::MsgAppendResponse
        | MessageType::MsgRequestVoteResponse
        | MessageType::MsgSnapshot
        | MessageType::MsgUnreachable
        | MessageType::MsgSnapStatus
        | MessageType::MsgCheckQuorum
        | MessageType::MsgTransferLeader
        | MessageType::MsgTimeoutNow
        | MessageType::MsgReadIndex
        | MessageType::MsgReadIndexResp
        | MessageType::MsgRequestPreVote
        | MessageType::MsgRequestPreVoteResponse => message.context.is_empty(),
    };
    if !context_fits {
        return Err(FrameRejected::ExtraField);
    }
    let numbers = [
        message.index,
        message.log_term,
        message.commit,
        message.commit_term,
        message.reject_hint,
    ];
    if numbers.iter().any(|number| *number >= MAX_NUMBER) {
        return Err(FrameRejected::BadPosition);
    }
    if kind == MessageType::MsgAppend {
        check_entries(config, message)
    } else if message.entries.is_empty() {
        Ok(())
    } else {
        Err(FrameRejected::BadEntries)
    }
}

/// Entries continue from `(index, log_term)` without gaps, their terms never fall and never exceed
/// the message's. raft-rs indexes into them by subtraction.
fn check_entries(config: &CoreConfig, message: &Message) -> Result<(), FrameRejected> {
    let mut index = message.index;
    let mut term = message.log_term.max(1);
    for entry in &message.entries {
        index = index.saturating_add(1);
        let fits = entry.index == index
            && entry.term >= term
            && entry.term <= message.term
            && entry.data.len() <= config.max_entry_bytes
            && known_kind(entry)
            && entry.context.is_empty()
            && !entry.sync_log;
        if !fits {
            return Err(FrameRejected::BadEntries);
        }
        term = entry.term;
    }
    Ok(())
}

/// `get_entry_type` panics on a value it does not know, and so does applying a change of the group with
/// one; the old membership change is never made.
fn known_kind(entry: &Entry) -> bool {
    match EntryType::from_i32(entry.entry_type) {
        Some(EntryType::EntryNormal) => true,
        Some(EntryType::EntryConfChangeV2) => change::decode(&entry.data).is_some(),
        Some(EntryType::EntryConfChange) | None => false,
    }
}

/// For messages that only a leader sends: nobody else leads that term.
fn check_leader(raw: &RawNode<Tail>, message: &Message) -> Result<(), FrameRejected> {
    let known = raw.raft.leader_id;
    if message.term == raw.raft.term && known != raft::INVALID_ID && known != message.from {
        return Err(FrameRejected::SecondLeader);
    }
    Ok(())
}

fn check_append(raw: &RawNode<Tail>, message: &Message) -> Result<(), FrameRejected> {
    check_leader(raw, message)?;
    // raft-rs takes term 0 for "matches" at any index beyond its log, and then appends with a gap.
    if (message.log_term == 0) != (message.index == 0) || message.log_term > message.term {
        return Err(FrameRejected::BadPosition);
    }
    Ok(())
}

/// `commit_to` panics beyond the last entry. An honest leader never commits what we have not
/// acknowledged, and we never acknowledge before syncing.
fn check_heartbeat(raw: &RawNode<Tail>, message: &Message) -> Result<(), FrameRejected> {
    check_leader(raw, message)?;
    if message.term >= raw.raft.term && message.commit > raw.raft.raft_log.last_index() {
        return Err(FrameRejected::BadPosition);
    }
    Ok(())
}

/// An acknowledged index beyond the log would become the base of later appends.
fn check_append_response(raw: &RawNode<Tail>, message: &Message) -> Result<(), FrameRejected> {
    let counts = raw.raft.state == StateRole::Leader && message.term == raw.raft.term;
    if counts && message.index > raw.raft.raft_log.last_index() {
        return Err(FrameRejected::BadPosition);
    }
    if message.reject && message.reject_hint > message.index {
        return Err(FrameRejected::BadPosition);
    }
    Ok(())
}

/// A candidate's log ends below the term it stands for, and its commit lies inside its log.
fn check_vote(message: &Message) -> Result<(), FrameRejected> {
    let consistent = (message.log_term == 0) == (message.index == 0)
        && message.log_term < message.term
        && message.commit <= message.index
        && message.commit_term <= message.log_term;
    if consistent {
        Ok(())
    } else {
        Err(FrameRejected::BadPosition)
    }
}

/// Counts the entries of an encoded message without decoding them; `None` if it is no protobuf.
fn count_entries(mut bytes: &[u8]) -> Option<usize> {
    const ENTRIES_FIELD: u64 = 7;
    let mut count = 0_usize;
    while !bytes.is_empty() {
        let key = take_varint(&mut bytes)?;
        match key & 7 {
            0 => {
                take_varint(&mut bytes)?;
            }
            1 => bytes = bytes.get(8..)?,
            2 => {
                let length = usize::try_from(take_varint(&mut bytes)?).ok()?;
                bytes = bytes.get(length..)?;
                if key >> 3 == ENTRIES_FIELD {
                    count = count.saturating_add(1);
                }
            }
            5 => bytes = bytes.get(4..)?,
            _ => return None,
        }
    }
    Some(count)
}

fn take_varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0_u64;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = bytes.split_first()?;
        *bytes = rest;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}
