//! The akashi side: three real nodes on loopback with TLS and durable writes, and customers to call.
//!
//! A batch of calls goes the way of a real one: contacts are announced (timed), phones fetch and check
//! their notices and make their proofs (not timed: that is the customers' processor time), proofs are
//! submitted until the verdicts are acknowledged (timed).

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use akashi_client::clock::Deadline;
use akashi_client::dev::{DevCluster, DevPlan, basic_policy, find_node_binary, free_base_port};
use akashi_client::operator::Settings;
use akashi_client::phone::{CheckedNotice, PhoneDirectory, Profile, Submission, submit_through};
use akashi_client::tag::subject_hash;
use akashi_client::{Announced, Call, Connection, Initiator, Outcome, Phone, Platform};
use akashi_proof::{PinKdf, PinSecret};

use crate::Failure;
use crate::load::{Measured, Shape, drive};

/// Nodes of the cluster.
pub const NODES: u16 = 3;
/// First port to look for free ones from: away from a development cluster's 7420.
const PORT_FIRST: u16 = 24_200;
/// Time for one call, in seconds: nothing sound takes that long, and it is what a node allows.
const CALL_S: u64 = 10;
/// Time for the cluster to come up or to agree on a leader again, in seconds.
const READY_S: u64 = 60;
/// Longest stretch of load or preparation, in seconds: a run must end.
const STRETCH_S_MAX: u64 = 300;
/// Connections kept to the cluster per kind of caller.
const LANES: usize = 16;
/// Callers per connection at least: a connection is shared like a real platform would share it.
const CALLERS_PER_LANE: usize = 8;
/// Contacts announced in one call where calls have several.
pub const BATCH: usize = 64;
/// Phones that prepare at the same time.
const PREPARING: usize = 64;
/// The policy's name; its challenges live as long as may be, so that preparation never outlasts them.
const POLICY: &str = "bench";
/// Seconds that a challenge of the policy is open: the longest that the cluster allows.
const CHALLENGE_TTL_S: u32 = 600;
/// Notices per customer and hour: the most that the cluster allows.
const NOTICES_PER_HOUR: u32 = 1_000;
/// Memory of the PIN's derivation in KiB, once over: as cheap as it gets, for its cost is the phone's.
const PIN_KDF_KIB: u32 = 8;

/// Connections that a load of `depth` callers is spread over, in both systems.
#[must_use]
pub fn lanes(depth: usize) -> usize {
    (depth / CALLERS_PER_LANE).clamp(1, LANES)
}

/// A customer with a phone.
struct Person {
    subject: String,
    phone: Phone,
    pin: PinSecret,
}

/// What to start.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The cluster's directory: on the disk to measure.
    pub directory: PathBuf,
    /// The phones' directory: their disks are not the cluster's.
    pub phones: PathBuf,
    /// The node's program.
    pub node_binary: Option<PathBuf>,
    /// Customers.
    pub subjects: usize,
    /// Whether calls go to all nodes.
    pub spread: bool,
}

/// A running cluster with enrolled customers. Its processes are killed when it is dropped.
pub struct Akashi {
    cluster: DevCluster,
    people: Arc<[Person]>,
    platforms: Arc<[Platform]>,
    phones: Arc<[Connection]>,
    spread: bool,
}

/// Proofs of one customer, ready to be sent.
#[derive(Clone, Debug)]
pub struct Ready {
    /// The contact that the verdict will belong to.
    pub contact_id: [u8; 16],
    /// The notice that asked for them.
    pub notice: CheckedNotice,
    /// The proofs.
    pub submission: Submission,
}

/// The deadline of one call.
#[must_use]
pub fn call_deadline() -> Deadline {
    Deadline::after(Duration::from_secs(CALL_S))
}

