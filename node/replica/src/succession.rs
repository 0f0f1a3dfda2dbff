//! Key sets that followed one another: where each ended, and what proves it to outsiders.
//!
//! The head with which a key set ends is kept for good: it, the leaf that names the successor and the successor
//! itself are one link of a chain that leads from any key set somebody pinned to the one in force
//! ([`akashi_merkle::KeyHistory`]).

use akashi_domain::event::Event;
use akashi_domain::kv::{Fault, View};
use akashi_domain::records::KeySetChange;
use akashi_domain::state::Records as _;
use akashi_merkle::{
    KeyChange, KeyHistory, KeySet, Receipt, SignedHead, inclusion_proof, leaf_hash,
    verify_inclusion,
};

use crate::cosigner::Cosigner;
use crate::machine::{Machine, MachineError, StoreView, head_key};
use crate::seal::Sealer;
use crate::store::{Batch, StateStore, Table};

/// Size of the tree with which a key set ends, if `event` at `leaf` is a change of the key set.
#[must_use]
pub const fn boundary(event: &Event, leaf: u64) -> Option<u64> {
    let changes = matches!(event, Event::MemberPromoted(_))
        || matches!(event, Event::MemberRemoved(removed) if removed.key_set.is_some());
    if changes { leaf.checked_add(1) } else { None }
}

/// Every change of the key set that is applied, in order.
///
/// # Errors
///
/// [`Fault`] when the storage cannot answer.
pub fn changes<V: View>(view: &V) -> Result<Vec<KeySetChange>, Fault> {
    let newest = view.members()?.map_or(0, |members| members.key_set);
    (1..=newest)
        .map(|number| view.key_set_change(number)?.ok_or(Fault::Corrupt))
        .collect()
}

/// The change with which a key set ends at the head of `size`, if one does.
///
/// # Errors
///
/// [`Fault`] when the storage cannot answer.
pub fn change_at<V: View>(view: &V, size: u64) -> Result<Option<KeySetChange>, Fault> {
    let newest = view.members()?.map_or(0, |members| members.key_set);
    for number in (1..=newest).rev() {
        let change = view.key_set_change(number)?.ok_or(Fault::Corrupt)?;
        if change.boundary() <= size {
            return Ok(Some(change).filter(|change| change.boundary() == size));
        }
    }
    Ok(None)
}

/// The key set by which a head of `size` is checked; `None` before the cluster is founded.
///
/// # Errors
///
/// [`Fault`] when the storage cannot answer, or keys cannot be used.
pub fn key_set_at<V: View>(view: &V, size: u64) -> Result<Option<KeySet>, Fault> {
    let Some(cluster) = view.cluster()? else {
        return Ok(None);
    };
    let newest = view.members()?.map_or(0, |members| members.key_set);
    for number in (1..=newest).rev() {
        let change = view.key_set_change(number)?.ok_or(Fault::Corrupt)?;
        if change.boundary() < size {
            return Ok(change.key_set(&cluster.origin));
        }
    }
    Ok(cluster.key_set())
}

/// Some of the key sets that followed one another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// They, with the set before them.
    pub history: KeyHistory,
    /// Whether more follow.
    pub more: bool,
    /// Whether one is missing that is sealed: this replica started from another's state, and has not got
    /// the head.
    pub lacking: bool,
}

/// The key sets whose ends lie at or behind `from_size`, `limit` changes at most. `None` before the cluster is
/// founded. A change whose last head is not sealed yet is left out.
///
/// # Errors
///
/// [`Fault`] when the storage cannot answer, or keys cannot be used.
pub fn history<S: StateStore + ?Sized>(
    view: &StoreView<S>,
    from_size: u64,
    limit: usize,
) -> Result<Option<Page>, Fault> {
    let Some(cluster) = view.cluster()? else {
        return Ok(None);
    };
    let mut first = cluster.key_set().ok_or(Fault::Corrupt)?;
    let mut links = Vec::new();
    let (mut more, mut lacking) = (false, false);
    for change in changes(view)? {
        let keys = change.key_set(&cluster.origin).ok_or(Fault::Corrupt)?;
        if change.boundary() < from_size {
            first = keys;
            continue;
        }
        if links.len() >= limit {
            more = true;
            break;
        }
        let before = links.last().map_or(&first, |link: &KeyChange| &link.keys);
        let Some(receipt) = link(view, &change, before)? else {
            lacking = change.boundary() < view.progress()?.sealed.size;
            break;
        };
        links.push(KeyChange { receipt, keys });
    }
    Ok(Some(Page {
        history: KeyHistory::new(first, links),
        more,
        lacking,
    }))
}

/// The heads of a history, for the store of a replica that starts from another's state: with them it can show the
/// history itself. Whoever writes them has checked it.
#[must_use]
pub fn heads(history: &KeyHistory) -> Batch {
    let mut batch = Batch::default();
    for change in history.changes() {
        let note = change.receipt.signed_head.to_text();
        batch.put(Table::Heads, head_key(change.boundary()), note.into_bytes());
    }
    batch
}

/// The receipt of the leaf that ends a key set, under the head with which it ends.
fn link<S: StateStore + ?Sized>(
    view: &StoreView<S>,
    change: &KeySetChange,
    before: &KeySet,
) -> Result<Option<Receipt>, Fault> {
    let size = change.boundary();
    let (Some(note), Some(leaf)) = (view.head_at(size)?, view.leaf(change.leaf)?) else {
        return Ok(None);
    };
    let kept = SignedHead::parse(&note).map_err(|_not_ours| Fault::Corrupt)?;
    let Ok(signed_head) = kept.to_quorum(before) else {
        return Ok(None);
    };
    let path = inclusion_proof(view, change.leaf, size).map_err(|_missing| Fault::Corrupt)?;
    verify_inclusion(
        &leaf_hash(&leaf),
        change.leaf,
        size,
        &path,
        &signed_head.head.root,
    )
    .map_err(|_another_tree| Fault::Corrupt)?;
    Ok(Some(Receipt {
        leaf,
        index: change.leaf,
        path,
        signed_head,
    }))
}

/// Heads with which key sets ended, as far as they are kept here, in order.
///
/// # Errors
///
/// [`Fault`] when the storage cannot answer.
pub fn ends<S: StateStore + ?Sized>(view: &StoreView<S>) -> Result<Vec<SignedHead>, Fault> {
    let mut heads = Vec::new();
    for change in changes(view)? {
        if let Some(note) = view.head_at(change.boundary())? {
            heads.push(SignedHead::parse(&note).map_err(|_not_ours| Fault::Corrupt)?);
        }
    }
    Ok(heads)
}

/// Tells a sealer that has just been made, and knows the founding set, everything about later ones.
///
/// # Errors
///
/// [`MachineError`] when the storage cannot answer.
pub fn resume<S: StateStore, C: Cosigner>(
    sealer: &mut Sealer<C>,
    machine: &Machine<S>,
) -> Result<(), MachineError> {
    let view = machine.view();
    let changes = changes(view)?;
    for change in &changes {
        sealer.succeeded(change);
    }
    for head in ends(view)? {
        sealer.has(&head);
    }
    let sealed = sealer.sealed().map_or(0, |sealed| sealed.head.size);
    let ends = changes.iter().map(KeySetChange::boundary);
    for size in ends.filter(|size| *size > sealed) {
        if let Some(root) = machine.root_of(size)? {
            sealer.ends(size, root);
        }
    }
    Ok(())
}
