//! Clocks that agree, jump, drift apart and are not heard; stamps that lie ahead.

use akashi_replica::clocks::{
    AGREE_US, AHEAD_US, Clocks, Judgement, Moment, PATIENCE_US, Patience,
};
use akashi_replica::entry::NodeId;

const MS: u64 = 1_000;
const START: u64 = 1_763_000_000_000_000;

/// A moment `at_ms` after the start on a machine whose clock is `off_us` ahead of true time.
fn moment(at_ms: u64, off_us: i64) -> Moment {
    Moment {
        monotonic_us: 5_000_000 + at_ms * MS,
        unix_us: (START + at_ms * MS).checked_add_signed(off_us).unwrap(),
    }
}

/// `peer` answers at `at_ms`, after a round trip of `rtt_ms`; its clock is `off_us` ahead.
fn hear(clocks: &mut Clocks, peer: NodeId, at_ms: u64, rtt_ms: u64, off_us: i64) -> bool {
    let now = moment(at_ms, 0);
    let shown = moment(at_ms - rtt_ms / 2, off_us).unix_us;
    clocks.heard(peer, now.monotonic_us - rtt_ms * MS, shown, now)
}

fn three() -> Clocks {
    Clocks::new(1, vec![1, 2, 3])
}

#[test]
fn a_replica_alone_may_always_stamp_and_one_of_three_must_have_heard_another() {
    assert_eq!(
        Clocks::new(1, vec![1]).judge(moment(0, 0)),
        Judgement::Agreed
    );
    let mut clocks = three();
    assert_eq!(clocks.judge(moment(0, 0)), Judgement::Unheard);
    assert_eq!(clocks.unknown(moment(0, 0)), [2, 3]);
    assert!(hear(&mut clocks, 3, 1_000, 2, 100_000));
    assert_eq!(clocks.judge(moment(1_000, 0)), Judgement::Agreed);
    assert_eq!(clocks.unknown(moment(1_000, 0)), [2]);
    assert_eq!(clocks.skews(moment(1_000, 0)), [(3, 100_000)]);
    // Ten seconds later nobody knows any more.
    assert_eq!(clocks.judge(moment(11_100, 0)), Judgement::Unheard);
}

#[test]
fn a_clock_that_jumps_is_noticed_before_the_next_stamp() {
    let mut clocks = three();
    for peer in [2, 3] {
        assert!(hear(&mut clocks, peer, 1_000, 2, 0));
    }
    for jump in [
        3_600_000_000,
        -3_600_000_000,
        AGREE_US + 10_000,
        -AGREE_US - 10_000,
    ] {
        let now = moment(1_001, jump);
        assert_eq!(clocks.judge(now), Judgement::Alone, "{jump}");
        let off = clocks.believed_us(now).abs_diff(moment(1_001, 0).unix_us);
        assert!(off < AGREE_US.unsigned_abs(), "{jump}: {off}");
        assert!(clocks.is_sound(2, now) && clocks.is_sound(3, now));
    }
    for shift in [AGREE_US - 10_000, -AGREE_US + 10_000] {
        let now = moment(1_001, shift);
        assert_eq!(clocks.judge(now), Judgement::Agreed, "{shift}");
        assert_eq!(clocks.believed_us(now), now.unix_us);
    }
}

#[test]
fn a_peer_whose_clock_is_wrong_takes_nobody_down_and_is_no_successor() {
    let mut clocks = three();
    assert!(hear(&mut clocks, 2, 1_000, 2, 1_000));
    assert!(hear(&mut clocks, 3, 1_000, 2, 7_200_000_000));
    let now = moment(1_000, 0);
    assert_eq!(clocks.judge(now), Judgement::Agreed);
    assert!(clocks.is_sound(2, now));
    assert!(!clocks.is_sound(3, now));
    assert!(!clocks.is_sound(4, now));
}

