//! Statement after statement: what ties them together, and what gives a gap, a repetition or another history
//! away.

use akashi_merkle::processed::Processed;
use akashi_merkle::statement::{CheckedStatement, StatementScope, SuccessionError};
use expect_test::expect_file;

use crate::statement::{FROM_US, Log, leaf_of, processed};

fn checked(log: &Log, first: u64, last: u64) -> CheckedStatement {
    log.verify(&log.text(&Log::scope(first, last), 4)).unwrap()
}

#[test]
fn a_statement_goes_on_where_the_one_before_it_ended() {
    // The log has grown in between, and the earlier end was shown or not.
    for length in [10, 11, 20] {
        let (early, late) = (Log::of(length), Log::of(25));
        let november = checked(&early, 1, 10);
        assert_eq!(november.end_shown, length > 10);
        let december = checked(&late, 11, 20);
        assert_eq!(december.continues(&november), Ok(()), "{length}");
        // Made again later, over a longer log than its successor.
        let again = checked(&Log::of(30), 1, 10);
        assert_eq!(december.continues(&again), Ok(()));
    }
}

#[test]
fn what_stands_in_neither_or_in_both_is_named() {
    let log = Log::of(30);
    let november = checked(&log, 1, 10);
    assert_eq!(
        checked(&log, 13, 20).continues(&november),
        Err(SuccessionError::Gap { number: 11 })
    );
    assert_eq!(
        checked(&log, 9, 20).continues(&november),
        Err(SuccessionError::Overlap { number: 9 })
    );
    // The order matters.
    let december = checked(&log, 11, 20);
    assert_eq!(
        november.continues(&december),
        Err(SuccessionError::Overlap { number: 1 })
    );
    assert_eq!(
        november.continues(&november),
        Err(SuccessionError::Overlap { number: 1 })
    );
}

#[test]
fn periods_without_contacts_stand_between_the_others() {
    let log = Log::of(30);
    let november = checked(&log, 1, 10);
    let quiet = StatementScope {
        from_us: FROM_US + 10_500_000,
        until_us: FROM_US + 10_999_999,
        ..Log::scope(11, 10)
    };
    // It begins before the period before it has ended.
    let quiet = log.verify(&log.text(&quiet, 4)).unwrap();
    assert_eq!(quiet.continues(&november), Err(SuccessionError::Period));
    let short = StatementScope {
        until_us: FROM_US + 10_500_000,
        ..Log::scope(1, 10)
    };
    let short = log.verify(&log.text(&short, 4)).unwrap();
    assert_eq!(quiet.continues(&short), Ok(()));
    let december = checked(&log, 11, 20);
    assert_eq!(december.continues(&quiet), Ok(()));
}

#[test]
fn another_history_of_the_same_log_shows_at_the_border() {
    let november = checked(&Log::of(20), 1, 10);
    let changed = |number: u64| {
        Log::with(25, move |at, leaf| {
            if at == number {
                leaf_of(&Processed {
                    disposition: 99,
                    ..processed(at)
                })
            } else {
                leaf
            }
        })
    };
    // The contact at the end of the one, and the one behind it.
    for number in [10, 11] {
        let december = checked(&changed(number), 11, 20);
        assert_eq!(
            december.continues(&november),
            Err(SuccessionError::OtherLog),
            "{number}"
        );
    }
    // Two roots of one size.
    let forked = Log::with(20, |at, leaf| {
        if at == 3 {
            leaf_of(&Processed {
                disposition: 99,
                ..processed(3)
            })
        } else {
            leaf
        }
    });
    assert_eq!(
        checked(&forked, 11, 20).continues(&november),
        Err(SuccessionError::OtherLog)
    );
}

#[test]
fn the_succession_that_others_check_is_pinned() {
    let log = Log::of(12);
    let next = log.text(&Log::scope(6, 9), 2);
    expect_file!["../golden/statement-next.txt"].assert_eq(&next);
    let first = Log::of(6);
    let before = first.verify(&first.text(&Log::scope(2, 5), 2)).unwrap();
    assert_eq!(log.verify(&next).unwrap().continues(&before), Ok(()));
}
