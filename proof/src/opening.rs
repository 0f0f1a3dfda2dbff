//! What opens commitments: the holder's values and blindings, and what provers make of them.
//!
//! Nothing here may be printed, cloned or compared, and everything is wiped when dropped. A sensor
//! makes the openings of templates, a holder those of attributes; no replica ever has one.
//!
//! | symbol | meaning |
//! |---|---|
//! | v, r | an attribute or amount and its blinding, C = v·B + r·H |
//! | t, r | a template and its blinding, C = ⟨t, F⟩ + r·H |

use alloc::vec::Vec;
use core::fmt;

use curve25519_dalek::{RistrettoPoint, Scalar, traits::MultiscalarMul};
use rand_core::CryptoRng;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::{
    Commitment, Dimensions, TemplateCommitment, generators::Generators, group, group::B,
    key::PublicElement,
};

/// Why there is no opening.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OpeningError {
    /// The blinding is not below the group order.
    Blinding,
    /// The template has another number of entries than 128, 256 or 512.
    Dimensions,
    /// The two templates have different numbers of entries.
    OtherDimensions,
    /// The commitment is the identity, which happens once in 2²⁵² times.
    Identity,
    /// The total of the amounts is above 2⁶⁴ − 1.
    Total,
}

impl fmt::Display for OpeningError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Blinding => "blinding is not canonical",
            Self::Dimensions => "template must have 128, 256 or 512 entries",
            Self::OtherDimensions => "templates have different numbers of entries",
            Self::Identity => "commitment is the identity",
            Self::Total => "total does not fit into 64 bits",
        })
    }
}

impl core::error::Error for OpeningError {}

/// v and r behind one [`Commitment`].
///
/// ```compile_fail
/// fn printable<T: core::fmt::Debug>() {}
/// printable::<akashi_proof::Opening>();
/// ```
/// ```compile_fail
/// fn copyable<T: Clone>() {}
/// copyable::<akashi_proof::Opening>();
/// ```
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct Opening {
    v: u64,
    r: Scalar,
    #[zeroize(skip)]
    commitment: Commitment,
}

impl Opening {
    /// Commits to `value` with a fresh blinding; takes 64 bytes from `rng`.
    ///
    /// Issuers promise values below 2⁶³; this does not check it.
    ///
    /// # Errors
    /// [`OpeningError::Identity`].
    pub fn commit(value: u64, rng: &mut impl CryptoRng) -> Result<Self, OpeningError> {
        Self::of(value, random_scalar(rng))
    }

    /// Restores an opening that was stored.
    ///
    /// # Errors
    /// [`OpeningError::Blinding`], [`OpeningError::Identity`].
    pub fn from_parts(value: u64, blinding: &[u8; 32]) -> Result<Self, OpeningError> {
        Self::of(value, read_blinding(blinding)?)
    }

    fn of(v: u64, r: Scalar) -> Result<Self, OpeningError> {
        let value = RistrettoPoint::mul_base(&Scalar::from(v));
        let point = value + RistrettoPoint::multiscalar_mul([r], Generators::get().blinding());
        let commitment = PublicElement::of_point(point).ok_or(OpeningError::Identity)?;
        Ok(Self {
            v,
            r,
            commitment: Commitment::from_element(commitment),
        })
    }

    /// C.
    #[must_use]
    pub const fn commitment(&self) -> Commitment {
        self.commitment
    }

    /// v, for the holder's display and store.
    #[must_use]
    pub const fn value(&self) -> u64 {
        self.v
    }

    /// r, little endian, for the holder's store and for the issuer at issuance.
    #[must_use]
    pub fn blinding(&self) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(self.r.to_bytes())
    }

    pub(crate) const fn r(&self) -> &Scalar {
        &self.r
    }
}

/// T and R behind a [`CommitmentSum`](crate::CommitmentSum): what a total is proved with.
///
/// ```compile_fail
/// fn printable<T: core::fmt::Debug>() {}
/// printable::<akashi_proof::SumOpening>();
/// ```
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct SumOpening {
    total: u64,
    r: Scalar,
}

impl Default for SumOpening {
    /// Opens the empty sum.
    fn default() -> Self {
        Self {
            total: 0,
            r: Scalar::ZERO,
        }
    }
}

