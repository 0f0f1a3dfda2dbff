//! The prover of range proofs; symbols as in `bulletproof.rs`.
//!
//! Constant time in values and blindings up to the inner-product argument, whose inputs l(x) and r(x)
//! are masked by the blinding vectors and could be sent as they are.

use alloc::vec::Vec;

use curve25519_dalek::{
    RistrettoPoint, Scalar,
    traits::{MultiscalarMul, VartimeMultiscalarMul},
};
use subtle::{Choice, ConditionallySelectable};
use zeroize::Zeroizing;

use super::nonces::Nonces;
use crate::{
    bulletproof::{Conversation, Value, powers},
    generators::Generators,
    group::B,
    opening::commit_scalar,
};

/// A vector of secret scalars.
type Secrets = Zeroizing<Vec<Scalar>>;

/// A proof that every opened value lies in \[0, 2ⁿ); `V` are the commitments to them.
#[expect(non_snake_case, reason = "the paper's symbols")]
pub(crate) fn make(
    n: usize,
    opened: &[(u64, Scalar)],
    V: &[Value],
    conversation: &mut impl Conversation,
    nonces: &mut Nonces,
) -> Vec<u8> {
    let m = opened.len();
    let (G, Hh) = Generators::get().range(n, m);
    conversation.open_range(n, V);
    let mut speech = Speech {
        conversation,
        proof: Vec::new(),
    };

    // a_L are the bits, a_R = a_L - 1.
    // Secret vectors are made in one piece: one that grew would leave copies behind.
    let mut bits = Zeroizing::new(Vec::with_capacity(n * m));
    for (value, _) in opened {
        bits.extend((0..n).map(|i| bit(*value, i)));
    }
    let alpha = nonces.next();
    let mut A = commit_scalar(&Scalar::ZERO, &alpha);
    for ((bit, G_i), H_i) in bits.iter().zip(&G).zip(&Hh) {
        A += RistrettoPoint::conditional_select(&-H_i, G_i, Choice::from(*bit));
    }
    let s_L: Secrets = Zeroizing::new((0..n * m).map(|_| *nonces.next()).collect());
    let s_R: Secrets = Zeroizing::new((0..n * m).map(|_| *nonces.next()).collect());
    let rho = nonces.next();
    let S = RistrettoPoint::multiscalar_mul(s_L.iter().chain(s_R.iter()), G.iter().chain(&Hh))
        + commit_scalar(&Scalar::ZERO, &rho);
    speech.point(b"A", &A);
    speech.point(b"S", &S);
    let y = speech.conversation.ask(b"y");
    let z = speech.conversation.ask(b"z");

    // l(X) = l0 + l1 X with l0 = a_L - z; r(X) = r0 + r1 X with r0 = y^i (a_R + z) + z^(2+j) 2^i.
    let weights: Vec<Scalar> = powers(z)
        .skip(2)
        .take(m)
        .flat_map(|z_j| powers(Scalar::from(2_u8)).take(n).map(move |two| z_j * two))
        .collect();
    let l0: Secrets = Zeroizing::new(bits.iter().map(|bit| Scalar::from(*bit) - z).collect());
    let r0: Secrets = Zeroizing::new(
        bits.iter()
            .zip(powers(y))
            .zip(weights)
            .map(|((bit, y_i), weight)| y_i * (Scalar::from(*bit) - Scalar::ONE + z) + weight)
            .collect(),
    );
    let r1: Secrets = Zeroizing::new(
        s_R.iter()
            .zip(powers(y))
            .map(|(s_R, y_i)| y_i * s_R)
            .collect(),
    );
    let t_1 = Zeroizing::new(inner(&l0, &r1) + inner(&s_L, &r0));
    let t_2 = Zeroizing::new(inner(&s_L, &r1));
    let (tau_1, tau_2) = (nonces.next(), nonces.next());
    speech.point(b"T_1", &commit_scalar(&t_1, &tau_1));
    speech.point(b"T_2", &commit_scalar(&t_2, &tau_2));
    let x = speech.conversation.ask(b"x");

    let l: Vec<Scalar> = l0
        .iter()
        .zip(s_L.iter())
        .map(|(l0, l1)| l0 + l1 * x)
        .collect();
    let r: Vec<Scalar> = r0
        .iter()
        .zip(r1.iter())
        .map(|(r0, r1)| r0 + r1 * x)
        .collect();
    let t_x = inner(&l, &r);
    let blindings: Scalar = opened
        .iter()
        .zip(powers(z).skip(2))
        .map(|((_, r), z_j)| z_j * r)
        .sum();
    let t_xb = blindings + *tau_1 * x + *tau_2 * x * x;
    let e_b = *alpha + *rho * x;
    speech.scalar(b"t_x", &t_x);
    speech.scalar(b"t_x_blinding", &t_xb);
    speech.scalar(b"e_blinding", &e_b);
    let w = speech.conversation.ask(b"w");

    speech.conversation.open_inner_product(n * m);
    let Hh = Hh
        .iter()
        .zip(powers(y.invert()))
        .map(|(H_i, y_inv)| H_i * y_inv)
        .collect();
    inner_product(&mut speech, w * B, (G, Hh), (l, r));
    speech.proof
}

