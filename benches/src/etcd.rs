//! The etcd side: three members of Debian's etcd 3.4 on loopback, TLS for clients and peers, default
//! settings otherwise, and a client as plain as ours.
//!
//! The few messages of its interface that are needed are written down here.
//!
//! # Sources
//!
//! etcd 3.4 `etcdserver/etcdserverpb/rpc.proto`.

use std::fs::{self, File};
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use akashi_client::clock::Deadline;
use http::uri::PathAndQuery;
use rcgen::{
    BasicConstraints, CertificateParams, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, PKCS_ECDSA_P256_SHA256,
};
use tokio::process::{Child, Command};
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint};
use tonic_prost::ProstCodec;

use crate::Failure;
use crate::akashi::{lane, lanes};
use crate::load::{Measured, Shape, drive};

/// Members of the cluster.
const MEMBERS: usize = 3;
/// Seconds for the cluster to come up.
const READY_S: u64 = 30;
/// Milliseconds between two attempts meanwhile.
const POLL_MS: u64 = 100;
/// Seconds for one call: as for akashi.
const CALL_S: u64 = 10;
/// Bytes of a key: the size of akashi's request ids.
const KEY_BYTES: usize = 16;
/// Calls per stretch at most: never reached, the time ends a stretch.
const CALLS_MAX: usize = 100_000_000;
/// The path of a put.
const PUT: &str = "/etcdserverpb.KV/Put";
/// The path of a get.
const RANGE: &str = "/etcdserverpb.KV/Range";
/// The path of a member's status.
const STATUS: &str = "/etcdserverpb.Maintenance/Status";

#[derive(Clone, PartialEq, prost::Message)]
struct PutRequest {
    #[prost(bytes = "vec", tag = "1")]
    key: Vec<u8>,
    #[prost(bytes = "vec", tag = "2")]
    value: Vec<u8>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct ResponseHeader {
    #[prost(uint64, tag = "2")]
    member_id: u64,
    #[prost(int64, tag = "3")]
    revision: i64,
}

#[derive(Clone, PartialEq, prost::Message)]
struct PutResponse {
    #[prost(message, optional, tag = "1")]
    header: Option<ResponseHeader>,
}

/// Of one key, linearizable unless it says otherwise.
#[derive(Clone, PartialEq, prost::Message)]
struct RangeRequest {
    #[prost(bytes = "vec", tag = "1")]
    key: Vec<u8>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct RangeResponse {
    #[prost(message, optional, tag = "1")]
    header: Option<ResponseHeader>,
    #[prost(int64, tag = "4")]
    count: i64,
}

#[derive(Clone, PartialEq, prost::Message)]
struct StatusRequest {}

#[derive(Clone, PartialEq, prost::Message)]
struct StatusResponse {
    #[prost(message, optional, tag = "1")]
    header: Option<ResponseHeader>,
    #[prost(uint64, tag = "4")]
    leader: u64,
}

/// What to start.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The members' directory: on the same disk as akashi's.
    pub directory: PathBuf,
    /// The program.
    pub binary: PathBuf,
    /// Connections.
    pub lanes: usize,
    /// Whether calls go to all members.
    pub spread: bool,
}

/// A running etcd cluster. Its processes are killed when it is dropped.
pub struct Etcd {
    members: Vec<Child>,
    lanes: Arc<[Channel]>,
    written: u64,
}

impl Etcd {
    /// Starts the members and waits until they take writes.
    ///
    /// # Errors
    ///
    /// If they do not come up in time.
    pub async fn start(plan: &Plan) -> Result<Self, Failure> {
        fs::create_dir_all(&plan.directory)?;
        let ca = certificates(&plan.directory)?;
        let ports = free_ports(MEMBERS * 2)?;
        let (client_ports, peer_ports) = ports.split_at(MEMBERS);
        let everybody: Vec<String> = peer_ports
            .iter()
            .enumerate()
            .map(|(member, port)| format!("m{member}=https://127.0.0.1:{port}"))
            .collect();
        let everybody = everybody.join(",");
        let mut members = Vec::with_capacity(MEMBERS);
        for (member, (client, peer)) in client_ports.iter().zip(peer_ports).enumerate() {
            members.push(start_member(plan, member, *client, *peer, &everybody)?);
        }
        let deadline = Deadline::after(Duration::from_secs(READY_S));
        let leader = loop {
            match find_leader(client_ports, &ca).await {
                Ok(leader) => break leader,
                Err(error) if deadline.remaining().is_zero() => {
                    let logs = plan.directory.join("m*.log");
                    return Err(
                        format!("etcd is not ready ({error}); see {}", logs.display()).into(),
                    );
                }
                Err(_not_yet) => tokio::time::sleep(Duration::from_millis(POLL_MS)).await,
            }
        };
        let mut channels = Vec::with_capacity(plan.lanes);
        for number in 0..plan.lanes {
            let member = if plan.spread {
                number % MEMBERS
            } else {
                leader
            };
            let port = client_ports.get(member).ok_or("no such member")?;
            channels.push(endpoint(*port, &ca)?.connect().await?);
        }
        let mut etcd = Self {
            members,
            lanes: channels.into(),
            written: 0,
        };
        etcd.put(1, 1, Duration::from_secs(1)).await?;
        Ok(etcd)
    }

