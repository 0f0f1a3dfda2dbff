//! The sequential rule: what samples come to. Never one sample, for better or for worse.
//!
//! Evidence that somebody else sits there is a sum of log-odds in thousandths of a nat, as in Wald's
//! sequential test, but never below zero and for errors that come in stretches. An agent who is once not
//! recognised (a turned head, a bad light) is likely not recognised a second later either, so the first
//! mismatch of a run weighs what a mismatch weighs, and a further one only as much as the time since the
//! one before it. A match takes away twice what the first mismatch gave: it hardly ever happens to
//! anybody else.
//!
//! While anything is in doubt the screen is masked and the sensor is asked more often. That costs an
//! agent a second and an impostor everything that could be read; the blackout, which ends a session, is
//! left to the sum.

use crate::HEARTBEAT_MS;
use crate::state::{Action, Cause, Class, Graces, State};

/// Samples of one kind in a row that are believed, where one is not.
const CONFIRMED: u8 = 2;
/// Time between samples while something is in doubt, in milliseconds.
const DOUBT_MS: u32 = 1_000;
/// Shortest time between samples that a sensor is asked for, in milliseconds.
const SAMPLE_MS_MIN: u32 = 500;

/// The weights of the rule, in thousandths of a nat of log-odds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rule {
    /// What the first mismatch of a run adds: ln(1 / FNMR) at 1 %.
    pub first: u32,
    /// What a further mismatch adds per second since the one before.
    pub per_second: u32,
    /// The most that a further mismatch adds, however long ago the one before is.
    pub further_max: u32,
    /// What a match takes away.
    pub matched: u32,
    /// From here on it is somebody else.
    pub blackout: u32,
}

impl Rule {
    /// The rule in use; `docs/presence.md` has the figures that chose it.
    pub const STANDARD: Self = Self {
        first: 4_600,
        per_second: 460,
        further_max: 1_380,
        matched: 9_200,
        blackout: 14_000,
    };
}

/// A change of state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Transition {
    /// Before.
    pub from: State,
    /// Now. The same as before if it only lasted too long.
    pub to: State,
    /// Why.
    pub cause: Cause,
}

/// What one sample, or the passing of time, led to.
pub type Step = Option<Transition>;

/// One agent's presence, from attaching to leaving. About 80 bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Watch {
    state: State,
    /// Since when the state is what it is.
    since_us: u64,
    /// When the sensor last had a picture.
    heard_us: u64,
    /// When a face was last seen, whoever's.
    face_us: u64,
    /// The last class and how often in a row, saturating.
    last: Class,
    run: u8,
    /// Evidence for somebody else, and when the mismatch was that added to it last.
    evidence: u32,
    mismatch_us: u64,
    /// Something speaks against the agent, or nothing has spoken for the agent yet.
    doubt: bool,
    /// That the state lasts too long was said.
    lasting_said: bool,
}

impl Watch {
    /// Begins in the state that the log has. Nothing is shown before two matches.
    #[must_use]
    pub const fn new(state: State, now_us: u64) -> Self {
        Self {
            state,
            since_us: now_us,
            heard_us: now_us,
            face_us: now_us,
            last: Class::Lost,
            run: 0,
            evidence: 0,
            mismatch_us: now_us,
            doubt: true,
            lasting_said: false,
        }
    }

    /// The state.
    #[must_use]
    pub const fn state(&self) -> State {
        self.state
    }

    /// Takes one sample.
    pub fn sample(&mut self, rule: &Rule, graces: &Graces, class: Class, now_us: u64) -> Step {
        self.run = if class == self.last {
            self.run.saturating_add(1)
        } else {
            1
        };
        self.last = class;
        if class != Class::Lost {
            self.heard_us = now_us;
        }
        match class {
            Class::Match | Class::NoMatch | Class::Several => self.face_us = now_us,
            Class::NoFace | Class::Occluded | Class::Lost => {}
        }
        self.weigh(rule, class, now_us);
        let next = self.next(rule, graces, class, now_us);
        let cause = match next {
            State::Absent | State::CameraLost => Cause::Grace,
            State::Present | State::Occluded | State::Multiple | State::Other | State::Unseen => {
                Cause::Samples
            }
        };
        self.turn(next, cause, now_us)
    }

    /// Lets time pass without a sample.
    pub fn tick(&mut self, graces: &Graces, now_us: u64) -> Step {
        let silent = now_us.saturating_sub(self.heard_us) >= graces.lost_us;
        match self.state {
            State::Other => None,
            State::CameraLost => {
                let lasted = now_us.saturating_sub(self.since_us) >= graces.suspend_us;
                if self.lasting_said || graces.suspend_us == 0 || !lasted {
                    return None;
                }
                self.lasting_said = true;
                Some(Transition {
                    from: self.state,
                    to: self.state,
                    cause: Cause::Lasting,
                })
            }
            State::Present | State::Absent | State::Multiple | State::Unseen if silent => {
                self.turn(State::CameraLost, self.why_silent(), now_us)
            }
            State::Occluded if silent || now_us.saturating_sub(self.since_us) >= graces.lost_us => {
                let cause = if silent {
                    self.why_silent()
                } else {
                    Cause::Grace
                };
                self.turn(State::CameraLost, cause, now_us)
            }
            State::Present | State::Absent | State::Occluded | State::Multiple | State::Unseen => {
                None
            }
        }
    }

