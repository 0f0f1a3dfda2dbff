//! Contexts: their bytes are read back field by field, so two different inputs never share bytes.
//!
//! The reader here is written from the specification, not from the code that writes.

use akashi_proof::{Context, ContextError, ContextFields, Purpose, Suite};

use crate::input::Input;
use crate::scene;

/// Runs one input: two sets of fields, the second often a small change of the first.
pub fn context(data: &[u8]) {
    let mut input = Input::new(data);
    let first = Owned::read(&mut input);
    let second = if input.flag() {
        Owned::read(&mut input)
    } else {
        let mut second = first.clone();
        second.change(&mut input);
        second
    };
    let (one, two) = (first.write(), second.write());
    if let (Some(one), Some(two)) = (one, two) {
        assert_eq!(one == two, first == second, "bytes stand for fields");
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Owned {
    origin: Vec<u8>,
    group: u16,
    epoch: u32,
    tenant: Vec<u8>,
    challenge_id: [u8; 16],
    nonce: [u8; 32],
    purpose: Purpose,
    subject: [u8; 32],
    contact_id: Vec<u8>,
    not_before_us: u64,
    expires_us: u64,
    order_hash: [u8; 32],
    policy_digest: [u8; 32],
}

impl Owned {
    fn read(input: &mut Input<'_>) -> Self {
        let not_before_us = input.u64();
        let purpose = scene::purpose(input.byte());
        Self {
            origin: input.piece().into(),
            group: input.u16(),
            epoch: input.u32(),
            tenant: input.piece().into(),
            challenge_id: input.array(),
            nonce: input.array(),
            purpose,
            subject: input.array(),
            contact_id: input.piece().into(),
            not_before_us,
            expires_us: input.near(not_before_us.wrapping_add(1)),
            order_hash: if input.flag() || purpose == Purpose::Consent {
                input.array()
            } else {
                [0; 32]
            },
            policy_digest: input.array(),
        }
    }

    fn change(&mut self, input: &mut Input<'_>) {
        match input.below(14) {
            0 => self.origin = input.piece().into(),
            1 => self.group = input.u16(),
            2 => self.epoch = input.u32(),
            3 => self.tenant = input.piece().into(),
            4 => self.challenge_id = input.array(),
            5 => self.nonce = input.array(),
            6 => self.purpose = scene::purpose(input.byte()),
            7 => self.subject = input.array(),
            8 => self.contact_id = input.piece().into(),
            9 => self.not_before_us = input.near(self.not_before_us),
            10 => self.expires_us = input.near(self.expires_us),
            11 => self.order_hash = input.array(),
            12 => self.policy_digest = input.array(),
            // A byte wanders from one name to the next.
            _ => {
                if let Some(byte) = self.origin.pop() {
                    self.tenant.insert(0, byte);
                }
            }
        }
    }

    /// The bytes, after all that must be true of them.
    fn write(&self) -> Option<Vec<u8>> {
        let built = Context::new(ContextFields {
            suite: Suite::V1,
            origin: &self.origin,
            group: self.group,
            epoch: self.epoch,
            tenant: &self.tenant,
            challenge_id: self.challenge_id,
            nonce: self.nonce,
            purpose: self.purpose,
            subject: self.subject,
            contact_id: &self.contact_id,
            not_before_us: self.not_before_us,
            expires_us: self.expires_us,
            order_hash: self.order_hash,
            policy_digest: self.policy_digest,
        });
        assert_eq!(built.as_ref().err(), self.fault().as_ref());
        let context = built.ok()?;
        assert_eq!(context.purpose(), self.purpose);
        assert_eq!(context.origin(), self.origin);
        assert_eq!(context.tenant(), self.tenant);
        assert_eq!(context.subject(), &self.subject);
        assert_eq!(context.not_before_us(), self.not_before_us);
        assert_eq!(context.order_hash(), &self.order_hash);
        let bytes = context.bytes().to_vec();
        assert_eq!(Self::from_bytes(&bytes).as_ref(), Some(self));
        Some(bytes)
    }

    /// What is wrong first, by the rules of the specification.
    fn fault(&self) -> Option<ContextError> {
        let is_name = |name: &[u8]| (1..=255).contains(&name.len());
        let has_contact = matches!(self.purpose, Purpose::CustomerCall | Purpose::Consent);
        if !is_name(&self.origin) {
            Some(ContextError::Origin)
        } else if !is_name(&self.tenant) {
            Some(ContextError::Tenant)
        } else if self.contact_id.len() > 255 || (has_contact && self.contact_id.is_empty()) {
            Some(ContextError::ContactId)
        } else if self.expires_us <= self.not_before_us {
            Some(ContextError::Validity)
        } else if (self.order_hash == [0; 32]) == (self.purpose == Purpose::Consent) {
            Some(ContextError::OrderHash)
        } else {
            None
        }
    }

    /// Reads canonical bytes; `None` if they are not exactly those of one set of fields.
    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let rest = &mut &*bytes;
        (take::<13>(rest)? == *b"akashi/ctx/v1").then_some(())?;
        (take::<1>(rest)? == [1]).then_some(())?;
        let origin = name(rest)?;
        let group = u16::from_le_bytes(take(rest)?);
        let epoch = u32::from_le_bytes(take(rest)?);
        let tenant = name(rest)?;
        let challenge_id = take(rest)?;
        let nonce = take(rest)?;
        let [purpose] = take(rest)?;
        let subject = take(rest)?;
        let contact_id = name(rest)?;
        let read = Self {
            origin,
            group,
            epoch,
            tenant,
            challenge_id,
            nonce,
            purpose: Purpose::from_code(purpose)?,
            subject,
            contact_id,
            not_before_us: u64::from_le_bytes(take(rest)?),
            expires_us: u64::from_le_bytes(take(rest)?),
            order_hash: take(rest)?,
            policy_digest: take(rest)?,
        };
        rest.is_empty().then_some(read)
    }
}

fn take<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (taken, left) = rest.split_first_chunk()?;
    *rest = left;
    Some(*taken)
}

fn name(rest: &mut &[u8]) -> Option<Vec<u8>> {
    let length = usize::from(u16::from_le_bytes(take(rest)?));
    let (taken, left) = rest.split_at_checked(length)?;
    *rest = left;
    Some(taken.into())
}
