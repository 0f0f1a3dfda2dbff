//! The fixed generators: H for blinding, G and Hh for range proofs, F for templates.
//!
//! Nobody knows a discrete logarithm between any two of them, because each comes out of a hash
//! (RFC 9496 §4.3.4). A test pins all 1,026 encodings by one digest. The table must never depend on
//! anything but the constants in this file.
//!
//! | symbol | meaning |
//! |---|---|
//! | H | one-way map of SHA3-512(encoding of B): `B_blinding` of crate `bulletproofs` |
//! | G\[p\]\[i\], Hh\[p\]\[i\] | 4 × 64 range generators: `GeneratorsChain` of crate `bulletproofs`, party p, bit i |
//! | F\[i\] | 512 template generators: the same chain with the label `akashi/v1/template` |
//!
//! The chain of a label is SHAKE256("GeneratorsChain" ‖ label), 64 bytes per generator, each through
//! the one-way map. The labels of G\[p\] and Hh\[p\] are 'G' and 'H', then p as u32 little endian.

use alloc::{boxed::Box, vec::Vec};
use core::iter;

use curve25519_dalek::{
    RistrettoPoint, Scalar, ristretto::VartimeRistrettoPrecomputation,
    traits::VartimePrecomputedMultiscalarMul,
};
use once_cell::race::OnceBox;
use shake::{ExtendableOutput, Shake256, Update, XofReader};

use crate::group::B;

/// Most values in one aggregated range proof.
pub(crate) const PARTIES: usize = 4;

/// Most bits of one value in a range proof.
pub(crate) const BITS: usize = 64;

/// Most entries of a template.
pub(crate) const TEMPLATE: usize = 512;

/// SHA3-512 of the encoding of B, whose one-way map is H.
const H_UNIFORM: [u8; 64] = [
    0xe7, 0xb3, 0x20, 0x7e, 0xec, 0xbf, 0x36, 0x7e, 0x6b, 0xbb, 0xbd, 0x3a, 0xac, 0x88, 0x0b, 0xe6,
    0x44, 0xfc, 0x0c, 0xe9, 0xc4, 0xd6, 0x89, 0x50, 0x8e, 0x76, 0x15, 0x43, 0x22, 0xd7, 0x2c, 0x1f,
    0x42, 0xd8, 0xc5, 0x35, 0x4f, 0xed, 0x12, 0x89, 0x8b, 0x41, 0x13, 0x9e, 0x83, 0x32, 0x3a, 0x7e,
    0x2f, 0x3d, 0x05, 0x93, 0x67, 0x93, 0x97, 0x3a, 0xb1, 0xc6, 0xb5, 0xe2, 0x47, 0x80, 0x18, 0x7c,
];

/// The name of one fixed generator other than B.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fixed {
    /// H.
    H,
    /// G of a party and a bit.
    G(usize, usize),
    /// Hh of a party and a bit.
    Hh(usize, usize),
    /// F of a template's entry.
    F(usize),
}

/// Fixed generators other than B.
pub(crate) const FIXED: usize = 1 + 2 * PARTIES * BITS + TEMPLATE;

impl Fixed {
    /// The place in the table; `None` for a party, bit or entry beyond it.
    pub(crate) fn place(self) -> Option<usize> {
        const HALF: usize = PARTIES * BITS;
        match self {
            Self::H => Some(0),
            Self::G(party, bit) if party < PARTIES && bit < BITS => Some(1 + party * BITS + bit),
            Self::Hh(party, bit) if party < PARTIES && bit < BITS => {
                Some(1 + HALF + party * BITS + bit)
            }
            Self::F(entry) if entry < TEMPLATE => Some(1 + 2 * HALF + entry),
            Self::G(..) | Self::Hh(..) | Self::F(_) => None,
        }
    }
}

/// Fixed generators one after another, as the entries of an aggregated proof take them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Row {
    /// G\[0\]\[0..n\], G\[1\]\[0..n\] …, with log₂ n.
    G(u32),
    /// The same of Hh.
    Hh(u32),
    /// F.
    F,
}

impl Row {
    /// The generator at a place of the row.
    pub(crate) const fn at(self, i: usize) -> Fixed {
        match self {
            Self::G(log_n) => Fixed::G(i >> log_n, i & ((1 << log_n) - 1)),
            Self::Hh(log_n) => Fixed::Hh(i >> log_n, i & ((1 << log_n) - 1)),
            Self::F => Fixed::F(i),
        }
    }
}

/// The table of all fixed generators other than B, in the order of [`Fixed::place`].
pub(crate) struct Generators {
    points: Vec<RistrettoPoint>,
}

impl Generators {
    /// The table of this process, made at the first call.
    ///
    /// # Cost
    /// About 8 ms the first time.
    pub(crate) fn get() -> &'static Self {
        static TABLE: OnceBox<Generators> = OnceBox::new();
        TABLE.get_or_init(|| Box::new(Self::derive()))
    }

    /// All points, in the order of [`Fixed::place`].
    pub(crate) fn points(&self) -> &[RistrettoPoint] {
        &self.points
    }

    /// H.
    pub(crate) fn blinding(&self) -> &[RistrettoPoint] {
        self.points.get(..1).unwrap_or_default()
    }

    /// G\[0\]\[0..n\], G\[1\]\[0..n\] and so on for m parties; then the same of Hh.
    pub(crate) fn range(&self, n: usize, m: usize) -> (Vec<RistrettoPoint>, Vec<RistrettoPoint>) {
        let half = PARTIES * BITS;
        let side = |from: usize| {
            let chains = self.points.get(from..from + half).unwrap_or_default();
            chains
                .chunks(BITS)
                .take(m)
                .flat_map(|chain| chain.iter().take(n))
                .copied()
                .collect()
        };
        (side(1), side(1 + half))
    }

    /// F\[0\] to F\[n − 1\].
    pub(crate) fn template(&self, n: usize) -> &[RistrettoPoint] {
        let from = 1 + 2 * PARTIES * BITS;
        self.points.get(from..from + n).unwrap_or_default()
    }

    fn derive() -> Self {
        let mut points = Vec::with_capacity(FIXED);
        points.push(RistrettoPoint::from_uniform_bytes(&H_UNIFORM));
        for side in *b"GH" {
            for party in 0..4_u32 {
                let mut label = Vec::from([side]);
                label.extend_from_slice(&party.to_le_bytes());
                points.extend(chain(&label, BITS));
            }
        }
        points.extend(chain(b"akashi/v1/template", TEMPLATE));
        Self { points }
    }
}

