//! What the registry of issuers and sensors changes.

use super::{Evolve, Place};
use crate::event::{IssuerRegistered, IssuerRevoked, SensorRegistered, SensorRevoked};
use crate::keys;
use crate::kv::{Fault, Overlay, Table, View};
use crate::records::{Issuer, Sensor};
use crate::state::{Records as _, store};

impl Evolve for IssuerRegistered {
    fn evolve<V: View + ?Sized>(
        &self,
        state: &mut Overlay<'_, V>,
        _place: Place,
    ) -> Result<(), Fault> {
        let record = Issuer {
            name: self.name.clone(),
            key: self.key,
            revoked_from: None,
        };
        let key = keys::issuer(self.tenant, self.key_id);
        store(state, Table::Policy, key, &record);
        Ok(())
    }
}

impl Evolve for IssuerRevoked {
    fn evolve<V: View + ?Sized>(
        &self,
        state: &mut Overlay<'_, V>,
        _place: Place,
    ) -> Result<(), Fault> {
        let mut record = state
            .issuer(self.tenant, self.key_id)?
            .ok_or(Fault::Corrupt)?;
        record.revoked_from = Some(self.from);
        let key = keys::issuer(self.tenant, self.key_id);
        store(state, Table::Policy, key, &record);
        Ok(())
    }
}

impl Evolve for SensorRegistered {
    fn evolve<V: View + ?Sized>(
        &self,
        state: &mut Overlay<'_, V>,
        _place: Place,
    ) -> Result<(), Fault> {
        let record = Sensor {
            key: self.key,
            model_id: self.model_id.clone(),
            level: self.level,
            not_before: self.not_before,
            expires: self.expires,
            revoked: false,
        };
        let key = keys::sensor(self.tenant, self.certificate);
        store(state, Table::Policy, key, &record);
        Ok(())
    }
}

impl Evolve for SensorRevoked {
    fn evolve<V: View + ?Sized>(
        &self,
        state: &mut Overlay<'_, V>,
        _place: Place,
    ) -> Result<(), Fault> {
        let mut record = state
            .sensor(self.tenant, self.certificate)?
            .ok_or(Fault::Corrupt)?;
        record.revoked = true;
        let key = keys::sensor(self.tenant, self.certificate);
        store(state, Table::Policy, key, &record);
        Ok(())
    }
}