impl Akashi {
    /// Starts the nodes, sets the cluster up and enrols the customers.
    ///
    /// # Errors
    ///
    /// If anything of it fails.
    pub async fn start(plan: &Plan) -> Result<Self, Failure> {
        let dev = DevPlan {
            nodes: NODES,
            base_port: free_base_port(PORT_FIRST, NODES)?,
            tenant: "bench".to_owned(),
            agents: Vec::new(),
            outlive: false,
        };
        let binary = find_node_binary(plan.node_binary.as_deref())?;
        let mut cluster = DevCluster::start(&plan.directory, &binary, &dev)?;
        let ready = Deadline::after(Duration::from_secs(READY_S));
        cluster.wait_ready(ready).await?;
        cluster.bootstrap(ready).await?;
        let operator = cluster.operator()?;
        let policy = akashi_client::operator::Policy {
            name: POLICY.to_owned(),
            challenge_ttl_s: CHALLENGE_TTL_S,
            ..basic_policy()
        };
        operator.put_policy(&dev.tenant, policy, ready).await?;
        let settings = Settings {
            notices_per_hour: NOTICES_PER_HOUR,
            ..Settings::default()
        };
        operator.put_settings(settings, ready).await?;
        let mut platforms = Vec::with_capacity(LANES);
        let mut phones = Vec::with_capacity(LANES);
        for _ in 0..LANES {
            platforms.push(cluster.context().platform()?);
            phones.push(cluster.context().phone_connection()?);
        }
        let platforms: Arc<[Platform]> = platforms.into();
        let people = enrol(&cluster, plan, &platforms).await?.into();
        let mut akashi = Self {
            cluster,
            people,
            platforms,
            phones: phones.into(),
            spread: plan.spread,
        };
        akashi.settle().await?;
        Ok(akashi)
    }

    /// Waits until all nodes agree on a leader and points the callers at it; gives its position.
    ///
    /// # Errors
    ///
    /// If they do not agree in time.
    pub async fn settle(&mut self) -> Result<usize, Failure> {
        let ready = Deadline::after(Duration::from_secs(READY_S));
        let statuses = self.cluster.wait_ready(ready).await?;
        let leader_id = statuses.first().map_or(1, |status| status.leader_id);
        let leader = usize::try_from(leader_id.saturating_sub(1))?;
        for (lane, (platform, phone)) in self.platforms.iter().zip(self.phones.iter()).enumerate() {
            let target = if self.spread { lane } else { leader };
            platform.connection().prefer(target);
            phone.prefer(target);
        }
        Ok(leader)
    }

    /// The processes.
    #[must_use]
    pub fn pids(&self) -> Vec<u32> {
        self.cluster.pids()
    }

    /// The cluster, to kill and start nodes.
    pub const fn cluster(&mut self) -> &mut DevCluster {
        &mut self.cluster
    }

    /// The connections of phones.
    #[must_use]
    pub fn phone_lanes(&self) -> Arc<[Connection]> {
        Arc::clone(&self.phones)
    }

    /// The connections of platforms.
    #[must_use]
    pub fn platform_lanes(&self) -> Arc<[Platform]> {
        Arc::clone(&self.platforms)
    }

    /// How many customers there are.
    #[must_use]
    pub fn people(&self) -> usize {
        self.people.len()
    }

    /// Announces a contact for each of the first `calls` customers.
    ///
    /// # Errors
    ///
    /// If one is not taken.
    pub async fn announce(
        &self,
        depth: usize,
        calls: usize,
    ) -> Result<(Measured, Vec<Announced>), Failure> {
        let pids = self.pids();
        let shape = shape(depth, calls, &pids);
        let (people, platforms) = (Arc::clone(&self.people), Arc::clone(&self.platforms));
        let (measured, announced) = drive(&shape, move |caller, call| {
            let (people, platforms) = (Arc::clone(&people), Arc::clone(&platforms));
            async move {
                let platform = lane(&platforms, caller, depth)?;
                let person = people.get(call).ok_or("no such customer")?;
                let call = notice_to(&person.subject);
                let announced = platform.announce(&call, call_deadline()).await?;
                match announced.outcome {
                    None => Ok(announced),
                    Some(outcome) => {
                        Err(format!("an announcement ended: {}", outcome.name()).into())
                    }
                }
            }
        })
        .await?;
        Ok((measured, whole(announced, calls)?))
    }

