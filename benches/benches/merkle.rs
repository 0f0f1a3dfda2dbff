//! The cost of the audit log's tree: appending a leaf, making and checking an inclusion proof.

#![expect(clippy::unwrap_used, reason = "a bench may stop at once")]

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::hint::black_box;

use akashi_merkle::{Frontier, Hash, NodeReader, inclusion_proof, leaf_hash, verify_inclusion};
use criterion::{BatchSize, BenchmarkId, Criterion, criterion_group, criterion_main};

/// Leaves of the trees.
const SIZES: [u64; 2] = [1_000, 100_000];
/// Bytes of a leaf: what the canonical ones have, about.
const LEAF_BYTES: usize = 256;

#[derive(Default)]
struct Nodes(BTreeMap<(u8, u64), Hash>);

impl NodeReader for Nodes {
    type Error = Infallible;

    fn node(&self, level: u8, index: u64) -> Result<Hash, Infallible> {
        Ok(self.0.get(&(level, index)).copied().unwrap_or_default())
    }
}

fn tree(size: u64) -> (Frontier, Nodes) {
    let (mut frontier, mut nodes) = (Frontier::default(), Nodes::default());
    for number in 0..size {
        frontier.append(leaf_hash(&number.to_be_bytes()), &mut |id, hash| {
            nodes.0.insert((id.level, id.index), hash);
        });
    }
    (frontier, nodes)
}

fn append(c: &mut Criterion) {
    let (frontier, _) = tree(100_000);
    let leaf = [7_u8; LEAF_BYTES];
    c.bench_function("merkle append of one leaf", |b| {
        b.iter_batched_ref(
            || frontier.clone(),
            |frontier| {
                frontier.append(leaf_hash(black_box(&leaf)), &mut |_, hash| {
                    black_box(hash);
                })
            },
            BatchSize::SmallInput,
        );
    });
    c.bench_function("merkle root", |b| b.iter(|| black_box(&frontier).root()));
}

fn inclusion(c: &mut Criterion) {
    let mut group = c.benchmark_group("merkle inclusion");
    for size in SIZES {
        let (frontier, nodes) = tree(size);
        let (root, index) = (frontier.root(), size / 3);
        let leaf = leaf_hash(&index.to_be_bytes());
        let path = inclusion_proof(&nodes, index, size).unwrap();
        group.bench_function(BenchmarkId::new("make", size), |b| {
            b.iter(|| inclusion_proof(&nodes, black_box(index), size).unwrap());
        });
        group.bench_function(BenchmarkId::new("check", size), |b| {
            b.iter(|| verify_inclusion(&leaf, black_box(index), size, &path, &root).unwrap());
        });
    }
    group.finish();
}

criterion_group!(benches, append, inclusion);
criterion_main!(benches);
