//! A caller's connection to the cluster: several nodes, one of them preferred at a time.
//!
//! Any node takes any request. A request that fails for a reason that another node may not share is
//! sent there, with the same request id and what is left of the caller's deadline; it never runs past
//! the deadline.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tonic::transport::{Channel, Endpoint};
use tonic::{Request, Response, Status};

use crate::clock::Deadline;
use crate::entropy;
use crate::error::Error;
use crate::identity::Identity;
use crate::retry::{Next, Retry};

/// How long a TCP and TLS connection may take to come up, in milliseconds: a dead site must not eat
/// the caller's deadline.
const CONNECT_MS_MAX: u64 = 1_000;
/// Seconds of silence after which a connection is probed, so that a vanished node is noticed.
const KEEPALIVE_S: u64 = 5;
/// Seconds that a probe may go unanswered.
const KEEPALIVE_TIMEOUT_S: u64 = 2;
/// Most node addresses of one connection: seven replicas, and room for their replacements.
pub const ADDRESSES_MAX: usize = 16;

/// Channels to the nodes of one cluster, opened when first used. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Connection(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    nodes: Vec<(String, Channel)>,
    preferred: AtomicUsize,
}

impl Connection {
    /// Prepares channels to `addresses` (`host:port`); nothing is sent yet.
    ///
    /// Must be called inside a Tokio runtime.
    ///
    /// # Errors
    ///
    /// [`Error::Usage`] for no or too many addresses or one that is none; [`Error::Certificate`] if
    /// the identity cannot be used.
    pub fn new(addresses: &[String], identity: &Identity) -> Result<Self, Error> {
        if addresses.is_empty() || addresses.len() > ADDRESSES_MAX {
            return Err(Error::usage(format!(
                "1 to {ADDRESSES_MAX} node addresses are needed"
            )));
        }
        let mut nodes = Vec::with_capacity(addresses.len());
        for address in addresses {
            nodes.push((address.clone(), channel(address, identity)?));
        }
        // Callers start at different nodes, so that no node has to carry all of them.
        let [start] = entropy::random::<1>()?;
        let preferred = AtomicUsize::new(usize::from(start) % nodes.len());
        Ok(Self(Arc::new(Inner { nodes, preferred })))
    }

    /// One connection per node, in the order of the addresses: for questions about a certain node.
    #[must_use]
    pub fn each(&self) -> Vec<(String, Self)> {
        self.0
            .nodes
            .iter()
            .map(|(address, channel)| {
                let inner = Inner {
                    nodes: vec![(address.clone(), channel.clone())],
                    preferred: AtomicUsize::new(0),
                };
                (address.clone(), Self(Arc::new(inner)))
            })
            .collect()
    }

    /// Makes the node at `position` the one to ask first.
    pub fn prefer(&self, position: usize) {
        self.0
            .preferred
            .store(position % self.0.nodes.len(), Ordering::Relaxed);
    }

    /// The node that is asked first at present.
    #[must_use]
    pub fn preferred_address(&self) -> &str {
        self.0
            .nodes
            .get(self.position())
            .map_or("", |(address, _)| address)
    }

    fn position(&self) -> usize {
        self.0.preferred.load(Ordering::Relaxed) % self.0.nodes.len()
    }

    /// Moves on from the node at `from`, unless somebody else has done so already.
    fn move_on(&self, from: usize) {
        let next = (from + 1) % self.0.nodes.len();
        // A failed exchange means that another caller moved on: as good.
        let (Ok(_) | Err(_)) =
            self.0
                .preferred
                .compare_exchange(from, next, Ordering::Relaxed, Ordering::Relaxed);
    }