/// Multiples of the generators that a range proof on one value takes, for products of few elements.
pub(crate) struct Tables(VartimeRistrettoPrecomputation);

impl Tables {
    /// The tables of this process, made at the first call.
    ///
    /// # Cost
    /// 1.3 MiB, and about 4 ms the first time.
    pub(crate) fn get() -> &'static Self {
        static TABLES: OnceBox<Tables> = OnceBox::new();
        TABLES.get_or_init(|| {
            let points = Generators::get().points();
            let named = Self::order().map_while(|generator| points.get(generator.place()?));
            Box::new(Self(VartimeRistrettoPrecomputation::new(
                iter::once(&B).chain(named),
            )))
        })
    }

    /// What stands in the tables after B, ordered so that a proof takes a first part of it.
    pub(crate) fn order() -> impl Iterator<Item = Fixed> {
        let bits = (0..BITS).flat_map(|bit| [Fixed::G(0, bit), Fixed::Hh(0, bit)]);
        iter::once(Fixed::H).chain(bits)
    }

    /// Σ of the first `coefficients`, for B and then in [`order`](Self::order), and of elements with
    /// coefficients of their own; there must be no more coefficients than tables. Variable time.
    pub(crate) fn multiply(
        &self,
        coefficients: Vec<Scalar>,
        others: Vec<Scalar>,
        elements: Vec<RistrettoPoint>,
    ) -> RistrettoPoint {
        self.0
            .vartime_mixed_multiscalar_mul(coefficients, others, elements)
    }
}

/// The first `count` generators of a label.
fn chain(label: &[u8], count: usize) -> impl Iterator<Item = RistrettoPoint> {
    let mut shake = Shake256::default();
    shake.update(b"GeneratorsChain");
    shake.update(label);
    let mut reader = shake.finalize_xof();
    (0..count).map(move |_| {
        let mut uniform = [0; 64];
        reader.read(&mut uniform);
        RistrettoPoint::from_uniform_bytes(&uniform)
    })
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::{BITS, FIXED, Fixed, Generators, PARTIES, TEMPLATE};
    use crate::group::B;
    use sha2::{Digest, Sha256};
    use std::{collections::BTreeSet, string::String};

    #[test]
    fn all_generators_are_pinned_by_one_digest() {
        let mut digest = Sha256::new();
        digest.update(B.compress().as_bytes());
        for point in Generators::get().points() {
            digest.update(point.compress().as_bytes());
        }
        assert_eq!(
            hex::encode(digest.finalize()),
            "d05b04be593871afaeb00a67a5ca6fd951773ab2b33d7202aa30a7d48a08b826"
        );
    }

    #[test]
    fn single_generators_are_where_they_belong() {
        let encoding = |fixed: Fixed| -> String {
            let point = Generators::get().points()[fixed.place().unwrap()];
            hex::encode(point.compress().as_bytes())
        };
        assert_eq!(
            encoding(Fixed::H),
            "8c9240b456a9e6dc65c377a1048d745f94a08cdb7f44cbcd7b46f34048871134"
        );
        assert!(encoding(Fixed::G(0, 0)).starts_with("fc3b2580"));
        assert!(encoding(Fixed::Hh(0, 0)).starts_with("ba698f6d"));
        assert_eq!(
            encoding(Fixed::F(0)),
            "dc642efdbb4e4e5f42932799f9523709bd7fbe8961e3865aa580b11e15a2e276"
        );
        assert_eq!(
            encoding(Fixed::F(511)),
            "462e134fd66335772a3b5ca6a2ab6d1e2ddb173d568e26c2e152e75e740a4e44"
        );
    }

    #[test]
    fn every_name_has_its_own_place_and_the_prover_sees_the_same_points() {
        let table = Generators::get();
        let mut places = BTreeSet::from([Fixed::H.place().unwrap()]);
        let (g, h) = table.range(BITS, PARTIES);
        for party in 0..PARTIES {
            for bit in 0..BITS {
                let (at_g, at_h) = (
                    Fixed::G(party, bit).place().unwrap(),
                    Fixed::Hh(party, bit).place().unwrap(),
                );
                assert_eq!(table.points()[at_g], g[party * BITS + bit]);
                assert_eq!(table.points()[at_h], h[party * BITS + bit]);
                places.extend([at_g, at_h]);
            }
        }
        for (entry, f) in table.template(TEMPLATE).iter().enumerate() {
            let at = Fixed::F(entry).place().unwrap();
            assert_eq!(table.points()[at], *f);
            places.insert(at);
        }
        assert_eq!(places.len(), FIXED);
        assert_eq!(places.last(), Some(&(FIXED - 1)));
        assert_eq!(Fixed::G(PARTIES, 0).place(), None);
        assert_eq!(Fixed::Hh(0, BITS).place(), None);
        assert_eq!(Fixed::F(TEMPLATE).place(), None);
    }
}