    /// The processes.
    #[must_use]
    pub fn pids(&self) -> Vec<u32> {
        self.members.iter().filter_map(Child::id).collect()
    }

    /// Puts values of `bytes` bytes under keys never used before, for `time`.
    ///
    /// # Errors
    ///
    /// If one is not taken.
    pub async fn put(
        &mut self,
        depth: usize,
        bytes: usize,
        time: Duration,
    ) -> Result<Measured, Failure> {
        let pids = self.pids();
        let shape = Shape {
            depth,
            calls: CALLS_MAX,
            limit: time,
            servers: &pids,
        };
        let (all, first) = (Arc::clone(&self.lanes), self.written);
        let (measured, _) = drive(&shape, move |caller, call| {
            let all = Arc::clone(&all);
            async move {
                let number = first.saturating_add(u64::try_from(call)?);
                let put = PutRequest {
                    key: key(number),
                    value: value(number, bytes),
                };
                let channel = lane(&all, caller, depth)?.clone();
                let answer: PutResponse = unary(channel, PUT, put).await?;
                answer.header.ok_or("a put was answered without a header")?;
                Ok(())
            }
        })
        .await?;
        // Calls that were numbered but not made leave gaps, which is as good.
        self.written = first
            .saturating_add(measured.done)
            .saturating_add(u64::try_from(lanes(depth).max(depth))?);
        Ok(measured)
    }

    /// Gets single keys that were put before, linearizably, for `time`.
    ///
    /// # Errors
    ///
    /// If one is not answered, or nothing was put yet.
    pub async fn get(&self, depth: usize, time: Duration) -> Result<Measured, Failure> {
        let pids = self.pids();
        let shape = Shape {
            depth,
            calls: CALLS_MAX,
            limit: time,
            servers: &pids,
        };
        let all = Arc::clone(&self.lanes);
        let (measured, _) = drive(&shape, move |caller, _call| {
            let all = Arc::clone(&all);
            async move {
                // The first key is put when the cluster starts.
                let range = RangeRequest { key: key(0) };
                let channel = lane(&all, caller, depth)?.clone();
                let answer: RangeResponse = unary(channel, RANGE, range).await?;
                match answer.count {
                    1 => Ok(()),
                    _ => Err("a key that was put is not there".into()),
                }
            }
        })
        .await?;
        Ok(measured)
    }

