//! When an attempt may be repeated, and when it must not.
//!
//! Pure decisions over statuses, budgets and random bytes: no clock is read and nothing waits here.
//! Every request of this SDK is either a read or carries a request id, so that a repeat is harmless;
//! what is decided here is only whether it can help. Nothing is ever repeated past the deadline.

use std::time::Duration;

use prost::Message as _;
use tonic::{Code, Status};

/// The first attempt, in milliseconds; one after a silent one may take twice as long.
///
/// A node that is frozen says nothing at all, and the others have a new leader by then; a node that is
/// only busy gets longer the next time, so that repeats do not pile up.
pub const ATTEMPT_MS_FIRST: u64 = 1_000;
/// Longest single attempt, in milliseconds. A node rides a fail-over for up to 3 s before it says
/// UNAVAILABLE; beyond that, another node is the better bet.
pub const ATTEMPT_MS_MAX: u64 = 4_000;
/// First pause between attempts, in milliseconds: about one round of an election at its fastest.
pub const BACKOFF_MS_FIRST: u64 = 20;
/// Longest pause between attempts, in milliseconds: a caller should notice a new leader quickly.
pub const BACKOFF_MS_MAX: u64 = 500;
/// An attempt with less than this left, in milliseconds, could only fail.
pub const ATTEMPT_MS_MIN: u64 = 5;

/// What follows from one failed attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Wait this long, then try again, on another node if `other_node`.
    Again {
        /// The pause before the next attempt.
        after: Duration,
        /// Whether the node that failed should be avoided.
        other_node: bool,
    },
    /// The answer is final.
    Final,
    /// It might have helped to try again, but the deadline does not allow it.
    OutOfTime,
}

/// The course of one request: how often it failed so far.
#[derive(Debug, Default)]
pub struct Retry {
    failures: u32,
    /// Attempts that ended without a word.
    silences: u32,
}

impl Retry {
    /// A request that has not failed yet.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            failures: 0,
            silences: 0,
        }
    }

    /// The time for the next attempt out of what `remaining` leaves; none if it is too little.
    #[must_use]
    pub fn attempt_budget(&self, remaining: Duration) -> Option<Duration> {
        let limit_ms = ATTEMPT_MS_FIRST
            .saturating_mul(1_u64 << self.silences.min(10))
            .min(ATTEMPT_MS_MAX);
        (remaining >= Duration::from_millis(ATTEMPT_MS_MIN))
            .then(|| remaining.min(Duration::from_millis(limit_ms)))
    }

    /// Decides after a failed attempt. `jitter` is one uniformly random number.
    pub fn after(&mut self, status: &Status, remaining: Duration, jitter: u32) -> Next {
        let (wait, other_node) = match cause(status) {
            Cause::Final => return Next::Final,
            Cause::Elsewhere => (self.backoff(jitter), true),
            Cause::Later(wait) => (wait.max(self.backoff(jitter)), false),
        };
        self.failures = self.failures.saturating_add(1);
        if status.code() == Code::DeadlineExceeded {
            self.silences = self.silences.saturating_add(1);
        }
        if wait + Duration::from_millis(ATTEMPT_MS_MIN) > remaining {
            return Next::OutOfTime;
        }
        Next::Again {
            after: wait,
            other_node,
        }
    }

    /// A pause between zero and a limit that doubles with every failure ("full jitter": callers that
    /// failed together do not return together).
    fn backoff(&self, jitter: u32) -> Duration {
        let limit_ms = BACKOFF_MS_FIRST
            .saturating_mul(1_u64 << self.failures.min(10))
            .min(BACKOFF_MS_MAX);
        let limit_us = limit_ms * 1_000;
        Duration::from_micros(limit_us * u64::from(jitter) / u64::from(u32::MAX))
    }
}

enum Cause {
    Final,
    Elsewhere,
    Later(Duration),
}

fn cause(status: &Status) -> Cause {
    match status.code() {
        Code::Unavailable | Code::DeadlineExceeded => Cause::Elsewhere,
        Code::ResourceExhausted => retry_info(status).map_or(Cause::Final, Cause::Later),
        // A connection that breaks under a request (a killed node) surfaces as one of these, with
        // the transport's error attached; an answer of a node has none.
        Code::Unknown | Code::Cancelled | Code::Internal if from_transport(status) => {
            Cause::Elsewhere
        }
        Code::Ok
        | Code::Unknown
        | Code::Cancelled
        | Code::Internal
        | Code::InvalidArgument
        | Code::NotFound
        | Code::AlreadyExists
        | Code::PermissionDenied
        | Code::FailedPrecondition
        | Code::Aborted
        | Code::OutOfRange
        | Code::Unimplemented
        | Code::DataLoss
        | Code::Unauthenticated => Cause::Final,
    }
}

fn from_transport(status: &Status) -> bool {
    std::error::Error::source(status).is_some()
}

/// `google.rpc.Status`, as carried by `grpc-status-details-bin`.
#[derive(Clone, PartialEq, prost::Message)]
struct RpcStatus {
    #[prost(message, repeated, tag = "3")]
    details: Vec<prost_types::Any>,
}

