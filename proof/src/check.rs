//! The one place where anything is accepted: a collector of equations, checked by one multiscalar
//! multiplication.
//!
//! Source of the batching: M. Bellare, J. Garay, T. Rabin, "Fast batch verification for modular
//! exponentiation and digital signatures", EUROCRYPT 1998 (small exponents test). ristretto255 has
//! prime order, so no cofactor can make a batch and a single verification disagree.
//!
//! | symbol | meaning |
//! |---|---|
//! | E | an equation b·B + Σ fⱼ·Xⱼ + Σ aᵢ·Pᵢ = 0 with fixed generators Xⱼ |
//! | ρ | the equation's weight: 1 for the first, 128 bits from the weight sponge for every other |
//!
//! The sum Σ ρ·E is 0 whenever every E holds; if one does not, it is 0 with probability at most
//! 2⁻¹²⁸ over the sponge. The weights come after everything in the equations, the responses
//! included.

use alloc::{vec, vec::Vec};
use core::{mem, slice};

use curve25519_dalek::{
    RistrettoPoint, Scalar,
    traits::{IsIdentity, VartimeMultiscalarMul},
};

use crate::{
    Reason,
    generators::{Fixed, Generators, Row, Tables},
    group::{self, B},
    key::PublicElement,
    transcript::{self, SESSION_ID_BYTES, Sponge},
};

/// `base`·B + Σ `fixed` + Σ `runs` + Σ `terms` + Σ `shared` = 0.
#[derive(Default)]
pub struct Equation {
    /// The coefficient of B; added up over all equations, so that B is multiplied once.
    pub(crate) base: Scalar,
    /// Coefficients of the other fixed generators; added up in the same way.
    pub(crate) fixed: Vec<(Fixed, Scalar)>,
    /// Coefficients of many fixed generators at once; added up in the same way.
    pub(crate) runs: Vec<Run>,
    /// Coefficients and the elements that they multiply.
    pub(crate) terms: Vec<(Scalar, RistrettoPoint)>,
    /// The same for elements that other equations are likely to multiply as well.
    pub(crate) shared: Vec<(Scalar, PublicElement)>,
}

/// Coefficients of a row of fixed generators, given as products.
///
/// Entry i belongs to the generator at place i of `row`. With 2ᵃ entries in `start`, the lowest a
/// bits of i choose one of them, and each further bit, from low to high, one side of the next pair
/// of `factors`: the first if it is 0, the second if it is 1. Coefficients of this shape are all that
/// range proofs and foldings have, and so an equation is as short as its proof.
pub(crate) struct Run {
    pub(crate) row: Row,
    pub(crate) start: Vec<Scalar>,
    pub(crate) factors: Vec<(Scalar, Scalar)>,
}

impl Run {
    /// All entries times `weight`.
    pub(crate) fn entries(&self, weight: &Scalar) -> Vec<Scalar> {
        let mut entries = times(&self.start, weight);
        for (low, high) in &self.factors {
            let upper = times(&entries, high);
            entries = times(&entries, low);
            entries.extend(upper);
        }
        entries
    }
}

/// Each scalar times `factor`; nothing is multiplied by one.
fn times(scalars: &[Scalar], factor: &Scalar) -> Vec<Scalar> {
    if *factor == Scalar::ONE {
        return scalars.to_vec();
    }
    scalars.iter().map(|scalar| scalar * factor).collect()
}

/// One proof's equations, with the bytes that determine them.
pub(crate) struct Claim {
    pub(crate) sid: [u8; SESSION_ID_BYTES],
    pub(crate) instance: Vec<u8>,
    pub(crate) proof: Vec<u8>,
    pub(crate) equations: Vec<Equation>,
}

/// The verdict on one claim: a batch of one.
pub(crate) fn verdict(claim: &Claim) -> Result<(), Reason> {
    if all_hold(slice::from_ref(claim)) {
        Ok(())
    } else {
        Err(Reason::EquationFailed)
    }
}

/// The verdicts on all claims, in order; each claim alone if they do not all hold together.
pub(crate) fn verdicts(claims: &[Claim]) -> Vec<Result<(), Reason>> {
    if claims.len() > 1 && all_hold(claims) {
        return vec![Ok(()); claims.len()];
    }
    claims.iter().map(verdict).collect()
}

