//! The figures of `docs/presence.md`, on a small set of seeds: if the rule changes, they do, and the
//! page has to.

use akashi_presence::Rule;

use crate::model::{Errors, KofN, Sequential, agents, impostors, quantile};

const PERCENT: u64 = 10_000_000;

#[test]
fn the_right_agent_is_hardly_ever_blacked_out() {
    let rule = Sequential::new(Rule::STANDARD);
    let months = 20;
    let independent = agents(&rule, Errors::independent(PERCENT), months, 1).0;
    let turning = Errors::in_stretches("turning", PERCENT, 50 * PERCENT, 10);
    let stubborn = Errors::in_stretches("stubborn", PERCENT, 90 * PERCENT, 4);
    assert_eq!(independent, 0);
    for errors in [turning, stubborn] {
        let count = agents(&rule, errors, months, 2).0;
        let name = errors.name;
        assert!(count <= months, "{name}: {count} in {months} months");
    }
    // What the same errors do to three in a row, every five seconds.
    let naive = agents(&KofN::new(3, 3, 5), turning, months, 2).0;
    assert!(naive > 10 * months, "{naive}");
}

#[test]
fn an_impostor_is_hidden_with_the_first_sample_and_black_within_half_a_minute() {
    let rule = Sequential::new(Rule::STANDARD);
    for luck in [100_000, 20_000] {
        let times = impostors(&rule, Errors::independent(luck), 20_000, 3);
        let mut hidden: Vec<u64> = times.iter().map(|(hidden, _)| *hidden).collect();
        let mut black: Vec<u64> = times.iter().map(|(_, black)| *black).collect();
        hidden.sort_unstable();
        black.sort_unstable();
        assert_eq!(quantile(&hidden, 990), 5);
        assert_eq!(
            [500, 900, 990].map(|at| quantile(&black, at)),
            [24, 26, 26],
            "FMR {luck} in 1,000,000,000"
        );
    }
}
