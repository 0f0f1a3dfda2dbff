//! Names of things: opaque, of fixed width, never personal data.

use borsh::{BorshDeserialize, BorshSerialize};
use sha2::{Digest as _, Sha256};

/// Cluster time in microseconds since 1970-01-01 UTC: written by the leader, never read from a clock
/// below it.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, BorshSerialize, BorshDeserialize,
)]
pub struct Stamp(pub u64);

impl Stamp {
    /// This many microseconds later, or the end of time.
    #[must_use]
    pub const fn after_us(self, us: u64) -> Self {
        Self(self.0.saturating_add(us))
    }

    /// This many microseconds earlier, or the beginning of time.
    #[must_use]
    pub const fn before_us(self, us: u64) -> Self {
        Self(self.0.saturating_sub(us))
    }
}

macro_rules! bytes_id {
    ($(#[$doc:meta])* $name:ident, $len:literal) => {
        $(#[$doc])*
        #[derive(
            Clone, Copy, PartialEq, Eq, PartialOrd, Ord, BorshSerialize, BorshDeserialize,
        )]
        pub struct $name(pub [u8; $len]);

        impl $name {
            /// All zeros: "none" in leaves.
            pub const ZERO: Self = Self([0; $len]);
        }

        impl Default for $name {
            fn default() -> Self {
                Self::ZERO
            }
        }

        impl core::fmt::Debug for $name {
            /// The first four bytes in hexadecimal: enough to follow one thing through a log.
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                f.write_str(concat!(stringify!($name), "("))?;
                for byte in self.0.iter().take(4) {
                    write!(f, "{byte:02x}")?;
                }
                f.write_str("…)")
            }
        }
    };
}

bytes_id!(
    /// One interaction with a customer; chosen by the platform, unique in the tenant.
    ContactId,
    16
);
bytes_id!(
    /// One question to one phone. Derived from the contact, so it needs no randomness.
    ChallengeId,
    16
);
bytes_id!(
    /// One invitation to enrol; chosen by the platform.
    EnrolmentId,
    16
);
bytes_id!(
    /// One order to approve; chosen by the platform, unique in its contact.
    OrderId,
    16
);
bytes_id!(
    /// One login of an agent; chosen by the platform, unique in the tenant.
    LoginId,
    16
);
bytes_id!(
    /// One session of an agent; chosen by the agent's program, unique in the tenant.
    SessionId,
    16
);
bytes_id!(
    /// A credential's serial; chosen by its issuer.
    Serial,
    16
);
bytes_id!(
    /// A sender's name for one command: a `UUIDv7` (RFC 9562), so that it carries its own time.
    RequestId,
    16
);
bytes_id!(
    /// Who sent a command: the first half of SHA-256 over the certificate's identity, zeros for phones.
    ClientId,
    16
);
bytes_id!(
    /// A pseudonym made with a key of the tenant; the only way a person shows in the audit log.
    Tag,
    16
);
bytes_id!(
    /// SHA-256 of a tenant's handle for a subject; see [`SubjectHash::of`].
    SubjectHash,
    32
);
bytes_id!(
    /// SHA-256 of a tenant's handle for an agent; see [`AgentHash::of`].
    AgentHash,
    32
);
bytes_id!(
    /// A SHA-256 value.
    Digest,
    32
);

impl RequestId {
    /// The Unix time in milliseconds that a `UUIDv7` carries in its first 48 bits (RFC 9562 §5.7).
    #[must_use]
    pub fn time_ms(self) -> u64 {
        let [a, b, c, d, e, f, ..] = self.0;
        u64::from_be_bytes([0, 0, a, b, c, d, e, f])
    }
}

impl SubjectHash {
    /// SHA-256(`"akashi/v1/subject"` ‖ 0 ‖ tenant ‖ 0 ‖ handle).
    #[must_use]
    pub fn of(tenant: &str, handle: &str) -> Self {
        Self(labelled(
            b"akashi/v1/subject",
            &[tenant.as_bytes(), handle.as_bytes()],
        ))
    }
}

impl AgentHash {
    /// SHA-256(`"akashi/v1/agent"` ‖ 0 ‖ tenant ‖ 0 ‖ handle).
    #[must_use]
    pub fn of(tenant: &str, handle: &str) -> Self {
        Self(labelled(
            b"akashi/v1/agent",
            &[tenant.as_bytes(), handle.as_bytes()],
        ))
    }
}

impl AgentHash {
    /// The agent as the subject of proofs: devices, credentials and templates of agents lie beside those
    /// of customers. The labels of the two hashes differ, so they never meet.
    #[must_use]
    pub const fn as_subject(self) -> SubjectHash {
        SubjectHash(self.0)
    }
}

impl ClientId {
    /// The first half of SHA-256(`"akashi/v1/client"` ‖ 0 ‖ identity).
    #[must_use]
    pub fn of(identity: &str) -> Self {
        Self(first_half(labelled(
            b"akashi/v1/client",
            &[identity.as_bytes()],
        )))
    }
}

impl ChallengeId {
    /// The first half of SHA-256(`"akashi/v1/challenge"` ‖ 0 ‖ origin ‖ 0 ‖ tenant ‖ 0 ‖ contact).
    #[must_use]
    pub fn of(origin: &str, tenant: &str, contact: ContactId) -> Self {
        let parts: [&[u8]; 3] = [origin.as_bytes(), tenant.as_bytes(), &contact.0];
        Self(first_half(labelled(b"akashi/v1/challenge", &parts)))
    }

    /// The first half of SHA-256(`"akashi/v1/challenge-order"` ‖ 0 ‖ origin ‖ 0 ‖ tenant ‖ 0 ‖ contact ‖
    /// order).
    #[must_use]
    pub fn of_order(origin: &str, tenant: &str, contact: ContactId, order: OrderId) -> Self {
        let both = [contact.0, order.0].concat();
        let parts: [&[u8]; 3] = [origin.as_bytes(), tenant.as_bytes(), &both];
        Self(first_half(labelled(b"akashi/v1/challenge-order", &parts)))
    }

    /// The first half of SHA-256(`"akashi/v1/challenge-login"` ‖ 0 ‖ origin ‖ 0 ‖ tenant ‖ 0 ‖ login).
    #[must_use]
    pub fn of_login(origin: &str, tenant: &str, login: LoginId) -> Self {
        let parts: [&[u8]; 3] = [origin.as_bytes(), tenant.as_bytes(), &login.0];
        Self(first_half(labelled(b"akashi/v1/challenge-login", &parts)))
    }
}

impl Digest {
    /// SHA-256 of `bytes`.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }
}

/// SHA-256 over a label and parts, a zero byte before each part.
///
/// Only for parts that hold no zero byte, or where the last part has a fixed width.
pub(crate) fn labelled(label: &[u8], parts: &[&[u8]]) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(label);
    for part in parts {
        hash.update([0]);
        hash.update(part);
    }
    hash.finalize().into()
}

fn first_half(digest: [u8; 32]) -> [u8; 16] {
    let mut half = [0; 16];
    for (to, from) in half.iter_mut().zip(digest) {
        *to = from;
    }
    half
}
