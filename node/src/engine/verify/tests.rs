//! The books and the pool over them, with real proofs. Must never depend on how fast a thread runs.

use std::convert::Infallible;
use std::time::{Duration, Instant};

use akashi_domain::factor::Factor;
use akashi_domain::kv::Changes;
use akashi_proof::{
    AnyStatement, Context, ContextFields, Possession, Purpose, RootSecret, Suite, prove,
};

use super::book::{ENTRY_BYTES_MAX, MEMO_MAX};
use super::*;

#[test]
fn entries_that_wait_are_bounded_in_bytes() {
    let mut book = Book::default();
    let taken = (0..10)
        .filter(|_| book.enter(Vec::new(), ENTRY_BYTES_MAX / 4))
        .count();
    assert_eq!(taken, 4);
}

#[test]
fn the_memo_forgets_the_oldest_claims_and_what_comes_of_them() {
    let mut book = Book::default();
    let key = |number: usize| {
        let mut key = [0; 32];
        key[..8].copy_from_slice(&number.to_be_bytes());
        key
    };
    for number in 0..MEMO_MAX + 10 {
        book.claim(key(number), Known::Running);
    }
    for number in 0..MEMO_MAX + 10 {
        book.settle(key(number), Ok(()));
    }
    assert_eq!(book.known(&key(9)), None);
    assert_eq!(book.known(&key(10)), Some(Known::Done(Ok(()))));
}

#[test]
fn proofs_of_several_entries_wait_for_one_another_and_are_judged_together() {
    let mut book = Book::default();
    let began = clock::monotonic();
    book.queue(tasks(0..3, &[]), began);
    let Next::Wait(Some(wait)) = book.next(began, 2) else {
        panic!("three proofs are not worth a batch yet");
    };
    book.queue(tasks(3..5, &[]), began + wait / 2);
    // The same proof again is judged once.
    book.queue(tasks(4..5, &[]), began + wait / 2);
    assert_eq!(together(&mut book, began + wait), 5);
    assert!(matches!(book.next(began + wait, 2), Next::Wait(None)));
}

#[test]
fn a_full_batch_waits_for_nothing_and_leaves_a_share_to_the_other_workers() {
    let mut book = Book::default();
    let now = clock::monotonic();
    book.queue(tasks(0..140, &[]), now);
    assert_eq!(together(&mut book, now), 70);
    assert!(book.has_more());
}

#[test]
fn the_proofs_that_do_not_hold_are_found_among_those_that_do() {
    for bad in [&[][..], &[0], &[39], &[7, 8], &[3, 14, 15, 26], &ALL] {
        let shared = shared();
        let tasks = tasks(0..40, bad);
        let names: Vec<Name> = tasks.iter().map(|task| task.name).collect();
        shared.lock().queue(tasks, clock::monotonic());
        while let Next::Judge(work) = later(&shared) {
            judge(&shared, work);
        }
        for (number, name) in names.iter().enumerate() {
            let expected = if bad.contains(&number) {
                Err(Reason::EquationFailed)
            } else {
                Ok(())
            };
            assert_eq!(
                shared.lock().known(&name.key),
                Some(Known::Done(expected)),
                "{number} of {bad:?}"
            );
        }
    }
}

#[test]
fn who_lied_is_judged_apart_and_keeps_nobody_waiting() {
    let shared = shared();
    judge(&shared, Work::Together(tasks(0..1, &[0])));
    let now = clock::monotonic();
    let mut again = tasks(0..1, &[]);
    again[0].job.proof = vec![1; 64];
    again[0].name = name_of(&again[0].job);
    let mut book = shared.lock();
    book.queue(again, now);
    book.queue(tasks(1..200, &[]), now);
    assert_eq!(together(&mut book, now), 100, "honest proofs first");
    let Next::Judge(Work::Alone(apart)) = book.next(now, 2) else {
        panic!("then the liar has a turn");
    };
    assert_eq!(apart.len(), 1);
    assert_eq!(together(&mut book, now + Duration::from_secs(1)), 50);
}

#[test]
fn while_many_proofs_do_not_hold_they_are_not_judged_together() {
    let shared = shared();
    judge(&shared, Work::Together(tasks(0..40, &ALL)));
    while let Next::Judge(work) = later(&shared) {
        judge(&shared, work);
    }
    judge(&shared, Work::Together(tasks(40..80, &[])));
    let mut book = shared.lock();
    book.queue(tasks(80..200, &[]), clock::monotonic());
    assert_eq!(together(&mut book, clock::monotonic()), 16);
    drop(book);
    for start in (200..900).step_by(100) {
        judge(&shared, Work::Together(tasks(start..start + 100, &[])));
    }
    let mut book = shared.lock();
    assert_eq!(
        together(&mut book, clock::monotonic()),
        52,
        "half of what waits"
    );
}

