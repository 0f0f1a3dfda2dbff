//! Checking a pre-call notice before anything is shown or proved.
//!
//! A notice is a claim of one node. It becomes a [`CheckedNotice`] only if its receipt verifies
//! under the pinned key set, is about this challenge, and contains the digest of the very context
//! that the phone would prove for.

use akashi_merkle::{CheckedLeaf, Leaf};
use akashi_proof::{Context, TemplateCommitment};
use akashi_proto::v1;

use super::{Bound, Phone};
use crate::answer::{Initiator, bytes32, id16};
use crate::error::Error;
use crate::event;
use crate::policy::{PolicyPurpose, Rules};

/// What an order binds a consent to, as sealed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Terms {
    /// The order's id.
    pub order_id: [u8; 16],
    /// Its salted hash.
    pub order_hash: [u8; 32],
    /// Commitments to its amounts.
    pub amounts: Vec<[u8; 32]>,
}

/// The enrolled template, as a node says it is; the sensor's message and the proof bind it.
#[derive(Clone, Debug)]
pub struct EnrolledTemplate {
    /// `C_t`.
    pub commitment: TemplateCommitment,
    /// n.
    pub dimensions: u16,
    /// The model that made it.
    pub model_id: String,
}

/// A notice that a quorum of replicas vouches for.
#[derive(Clone, Debug)]
pub struct CheckedNotice {
    context: Context,
    challenge_id: [u8; 16],
    contact_id: [u8; 16],
    submit_token: [u8; 32],
    initiator: Option<Initiator>,
    call_reason: u32,
    policy: String,
    rules: Rules,
    order: Option<Terms>,
    pin_epoch: u32,
    template: Option<EnrolledTemplate>,
    agent_bound: bool,
    for_another: bool,
    not_before_us: u64,
    expires_us: u64,
    issued_us: u64,
    vouchers: usize,
}

impl CheckedNotice {
    /// The challenge to answer.
    #[must_use]
    pub const fn challenge_id(&self) -> [u8; 16] {
        self.challenge_id
    }

    /// The contact that it belongs to; zeros for an agent's login.
    #[must_use]
    pub const fn contact_id(&self) -> [u8; 16] {
        self.contact_id
    }

    /// Who placed the call; none for an agent's login.
    #[must_use]
    pub const fn initiator(&self) -> Option<Initiator> {
        self.initiator
    }

    /// Code of the reason to show.
    #[must_use]
    pub const fn call_reason(&self) -> u32 {
        self.call_reason
    }

    /// Name of the policy.
    #[must_use]
    pub fn policy(&self) -> &str {
        &self.policy
    }

    /// What the policy asks; its digest is bound into the challenge.
    #[must_use]
    pub const fn rules(&self) -> &Rules {
        &self.rules
    }

    /// What the challenge is for.
    #[must_use]
    pub const fn purpose(&self) -> PolicyPurpose {
        self.rules.purpose
    }

    /// Whether the PIN is asked for.
    #[must_use]
    pub const fn require_knowledge(&self) -> bool {
        self.rules.require_knowledge
    }

    /// What the order to approve is bound to, for a consent.
    #[must_use]
    pub const fn order(&self) -> Option<&Terms> {
        self.order.as_ref()
    }

    /// How often the PIN's key was replaced, as sealed.
    #[must_use]
    pub const fn pin_epoch(&self) -> u32 {
        self.pin_epoch
    }

    /// The enrolled template, if the policy asks for a face and there is one.
    #[must_use]
    pub const fn template(&self) -> Option<&EnrolledTemplate> {
        self.template.as_ref()
    }

    /// Whether the owner of this phone is asked in the place of somebody else.
    #[must_use]
    pub const fn for_another(&self) -> bool {
        self.for_another
    }

    /// Since when the challenge is open, in cluster time: microseconds since 1970-01-01 UTC.
    #[must_use]
    pub const fn not_before_us(&self) -> u64 {
        self.not_before_us
    }

    /// Whether an agent known to the cluster has claimed the contact.
    #[must_use]
    pub const fn agent_bound(&self) -> bool {
        self.agent_bound
    }

