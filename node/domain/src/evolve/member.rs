//! What changes of the members and digests of the state change.

use super::{Evolve, Place};
use crate::event::{
    MemberAdded, MemberMet, MemberPromoted, MemberRemoved, StateDigestRecorded, StateMarked,
};
use crate::keys;
use crate::kv::{Fault, Overlay, Table, View};
use crate::records::{KeySetChange, Member, Members, Standing, StateMark};
use crate::state::{Records as _, store};

impl Evolve for MemberAdded {
    fn evolve<V: View + ?Sized>(
        &self,
        state: &mut Overlay<'_, V>,
        _place: Place,
    ) -> Result<(), Fault> {
        with_members(state, |members| {
            members.put(Member {
                id: self.id,
                name: self.name.clone(),
                site: self.site.clone(),
                peer_address: self.peer_address.clone(),
                client_address: self.client_address.clone(),
                cosigner: self.cosigner,
                standing: Standing::Learner,
                life: [0; 16],
            });
        })?;
        Ok(())
    }
}

impl Evolve for MemberPromoted {
    fn evolve<V: View + ?Sized>(
        &self,
        state: &mut Overlay<'_, V>,
        place: Place,
    ) -> Result<(), Fault> {
        let members = with_members(state, |members| {
            for member in &mut members.members {
                if member.id == self.id {
                    member.standing = Standing::Voter;
                }
            }
            members.quorum = self.quorum;
            members.key_set = members.key_set.saturating_add(1);
        })?;
        succeed(state, &members, place);
        Ok(())
    }
}

impl Evolve for MemberRemoved {
    fn evolve<V: View + ?Sized>(
        &self,
        state: &mut Overlay<'_, V>,
        place: Place,
    ) -> Result<(), Fault> {
        let cosigned = self.key_set.is_some();
        let members = with_members(state, |members| {
            members.take(self.id);
            members.use_up(self.id);
            members.quorum = self.quorum;
            if cosigned {
                members.key_set = members.key_set.saturating_add(1);
            }
        })?;
        if cosigned {
            succeed(state, &members, place);
        }
        Ok(())
    }
}

impl Evolve for MemberMet {
    fn evolve<V: View + ?Sized>(
        &self,
        state: &mut Overlay<'_, V>,
        _place: Place,
    ) -> Result<(), Fault> {
        with_members(state, |members| {
            for member in &mut members.members {
                if member.id == self.id {
                    member.life = self.life;
                }
            }
        })?;
        Ok(())
    }
}

impl Evolve for StateMarked {
    fn evolve<V: View + ?Sized>(
        &self,
        state: &mut Overlay<'_, V>,
        _place: Place,
    ) -> Result<(), Fault> {
        let mark = StateMark {
            marked: self.index,
            ..state.state_mark()?
        };
        store(state, Table::Meta, keys::STATE_MARK.to_vec(), &mark);
        Ok(())
    }
}

impl Evolve for StateDigestRecorded {
    fn evolve<V: View + ?Sized>(
        &self,
        state: &mut Overlay<'_, V>,
        place: Place,
    ) -> Result<(), Fault> {
        let mark = StateMark {
            recorded: self.index,
            digest: self.digest,
            leaf: place.leaf,
            ..state.state_mark()?
        };
        store(state, Table::Meta, keys::STATE_MARK.to_vec(), &mark);
        Ok(())
    }
}

fn with_members<V: View + ?Sized>(
    state: &mut Overlay<'_, V>,
    change: impl FnOnce(&mut Members),
) -> Result<Members, Fault> {
    let mut members = state.members()?.ok_or(Fault::Corrupt)?;
    change(&mut members);
    members.version = members.version.saturating_add(1);
    store(state, Table::Meta, keys::MEMBERS.to_vec(), &members);
    Ok(members)
}

/// Keeps the key set that is in force behind this leaf, for good: receipts of its time are checked by it.
fn succeed<V: View + ?Sized>(state: &mut Overlay<'_, V>, members: &Members, place: Place) {
    let change = KeySetChange {
        number: members.key_set,
        leaf: place.leaf,
        replicas: members.cosigners(),
        quorum: members.quorum,
    };
    store(
        state,
        Table::Meta,
        keys::key_set_change(change.number),
        &change,
    );
}