    /// Announces contacts of all customers, [`BATCH`] in a call, again and again for `time`; a customer who is
    /// asked anew has the earlier question withdrawn. Counts contacts, and times calls.
    ///
    /// # Errors
    ///
    /// If a call is not taken, or one of its contacts is not.
    pub async fn announce_batches(
        &self,
        depth: usize,
        time: Duration,
    ) -> Result<Measured, Failure> {
        let pids = self.pids();
        let batches = self.people.len() / BATCH;
        let shape = Shape {
            limit: time,
            ..shape(depth, usize::MAX, &pids)
        };
        let (people, platforms) = (Arc::clone(&self.people), Arc::clone(&self.platforms));
        let (mut measured, _) = drive(&shape, move |caller, call| {
            let (people, platforms) = (Arc::clone(&people), Arc::clone(&platforms));
            async move {
                let platform = lane(&platforms, caller, depth)?;
                let first = call.checked_rem(batches).unwrap_or(0) * BATCH;
                let several = people
                    .get(first..first + BATCH)
                    .ok_or("too few customers")?;
                let calls: Vec<Call<'_>> =
                    several.iter().map(|one| notice_to(&one.subject)).collect();
                let each = platform.announce_all(&calls, call_deadline()).await?;
                match each.iter().find(|one| one.is_err()) {
                    None => Ok(()),
                    Some(_refused) => Err("an announcement of a batch was refused".into()),
                }
            }
        })
        .await?;
        measured.done = measured.done.saturating_mul(u64::try_from(BATCH)?);
        Ok(measured)
    }

    /// Reads contacts, linearizably, for `time`.
    ///
    /// # Errors
    ///
    /// If one is not answered.
    pub async fn read(
        &self,
        depth: usize,
        contacts: Arc<[[u8; 16]]>,
        time: Duration,
    ) -> Result<Measured, Failure> {
        let pids = self.pids();
        let shape = Shape {
            limit: time,
            ..shape(depth, usize::MAX, &pids)
        };
        let platforms = Arc::clone(&self.platforms);
        let (measured, _) = drive(&shape, move |caller, call| {
            let (platforms, contacts) = (Arc::clone(&platforms), Arc::clone(&contacts));
            async move {
                let platform = lane(&platforms, caller, depth)?;
                let place = call.checked_rem(contacts.len()).unwrap_or(0);
                let contact = contacts.get(place).ok_or("no contacts to read")?;
                platform.contact(contact, call_deadline()).await?;
                Ok(())
            }
        })
        .await?;
        Ok(measured)
    }

    /// Has every announced customer's phone fetch its notice, check it and make the proofs.
    ///
    /// # Errors
    ///
    /// If a notice does not come or does not stand up to its receipt.
    pub async fn prove(&self, announced: Vec<Announced>) -> Result<Vec<Ready>, Failure> {
        let calls = announced.len();
        let (people, announced) = (Arc::clone(&self.people), Arc::new(announced));
        let shape = shape(PREPARING, calls, &[]);
        let (_, ready) = drive(&shape, move |_, call| {
            let (people, announced) = (Arc::clone(&people), Arc::clone(&announced));
            async move {
                let person = people.get(call).ok_or("no such customer")?;
                let contact = announced.get(call).ok_or("no such contact")?;
                let deadline = Deadline::after(Duration::from_secs(READY_S));
                let mut session = person.phone.open_session(deadline).await?;
                let notice = person
                    .phone
                    .notice_of(&mut session, &contact.challenge_id, deadline)
                    .await?;
                let submission = person.phone.prove(&notice, Some(&person.pin))?;
                Ok(Ready {
                    contact_id: contact.contact_id,
                    notice,
                    submission,
                })
            }
        })
        .await?;
        whole(ready, calls)
    }

    /// Submits proofs and waits for each verdict; all of them must be "verified".
    ///
    /// # Errors
    ///
    /// If one is not.
    pub async fn submit(&self, depth: usize, ready: Vec<Ready>) -> Result<Measured, Failure> {
        let calls = ready.len();
        let pids = self.pids();
        let shape = shape(depth, calls, &pids);
        let (phones, ready) = (Arc::clone(&self.phones), Arc::new(ready));
        let (measured, verdicts) = drive(&shape, move |caller, call| {
            let (phones, ready) = (Arc::clone(&phones), Arc::clone(&ready));
            async move {
                let ready = ready.get(call).ok_or("no such proof")?;
                verdict(lane(&phones, caller, depth)?, &ready.submission).await
            }
        })
        .await?;
        whole(verdicts, calls)?;
        Ok(measured)
    }

    /// Stops the nodes in order.
    pub async fn stop(mut self) {
        self.cluster.stop().await;
    }
}

/// The handle of a customer.
#[must_use]
pub fn subject(number: usize) -> String {
    format!("bench-{number:06}")
}

/// What announces a call to a customer.
#[must_use]
pub fn notice_to(subject: &str) -> Call<'_> {
    Call {
        subject,
        initiator: Initiator::Centre,
        policy: POLICY,
        call_reason: 1,
        agent: None,
        ..Call::default()
    }
}

