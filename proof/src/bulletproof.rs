//! Aggregated range proofs: every Vⱼ commits to a value in \[0, 2ⁿ).
//!
//! Source: B. Bünz, J. Bootle, D. Boneh, A. Poelstra, P. Wuille, G. Maxwell, "Bulletproofs: Short
//! Proofs for Confidential Transactions and More", IEEE S&P 2018, §4.2 and §4.3. The algebra is that
//! of crate `bulletproofs` 5.0.0, element by element, so that each can check the other's proofs over
//! that crate's transcript; that is why the transcript is a trait here.
//!
//! | symbol | meaning |
//! |---|---|
//! | n, m | bits of one value; number of values |
//! | Vⱼ | commitment to value j, j = 0 … m − 1 |
//! | A, S | commitments to the bits and to their blinding vectors |
//! | `T_1`, `T_2` | commitments to the coefficients t₁, t₂ of t(x) |
//! | `t_x`, `t_xb`, `e_b` | t(x), its blinding, the blinding of A + x·S |
//! | L, R, a, b | the inner-product argument: one pair per round, last two scalars |
//! | y, z, x, w, u | challenges; one u per round |
//!
//! Proof: A ‖ S ‖ T_1 ‖ T_2 ‖ t_x ‖ t_xb ‖ e_b ‖ (L ‖ R) per round ‖ a ‖ b, 32(9 + 2·log₂(nm)) bytes.

#![expect(clippy::doc_markdown, reason = "formulas have subscripts")]

use alloc::{vec, vec::Vec};
use core::iter;

use curve25519_dalek::{RistrettoPoint, Scalar};

use crate::{
    Reason, check::Equation, generators::Fixed, key::PublicElement, reader::Reader,
    transcript::Transcript,
};

/// A commitment V = point + number·B. The public number goes into the coefficient of B, which saves
/// a multiplication of B per value.
#[derive(Clone, Copy)]
pub(crate) struct Value {
    pub(crate) point: RistrettoPoint,
    pub(crate) number: Scalar,
}

/// The conversation in which a range proof takes part: ours, or in the test-suite Merlin's.
///
/// Names and openings matter to Merlin only; our transcript has absorbed the instance already and
/// tells moves apart by their place.
pub(crate) trait Conversation {
    /// A proof of m values of n bits begins.
    fn open_range(&mut self, _n: usize, _values: &[Value]) {}

    /// The inner-product argument begins.
    fn open_inner_product(&mut self, _length: usize) {}

