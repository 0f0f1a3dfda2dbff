//! Appends that are not taken yet: entries stamped too far ahead of this replica's clock, or no room
//! for them on its disk.
//!
//! Such an append is kept back before raft-rs sees it, so it is not acknowledged, not rejected and not
//! in the log; votes and heartbeats go on. To the leader it looks like a slow network. What is kept is
//! bounded, and what does not fit is dropped: the leader sends it again.

use std::collections::VecDeque;

use akashi_domain::entry::Entry;
use raft::eraftpb::{Message, MessageType};

/// Appends kept at most: a leader has no more under way to one follower.
const FRAMES_MAX: usize = 128;
/// Bytes of entries kept at most.
const BYTES_MAX: usize = 16 * 1024 * 1024;

/// What is kept back, oldest first, and until when.
#[derive(Debug)]
pub(super) struct Withheld {
    /// The latest stamp that is taken at once.
    limit: u64,
    /// The latest stamp taken so far: one that is not later moves no time.
    taken: u64,
    /// Whether there is room for entries.
    room: bool,
    frames: VecDeque<(Message, usize)>,
    bytes: usize,
}

impl Default for Withheld {
    fn default() -> Self {
        Self {
            limit: u64::MAX,
            taken: 0,
            room: true,
            frames: VecDeque::new(),
            bytes: 0,
        }
    }
}

impl Withheld {
    /// Entries up to this stamp are in the log already.
    pub(super) fn has(&mut self, stamp: u64) {
        self.taken = self.taken.max(stamp);
    }

    /// Takes entries stamped up to `limit` from now on.
    pub(super) const fn set_limit(&mut self, limit: u64) {
        self.limit = limit;
    }

    /// Whether there is room for entries from now on.
    pub(super) const fn set_room(&mut self, room: bool) {
        self.room = room;
    }

    /// Gives a message back if it may be taken now; keeps it otherwise.
    pub(super) fn pass(&mut self, message: Message) -> Option<Message> {
        let newer = self
            .frames
            .front()
            .is_some_and(|(first, _)| message.term > first.term);
        if newer {
            // Their leader is none any more.
            self.frames.clear();
            self.bytes = 0;
        }
        if !is_append(&message) {
            return Some(message);
        }
        if self.frames.is_empty() && self.may_take(&message) {
            self.has(newest_stamp(&message));
            return Some(message);
        }
        let bytes = message.entries.iter().map(|entry| entry.data.len()).sum();
        if self.frames.len() < FRAMES_MAX && self.bytes.saturating_add(bytes) <= BYTES_MAX {
            self.bytes = self.bytes.saturating_add(bytes);
            self.frames.push_back((message, bytes));
        }
        None
    }

    /// The oldest append, if it may be taken now.
    pub(super) fn next(&mut self) -> Option<Message> {
        let (first, _) = self.frames.front()?;
        if !self.may_take(first) {
            return None;
        }
        let (message, bytes) = self.frames.pop_front()?;
        self.bytes = self.bytes.saturating_sub(bytes);
        self.has(newest_stamp(&message));
        Some(message)
    }

    /// The newest stamp of the append that waits because of its time.
    pub(super) fn waiting(&self) -> Option<u64> {
        let (first, _) = self.frames.front()?;
        Some(newest_stamp(first)).filter(|stamp| *stamp > self.limit.max(self.taken))
    }

    /// An append without entries takes no room, and keeps its place behind those that wait: before
    /// them it would be rejected.
    fn may_take(&self, message: &Message) -> bool {
        let room = self.room || message.entries.is_empty();
        room && newest_stamp(message) <= self.limit.max(self.taken)
    }
}

fn is_append(message: &Message) -> bool {
    MessageType::from_i32(message.msg_type) == Some(MessageType::MsgAppend)
}

/// The latest stamp among the entries of an append; zero if none of them has one.
fn newest_stamp(message: &Message) -> u64 {
    let stamps = message.entries.iter().map(|entry| stamp_of(&entry.data));
    stamps.max().unwrap_or(0)
}

/// The stamp of an entry's data; zero for a leader's no-op and for a change of membership.
pub(super) fn stamp_of(data: &[u8]) -> u64 {
    Entry::stamp_of(data).map_or(0, |stamp| stamp.0)
}
