//! Carries raft-rs's own log lines into `tracing`.
//!
//! Lines below `info` are dropped here, before they are formatted: raft-rs prints whole messages
//! there, with the entries' data inside. Its `info` lines (elections, votes, conflicts) name only
//! terms, indexes and replica numbers; they become `debug`, because the core reports changes of
//! role itself.

use std::fmt::{Arguments, Write as _};

use slog::{Drain, KV as _, Level, Logger, Never, OwnedKVList, Record};

/// A logger that ends in `tracing`.
pub(super) fn logger() -> Logger {
    Logger::root(IntoTracing, slog::o!())
}

struct IntoTracing;

impl Drain for IntoTracing {
    type Ok = ();
    type Err = Never;

    fn log(&self, record: &Record<'_>, _values: &OwnedKVList) -> Result<(), Never> {
        match record.level() {
            Level::Critical | Level::Error => {
                tracing::error!(pairs = %Pairs::of(record), "raft: {}", record.msg());
            }
            Level::Warning => {
                tracing::warn!(pairs = %Pairs::of(record), "raft: {}", record.msg());
            }
            Level::Info => {
                tracing::debug!(pairs = %Pairs::of(record), "raft: {}", record.msg());
            }
            Level::Debug | Level::Trace => {}
        }
        Ok(())
    }
}

/// The key-value pairs of one line, as text.
struct Pairs<'a>(&'a Record<'a>);

impl<'a> Pairs<'a> {
    fn of(record: &'a Record<'a>) -> Self {
        Self(record)
    }
}

impl std::fmt::Display for Pairs<'_> {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut text = Text(String::new());
        // A pair that cannot be formatted is left out: a log line is no reason to fail.
        if self.0.kv().serialize(self.0, &mut text).is_err() {
            return Ok(());
        }
        out.write_str(&text.0)
    }
}

struct Text(String);

impl slog::Serializer for Text {
    fn emit_arguments(&mut self, key: slog::Key, value: &Arguments<'_>) -> slog::Result {
        write!(self.0, "{key}={value} ").map_err(slog::Error::from)
    }
}
