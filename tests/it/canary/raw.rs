//! Calls with bytes for messages, one caller for each role.

use std::collections::BTreeMap;
use std::time::Duration;

use akashi_client::pki::{Authority, Role as Certified};
use akashi_client::{Connection, Deadline, Identity};
use akashi_node::api::auth::{Flow, Role, Rpc};
use akashi_tests::real::{ACT, RealCluster, TENANT};
use bytes::{Buf as _, BufMut as _, Bytes};
use futures::StreamExt as _;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::transport::Channel;
use tonic::{Code, Request, Status, Streaming};

/// How long a stream is listened to.
const LISTEN: Duration = Duration::from_millis(120);
/// Messages of a stream that are read.
const MESSAGES_MAX: usize = 4;

/// What came back.
#[derive(Debug, Default)]
pub(super) struct Answer {
    /// Messages, as bytes.
    pub(super) messages: Vec<Bytes>,
    /// The status, if it was not OK: code, text, and everything else that travels with it.
    pub(super) status: Option<(Code, Vec<u8>)>,
    reason: String,
}

impl Answer {
    fn refused(status: &Status) -> Self {
        let mut all = status.message().as_bytes().to_vec();
        all.extend_from_slice(status.details());
        for pair in status.metadata().iter() {
            all.extend(format!("{pair:?}").into_bytes());
        }
        let reason = status.metadata().get("akashi-reason");
        Self {
            messages: Vec::new(),
            status: Some((status.code(), all)),
            reason: reason.map_or_else(String::new, |reason| {
                reason.to_str().unwrap_or_default().to_owned()
            }),
        }
    }

    /// What it says, for a person who has to find out why.
    pub(super) fn words(&self) -> String {
        let text = self.status.as_ref().map(|(code, all)| {
            let first = all.get(..60).unwrap_or(all);
            format!("{code:?}: {}", String::from_utf8_lossy(first))
        });
        format!("{} {}", self.reason, text.unwrap_or_default())
    }

    /// Whether the request was understood, whatever came of it.
    pub(super) fn fields_were_read(&self) -> bool {
        let unread = [
            "FIELD_INVALID",
            "MESSAGE_MALFORMED",
            "MESSAGE_COUNT",
            "MESSAGE_TOO_LARGE",
            "METHOD_UNKNOWN",
            "CERTIFICATE_MISSING",
            "CERTIFICATE_UNUSABLE",
            "ROLE_NOT_ALLOWED",
        ];
        let transport = self.status.is_some() && self.reason.is_empty();
        !unread.contains(&self.reason.as_str()) && !transport
    }
}

/// One connection for each role, to a node that takes everything.
pub(super) struct Callers {
    channels: BTreeMap<&'static str, Channel>,
}

impl Callers {
    pub(super) fn of(cluster: &RealCluster, agent: &str) -> Self {
        let context = cluster.dev.context();
        let clients = cluster.home().join("clients");
        let mut channels = BTreeMap::new();
        for (role, own) in [
            ("anyone", None),
            ("platform", Some("platform".to_owned())),
            ("agent", Some(format!("agents/{agent}"))),
            (
                "processor",
                Some(format!("processors/{}", akashi_client::layout::PROCESSOR)),
            ),
            ("operator", Some("operator".to_owned())),
            ("auditor", Some("auditor".to_owned())),
        ] {
            let identity = match own {
                None => Identity::phone(context.ca()),
                Some(own) => Identity::with_certificate(
                    context.ca(),
                    &clients.join(format!("{own}.pem")),
                    &clients.join(format!("{own}.key")),
                ),
            };
            let connection = Connection::new(context.nodes(), &identity.unwrap()).unwrap();
            channels.insert(role, connection.channel().unwrap());
        }
        Self { channels }
    }

    /// Calls a method as somebody who may, with `mark` in the metadata too.
    pub(super) async fn call(&self, rpc: &Rpc, message: Vec<u8>, mark: Option<&str>) -> Answer {
        let role = match rpc.roles[0] {
            Role::Anyone => "anyone",
            Role::Platform => "platform",
            Role::Agent => "agent",
            Role::Processor => "processor",
            Role::Operator => "operator",
            Role::Auditor => "auditor",
            Role::Node => panic!("{}: nobody here calls as a node", rpc.path),
        };
        self.send(role, rpc.path, rpc.flow, message, mark).await
    }

    /// Calls a method that is named like a person.
    pub(super) async fn unknown_method(&self, mark: &str) -> Answer {
        let name: String = mark
            .bytes()
            .map(|byte| {
                if byte.is_ascii_alphanumeric() || b"-._~@+".contains(&byte) {
                    char::from(byte).to_string()
                } else {
                    format!("%{byte:02X}")
                }
            })
            .collect();
        let path = format!("/akashi.v1.PlatformService/{name}");
        let mut answer = self
            .send("platform", &path, Flow::Unary, Vec::new(), Some(mark))
            .await;
        // Whoever calls knows what it called; the answer must not repeat it.
        answer.messages.clear();
        answer
    }

