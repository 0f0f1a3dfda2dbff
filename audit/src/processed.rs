//! The leaf of a processed contact, read and written: what a processing receipt and a statement say.
//!
//! One place for both directions, so that who writes the log and who checks a statement of it cannot
//! disagree. The event is `ContactProcessed` (41), recorded once when a contact closes.

use thiserror::Error;

use crate::leaf::Leaf;
use crate::text::take;

/// Event number of a tenant's creation: its leaf ties the tenant's number to its name.
pub const TENANT_CREATED: u16 = 2;
/// Event number of a processed contact.
pub const CONTACT_PROCESSED: u16 = 41;

/// Event number of a campaign's total that was proved to the replicas.
pub const TOTAL_PROVED: u16 = 56;

/// Extension columns of the leaf.
pub mod column {
    /// Why the contact was made, as shown to the customer (u16, big-endian).
    pub const CALL_REASON: u16 = 1;
    /// Who called whom: 1 customer, 2 centre (u8).
    pub const INITIATOR: u16 = 2;
    /// The tenant's own code (u16, big-endian).
    pub const DISPOSITION: u16 = 3;
    /// Name of the tenant, in the leaf of its creation (UTF-8).
    pub const NAME: u16 = 4;
    /// The tenant's campaign; zero for none (u32, big-endian).
    pub const CAMPAIGN: u16 = 53;
    /// Number of the last order of a proved total (u64, big-endian).
    pub const ORDER_NUMBER: u16 = 81;
    /// Number of its first order (u64, big-endian).
    pub const PERIOD_FIRST: u16 = 84;
    /// The sum of the commitments of its orders (32 bytes).
    pub const PERIOD_SUM: u16 = 85;
    /// The contact's number among the tenant's closed contacts, from 1 without gaps (u64, big-endian).
    pub const NUMBER: u16 = 90;
    /// Contacts that the tenant has announced so far, this one included (u64, big-endian).
    pub const ANNOUNCED: u16 = 91;
    /// When it was announced in microseconds since 1970 (u64), and the milliseconds from there to the
    /// verdict, all ones without one (u32); big-endian, 12 bytes.
    pub const TIMES: u16 = 92;
    /// AAL, factor types, limits (u8 each) and scope (u32, big-endian): 7 bytes.
    pub const ASSURANCE: u16 = 93;
    /// Agents, presence states, level and unmaskings (u8 each), and the version of the rules
    /// (u32, big-endian): 8 bytes.
    pub const CARE: u16 = 94;
}

/// Bits of the leaf's `flags`.
pub mod flag {
    /// Every session that had the contact was one with valid training.
    pub const TRAINING: u32 = 1;
    /// Every session that had the contact had a valid attestation of its posture.
    pub const POSTURE: u32 = 2;
    /// The customer reported the call: nobody could go on.
    pub const BLOCKED: u32 = 4;
}

/// Outcome number of a verified customer.
pub(crate) const VERIFIED: u8 = 1;
/// Bit of the presence state "present" in [`Care::presence`].
pub(crate) const PRESENT: u8 = 1;
/// Bit of [`Processed::limits`]: the way to the verdict was a weaker one.
pub(crate) const FALLBACK: u8 = 4;
/// What stands where there was no verdict.
const NO_VERDICT: u32 = u32::MAX;

/// Why a leaf is not that of a processed contact.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum ProcessedError {
    /// It is about something else.
    #[error("leaf is not that of a processed contact")]
    Kind,
    /// A column is missing or has another width.
    #[error("leaf of a processed contact lacks a column")]
    Column,
}

/// A total of a campaign's orders that was proved to the replicas: what the commitments add up to,
/// not the amount itself. `akashi-proof` checks an amount and its blinding against the sum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProvedTotal {
    /// When, in microseconds of cluster time.
    pub proved_us: u64,
    /// The tenant's campaign.
    pub campaign: u32,
    /// Number of its first order in the campaign.
    pub first: u64,
    /// Number of its last.
    pub last: u64,
    /// The sum of their commitments.
    pub sum: [u8; 32],
}