#[test]
fn apply_judges_by_itself_what_waits_for_a_worker_that_never_comes() {
    let pool = VerifyPool::start(&Changes::new(), 0, Metrics::unread()).unwrap();
    let mut checker = pool.checker();
    let tasks = tasks(0..30, &[11]);
    let unheard = self::tasks(30..31, &[30]);
    let jobs: Vec<Job> = tasks.iter().map(|task| task.job.clone()).collect();
    pool.shared.lock().queue(tasks, clock::monotonic());
    for (number, job) in jobs.iter().enumerate() {
        assert_eq!(checker.check(job).is_ok(), number != 11);
    }
    assert_eq!(pool.shared.lock().waiting(), 0);
    assert_eq!(checker.check(&unheard[0].job), Err(Reason::EquationFailed));
}

#[test]
fn workers_judge_what_the_checker_waits_for() {
    let pool = VerifyPool::start(&Changes::new(), 2, Metrics::unread()).unwrap();
    let mut checker = pool.checker();
    for round in 0..5 {
        let tasks = tasks(round * 50..round * 50 + 50, &[round * 50 + 3]);
        let jobs: Vec<Job> = tasks.iter().map(|task| task.job.clone()).collect();
        pool.shared.lock().queue(tasks, clock::monotonic());
        pool.shared.work.notify_one();
        for (number, job) in jobs.iter().enumerate() {
            assert_eq!(checker.check(job).is_ok(), number != 3);
        }
    }
}

/// The numbers of forty tasks.
const ALL: [usize; 40] = {
    let mut all = [0; 40];
    let mut at = 0;
    while at < all.len() {
        all[at] = at;
        at += 1;
    }
    all
};

fn shared() -> Shared {
    Shared {
        book: Mutex::default(),
        work: Condvar::new(),
        judged: Condvar::new(),
        workers: 2,
        metrics: Metrics::unread(),
    }
}

fn later(shared: &Shared) -> Next {
    shared
        .lock()
        .next(clock::monotonic() + Duration::from_secs(1), 2)
}

/// How many proofs the next batch has.
fn together(book: &mut Book, now: Instant) -> usize {
    let Next::Judge(Work::Together(tasks)) = book.next(now, 2) else {
        panic!("no batch");
    };
    tasks.len()
}

/// Possession proofs of as many customers; those of `bad` do not hold.
fn tasks(numbers: std::ops::Range<usize>, bad: &[usize]) -> Vec<Task> {
    numbers
        .map(|number| {
            let mut job = job(u8::try_from(number % 256).unwrap(), number);
            if bad.contains(&number) {
                job.proof[40] ^= 1;
            }
            let name = name_of(&job);
            Task { name, job }
        })
        .collect()
}

fn job(byte: u8, number: usize) -> Job {
    let mut subject = [byte; 32];
    subject[..8].copy_from_slice(&number.to_be_bytes());
    let context = Context::new(ContextFields {
        suite: Suite::V1,
        origin: b"cluster/e1/g0",
        group: 0,
        epoch: 1,
        tenant: b"bank",
        challenge_id: [byte; 16],
        nonce: [1; 32],
        purpose: Purpose::CustomerCall,
        subject,
        contact_id: &[2; 16],
        not_before_us: 1,
        expires_us: 2,
        order_hash: [0; 32],
        policy_digest: [3; 32],
    })
    .unwrap();
    let device = RootSecret::from_bytes(subject)
        .device_secret(Suite::V1, b"cluster/e1/g0", b"bank", 0)
        .unwrap();
    let statement = Possession {
        key: device.public(),
        submission_digest: [4; 32],
    };
    let mut random = Counting(u64::from(byte) + 1);
    let proof = prove(&context, &statement, &device, &mut random).unwrap();
    let statement = AnyStatement::from(statement);
    Job {
        factor: Factor::Possession,
        slot: 0,
        context,
        instance: statement.instance(),
        statement,
        proof: proof.to_bytes(),
    }
}

/// Numbers that are good enough for proofs that protect nothing.
struct Counting(u64);

impl rand_core::TryRng for Counting {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok(7)
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        Ok(self.0)
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        for byte in bytes {
            let [_, _, _, high, ..] = self.try_next_u64()?.to_le_bytes();
            *byte = high;
        }
        Ok(())
    }
}

impl rand_core::TryCryptoRng for Counting {}