impl SumOpening {
    /// Adds the opening of one commitment.
    ///
    /// # Errors
    /// [`OpeningError::Total`]; nothing was added then.
    pub fn add(&mut self, opening: &Opening) -> Result<(), OpeningError> {
        self.total = self
            .total
            .checked_add(opening.v)
            .ok_or(OpeningError::Total)?;
        self.r += opening.r;
        Ok(())
    }

    /// T.
    #[must_use]
    pub const fn total(&self) -> u64 {
        self.total
    }

    /// R, little endian. It may be published with T: together they tell no more than T does.
    #[must_use]
    pub fn blinding(&self) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(self.r.to_bytes())
    }
}

/// The openings behind a [`Range`](crate::Range), in the order of its tests; both of an
/// `AtLeastOther`.
#[derive(Zeroize, ZeroizeOnDrop, Default)]
pub struct RangeWitness {
    opened: Vec<(u64, Scalar)>,
    #[zeroize(skip)]
    commitments: Vec<Commitment>,
}

impl RangeWitness {
    /// One opening per commitment in the tests, from left to right.
    #[must_use]
    pub fn new(openings: &[&Opening]) -> Self {
        Self {
            opened: openings
                .iter()
                .map(|opening| (opening.v, opening.r))
                .collect(),
            commitments: openings.iter().map(|opening| opening.commitment).collect(),
        }
    }

    /// The opening of `commitment`, if it is among these.
    pub(crate) fn of(&self, commitment: &Commitment) -> Option<&(u64, Scalar)> {
        let mut pairs = self.commitments.iter().zip(&self.opened);
        pairs
            .find(|(known, _)| *known == commitment)
            .map(|(_, opened)| opened)
    }

    pub(crate) fn bytes(&self) -> Zeroizing<Vec<u8>> {
        let mut bytes = Zeroizing::new(Vec::with_capacity(self.opened.len() * 40));
        for (v, r) in &self.opened {
            bytes.extend_from_slice(&v.to_le_bytes());
            bytes.extend_from_slice(r.as_bytes());
        }
        bytes
    }
}

/// The openings behind a [`Same`](crate::Same).
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct SameWitness {
    difference: Scalar,
    equal: bool,
    #[zeroize(skip)]
    commitments: (Commitment, Commitment),
}

impl SameWitness {
    /// Both openings.
    #[must_use]
    pub fn new(first: &Opening, second: &Opening) -> Self {
        Self {
            difference: first.r - second.r,
            equal: first.v == second.v,
            commitments: (first.commitment, second.commitment),
        }
    }

    /// r₁ − r₂.
    pub(crate) const fn difference(&self) -> &Scalar {
        &self.difference
    }

    /// Whether this opens both commitments to one value.
    pub(crate) fn opens(&self, first: &Commitment, second: &Commitment) -> bool {
        self.equal && self.commitments == (*first, *second)
    }
}

/// t and r behind one [`TemplateCommitment`]: made by a sensor, kept by the phone.
///
/// ```compile_fail
/// fn printable<T: core::fmt::Debug>() {}
/// printable::<akashi_proof::TemplateOpening>();
/// ```
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct TemplateOpening {
    t: Vec<i8>,
    r: Scalar,
    #[zeroize(skip)]
    dimensions: Dimensions,
    #[zeroize(skip)]
    commitment: TemplateCommitment,
}

impl TemplateOpening {
    /// Commits to a template with a fresh blinding; takes 64 bytes from `rng`. The caller wipes its
    /// own copy of the template.
    ///
    /// # Errors
    /// [`OpeningError::Dimensions`], [`OpeningError::Identity`].
    pub fn commit(template: &[i8], rng: &mut impl CryptoRng) -> Result<Self, OpeningError> {
        Self::of(template, random_scalar(rng))
    }

    /// Restores an opening that was stored.
    ///
    /// # Errors
    /// [`OpeningError::Blinding`], [`OpeningError::Dimensions`], [`OpeningError::Identity`].
    pub fn from_parts(template: &[i8], blinding: &[u8; 32]) -> Result<Self, OpeningError> {
        Self::of(template, read_blinding(blinding)?)
    }