/// `google.rpc.RetryInfo`.
#[derive(Clone, PartialEq, prost::Message)]
struct RetryInfo {
    #[prost(message, optional, tag = "1")]
    retry_delay: Option<prost_types::Duration>,
}

/// The pause that the node asks for, if its status carries a `RetryInfo`.
#[must_use]
pub fn retry_info(status: &Status) -> Option<Duration> {
    let details = RpcStatus::decode(status.details()).ok()?;
    let info = details
        .details
        .iter()
        .find(|any| any.type_url.ends_with("/google.rpc.RetryInfo"))
        .and_then(|any| RetryInfo::decode(any.value.as_slice()).ok())?;
    let delay = info.retry_delay?;
    let seconds = u64::try_from(delay.seconds).ok()?;
    let nanos = u32::try_from(delay.nanos)
        .ok()
        .filter(|n| *n < 1_000_000_000)?;
    Some(Duration::new(seconds, nanos))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_secs(60);

    fn exhausted(delay: Option<prost_types::Duration>) -> Status {
        let info = RetryInfo { retry_delay: delay };
        let any = prost_types::Any {
            type_url: "type.googleapis.com/google.rpc.RetryInfo".to_owned(),
            value: info.encode_to_vec(),
        };
        let details = RpcStatus { details: vec![any] }.encode_to_vec();
        Status::with_details(Code::ResourceExhausted, "busy", details.into())
    }

    #[test]
    fn unavailable_and_a_lost_attempt_go_to_another_node() {
        for code in [Code::Unavailable, Code::DeadlineExceeded] {
            let next = Retry::new().after(&Status::new(code, ""), LONG, u32::MAX);
            let after = Duration::from_millis(BACKOFF_MS_FIRST);
            assert_eq!(
                next,
                Next::Again {
                    after,
                    other_node: true
                }
            );
        }
    }

    #[test]
    fn an_answer_about_the_request_itself_is_final() {
        for code in [
            Code::InvalidArgument,
            Code::AlreadyExists,
            Code::FailedPrecondition,
            Code::PermissionDenied,
            Code::Unauthenticated,
            Code::NotFound,
            Code::Unimplemented,
            Code::DataLoss,
            Code::Internal,
            Code::Unknown,
        ] {
            assert_eq!(
                Retry::new().after(&Status::new(code, ""), LONG, 0),
                Next::Final,
                "{code:?}"
            );
        }
    }

    #[test]
    fn a_limit_is_waited_for_only_if_the_node_says_how_long() {
        let bare = Status::new(Code::ResourceExhausted, "locked");
        assert_eq!(Retry::new().after(&bare, LONG, 0), Next::Final);
        let told = exhausted(Some(prost_types::Duration {
            seconds: 2,
            nanos: 500_000_000,
        }));
        let after = Duration::from_millis(2_500);
        assert_eq!(
            Retry::new().after(&told, LONG, 0),
            Next::Again {
                after,
                other_node: false
            }
        );
    }

    #[test]
    fn a_wait_beyond_the_deadline_is_not_begun() {
        let told = exhausted(Some(prost_types::Duration {
            seconds: 30,
            nanos: 0,
        }));
        assert_eq!(
            Retry::new().after(&told, Duration::from_secs(5), 0),
            Next::OutOfTime
        );
        let gone = Status::new(Code::Unavailable, "");
        assert_eq!(
            Retry::new().after(&gone, Duration::from_millis(2), 0),
            Next::OutOfTime
        );
    }

    #[test]
    fn a_nonsensical_delay_is_as_good_as_none() {
        for (seconds, nanos) in [(-1, 0), (0, -5), (0, 2_000_000_000)] {
            let told = exhausted(Some(prost_types::Duration { seconds, nanos }));
            assert_eq!(retry_info(&told), None);
        }
        assert_eq!(retry_info(&exhausted(None)), None);
    }

    #[test]
    fn pauses_grow_to_a_limit_and_never_beyond() {
        let mut retry = Retry::new();
        let gone = Status::new(Code::Unavailable, "");
        let mut last = Duration::ZERO;
        for _ in 0..40 {
            let Next::Again { after, .. } = retry.after(&gone, LONG, u32::MAX) else {
                panic!("must go on while time is left");
            };
            assert!(after >= last && after <= Duration::from_millis(BACKOFF_MS_MAX));
            last = after;
        }
        assert_eq!(last, Duration::from_millis(BACKOFF_MS_MAX));
    }

    #[test]
    fn an_attempt_never_gets_more_than_is_left_and_a_silent_one_is_followed_by_a_longer_one() {
        let mut retry = Retry::new();
        assert_eq!(retry.attempt_budget(Duration::from_millis(1)), None);
        let short = Duration::from_millis(700);
        assert_eq!(retry.attempt_budget(short), Some(short));
        let silent = Status::new(Code::DeadlineExceeded, "");
        let refused = Status::new(Code::Unavailable, "");
        for limit_ms in [1_000, 2_000, ATTEMPT_MS_MAX, ATTEMPT_MS_MAX] {
            let limit = Some(Duration::from_millis(limit_ms));
            assert_eq!(retry.attempt_budget(LONG), limit);
            retry.after(&refused, LONG, 0);
            assert_eq!(retry.attempt_budget(LONG), limit, "it has answered");
            retry.after(&silent, LONG, 0);
        }
    }
}
