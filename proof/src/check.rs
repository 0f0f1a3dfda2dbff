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
use core::{iter, mem, slice};

use curve25519_dalek::{
    RistrettoPoint, Scalar,
    traits::{IsIdentity, VartimeMultiscalarMul, VartimePrecomputedMultiscalarMul},
};

use crate::{
    Reason,
    generators::{Fixed, Generators, Tables},
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

/// Coefficients of consecutive fixed generators that are products: entry i is one of `start` times,
/// for each further bit of i, the first or the second of its factors.
///
/// With `start` of length 2ᵃ, bits 0 … a − 1 of i choose the start and bit a + k chooses in
/// `factors[k]`: the first if the bit is 0, the second if it is 1.
pub(crate) struct Run {
    /// The generator of entry i.
    pub(crate) generator: fn(usize) -> Fixed,
    pub(crate) start: Vec<Scalar>,
    pub(crate) factors: Vec<(Scalar, Scalar)>,
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

    let mut weights = Weights::after(claims);
    let mut base = Scalar::ZERO;
    let mut fixed = vec![None; FIXED];
    let mut coefficients = Vec::new();
    let mut elements = Vec::new();
    for equation in claims.iter().flat_map(|claim| &claim.equations) {
        let rho = weights.next();
        base += rho * equation.base;
        for (generator, coefficient) in &equation.fixed {
            let Some(sum) = generator.place().and_then(|place| fixed.get_mut(place)) else {
                return false;
            };
            *sum = Some(sum.unwrap_or(Scalar::ZERO) + rho * coefficient);
        }
        for (coefficient, element) in &equation.terms {
            coefficients.push(rho * coefficient);
            elements.push(*element);
        }
    }
    coefficients.push(base);
    elements.push(B);
    if fixed.iter().any(Option::is_some) {
        for (sum, generator) in fixed.iter().zip(Generators::get().points()) {
            if let Some(sum) = sum {
                coefficients.push(*sum);
                elements.push(*generator);
            }
        }
    }

    RistrettoPoint::vartime_multiscalar_mul(coefficients, elements).is_identity()
}

/// The weights ρ, in the order of the equations.
struct Weights {
    sponge: Sponge,
    first: bool,
}

impl Weights {
    /// Absorbs, per claim, sid, instance and proof, each behind its length as u32 little endian.
    fn after(claims: &[Claim]) -> Self {
        let mut sponge = Sponge::init(&transcript::session_id(&[WEIGHT_TAG]));
        for claim in claims {
            for part in [claim.sid.as_slice(), &claim.instance, &claim.proof] {
                sponge.absorb(&u32::try_from(part.len()).unwrap_or(u32::MAX).to_le_bytes());
                sponge.absorb(part);
            }
        }
        Self {
            sponge,
            first: true,
        }
    }

    /// 1 for the first equation, then 128 bits each.
    ///
    /// The first may be 1: were it wrong and all others right, the sum would be that equation
    /// itself; were another one wrong, that one has a random weight.
    fn next(&mut self) -> Scalar {
        if core::mem::take(&mut self.first) {
            return Scalar::ONE;
        }
        group::scalar_from_weight(self.sponge.squeeze())
    }
}

/// Separates the weight sponge from every session of a statement.
const WEIGHT_TAG: &[u8] = b"akashi/v1/batch-weights";

#[cfg(test)]
mod tests {
    use super::{Claim, Equation, Weights, verdict, verdicts};
    use crate::{
        Reason,
        generators::{Fixed, Generators},
        group::B,
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
        let mut weights = Weights::after(&claims());
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
        let mut weights = Weights::after(claims);
        (0..4).map(|_| weights.next().to_bytes()).collect()
    }
}
