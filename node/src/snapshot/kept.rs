//! Frozen views that are kept, so that others can read snapshots from them.
//!
//! The thread that digested a state keeps its view and answers reads until nobody needs it: a newer one
//! was digested, and nobody has read from it for a while. Neither apply nor the next digest waits for
//! that; what it costs is the older versions of changed records, which the store keeps meanwhile.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use akashi_replica::snapshot::{Cursor, Offer, read_chunk};
use akashi_replica::store::{Frozen, StoreError};
use tokio::sync::oneshot;

use crate::clock;

/// An older view stays so long after its last read.
const IDLE: Duration = Duration::from_secs(60);
/// Views kept at once: the newest, the one whose digest is recorded, one that is being read.
const KEPT_MAX: usize = 3;

/// The views of this node.
#[derive(Clone, Debug, Default)]
pub(crate) struct Kept(Arc<Mutex<Views>>);

#[derive(Debug, Default)]
struct Views {
    /// Ascending.
    views: Vec<View>,
    /// The node is stopping: nothing is kept any more.
    closed: bool,
}

/// One view, by its thread.
#[derive(Debug)]
struct View {
    offer: Offer,
    reads: Sender<Read>,
    used: Instant,
}

/// Somebody wants a chunk.
#[derive(Debug)]
pub(crate) struct Read {
    after: Option<Cursor>,
    answer: oneshot::Sender<Vec<u8>>,
}

impl Read {
    /// Reads the chunk from the view and hands it over.
    pub(crate) fn answer(self, view: &dyn Frozen, digest: &[u8; 32]) -> Result<(), StoreError> {
        let chunk = read_chunk(view, self.after.as_ref())?;
        // Whoever asked may be gone.
        drop(self.answer.send(chunk.encode(digest, self.after.as_ref())));
        Ok(())
    }
}

impl Kept {
    /// Keeps one more view: its thread answers what comes, and ends when the other half is gone.
    pub(crate) fn keep(&self, offer: Offer) -> Receiver<Read> {
        let (reads, asked) = channel();
        let now = clock::monotonic();
        let mut kept = self.lock();
        if kept.closed {
            return asked;
        }
        let views = &mut kept.views;
        // The newest so far stays at least until the next one comes.
        let newest = views.len().saturating_sub(1);
        let mut at = 0_usize;
        views.retain(|view| {
            let stays = at == newest || now.saturating_duration_since(view.used) < IDLE;
            at = at.saturating_add(1);
            stays
        });
        let over = views.len().saturating_add(1).saturating_sub(KEPT_MAX);
        views.drain(..over.min(views.len()));
        views.push(View {
            offer,
            reads,
            used: now.checked_sub(IDLE).unwrap_or(now),
        });
        asked
    }

    /// What is kept, the newest first.
    pub(crate) fn offers(&self) -> Vec<Offer> {
        self.lock()
            .views
            .iter()
            .rev()
            .map(|view| view.offer)
            .collect()
    }

    /// Asks for the chunk behind `after` of the state with this digest; none if it is not kept.
    pub(crate) fn read(
        &self,
        digest: &[u8; 32],
        after: Option<Cursor>,
    ) -> Option<oneshot::Receiver<Vec<u8>>> {
        let mut kept = self.lock();
        let view = kept
            .views
            .iter_mut()
            .find(|view| view.offer.digest == *digest)?;
        view.used = clock::monotonic();
        let (answer, answered) = oneshot::channel();
        view.reads.send(Read { after, answer }).ok()?;
        Some(answered)
    }

    /// Lets every view go, and keeps none from here on.
    pub(crate) fn close(&self) {
        let mut kept = self.lock();
        kept.closed = true;
        kept.views.clear();
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Views> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use akashi_domain::records::Progress;
    use akashi_replica::snapshot::Chunk;
    use akashi_replica::store::{Batch, MemStore, StateStore as _, Table};

    use super::*;

    fn offer(index: u64) -> Offer {
        Offer {
            progress: Progress {
                log_index: index,
                ..Progress::default()
            },
            digest: [index.to_be_bytes()[7]; 32],
        }
    }

    fn indexes(kept: &Kept) -> Vec<u64> {
        let offers = kept.offers();
        offers
            .iter()
            .map(|offer| offer.progress.log_index)
            .collect()
    }

    #[test]
    fn the_newest_views_stay_and_an_older_one_while_it_is_read() {
        let kept = Kept::default();
        let first = kept.keep(offer(1));
        let _second = kept.keep(offer(2));
        assert_eq!(indexes(&kept), [2, 1]);
        assert!(kept.read(&[1; 32], None).is_some());
        let _third = kept.keep(offer(3));
        assert_eq!(indexes(&kept), [3, 2, 1], "the first was read just now");
        let _fourth = kept.keep(offer(4));
        assert_eq!(indexes(&kept), [4, 3, 1], "nobody has read the second");
        let _fifth = kept.keep(offer(5));
        assert_eq!(indexes(&kept), [5, 4, 1]);
        kept.close();
        assert_eq!(first.iter().count(), 1, "its thread ends");
        assert!(kept.keep(offer(6)).recv().is_err(), "at once");
    }

    #[test]
    fn a_read_is_answered_from_the_view_that_was_asked() {
        let kept = Kept::default();
        let store = MemStore::default();
        let mut batch = Batch::default();
        batch.put(Table::Call, vec![1], vec![2]);
        store.write(batch).unwrap();
        let asked = kept.keep(offer(7));
        assert!(kept.read(&[9; 32], None).is_none(), "another state");
        let answered = kept.read(&[7; 32], None).unwrap();
        asked.recv().unwrap().answer(&store, &[7; 32]).unwrap();
        let bytes = answered.blocking_recv().unwrap();
        let chunk = Chunk::decode(&bytes, &[7; 32], None).unwrap();
        assert_eq!(chunk.pairs, [(Table::Call, vec![1], vec![2])]);
    }
}
