//! Makes the table of members anew when the record, the Raft group or an address changes, and tells
//! those who count members.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::mpsc::Sender;

use akashi_domain::records::{Members, Standing};
use akashi_replica::conf::Conf;
use akashi_replica::entry::NodeId;
use tokio::sync::watch;

use super::applied::AppliedByAll;
use super::seal_thread::SealInput;
use crate::config::Config;
use crate::members::MemberTable;

/// What the table follows from.
pub(super) struct Sources {
    pub(super) config: Arc<Config>,
    pub(super) record: watch::Receiver<Option<Arc<Members>>>,
    pub(super) conf: watch::Receiver<Conf>,
    pub(super) told: watch::Receiver<BTreeMap<NodeId, String>>,
}

/// Who is told.
pub(super) struct Listeners {
    pub(super) table: watch::Sender<Arc<MemberTable>>,
    pub(super) applied: AppliedByAll,
    pub(super) seal: Sender<SealInput>,
}

impl Sources {
    /// The table now, after `before`.
    pub(super) fn table(&mut self, before: &MemberTable) -> MemberTable {
        let record = self.record.borrow_and_update().clone();
        let conf = self.conf.borrow_and_update().clone();
        let told = self.told.borrow_and_update().clone();
        MemberTable::of(&self.config, record.as_deref(), &conf, &told, before)
    }

    async fn changed(&mut self) -> bool {
        let changed = tokio::select! {
            changed = self.record.changed() => changed,
            changed = self.conf.changed() => changed,
            changed = self.told.changed() => changed,
        };
        changed.is_ok()
    }
}

impl Listeners {
    fn tell(&self, table: MemberTable) {
        self.applied.set_nodes(table.staying());
        let voters = table.with(Standing::Voter).collect();
        // Gone only when the node is going down.
        drop(self.seal.send(SealInput::Voters(voters)));
        self.table.send_replace(Arc::new(table));
    }
}

/// Runs until told to stop.
pub(super) async fn follow(
    mut sources: Sources,
    listeners: Listeners,
    mut stop: watch::Receiver<bool>,
) {
    let following = async {
        while sources.changed().await {
            let before = Arc::clone(&listeners.table.borrow());
            let table = sources.table(&before);
            if table != *before {
                listeners.tell(table);
            }
        }
    };
    tokio::select! {
        () = following => {}
        _ = stop.wait_for(|stop| *stop) => {}
    }
}
