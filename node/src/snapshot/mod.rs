//! Snapshots on the node: keeping frozen views, giving parts of them, fetching a state, filling in
//! the audit log.
//!
//! A replica that its leader tells that the log no longer reaches it fetches a snapshot beside its own
//! state while its engine runs on; once it is whole and synced the node stops its engine and starts
//! again, and the start switches to it (`storage::FilePlace`). After that start, missing leaves of the
//! audit log are filled in from the others. Whatever comes is checked in `akashi_replica::snapshot`; a
//! peer is believed nothing.

mod fetch;
mod fill;
mod give;
mod kept;
mod pace;

pub(crate) use fetch::Fetcher;
pub(crate) use fill::Filler;
pub use give::Giver;
pub(crate) use kept::Kept;
pub(crate) use pace::Pace;

/// Whom this node may ask, the likeliest first.
pub(crate) type Whom = std::sync::Arc<dyn Fn() -> Vec<akashi_replica::entry::NodeId> + Send + Sync>;
