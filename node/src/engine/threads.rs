//! The threads of a replica: one that panics ends the process.

use std::thread::JoinHandle;

use super::EngineError;

/// Starts a thread with a name of its own.
pub(super) fn spawn(
    name: &str,
    run: impl FnOnce() + Send + 'static,
) -> Result<JoinHandle<()>, EngineError> {
    // A thread that panics would leave a half-dead replica behind: stop all of it.
    let guarded = move || {
        let dying = AbortOnPanic;
        run();
        drop(dying);
    };
    std::thread::Builder::new()
        .name(name.to_owned())
        .spawn(guarded)
        .map_err(EngineError::System)
}

struct AbortOnPanic;

impl Drop for AbortOnPanic {
    fn drop(&mut self) {
        if std::thread::panicking() {
            tracing::error!("a thread of the replica panicked: this node stops");
            std::process::abort();
        }
    }
}
