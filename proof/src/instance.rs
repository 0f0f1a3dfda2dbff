//! Instances read back: from the bytes that an evidence record keeps to the statement that they stand
//! for.
//!
//! Read from left to right, like proofs, and the first fault counts (`docs/specification.md` §4.8). It
//! must never make a statement that the constructors would refuse, and never two statements of one
//! string of bytes: what is read is written again as the same bytes.

use alloc::vec::Vec;

use crate::{
    AnyStatement, Commitment, Consent, DeviceKey, Dimensions, Equals, InSet, Kind, Knowledge,
    PinKey, Possession, Proximity, Range, RangeBits, Reason, SET_MAX, Same, TAU_LIMIT,
    TemplateCommitment, generators, statement::Term,
};

impl AnyStatement {
    /// Reads an instance: the inverse of [`instance`](Self::instance) and of nothing else.
    ///
    /// # Errors
    /// At the first fault from the left: [`Reason::Malformed`] for a parameter out of its bounds and
    /// for a missing or additional byte, [`Reason::NonCanonicalPoint`] or [`Reason::IdentityPoint`]
    /// for an element.
    pub fn from_instance(kind: Kind, instance: &[u8]) -> Result<Self, Reason> {
        let mut fields = Fields(instance);
        let statement = match kind {
            Kind::Possession => Possession {
                key: DeviceKey::from_bytes(&fields.take()?)?,
                submission_digest: fields.take()?,
            }
            .into(),
            Kind::Knowledge => Knowledge {
                device: DeviceKey::from_bytes(&fields.take()?)?,
                pin: PinKey::from_bytes(&fields.take()?)?,
            }
            .into(),
            Kind::Equals => Equals {
                commitment: fields.commitment()?,
                value: fields.number()?,
            }
            .into(),
            Kind::Same => Same {
                first: fields.commitment()?,
                second: fields.commitment()?,
            }
            .into(),
            Kind::Range => fields.range()?.into(),
            Kind::InSet => fields.in_set()?.into(),
            Kind::Proximity => fields.proximity()?.into(),
            Kind::Consent => Consent {
                key: DeviceKey::from_bytes(&fields.take()?)?,
                order_hash: fields.take()?,
                sealed_digest: fields.take()?,
                recipient_digest: fields.take()?,
                submission_digest: fields.take()?,
            }
            .into(),
        };
        if fields.0.is_empty() {
            Ok(statement)
        } else {
            Err(Reason::Malformed)
        }
    }
}

/// What is left of an instance.
struct Fields<'a>(&'a [u8]);

impl Fields<'_> {
    fn take<const N: usize>(&mut self) -> Result<[u8; N], Reason> {
        let (taken, rest) = self.0.split_first_chunk().ok_or(Reason::Malformed)?;
        self.0 = rest;
        Ok(*taken)
    }

    fn number(&mut self) -> Result<u64, Reason> {
        Ok(u64::from_le_bytes(self.take()?))
    }

    fn commitment(&mut self) -> Result<Commitment, Reason> {
        Commitment::from_bytes(&self.take()?)
    }

    fn range(&mut self) -> Result<Range, Reason> {
        let [bits] = self.take()?;
        let bits = RangeBits::from_bits(bits).ok_or(Reason::Malformed)?;
        let [count] = self.take()?;
        if !matches!(usize::from(count), 1 | 2 | generators::PARTIES) {
            return Err(Reason::Malformed);
        }
        let mut terms = Vec::with_capacity(usize::from(count));
        // What must follow a difference: a term of its own for C2.
        let mut owed = None;
        for _ in 0..count {
            let term = self.term(bits)?;
            if owed.is_some_and(|owed| term != owed) {
                return Err(Reason::Malformed);
            }
            owed = match term {
                Term::Difference(_, other) => Some(Term::AtLeast(other, 0)),
                Term::AtLeast(..) | Term::AtMost(..) => None,
            };
            terms.push(term);
        }
        if owed.is_some() {
            return Err(Reason::Malformed);
        }
        Ok(Range { bits, terms })
    }

    fn term(&mut self, bits: RangeBits) -> Result<Term, Reason> {
        let [form] = self.take()?;
        if !matches!(form, 1..=3) {
            return Err(Reason::Malformed);
        }
        let bound = self.number()?;
        let limit = if form == 3 { 1 } else { bits.bound_limit() };
        if bound >= limit {
            return Err(Reason::Malformed);
        }
        let value = self.commitment()?;
        Ok(match form {
            1 => Term::AtLeast(value, bound),
            2 => Term::AtMost(value, bound),
            _ => Term::Difference(value, self.commitment()?),
        })
    }

    fn in_set(&mut self) -> Result<InSet, Reason> {
        let [count] = self.take()?;
        if usize::from(count) > SET_MAX {
            return Err(Reason::Malformed);
        }
        let mut set = Vec::with_capacity(usize::from(count));
        for _ in 0..count {
            let value = self.number()?;
            if set.last().is_some_and(|last| *last >= value) {
                return Err(Reason::Malformed);
            }
            set.push(value);
        }
        if set.is_empty() {
            return Err(Reason::Malformed);
        }
        InSet::new(self.commitment()?, &set)
    }

    fn proximity(&mut self) -> Result<Proximity, Reason> {
        let count = u16::from_le_bytes(self.take()?);
        let dimensions = Dimensions::from_count(count).ok_or(Reason::Malformed)?;
        let tau = u32::from_le_bytes(self.take()?);
        if tau >= TAU_LIMIT {
            return Err(Reason::Malformed);
        }
        let enrolled = TemplateCommitment::from_bytes(&self.take()?)?;
        let probe = TemplateCommitment::from_bytes(&self.take()?)?;
        Proximity::new(dimensions, tau, enrolled, probe)
    }
}
