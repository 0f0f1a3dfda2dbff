//! The cost of checking proofs: one by one, and together.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a bench may stop at once"
)]

use akashi_benches::proofs::Sample;
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};

/// Proofs checked together.
const BATCHES: [usize; 4] = [1, 16, 64, 256];

fn single(c: &mut Criterion) {
    let samples = Sample::many(1).unwrap();
    let sample = &samples[0];
    let mut group = c.benchmark_group("proof");
    group.bench_function("possession", |b| {
        b.iter(|| sample.check_possession().unwrap());
    });
    group.bench_function("knowledge", |b| {
        b.iter(|| sample.check_knowledge().unwrap());
    });
    group.bench_function("prove possession and knowledge", |b| {
        b.iter(|| sample.prove().unwrap());
    });
    group.finish();
}

fn batched(c: &mut Criterion) {
    let samples = Sample::many(256).unwrap();
    let mut group = c.benchmark_group("proof batch of submissions");
    for size in BATCHES {
        let some = &samples[..size];
        group.throughput(Throughput::Elements(u64::try_from(size).unwrap()));
        group.bench_with_input(BenchmarkId::from_parameter(size), some, |b, some| {
            b.iter(|| assert!(Sample::check_together(some)));
        });
    }
    group.finish();
}

criterion_group!(benches, single, batched);
criterion_main!(benches);
