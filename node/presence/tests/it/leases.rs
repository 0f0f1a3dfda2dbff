//! Leases run from the question, end by themselves, and bound what a cut-off node can still say.

use akashi_presence::{Applied, ENFORCED_US, LEASE_US, QuorumLease, SECOND_US};
use proptest::prelude::*;

#[test]
fn a_lease_runs_from_when_the_node_asked() {
    let mut lease = QuorumLease::new();
    assert!(!lease.holds(0) && !lease.holds(u64::MAX));
    lease.confirmed(5 * SECOND_US);
    assert!(lease.holds(5 * SECOND_US));
    assert_eq!(lease.left_us(7 * SECOND_US), 8 * SECOND_US);
    assert!(lease.holds(15 * SECOND_US - 1));
    assert!(!lease.holds(15 * SECOND_US));
    // A late answer to an earlier question takes nothing away.
    lease.confirmed(2 * SECOND_US);
    assert!(lease.holds(14 * SECOND_US));
    // A clock that ran backwards gives no leave.
    assert!(!lease.holds(4 * SECOND_US));
}

#[test]
fn by_all_is_what_the_slowest_has_said() {
    let mut applied = Applied::of([1, 2, 3]);
    applied.says(1, 9);
    applied.says(2, 7);
    assert_eq!(applied.by_all(), 0);
    applied.says(3, 8);
    assert_eq!(applied.by_all(), 7);
    applied.says(2, 3);
    assert_eq!(applied.by_all(), 7);
    // Whoever is no member counts for nothing.
    applied.says(4, 1);
    applied.says(2, 10);
    assert_eq!(applied.by_all(), 8);
}

#[test]
fn a_node_that_leaves_is_not_waited_for_and_one_that_comes_is() {
    let mut applied = Applied::of([1, 2, 3]);
    applied.says(1, 9);
    applied.says(2, 8);
    applied.set_nodes([1, 2]);
    assert_eq!(applied.by_all(), 8);
    applied.set_nodes([1, 2, 4]);
    assert_eq!(applied.by_all(), 0);
    applied.says(4, 10);
    assert_eq!(applied.by_all(), 8);
}

proptest! {
    /// A node asks whenever it likes, its answers come late or never, its clock is up to 1 % slow; after
    /// the bound it says nothing that a decision contradicts.
    #[test]
    fn nobody_speaks_after_the_bound_without_knowing_the_decision(
        questions in prop::collection::vec((0_u64..60 * SECOND_US, 0_u64..5 * SECOND_US), 0..40),
        decided_us in 0_u64..60 * SECOND_US,
        slow_permille in 0_u64..10,
        speak_after in 0_u64..20 * SECOND_US,
    ) {
        let speak_us = decided_us + speak_after;
        // By the node's own clock, which is slow.
        let local = |us: u64| us - us * slow_permille / 1_000;
        let mut lease = QuorumLease::new();
        let mut knows = false;
        for (asked_us, took_us) in questions {
            if asked_us + took_us <= speak_us {
                lease.confirmed(local(asked_us));
                knows |= asked_us >= decided_us;
            }
        }
        if speak_after >= ENFORCED_US && !knows {
            prop_assert!(!lease.holds(local(speak_us)), "spoke {speak_after} after");
        }
        prop_assert!(lease.left_us(local(speak_us)) <= LEASE_US);
    }
}
