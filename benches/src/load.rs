//! Load in a closed loop: a fixed number of callers, each with one call in flight.
//!
//! A caller that waits for a slow answer sends nothing meanwhile, so the latencies are those of a
//! saturated system at this depth, not of a given rate of arrivals.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use akashi_client::clock;
use hdrhistogram::Histogram;
use tokio::task::JoinSet;

use crate::Failure;
use crate::cpu::Spent;

/// Significant digits of the latencies: more than the machine's own noise.
const DIGITS: u8 = 3;

/// What a stretch of load came to.
#[derive(Clone, Debug)]
pub struct Measured {
    /// Calls that were answered as they should.
    pub done: u64,
    /// Time from the first call to the last answer, added up over the stretches.
    pub wall: Duration,
    /// Latencies in microseconds.
    pub latency_us: Histogram<u64>,
    /// Processor time meanwhile.
    pub spent: Spent,
}

impl Measured {
    /// Nothing yet.
    ///
    /// # Errors
    ///
    /// If a histogram cannot be made.
    pub fn new() -> Result<Self, Failure> {
        Ok(Self {
            done: 0,
            wall: Duration::ZERO,
            latency_us: Histogram::new(DIGITS)?,
            spent: Spent::default(),
        })
    }

    /// Adds another stretch of the same kind of load.
    ///
    /// # Errors
    ///
    /// If the histograms cannot be added.
    pub fn add(&mut self, other: &Self) -> Result<(), Failure> {
        self.done = self.done.saturating_add(other.done);
        self.wall = self.wall.saturating_add(other.wall);
        self.latency_us.add(&other.latency_us)?;
        self.spent = self.spent.plus(other.spent);
        Ok(())
    }

    /// Answers per second.
    #[must_use]
    pub fn per_second(&self) -> u64 {
        let wall_us = self.wall.as_micros().max(1);
        u64::try_from(u128::from(self.done) * 1_000_000 / wall_us).unwrap_or(u64::MAX)
    }

    /// The latency that `percent` of the calls did not exceed, in microseconds.
    #[must_use]
    pub fn percentile_us(&self, percent: u8) -> u64 {
        self.latency_us.value_at_percentile(f64::from(percent))
    }

    /// Processor microseconds of the servers per answered call.
    #[must_use]
    pub fn server_us_per_call(&self) -> u64 {
        self.spent.servers_us / self.done.max(1)
    }

    /// Processor microseconds of the load's own making per answered call.
    #[must_use]
    pub fn generator_us_per_call(&self) -> u64 {
        self.spent.generator_us / self.done.max(1)
    }

    /// Per cent of one core that was spent by neither the servers nor the load.
    #[must_use]
    pub fn elsewhere_percent(&self) -> u64 {
        let wall_us = self.wall.as_micros().max(1);
        u64::try_from(u128::from(self.spent.elsewhere_us()) * 100 / wall_us).unwrap_or(u64::MAX)
    }
}

/// How much load.
#[derive(Clone, Debug)]
pub struct Shape<'a> {
    /// Calls in flight.
    pub depth: usize,
    /// Calls to make at most, numbered from zero.
    pub calls: usize,
    /// Time after which no further call begins.
    pub limit: Duration,
    /// Processes whose processor time counts.
    pub servers: &'a [u32],
}

/// Makes calls until they are used up or the time is over. The caller's number (below `depth`) and
/// the call's are handed to `operate`; the answers come back with the calls' numbers.
///
/// # Errors
///
/// The first error of any call: a figure with failed calls in it would mean nothing.
pub async fn drive<T, F, Fut>(
    shape: &Shape<'_>,
    operate: F,
) -> Result<(Measured, Vec<(usize, T)>), Failure>
where
    T: Send + 'static,
    F: Fn(usize, usize) -> Fut + Clone + Send + 'static,
    Fut: Future<Output = Result<T, Failure>> + Send + 'static,
{
    let next = Arc::new(AtomicUsize::new(0));
    let mut callers = JoinSet::new();
    let mut measured = Measured::new()?;
    let before = Spent::now(shape.servers);
    let begun = clock::monotonic();
    let (calls, limit) = (shape.calls, shape.limit);
    for caller in 0..shape.depth {
        let (next, operate) = (Arc::clone(&next), operate.clone());
        callers.spawn(async move {
            let mut latency_us = Histogram::new(DIGITS)?;
            let mut answers = Vec::new();
            while begun.elapsed() < limit {
                let call = next.fetch_add(1, Ordering::Relaxed);
                if call >= calls {
                    break;
                }
                let sent = clock::monotonic();
                let answer = operate(caller, call).await?;
                latency_us.record(u64::try_from(sent.elapsed().as_micros())?)?;
                answers.push((call, answer));
            }
            Ok::<_, Failure>((latency_us, answers))
        });
    }
    let mut answers = Vec::new();
    while let Some(caller) = callers.join_next().await {
        let (latency_us, mut own) = caller??;
        measured.latency_us.add(&latency_us)?;
        answers.append(&mut own);
    }
    measured.wall = begun.elapsed();
    measured.spent = Spent::now(shape.servers).since(before);
    measured.done = u64::try_from(answers.len())?;
    answers.sort_by_key(|(call, _)| *call);
    Ok((measured, answers))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn every_call_is_made_once_and_counted() {
        let shape = Shape {
            depth: 7,
            calls: 100,
            limit: Duration::from_secs(60),
            servers: &[],
        };
        let (measured, answers) = drive(&shape, |caller, call| async move {
            assert!(caller < 7);
            Ok(call * 2)
        })
        .await
        .unwrap();
        assert_eq!((measured.done, measured.latency_us.len()), (100, 100));
        assert!(
            answers
                .iter()
                .enumerate()
                .all(|(at, (call, answer))| at == *call && *answer == at * 2)
        );
    }

    #[tokio::test]
    async fn a_failed_call_fails_the_measurement() {
        let shape = Shape {
            depth: 2,
            calls: 10,
            limit: Duration::from_secs(60),
            servers: &[],
        };
        let result = drive(&shape, |_, call| async move {
            if call == 5 {
                Err("refused".into())
            } else {
                Ok(())
            }
        })
        .await;
        assert_eq!(result.err().unwrap().to_string(), "refused");
    }

    #[tokio::test]
    async fn no_call_begins_after_the_limit() {
        let shape = Shape {
            depth: 1,
            calls: 10,
            limit: Duration::ZERO,
            servers: &[],
        };
        let (measured, _) = drive(&shape, |_, _| async { Ok(()) }).await.unwrap();
        assert_eq!((measured.done, measured.per_second()), (0, 0));
    }
}
