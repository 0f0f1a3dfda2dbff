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
        let mut unknown = false;
        loop {
            let Some(budget) = retry.attempt_budget(deadline.remaining()) else {
                return Err(out_of_time(last, unknown));
            };
            let position = self.position();
            let Some((_, channel)) = self.0.nodes.get(position) else {
                return Err(out_of_time(last, unknown));
            };
            let mut request = Request::new(message.clone());
            request.set_timeout(budget);
            let attempt = tokio::time::timeout(budget, send(channel.clone(), request)).await;
            let status = match attempt {
                Ok(Ok(response)) => return Ok(response.into_inner()),
                Ok(Err(status)) => status,
                Err(_elapsed) => Status::deadline_exceeded("no answer to this attempt"),
            };
            // An attempt that had no answer may have arrived, whatever later ones say.
            unknown |= status.code() == tonic::Code::DeadlineExceeded;
            let jitter = u32::from_le_bytes(entropy::random()?);
            match retry.after(&status, deadline.remaining(), jitter) {
                Next::Final => return Err(Error::from_status(status)),
                Next::OutOfTime => return Err(out_of_time(Some(status), unknown)),
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
fn out_of_time(last: Option<Status>, unknown: bool) -> Error {
    match last {
        Some(_) | None if unknown => Error::DeadlineExceeded,
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::sync::Mutex;

    use akashi_proto::v1;

    use super::*;
    use crate::pki::Authority;

    /// A connection to three addresses where nobody listens; the tests answer in their place.
    fn connection() -> Connection {
        let directory = tempfile::tempdir().unwrap();
        let ca = directory.path().join("ca.pem");
        let (_, pem, _) = Authority::create("test").unwrap();
        std::fs::write(&ca, pem).unwrap();
        let addresses = ["127.0.0.1:1", "127.0.0.1:2", "127.0.0.1:3"].map(str::to_owned);
        Connection::new(&addresses, &Identity::phone(&ca).unwrap()).unwrap()
    }

    fn message() -> v1::OpenEnrolmentRequest {
        let request_id = crate::RequestId::fresh().unwrap().to_vec().into();
        v1::OpenEnrolmentRequest {
            request_id,
            ..Default::default()
        }
    }

    /// What the fake transport saw of each attempt: request id, `grpc-timeout`, preferred node.
    #[derive(Default)]
    struct Seen(Mutex<Vec<(Vec<u8>, Duration, String)>>);

    impl Seen {
        fn note(&self, request: &Request<v1::OpenEnrolmentRequest>, node: &str) -> usize {
            let header = request
                .metadata()
                .get("grpc-timeout")
                .unwrap()
                .to_str()
                .unwrap();
            let (number, unit) = header.split_at(header.len() - 1);
            let number: u64 = number.parse().unwrap();
            let timeout = match unit {
                "n" => Duration::from_nanos(number),
                "u" => Duration::from_micros(number),
                "m" => Duration::from_millis(number),
                "S" => Duration::from_secs(number),
                other => panic!("unit {other}"),
            };
            let mut seen = self.0.lock().unwrap();
            seen.push((
                request.get_ref().request_id.to_vec(),
                timeout,
                node.to_owned(),
            ));
            seen.len()
        }
    }

    #[tokio::test]
    async fn every_attempt_carries_the_same_request_id_to_another_node() {
        let (connection, message, seen) = (connection(), message(), Seen::default());
        let budget = Duration::from_secs(10);
        let answer = connection
            .call(Deadline::after(budget), &message, |_channel, request| {
                let attempt = seen.note(&request, connection.preferred_address());
                async move {
                    match attempt {
                        1 => Err(Status::unavailable("no leader")),
                        2 => Err(Status::deadline_exceeded("unknown")),
                        _ => Ok(Response::new(attempt)),
                    }
                }
            })
            .await;
        assert_eq!(answer.unwrap(), 3);
        let seen = seen.0.into_inner().unwrap();
        assert!(
            seen.iter()
                .all(|(id, timeout, _)| *id == message.request_id && *timeout <= budget)
        );
        let nodes: BTreeSet<&String> = seen.iter().map(|(_, _, node)| node).collect();
        assert_eq!(nodes.len(), 3, "each attempt went to another node");
    }

    #[tokio::test]
    async fn a_final_answer_is_not_asked_for_twice() {
        let (connection, message, seen) = (connection(), message(), Seen::default());
        let answer: Result<(), Error> = connection
            .call(
                Deadline::after(Duration::from_secs(10)),
                &message,
                |_channel, request| {
                    seen.note(&request, "");
                    async { Err(Status::already_exists("request id")) }
                },
            )
            .await;
        assert_eq!(
            answer.unwrap_err().grpc_code(),
            Some(tonic::Code::AlreadyExists)
        );
        assert_eq!(seen.0.into_inner().unwrap().len(), 1);
    }

    #[tokio::test]
    async fn nothing_is_sent_past_the_deadline() {
        let (connection, message, seen) = (connection(), message(), Seen::default());
        let budget = Duration::from_millis(150);
        let deadline = Deadline::after(budget);
        let answer: Result<(), Error> = connection
            .call(deadline, &message, |_channel, request| {
                assert!(!deadline.remaining().is_zero());
                seen.note(&request, "");
                async { Err(Status::unavailable("no leader")) }
            })
            .await;
        assert_eq!(answer.unwrap_err().code().exit().number(), 6);
        assert!(
            seen.0
                .into_inner()
                .unwrap()
                .iter()
                .all(|(_, timeout, _)| *timeout <= budget)
        );
    }

    #[tokio::test]
    async fn an_attempt_that_hangs_ends_with_the_deadline_and_an_unknown_outcome() {
        let (connection, message) = (connection(), message());
        let answer: Result<(), Error> = connection
            .call(
                Deadline::after(Duration::from_millis(40)),
                &message,
                |_channel, _request| std::future::pending(),
            )
            .await;
        assert!(matches!(answer, Err(Error::DeadlineExceeded)));
    }

    #[tokio::test]
    async fn a_node_that_is_not_there_is_unavailable() {
        let (connection, message) = (connection(), message());
        let answer = connection
            .call(
                Deadline::after(Duration::from_millis(300)),
                &message,
                |channel, request| async {
                    v1::platform_service_client::PlatformServiceClient::new(channel)
                        .open_enrolment(request)
                        .await
                },
            )
            .await;
        assert_eq!(answer.unwrap_err().code().exit().number(), 6);
    }

    #[tokio::test]
    async fn addresses_that_are_none_are_refused() {
        let directory = tempfile::tempdir().unwrap();
        let ca = directory.path().join("ca.pem");
        std::fs::write(&ca, Authority::create("test").unwrap().1).unwrap();
        let identity = Identity::phone(&ca).unwrap();
        assert!(Connection::new(&[], &identity).is_err());
        assert!(Connection::new(&["a b".to_owned()], &identity).is_err());
    }
}
