//! What credentials and templates change.

use super::{Evolve, Place, close_enrolment, count_refusal, keep_evidence};
use crate::event::{
    CredentialRefused, CredentialRegistered, CredentialRevoked, TemplateEnrolled, TemplateRefused,
    TemplateRevoked,
};
use crate::keys;
use crate::kv::{Fault, Overlay, Table, View};
use crate::records::{Credential, Template};
use crate::state::{Records as _, store};

impl Evolve for CredentialRegistered {
    fn evolve<V: View + ?Sized>(
        &self,
        state: &mut Overlay<'_, V>,
        place: Place,
    ) -> Result<(), Fault> {
        close_enrolment(state, self.tenant, self.enrolment)?;
        let record = Credential {
            body: self.body.clone(),
            digest: self.digest,
            holder: self.holder,
            expires: self.expires,
            registered: place.stamp,
            leaf: place.leaf,
            revoked: false,
        };
        let key = keys::credential(self.tenant, self.subject, self.serial);
        store(state, Table::Subject, key, &record);
        let id = self.enrolment.0;
        let whose = (self.tenant, self.subject);
        keep_evidence(state, whose, id, place, &self.evidence);
        Ok(())
    }
}

impl Evolve for CredentialRefused {
    fn evolve<V: View + ?Sized>(
        &self,
        state: &mut Overlay<'_, V>,
        _place: Place,
    ) -> Result<(), Fault> {
        count_refusal(state, self.tenant, self.enrolment)
    }
}

impl Evolve for CredentialRevoked {
    fn evolve<V: View + ?Sized>(
        &self,
        state: &mut Overlay<'_, V>,
        _place: Place,
    ) -> Result<(), Fault> {
        let mut record = state
            .credential(self.tenant, self.subject, self.serial)?
            .ok_or(Fault::Corrupt)?;
        record.revoked = true;
        let key = keys::credential(self.tenant, self.subject, self.serial);
        store(state, Table::Subject, key, &record);
        Ok(())
    }
}

impl Evolve for TemplateEnrolled {
    fn evolve<V: View + ?Sized>(
        &self,
        state: &mut Overlay<'_, V>,
        place: Place,
    ) -> Result<(), Fault> {
        close_enrolment(state, self.tenant, self.enrolment)?;
        let record = Template {
            device_key: self.device_key,
            commitment: self.commitment,
            dimensions: self.dimensions,
            model_id: self.model_id.clone(),
            level: self.level,
            sensor: self.sensor,
            captured: self.captured,
            enrolled: place.stamp,
            leaf: place.leaf,
        };
        let key = keys::template(self.tenant, self.subject);
        store(state, Table::Subject, key, &record);
        let id = self.enrolment.0;
        let whose = (self.tenant, self.subject);
        keep_evidence(state, whose, id, place, &self.evidence);
        Ok(())
    }
}

impl Evolve for TemplateRefused {
    fn evolve<V: View + ?Sized>(
        &self,
        state: &mut Overlay<'_, V>,
        _place: Place,
    ) -> Result<(), Fault> {
        count_refusal(state, self.tenant, self.enrolment)
    }
}

impl Evolve for TemplateRevoked {
    fn evolve<V: View + ?Sized>(
        &self,
        state: &mut Overlay<'_, V>,
        _place: Place,
    ) -> Result<(), Fault> {
        state.delete(Table::Subject, keys::template(self.tenant, self.subject));
        Ok(())
    }
}
