//! Checking a pre-call notice before anything is shown or proved.
//!
//! A notice is a claim of one node. It becomes a [`CheckedNotice`] only if its receipt verifies
//! under the pinned key set, is about this challenge, and contains the digest of the very context
//! that the phone would prove for.

use akashi_merkle::{CheckedLeaf, Leaf, Receipt};
use akashi_proof::{Context, Purpose};
use akashi_proto::v1;

use super::{Bound, Phone};
use crate::answer::{Initiator, bytes32, id16};
use crate::error::Error;
use crate::event;

/// A notice that a quorum of replicas vouches for.
#[derive(Clone, Debug)]
pub struct CheckedNotice {
    context: Context,
    challenge_id: [u8; 16],
    contact_id: [u8; 16],
    submit_token: [u8; 32],
    initiator: Initiator,
    call_reason: u32,
    policy: String,
    require_knowledge: bool,
    agent_bound: bool,
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

    /// The contact that it belongs to.
    #[must_use]
    pub const fn contact_id(&self) -> [u8; 16] {
        self.contact_id
    }

    /// Who placed the call.
    #[must_use]
    pub const fn initiator(&self) -> Initiator {
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

    /// Whether the PIN is asked for.
    #[must_use]
    pub const fn require_knowledge(&self) -> bool {
        self.require_knowledge
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
        let contact_id = id16(&notice.contact_id, "contact_id")?;
        let context = self.context(&Bound {
            challenge_id,
            nonce: bytes32(&notice.nonce, "nonce")?,
            purpose: Purpose::CustomerCall,
            contact_id: &contact_id,
            not_before_us: notice.not_before_us,
            expires_us: notice.expires_us,
            policy_digest: bytes32(&notice.policy_digest, "policy_digest")?,
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
        let initiator = Initiator::from_number(notice.initiator)?;
        check_shown(&leaf, initiator, notice.call_reason)?;
        Ok(CheckedNotice {
            context,
            challenge_id,
            contact_id,
            submit_token: bytes32(&notice.submit_token, "submit_token")?,
            initiator,
            call_reason: notice.call_reason,
            policy: notice.policy.clone(),
            require_knowledge: notice.require_knowledge,
            agent_bound: notice.agent_bound,
            expires_us: notice.expires_us,
            issued_us: leaf.stamp_us,
            vouchers: checked.head().vouches().len(),
        })
    }

    fn check_receipt(&self, text: &str) -> Result<CheckedLeaf, Error> {
        Receipt::parse(text)
            .and_then(|receipt| receipt.verify(&self.keys))
            .map_err(|broken| Error::integrity(format!("receipt of the notice: {broken}")))
    }
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
        let phone = phone();
        let (notice, _) = honest(&phone);
        let checked = phone.check_notice(&notice).unwrap();
        assert_eq!(checked.initiator(), Initiator::Centre);
        assert_eq!((checked.call_reason(), checked.vouchers()), (7, 2));
        assert!(checked.require_knowledge() && checked.agent_bound());
    }

    type Spoil = fn(&mut v1::Notice);

    #[tokio::test]
    async fn a_notice_that_differs_from_the_sealed_challenge_is_never_shown() {
        let phone = phone();
        let spoil: [(&str, Spoil); 13] = [
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
        let phone = phone();
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
        let phone = phone();
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

    #[tokio::test]
    async fn proofs_of_a_checked_notice_hold_and_depend_on_the_pin() {
        use akashi_proof::{Knowledge, Possession, Proof, submission_digest, verify};
        let phone = phone();
        let (notice, _) = honest(&phone);
        let checked = phone.check_notice(&notice).unwrap();
        assert!(matches!(
            phone.prove(&checked, None),
            Err(Error::Proof { .. })
        ));
        let pin = phone.unlock("1234").unwrap();
        let sent = phone.prove(&checked, Some(&pin)).unwrap().0;
        let kinds: Vec<u32> = sent.proofs.iter().map(|proof| proof.kind).collect();
        assert_eq!(kinds, [1, 2], "ascending order of kind");

        let device = phone.device_secret().unwrap().public();
        let knowledge = Knowledge {
            device,
            pin: pin.public(),
        };
        let proof = Proof::parse(&knowledge, &sent.proofs[1].proof).unwrap();
        assert!(verify(checked.context(), &knowledge, &proof).is_ok());
        let parts = [akashi_proof::Part::plain(
            akashi_proof::Kind::Knowledge,
            crate::phone::KNOWLEDGE_SLOT,
            &sent.proofs[1].proof,
        )];
        let possession = Possession {
            key: device,
            submission_digest: submission_digest(&parts),
        };
        let proof = Proof::parse(&possession, &sent.proofs[0].proof).unwrap();
        assert!(verify(checked.context(), &possession, &proof).is_ok());

        let other = phone.unlock("4321").unwrap();
        assert_ne!(other.public().to_bytes(), pin.public().to_bytes());
    }
}