impl ProvedTotal {
    /// Reads a leaf.
    ///
    /// # Errors
    ///
    /// [`ProcessedError`].
    pub fn read(leaf: &Leaf) -> Result<Self, ProcessedError> {
        if leaf.kind != TOTAL_PROVED {
            return Err(ProcessedError::Kind);
        }
        Self::columns(leaf).ok_or(ProcessedError::Column)
    }

    fn columns(leaf: &Leaf) -> Option<Self> {
        Some(Self {
            proved_us: leaf.stamp_us,
            campaign: u32::from_be_bytes(fixed(leaf, column::CAMPAIGN)?),
            first: u64::from_be_bytes(fixed(leaf, column::PERIOD_FIRST)?),
            last: u64::from_be_bytes(fixed(leaf, column::ORDER_NUMBER)?),
            sum: fixed(leaf, column::PERIOD_SUM)?,
        })
    }
}

/// Under which care a contact was: the worst of all sessions that had it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Care {
    /// How many agents had it, each session counted once.
    pub agents: u8,
    /// Presence states other than present that were seen while it was theirs, bit `n − 1` for state
    /// `n`: 1 present, 2 absent, 3 occluded, 4 several, 5 another person, 6 camera lost, 7 not looked at.
    pub presence: u8,
    /// Level of the agents' sessions: 0 one had none, 1 alternative, 2 face; the lowest.
    pub level: u8,
    /// How often masked data were shown.
    pub unmasked: u8,
    /// Version of the tenant's rules that the agents had acknowledged; the lowest, zero for none.
    pub rules_version: u32,
}

/// What the leaf of a processed contact says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Processed {
    /// The tenant's number.
    pub tenant: u32,
    /// The contact.
    pub contact_id: [u8; 16],
    /// When it closed, in microseconds of cluster time: the leaf's stamp.
    pub closed_us: u64,
    /// Its number among the tenant's closed contacts, from 1.
    pub number: u64,
    /// Contacts announced so far.
    pub announced: u64,
    /// How its verification ended; zero if it has no verdict.
    pub outcome: u8,
    /// Why.
    pub reason: u16,
    /// Version of the policy it was announced under.
    pub policy_version: u32,
    /// The tenant's queue; zero for none.
    pub queue: u32,
    /// The tenant's campaign; zero for none.
    pub campaign: u32,
    /// Keyed pseudonym of the last agent; zeros for none.
    pub agent_tag: [u8; 16],
    /// When it was announced, in microseconds of cluster time.
    pub announced_us: u64,
    /// Milliseconds from the announcement to the verdict, if there is one.
    pub verdict_ms: Option<u32>,
    /// Assurance of the verdict; zero without one.
    pub aal: u8,
    /// Factor types that held, as bits: 1 know, 2 have, 4 are.
    pub factors: u8,
    /// Why the scope was less than full, as bits.
    pub limits: u8,
    /// What the contact was good for when it closed.
    pub scope: u32,
    /// Why, as shown to the customer.
    pub call_reason: u16,
    /// Who called whom: 1 customer, 2 centre.
    pub initiator: u8,
    /// The tenant's own code.
    pub disposition: u16,
    /// Under which care it was.
    pub care: Care,
    /// Bits of [`flag`].
    pub flags: u32,
}

