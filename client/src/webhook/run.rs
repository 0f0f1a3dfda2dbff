//! The process: one task per endpoint, so that no receiver can hold up another.

use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::{AbortHandle, Id, JoinError, JoinSet};

use super::endpoint::Endpoint;
use super::home::Home;
use super::schedule::Schedule;
use super::send::ATTEMPT_S;
use super::worker::Worker;
use crate::auditor::Auditor;
use crate::error::Error;

/// Milliseconds between two looks at the directory.
const LOOK_MS: u64 = 500;

/// What happened, for whoever watches the process. Never a body, a secret or a URL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Report {
    /// An endpoint is served.
    Started {
        /// Its name.
        endpoint: String,
        /// Index of the leaf that is read next.
        next: u64,
        /// Messages that wait.
        waiting: usize,
    },
    /// A message was delivered.
    Delivered {
        /// The endpoint.
        endpoint: String,
        /// The leaf.
        index: u64,
        /// Attempts made.
        attempts: u32,
    },
    /// An attempt failed.
    Failed {
        /// The endpoint.
        endpoint: String,
        /// The leaf.
        index: u64,
        /// Attempts made.
        attempts: u32,
        /// Milliseconds until the next.
        again_ms: u64,
        /// Why.
        why: String,
    },
    /// A message was given up.
    GivenUp {
        /// The endpoint.
        endpoint: String,
        /// The leaf.
        index: u64,
        /// Attempts made.
        attempts: u32,
        /// Why the last failed.
        why: String,
    },
    /// The receiver answered 410: nothing is sent until the endpoint is enabled again.
    Disabled {
        /// The endpoint.
        endpoint: String,
    },
    /// The cluster does not answer; it is asked again.
    NotReading {
        /// The endpoint.
        endpoint: String,
        /// What it said.
        why: String,
    },
    /// An endpoint's file changed and is not usable: the earlier one stays in force.
    NotChanged {
        /// The endpoint.
        endpoint: String,
        /// What is wrong with it.
        why: String,
    },
}

/// What all tasks share.
pub(super) struct Shared {
    pub(super) home: Home,
    pub(super) auditor: Auditor,
    pub(super) schedule: Schedule,
    pub(super) patience: Duration,
    pub(super) tell: Box<dyn Fn(&Report) + Send + Sync>,
    /// Held while a mark is written: two tasks may come to the same place at once.
    pub(super) marking: Mutex<()>,
}

/// Delivers webhooks until it is stopped.
pub struct Runner(Arc<Shared>);

impl fmt::Debug for Runner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Runner")
            .field("home", &self.0.home)
            .finish_non_exhaustive()
    }
}

/// The task of one endpoint.
struct Task {
    version: Option<(u64, i64, i64)>,
    endpoint: watch::Sender<Arc<Endpoint>>,
    handle: AbortHandle,
}

impl Runner {
    /// A process on a directory. `tell` is called with what happens, from several threads.
    #[must_use]
    pub fn new(
        home: Home,
        auditor: Auditor,
        schedule: Schedule,
        tell: impl Fn(&Report) + Send + Sync + 'static,
    ) -> Self {
        Self::patient_for(
            home,
            auditor,
            schedule,
            Duration::from_secs(ATTEMPT_S),
            tell,
        )
    }

    /// The same with another time for one attempt.
    #[must_use]
    pub fn patient_for(
        home: Home,
        auditor: Auditor,
        schedule: Schedule,
        patience: Duration,
        tell: impl Fn(&Report) + Send + Sync + 'static,
    ) -> Self {
        Self(Arc::new(Shared {
            home,
            auditor,
            schedule,
            patience,
            tell: Box::new(tell),
            marking: Mutex::new(()),
        }))
    }

    /// Serves every endpoint of the directory, also those that are added meanwhile, until `stop`.
    ///
    /// # Errors
    ///
    /// [`Error::Usage`] if another process serves the directory; [`Error::Integrity`] if the log
    /// contradicts itself; [`Error::File`] if the disk does not do its work. All are final: nothing is
    /// delivered on a guess.
    pub async fn run(&self, stop: impl Future<Output = ()>) -> Result<(), Error> {
        let _lock = self.0.home.lock()?;
        let mut stop = std::pin::pin!(stop);
        let (stopper, stopped) = watch::channel(false);
        let mut tasks: BTreeMap<String, Task> = BTreeMap::new();
        let mut running: JoinSet<Result<(), Error>> = JoinSet::new();
        let mut look = tokio::time::interval(Duration::from_millis(LOOK_MS));
        loop {
            tokio::select! {
                () = &mut stop => break,
                Some(ended) = running.join_next_with_id(), if !running.is_empty() => {
                    ended_well(ended, &tasks)?;
                }
                _tick = look.tick() => self.look(&mut tasks, &mut running, &stopped)?,
            }
        }
        // Nobody listens only if no task is left.
        let (Ok(()) | Err(_)) = stopper.send(true);
        while let Some(ended) = running.join_next_with_id().await {
            ended_well(ended, &tasks)?;
        }
        Ok(())
    }

    /// Starts, changes and stops tasks so that they are those of the directory.
    fn look(
        &self,
        tasks: &mut BTreeMap<String, Task>,
        running: &mut JoinSet<Result<(), Error>>,
        stopped: &watch::Receiver<bool>,
    ) -> Result<(), Error> {
        let names = self.0.home.names()?;
        tasks.retain(|name, task| {
            let stays = names.contains(name);
            if !stays {
                task.handle.abort();
            }
            stays
        });
        for name in names {
            let version = self.0.home.version(&name);
            match tasks.get_mut(&name) {
                Some(task) if task.version == version => {}
                Some(task) => {
                    task.version = version;
                    match self.0.home.endpoint(&name) {
                        // The task is there for as long as its entry.
                        Ok(endpoint) => {
                            let (Ok(()) | Err(_)) = task.endpoint.send(Arc::new(endpoint));
                        }
                        Err(bad) => (self.0.tell)(&Report::NotChanged {
                            endpoint: name,
                            why: bad.to_string(),
                        }),
                    }
                }
                None => {
                    let endpoint = Arc::new(self.0.home.endpoint(&name)?);
                    let (sender, receiver) = watch::channel(endpoint);
                    let worker = Worker::open(&name, Arc::clone(&self.0), receiver)?;
                    (self.0.tell)(&worker.started());
                    let handle = running.spawn(worker.run(stopped.clone()));
                    let task = Task {
                        version,
                        endpoint: sender,
                        handle,
                    };
                    tasks.insert(name, task);
                }
            }
        }
        Ok(())
    }
}

/// The error of a task that ended by itself; one whose endpoint was removed has none.
fn ended_well(
    ended: Result<(Id, Result<(), Error>), JoinError>,
    tasks: &BTreeMap<String, Task>,
) -> Result<(), Error> {
    match ended {
        Ok((id, result)) => {
            let is_known = tasks.values().any(|task| task.handle.id() == id);
            if is_known { result } else { Ok(()) }
        }
        Err(aborted) if aborted.is_cancelled() => Ok(()),
        Err(broken) => Err(Error::Process {
            what: format!("delivering webhooks: {broken}"),
        }),
    }
}
