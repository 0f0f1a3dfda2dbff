//! The context of a proof: everything about the call that a proof must be useless without.
//!
//! The bytes are written here and nowhere else; `docs/specification.md` §2 gives them as a table
//! and the golden vectors pin them. No field is optional. The context knows nothing of the
//! statement: the kind enters with the session identifier, so a proof of one kind is never a proof
//! of another.

use alloc::vec::Vec;
use core::fmt;

use sha2::{Digest, Sha256};

use crate::{Suite, encode, statement::Kind, transcript};

/// Longest origin, tenant or contact id in bytes.
///
/// Names are short; the bound keeps the hashing cost of a context below 1 KiB whoever chose them.
pub const NAME_BYTES_MAX: usize = 255;

/// First bytes of every context.
const LABEL: &[u8] = b"akashi/ctx/v1";

/// What the proof is made for. A phone shows the purpose before it proves anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Purpose {
    /// 1: a customer shows on a call who they are.
    CustomerCall,
    /// 2: an agent logs in.
    AgentLogin,
    /// 3: an agent shows that they are still there.
    AgentPresence,
    /// 4: a customer approves the order whose hash stands in the context.
    Consent,
    /// 5: a subject enrols a key and shows that they hold it.
    Enrol,
    /// 6: a phone authenticates its own stream to the cluster.
    PhoneSession,
}

impl Purpose {
    /// The byte in the context.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::CustomerCall => 1,
            Self::AgentLogin => 2,
            Self::AgentPresence => 3,
            Self::Consent => 4,
            Self::Enrol => 5,
            Self::PhoneSession => 6,
        }
    }

    /// Whether factors other than possession and the PIN are shown under this purpose: predicates and
    /// probes. An enrolment registers them, and a phone's session needs none.
    pub(crate) const fn shows_factors(self) -> bool {
        match self {
            Self::CustomerCall | Self::AgentLogin | Self::AgentPresence | Self::Consent => true,
            Self::Enrol | Self::PhoneSession => false,
        }
    }

    /// The purpose with this byte.
    #[must_use]
    pub const fn from_code(code: u8) -> Option<Self> {
        match code {
            1 => Some(Self::CustomerCall),
            2 => Some(Self::AgentLogin),
            3 => Some(Self::AgentPresence),
            4 => Some(Self::Consent),
            5 => Some(Self::Enrol),
            6 => Some(Self::PhoneSession),
            _ => None,
        }
    }
}

/// The fields of a [`Context`], all of them mandatory.
///
/// A replica fills them from its own state (challenge, enrolment, policy), never from the
/// submission.
#[derive(Clone, Copy, Debug)]
pub struct ContextFields<'a> {
    /// The rules under which the proof is made and checked.
    pub suite: Suite,
    /// The log's origin, `<cluster>/e<epoch>/g<group>`; 1 to [`NAME_BYTES_MAX`] bytes.
    pub origin: &'a [u8],
    /// The Raft group within the cluster.
    pub group: u16,
    /// The epoch of the log; raised when a log is succeeded by another.
    pub epoch: u32,
    /// The tenant's id; 1 to [`NAME_BYTES_MAX`] bytes.
    pub tenant: &'a [u8],
    /// The challenge that is answered; used once.
    pub challenge_id: [u8; 16],
    /// The challenge's nonce, see [`challenge_nonce`](crate::challenge_nonce).
    pub nonce: [u8; 32],
    /// What the proof is for.
    pub purpose: Purpose,
    /// The subject's pseudonymous id within the tenant.
    pub subject: [u8; 32],
    /// The contact (call) that is verified; at most [`NAME_BYTES_MAX`] bytes. Empty only for
    /// purposes that have no contact, never for `CustomerCall` and `Consent`.
    pub contact_id: &'a [u8],
    /// First moment of validity, microseconds since the Unix epoch in cluster time.
    pub not_before_us: u64,
    /// Last moment of validity, microseconds since the Unix epoch in cluster time; after
    /// `not_before_us`.
    pub expires_us: u64,
    /// Salted hash of the order to approve; not zero exactly when the purpose is
    /// [`Purpose::Consent`].
    pub order_hash: [u8; 32],
    /// SHA-256 of the policy that the challenge pinned.
    pub policy_digest: [u8; 32],
}

/// Why fields make no context.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ContextError {
    /// `origin` is empty or longer than [`NAME_BYTES_MAX`].
    Origin,
    /// `tenant` is empty or longer than [`NAME_BYTES_MAX`].
    Tenant,
    /// `contact_id` is longer than [`NAME_BYTES_MAX`], or empty although the purpose has a contact.
    ContactId,
    /// `expires_us` is not after `not_before_us`.
    Validity,
    /// `order_hash` is zero for a consent, or not zero for another purpose.
    OrderHash,
}

impl fmt::Display for ContextError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Origin => "origin must have 1 to 255 bytes",
            Self::Tenant => "tenant must have 1 to 255 bytes",
            Self::ContactId => {
                "contact_id must have 1 to 255 bytes, or none where the purpose has no contact"
            }
            Self::Validity => "expires_us must be after not_before_us",
            Self::OrderHash => "order_hash must be set for a consent and zero otherwise",
        })
    }
}