    /// End of the challenge in cluster time, microseconds since 1970-01-01 UTC.
    #[must_use]
    pub const fn expires_us(&self) -> u64 {
        self.expires_us
    }

    /// When the challenge was issued, in the same unit.
    #[must_use]
    pub const fn issued_us(&self) -> u64 {
        self.issued_us
    }

    /// How many replicas vouch for it.
    #[must_use]
    pub const fn vouchers(&self) -> usize {
        self.vouchers
    }

    pub(crate) const fn submit_token(&self) -> &[u8; 32] {
        &self.submit_token
    }

    pub(crate) const fn context(&self) -> &Context {
        &self.context
    }
}

impl Phone {
    /// Checks a notice against the pinned key set and this phone's own idea of who it is.
    ///
    /// # Errors
    ///
    /// [`Error::Integrity`] if the notice is for somebody else, of another log, not covered by its
    /// receipt, or differs from what the cluster sealed; [`Error::Answer`] for malformed fields.
    pub fn check_notice(&self, notice: &v1::Notice) -> Result<CheckedNotice, Error> {
        self.check_log(&notice.origin, notice.group, notice.epoch)?;
        if notice.tenant != self.profile.tenant {
            return Err(Error::integrity("the notice is of another tenant"));
        }
        if bytes32(&notice.subject_hash, "subject_hash")? != self.subject_hash() {
            return Err(Error::integrity("the notice is for another subject"));
        }
        let challenge_id = id16(&notice.challenge_id, "challenge_id")?;
        let rules = self.check_rules(notice)?;
        let order = check_terms(&rules, notice.order.as_ref())?;
        let login = rules.purpose == PolicyPurpose::AgentLogin;
        if login && !notice.contact_id.is_empty() {
            return Err(Error::integrity("a login has no contact"));
        }
        let contact_id = if login {
            [0; 16]
        } else {
            id16(&notice.contact_id, "contact_id")?
        };
        let context = self.context(&Bound {
            challenge_id,
            nonce: bytes32(&notice.nonce, "nonce")?,
            purpose: rules.purpose.of_context(),
            contact_id: if login { &[] } else { &contact_id },
            not_before_us: notice.not_before_us,
            expires_us: notice.expires_us,
            policy_digest: bytes32(&notice.policy_digest, "policy_digest")?,
            order_hash: order.as_ref().map_or([0; 32], |terms| terms.order_hash),
        })?;
        let checked = self.check_receipt(&notice.receipt)?;
        let leaf = checked
            .leaf()
            .map_err(|_version| Error::integrity("the leaf of the notice cannot be read"))?;
        if leaf.kind != event::CHALLENGE_ISSUED
            || leaf.challenge_id != challenge_id
            || leaf.contact_id != contact_id
        {
            return Err(Error::integrity(
                "the receipt of the notice is about something else",
            ));
        }
        if leaf.statement_hash != context.digest() {
            return Err(Error::integrity(
                "the notice differs from the challenge that was sealed",
            ));
        }
        check_columns(&leaf, &rules, order.as_ref(), notice.pin_epoch)?;
        let initiator = if rules.purpose == PolicyPurpose::CustomerCall {
            let initiator = Initiator::from_number(notice.initiator)?;
            check_shown(&leaf, initiator, notice.call_reason)?;
            Some(initiator)
        } else {
            None
        };
        Ok(CheckedNotice {
            context,
            challenge_id,
            contact_id,
            submit_token: bytes32(&notice.submit_token, "submit_token")?,
            initiator,
            call_reason: notice.call_reason,
            policy: notice.policy.clone(),
            rules,
            order,
            pin_epoch: notice.pin_epoch,
            template: notice.template.as_ref().map(template).transpose()?,
            agent_bound: notice.agent_bound,
            for_another: notice.for_another,
            not_before_us: notice.not_before_us,
            expires_us: notice.expires_us,
            issued_us: leaf.stamp_us,
            vouchers: checked.head().vouches().len(),
        })
    }