#[test]
fn without_two_clocks_that_agree_nobody_may_stamp() {
    let mut clocks = three();
    assert!(hear(&mut clocks, 2, 1_000, 2, 10_000_000));
    assert_eq!(clocks.judge(moment(1_000, 0)), Judgement::Torn);
    assert!(hear(&mut clocks, 3, 1_000, 2, -10_000_000));
    assert_eq!(clocks.judge(moment(1_000, 0)), Judgement::Torn);
    // A chain of clocks is no agreement: the ends are too far apart.
    let mut five = Clocks::new(1, vec![1, 2, 3, 4, 5]);
    for (peer, off) in [(2, 400_000), (3, 800_000), (4, -400_000), (5, -800_000)] {
        assert!(hear(&mut five, peer, 1_000, 2, off));
    }
    assert_eq!(five.judge(moment(1_000, 0)), Judgement::Torn);
    assert!(hear(&mut five, 5, 1_100, 2, 90_000));
    assert_eq!(five.judge(moment(1_100, 0)), Judgement::Agreed);
}

#[test]
fn late_and_strange_answers_say_nothing_and_an_exact_one_outlives_a_rough_one() {
    let mut clocks = three();
    assert!(
        !hear(&mut clocks, 2, 1_000, 500, 0),
        "half a second on the way"
    );
    assert!(!hear(&mut clocks, 1, 1_000, 2, 0), "from itself");
    assert!(!hear(&mut clocks, 9, 1_000, 2, 0), "from a stranger");
    let now = moment(1_000, 0);
    assert!(
        !clocks.heard(2, now.monotonic_us + 1, now.unix_us, now),
        "asked tomorrow"
    );
    assert_eq!(clocks.judge(now), Judgement::Unheard);
    assert!(hear(&mut clocks, 2, 1_000, 2, 200_000));
    assert!(hear(&mut clocks, 2, 2_000, 300, 100_000));
    assert_eq!(clocks.skews(moment(2_000, 0)), [(2, 200_000)]);
    // One that contradicts it is believed at once: the clock was set.
    assert!(hear(&mut clocks, 2, 2_100, 300, 900_000));
    assert_eq!(clocks.skews(moment(2_100, 0)), [(2, 900_000)]);
    // And numbers from nowhere do no harm.
    for shown in [0, u64::MAX] {
        assert!(clocks.heard(2, now.monotonic_us, shown, now));
        assert_eq!(clocks.judge(now), Judgement::Torn);
        assert!(!clocks.skews(now).is_empty());
    }
}

#[test]
fn members_that_come_and_go_change_who_counts() {
    let mut clocks = three();
    assert!(hear(&mut clocks, 2, 1_000, 2, 0));
    clocks.set_voters(vec![1, 2, 3, 4, 5]);
    assert_eq!(clocks.judge(moment(1_000, 0)), Judgement::Unheard);
    assert!(hear(&mut clocks, 5, 1_000, 2, 0));
    assert_eq!(clocks.judge(moment(1_000, 0)), Judgement::Agreed);
    clocks.set_voters(vec![1, 3, 4]);
    assert_eq!(clocks.judge(moment(1_000, 0)), Judgement::Unheard);
    clocks.set_voters(vec![1]);
    assert_eq!(clocks.judge(moment(1_000, 0)), Judgement::Agreed);
}

#[test]
fn a_stamp_too_far_ahead_waits_until_it_is_not_or_for_ten_seconds() {
    let mut patience = Patience::default();
    let (now, mono) = (START, 7_000_000);
    let limit = now + AHEAD_US;
    assert_eq!(patience.limit(now, None, mono), limit);
    assert_eq!(patience.limit(now, Some(limit), mono), limit);
    let far = limit + 3_600_000_000;
    assert_eq!(patience.limit(now, Some(far), mono), limit);
    assert_eq!(
        patience.limit(now, Some(far), mono + PATIENCE_US - 1),
        limit
    );
    assert_eq!(patience.limit(now, Some(far), mono + PATIENCE_US), far);
    // Another one waits anew.
    assert_eq!(
        patience.limit(now, Some(far + 1), mono + PATIENCE_US),
        limit
    );
    // Its time comes.
    assert_eq!(
        patience.limit(far, Some(far + 1), mono + PATIENCE_US + 1),
        far + AHEAD_US
    );
    assert_eq!(
        patience.limit(now, Some(far + 1), mono + 2 * PATIENCE_US),
        limit
    );
}
