//! Drives a trace: every call in its own order, all of them side by side, each step at its time.

use std::sync::Arc;
use std::time::Duration;

use futures::stream::{FuturesUnordered, StreamExt as _};
use tokio::sync::Semaphore;
use tokio::time::Instant;

use super::summary::{Summary, Surprise};
use super::trace::{Act, Call, Speed, Step, Trace};
use crate::answer::Outcome;
use crate::clock::{self, Deadline};
use crate::error::Error;
use crate::platform::{Announced, Call as Announcement, CallEvent, HandOver, Platform};

/// Acts in flight at the same time: as many as a few connections carry without queueing.
const ACTS_AT_ONCE: usize = 256;

/// Drives `trace`; `each` is what one step may take, a step-up of the customer's included.
///
/// A step that the cluster refuses does not end its call, as it would not end a real one: it is in the
/// summary, and the call goes on.
pub async fn run(platform: &Platform, trace: Trace, speed: Speed, each: Duration) -> Summary {
    let driver = Driver {
        platform,
        speed,
        each,
        began: clock::monotonic().into(),
        room: Arc::new(Semaphore::new(ACTS_AT_ONCE)),
    };
    let mut driven: FuturesUnordered<_> =
        trace.calls.iter().map(|call| driver.drive(call)).collect();
    let mut summary = Summary::default();
    while let Some(one) = driven.next().await {
        summary.add(one);
    }
    summary.sort();
    summary
}

struct Driver<'a> {
    platform: &'a Platform,
    speed: Speed,
    each: Duration,
    began: Instant,
    room: Arc<Semaphore>,
}

impl Driver<'_> {
    /// Drives one call from its announcement to its last step.
    async fn drive(&self, call: &Call) -> Summary {
        let mut summary = Summary {
            calls: 1,
            ..Summary::default()
        };
        let mut contact = None;
        for step in &call.steps {
            let due = self.began + self.speed.at(step.at);
            tokio::time::sleep_until(due).await;
            // Held while the act runs, so that a burst waits here and shows as lateness.
            let Ok(_room) = self.room.acquire().await else {
                break;
            };
            summary.late.push(due.elapsed());
            let result = self.act(step, &mut contact).await;
            note(step, result, &mut summary);
            if contact.is_none() {
                break;
            }
        }
        if let Some(announced) = contact {
            self.outcome(&announced, &mut summary).await;
        }
        summary
    }

    async fn act(&self, step: &Step, contact: &mut Option<Announced>) -> Result<(), Error> {
        let deadline = Deadline::after(self.each);
        if let Act::Announce { .. } = &step.act {
            *contact = Some(self.announce(&step.act, deadline).await?);
            return Ok(());
        }
        let id = match contact {
            Some(announced) => announced.contact_id,
            None => return Err(Error::Answer { what: "contact" }),
        };
        match &step.act {
            Act::Announce { .. } => Ok(()),
            Act::Leg {
                event,
                queue,
                agent,
                scope,
                needs,
                step_up,
            } => {
                let takes = matches!(event, CallEvent::Established | CallEvent::Transferred);
                if let (Some(agent), true) = (agent.as_deref(), takes) {
                    let to = HandOver {
                        agent,
                        scope: *scope,
                        needs: *needs,
                        queue: *queue,
                    };
                    self.bind(&id, &to, step_up.as_deref(), deadline).await?;
                }
                self.platform
                    .report_event(&id, *event, *queue, agent.as_deref(), deadline)
                    .await
            }
            Act::Resume { queue } => self.platform.resume(&id, *queue, deadline).await,
            Act::StepUp { policy } => self.step_up(&id, policy, deadline).await,
            Act::Close { disposition } => self.platform.close(&id, *disposition, deadline).await,
        }
    }

    async fn announce(&self, act: &Act, deadline: Deadline) -> Result<Announced, Error> {
        let Act::Announce {
            subject,
            initiator,
            policy,
            call_reason,
            queue,
            campaign,
        } = act
        else {
            return Err(Error::Answer { what: "contact" });
        };
        let call = Announcement {
            subject,
            initiator: *initiator,
            policy,
            call_reason: *call_reason,
            agent: None,
            queue: *queue,
            campaign: *campaign,
        };
        self.platform.announce(&call, deadline).await
    }

    /// Gives the contact to an agent; where it is not good enough for that, the customer is asked first.
    async fn bind(
        &self,
        id: &[u8; 16],
        to: &HandOver<'_>,
        step_up: Option<&str>,
        deadline: Deadline,
    ) -> Result<(), Error> {
        let bound = self.platform.hand_over(id, to, deadline).await;
        match (bound, step_up) {
            (Err(error), Some(policy)) if error.reason() == Some(STEP_UP_REQUIRED) => {
                self.step_up(id, policy, deadline).await?;
                self.platform.hand_over(id, to, deadline).await
            }
            (bound, _) => bound,
        }
    }

    async fn step_up(&self, id: &[u8; 16], policy: &str, deadline: Deadline) -> Result<(), Error> {
        let asked = self.platform.step_up(id, policy, deadline).await?;
        if let Some(outcome) = asked.outcome {
            return outcome.to_result();
        }
        let verdict = self.platform.wait_step_up(id, deadline).await?;
        let outcome = verdict.outcome.ok_or(Error::Answer { what: "outcome" })?;
        outcome.to_result()
    }

    /// How the contact stands at the end of the trace.
    async fn outcome(&self, announced: &Announced, summary: &mut Summary) {
        let deadline = Deadline::after(self.each);
        let verdict = self.platform.contact(&announced.contact_id, deadline).await;
        let name = match &verdict {
            Ok(verdict) => verdict.outcome.map_or("pending", Outcome::name),
            Err(_) => "unknown",
        };
        *summary.outcomes.entry(name).or_default() += 1;
        if let Ok(verdict) = verdict
            && verdict.outcome.is_some()
        {
            summary
                .verdict_us
                .push(verdict.decided_us.saturating_sub(announced.stamp_us));
        }
    }
}

