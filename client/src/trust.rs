//! What a client believes: the key set that it pinned, and those that this one led to.
//!
//! Replicas come and go, and the key set with them. Each set signs for its successor (`docs/evidence.md`), so a
//! client that finds a head without a quorum of the set it knows asks the cluster for the history, walks along
//! it from what it believes, and looks again. A node can keep the history from a client; it cannot bend it.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use akashi_merkle::{
    CheckError, CheckedHead, CheckedLeaf, KeyChain, KeyHistory, KeySet, Receipt, ReceiptError,
    SignedHead,
};
use akashi_proto::v1;
use akashi_proto::v1::cluster_service_client::ClusterServiceClient;

use crate::clock::Deadline;
use crate::connection::Connection;
use crate::error::Error;
use crate::files;

/// Name of the file with the history, beside the key set that was pinned.
pub const HISTORY_FILE: &str = "cluster.history";
/// Answers that one history may take: more than any cluster's life has.
const PAGES_MAX: usize = 64;

/// The key sets that a client believes. Cheap to clone; all clones learn together.
#[derive(Clone, Debug)]
pub struct Trust(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    pinned: KeySet,
    chain: Mutex<KeyChain>,
    /// Where what was learnt is kept, if anywhere.
    file: Option<PathBuf>,
}

impl From<KeySet> for Trust {
    fn from(keys: KeySet) -> Self {
        Self::new(keys.clone(), KeyChain::pinned(keys), None)
    }
}

impl Trust {
    fn new(pinned: KeySet, chain: KeyChain, file: Option<PathBuf>) -> Self {
        Self(Arc::new(Inner {
            pinned,
            chain: Mutex::new(chain),
            file,
        }))
    }

    /// Believes `keys`, and what the history in `file` proves; what is learnt later is kept there. There need
    /// not be such a file.
    ///
    /// # Errors
    ///
    /// [`Error::File`]; [`Error::Malformed`] if it holds something else, or the history of other keys.
    pub fn kept_at(keys: KeySet, file: PathBuf) -> Result<Self, Error> {
        let mut chain = KeyChain::pinned(keys.clone());
        if file.exists() {
            let history = KeyHistory::parse(&files::read_text(&file)?)
                .map_err(|bad| Error::malformed(&file, bad.to_string()))?;
            chain
                .follow(&history)
                .map_err(|bad| Error::malformed(&file, bad.to_string()))?;
        }
        Ok(Self::new(keys, chain, Some(file)))
    }

    fn chain<T>(&self, look: impl FnOnce(&mut KeyChain) -> T) -> T {
        // A chain is changed in one step, so a panic elsewhere leaves it whole.
        let mut chain = self.0.chain.lock().unwrap_or_else(PoisonError::into_inner);
        look(&mut chain)
    }

    /// The key set that was pinned.
    #[must_use]
    pub fn key_set(&self) -> &KeySet {
        &self.0.pinned
    }

    /// Everything that is believed.
    #[must_use]
    pub fn believed(&self) -> KeyChain {
        self.chain(|chain| chain.clone())
    }

    /// The newest key set.
    #[must_use]
    pub fn newest(&self) -> KeySet {
        self.chain(|chain| chain.newest().clone())
    }

    /// The key set by which a head of `size` is checked.
    #[must_use]
    pub fn at(&self, size: u64) -> KeySet {
        self.chain(|chain| chain.at(size).clone())
    }

    /// Checks a head by the set of its size.
    ///
    /// # Errors
    ///
    /// [`CheckError`].
    pub fn check(&self, head: &SignedHead) -> Result<CheckedHead, CheckError> {
        self.chain(|chain| head.check(chain.at(head.head.size)))
    }

    /// Checks a receipt by the set of its head's size, with what is known.
    ///
    /// # Errors
    ///
    /// [`ReceiptError`].
    pub fn receipt(&self, text: &str) -> Result<CheckedLeaf, ReceiptError> {
        let receipt = Receipt::parse(text)?;
        let size = receipt.signed_head.head.size;
        self.chain(|chain| receipt.verify(chain.at(size)))
    }

    /// Whether a head lacks a quorum of the set that is believed: there may be a later one.
    #[must_use]
    pub fn lacks(&self, head: &SignedHead) -> bool {
        matches!(self.check(head), Err(CheckError::NoQuorum { .. }))
    }

    /// Learns of later key sets if a receipt needs one. What does not hold for another reason is left to
    /// whoever checks it.
    ///
    /// # Errors
    ///
    /// As [`Trust::follow`].
    pub async fn prepare(
        &self,
        connection: &Connection,
        receipt: &str,
        deadline: Deadline,
    ) -> Result<(), Error> {
        let lacking = match self.receipt(receipt) {
            Err(ReceiptError::Head(CheckError::NoQuorum { .. })) => true,
            Ok(_) | Err(_) => false,
        };
        if lacking {
            self.follow(connection, deadline).await?;
        }
        Ok(())
    }

    /// Asks for the history of key sets and walks along it. Gives the number of sets that were new.
    ///
    /// # Errors
    ///
    /// [`Error`], by what can be done about it; [`Error::Integrity`] if the history does not hold, or is not that
    /// of the keys that are believed.
    pub async fn follow(
        &self,
        connection: &Connection,
        deadline: Deadline,
    ) -> Result<usize, Error> {
        let history = key_history(connection, deadline).await?;
        self.learn(&history)
    }

