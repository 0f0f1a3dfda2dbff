//! Session ids and challenges, worked out from the specification alone and without the crate's own
//! transcript, so that whoever writes another verifier can see where it leaves the path.

use akashi_proof::{AnyStatement, Reason};
use curve25519_dalek::Scalar;
use serde_json::{Value, json};
use shake::{ExtendableOutput, Shake128, Update, XofReader};

pub(crate) fn shake128(parts: &[&[u8]]) -> [u8; 96] {
    let mut shake = Shake128::default();
    for part in parts {
        shake.update(part);
    }
    let mut bytes = [0; 96];
    shake.finalize_xof().read(&mut bytes);
    bytes
}

/// Every challenge of a proof that has the length of its statement: name and scalar, in the order of
/// the conversation.
pub(crate) fn challenges(sid: &[u8], statement: &AnyStatement, proof: &[u8]) -> Vec<Value> {
    let mut told = Vec::new();
    if statement.well_formed(proof) == Err(Reason::Malformed) {
        return told;
    }
    for (end, names) in moves(statement) {
        let said = &proof[..32 * end];
        let squeezed = shake128(&[sid, &[0; 136], &statement.instance(), said]);
        for (name, bytes) in names.iter().zip(squeezed.chunks(48)) {
            let mut wide = [0; 64];
            wide[..48].copy_from_slice(bytes);
            let challenge = Scalar::from_bytes_mod_order_wide(&wide);
            told.push(json!([name, hex::encode(challenge.as_bytes())]));
        }
    }
    told
}

/// After how many elements of the proof which challenges follow: specification.md, section 4.
fn moves(statement: &AnyStatement) -> Vec<(usize, Vec<String>)> {
    let named = |names: &[&str]| names.iter().map(ToString::to_string).collect::<Vec<_>>();
    let range = |first: usize, rounds: usize| {
        let mut moves = vec![
            (first + 2, named(&["y", "z"])),
            (first + 4, named(&["x"])),
            (first + 7, named(&["w"])),
        ];
        moves.extend((1..=rounds).map(|k| (first + 7 + 2 * k, vec![format!("u_{k}")])));
        moves
    };
    match statement {
        AnyStatement::Possession(_)
        | AnyStatement::Knowledge(_)
        | AnyStatement::Equals(_)
        | AnyStatement::Same(_)
        | AnyStatement::Consent(_) => vec![(1, named(&["c"]))],
        AnyStatement::InSet(s) => vec![(s.set().len(), named(&["c"]))],
        AnyStatement::Range(s) => {
            let bits = usize::from(s.bits().bits()) * s.values();
            range(0, log2(bits))
        }
        AnyStatement::Proximity(s) => {
            let rounds = log2(usize::from(s.dimensions().count())) - 3;
            let mut moves = vec![(4, named(&["c"]))];
            moves.extend((1..=rounds).map(|k| (7 + 4 * k, vec![format!("x_{k}")])));
            moves.extend(range(7 + 4 * rounds + 8, 5));
            moves
        }
    }
}

/// The exponent of the largest power of two that is not above `number`.
fn log2(number: usize) -> usize {
    usize::try_from(number.ilog2()).unwrap()
}
