//! What invitations, devices and PINs change.

use super::{Evolve, Place, close_enrolment, count_refusal, keep_evidence, with_subject};
use crate::event::{
    DeviceEnrolled, DeviceRevoked, EnrolmentExpired, EnrolmentOpened, EnrolmentRefused,
    PinKeyReplaced, PinLocked,
};
use crate::ids::SubjectHash;
use crate::keys::{self, TimerKind};
use crate::kv::{Fault, Overlay, Table, View};
use crate::records::{Credential, Device, Enrolment, PinCounter};
use crate::state::store;

impl Evolve for EnrolmentOpened {
    fn evolve<V: View + ?Sized>(
        &self,
        state: &mut Overlay<'_, V>,
        place: Place,
    ) -> Result<(), Fault> {
        let record = Enrolment {
            id: self.enrolment,
            kind: self.kind,
            party: self.party,
            subject: self.subject,
            token_hash: self.token_hash,
            nonce: self.nonce,
            opened: place.stamp,
            expires: self.expires,
            refusals: 0,
            closed: false,
            tag: self.tag,
        };
        let key = keys::enrolment(self.tenant, self.enrolment);
        store(state, Table::Subject, key, &record);
        let id = self.enrolment.0;
        let timer = keys::timer(self.expires, TimerKind::Enrolment, self.tenant, id);
        state.put(Table::Timer, timer, Vec::new());
        Ok(())
    }
}

impl Evolve for DeviceEnrolled {
    fn evolve<V: View + ?Sized>(
        &self,
        state: &mut Overlay<'_, V>,
        place: Place,
    ) -> Result<(), Fault> {
        close_enrolment(state, self.tenant, self.enrolment)?;
        with_subject(state, self.tenant, self.subject, |record| {
            record.device = Some(Device {
                device_key: self.device_key,
                pin_key: self.pin_key,
                pin_epoch: 0,
                enrolled: place.stamp,
                leaf: place.leaf,
                revoked: false,
                cooling_until: self.cooling_until,
            });
            record.suspect = false;
            record.pin = PinCounter::default();
            record.tag = self.tag;
        })?;
        let template = keys::template(self.tenant, self.subject);
        state.delete(Table::Subject, template);
        forget_credentials(state, self.tenant, self.subject, &self.device_key)?;
        let id = self.enrolment.0;
        let whose = (self.tenant, self.subject);
        keep_evidence(state, whose, id, place, &self.evidence);
        Ok(())
    }
}

/// Removes what no possession of the new key can ever present.
fn forget_credentials<V: View + ?Sized>(
    state: &mut Overlay<'_, V>,
    tenant: u32,
    subject: SubjectHash,
    device_key: &[u8; 32],
) -> Result<(), Fault> {
    let from = keys::credentials_from(tenant, subject);
    let to = keys::credentials_to(tenant, subject);
    for (key, bytes) in state.scan(Table::Subject, &from, &to, usize::MAX)? {
        let record: Credential =
            borsh::from_slice(&bytes).map_err(|_undecodable| Fault::Corrupt)?;
        if record.holder != *device_key {
            state.delete(Table::Subject, key);
        }
    }
    Ok(())
}

impl Evolve for EnrolmentRefused {
    fn evolve<V: View + ?Sized>(
        &self,
        state: &mut Overlay<'_, V>,
        _place: Place,
    ) -> Result<(), Fault> {
        count_refusal(state, self.tenant, self.enrolment)
    }
}

impl Evolve for EnrolmentExpired {
    fn evolve<V: View + ?Sized>(
        &self,
        state: &mut Overlay<'_, V>,
        _place: Place,
    ) -> Result<(), Fault> {
        close_enrolment(state, self.tenant, self.enrolment)
    }
}

impl Evolve for DeviceRevoked {
    fn evolve<V: View + ?Sized>(
        &self,
        state: &mut Overlay<'_, V>,
        _place: Place,
    ) -> Result<(), Fault> {
        with_subject(state, self.tenant, self.subject, |record| {
            if let Some(device) = record.device.as_mut() {
                device.revoked = true;
            }
        })
    }
}

impl Evolve for PinLocked {
    fn evolve<V: View + ?Sized>(
        &self,
        state: &mut Overlay<'_, V>,
        _place: Place,
    ) -> Result<(), Fault> {
        with_subject(state, self.tenant, self.subject, |record| {
            record.pin.locked_until = self.until;
            record.pin.locked_for_good = self.until.0 == u64::MAX;
        })
    }
}

impl Evolve for PinKeyReplaced {
    fn evolve<V: View + ?Sized>(
        &self,
        state: &mut Overlay<'_, V>,
        _place: Place,
    ) -> Result<(), Fault> {
        with_subject(state, self.tenant, self.subject, |record| {
            if let Some(device) = record.device.as_mut() {
                device.pin_key = self.pin_key;
                device.pin_epoch = self.pin_epoch;
            }
        })
    }
}