/// The reason by which a hand-over says that the customer must be asked first.
const STEP_UP_REQUIRED: &str = "STEP_UP_REQUIRED";

/// Writes down what became of a step.
fn note(step: &Step, result: Result<(), Error>, summary: &mut Summary) {
    let name = step.act.name();
    let surprise = |what: String| Surprise {
        line: step.line,
        step: name,
        what,
    };
    match (result, &step.expect) {
        (Ok(()), None) => *summary.done.entry(name).or_default() += 1,
        (Ok(()), Some(expected)) => {
            summary
                .surprises
                .push(surprise(format!("done, not {expected}")));
        }
        (Err(error), expected) => {
            let why = error
                .reason()
                .map_or_else(|| error.to_string(), str::to_owned);
            if expected.as_ref() == Some(&why) {
                summary.refused_as_expected += 1;
            } else {
                summary.surprises.push(surprise(why));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use tonic::Status;

    use super::*;

    fn refused(with: &'static str) -> Error {
        let mut status = Status::failed_precondition("no");
        let value = tonic::metadata::MetadataValue::from_static(with);
        status.metadata_mut().insert("akashi-reason", value);
        Error::from_status(status)
    }

    fn step(expect: Option<&str>) -> Step {
        Step {
            line: 7,
            at: Duration::ZERO,
            act: Act::Close { disposition: 1 },
            expect: expect.map(str::to_owned),
        }
    }

    #[test]
    fn only_what_the_trace_expects_is_no_surprise() {
        let mut summary = Summary::default();
        note(&step(None), Ok(()), &mut summary);
        note(
            &step(Some("CONTACT_CLOSED")),
            Err(refused("CONTACT_CLOSED")),
            &mut summary,
        );
        assert!(summary.surprises.is_empty());
        assert_eq!((summary.steps(), summary.refused_as_expected), (1, 1));
        note(&step(Some("CONTACT_CLOSED")), Ok(()), &mut summary);
        note(&step(None), Err(refused("LEG_CLEARED")), &mut summary);
        note(
            &step(Some("CONTACT_CLOSED")),
            Err(refused("LEG_CLEARED")),
            &mut summary,
        );
        let told: Vec<&str> = summary.surprises.iter().map(|s| s.what.as_str()).collect();
        assert_eq!(
            told,
            ["done, not CONTACT_CLOSED", "LEG_CLEARED", "LEG_CLEARED"]
        );
    }
}