impl Processed {
    /// Fills in a leaf's columns; tenant, contact and place are the leaf's own.
    pub fn fill(&self, leaf: &mut Leaf) {
        leaf.actor_tag = self.agent_tag;
        leaf.outcome = self.outcome;
        leaf.reason = self.reason;
        leaf.flags = self.flags;
        leaf.policy_version = self.policy_version;
        leaf.queue = self.queue;
        let mut set = |column, value: &[u8]| {
            let fitted = leaf.extensions.insert(column, value);
            debug_assert!(fitted.is_ok(), "columns are short and set once");
        };
        set(column::CALL_REASON, &self.call_reason.to_be_bytes());
        set(column::INITIATOR, &[self.initiator]);
        set(column::DISPOSITION, &self.disposition.to_be_bytes());
        set(column::NUMBER, &self.number.to_be_bytes());
        set(column::ANNOUNCED, &self.announced.to_be_bytes());
        set(column::CAMPAIGN, &self.campaign.to_be_bytes());
        let [a, b, c, d, e, f, g, h] = self.announced_us.to_be_bytes();
        let [i, j, k, l] = self.verdict_ms.unwrap_or(NO_VERDICT).to_be_bytes();
        set(column::TIMES, &[a, b, c, d, e, f, g, h, i, j, k, l]);
        let [a, b, c, d] = self.scope.to_be_bytes();
        let assurance = [self.aal, self.factors, self.limits, a, b, c, d];
        set(column::ASSURANCE, &assurance);
        let care = &self.care;
        let [a, b, c, d] = care.rules_version.to_be_bytes();
        set(
            column::CARE,
            &[
                care.agents,
                care.presence,
                care.level,
                care.unmasked,
                a,
                b,
                c,
                d,
            ],
        );
    }

    /// Reads a leaf. Columns of later versions are passed over.
    ///
    /// # Errors
    ///
    /// [`ProcessedError`].
    pub fn read(leaf: &Leaf) -> Result<Self, ProcessedError> {
        if leaf.kind != CONTACT_PROCESSED {
            return Err(ProcessedError::Kind);
        }
        Self::columns(leaf).ok_or(ProcessedError::Column)
    }

    fn columns(leaf: &Leaf) -> Option<Self> {
        let mut times = exactly(leaf, column::TIMES, 12)?;
        let announced_us = u64::from_be_bytes(take(&mut times)?);
        let verdict_ms = u32::from_be_bytes(take(&mut times)?);
        let mut assurance = exactly(leaf, column::ASSURANCE, 7)?;
        let [aal, factors, limits] = take(&mut assurance)?;
        let mut care = exactly(leaf, column::CARE, 8)?;
        let [agents, presence, level, unmasked] = take(&mut care)?;
        let [initiator] = fixed(leaf, column::INITIATOR)?;
        Some(Self {
            tenant: leaf.tenant,
            contact_id: leaf.contact_id,
            closed_us: leaf.stamp_us,
            number: u64::from_be_bytes(fixed(leaf, column::NUMBER)?),
            announced: u64::from_be_bytes(fixed(leaf, column::ANNOUNCED)?),
            outcome: leaf.outcome,
            reason: leaf.reason,
            policy_version: leaf.policy_version,
            queue: leaf.queue,
            campaign: u32::from_be_bytes(fixed(leaf, column::CAMPAIGN)?),
            agent_tag: leaf.actor_tag,
            announced_us,
            verdict_ms: (verdict_ms != NO_VERDICT).then_some(verdict_ms),
            aal,
            factors,
            limits,
            scope: u32::from_be_bytes(take(&mut assurance)?),
            call_reason: u16::from_be_bytes(fixed(leaf, column::CALL_REASON)?),
            initiator,
            disposition: u16::from_be_bytes(fixed(leaf, column::DISPOSITION)?),
            care: Care {
                agents,
                presence,
                level,
                unmasked,
                rules_version: u32::from_be_bytes(take(&mut care)?),
            },
            flags: leaf.flags,
        })
    }
}

fn exactly(leaf: &Leaf, column: u16, width: usize) -> Option<&[u8]> {
    leaf.extensions
        .value(column)
        .filter(|value| value.len() == width)
}

fn fixed<const N: usize>(leaf: &Leaf, column: u16) -> Option<[u8; N]> {
    leaf.extensions.value(column)?.try_into().ok()
}
