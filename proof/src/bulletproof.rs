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
    Reason,
    check::{Equation, Run},
    generators::{Fixed, Row},
    key::PublicElement,
    reader::Reader,
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
    ///
    /// If y or a u is zero, which has no inverse, one equation that never holds: B = 0.
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
        let mut u = Vec::with_capacity(self.LR.len());
        for (L, R) in &self.LR {
            conversation.say(b"L", L.encoding());
            conversation.say(b"R", R.encoding());
            u.push(conversation.ask(b"u"));
        }

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
            ..Equation::default()
        };
        vec![polynomial, self.inner_product(n, [y, z, x, w], &u)]
    }

    /// Equation 2 times y^(nm−1)·Π u², which leaves no inverse in it. From the last round to the
    /// first, u belongs to the bits of i from low to high, as do y, y², y⁴ …
    fn inner_product(&self, n: usize, [y, z, x, w]: [Scalar; 4], u: &[Scalar]) -> Equation {
        let squares: Vec<Scalar> = u.iter().map(|u| u * u).collect();
        let y_powers: Vec<Scalar> = doublings(y).take(u.len()).collect();
        let all_u: Scalar = u.iter().product();
        let all_squares = all_u * all_u;
        let y_last: Scalar = y_powers.iter().product();
        let scale = y_last * all_squares;
        if scale == Scalar::ZERO {
            // A challenge is zero, once in 2²⁴⁹ times: this equation holds for nothing.
            return Equation {
                base: Scalar::ONE,
                ..Equation::default()
            };
        }

        // Π of the other rounds' squares, for R: u⁻² times the product of all.
        let mut terms = vec![(scale, self.A.point()), (x * scale, self.S.point())];
        let mut before = y_last;
        for (k, (square, (L, R))) in squares.iter().zip(&self.LR).enumerate() {
            let after: Scalar = squares.iter().skip(k + 1).product();
            terms.push((square * scale, L.point()));
            terms.push((before * after, R.point()));
            before *= square;
        }

        let log_n = n.trailing_zeros();
        let twos = doublings(Scalar::from(2_u8)).take(rounds(n, 1));
        let weights = twos.chain(doublings(z));
        let one = Scalar::ONE;
        let run = |row, start, factors| Run {
            row,
            start: vec![start],
            factors,
        };
        let rounds = || squares.iter().rev().zip(&y_powers);
        let runs = vec![
            // −z and −a·sᵢ
            run(Row::G(log_n), -z * scale, vec![(one, one); u.len()]),
            run(
                Row::G(log_n),
                -self.a * y_last * all_u,
                rounds().map(|(square, _)| (one, *square)).collect(),
            ),
            // z and y⁻ⁱ·z^(2+j)·2^(i mod n) and −y⁻ⁱ·b/sᵢ
            run(Row::Hh(log_n), z * scale, vec![(one, one); u.len()]),
            run(
                Row::Hh(log_n),
                z * z * all_squares,
                y_powers.iter().copied().zip(weights).collect(),
            ),
            run(
                Row::Hh(log_n),
                -self.b * all_u,
                rounds().map(|(square, y)| (square * y, one)).collect(),
            ),
        ];
        Equation {
            base: w * (self.t_x - self.a * self.b) * scale,
            fixed: vec![(Fixed::H, -self.e_b * scale)],
            runs,
            terms,
            ..Equation::default()
        }
    }
}

/// δ(y, z) = (z − z²)·Σ yⁱ − (2ⁿ − 1)·Σ z^(3+j), i < nm, j < m.
///
/// Σ yⁱ = Π (1 + y^(2ᵏ)), and the sum of the powers of two below 2ⁿ in the same way.
fn delta(n: usize, m: usize, y: &Scalar, z: &Scalar) -> Scalar {
    let sum = |base, rounds| -> Scalar {
        let factors = doublings(base).take(rounds);
        factors.map(|power| Scalar::ONE + power).product()
    };
    let sum_z: Scalar = powers(*z).skip(3).take(m).sum();
    (z - z * z) * sum(*y, rounds(n, m)) - sum(Scalar::from(2_u8), rounds(n, 1)) * sum_z
}

/// base, base², base⁴, base⁸ …
fn doublings(base: Scalar) -> impl Iterator<Item = Scalar> {
    iter::successors(Some(base), |power| Some(power * power))
}

/// 1, base, base², …
pub(crate) fn powers(base: Scalar) -> impl Iterator<Item = Scalar> {
    iter::successors(Some(Scalar::ONE), move |power| Some(power * base))
}

#[cfg(test)]
mod tests {
    use super::{Conversation, RangeProof, Value, elements, rounds};
    use crate::{group::B, reader::Reader};
    use alloc::vec::Vec;
    use curve25519_dalek::Scalar;

    #[test]
    fn the_length_grows_with_the_logarithm() {
        assert_eq!((rounds(32, 1), rounds(64, 4)), (5, 8));
        assert_eq!(elements(32, 1) * 32, 608);
        assert_eq!(elements(64, 4) * 32, 800);
    }

    /// Answers with ones, but with zero to one question.
    struct ZeroAt(usize);

    impl Conversation for ZeroAt {
        fn say(&mut self, _name: &'static [u8], _bytes: &[u8; 32]) {}

        fn ask(&mut self, _name: &'static [u8]) -> Scalar {
            let zero = self.0 == 0;
            self.0 = self.0.wrapping_sub(1);
            if zero { Scalar::ZERO } else { Scalar::ONE }
        }
    }

    #[test]
    fn a_challenge_of_zero_leaves_an_equation_that_nothing_meets() {
        let point = B.compress().to_bytes();
        let scalar = Scalar::ZERO.to_bytes();
        let mut bytes = Vec::new();
        bytes.extend([point; 4].concat());
        bytes.extend([scalar; 3].concat());
        bytes.extend([point; 10].concat());
        bytes.extend([scalar; 2].concat());
        let value = Value {
            point: B,
            number: Scalar::ZERO,
        };
        // y, z, x and w, then a u per round.
        for (zero, impossible) in [(0, true), (1, false), (4, true), (8, true), (9, false)] {
            let mut reader = Reader::open(&bytes, elements(32, 1)).unwrap();
            let proof = RangeProof::read(&mut reader, 32, 1).unwrap();
            let equations = proof.equations(32, &[value], &mut ZeroAt(zero));
            let last = equations.last().unwrap();
            let says_nothing = last.terms.is_empty() && last.runs.is_empty();
            assert_eq!(
                says_nothing && last.base == Scalar::ONE,
                impossible,
                "{zero}"
            );
        }
    }
}
