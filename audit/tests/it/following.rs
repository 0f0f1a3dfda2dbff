//! Readers of the whole log: what they accept, and that a log cannot change under them.

use akashi_merkle::{
    CheckError, ConsistencyError, FollowError, Follower, Origin, consistency_proof, root_at,
};
use proptest::prelude::*;

use crate::cluster::{Cluster, head, origin, verdicts};
use crate::oracle::grow;

#[test]
fn a_follower_reads_the_log_in_batches_up_to_the_head() {
    let cluster = Cluster::new(3);
    let leaves = verdicts(50);
    let mut follower = Follower::new(origin());
    for (begin, end) in [(0, 1), (1, 20), (20, 20), (20, 50)] {
        let signed = cluster.head_of(&leaves[..end]);
        let first = u64::try_from(begin).unwrap();
        let checked = follower
            .advance(first, &leaves[begin..end], &[], &signed, &cluster.keys)
            .unwrap();
        assert_eq!(follower.token(), *checked.head());
    }
    assert_eq!(follower.frontier(), &grow(&leaves).0);
}

#[test]
fn a_batch_may_end_before_the_head_with_a_consistency_proof() {
    let cluster = Cluster::new(3);
    let leaves = verdicts(50);
    let (_, nodes) = grow(&leaves);
    let signed = cluster.head_of(&leaves);
    let mut follower = Follower::new(origin());
    let path = consistency_proof(&nodes, 30, 50).unwrap();
    follower
        .advance(0, &leaves[..30], &path, &signed, &cluster.keys)
        .unwrap();
    assert_eq!(follower.size(), 30);
    follower
        .advance(30, &leaves[30..], &[], &signed, &cluster.keys)
        .unwrap();
    assert_eq!(follower.token(), signed.head);
}

#[test]
fn a_follower_goes_on_from_its_token_with_peaks_from_anyone() {
    let cluster = Cluster::new(3);
    let leaves = verdicts(50);
    let (frontier, _) = grow(&leaves[..37]);
    let token = head(37, frontier.root());
    let mut peaks = frontier.peaks().to_vec();
    let mut follower = Follower::resume(token.clone(), peaks.clone()).unwrap();
    follower
        .advance(
            37,
            &leaves[37..],
            &[],
            &cluster.head_of(&leaves),
            &cluster.keys,
        )
        .unwrap();

    peaks[1][0] ^= 1;
    assert_eq!(
        Follower::resume(token.clone(), peaks.clone()),
        Err(FollowError::ForeignPeaks)
    );
    peaks.pop();
    assert!(matches!(
        Follower::resume(token, peaks),
        Err(FollowError::Peaks(_))
    ));
}

#[test]
fn each_wrong_batch_is_refused_by_name_and_changes_nothing() {
    let cluster = Cluster::new(3);
    let leaves = verdicts(20);
    let (_, nodes) = grow(&leaves);
    let mut follower = Follower::new(origin());
    let ten = cluster.head_of(&leaves[..10]);
    follower
        .advance(0, &leaves[..10], &[], &ten, &cluster.keys)
        .unwrap();
    let before = follower.clone();
    let signed = cluster.head_of(&leaves);
    let mut refused = |first, leaves: &[Vec<u8>], path: &[_], signed: &_| {
        let error = follower
            .advance(first, leaves, path, signed, &cluster.keys)
            .unwrap_err();
        assert_eq!(follower, before);
        error
    };

    assert_eq!(refused(11, &leaves[11..], &[], &signed), FollowError::Gap);
    assert_eq!(refused(9, &leaves[9..], &[], &signed), FollowError::Gap);
    let five = cluster.head_of(&leaves[..5]);
    assert_eq!(refused(10, &[], &[], &five), FollowError::HeadBehind);
    assert_eq!(
        refused(10, &leaves[10..12], &[], &ten),
        FollowError::HeadBehind
    );
    let long = vec![0; 65_536];
    assert_eq!(refused(10, &[long], &[], &signed), FollowError::LeafTooLong);
    let mut changed = leaves[10..].to_vec();
    changed[3][40] ^= 1;
    let not_the_log = FollowError::NotAContinuation(ConsistencyError::LaterRootMismatch);
    assert_eq!(refused(10, &changed, &[], &signed), not_the_log);
    let missing_path = FollowError::NotAContinuation(ConsistencyError::PathLength);
    assert_eq!(refused(10, &leaves[10..15], &[], &signed), missing_path);
    let mut path = consistency_proof(&nodes, 15, 20).unwrap();
    assert_eq!(
        refused(10, &changed[..5], &path, &signed),
        FollowError::NotAContinuation(ConsistencyError::EarlierRootMismatch)
    );
    path[0][0] ^= 1;
    refused(10, &leaves[10..15], &path, &signed);
    let mut unsigned = signed.clone();
    unsigned.signatures.pop();
    let no_quorum = FollowError::Head(CheckError::NoQuorum { held: 1, needed: 2 });
    assert_eq!(refused(10, &leaves[10..], &[], &unsigned), no_quorum);
    let mut other_log = signed;
    other_log.head.origin = Origin::new("kagami.example", 2, 0).unwrap();
    let wrong = FollowError::Head(CheckError::WrongOrigin);
    assert_eq!(refused(10, &leaves[10..], &[], &other_log), wrong);
}

