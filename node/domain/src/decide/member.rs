//! Members: who may come, who may vote, who may go; and digests of the state at marks.
//!
//! An id is one disk: once removed it is never used again, and a machine that takes another's place gets an
//! id of its own. The key set changes one step at a time: the next step waits until a head over the last one
//! is sealed, so that every set has signed for its successor before there is another.

use akashi_merkle::CosignerKey;

use super::{Decision, Step, Stop, founded};
use crate::answer::{Field, Rejection, Reply};
use crate::command::{AddMember, MeetMember, PromoteMember, RecordStateDigest, RemoveMember};
use crate::event::{
    MemberAdded, MemberMet, MemberPromoted, MemberRemoved, StateDigestRecorded, StateMarked,
};
use crate::ids::Digest;
use crate::kv::{Fault, View};
use crate::limits::{MEMBERS_MAX, REMOVED_MEMBERS_MAX, REPLICAS_MAX};
use crate::policy::is_name;
use crate::records::{Cluster, Member, Members, Standing, is_address, key_set, quorum_of};
use crate::state::Records as _;

pub(super) fn add<V: View>(state: &V, command: &AddMember) -> Result<Decision, Stop> {
    let (_, members) = known(state)?;
    check(command)?;
    if members.get(command.id).is_some() || members.removed.contains(&command.id) {
        return Err(Rejection::Exists(Field::Member).into());
    }
    for member in &members.members {
        if member.name == command.name {
            return Err(Rejection::Exists(Field::MemberName).into());
        }
        if member.cosigner == command.cosigner {
            return Err(Rejection::Exists(Field::Key).into());
        }
    }
    if members.members.len() >= MEMBERS_MAX {
        return Err(Rejection::Full(Field::Member).into());
    }
    Ok(Decision::fact(MemberAdded {
        id: command.id,
        name: command.name.clone(),
        site: command.site.clone(),
        peer_address: command.peer_address.clone(),
        client_address: command.client_address.clone(),
        cosigner: command.cosigner,
    }))
}

pub(super) fn promote<V: View>(
    state: &V,
    step: &Step,
    command: &PromoteMember,
) -> Result<Decision, Stop> {
    let (cluster, mut members) = known(state)?;
    let member = members.get(command.id).ok_or(Rejection::UnknownMember)?;
    if member.is_voter() {
        return Ok(Decision::nothing(Reply::Done));
    }
    settled(state, step, &members)?;
    if members.voters().count() >= REPLICAS_MAX {
        return Err(Rejection::Full(Field::Member).into());
    }
    let voter = Member {
        standing: Standing::Voter,
        ..member.clone()
    };
    members.put(voter);
    let (quorum, key_set) = next(&cluster, &members)?;
    Ok(Decision::fact(MemberPromoted {
        id: command.id,
        quorum,
        key_set,
    }))
}

pub(super) fn remove<V: View>(
    state: &V,
    step: &Step,
    command: &RemoveMember,
) -> Result<Decision, Stop> {
    let (cluster, mut members) = known(state)?;
    if members.removed.contains(&command.id) {
        return Ok(Decision::nothing(Reply::Done));
    }
    let member = members.get(command.id).ok_or(Rejection::UnknownMember)?;
    if members.removed.len() >= REMOVED_MEMBERS_MAX {
        return Err(Rejection::Full(Field::Member).into());
    }
    if !member.is_voter() {
        return Ok(Decision::fact(MemberRemoved {
            id: command.id,
            quorum: members.quorum,
            key_set: None,
        }));
    }
    settled(state, step, &members)?;
    members.take(command.id);
    if members.voters().next().is_none() {
        return Err(Rejection::LastVoter.into());
    }
    let (quorum, key_set) = next(&cluster, &members)?;
    Ok(Decision::fact(MemberRemoved {
        id: command.id,
        quorum,
        key_set: Some(key_set),
    }))
}

/// A member is one disk: what is met under its id later is another.
pub(super) fn meet<V: View>(state: &V, command: &MeetMember) -> Result<Decision, Stop> {
    let (_, members) = known(state)?;
    if command.life == [0; 16] {
        return Err(Rejection::Invalid(Field::Life).into());
    }
    let member = members.get(command.id).ok_or(Rejection::UnknownMember)?;
    if member.life == command.life {
        return Ok(Decision::nothing(Reply::Done));
    }
    if member.life != [0; 16] {
        return Err(Rejection::Exists(Field::Life).into());
    }
    Ok(Decision::fact(MemberMet {
        id: command.id,
        life: command.life,
    }))
}

/// The entry of this command is a mark.
pub(super) fn mark<V: View>(state: &V, step: &Step) -> Result<Decision, Stop> {
    founded(state)?;
    if state.state_mark()?.marked == step.log_index {
        return Ok(Decision::nothing(Reply::Done));
    }
    Ok(Decision::fact(StateMarked {
        index: step.log_index,
    }))
}

/// Only of the newest mark, and once: whoever compares must know which entry is meant.
pub(super) fn record_digest<V: View>(
    state: &V,
    command: &RecordStateDigest,
) -> Result<Decision, Stop> {
    founded(state)?;
    let mark = state.state_mark()?;
    if command.index == 0 || mark.marked != command.index || mark.recorded == command.index {
        return Err(Rejection::UnknownMark.into());
    }
    Ok(Decision::fact(StateDigestRecorded {
        index: command.index,
        digest: command.digest,
    }))
}

fn known<V: View>(state: &V) -> Result<(Cluster, Members), Stop> {
    let cluster = founded(state)?;
    let members = state.members()?.ok_or(Rejection::NotFounded)?;
    Ok((cluster, members))
}

fn check(command: &AddMember) -> Result<(), Rejection> {
    if command.id == 0 {
        return Err(Rejection::Invalid(Field::Member));
    }
    if !is_name(&command.name) {
        return Err(Rejection::Invalid(Field::MemberName));
    }
    if !is_name(&command.site) {
        return Err(Rejection::Invalid(Field::Site));
    }
    if !is_address(&command.peer_address) || !is_address(&command.client_address) {
        return Err(Rejection::Invalid(Field::Address));
    }
    CosignerKey::new(&command.name, &command.cosigner)
        .map(drop)
        .map_err(|_unusable| Rejection::Invalid(Field::Key))
}

/// Whether a head over the last change of the key set is sealed, as far as applied state knows.
fn settled<V: View>(state: &V, step: &Step, members: &Members) -> Result<(), Stop> {
    if members.key_set == 0 {
        return Ok(());
    }
    match state.key_set_change(members.key_set)? {
        Some(last) if step.sealed.size < last.boundary() => Err(Rejection::MembersChanging.into()),
        Some(_) => Ok(()),
        None => Err(Fault::Corrupt.into()),
    }
}

/// Quorum and digest of the key set of these members.
fn next(cluster: &Cluster, members: &Members) -> Result<(u8, Digest), Rejection> {
    let quorum = quorum_of(members.voters().count(), cluster.quorum);
    let set = key_set(&cluster.origin, &members.cosigners(), quorum)
        .ok_or(Rejection::Invalid(Field::Key))?;
    Ok((quorum, Digest::of(set.to_text().as_bytes())))
}
