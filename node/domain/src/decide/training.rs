//! Whether what a login proved about training can still be proved.
//!
//! The proof was made at the login; papers end or are revoked later. Asked again whenever the agent is to
//! take another contact, without a proof: is there still a credential that could show it?

use crate::ids::{Digest, Stamp, SubjectHash};
use crate::keys;
use crate::kv::{Fault, Table, View};
use crate::policy::{AttributeSource, PolicyBody, PredicateTest};
use crate::records::Credential;
use crate::state::Records as _;

/// Whether every predicate of `body` could still be shown by `who` at `now`.
pub(super) fn training_holds<V: View>(
    state: &V,
    now: Stamp,
    tenant: u32,
    who: SubjectHash,
    body: &PolicyBody,
) -> Result<bool, Fault> {
    if body.predicates.is_empty() {
        return Ok(true);
    }
    let papers = papers(state, now, tenant, who)?;
    let shows = |source: &AttributeSource| papers.iter().any(|paper| paper.shows(source));
    Ok(body.predicates.iter().all(|rule| {
        let second = match &rule.test {
            PredicateTest::SameAs(second) => shows(second),
            PredicateTest::AtLeast { .. }
            | PredicateTest::AtMost { .. }
            | PredicateTest::Within { .. }
            | PredicateTest::OneOf { .. }
            | PredicateTest::Equals { .. }
            | PredicateTest::CoversAmount { .. } => true,
        };
        second && shows(&rule.source)
    }))
}

/// A credential that may be presented now.
struct Paper {
    issuer: String,
    credential: akashi_proof::Credential,
}

impl Paper {
    fn shows(&self, source: &AttributeSource) -> bool {
        source.issuers.contains(&self.issuer)
            && self.credential.schema() == source.schema.as_bytes()
            && self.credential.schema_version() == source.schema_version
    }
}

fn papers<V: View>(
    state: &V,
    now: Stamp,
    tenant: u32,
    who: SubjectHash,
) -> Result<Vec<Paper>, Fault> {
    let device = state.subject(tenant, who)?.device;
    let Some(device) = device.filter(|device| !device.revoked) else {
        return Ok(Vec::new());
    };
    let from = keys::credentials_from(tenant, who);
    let to = keys::credentials_to(tenant, who);
    let mut papers = Vec::new();
    for (_, bytes) in state.scan(Table::Subject, &from, &to, usize::MAX)? {
        let record: Credential =
            borsh::from_slice(&bytes).map_err(|_undecodable| Fault::Corrupt)?;
        if record.revoked || record.expires < now || record.holder != device.device_key {
            continue;
        }
        let credential = akashi_proof::Credential::parse(&record.body);
        let credential = credential.map_err(|_foreign| Fault::Corrupt)?;
        let key_id = Digest(credential.issuer_key_id());
        let issuer = state.issuer(tenant, key_id)?.ok_or(Fault::Corrupt)?;
        let dead = issuer
            .revoked_from
            .is_some_and(|from| from <= record.registered);
        if !dead {
            papers.push(Paper {
                issuer: issuer.name,
                credential,
            });
        }
    }
    Ok(papers)
}