    /// When [`Watch::tick`] may have something to say at the earliest, if no sample comes.
    #[must_use]
    pub const fn due_us(&self, graces: &Graces) -> u64 {
        let silent = self.heard_us.saturating_add(graces.lost_us);
        match self.state {
            State::Other => u64::MAX,
            State::CameraLost if self.lasting_said || graces.suspend_us == 0 => u64::MAX,
            State::CameraLost => self.since_us.saturating_add(graces.suspend_us),
            State::Occluded => {
                let covered = self.since_us.saturating_add(graces.lost_us);
                if covered < silent { covered } else { silent }
            }
            State::Present | State::Absent | State::Multiple | State::Unseen => silent,
        }
    }

    /// Begins anew after the agent has logged in again, in the state that the log has now.
    pub const fn restore(&mut self, state: State, now_us: u64) {
        *self = Self::new(state, now_us);
    }

    /// What the screen does: what the state says, and never less than a mask in doubt.
    #[must_use]
    pub fn action(&self, graces: &Graces) -> Action {
        let action = self.state.action(graces.clear_screen);
        if self.doubt {
            action.max(Action::Mask)
        } else {
            action
        }
    }

    /// When the next sample is wanted, in milliseconds from the last.
    #[must_use]
    pub fn next_ms(&self, graces: &Graces) -> u32 {
        let half = |grace_us: u64| {
            let half_ms = grace_us.checked_div(2_000).unwrap_or_default();
            u32::try_from(half_ms).unwrap_or(u32::MAX)
        };
        let calm = HEARTBEAT_MS
            .min(half(graces.absent_us))
            .min(half(graces.lost_us))
            .max(SAMPLE_MS_MIN);
        let at_ease = self.state == State::Present && !self.doubt && self.last == Class::Match;
        if at_ease || self.state == State::Other {
            calm
        } else {
            calm.min(DOUBT_MS)
        }
    }

    fn why_silent(&self) -> Cause {
        if self.last == Class::Lost && self.run > 0 {
            Cause::Grace
        } else {
            Cause::Silence
        }
    }

    /// Weighs a sample for and against somebody else.
    fn weigh(&mut self, rule: &Rule, class: Class, now_us: u64) {
        match class {
            Class::NoMatch => {
                let since_ms = now_us
                    .saturating_sub(self.mismatch_us)
                    .checked_div(1_000)
                    .unwrap_or_default();
                let further = u64::from(rule.per_second)
                    .saturating_mul(since_ms)
                    .checked_div(1_000)
                    .unwrap_or_default()
                    .min(u64::from(rule.further_max));
                let weight = if self.evidence == 0 {
                    rule.first
                } else {
                    u32::try_from(further).unwrap_or(rule.further_max)
                };
                self.evidence = self.evidence.saturating_add(weight).min(rule.blackout);
                self.mismatch_us = now_us;
                self.doubt = true;
            }
            Class::Several => self.doubt = true,
            Class::Match => {
                self.evidence = self.evidence.saturating_sub(rule.matched);
                if self.run >= CONFIRMED && self.evidence == 0 {
                    self.doubt = false;
                }
            }
            Class::NoFace | Class::Occluded | Class::Lost => {}
        }
    }

    fn next(&self, rule: &Rule, graces: &Graces, class: Class, now_us: u64) -> State {
        if self.state == State::Other || self.evidence >= rule.blackout {
            return State::Other;
        }
        let confirmed = self.run >= CONFIRMED;
        let faceless_us = now_us.saturating_sub(self.face_us);
        match class {
            Class::Match if confirmed && !self.doubt => State::Present,
            Class::Several if confirmed => State::Multiple,
            // A grace is longer than two samples, so that it needs no second one; and whoever mixes
            // classes so that none comes twice in a row gains no more than the grace.
            Class::NoFace if faceless_us >= graces.absent_us => State::Absent,
            Class::Occluded if self.state == State::CameraLost => State::CameraLost,
            Class::Occluded if confirmed || faceless_us >= graces.lost_us => State::Occluded,
            Class::Lost if now_us.saturating_sub(self.heard_us) >= graces.lost_us => {
                State::CameraLost
            }
            Class::Match
            | Class::NoMatch
            | Class::NoFace
            | Class::Several
            | Class::Occluded
            | Class::Lost => self.state,
        }
    }

    fn turn(&mut self, to: State, cause: Cause, now_us: u64) -> Step {
        if to == self.state {
            return None;
        }
        let from = self.state;
        self.state = to;
        self.since_us = now_us;
        self.lasting_said = false;
        // Whoever comes back from anything is looked at twice.
        if to != State::Present {
            self.doubt = true;
        }
        Some(Transition { from, to, cause })
    }
}
