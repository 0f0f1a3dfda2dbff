//! A model of agents and impostors in front of a sensor, to choose a rule by figures.
//!
//! Errors are not independent: somebody who is not recognised is likely not recognised a second later.
//! The model is a chain of two states in steps of a second, a good one and a bad one, each with its own
//! chance of an error per sample. Chance is `SplitMix64` from a seed, in integers, so that every machine
//! gets the same figures.

use akashi_presence::{Action, Class, Graces, Rule, SECOND_US, State, Watch};

/// Seconds of work in a month: 22 shifts of 8 hours.
pub(crate) const MONTH_S: u64 = 22 * 8 * 3_600;

/// `SplitMix64` (Steele, Lea, Flood 2014).
pub(crate) struct Chance(u64);

impl Chance {
    pub(crate) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Whether something happens whose chance is `ppb` in 1,000,000,000.
    pub(crate) const fn happens(&mut self, ppb: u64) -> bool {
        // 2^64 / 10^9, rounded down: the error is below 10^-9.
        self.next() < ppb.saturating_mul(18_446_744_073)
    }
}

/// How errors come. Chances are in parts per 1,000,000,000.
#[derive(Clone, Copy)]
pub(crate) struct Errors {
    pub(crate) name: &'static str,
    /// Chance of an error per sample in the good and in the bad state.
    pub(crate) good: u64,
    pub(crate) bad: u64,
    /// Chance per second to change from good to bad, and back.
    pub(crate) worsens: u64,
    pub(crate) recovers: u64,
}

pub(crate) const BILLION: u64 = 1_000_000_000;

impl Errors {
    /// Every sample for itself.
    pub(crate) const fn independent(rate: u64) -> Self {
        Self {
            name: "independent",
            good: rate,
            bad: rate,
            worsens: 0,
            recovers: BILLION,
        }
    }

    /// In stretches of `seconds` on average, with an error chance of `bad` in them and none outside, so
    /// that the rate over all is `rate`.
    pub(crate) const fn in_stretches(
        name: &'static str,
        rate: u64,
        bad: u64,
        seconds: u64,
    ) -> Self {
        let recovers = BILLION / seconds;
        // Share of bad time: rate / bad = worsens / (worsens + recovers).
        let worsens = recovers * (rate / 1_000) / ((bad - rate) / 1_000);
        Self {
            name,
            good: 0,
            bad,
            worsens,
            recovers,
        }
    }
}

/// What judges a stream of right and wrong samples.
pub(crate) trait Judge: Clone {
    /// A sample at this second; whether the screen is hidden, and whether it is black for good.
    fn judge(&mut self, wrong: bool, second: u64) -> (bool, bool);
    /// Seconds until the next sample.
    fn next_s(&self) -> u64;
}

/// The rule of this crate.
#[derive(Clone)]
pub(crate) struct Sequential(pub(crate) Rule, pub(crate) Watch, pub(crate) Graces);

impl Sequential {
    pub(crate) fn new(rule: Rule) -> Self {
        let (mut watch, graces) = (Watch::new(State::Present, 0), Graces::default());
        watch.sample(&rule, &graces, Class::Match, 0);
        watch.sample(&rule, &graces, Class::Match, 0);
        Self(rule, watch, graces)
    }
}

impl Judge for Sequential {
    fn judge(&mut self, wrong: bool, second: u64) -> (bool, bool) {
        let class = if wrong { Class::NoMatch } else { Class::Match };
        self.1.sample(&self.0, &self.2, class, second * SECOND_US);
        let action = self.1.action(&self.2);
        (action > Action::Show, action == Action::Blackout)
    }

    fn next_s(&self) -> u64 {
        u64::from(self.1.next_ms(&self.2)).div_ceil(1_000)
    }
}

/// `k` mismatches among the last `n`, every five seconds, or every second after a mismatch.
#[derive(Clone)]
pub(crate) struct KofN {
    pub(crate) k: u32,
    pub(crate) n: u32,
    pub(crate) hurried_s: u64,
    past: u64,
}

impl KofN {
    pub(crate) const fn new(k: u32, n: u32, hurried_s: u64) -> Self {
        Self {
            k,
            n,
            hurried_s,
            past: 0,
        }
    }
}

impl Judge for KofN {
    fn judge(&mut self, wrong: bool, _: u64) -> (bool, bool) {
        self.past = (self.past << 1 | u64::from(wrong)) & ((1 << self.n) - 1);
        (self.past & 1 == 1, self.past.count_ones() >= self.k)
    }

    fn next_s(&self) -> u64 {
        if self.past & 1 == 1 {
            self.hurried_s
        } else {
            5
        }
    }
}

/// False blackouts, and seconds masked, of right agents over `months` months.
pub(crate) fn agents<J: Judge>(fresh: &J, errors: Errors, months: u64, seed: u64) -> (u64, u64) {
    let mut chance = Chance::new(seed);
    let (mut judge, mut bad, mut hidden) = (fresh.clone(), false, false);
    let (mut blackouts, mut masked_s, mut due) = (0, 0, 5);
    for second in 1..=months * MONTH_S {
        let change = if bad { errors.recovers } else { errors.worsens };
        bad ^= chance.happens(change);
        masked_s += u64::from(hidden);
        if second < due {
            continue;
        }
        let wrong = chance.happens(if bad { errors.bad } else { errors.good });
        let (hides, black) = judge.judge(wrong, second);
        hidden = hides;
        if black {
            blackouts += 1;
            judge = fresh.clone();
            hidden = false;
        }
        due = second + judge.next_s();
    }
    (blackouts, masked_s)
}

/// Seconds until an impostor's screen is hidden for the first time, and until it is black.
pub(crate) fn impostors<J: Judge>(
    fresh: &J,
    luck: Errors,
    count: u64,
    seed: u64,
) -> Vec<(u64, u64)> {
    let mut chance = Chance::new(seed);
    let mut times = Vec::new();
    for _ in 0..count {
        let mut judge = fresh.clone();
        // Sits down at any moment between two samples, and may be lucky from the start.
        let mut due = 1 + chance.next() % 5;
        let share = luck.worsens * (BILLION / 1_000) / (luck.worsens + luck.recovers) * 1_000;
        let mut lucky = chance.happens(share);
        let (mut masked, mut second) = (None, 0);
        let black = loop {
            second += 1;
            let change = if lucky { luck.recovers } else { luck.worsens };
            lucky ^= chance.happens(change);
            if second < due {
                continue;
            }
            let matches = chance.happens(if lucky { luck.bad } else { luck.good });
            let (hides, black) = judge.judge(!matches, second);
            if hides && masked.is_none() {
                masked = Some(second);
            }
            if black {
                break second;
            }
            due = second + judge.next_s();
        };
        times.push((masked.unwrap_or(black), black));
    }
    times
}

/// The value that `per_mille` of the sorted values do not exceed.
pub(crate) fn quantile(sorted: &[u64], per_mille: usize) -> u64 {
    let at = (sorted.len() * per_mille).div_ceil(1_000).max(1) - 1;
    sorted[at]
}
