//! Orders and logins: what challenges are about besides calls.

use borsh::{BorshDeserialize, BorshSerialize};

use super::Verdict;
use crate::ids::{
    AgentHash, ChallengeId, ContactId, Digest, LoginId, OrderId, SessionId, Stamp, SubjectHash, Tag,
};

/// What a challenge is about: where its verdict goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
#[borsh(use_discriminant = true)]
#[repr(u8)]
pub enum About {
    /// The contact itself.
    Call = 1,
    /// An order of the contact.
    Order(OrderId) = 2,
    /// An agent's login.
    Login(LoginId) = 3,
    /// A step-up of the contact, by its number.
    StepUp(u8) = 4,
}

/// What an order binds a consent to. The order itself never passes through the cluster.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct OrderTerms {
    /// The order.
    pub order: OrderId,
    /// Its salted hash.
    pub order_hash: [u8; 32],
    /// Commitments to its hidden amounts.
    pub amounts: Vec<[u8; 32]>,
    /// X25519 public key of the processor, from the policy.
    pub recipient: [u8; 32],
}

/// One order of a contact.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Order {
    /// Who is asked.
    pub subject: SubjectHash,
    /// What a consent is bound to.
    pub terms: OrderTerms,
    /// Its challenge; zeros if none was issued.
    pub challenge: ChallengeId,
    /// The verdict, once there is one. Verified: the customer approved.
    pub verdict: Option<Verdict>,
    /// Digest of the payload that was sealed for the processor; zeros unless approved.
    pub sealed_digest: Digest,
    /// Until when the payload waits for the processor, and the order may be carried out; zero unless
    /// approved.
    pub payload_until: Stamp,
    /// The leaf of `OrderApproved`.
    pub approved: Option<u64>,
    /// When the processor first fetched the payload.
    pub opened: Option<Stamp>,
    /// Set once it is carried out.
    pub executed: Option<Executed>,
    /// Recorded refusals to carry it out.
    pub refusals: u8,
    /// The subject's pseudonym.
    pub tag: Tag,
}

/// When an order was carried out, and where that stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Executed {
    /// When.
    pub at: Stamp,
    /// The leaf that says so.
    pub leaf: u64,
    /// The campaign to whose sum it was added.
    pub campaign: u32,
    /// Its number there, from 1; zero if it has no amount.
    pub number: u64,
}

/// What the executed orders of a campaign cost together, hidden.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Campaign {
    /// How many there are: the next one gets this number plus one.
    pub orders: u64,
    /// The sum of the commitments of all of them; zeros for none.
    pub sum: [u8; 32],
    /// Number of the last order whose total was proved.
    pub proved: u64,
    /// The sum of the commitments up to that one.
    pub proved_sum: [u8; 32],
    /// The leaf of the last `TotalProved`; zero if there is none.
    pub proved_leaf: u64,
}

/// An approved order's sealed payload, until the processor has it or its time is over.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct SealedOrder {
    /// The challenge under which it was approved.
    pub challenge: ChallengeId,
    /// Of which contact.
    pub contact: ContactId,
    /// Which order.
    pub order: OrderId,
    /// The leaf of `OrderApproved`.
    pub leaf: u64,
    /// For whom: the X25519 public key of the processor.
    pub recipient: [u8; 32],
    /// u16 little-endian length of the encapsulated key, the key, the ciphertext.
    pub payload: Vec<u8>,
}

/// One login of an agent.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct AgentLogin {
    /// Who.
    pub agent: AgentHash,
    /// The agent's pseudonym.
    pub agent_tag: Tag,
    /// Its challenge; zeros if none was issued.
    pub challenge: ChallengeId,
    /// The verdict, once there is one.
    pub verdict: Option<Verdict>,
    /// The session that it opened or restored: a login serves once.
    pub session: Option<SessionId>,
}