#[test]
fn a_log_restored_from_an_old_backup_is_noticed_at_once() {
    let cluster = Cluster::new(3);
    let leaves = verdicts(30);
    let mut follower = Follower::new(origin());
    let signed = cluster.head_of(&leaves[..20]);
    follower
        .advance(0, &leaves[..20], &[], &signed, &cluster.keys)
        .unwrap();
    // The backup had 15 leaves; from there on the log went another way, and grew past 20.
    let rewritten = [&leaves[..15], &verdicts(40)[25..]].concat();
    let restored = cluster.head_of(&rewritten);
    let refused = follower
        .advance(20, &rewritten[20..], &[], &restored, &cluster.keys)
        .unwrap_err();
    assert!(matches!(refused, FollowError::NotAContinuation(_)));
}

#[test]
fn a_head_once_accepted_must_be_met_on_the_way() {
    let cluster = Cluster::new(3);
    let leaves = verdicts(30);
    let (_, nodes) = grow(&leaves);
    let mut follower = Follower::new(origin());
    let path = consistency_proof(&nodes, 10, 20).unwrap();
    let twenty = cluster.sign(&head(20, root_at(&nodes, 20).unwrap()), &[0, 1]);
    follower
        .advance(0, &leaves[..10], &path, &twenty, &cluster.keys)
        .unwrap();

    // A quorum that signs a fork: the first ten leaves agree, the twentieth does not.
    let mut forked = leaves.clone();
    forked[15][0] ^= 1;
    let (_, forked_nodes) = grow(&forked);
    let signed = cluster.head_of(&forked);
    let refused = follower.advance(10, &forked[10..], &[], &signed, &cluster.keys);
    assert_eq!(refused, Err(FollowError::Forked));
    // Also when the fork shows itself after the batch, or at the very same size.
    let path = consistency_proof(&forked_nodes, 12, 30).unwrap();
    follower
        .advance(10, &forked[10..12], &path, &signed, &cluster.keys)
        .unwrap();
    let refused = follower.advance(12, &forked[12..], &[], &signed, &cluster.keys);
    assert_eq!(refused, Err(FollowError::Forked));
    let twin = cluster.sign(&head(20, root_at(&forked_nodes, 20).unwrap()), &[0, 1]);
    let path = consistency_proof(&forked_nodes, 12, 20).unwrap();
    let refused = follower.advance(12, &[], &path, &twin, &cluster.keys);
    assert_eq!(refused, Err(FollowError::Forked));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn however_it_is_cut_the_log_reads_the_same(
        size in 1_usize..120, cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..6),
        ahead in prop::collection::vec(any::<prop::sample::Index>(), 8),
    ) {
        let cluster = Cluster::new(3);
        let leaves = verdicts(size.try_into().unwrap());
        let (frontier, nodes) = grow(&leaves);
        let mut ends: Vec<usize> = cuts.iter().map(|cut| cut.index(size)).collect();
        ends.push(size);
        ends.sort_unstable();
        let mut follower = Follower::new(origin());
        for (end, ahead) in ends.into_iter().zip(ahead) {
            let begin = usize::try_from(follower.size()).unwrap();
            let shown = u64::try_from(end + ahead.index(size - end + 1)).unwrap();
            let signed = cluster.sign(&head(shown, root_at(&nodes, shown).unwrap()), &[0, 2]);
            let reached = u64::try_from(end).unwrap();
            let path = consistency_proof(&nodes, reached, shown).unwrap();
            let first = follower.size();
            follower
                .advance(first, &leaves[begin..end], &path, &signed, &cluster.keys)
                .unwrap();
        }
        prop_assert_eq!(follower.frontier(), &frontier);
    }
}
