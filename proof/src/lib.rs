//! Zero-knowledge proofs: what a phone shows about its secrets, and how every replica checks it.
//!
//! This crate stands alone and can be audited alone; `README.md` beside it gives the reading order
//! and
//! `docs/specification.md` the mathematics in the symbols used here. It must never read a clock, a file or a
//! random source of its own, never panic on any input, and never accept anything outside
//! [`verify`](verify()) and [`Batch`], which both end in the one equation collector of `check.rs`.
//!
//! The verifier's half (`context`, `transcript`, `statement`, `check`, `verify`) imports nothing of
//! the prover's half (`secret`, `opening`, `prove`).
//!
//! # Example
//!
//! ```
//! use akashi_proof::{
//!     Context, ContextFields, Possession, Purpose, RootSecret, Suite, prove, submission_digest, verify,
//! };
//! # struct Rng(u8);
//! # impl rand_core::TryRng for Rng {
//! #     type Error = core::convert::Infallible;
//! #     fn try_next_u32(&mut self) -> Result<u32, Self::Error> { Ok(7) }
//! #     fn try_next_u64(&mut self) -> Result<u64, Self::Error> { Ok(7) }
//! #     fn try_fill_bytes(&mut self, dst: &mut [u8]) -> Result<(), Self::Error> { dst.fill(self.0); Ok(()) }
//! # }
//! # impl rand_core::TryCryptoRng for Rng {}
//! # let mut rng = Rng(7);
//! let context = Context::new(ContextFields {
//!     suite: Suite::V1,
//!     origin: b"bank.example/e1/g0",
//!     group: 0,
//!     epoch: 1,
//!     tenant: b"retail",
//!     challenge_id: [1; 16],
//!     nonce: [2; 32],
//!     purpose: Purpose::CustomerCall,
//!     subject: [3; 32],
//!     contact_id: &[4; 16],
//!     not_before_us: 1_000_000,
//!     expires_us: 121_000_000,
//!     order_hash: [0; 32],
//!     policy_digest: [5; 32],
//! })?;
//!
//! let secret = RootSecret::from_bytes([9; 32]).device_secret(Suite::V1, b"bank.example/e1/g0",
//! b"retail", 0)?; let statement = Possession { key: secret.public(), submission_digest:
//! submission_digest(&[]) }; let proof = prove(&context, &statement, &secret, &mut rng)?;
//!
//! let verified = verify(&context, &statement, &proof)?;
//! assert_eq!(verified.statement(), &statement);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
#![no_std]
#![forbid(unsafe_code)]
#![warn(missing_docs)]

extern crate alloc;

mod batch;
mod bulletproof;
mod check;
mod context;
mod credential;
mod encode;
mod generators;
mod group;
mod instance;
mod key;
mod match_words;
mod nonce;
mod opening;
mod order;
mod posture;
mod prove;
mod reader;
mod reason;
mod secret;
mod sensor;
mod sighting;
mod signature;
mod statement;
mod submission;
mod suite;
mod sum;
mod transcript;
mod verify;

pub use batch::{Batch, Ticket, Verdicts};
pub use context::{Context, ContextError, ContextFields, NAME_BYTES_MAX, Purpose};
pub use credential::{
    ATTRIBUTES_MAX, Credential, CredentialError, CredentialFields, IssuerStanding, Standing,
    accept_registration, present,
};
pub use key::{Commitment, DeviceKey, PinKey, TemplateCommitment};
pub use match_words::{MATCH_WORDS, MatchWord, match_code, match_words};
pub use nonce::{NonceInputs, challenge_nonce};
pub use opening::{
    Opening, OpeningError, ProximityWitness, RangeWitness, SameWitness, SumOpening, TemplateOpening,
};
pub use order::{order_hash, recipient_digest, seal_info, sealed_digest};
pub use posture::Posture;
pub use prove::{Provable, ProveError, prove};
pub use reason::Reason;
pub use secret::{DeviceSecret, PIN_BYTES_MAX, PinKdf, PinSecret, RootSecret, SecretError};
pub use sensor::{
    Assurance, Capture, CaptureResult, Enrolled, SensorCertificate, SensorPolicy, SensorStanding,
    accept_enrolment, accept_probe, enrolment_message, probe_message,
};
pub use sighting::Sighting;
pub use signature::{IssuerKey, SIGNATURE_BYTES, SensorKey};
pub use statement::{
    AnyStatement, Consent, Dimensions, Equals, InSet, Kind, Knowledge, Possession, Proof,
    Proximity, Range, RangeBits, RangeTest, SET_MAX, Same, Statement, TAU_LIMIT,
};
pub use submission::{Part, submission_digest};
pub use suite::Suite;
pub use sum::CommitmentSum;
pub use verify::{Verified, check, memo_key, verify};