/// Submits proofs; anything but "verified" is an error.
///
/// # Errors
///
/// If there is no answer, or another one.
pub async fn verdict(connection: &Connection, submission: &Submission) -> Result<(), Failure> {
    let answer = submit_through(connection, submission, call_deadline()).await?;
    match answer.outcome {
        Some(Outcome::Verified) => Ok(()),
        other => Err(format!(
            "a valid submission was answered with {}, reason {}",
            other.map_or("no verdict", Outcome::name),
            answer.reason
        )
        .into()),
    }
}

/// The connection of a caller when a load has `depth` of them.
///
/// # Errors
///
/// If there are no connections at all.
pub fn lane<T>(lanes_there: &[T], caller: usize, depth: usize) -> Result<&T, Failure> {
    let used = lanes(depth).min(lanes_there.len()).max(1);
    lanes_there
        .get(caller % used)
        .ok_or_else(|| "there are no connections".into())
}

const fn shape(depth: usize, calls: usize, servers: &[u32]) -> Shape<'_> {
    Shape {
        depth,
        calls,
        limit: Duration::from_secs(STRETCH_S_MAX),
        servers,
    }
}

/// The answers without their numbers, if none is missing.
fn whole<T>(answers: Vec<(usize, T)>, calls: usize) -> Result<Vec<T>, Failure> {
    if answers.len() != calls {
        return Err(format!("only {} of {calls} calls were made in time", answers.len()).into());
    }
    Ok(answers.into_iter().map(|(_, answer)| answer).collect())
}

/// Makes phones and enrols them through the public interface, as any customer would be.
async fn enrol(
    cluster: &DevCluster,
    plan: &Plan,
    platforms: &Arc<[Platform]>,
) -> Result<Vec<Person>, Failure> {
    let context = cluster.context();
    let (keys, ca) = (context.key_set()?, std::fs::read_to_string(context.ca())?);
    let kdf = PinKdf::with_cost(PIN_KDF_KIB, 1)?;
    // Connections of their own, to whichever node: preparation must not wear the measured ones.
    let mut connections = Vec::with_capacity(LANES);
    for _ in 0..LANES {
        connections.push(context.phone_connection()?);
    }
    let mut people = Vec::with_capacity(plan.subjects);
    for number in 0..plan.subjects {
        let subject = subject(number);
        let directory = PhoneDirectory::of(&plan.phones, &subject);
        let profile = Profile {
            tenant: context.tenant().to_owned(),
            subject: subject.clone(),
            agent: false,
            key_epoch: 0,
            nodes: context.nodes().to_vec(),
        };
        directory.create(&profile, &keys, &ca)?;
        let connection = lane(&connections, number, usize::MAX)?.clone();
        let phone = Phone::with_connection(&directory, connection)?;
        let hash = subject_hash(context.tenant(), &subject);
        let pin = PinSecret::derive(kdf, b"4711", &hash, &hash)?;
        people.push(Person {
            subject,
            phone,
            pin,
        });
    }
    let people = Arc::new(people);
    let (all, platforms) = (Arc::clone(&people), Arc::clone(platforms));
    let shape = shape(PREPARING, plan.subjects, &[]);
    let (_, enrolled) = drive(&shape, move |caller, call| {
        let (people, platforms) = (Arc::clone(&all), Arc::clone(&platforms));
        async move {
            let person = people.get(call).ok_or("no such customer")?;
            let platform = lane(&platforms, caller, PREPARING)?;
            let invitation = platform
                .open_enrolment(&person.subject, call_deadline())
                .await?;
            person
                .phone
                .enrol(&invitation, &person.pin, call_deadline())
                .await?;
            Ok(())
        }
    })
    .await?;
    whole(enrolled, plan.subjects)?;
    Arc::into_inner(people).ok_or_else(|| "the customers are still in use".into())
}

/// Where phones are kept: in memory if the machine offers it, for their disks are not measured.
#[must_use]
pub fn phones_parent(otherwise: &Path) -> PathBuf {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() { memory } else { otherwise }.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_single_caller_has_one_connection_and_many_share_sixteen() {
        assert_eq!([1, 7, 64, 256, 10_000].map(lanes), [1, 1, 8, 16, 16]);
    }

    #[test]
    fn missing_answers_are_an_error() {
        assert_eq!(whole(vec![(0, 'a'), (1, 'b')], 2).unwrap(), ['a', 'b']);
        assert!(whole(vec![(0, 'a')], 2).is_err());
    }
}
