//! The cost of applying entries in the deterministic core, on a state in memory.

#![expect(clippy::unwrap_used, reason = "a bench may stop at once")]

use akashi_benches::domain::{Answered, World};
use akashi_domain::decide::Inline;
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};

/// Commands per entry: a lone caller's, and what a busy leader packs.
const SIZES: [usize; 2] = [1, 64];
/// Customers of the world.
const CUSTOMERS: u32 = 256;

fn announce(c: &mut Criterion) {
    let mut world = World::with_customers(CUSTOMERS).unwrap();
    let mut group = c.benchmark_group("apply announcements");
    for size in SIZES {
        let entry = world.announcements(size, 1);
        group.throughput(Throughput::Elements(u64::try_from(size).unwrap()));
        group.bench_function(BenchmarkId::from_parameter(size), |b| {
            b.iter(|| world.applied(&entry, &mut Inline).unwrap());
        });
    }
    group.finish();
}

fn submit(c: &mut Criterion) {
    let mut world = World::with_customers(CUSTOMERS).unwrap();
    let mut group = c.benchmark_group("apply submissions");
    for (round, size) in (1..).zip(SIZES) {
        let entry = world.announcements(size, round);
        let applied = world.applied(&entry, &mut Inline).unwrap();
        world.write(&applied);
        let entry = world.submissions(&applied).unwrap();
        group.throughput(Throughput::Elements(u64::try_from(size).unwrap()));
        group.bench_function(BenchmarkId::new("checked inline", size), |b| {
            b.iter(|| world.applied(&entry, &mut Inline).unwrap());
        });
        group.bench_function(BenchmarkId::new("answered by a memo", size), |b| {
            b.iter(|| world.applied(&entry, &mut Answered).unwrap());
        });
    }
    group.finish();
}

criterion_group!(benches, announce, submit);
criterion_main!(benches);