/// Whether every equation of every claim holds. No claim, or a claim without equations, is refused,
/// and so is an equation that names a generator beyond the table.
///
/// Variable time: everything here is public.
pub(crate) fn all_hold(claims: &[Claim]) -> bool {
    if claims.is_empty() || claims.iter().any(|claim| claim.equations.is_empty()) {
        return false;
    }
    let mut weights = Weights::of(claims);
    let mut sum = Sum::with_room_for(claims);
    claims
        .iter()
        .flat_map(|claim| &claim.equations)
        .all(|equation| sum.add(&weights.next(), equation).is_some())
        && sum.vanishes()
}

/// Σ ρ·E, every fixed generator once.
#[derive(Default)]
struct Sum {
    base: Scalar,
    /// Coefficients of the other fixed generators by their place, as far as any was named.
    fixed: Vec<Scalar>,
    coefficients: Vec<Scalar>,
    elements: Vec<RistrettoPoint>,
    /// The encodings of shared elements and their places among `elements`.
    shared: Vec<([u8; 32], usize)>,
}

impl Sum {
    fn with_room_for(claims: &[Claim]) -> Self {
        let equations = claims.iter().flat_map(|claim| &claim.equations);
        let elements = equations.map(|equation| equation.terms.len() + equation.shared.len());
        let room = elements.sum::<usize>() + 1;
        Self {
            coefficients: Vec::with_capacity(room),
            elements: Vec::with_capacity(room),
            ..Self::default()
        }
    }

    /// Adds ρ·E; `None` if E names a generator beyond the table.
    fn add(&mut self, rho: &Scalar, equation: &Equation) -> Option<()> {
        let Equation {
            base,
            fixed,
            runs,
            terms,
            shared,
        } = equation;
        self.base += rho * base;
        for (generator, coefficient) in fixed {
            *self.fixed(*generator)? += rho * coefficient;
        }
        for run in runs {
            for (i, entry) in run.entries(rho).into_iter().enumerate() {
                *self.fixed(run.row.at(i))? += entry;
            }
        }
        for (coefficient, element) in terms {
            self.coefficients.push(rho * coefficient);
            self.elements.push(*element);
        }
        for (coefficient, element) in shared {
            self.share(rho * coefficient, element);
        }
        Some(())
    }

    fn fixed(&mut self, generator: Fixed) -> Option<&mut Scalar> {
        let place = generator.place()?;
        if place >= self.fixed.len() {
            self.fixed.resize(place + 1, Scalar::ZERO);
        }
        self.fixed.get_mut(place)
    }

    /// Adds to the element's coefficient if it was among the last few, which equal encodings show.
    fn share(&mut self, coefficient: Scalar, element: &PublicElement) {
        let mut recent = self.shared.iter().rev().take(RECENT);
        let known = recent.find(|(encoding, _)| encoding == element.encoding());
        if let Some(sum) = known.and_then(|(_, place)| self.coefficients.get_mut(*place)) {
            *sum += coefficient;
            return;
        }
        self.shared.push((*element.encoding(), self.elements.len()));
        self.coefficients.push(coefficient);
        self.elements.push(element.point());
    }

    /// Decides. Both ways compute the same element: tables make few elements cheaper and would make
    /// many dearer.
    fn vanishes(mut self) -> bool {
        let named = self.fixed.iter().filter(|sum| **sum != Scalar::ZERO);
        let few = self.elements.len() + named.count() <= TABLES_ELEMENTS_MAX;
        if self.fixed.is_empty() || !few {
            self.coefficients.push(self.base);
            self.elements.push(B);
            self.take_fixed();
            return RistrettoPoint::vartime_multiscalar_mul(self.coefficients, self.elements)
                .is_identity();
        }
        let mut of_tables = vec![self.base];
        for place in Tables::order().map_while(Fixed::place) {
            of_tables.push(self.fixed.get_mut(place).map(mem::take).unwrap_or_default());
        }
        while of_tables.last() == Some(&Scalar::ZERO) {
            of_tables.pop();
        }
        self.take_fixed();
        Tables::get()
            .multiply(of_tables, self.coefficients, self.elements)
            .is_identity()
    }

    /// Moves the coefficients of fixed generators to the others.
    fn take_fixed(&mut self) {
        if self.fixed.is_empty() {
            return;
        }
        for (sum, generator) in self.fixed.drain(..).zip(Generators::get().points()) {
            if sum != Scalar::ZERO {
                self.coefficients.push(sum);
                self.elements.push(*generator);
            }
        }
    }
}

/// How far back a shared element is looked for: the parts of one submission stand together.
const RECENT: usize = 8;

/// Most elements of a product in which the tables of generators are used: up to here the library
/// would have made smaller tables for this product alone, beyond it sorts into buckets.
const TABLES_ELEMENTS_MAX: usize = 189;

