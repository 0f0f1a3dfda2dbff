//! Facts. An event is never changed, renumbered or reused; new meaning, new event.
//!
//! Every event becomes one leaf of the audit log ([`crate::leaf`]); `docs/events.md` is the catalogue. A
//! new one is a line in the list below and a struct with what it changes ([`crate::evolve`]) and what its
//! leaf says: the compiler asks for both.

mod admin;
mod contact;
mod enrolment;
mod holding;
mod processed;
mod question;
mod registry;
mod submission;

use borsh::{BorshDeserialize, BorshSerialize};

pub use admin::{AgentRegistered, ClusterFounded, PolicyActivated, SettingsChanged, TenantCreated};
pub use contact::{AgentBound, ChallengeIssued, ContactAnnounced, ContactClosed, NoticeOpened};
pub use enrolment::{
    DeviceEnrolled, DeviceRevoked, EnrolmentExpired, EnrolmentOpened, EnrolmentRefused,
    PinKeyReplaced, PinLocked,
};
pub use holding::{
    CredentialRefused, CredentialRegistered, CredentialRevoked, TemplateEnrolled, TemplateRefused,
    TemplateRevoked,
};
pub use processed::ContactProcessed;
pub use question::{AgentLoginOpened, OrderApproved, OrderOffered, OrderPayloadExpired};
pub use registry::{IssuerRegistered, IssuerRevoked, SensorRegistered, SensorRevoked};
pub use submission::{
    ChallengeConsumed, DuplicateSubmission, ProofHeld, ProofRefused, VerdictReached,
};

use crate::evolve::{Evolve, Place};
use crate::ids::{ContactId, SubjectHash};
use crate::kv::{Fault, Overlay, View};
use crate::leaf::Columns;

/// What every event says of itself.
pub trait Fact {
    /// The tenant it belongs to; zero for the cluster itself.
    fn tenant(&self) -> u32;

    /// The contact it belongs to, if any.
    fn contact(&self) -> Option<ContactId> {
        None
    }

    /// Whose phone has to be told something else after it, if anybody's.
    fn phone(&self) -> Option<SubjectHash> {
        None
    }
}

macro_rules! events {
    ($($(#[$doc:meta])* $name:ident = $number:literal,)*) => {
        /// Something that happened. Tenants are meant by number; zero is the cluster itself.
        #[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
        #[borsh(use_discriminant = true)]
        #[repr(u8)]
        pub enum Event {
            $($(#[$doc])* $name($name) = $number,)*
        }

        $(
            impl From<$name> for Event {
                fn from(fact: $name) -> Self {
                    Self::$name(fact)
                }
            }
        )*

        impl Event {
            /// The number of this kind of event in leaves.
            #[must_use]
            pub const fn kind(&self) -> u16 {
                match self {
                    $(Self::$name(_) => $number,)*
                }
            }

            /// The tenant it belongs to; zero for the cluster itself.
            #[must_use]
            pub fn tenant(&self) -> u32 {
                match self {
                    $(Self::$name(fact) => Fact::tenant(fact),)*
                }
            }

            /// The contact it belongs to, if any.
            #[must_use]
            pub fn contact(&self) -> Option<ContactId> {
                let contact = match self {
                    $(Self::$name(fact) => Fact::contact(fact),)*
                };
                contact.filter(|contact| *contact != ContactId::ZERO)
            }

            /// Whose phone has to be told something else after it, if anybody's.
            #[must_use]
            pub fn phone(&self) -> Option<SubjectHash> {
                match self {
                    $(Self::$name(fact) => Fact::phone(fact),)*
                }
            }

            /// Writes what it changes.
            pub(crate) fn evolve<V: View + ?Sized>(
                &self,
                state: &mut Overlay<'_, V>,
                place: Place,
            ) -> Result<(), Fault> {
                match self {
                    $(Self::$name(fact) => Evolve::evolve(fact, state, place),)*
                }
            }

            /// Fills in what its leaf says besides tenant, contact and place.
            pub(crate) fn columns(&self, leaf: &mut akashi_merkle::Leaf) {
                match self {
                    $(Self::$name(fact) => Columns::columns(fact, leaf),)*
                }
            }
        }
    };
}

// Numbers are those of leaves.
events! {
    /// The cluster has its first entry.
    ClusterFounded = 1,
    /// A tenant exists.
    TenantCreated = 2,
    /// A version of a policy is in force.
    PolicyActivated = 3,
    /// Limits are in force.
    SettingsChanged = 4,
    /// An agent is known.
    AgentRegistered = 5,
    /// A key of an issuer is known.
    IssuerRegistered = 6,
    /// A key of an issuer is no longer believed.
    IssuerRevoked = 7,
    /// A sensor is known.
    SensorRegistered = 8,
    /// A sensor is no longer believed.
    SensorRevoked = 9,
    /// An invitation to enrol is open.
    EnrolmentOpened = 10,
    /// A phone is enrolled.
    DeviceEnrolled = 11,
    /// The proofs of a device's enrolment did not hold.
    EnrolmentRefused = 12,
    /// An invitation ended unused.
    EnrolmentExpired = 13,
    /// A device is no longer accepted.
    DeviceRevoked = 14,
    /// Too many wrong PINs in a row.
    PinLocked = 15,
    /// The PIN key was replaced.
    PinKeyReplaced = 16,
    /// A call is about to happen, or connects.
    ContactAnnounced = 20,
    /// An agent has the contact.
    AgentBound = 21,
    /// A phone is asked.
    ChallengeIssued = 22,
    /// The phone showed the notice.
    NoticeOpened = 23,
    /// Proofs were judged and do not hold.
    ProofRefused = 30,
    /// Proofs were judged and hold.
    ProofHeld = 31,
    /// The challenge is used up by a submission that held.
    ChallengeConsumed = 32,
    /// The single ending of a verification.
    VerdictReached = 33,
    /// Another submission came for an answered challenge.
    DuplicateSubmission = 34,
    /// The platform ended the contact.
    ContactClosed = 40,
    /// What became of a contact, for whoever has to account for it.
    ContactProcessed = 41,
    /// An order is to be approved.
    OrderOffered = 50,
    /// An order is approved.
    OrderApproved = 51,
    /// The sealed payload of an approved order is gone, unread.
    OrderPayloadExpired = 52,
    /// A credential is registered.
    CredentialRegistered = 60,
    /// A credential was not registered.
    CredentialRefused = 61,
    /// A credential is no longer accepted.
    CredentialRevoked = 62,
    /// The template of a face is enrolled.
    TemplateEnrolled = 65,
    /// A template was not enrolled.
    TemplateRefused = 66,
    /// A template is no longer accepted.
    TemplateRevoked = 67,
    /// An agent is to log in.
    AgentLoginOpened = 70,
}
