//! What the cluster stores about the owner of a phone: told only inside a session that the phone opened
//! with a proof, and only about its owner.

use akashi_domain::ids::SubjectHash;
use akashi_domain::keys;
use akashi_domain::kv::{Fault, Table, View};
use akashi_domain::records::{Credential, Device, Past, Progress};
use akashi_domain::state::Records as _;
use akashi_proto::v1;

use crate::wire;

/// Credentials that are looked at: more than one subject can have.
const CREDENTIALS_MAX: usize = 1_024;

/// What is stored about `subject`, whose phone is `device`.
pub(super) fn own_history<V: View>(
    view: &V,
    (tenant, subject): (u32, SubjectHash),
    device: &Device,
    progress: &Progress,
) -> Result<v1::OwnHistory, Fault> {
    let from = keys::credentials_from(tenant, subject);
    let to = keys::credentials_to(tenant, subject);
    let mut credentials = 0_u32;
    for (_, bytes) in view.scan(Table::Subject, &from, &to, CREDENTIALS_MAX)? {
        let one: Credential = borsh::from_slice(&bytes).map_err(|_foreign| Fault::Corrupt)?;
        let good = !one.revoked && one.holder == device.device_key && one.expires > progress.stamp;
        credentials = credentials.saturating_add(u32::from(good));
    }
    let past = view.history(tenant, subject)?.past;
    Ok(v1::OwnHistory {
        enrolled_us: device.enrolled.0,
        credentials,
        template: view.template(tenant, subject)?.is_some(),
        past: past.iter().map(verdict).collect(),
        as_of: Some(wire::as_of(progress, true)),
    })
}

fn verdict(past: &Past) -> v1::PastVerdict {
    v1::PastVerdict {
        leaf_index: past.leaf,
        decided_us: past.decided.0,
        outcome: wire::outcome(past.outcome),
        purpose: i32::from(past.purpose),
    }
}