/// The weights ρ, in the order of the equations.
struct Weights<'a> {
    claims: &'a [Claim],
    sponge: Option<Sponge>,
    first: bool,
}

impl<'a> Weights<'a> {
    const fn of(claims: &'a [Claim]) -> Self {
        Self {
            claims,
            sponge: None,
            first: true,
        }
    }

    /// 1 for the first equation, then 128 bits each.
    ///
    /// The first may be 1: were it wrong and all others right, the sum would be that equation
    /// itself; were another one wrong, that one has a random weight. So nothing is hashed for a
    /// single equation.
    fn next(&mut self) -> Scalar {
        if mem::take(&mut self.first) {
            return Scalar::ONE;
        }
        let sponge = self.sponge.get_or_insert_with(|| absorb(self.claims));
        group::scalar_from_weight(sponge.squeeze())
    }
}

/// A sponge that has absorbed, per claim, sid, instance and proof, each behind its length as u32
/// little endian.
fn absorb(claims: &[Claim]) -> Sponge {
    let mut sponge = Sponge::init(&transcript::session_id(&[WEIGHT_TAG]));
    for claim in claims {
        for part in [claim.sid.as_slice(), &claim.instance, &claim.proof] {
            sponge.absorb(&u32::try_from(part.len()).unwrap_or(u32::MAX).to_le_bytes());
            sponge.absorb(part);
        }
    }
    sponge
}

/// Separates the weight sponge from every session of a statement.
const WEIGHT_TAG: &[u8] = b"akashi/v1/batch-weights";

#[cfg(test)]
mod tests {
    use super::{Claim, Equation, Run, Weights, verdict, verdicts};
    use crate::{
        Reason,
        generators::{Fixed, Generators, Row},
        group::B,
        key::PublicElement,
    };
    use alloc::{vec, vec::Vec};
    use curve25519_dalek::Scalar;

    #[test]
    fn the_weights_depend_on_every_byte_of_every_claim() {
        let mut drawn = vec![weights(&claims())];
        for which in 0..2 {
            let mut changed = claims();
            changed[which].sid[31] ^= 1;
            drawn.push(weights(&changed));
            let mut changed = claims();
            changed[which].instance[1] ^= 1;
            drawn.push(weights(&changed));
            let mut changed = claims();
            changed[which].proof[2] ^= 1;
            drawn.push(weights(&changed));
        }
        let mut moved = claims();
        let byte = moved[0].instance.pop().unwrap();
        moved[0].proof.insert(0, byte);
        drawn.push(weights(&moved));
        let count = drawn.len();
        drawn.sort_unstable();
        drawn.dedup();
        assert_eq!(drawn.len(), count);
    }

    #[test]
    fn all_weights_but_the_first_are_different_and_not_one() {
        let claims = claims();
        let mut weights = Weights::of(&claims);
        assert_eq!(weights.next(), Scalar::ONE);
        let (second, third) = (weights.next(), weights.next());
        assert_ne!(second, third);
        assert!(![second, third].contains(&Scalar::ONE));
    }

    #[test]
    fn a_claim_without_equations_is_refused() {
        let mut claims = claims();
        assert_eq!(verdicts(&claims), [Ok(()), Ok(())]);
        claims[1].equations.clear();
        assert_eq!(verdicts(&claims), [Ok(()), Err(Reason::EquationFailed)]);
        assert_eq!(verdict(&claims[1]), Err(Reason::EquationFailed));
        assert!(verdicts(&[]).is_empty());
    }

    #[test]
    fn every_equation_of_a_claim_counts() {
        let mut claims = claims();
        claims[0].equations.push(equation(5, 5));
        assert_eq!(verdict(&claims[0]), Ok(()));
        claims[0].equations.push(equation(5, 6));
        assert_eq!(verdict(&claims[0]), Err(Reason::EquationFailed));
        claims[0].equations.push(equation(6, 5));
        assert_eq!(verdict(&claims[0]), Err(Reason::EquationFailed));
    }

    #[test]
    fn fixed_generators_count_and_one_beyond_the_table_is_refused() {
        let blinding = Generators::get().points()[0];
        let mut claims = claims();
        claims[0].equations.push(Equation {
            fixed: vec![(Fixed::H, Scalar::from(2_u8)), (Fixed::H, Scalar::ONE)],
            terms: vec![(-Scalar::from(3_u8), blinding)],
            ..Equation::default()
        });
        assert_eq!(verdict(&claims[0]), Ok(()));
        claims[0].equations[1].fixed.pop();
        assert_eq!(verdict(&claims[0]), Err(Reason::EquationFailed));
        claims[0].equations[1] = Equation {
            fixed: vec![(Fixed::F(512), Scalar::ZERO)],
            ..Equation::default()
        };
        assert_eq!(verdict(&claims[0]), Err(Reason::EquationFailed));
    }

