//! Facts. An event is never changed, renumbered or reused; new meaning, new event.
//!
//! Every event becomes one leaf of the audit log ([`crate::leaf`]); `docs/events.md` is the catalogue. A
//! new one is a line in the list below and a struct with what it changes ([`crate::evolve`]) and what its
//! leaf says: the compiler asks for both.

mod admin;
mod call;
mod contact;
mod customer;
mod enrolment;
mod holding;
mod member;
mod notifier;
mod order;
mod oversight;
mod presence;
mod processed;
mod question;
mod registry;
mod session;
mod submission;

use borsh::{BorshDeserialize, BorshSerialize};

pub use admin::{AgentRegistered, ClusterFounded, PolicyActivated, SettingsChanged, TenantCreated};
pub use call::{
    ContactResumed, LegChanged, NoticeReminded, PolicyRetired, StepUpAsked, SubjectErased,
};
pub use contact::{AgentBound, ChallengeIssued, ContactAnnounced, ContactClosed, NoticeOpened};
pub use customer::{
    ContactBlocked, DelegationGranted, DelegationRevoked, DuressSignalled, FallbackUsed,
    OptOutChanged, RiskAttached, WrongParty,
};
pub use enrolment::{
    DeviceEnrolled, DeviceRevoked, EnrolmentExpired, EnrolmentOpened, EnrolmentRefused,
    PinKeyReplaced, PinLocked,
};
pub use holding::{
    CredentialRefused, CredentialRegistered, CredentialRevoked, TemplateEnrolled, TemplateRefused,
    TemplateRevoked,
};
pub use member::{
    MemberAdded, MemberMet, MemberPromoted, MemberRemoved, StateDigestRecorded, StateMarked,
};
pub use notifier::{NoticeDelivered, NoticeFailed};
pub use order::{OrderExecuted, OrderOpened, OrderRefused, Share, TotalProved};
pub use oversight::{SupervisorJoined, UnmaskDecided, UnmaskRequested};
pub use presence::{PresenceChanged, PresenceSummarised};
pub use processed::ContactProcessed;
pub use question::{AgentLoginOpened, OrderApproved, OrderOffered, OrderPayloadExpired};
pub use registry::{IssuerRegistered, IssuerRevoked, SensorRegistered, SensorRevoked};
pub use session::{
    Admission, AgentCertificateRevoked, AgentLocked, AgentReleased, AgentUnlocked, BindingRefused,
    PostureAttested, RulesPublished, SessionEnded, SessionOpened, SessionRefused, SessionRestored,
    SessionSettingsChanged, SessionSuspended,
};
pub use submission::{
    ChallengeConsumed, DuplicateSubmission, ProofHeld, ProofRefused, VerdictReached,
};

use crate::evolve::{Evolve, Place};
use crate::ids::{ContactId, SessionId, SubjectHash};
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

    /// The agent's session that it is about, if any.
    fn session(&self) -> Option<SessionId> {
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
        #[expect(
            clippy::large_enum_variant,
            reason = "a few live at a time: they are recorded and gone"
        )]
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

            /// The agent's session that it is about, if any.
            #[must_use]
            pub fn session(&self) -> Option<SessionId> {
                match self {
                    $(Self::$name(fact) => Fact::session(fact),)*
                }
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
    /// Somebody may act for a customer.
    DelegationGranted = 17,
    /// Somebody may no longer act for a customer.
    DelegationRevoked = 18,
    /// A customer does not wish to be asked, or may be asked again.
    OptOutChanged = 19,
    /// A call is about to happen, or connects.
    ContactAnnounced = 20,
    /// An agent has the contact.
    AgentBound = 21,
    /// A phone is asked.
    ChallengeIssued = 22,
    /// The phone showed the notice.
    NoticeOpened = 23,
    /// The customer is not on a call: nobody may go on.
    ContactBlocked = 24,
    /// Signals about the caller's number are known.
    RiskAttached = 25,
    /// A weaker way than a proof was tried.
    FallbackUsed = 26,
    /// A call that was cut off came back in time.
    ContactResumed = 27,
    /// The telephone system said something about the call.
    LegChanged = 28,
    /// An agent no longer has a contact.
    AgentReleased = 29,
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
    /// A submission carried the silent sign of distress.
    DuressSignalled = 35,
    /// Whoever has the phone is not the customer.
    WrongParty = 36,
    /// A notice that nobody opened is shown once more.
    NoticeReminded = 37,
    /// The customer of a contact is to prove more, or again.
    StepUpAsked = 38,
    /// An agent was not let at a contact.
    BindingRefused = 39,
    /// The platform ended the contact.
    ContactClosed = 40,
    /// What became of a contact, for whoever has to account for it.
    ContactProcessed = 41,
    /// What was kept of a subject is deleted.
    SubjectErased = 42,
    /// A version of a policy is not asked any more.
    PolicyRetired = 43,
    /// Every replica digests its state as of this entry.
    StateMarked = 44,
    /// What the state digested to at a mark.
    StateDigestRecorded = 45,
    /// A supervisor listens in.
    SupervisorJoined = 46,
    /// An agent asks to see masked fields.
    UnmaskRequested = 47,
    /// A request to see masked fields is decided.
    UnmaskDecided = 48,
    /// An order is to be approved.
    OrderOffered = 50,
    /// An order is approved.
    OrderApproved = 51,
    /// The time of an approved order is over: its sealed payload is gone, and nobody carried it out.
    OrderPayloadExpired = 52,
    /// The processor fetched the sealed payload.
    OrderOpened = 53,
    /// An order is carried out as approved.
    OrderExecuted = 54,
    /// An order is not carried out.
    OrderRefused = 55,
    /// What a campaign's orders cost together was proved.
    TotalProved = 56,
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
    /// An agent is at work.
    SessionOpened = 71,
    /// An agent was not let to work.
    SessionRefused = 72,
    /// A session is over.
    SessionEnded = 73,
    /// A session shows nothing until a fresh login restores it.
    SessionSuspended = 74,
    /// A session goes on after a fresh login.
    SessionRestored = 75,
    /// Somebody else, nobody, or again the agent is seen; or a desktop attached to a node.
    PresenceChanged = 76,
    /// What a node heard of desktops in a window of time.
    PresenceSummarised = 77,
    /// An agent may not work.
    AgentLocked = 78,
    /// An agent may work again.
    AgentUnlocked = 79,
    /// A certificate of an agent is no longer believed.
    AgentCertificateRevoked = 80,
    /// An issuer says how an agent's machine is.
    PostureAttested = 81,
    /// A version of the tenant's written rules is in force.
    RulesPublished = 82,
    /// A replica belongs to the cluster and learns.
    MemberAdded = 83,
    /// A member votes and cosigns.
    MemberPromoted = 84,
    /// A replica does not belong to the cluster any more.
    MemberRemoved = 85,
    /// The disk of a member was seen for the first time.
    MemberMet = 86,
    /// Limits of sessions are in force.
    SessionSettingsChanged = 90,
    /// A notifier says that a notice reached the phone's network.
    NoticeDelivered = 91,
    /// A notifier says that a notice could not be delivered.
    NoticeFailed = 92,
}