    fn of(t: &[i8], r: Scalar) -> Result<Self, OpeningError> {
        let dimensions = u16::try_from(t.len())
            .ok()
            .and_then(Dimensions::from_count)
            .ok_or(OpeningError::Dimensions)?;
        let scalars: Zeroizing<Vec<Scalar>> =
            Zeroizing::new(t.iter().map(|entry| signed(i16::from(*entry))).collect());
        let point = commit_vector(&scalars, &r);
        let commitment = PublicElement::of_point(point).ok_or(OpeningError::Identity)?;
        Ok(Self {
            t: t.into(),
            r,
            dimensions,
            commitment: TemplateCommitment::from_element(commitment),
        })
    }

    /// n.
    #[must_use]
    pub const fn dimensions(&self) -> Dimensions {
        self.dimensions
    }

    /// C.
    #[must_use]
    pub const fn commitment(&self) -> TemplateCommitment {
        self.commitment
    }

    /// The template, for the store of whoever holds it.
    #[must_use]
    pub fn template(&self) -> &[i8] {
        &self.t
    }

    /// r, little endian, for the same store.
    #[must_use]
    pub fn blinding(&self) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(self.r.to_bytes())
    }
}

/// What proves a [`Proximity`](crate::Proximity): δ = t − p and the difference of the blindings.
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct ProximityWitness {
    delta: Vec<i16>,
    r: Scalar,
    #[zeroize(skip)]
    commitments: (TemplateCommitment, TemplateCommitment),
}

impl ProximityWitness {
    /// From the openings of the enrolled template and of the probe.
    ///
    /// # Errors
    /// [`OpeningError::OtherDimensions`].
    pub fn new(enrolled: &TemplateOpening, probe: &TemplateOpening) -> Result<Self, OpeningError> {
        if enrolled.dimensions != probe.dimensions {
            return Err(OpeningError::OtherDimensions);
        }
        let pairs = enrolled.t.iter().zip(&probe.t);
        Ok(Self {
            delta: pairs.map(|(t, p)| i16::from(*t) - i16::from(*p)).collect(),
            r: enrolled.r - probe.r,
            commitments: (enrolled.commitment, probe.commitment),
        })
    }

    /// δ as scalars.
    pub(crate) fn delta(&self) -> Zeroizing<Vec<Scalar>> {
        Zeroizing::new(self.delta.iter().copied().map(signed).collect())
    }

    /// ⟨δ, δ⟩ < 2²⁵.
    pub(crate) fn distance(&self) -> u32 {
        self.delta
            .iter()
            .map(|entry| u32::from(entry.unsigned_abs()).pow(2))
            .sum()
    }

    pub(crate) const fn r(&self) -> &Scalar {
        &self.r
    }

    pub(crate) const fn commitments(&self) -> &(TemplateCommitment, TemplateCommitment) {
        &self.commitments
    }

    pub(crate) fn bytes(&self) -> Zeroizing<Vec<u8>> {
        let mut bytes = Zeroizing::new(Vec::with_capacity(2 * self.delta.len() + 32));
        for entry in &self.delta {
            bytes.extend_from_slice(&entry.to_le_bytes());
        }
        bytes.extend_from_slice(self.r.as_bytes());
        bytes
    }
}

/// A number from −256 to 255 as a scalar, without a branch on its sign.
fn signed(entry: i16) -> Scalar {
    let shifted = entry.wrapping_add(256).cast_unsigned();
    Scalar::from(shifted) - Scalar::from(256_u16)
}

/// ⟨v, F⟩ + r·H in constant time.
pub(crate) fn commit_vector(v: &[Scalar], r: &Scalar) -> RistrettoPoint {
    let table = Generators::get();
    let scalars = v.iter().chain([r]);
    RistrettoPoint::multiscalar_mul(
        scalars,
        table.template(v.len()).iter().chain(table.blinding()),
    )
}

/// v·B + r·H in constant time.
pub(crate) fn commit_scalar(v: &Scalar, r: &Scalar) -> RistrettoPoint {
    RistrettoPoint::multiscalar_mul([v, r], [&B].into_iter().chain(Generators::get().blinding()))
}

fn random_scalar(rng: &mut impl CryptoRng) -> Scalar {
    let mut wide = Zeroizing::new([0; 64]);
    rng.fill_bytes(wide.as_mut_slice());
    Scalar::from_bytes_mod_order_wide(&wide)
}

fn read_blinding(bytes: &[u8; 32]) -> Result<Scalar, OpeningError> {
    group::decode_scalar(bytes)
        .ok()
        .ok_or(OpeningError::Blinding)
}