    /// The rules that are shown must be those whose digest is bound into the challenge.
    fn check_rules(&self, notice: &v1::Notice) -> Result<Rules, Error> {
        let asked = notice
            .asked
            .as_ref()
            .ok_or(Error::Answer { what: "asked" })?;
        let rules = Rules::from_wire(asked)?;
        let digest = rules.digest(&self.profile.tenant, &notice.policy, notice.policy_version);
        let same = digest == bytes32(&notice.policy_digest, "policy_digest")?;
        let purpose = v1::PolicyPurpose::try_from(notice.purpose);
        let number = purpose.map_or(0, i32::from);
        if !same || number != i32::from(rules.purpose.of_context().code()) {
            return Err(Error::integrity(
                "the policy of the notice differs from the one that was sealed",
            ));
        }
        // An agent's phone approves no orders and answers no calls, and the other way round.
        if self.profile.agent != (rules.purpose == PolicyPurpose::AgentLogin) {
            return Err(Error::integrity("the notice is for another kind of phone"));
        }
        Ok(rules)
    }

    fn check_receipt(&self, text: &str) -> Result<CheckedLeaf, Error> {
        self.trust
            .receipt(text)
            .map_err(|broken| Error::integrity(format!("receipt of the notice: {broken}")))
    }
}

/// An order comes with a consent and with nothing else, for the recipient that the policy names.
fn check_terms(rules: &Rules, order: Option<&v1::OrderTerms>) -> Result<Option<Terms>, Error> {
    let (rule, terms) = match (&rules.consent, order) {
        (None, None) => return Ok(None),
        (Some(rule), Some(terms)) => (rule, terms),
        (Some(_), None) | (None, Some(_)) => {
            return Err(Error::integrity(
                "an order and a policy for consent come together or not at all",
            ));
        }
    };
    if bytes32(&terms.recipient, "recipient")? != rule.recipient {
        return Err(Error::integrity(
            "the order is for another recipient than the policy's",
        ));
    }
    let amounts = terms.amounts.iter();
    Ok(Some(Terms {
        order_id: id16(&terms.order_id, "order_id")?,
        order_hash: bytes32(&terms.order_hash, "order_hash")?,
        amounts: amounts
            .map(|amount| bytes32(amount, "amounts"))
            .collect::<Result<_, _>>()?,
    }))
}

/// Purpose, epoch of the PIN and order must stand in the sealed leaf as the notice has them.
fn check_columns(
    leaf: &Leaf,
    rules: &Rules,
    order: Option<&Terms>,
    pin_epoch: u32,
) -> Result<(), Error> {
    let columns = &leaf.extensions;
    let purpose = [rules.purpose.of_context().code()];
    let epoch = pin_epoch.to_be_bytes();
    let sealed = columns.value(event::PURPOSE_COLUMN) == Some(purpose.as_slice())
        && columns.value(event::PIN_EPOCH_COLUMN) == Some(epoch.as_slice())
        && columns.value(event::ORDER_HASH_COLUMN)
            == order.map(|terms| terms.order_hash.as_slice());
    if sealed {
        Ok(())
    } else {
        Err(Error::integrity(
            "purpose, PIN epoch or order differ from what was sealed",
        ))
    }
}

fn template(wire: &v1::Template) -> Result<EnrolledTemplate, Error> {
    let bytes = bytes32(&wire.commitment, "commitment")?;
    Ok(EnrolledTemplate {
        commitment: TemplateCommitment::from_bytes(&bytes)
            .map_err(|_bad| Error::Answer { what: "commitment" })?,
        dimensions: u16::try_from(wire.dimensions)
            .map_err(|_large| Error::Answer { what: "dimensions" })?,
        model_id: wire.model_id.clone(),
    })
}

