//! The space thread: looks how much room the disk has, spends and makes the ballast, and tells.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::sync::watch;

use super::stop_process;
use super::vitals::Vitals;
use crate::storage::{Room, Space};
use crate::telemetry::Metrics;

/// How often the disk is looked at; a node writes far less than its low-water mark meanwhile.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// Runs until told to stop. What the log found out itself (`no_room`) counts at once.
pub(super) fn run(
    mut space: Space,
    vitals: &Arc<Vitals>,
    no_room: &watch::Receiver<bool>,
    metrics: &Metrics,
    runtime: &tokio::runtime::Handle,
    mut down: watch::Receiver<bool>,
) {
    let mut no_room = no_room.clone();
    loop {
        let stands = *no_room.borrow_and_update();
        let looked = if stands {
            // The log waits for room: whatever the file system says, there was none.
            space.spend().map(|()| Room::Out)
        } else {
            space.look()
        };
        let room = match looked {
            Ok(room) => room,
            Err(error) => stop_process("the data directory cannot be looked at", &error),
        };
        let free = space.free().unwrap_or(0);
        vitals.free().store(free, Ordering::Release);
        tell(vitals, room);
        metrics.disk(free, room != Room::Ample);
        let stopping = runtime.block_on(async {
            tokio::select! {
                _ = down.wait_for(|down| *down) => true,
                Ok(()) = no_room.changed() => false,
                () = tokio::time::sleep(LOOK_EVERY) => false,
            }
        });
        if stopping {
            return;
        }
    }
}

fn tell(vitals: &Vitals, room: Room) {
    let changed = vitals.room().send_if_modified(|known| {
        let changed = *known != room;
        *known = room;
        changed
    });
    if !changed {
        return;
    }
    match room {
        Room::Ample => tracing::info!("the disk has room again"),
        Room::Low => tracing::error!("the disk is nearly full: this node takes no commands"),
        Room::Out => {
            tracing::error!(
                "the disk is full: this node takes no commands and acknowledges nothing"
            );
        }
    }
}