    /// The prover says 32 bytes.
    fn say(&mut self, name: &'static [u8], bytes: &[u8; 32]);

    /// The verifier answers.
    fn ask(&mut self, name: &'static [u8]) -> Scalar;
}

impl Conversation for Transcript {
    fn say(&mut self, _name: &'static [u8], bytes: &[u8; 32]) {
        self.absorb(bytes);
    }

    fn ask(&mut self, _name: &'static [u8]) -> Scalar {
        self.challenge()
    }
}

/// The rounds of the inner-product argument over nm entries, which is a power of two.
pub(crate) fn rounds(n: usize, m: usize) -> usize {
    usize::try_from((n * m).trailing_zeros()).unwrap_or(usize::MAX)
}

/// The number of 32-byte elements of a proof.
pub(crate) fn elements(n: usize, m: usize) -> usize {
    9 + 2 * rounds(n, m)
}

/// A decoded range proof.
#[derive(Clone)]
#[expect(non_snake_case, reason = "the paper's symbols")]
pub(crate) struct RangeProof {
    A: PublicElement,
    S: PublicElement,
    T_1: PublicElement,
    T_2: PublicElement,
    t_x: Scalar,
    t_xb: Scalar,
    e_b: Scalar,
    LR: Vec<(PublicElement, PublicElement)>,
    a: Scalar,
    b: Scalar,
}

#[expect(non_snake_case, reason = "the paper's symbols")]
impl RangeProof {
    /// Decodes the next [`elements`] of a proof.
    ///
    /// # Errors
    /// 15, 16 or 26 at the first bad element.
    pub(crate) fn read(reader: &mut Reader<'_>, n: usize, m: usize) -> Result<Self, Reason> {
        Ok(Self {
            A: reader.point()?,
            S: reader.point()?,
            T_1: reader.point()?,
            T_2: reader.point()?,
            t_x: reader.scalar()?,
            t_xb: reader.scalar()?,
            e_b: reader.scalar()?,
            LR: (0..rounds(n, m))
                .map(|_| Ok((reader.point()?, reader.point()?)))
                .collect::<Result<_, Reason>>()?,
            a: reader.scalar()?,
            b: reader.scalar()?,
        })
    }

    /// Two equations, for values `V` of n bits:
    ///
    /// 1. (t_x − δ)·B + t_xb·H − x·T_1 − x²·T_2 − Σ z^(2+j)·Vⱼ = 0, with
    ///    δ = (z − z²)·Σ yⁱ − (2ⁿ − 1)·Σ z^(3+j);
    /// 2. A + x·S + Σ u²·L + Σ u⁻²·R − e_b·H + w(t_x − ab)·B + Σ gᵢ·Gᵢ + Σ hᵢ·Hhᵢ = 0, with
    ///    gᵢ = −z − a·sᵢ and hᵢ = z + y⁻ⁱ(z^(2+j)·2^(i mod n) − b/sᵢ).
    pub(crate) fn equations(
        &self,
        n: usize,
        V: &[Value],
        conversation: &mut impl Conversation,
    ) -> Vec<Equation> {
        let m = V.len();
        conversation.open_range(n, V);
        conversation.say(b"A", self.A.encoding());
        conversation.say(b"S", self.S.encoding());
        let y = conversation.ask(b"y");
        let z = conversation.ask(b"z");
        conversation.say(b"T_1", self.T_1.encoding());
        conversation.say(b"T_2", self.T_2.encoding());
        let x = conversation.ask(b"x");
        conversation.say(b"t_x", self.t_x.as_bytes());
        conversation.say(b"t_x_blinding", self.t_xb.as_bytes());
        conversation.say(b"e_blinding", self.e_b.as_bytes());
        let w = conversation.ask(b"w");
        conversation.open_inner_product(n * m);
        let mut inverses = vec![y];
        for (L, R) in &self.LR {
            conversation.say(b"L", L.encoding());
            conversation.say(b"R", R.encoding());
            inverses.push(conversation.ask(b"u"));
        }
        let u: Vec<Scalar> = inverses.iter().skip(1).copied().collect();
        invert_all(&mut inverses);
        let y_inv = inverses.first().copied().unwrap_or_default();

        let public: Scalar = powers(z)
            .skip(2)
            .zip(V)
            .map(|(z_j, V_j)| z_j * V_j.number)
            .sum();
        let polynomial = Equation {
            base: self.t_x - delta(n, m, &y, &z) - public,
            fixed: vec![(Fixed::H, self.t_xb)],
            terms: [(-x, self.T_1.point()), (-x * x, self.T_2.point())]
                .into_iter()
                .chain(powers(z).skip(2).zip(V).map(|(z_j, V_j)| (-z_j, V_j.point)))
                .collect(),
        };

        let mut terms = vec![(Scalar::ONE, self.A.point()), (x, self.S.point())];
        for ((u, u_inv), (L, R)) in u.iter().zip(inverses.iter().skip(1)).zip(&self.LR) {
            terms.push((u * u, L.point()));
            terms.push((u_inv * u_inv, R.point()));
        }
        let s = s_vector(&u, inverses.get(1..).unwrap_or_default());
        let mut fixed = vec![(Fixed::H, -self.e_b)];
        let bits = powers(z)
            .skip(2)
            .take(m)
            .enumerate()
            .flat_map(|(party, z_j)| {
                powers(Scalar::from(2_u8))
                    .take(n)
                    .enumerate()
                    .map(move |(bit, two)| (party, bit, z_j * two))
            });
        let y_powers = powers(y_inv);
        for (((party, bit, weight), (s_i, s_inv)), y_i) in
            bits.zip(s.iter().zip(s.iter().rev())).zip(y_powers)
        {
            fixed.push((Fixed::G(party, bit), -z - self.a * s_i));
            fixed.push((Fixed::Hh(party, bit), z + y_i * (weight - self.b * s_inv)));
        }
        let inner_product = Equation {
            base: w * (self.t_x - self.a * self.b),
            fixed,
            terms,
        };
        vec![polynomial, inner_product]
    }
}

/// δ(y, z) = (z − z²)·Σ yⁱ − (2ⁿ − 1)·Σ z^(3+j), i < nm, j < m.
fn delta(n: usize, m: usize, y: &Scalar, z: &Scalar) -> Scalar {
    let sum_y: Scalar = powers(*y).take(n * m).sum();
    let sum_2: Scalar = powers(Scalar::from(2_u8)).take(n).sum();
    let sum_z: Scalar = powers(*z).skip(3).take(m).sum();
    (z - z * z) * sum_y - sum_2 * sum_z
}

/// sᵢ = Π u^(±1) over the rounds: + where the round's bit of i is set, the first round's bit highest.
///
/// 1/sᵢ is the entry mirrored.
fn s_vector(u: &[Scalar], u_inv: &[Scalar]) -> Vec<Scalar> {
    let mut s = vec![u_inv.iter().product()];
    for u in u.iter().rev() {
        let square = u * u;
        let upper: Vec<Scalar> = s.iter().map(|s_i| s_i * square).collect();
        s.extend(upper);
    }
    s
}

/// 1, base, base², …
pub(crate) fn powers(base: Scalar) -> impl Iterator<Item = Scalar> {
    iter::successors(Some(Scalar::ONE), move |power| Some(power * base))
}

/// Replaces each scalar by its inverse, with one inversion (P. L. Montgomery 1987).
///
/// If any of them is zero, which challenges are once in 2²⁵² times, all become zero and the
/// equation that needs them fails.
pub(crate) fn invert_all(scalars: &mut [Scalar]) {
    let mut before = Vec::with_capacity(scalars.len());
    let mut product = Scalar::ONE;
    for scalar in scalars.iter() {
        before.push(product);
        product *= scalar;
    }
    let mut inverse = product.invert();
    for (scalar, before) in scalars.iter_mut().zip(before).rev() {
        let next = inverse * *scalar;
        *scalar = inverse * before;
        inverse = next;
    }
}

#[cfg(test)]
mod tests {
    use super::{elements, invert_all, rounds};
    use alloc::vec;
    use curve25519_dalek::Scalar;

    #[test]
    fn all_are_inverted_and_a_zero_makes_all_zero() {
        let mut some = vec![Scalar::from(3_u8), -Scalar::ONE, Scalar::from(77_u8)];
        let originals = some.clone();
        invert_all(&mut some);
        for (inverse, original) in some.iter().zip(&originals) {
            assert_eq!(inverse * original, Scalar::ONE);
        }
        some[1] = Scalar::ZERO;
        invert_all(&mut some);
        assert_eq!(some, [Scalar::ZERO; 3]);
        invert_all(&mut []);
    }

    #[test]
    fn the_length_grows_with_the_logarithm() {
        assert_eq!((rounds(32, 1), rounds(64, 4)), (5, 8));
        assert_eq!(elements(32, 1) * 32, 608);
        assert_eq!(elements(64, 4) * 32, 800);
    }
}