    /// Sends one message, again where that can help, until there is an answer or the deadline.
    ///
    /// `send` gets a channel and a request that carries `message` and the attempt's `grpc-timeout`.
    /// The message is the same in every attempt, request id included.
    ///
    /// # Errors
    ///
    /// The node's final answer as [`Error`], or [`Error::DeadlineExceeded`].
    pub async fn call<M, T, F, Fut>(
        &self,
        deadline: Deadline,
        message: &M,
        mut send: F,
    ) -> Result<T, Error>
    where
        M: Clone,
        F: FnMut(Channel, Request<M>) -> Fut,
        Fut: Future<Output = Result<Response<T>, Status>>,
    {
        let mut retry = Retry::new();
        let mut last: Option<Status> = None;
        loop {
            let Some(budget) = Retry::attempt_budget(deadline.remaining()) else {
                return Err(out_of_time(last));
            };
            let position = self.position();
            let Some((_, channel)) = self.0.nodes.get(position) else {
                return Err(out_of_time(last));
            };
            let mut request = Request::new(message.clone());
            request.set_timeout(budget);
            let attempt = tokio::time::timeout(budget, send(channel.clone(), request)).await;
            let status = match attempt {
                Ok(Ok(response)) => return Ok(response.into_inner()),
                Ok(Err(status)) => status,
                Err(_elapsed) => Status::deadline_exceeded("no answer to this attempt"),
            };
            let jitter = u32::from_le_bytes(entropy::random()?);
            match retry.after(&status, deadline.remaining(), jitter) {
                Next::Final => return Err(Error::from_status(status)),
                Next::OutOfTime => return Err(out_of_time(Some(status))),
                Next::Again { after, other_node } => {
                    if other_node {
                        self.move_on(position);
                    }
                    last = Some(status);
                    tokio::time::sleep(after).await;
                }
            }
        }
    }

    /// Opens a server stream on one node after the other until one accepts it.
    ///
    /// The stream's own course is the caller's business: it resumes from what it has seen.
    ///
    /// # Errors
    ///
    /// As [`Connection::call`].
    pub async fn open<M, T, F, Fut>(
        &self,
        deadline: Deadline,
        message: &M,
        mut send: F,
    ) -> Result<T, Error>
    where
        M: Clone,
        F: FnMut(Channel, Request<M>) -> Fut,
        Fut: Future<Output = Result<Response<T>, Status>>,
    {
        self.call(deadline, message, |channel, request| {
            // A stream outlives its first answer, so the attempt's budget must not end it.
            let (_, _, message) = request.into_parts();
            let mut request = Request::new(message);
            request.set_timeout(deadline.remaining());
            send(channel, request)
        })
        .await
    }

    /// A channel to the preferred node, for streams in both directions.
    ///
    /// # Errors
    ///
    /// [`Error::Usage`] if there is no node, which [`Connection::new`] rules out.
    pub fn channel(&self) -> Result<Channel, Error> {
        self.0
            .nodes
            .get(self.position())
            .map(|(_, channel)| channel.clone())
            .ok_or_else(|| Error::usage("no node address"))
    }

    /// Notes that the preferred node failed under a stream: the next request goes elsewhere.
    pub fn avoid_preferred(&self) {
        self.move_on(self.position());
    }
}

/// An outcome that another attempt would have decided: unknown if an attempt may have arrived,
/// unavailable if none can have.
fn out_of_time(last: Option<Status>) -> Error {
    match last {
        Some(status) if status.code() == tonic::Code::Unavailable => Error::from_status(status),
        Some(status) if status.code() == tonic::Code::ResourceExhausted => {
            Error::from_status(status)
        }
        Some(_) | None => Error::DeadlineExceeded,
    }
}

fn channel(address: &str, identity: &Identity) -> Result<Channel, Error> {
    let endpoint = Endpoint::from_shared(format!("https://{address}"))
        .map_err(|invalid| Error::usage(format!("node address {address}: {invalid}")))?;
    let endpoint = endpoint
        .tls_config(identity.tls())
        .map_err(|invalid| Error::Certificate {
            what: source_text(&invalid),
        })?
        .tcp_nodelay(true)
        .connect_timeout(Duration::from_millis(CONNECT_MS_MAX))
        .http2_keep_alive_interval(Duration::from_secs(KEEPALIVE_S))
        .keep_alive_timeout(Duration::from_secs(KEEPALIVE_TIMEOUT_S))
        .keep_alive_while_idle(false);
    Ok(endpoint.connect_lazy())
}

fn source_text(error: &dyn std::error::Error) -> String {
    match error.source() {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    }
}
