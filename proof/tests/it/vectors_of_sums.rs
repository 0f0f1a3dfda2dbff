//! Golden vectors of sums of commitments, and of what does and does not open them.

use akashi_proof::{CommitmentSum, Opening, SumOpening};
use expect_test::expect_file;
use serde_json::{Value, json};

use crate::{kinds::opening, vectors::pretty};

fn case(name: &str, openings: &[Opening], total: u64, blinding: &[u8; 32]) -> Value {
    let commitments: Vec<_> = openings.iter().map(Opening::commitment).collect();
    let mut sum = CommitmentSum::empty();
    let mut running = Vec::new();
    for commitment in &commitments {
        sum = sum.plus(commitment);
        running.push(hex::encode(sum.to_bytes()));
    }
    json!({
        "name": name,
        "commitments": commitments.iter().map(|c| hex::encode(c.to_bytes())).collect::<Vec<_>>(),
        "running": running,
        "sum": hex::encode(sum.to_bytes()),
        "total": total,
        "blinding": hex::encode(blinding),
        "opens": sum.opens_to(total, blinding),
    })
}

#[test]
fn sum_vectors() {
    let openings: Vec<Opening> = [0, 1, 4_960, 5_510, 1 << 40, (1 << 63) - 1]
        .into_iter()
        .zip(80..)
        .map(|(value, seed)| opening(value, seed))
        .collect();
    let mut opened = SumOpening::default();
    for opening in &openings {
        opened.add(opening).unwrap();
    }
    let (total, blinding) = (opened.total(), opened.blinding());
    let mut first = SumOpening::default();
    first.add(&openings[0]).unwrap();
    let cases = [
        case("no amounts", &[], 0, &[0; 32]),
        case("no amounts and a total", &[], 1, &[0; 32]),
        case("one amount", &openings[..1], 0, &first.blinding()),
        case("six amounts", &openings, total, &blinding),
        case("one more", &openings, total + 1, &blinding),
        case("one less", &openings, total - 1, &blinding),
        case("an amount is missing", &openings[1..], total, &blinding),
        case("another blinding", &openings, total, &[1; 32]),
        case("a blinding that is none", &openings, total, &[0xff; 32]),
    ];
    let file = json!({ "cases": cases });
    expect_file!["../vectors/sums.json"].assert_eq(&pretty(&file));
}