    /// Tries to come in with a certificate that names a person.
    pub(super) async fn named_by_certificate(&self, cluster: &RealCluster, mark: &str) {
        let context = cluster.dev.context();
        let key = std::fs::read_to_string(context.ca_key().unwrap()).unwrap();
        let authority = Authority::from_key(context.cluster(), &key).unwrap();
        let role = Certified::Agent {
            tenant: TENANT.to_owned(),
            agent: mark.to_owned(),
        };
        // A URI of a certificate is ASCII; what cannot be issued cannot be shown.
        let Ok(issued) = authority.issue(&role) else {
            return;
        };
        let own = tempfile::tempdir().unwrap();
        let (certificate, private) = (own.path().join("c.pem"), own.path().join("c.key"));
        std::fs::write(&certificate, issued.certificate_pem.as_bytes()).unwrap();
        std::fs::write(&private, issued.key_pem.as_bytes()).unwrap();
        let identity = Identity::with_certificate(context.ca(), &certificate, &private).unwrap();
        let connection = Connection::new(context.nodes(), &identity).unwrap();
        let message = akashi_proto::v1::WatchVerdictRequest {
            contact_id: vec![1; 16].into(),
        };
        let refused = connection
            .call(
                Deadline::after(ACT),
                &message,
                |channel, request| async move {
                    akashi_proto::v1::agent_service_client::AgentServiceClient::new(channel)
                        .watch_verdict(request)
                        .await
                },
            )
            .await;
        let refused = refused.map(drop).unwrap_err();
        assert!(!refused.to_string().contains(mark), "{refused}");
    }

    async fn send(
        &self,
        role: &str,
        path: &str,
        flow: Flow,
        message: Vec<u8>,
        mark: Option<&str>,
    ) -> Answer {
        let mut client = tonic::client::Grpc::new(self.channels[role].clone());
        if let Err(gone) = client.ready().await {
            return Answer::refused(&Status::unavailable(gone.to_string()));
        }
        let path = path.parse().unwrap();
        let message = Bytes::from(message);
        match flow {
            Flow::Unary => {
                let request = with_mark(Request::new(message), mark);
                match client.unary(request, path, Plain).await {
                    Ok(answer) => Answer {
                        messages: vec![answer.into_inner()],
                        ..Answer::default()
                    },
                    Err(status) => Answer::refused(&status),
                }
            }
            Flow::Answers => {
                let request = with_mark(Request::new(message), mark);
                match client.server_streaming(request, path, Plain).await {
                    Ok(stream) => listen(stream.into_inner()).await,
                    Err(status) => Answer::refused(&status),
                }
            }
            Flow::Both => {
                // The side of the caller stays open while it listens.
                let said = futures::stream::iter([message]).chain(futures::stream::pending());
                let request = with_mark(Request::new(said), mark);
                match client.streaming(request, path, Plain).await {
                    Ok(stream) => listen(stream.into_inner()).await,
                    Err(status) => Answer::refused(&status),
                }
            }
        }
    }
}

fn with_mark<T>(mut request: Request<T>, mark: Option<&str>) -> Request<T> {
    request.set_timeout(Duration::from_secs(5));
    let metadata = request.metadata_mut();
    if let Some(mark) = mark {
        if let Ok(text) = mark.parse() {
            metadata.insert("x-customer", text);
        }
        if let Ok(text) = format!("customer={mark}").parse() {
            metadata.insert("baggage", text);
        }
        // A trace that goes on, with somebody's data in its state.
        metadata.insert(
            "traceparent",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
                .parse()
                .unwrap(),
        );
        if let Ok(text) = format!("crm={mark}").parse() {
            metadata.insert("tracestate", text);
        }
        metadata.insert_bin(
            "x-customer-bin",
            tonic::metadata::MetadataValue::from_bytes(mark.as_bytes()),
        );
    }
    request
}

async fn listen(mut stream: Streaming<Bytes>) -> Answer {
    let mut answer = Answer::default();
    while answer.messages.len() < MESSAGES_MAX {
        match tokio::time::timeout(LISTEN, stream.message()).await {
            Ok(Ok(Some(message))) => answer.messages.push(message),
            Ok(Err(status)) => {
                let refused = Answer::refused(&status);
                answer.status = refused.status;
                answer.reason = refused.reason;
                break;
            }
            Ok(Ok(None)) | Err(_) => break,
        }
    }
    answer
}

/// Bytes as they are.
#[derive(Clone, Copy, Debug)]
struct Plain;

impl Codec for Plain {
    type Encode = Bytes;
    type Decode = Bytes;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self
    }

    fn decoder(&mut self) -> Self {
        Self
    }
}

impl Encoder for Plain {
    type Item = Bytes;
    type Error = Status;

    fn encode(&mut self, item: Bytes, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        buffer.put(item);
        Ok(())
    }
}

impl Decoder for Plain {
    type Item = Bytes;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<Bytes>, Status> {
        let length = buffer.remaining();
        Ok(Some(buffer.copy_to_bytes(length)))
    }
}