/// What the screen shows beside the context must be what was sealed, where the leaf says it.
fn check_shown(leaf: &Leaf, initiator: Initiator, call_reason: u32) -> Result<(), Error> {
    let columns = &leaf.extensions;
    if let Some(sealed) = columns.value(event::INITIATOR_COLUMN)
        && sealed
            .iter()
            .map(|byte| i32::from(*byte))
            .ne([initiator.number()])
    {
        return Err(Error::integrity(
            "who placed the call differs from what was sealed",
        ));
    }
    if let Some(sealed) = columns.value(event::CALL_REASON_COLUMN)
        && u16::try_from(call_reason)
            .map(u16::to_be_bytes)
            .ok()
            .as_ref()
            .map(<[u8; 2]>::as_slice)
            != Some(sealed)
    {
        return Err(Error::integrity(
            "the reason of the call differs from what was sealed",
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::{honest, phone, receipt};
    use super::*;
    use crate::tag::subject_hash;

    #[tokio::test]
    async fn an_honest_notice_is_shown_with_who_why_and_who_called() {
        let (_home, phone) = phone();
        let (notice, _) = honest(&phone);
        let checked = phone.check_notice(&notice).unwrap();
        assert_eq!(checked.initiator(), Some(Initiator::Centre));
        assert_eq!((checked.call_reason(), checked.vouchers()), (7, 2));
        assert!(checked.require_knowledge() && checked.agent_bound());
    }

    type Spoil = fn(&mut v1::Notice);

    #[tokio::test]
    async fn a_notice_that_differs_from_the_sealed_challenge_is_never_shown() {
        let (_home, phone) = phone();
        let spoil: [(&str, Spoil); 19] = [
            ("tenant", |n| n.tenant = "other".into()),
            ("contact", |n| n.contact_id = vec![9; 16].into()),
            ("challenge", |n| n.challenge_id = vec![9; 16].into()),
            ("initiator", |n| n.initiator = 1),
            ("reason", |n| n.call_reason = 8),
            ("origin", |n| n.origin = "evil/e1/g0".into()),
            ("group", |n| n.group = 1),
            ("epoch", |n| n.epoch = 2),
            ("nonce", |n| n.nonce = vec![9; 32].into()),
            ("subject", |n| {
                n.subject_hash = subject_hash("demo", "cust-0002").to_vec().into();
            }),
            ("policy", |n| n.policy_digest = vec![9; 32].into()),
            ("expiry", |n| n.expires_us += 1),
            ("purpose", |n| n.purpose = 2),
            ("pin epoch", |n| n.pin_epoch = 1),
            ("rules", |n| n.asked.as_mut().unwrap().verdict_ttl_s += 1),
            ("version", |n| n.policy_version = 2),
            ("order", |n| n.order = Some(v1::OrderTerms::default())),
            ("rules for a login", |n| {
                let asked = n.asked.as_mut().unwrap();
                (asked.purpose, n.purpose) = (2, 2);
                let rules = Rules::from_wire(asked).unwrap();
                n.policy_digest = rules.digest("demo", "basic", 1).to_vec().into();
            }),
            ("receipt", |n| {
                n.receipt = n.receipt.replace("index 0", "index 1");
            }),
        ];
        for (what, change) in spoil {
            let (mut notice, _) = honest(&phone);
            change(&mut notice);
            let refused = phone.check_notice(&notice).unwrap_err();
            assert_eq!(refused.code().exit().number(), 7, "{what}: {refused}");
        }
    }

    #[tokio::test]
    async fn a_receipt_without_a_quorum_or_of_another_event_is_refused() {
        let (_home, phone) = phone();
        let (mut notice, mut leaf) = honest(&phone);
        notice.receipt = receipt(&leaf, 1);
        assert!(matches!(
            phone.check_notice(&notice),
            Err(Error::Integrity { .. })
        ));
        leaf.kind = event::VERDICT_REACHED;
        notice.receipt = receipt(&leaf, 3);
        assert!(matches!(
            phone.check_notice(&notice),
            Err(Error::Integrity { .. })
        ));
    }

    #[tokio::test]
    async fn any_flipped_byte_of_a_receipt_refuses_it() {
        let (_home, phone) = phone();
        let (notice, _) = honest(&phone);
        for position in 0..notice.receipt.len() {
            let mut bytes = notice.receipt.clone().into_bytes();
            bytes[position] ^= 1;
            let Ok(text) = String::from_utf8(bytes) else {
                continue;
            };
            let held = crate::auditor::verify_receipt(&text, phone.key_set());
            assert!(held.is_err(), "byte {position}");
        }
    }
}
