//! Turns raft-rs's messages into bytes, none larger than the receiver's gate accepts.

use raft::eraftpb::{Entry, EntryType, Message, MessageType};
use raft_prost::Message as _;

use super::gate::MAX_ENTRIES_PER_MESSAGE;
use super::output::Outbound;
use crate::entry::{EntryKind, LogEntry};

/// Encodes `messages` in order. Appends that batching made too long are split: each part is a
/// valid append whose base is the last entry of the part before.
pub(super) fn encode(messages: Vec<Message>, max_entry_bytes: usize) -> Vec<Outbound> {
    let mut out = Vec::with_capacity(messages.len());
    for message in messages {
        if message.msg_type == kind_number(MessageType::MsgAppend) {
            split(message, max_entry_bytes, &mut out);
        } else {
            out.push((message.to, message.encode_to_vec()));
        }
    }
    out
}

fn kind_number(kind: MessageType) -> i32 {
    let mut message = Message::default();
    message.set_msg_type(kind);
    message.msg_type
}

fn split(mut message: Message, max_entry_bytes: usize, out: &mut Vec<Outbound>) {
    let mut bytes = 0_usize;
    let entries = std::mem::take(&mut message.entries);
    for entry in entries {
        let size = entry.data.len();
        let full = bytes.saturating_add(size) > max_entry_bytes
            || message.entries.len() >= MAX_ENTRIES_PER_MESSAGE;
        if full && let Some(last) = message.entries.last() {
            let base = (last.index, last.term);
            out.push((message.to, message.encode_to_vec()));
            (message.index, message.log_term) = base;
            message.entries.clear();
            bytes = 0;
        }
        bytes = bytes.saturating_add(size);
        message.entries.push(entry);
    }
    out.push((message.to, message.encode_to_vec()));
}

/// Our entry, as raft-rs wants it.
pub(super) fn to_raft(entry: LogEntry) -> Entry {
    let mut out = Entry {
        term: entry.term,
        index: entry.index,
        data: entry.data,
        ..Entry::default()
    };
    out.set_entry_type(match entry.kind {
        EntryKind::Normal => EntryType::EntryNormal,
        EntryKind::Membership => EntryType::EntryConfChangeV2,
    });
    out
}

/// An entry of raft-rs, as everybody else sees it.
pub(super) fn from_raft(entry: Entry) -> LogEntry {
    // The gate lets no other value in, and this replica makes none.
    let kind = match EntryType::from_i32(entry.entry_type) {
        Some(EntryType::EntryNormal) | None => EntryKind::Normal,
        Some(EntryType::EntryConfChange | EntryType::EntryConfChangeV2) => EntryKind::Membership,
    };
    LogEntry {
        index: entry.index,
        term: entry.term,
        kind,
        data: entry.data,
    }
}
