//! Every form that leaves the process, pinned. `UPDATE_EXPECT=1` rewrites; then read the diff.

use std::fmt::Write;

use akashi_merkle::{Leaf, leaf_hash};
use expect_test::{expect, expect_file};

use crate::cluster::{Cluster, verdict, verdicts};
use crate::oracle::grow;

#[test]
fn the_leaf_layout_is_pinned() {
    expect_file!["../golden/leaf.txt"].assert_eq(&dump(&verdict(9).encode()));
    expect!["d141fcf6"].assert_eq(&short(&leaf_hash(&verdict(9).encode())));
    expect!["082a11ee"].assert_eq(&short(&Leaf::default().hash()));
}

#[test]
fn the_frontier_layout_is_pinned() {
    let (frontier, _) = grow(&verdicts(11));
    expect_file!["../golden/frontier.txt"].assert_eq(&dump(&frontier.encode()));
}

#[test]
fn the_signed_head_is_pinned() {
    let signed = Cluster::new(3).head_of(&verdicts(11));
    expect_file!["../golden/checkpoint.txt"].assert_eq(&signed.to_text());
}

#[test]
fn the_receipt_is_pinned() {
    let receipt = Cluster::new(3).receipt(&verdicts(11), 6, &[0, 2]);
    expect_file!["../golden/receipt.tlog-proof"].assert_eq(&receipt.to_text());
}

#[test]
fn the_key_set_is_pinned() {
    expect_file!["../golden/keys.txt"].assert_eq(&Cluster::new(3).keys.to_text());
}

/// Sixteen bytes a line, with offsets in decimal as in the layout tables.
fn dump(bytes: &[u8]) -> String {
    let mut text = String::new();
    for (line, chunk) in bytes.chunks(16).enumerate() {
        write!(text, "{:4}", line * 16).unwrap();
        for byte in chunk {
            write!(text, " {byte:02x}").unwrap();
        }
        text.push('\n');
    }
    text
}

fn short(hash: &[u8; 32]) -> String {
    hash[..4].iter().map(|byte| format!("{byte:02x}")).collect()
}