/// The prover's side of the conversation: what is said is also written down.
struct Speech<'a, C> {
    conversation: &'a mut C,
    proof: Vec<u8>,
}

impl<C: Conversation> Speech<'_, C> {
    fn point(&mut self, name: &'static [u8], point: &RistrettoPoint) {
        self.bytes(name, point.compress().to_bytes());
    }

    fn scalar(&mut self, name: &'static [u8], scalar: &Scalar) {
        self.bytes(name, scalar.to_bytes());
    }

    fn bytes(&mut self, name: &'static [u8], bytes: [u8; 32]) {
        self.conversation.say(name, &bytes);
        self.proof.extend_from_slice(&bytes);
    }
}

/// L and R per round, then a and b: a proof of ⟨l, r⟩ for the vectors behind ⟨l, G⟩ + ⟨r, Hh⟩.
///
/// Variable time: l and r are masked.
#[expect(non_snake_case, reason = "the paper's symbols")]
fn inner_product<C: Conversation>(
    speech: &mut Speech<'_, C>,
    Q: RistrettoPoint,
    (mut G, mut Hh): (Vec<RistrettoPoint>, Vec<RistrettoPoint>),
    (mut l, mut r): (Vec<Scalar>, Vec<Scalar>),
) {
    while l.len() > 1 {
        let half = l.len() / 2;
        let ((l_lo, l_hi), (r_lo, r_hi)) = (l.split_at(half), r.split_at(half));
        let ((G_lo, G_hi), (H_lo, H_hi)) = (G.split_at(half), Hh.split_at(half));
        let cross = |l: &[Scalar], r: &[Scalar], G: &[RistrettoPoint], H: &[RistrettoPoint]| {
            let product = inner(l, r);
            RistrettoPoint::vartime_multiscalar_mul(
                l.iter().chain(r).chain([&product]),
                G.iter().chain(H).chain([&Q]),
            )
        };
        speech.point(b"L", &cross(l_lo, r_hi, G_hi, H_lo));
        speech.point(b"R", &cross(l_hi, r_lo, G_lo, H_hi));
        let u = speech.conversation.ask(b"u");
        let u_inv = u.invert();
        let next_l = fold(l_lo, l_hi, u, u_inv);
        let next_r = fold(r_lo, r_hi, u_inv, u);
        let next_G = fold_points(G_lo, G_hi, u_inv, u);
        let next_H = fold_points(H_lo, H_hi, u, u_inv);
        (l, r, G, Hh) = (next_l, next_r, next_G, next_H);
    }
    for last in l.iter().chain(&r) {
        speech.scalar(b"", last);
    }
}

fn fold(low: &[Scalar], high: &[Scalar], by_low: Scalar, by_high: Scalar) -> Vec<Scalar> {
    low.iter()
        .zip(high)
        .map(|(low, high)| low * by_low + high * by_high)
        .collect()
}

/// lo·`by_low` + hi·`by_high` per pair, in variable time.
pub(super) fn fold_points(
    low: &[RistrettoPoint],
    high: &[RistrettoPoint],
    by_low: Scalar,
    by_high: Scalar,
) -> Vec<RistrettoPoint> {
    low.iter()
        .zip(high)
        .map(|(low, high)| RistrettoPoint::vartime_multiscalar_mul([by_low, by_high], [low, high]))
        .collect()
}

/// Bit `i` of a value, 0 or 1.
fn bit(value: u64, i: usize) -> u8 {
    let [low, ..] = (value >> i).to_le_bytes();
    low & 1
}

/// ⟨left, right⟩.
pub(super) fn inner(left: &[Scalar], right: &[Scalar]) -> Scalar {
    left.iter().zip(right).map(|(l, r)| l * r).sum()
}
