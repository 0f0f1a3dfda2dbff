//! Liars among honest customers: how many verdicts per second the honest ones get while others send
//! proofs that do not hold.
//!
//! A liar sends another customer's proofs for a challenge that is open, as somebody would who read
//! along. Both proofs fail; each replica judges them, refuses them and says nothing.

use std::sync::Arc;
use std::time::Duration;

use akashi_client::phone::{Submission, submit_through};

use crate::Failure;
use crate::akashi::{Akashi, Ready, call_deadline, lane, verdict};
use crate::load::{Measured, Shape, drive};

/// Calls in flight: enough for replicas to judge many proofs together.
pub const DEPTH: usize = 256;
/// Longest stretch, in seconds.
const STRETCH_S_MAX: u64 = 120;

/// How many of the submissions lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Liars {
    /// None.
    None,
    /// One of 64 submissions: about one in each batch of proofs that is judged together.
    OnePerBatch,
    /// Every other submission.
    Half,
}

impl Liars {
    /// All of them, in the order of the table.
    pub const ALL: [Self; 3] = [Self::None, Self::OnePerBatch, Self::Half];

    /// As the table says it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "no liars",
            Self::OnePerBatch => "one lie in 64 submissions",
            Self::Half => "every other submission a lie",
        }
    }

    const fn lies(self, call: usize) -> bool {
        match self {
            Self::None => false,
            Self::OnePerBatch => call % 64 == 31,
            Self::Half => call % 2 == 1,
        }
    }
}

/// Honest verdicts while some of the submissions lie: `done` counts the honest ones only.
///
/// # Errors
///
/// If an honest submission is not verified, or a lie is.
pub async fn verdicts(akashi: &Akashi, liars: Liars, time: Duration) -> Result<Measured, Failure> {
    let mut all = Measured::new()?;
    while all.wall < time {
        let (_, announced) = akashi.announce(DEPTH, akashi.people()).await?;
        let ready = akashi.prove(announced).await?;
        all.add(&submit(akashi, liars, ready).await?)?;
    }
    Ok(all)
}

/// What one caller sends.
enum Sent {
    Honest(Submission),
    Lie(Submission),
}

async fn submit(akashi: &Akashi, liars: Liars, ready: Vec<Ready>) -> Result<Measured, Failure> {
    let calls = ready.len();
    let pids = akashi.pids();
    let phones = akashi.phone_lanes();
    let sent: Arc<[Sent]> = ready
        .iter()
        .enumerate()
        .map(|(call, own)| {
            let stolen = ready.get(call.wrapping_sub(1)).filter(|_| liars.lies(call));
            Ok(match stolen {
                None => Sent::Honest(own.submission.clone()),
                Some(stolen) => Sent::Lie(stolen.submission.aimed_at(&own.notice)?),
            })
        })
        .collect::<Result<Vec<_>, Failure>>()?
        .into();
    let shape = Shape {
        depth: DEPTH,
        calls,
        limit: Duration::from_secs(STRETCH_S_MAX),
        servers: &pids,
    };
    let (mut measured, honest) = drive(&shape, move |caller, call| {
        let (phones, sent) = (Arc::clone(&phones), Arc::clone(&sent));
        async move {
            let connection = lane(&phones, caller, DEPTH)?;
            match sent.get(call).ok_or("no such proof")? {
                Sent::Honest(submission) => {
                    verdict(connection, submission).await?;
                    Ok(true)
                }
                Sent::Lie(submission) => {
                    let answer = submit_through(connection, submission, call_deadline()).await?;
                    match answer.outcome {
                        None => Ok(false),
                        Some(outcome) => {
                            Err(format!("a lie was answered: {}", outcome.name()).into())
                        }
                    }
                }
            }
        }
    })
    .await?;
    let honest = honest.iter().filter(|(_, honest)| *honest).count();
    measured.done = u64::try_from(honest)?;
    Ok(measured)
}