    /// Kills the members.
    pub async fn stop(mut self) {
        for member in &mut self.members {
            // One that is gone already needs no signal.
            let (Ok(()) | Err(_)) = member.kill().await;
        }
    }
}

fn key(number: u64) -> Vec<u8> {
    let mut key = number.to_be_bytes().to_vec();
    key.resize(KEY_BYTES, b'k');
    key
}

/// Bytes that differ from put to put and do not compress to nothing.
fn value(number: u64, bytes: usize) -> Vec<u8> {
    let mut state = number.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut value = Vec::with_capacity(bytes.next_multiple_of(8));
    while value.len() < bytes {
        // xorshift64: enough to be incompressible.
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        value.extend_from_slice(&state.to_le_bytes());
    }
    value.truncate(bytes);
    value
}

/// One unary call over `channel`.
///
/// # Errors
///
/// If it is not answered with a message in time.
pub(crate) async fn unary<Q, A>(
    channel: Channel,
    path: &'static str,
    message: Q,
) -> Result<A, Failure>
where
    Q: prost::Message + Send + Sync + 'static,
    A: prost::Message + Default + Send + Sync + 'static,
{
    let mut client = tonic::client::Grpc::new(channel);
    let time = Duration::from_secs(CALL_S);
    let mut request = tonic::Request::new(message);
    request.set_timeout(time);
    let call = async {
        client.ready().await?;
        let codec = ProstCodec::<Q, A>::default();
        let path = PathAndQuery::from_static(path);
        Ok::<_, Failure>(client.unary(request, path, codec).await?.into_inner())
    };
    tokio::time::timeout(time, call).await?
}

fn start_member(
    plan: &Plan,
    member: usize,
    client: u16,
    peer: u16,
    everybody: &str,
) -> Result<Child, Failure> {
    let directory = &plan.directory;
    let log = File::create(directory.join(format!("m{member}.log")))?;
    let errors = log.try_clone()?;
    let client = format!("https://127.0.0.1:{client}");
    let peer = format!("https://127.0.0.1:{peer}");
    let file = |name: &str| directory.join(name);
    Ok(Command::new(&plan.binary)
        .arg("--name")
        .arg(format!("m{member}"))
        .arg("--data-dir")
        .arg(directory.join(format!("m{member}")))
        .args([
            "--listen-client-urls",
            &client,
            "--advertise-client-urls",
            &client,
        ])
        .args([
            "--listen-peer-urls",
            &peer,
            "--initial-advertise-peer-urls",
            &peer,
        ])
        .args([
            "--initial-cluster",
            everybody,
            "--initial-cluster-state",
            "new",
        ])
        .args(["--initial-cluster-token", "akashi-bench"])
        .arg("--cert-file")
        .arg(file("member.pem"))
        .arg("--key-file")
        .arg(file("member.key"))
        .arg("--peer-cert-file")
        .arg(file("member.pem"))
        .arg("--peer-key-file")
        .arg(file("member.key"))
        .arg("--peer-trusted-ca-file")
        .arg(file("ca.pem"))
        .arg("--peer-client-cert-auth")
        .stdin(Stdio::null())
        .stdout(log)
        .stderr(errors)
        .kill_on_drop(true)
        .spawn()
        .map_err(|source| format!("{} cannot be started: {source}", plan.binary.display()))?)
}

/// Writes an authority's certificate and one certificate for all members; gives the authority's.
fn certificates(directory: &Path) -> Result<String, Failure> {
    let ca_key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
    let mut ca = CertificateParams::default();
    ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    ca.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    let ca_pem = ca.self_signed(&ca_key)?.pem();
    let issuer = Issuer::new(ca, ca_key);
    let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
    let mut member = CertificateParams::new(["localhost".to_owned(), "127.0.0.1".to_owned()])?;
    member.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    member.extended_key_usages = vec![
        ExtendedKeyUsagePurpose::ServerAuth,
        ExtendedKeyUsagePurpose::ClientAuth,
    ];
    let member_pem = member.signed_by(&key, &issuer)?.pem();
    fs::write(directory.join("ca.pem"), &ca_pem)?;
    fs::write(directory.join("member.pem"), member_pem)?;
    fs::write(directory.join("member.key"), key.serialize_pem())?;
    Ok(ca_pem)
}

fn endpoint(port: u16, ca: &str) -> Result<Endpoint, Failure> {
    let tls = ClientTlsConfig::new()
        .domain_name("localhost")
        .ca_certificate(Certificate::from_pem(ca));
    Ok(Endpoint::from_shared(format!("https://127.0.0.1:{port}"))?
        .tls_config(tls)?
        .tcp_nodelay(true)
        .connect_timeout(Duration::from_secs(1)))
}

/// The position of the member that says that it leads.
async fn find_leader(ports: &[u16], ca: &str) -> Result<usize, Failure> {
    let mut leader = None;
    for (member, port) in ports.iter().enumerate() {
        let channel = endpoint(*port, ca)?.connect().await?;
        let status: StatusResponse = unary(channel, STATUS, StatusRequest {}).await?;
        let own = status.header.unwrap_or_default().member_id;
        if own != 0 && own == status.leader {
            leader = Some(member);
        }
    }
    leader.ok_or_else(|| "there is no leader".into())
}

/// Ports that nobody listens on; all are held until all are found.
fn free_ports(count: usize) -> Result<Vec<u16>, Failure> {
    let mut held = Vec::with_capacity(count);
    for _ in 0..count {
        held.push(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?);
    }
    let ports = held
        .iter()
        .map(|listener| Ok(listener.local_addr()?.port()));
    ports.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_have_their_size_and_differ() {
        assert_eq!(value(7, 420).len(), 420);
        assert_ne!(value(7, 420), value(8, 420));
    }

    #[test]
    fn free_ports_differ_from_each_other() {
        let mut ports = free_ports(6).unwrap();
        ports.sort_unstable();
        ports.dedup();
        assert_eq!(ports.len(), 6);
    }

    #[test]
    fn a_put_is_encoded_as_etcd_writes_it() {
        let put = PutRequest {
            key: b"k".to_vec(),
            value: b"v".to_vec(),
        };
        assert_eq!(prost::Message::encode_to_vec(&put), b"\x0a\x01k\x12\x01v");
    }
}