    #[test]
    fn the_entries_of_a_run_are_the_products_that_the_bits_choose() {
        let scalar = |number: u64| Scalar::from(number);
        let run = Run {
            row: Row::F,
            start: vec![scalar(2), scalar(3)],
            factors: vec![(scalar(5), scalar(7)), (Scalar::ONE, scalar(11))],
        };
        let entries: Vec<Scalar> = (0..8_usize)
            .map(|i| scalar(13 * [2, 3][i & 1] * [5, 7][i >> 1 & 1] * [1, 11][i >> 2]))
            .collect();
        assert_eq!(run.entries(&scalar(13)), entries);
    }

    #[test]
    fn tables_and_none_come_to_the_same_verdict() {
        let named = [
            Fixed::H,
            Fixed::G(0, 5),
            Fixed::Hh(0, 63),
            Fixed::G(1, 0),
            Fixed::F(3),
        ];
        let two = Scalar::from(2_u8);
        for padding in [0, 400] {
            let mut equation = Equation {
                base: Scalar::ONE,
                fixed: named.map(|generator| (generator, two)).to_vec(),
                runs: vec![Run {
                    row: Row::Hh(5),
                    start: vec![Scalar::ONE],
                    factors: vec![(two, Scalar::ONE); 6],
                }],
                ..Equation::default()
            };
            equation.terms.push((-Scalar::ONE, B));
            for (generator, coefficient) in &equation.fixed {
                let point = Generators::get().points()[generator.place().unwrap()];
                equation.terms.push((-coefficient, point));
            }
            for (i, entry) in equation.runs[0].entries(&Scalar::ONE).iter().enumerate() {
                let place = Fixed::Hh(i / 32, i % 32).place().unwrap();
                let point = Generators::get().points()[place];
                equation.terms.push((-entry, point));
            }
            for _ in 0..padding {
                equation.terms.extend([(two, B), (-two, B)]);
            }
            let mut claim = claims()[0].clone_without_equations();
            claim.equations.push(equation);
            assert_eq!(verdict(&claim), Ok(()), "{padding}");
            for wrong in 0..named.len() {
                claim.equations[0].fixed[wrong].1 += Scalar::ONE;
                assert_eq!(verdict(&claim), Err(Reason::EquationFailed), "{padding}");
                claim.equations[0].fixed[wrong].1 -= Scalar::ONE;
            }
            claim.equations[0].runs[0].start[0] += Scalar::ONE;
            assert_eq!(verdict(&claim), Err(Reason::EquationFailed), "{padding}");
        }
    }

    #[test]
    fn an_element_shared_by_many_equations_counts_in_each() {
        let element = |n: u8| PublicElement::of_point(Scalar::from(n) * B).unwrap();
        let equation = |n: u8, a: u8| Equation {
            base: Scalar::from(n) * Scalar::from(a),
            shared: vec![(-Scalar::from(a), element(n))],
            ..Equation::default()
        };
        let mut claim = claims()[0].clone_without_equations();
        claim.equations = (1..60).map(|i| equation(1 + i % 12, i)).collect();
        claim.equations.push(equation(12, 7));
        claim.equations.push(equation(12, 8));
        assert_eq!(verdict(&claim), Ok(()));
        claim.equations[60].shared[0].0 += Scalar::ONE;
        assert_eq!(verdict(&claim), Err(Reason::EquationFailed));
        claim.equations[59].shared[0].0 -= Scalar::ONE;
        assert_eq!(verdict(&claim), Err(Reason::EquationFailed));
    }

    impl Claim {
        fn clone_without_equations(&self) -> Self {
            Self {
                sid: self.sid,
                instance: self.instance.clone(),
                proof: self.proof.clone(),
                equations: vec![],
            }
        }
    }

    /// a·B − b·B = 0.
    fn equation(a: u64, b: u64) -> Equation {
        Equation {
            base: Scalar::from(a),
            terms: vec![(-Scalar::from(b), B)],
            ..Equation::default()
        }
    }

    fn claims() -> [Claim; 2] {
        [1, 2].map(|byte| Claim {
            sid: [byte; 32],
            instance: vec![byte; 3],
            proof: vec![byte; 4],
            equations: vec![equation(3, 3)],
        })
    }

    fn weights(claims: &[Claim]) -> Vec<[u8; 32]> {
        let mut weights = Weights::of(claims);
        (0..4).map(|_| weights.next().to_bytes()).collect()
    }
}
