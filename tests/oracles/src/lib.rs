//! Other people's implementations against ours: crates `bulletproofs` and `sigma-proofs`.
//!
//! The private modules of akashi-proof are compiled here once more, file by file, so that the tests
//! reach the range algebra and the sponge without those becoming public. This file is akashi-proof's
//! `lib.rs` with other paths and must never hold code of its own; a test compares the two lists.

#![forbid(unsafe_code)]

extern crate alloc;

#[path = "../../../proof/src/batch.rs"]
mod batch;
#[path = "../../../proof/src/bulletproof.rs"]
mod bulletproof;
#[path = "../../../proof/src/check.rs"]
mod check;
#[path = "../../../proof/src/context.rs"]
mod context;
#[path = "../../../proof/src/credential.rs"]
mod credential;
#[path = "../../../proof/src/encode.rs"]
mod encode;
#[path = "../../../proof/src/generators.rs"]
mod generators;
#[path = "../../../proof/src/group.rs"]
mod group;
#[path = "../../../proof/src/instance.rs"]
mod instance;
#[path = "../../../proof/src/key.rs"]
mod key;
#[path = "../../../proof/src/nonce.rs"]
mod nonce;
#[path = "../../../proof/src/opening.rs"]
mod opening;
#[path = "../../../proof/src/order.rs"]
mod order;
#[path = "../../../proof/src/prove/mod.rs"]
mod prove;
#[path = "../../../proof/src/reader.rs"]
mod reader;
#[path = "../../../proof/src/reason.rs"]
mod reason;
#[path = "../../../proof/src/secret.rs"]
mod secret;
#[path = "../../../proof/src/sensor.rs"]
mod sensor;
#[path = "../../../proof/src/signature.rs"]
mod signature;
#[path = "../../../proof/src/statement/mod.rs"]
mod statement;
#[path = "../../../proof/src/submission.rs"]
mod submission;
#[path = "../../../proof/src/suite.rs"]
mod suite;
#[path = "../../../proof/src/transcript.rs"]
mod transcript;
#[path = "../../../proof/src/verify.rs"]
mod verify;

#[cfg(test)]
mod ed25519;
#[cfg(test)]
mod merlin_range;
#[cfg(test)]
mod same_modules;
#[cfg(test)]
mod sigma;
#[cfg(test)]
mod sponge;

pub use batch::{Batch, Ticket, Verdicts};
pub use context::{Context, ContextError, ContextFields, NAME_BYTES_MAX, Purpose};
pub use credential::{
    ATTRIBUTES_MAX, Credential, CredentialError, CredentialFields, IssuerStanding, Standing,
    accept_registration, present,
};
pub use key::{Commitment, DeviceKey, PinKey, TemplateCommitment};
pub use nonce::{NonceInputs, challenge_nonce};
pub use opening::{
    Opening, OpeningError, ProximityWitness, RangeWitness, SameWitness, TemplateOpening,
};
pub use order::{order_hash, recipient_digest, seal_info, sealed_digest};
pub use prove::{Provable, ProveError, prove};
pub use reason::Reason;
pub use secret::{DeviceSecret, PIN_BYTES_MAX, PinKdf, PinSecret, RootSecret, SecretError};
pub use sensor::{
    Assurance, Capture, CaptureResult, Enrolled, SensorCertificate, SensorPolicy, SensorStanding,
    accept_enrolment, accept_probe, enrolment_message, probe_message,
};
pub use signature::{IssuerKey, SIGNATURE_BYTES, SensorKey};
pub use statement::{
    AnyStatement, Consent, Dimensions, Equals, InSet, Kind, Knowledge, Possession, Proof,
    Proximity, Range, RangeBits, RangeTest, SET_MAX, Same, Statement, TAU_LIMIT,
};
pub use submission::{Part, submission_digest};
pub use suite::Suite;
pub use verify::{Verified, check, memo_key, verify};