impl core::error::Error for ContextError {}

/// A checked context in its canonical bytes.
#[derive(Clone, PartialEq, Eq)]
pub struct Context {
    suite: Suite,
    purpose: Purpose,
    origin: Vec<u8>,
    tenant: Vec<u8>,
    subject: [u8; 32],
    not_before_us: u64,
    order_hash: [u8; 32],
    bytes: Vec<u8>,
}

impl Context {
    /// Checks the fields and writes the canonical bytes.
    ///
    /// # Errors
    /// [`ContextError`] names the first field that is wrong, in the order of its variants.
    pub fn new(fields: ContextFields<'_>) -> Result<Self, ContextError> {
        let ContextFields {
            suite,
            origin,
            group,
            epoch,
            tenant,
            challenge_id,
            nonce,
            purpose,
            subject,
            contact_id,
            not_before_us,
            expires_us,
            order_hash,
            policy_digest,
        } = fields;

        if !is_name(origin) {
            return Err(ContextError::Origin);
        }
        if !is_name(tenant) {
            return Err(ContextError::Tenant);
        }
        let has_contact = match purpose {
            Purpose::CustomerCall | Purpose::Consent => true,
            Purpose::AgentLogin
            | Purpose::AgentPresence
            | Purpose::Enrol
            | Purpose::PhoneSession => false,
        };
        if !is_name(contact_id) && (has_contact || !contact_id.is_empty()) {
            return Err(ContextError::ContactId);
        }
        if expires_us <= not_before_us {
            return Err(ContextError::Validity);
        }
        if (order_hash != [0; 32]) != (purpose == Purpose::Consent) {
            return Err(ContextError::OrderHash);
        }

        let mut bytes =
            Vec::with_capacity(FIXED_BYTES + origin.len() + tenant.len() + contact_id.len());
        bytes.extend_from_slice(LABEL);
        bytes.push(suite.code());
        encode::put_lv(&mut bytes, origin);
        bytes.extend_from_slice(&group.to_le_bytes());
        bytes.extend_from_slice(&epoch.to_le_bytes());
        encode::put_lv(&mut bytes, tenant);
        bytes.extend_from_slice(&challenge_id);
        bytes.extend_from_slice(&nonce);
        bytes.push(purpose.code());
        bytes.extend_from_slice(&subject);
        encode::put_lv(&mut bytes, contact_id);
        bytes.extend_from_slice(&not_before_us.to_le_bytes());
        bytes.extend_from_slice(&expires_us.to_le_bytes());
        bytes.extend_from_slice(&order_hash);
        bytes.extend_from_slice(&policy_digest);
        Ok(Self {
            suite,
            purpose,
            origin: origin.into(),
            tenant: tenant.into(),
            subject,
            not_before_us,
            order_hash,
            bytes,
        })
    }

    /// The canonical bytes, as they are hashed and as evidence records keep them.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// SHA-256 of [`bytes`](Self::bytes).
    #[must_use]
    pub fn digest(&self) -> [u8; 32] {
        Sha256::digest(&self.bytes).into()
    }

    /// The suite of every proof under this context.
    #[must_use]
    pub const fn suite(&self) -> Suite {
        self.suite
    }

    /// The purpose of every proof under this context.
    #[must_use]
    pub const fn purpose(&self) -> Purpose {
        self.purpose
    }

    /// The origin of the log.
    #[must_use]
    pub fn origin(&self) -> &[u8] {
        &self.origin
    }

    /// The tenant's id.
    #[must_use]
    pub fn tenant(&self) -> &[u8] {
        &self.tenant
    }

    /// The subject's id within the tenant.
    #[must_use]
    pub const fn subject(&self) -> &[u8; 32] {
        &self.subject
    }

    /// First moment of validity, microseconds since the Unix epoch.
    #[must_use]
    pub const fn not_before_us(&self) -> u64 {
        self.not_before_us
    }

    /// The order that a consent under this context approves; zeros under any other purpose.
    #[must_use]
    pub const fn order_hash(&self) -> &[u8; 32] {
        &self.order_hash
    }

    /// sid = DeriveSessionID("akashi/v1/" ‖ kind name ‖ 0x00 ‖ context).
    pub(crate) fn session_id(&self, kind: Kind) -> [u8; transcript::SESSION_ID_BYTES] {
        transcript::session_id(&[b"akashi/v1/", kind.name().as_bytes(), &[0], &self.bytes])
    }
}

impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Context")
            .field("suite", &self.suite)
            .field("purpose", &self.purpose)
            .finish_non_exhaustive()
    }
}

/// Bytes of a context without its three names.
const FIXED_BYTES: usize = LABEL.len() + 1 + 2 + 2 + 4 + 2 + 16 + 32 + 1 + 32 + 2 + 8 + 8 + 32 + 32;

/// Whether a mandatory name has an admissible length.
pub(crate) fn is_name(name: &[u8]) -> bool {
    !name.is_empty() && name.len() <= NAME_BYTES_MAX
}