    /// Walks along a history. Gives the number of sets that were new; they are kept if there is a place.
    ///
    /// # Errors
    ///
    /// [`Error::Integrity`] if it does not hold, or is not that of the keys that are believed.
    pub fn learn(&self, history: &KeyHistory) -> Result<usize, Error> {
        let steps = self
            .chain(|chain| chain.follow(history))
            .map_err(|bad| Error::integrity(bad.to_string()))?;
        if steps > 0
            && let Some(file) = &self.0.file
        {
            // Where nothing can be written it is learnt again the next time.
            let (Ok(()) | Err(_)) = files::replace_private(file, history.to_text().as_bytes());
        }
        Ok(steps)
    }
}

/// The whole history of a cluster's key sets; nothing of it is believed yet.
///
/// # Errors
///
/// [`Error`], by what can be done about it; [`Error::Integrity`] if it does not parse or its parts do not follow
/// each other.
pub async fn key_history(connection: &Connection, deadline: Deadline) -> Result<KeyHistory, Error> {
    let mut whole: Option<KeyHistory> = None;
    for _ in 0..PAGES_MAX {
        let last = whole.as_ref().and_then(|known| known.changes().last());
        let from_size = last.map_or(0, |change| change.boundary().saturating_add(1));
        let message = v1::GetKeySetHistoryRequest { from_size };
        let answer = connection
            .call(deadline, &message, |channel, request| async move {
                ClusterServiceClient::new(channel)
                    .get_key_set_history(request)
                    .await
            })
            .await?;
        let page =
            KeyHistory::parse(&answer.history).map_err(|bad| Error::integrity(bad.to_string()))?;
        let more = answer.more && !page.changes().is_empty();
        let continues = match &mut whole {
            None => {
                whole = Some(page);
                true
            }
            Some(known) => known.append(page),
        };
        if !continues {
            return Err(Error::integrity("the history of key sets has a gap"));
        }
        if !more {
            break;
        }
    }
    whole.ok_or(Error::Answer { what: "history" })
}

#[cfg(test)]
mod tests {
    use akashi_merkle::{
        Cosigner, CosignerSecret, Extensions, Head, KEY_SET_COLUMN, KeyChange, Leaf,
        MEMBER_PROMOTED, Origin, key_set_digest,
    };

    use super::*;

    fn secret(number: u8) -> CosignerSecret {
        CosignerSecret::from_seed(&format!("n{number}"), &[number; 32]).unwrap()
    }

    fn keys(numbers: &[u8]) -> KeySet {
        let cosigner = |number: &u8| Cosigner {
            name: format!("n{number}"),
            site: "a".into(),
            key: secret(*number).public().clone(),
        };
        let origin = Origin::new("dev", 1, 0).unwrap();
        let quorum = numbers.len() / 2 + 1;
        KeySet::new(origin, numbers.iter().map(cosigner).collect(), quorum).unwrap()
    }

    /// The receipt of the only leaf of a log, signed by these.
    fn receipt(leaf: &Leaf, signers: &[u8]) -> Receipt {
        let head = Head {
            origin: Origin::new("dev", 1, 0).unwrap(),
            size: 1,
            root: leaf.hash(),
        };
        let signatures: Vec<_> = signers
            .iter()
            .map(|number| secret(*number).cosign(&head, 1).unwrap())
            .collect();
        Receipt {
            leaf: leaf.encode(),
            index: 0,
            path: Vec::new(),
            signed_head: SignedHead::new(head, &signatures),
        }
    }

    fn history() -> KeyHistory {
        let next = keys(&[1, 3]);
        let mut extensions = Extensions::default();
        extensions
            .insert(KEY_SET_COLUMN, &key_set_digest(&next))
            .unwrap();
        let leaf = Leaf {
            kind: MEMBER_PROMOTED,
            extensions,
            ..Leaf::default()
        };
        let change = KeyChange {
            receipt: receipt(&leaf, &[1, 2]),
            keys: next,
        };
        KeyHistory::new(keys(&[1, 2]), vec![change])
    }

    #[test]
    fn what_is_learnt_is_known_to_every_clone_and_after_a_restart() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join(HISTORY_FILE);
        let trust = Trust::kept_at(keys(&[1, 2]), file.clone()).unwrap();
        let clone = trust.clone();
        assert_eq!(trust.learn(&history()).unwrap(), 1);
        assert_eq!(trust.learn(&history()).unwrap(), 0);
        assert_eq!(clone.newest(), keys(&[1, 3]));
        assert_eq!(clone.key_set(), &keys(&[1, 2]));
        let again = Trust::kept_at(keys(&[1, 2]), file.clone()).unwrap();
        assert_eq!(again.newest(), keys(&[1, 3]));
        // The history of other keys is noticed, not obeyed.
        assert!(Trust::kept_at(keys(&[4, 5]), file).is_err());
    }

    #[test]
    fn a_head_is_checked_by_the_set_of_its_size() {
        let trust = Trust::from(keys(&[1, 2]));
        let leaf = Leaf::default();
        let mut later = receipt(&leaf, &[1, 3]).signed_head;
        later.head.size = 2;
        let head = later.head;
        let signatures: Vec<_> = [1, 3]
            .iter()
            .map(|number| secret(*number).cosign(&head, 1).unwrap())
            .collect();
        let later = SignedHead::new(head, &signatures);
        assert!(trust.lacks(&later));
        trust.learn(&history()).unwrap();
        assert!(!trust.lacks(&later));
        assert!(trust.check(&later).is_ok());
        // What the first set signed of its own time still holds, and what it signs later does not.
        let first = receipt(&leaf, &[1, 2]);
        assert!(trust.receipt(&first.to_text()).is_ok());
        assert!(trust.receipt(&receipt(&leaf, &[1, 3]).to_text()).is_err());
    }

    #[test]
    fn another_cluster_s_history_is_an_integrity_failure() {
        let trust = Trust::from(keys(&[4, 5]));
        let error = trust.learn(&history()).unwrap_err();
        assert_eq!(error.code().exit().number(), 7);
    }
}
