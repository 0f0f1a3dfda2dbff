//! What a policy asks, in the words of this SDK: from a file, to the wire, and back with its digest.
//!
//! A phone computes the digest from the rules that it shows and compares it with the one that is bound
//! into the challenge, so no node can have it prove something else than what the policy asks. The
//! encoding must therefore stay byte for byte that of the state machine.

mod digest;
mod file;
mod grants;
mod grants_file;
mod grants_wire;
mod wire;
mod words;

pub use file::read;
pub use grants::{AgentBinding, AgentRule, Grants, PresenceRule, RiskRule, UnmaskRule};
pub use words::{asked, wanted};

/// What a policy is for. Numbers are those of the proof context.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PolicyPurpose {
    /// The customer of a contact.
    CustomerCall,
    /// An agent who logs in.
    AgentLogin,
    /// An order that the customer approves.
    Consent,
}

impl PolicyPurpose {
    /// The purpose of the proof context.
    #[must_use]
    pub const fn of_context(self) -> akashi_proof::Purpose {
        match self {
            Self::CustomerCall => akashi_proof::Purpose::CustomerCall,
            Self::AgentLogin => akashi_proof::Purpose::AgentLogin,
            Self::Consent => akashi_proof::Purpose::Consent,
        }
    }

    /// What the phone tells its owner.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::CustomerCall => "who you are, for a call",
            Self::AgentLogin => "who you are, for a login",
            Self::Consent => "whether you approve an order",
        }
    }
}

/// Everything that a policy asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rules {
    /// What it is for.
    pub purpose: PolicyPurpose,
    /// Possession of the phone; every policy asks it.
    pub require_possession: bool,
    /// The PIN.
    pub require_knowledge: bool,
    /// Predicates on hidden attributes; a part's slot is its place here.
    pub predicates: Vec<Predicate>,
    /// The face.
    pub face: Option<FaceRule>,
    /// The consent; set exactly for [`PolicyPurpose::Consent`].
    pub consent: Option<ConsentRule>,
    /// How long a challenge is open, in seconds.
    pub challenge_ttl_s: u32,
    /// How long a verdict is good, in seconds.
    pub verdict_ttl_s: u32,
    /// What a verdict is good for.
    pub grants: Grants,
    /// What is asked of agents.
    pub agents: AgentRule,
}

/// One attribute, whichever of the named issuers signed it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// Whose credentials count; ascending.
    pub issuers: Vec<String>,
    /// The schema.
    pub schema: String,
    /// Its version.
    pub schema_version: u16,
    /// Index of the attribute, from 0.
    pub attribute: u16,
}

/// One predicate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Predicate {
    /// Of what.
    pub source: Source,
    /// What must be true of it.
    pub test: Test,
}

/// What must be true of an attribute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Test {
    /// It is `bound` or more.
    AtLeast {
        /// Width of the range proof.
        bits: u8,
        /// Included.
        bound: u64,
    },
    /// It is `bound` or less.
    AtMost {
        /// Width of the range proof.
        bits: u8,
        /// Included.
        bound: u64,
    },
    /// It lies between two bounds.
    Within {
        /// Width of the range proof.
        bits: u8,
        /// Included.
        low: u64,
        /// Included.
        high: u64,
    },
    /// It is one of these; nobody learns which.
    OneOf {
        /// Ascending.
        values: Vec<u64>,
    },
    /// It is this.
    Equals {
        /// What everybody learns.
        value: u64,
    },
    /// It is at least a hidden amount of the order.
    CoversAmount {
        /// Width of the range proof.
        bits: u8,
        /// Index among the order's amounts.
        amount: u8,
    },
    /// An attribute of a second credential has the same value.
    SameAs(Source),
}

/// What is asked of a face.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FaceRule {
    /// The model of templates.
    pub model_id: String,
    /// Entries of a template.
    pub dimensions: u16,
    /// Largest squared distance.
    pub tau: u32,
    /// Lowest assurance: 0 software simulator, 1 attested app, 2 secure sensor.
    pub min_level: u8,
    /// Longest time between capture and decision, in seconds.
    pub max_age_s: u32,
}

/// Who reads the sealed part of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConsentRule {
    /// X25519 public key of the processor.
    pub recipient: [u8; 32],
    /// Most bytes of the sealed payload.
    pub max_payload_bytes: u32,
}

#[cfg(test)]
mod tests;
