//! What can go wrong between a caller and the cluster, and how the command says so.
//!
//! Every error has a [`Code`] (`AKnnnn`, never renumbered) with a cause, a next step and an exit
//! status. Texts name what failed, never a PIN, a key or a person.

use std::io;
use std::path::PathBuf;

use tonic::Status;

pub use crate::code::{Code, Exit};

/// Everything the SDK and the command report.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The command line or an argument makes no sense.
    #[error("{what}")]
    Usage {
        /// What is wrong, in words.
        what: String,
    },
    /// A file could not be read or written.
    #[error("{}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The operating system's answer.
        source: io::Error,
    },
    /// A file was read but does not say what it should.
    #[error("{}: {what}", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong in it.
        what: String,
    },
    /// A file or directory is there already and is not overwritten.
    #[error("{} exists already", path.display())]
    Exists {
        /// The file or directory.
        path: PathBuf,
    },
    /// The operating system gave no random bytes.
    #[error("no random bytes from the operating system: {source}")]
    Entropy {
        /// The operating system's answer.
        source: getrandom::Error,
    },
    /// A certificate or key cannot be used or made.
    #[error("certificate: {what}")]
    Certificate {
        /// What is wrong with it.
        what: String,
    },
    /// A node process could not be started or did not become ready.
    #[error("node process: {what}")]
    Process {
        /// What happened.
        what: String,
    },
    /// The cluster understood the request and refuses it.
    #[error("the cluster refused: {}", .status.message())]
    Rejected {
        /// The node's answer.
        status: Box<Status>,
    },
    /// The certificate does not permit this.
    #[error("not permitted: {}", .status.message())]
    NotPermitted {
        /// The node's answer.
        status: Box<Status>,
    },
    /// The cluster's rules do not let the agent in, or at something; recorded as an event.
    #[error("not let in: {}", .status.message())]
    Denied {
        /// Why: a number of docs/reasons.md, which `akashi explain` knows.
        reason: u16,
        /// The node's answer.
        status: Box<Status>,
    },
    /// A limit of the cluster was reached and the deadline does not allow waiting.
    #[error("over a limit of the cluster: {}", .status.message())]
    OverLimit {
        /// The node's answer.
        status: Box<Status>,
    },
    /// No node answered, or there is no quorum; the same request may be sent again.
    #[error("the cluster cannot answer now: {}", .status.message())]
    Unavailable {
        /// The last node's answer.
        status: Box<Status>,
    },
    /// The deadline passed. Whether the request took effect is not known; repeating it with the same
    /// request id tells.
    #[error("no answer in time; whether the request took effect is not known")]
    DeadlineExceeded,
    /// A node has the proofs, and no quorum has decided by the deadline. The same submission may be
    /// sent again until the challenge expires.
    #[error("held by node {}: it received the proofs, and nobody decides at present", .receipt.node)]
    Held {
        /// The node's signed word, checked.
        receipt: Box<akashi_merkle::HeldReceipt>,
    },
    /// A stream of the cluster ended before it had said what was asked for.
    #[error("the stream ended early: {what}")]
    StreamEnded {
        /// What was being waited for.
        what: &'static str,
    },
    /// A node's answer lacks a field or has a value that this version does not know.
    #[error("an answer cannot be understood: {what}")]
    Answer {
        /// The field.
        what: &'static str,
    },
    /// The verdict is not "verified".
    #[error("not verified: {outcome}")]
    Refused {
        /// How the challenge ended.
        outcome: &'static str,
    },
    /// The customer did not answer before the challenge expired.
    #[error("the customer did not answer in time")]
    NoAnswer,
    /// Something that must be provable is not: a receipt, a log, a notice, agreement of replicas.
    #[error("integrity: {what}")]
    Integrity {
        /// What does not hold.
        what: String,
    },
    /// A factor could not be proved on the phone.
    #[error("the phone cannot prove: {what}")]
    Proof {
        /// What is missing.
        what: &'static str,
    },
    /// The phone holds nothing that proves what the policy asks.
    #[error("this phone has nothing that proves it: {what}")]
    Lacking {
        /// What is asked, in words; never a value.
        what: String,
    },
    /// An issuer turns a request for a credential away.
    #[error("the request is refused: {what}")]
    RequestRefused {
        /// Why.
        what: &'static str,
    },
    /// A receiver of webhooks did not take a message.
    #[error("not delivered: {what}")]
    NotDelivered {
        /// What came back, in words.
        what: String,
    },
    /// Expectations of the demonstration that did not hold.
    #[error("{count} expectation(s) of the demonstration did not hold")]
    Expectation {
        /// How many.
        count: usize,
    },
    /// Steps of a trace that ended otherwise than it says.
    #[error("{count} step(s) of the trace did not go as it says")]
    Trace {
        /// How many.
        count: usize,
    },
    /// The person at the terminal stopped the command.
    #[error("interrupted")]
    Interrupted,
}

impl Error {
    /// The number under which `akashi explain` tells more.
    #[must_use]
    pub const fn code(&self) -> Code {
        match self {
            Self::Usage { .. } => Code::Usage,
            Self::File { .. } => Code::File,
            Self::Malformed { .. } => Code::Malformed,
            Self::Exists { .. } => Code::Exists,
            Self::Entropy { .. } => Code::Entropy,
            Self::Certificate { .. } => Code::Certificate,
            Self::Process { .. } => Code::Process,
            Self::Rejected { .. } => Code::Rejected,
            Self::NotPermitted { .. } => Code::NotPermitted,
            Self::Denied { .. } => Code::Denied,
            Self::OverLimit { .. } => Code::OverLimit,
            Self::Unavailable { .. } => Code::Unavailable,
            Self::DeadlineExceeded => Code::DeadlineExceeded,
            Self::Held { .. } => Code::Held,
            Self::StreamEnded { .. } => Code::StreamEnded,
            Self::Answer { .. } => Code::Answer,
            Self::Refused { .. } => Code::Refused,
            Self::NoAnswer => Code::NoAnswer,
            Self::Integrity { .. } => Code::Integrity,
            Self::Proof { .. } => Code::Proof,
            Self::Lacking { .. } => Code::Lacking,
            Self::RequestRefused { .. } => Code::RequestRefused,
            Self::NotDelivered { .. } => Code::NotDelivered,
            Self::Expectation { .. } => Code::Expectation,
            Self::Trace { .. } => Code::Trace,
            Self::Interrupted => Code::Interrupted,
        }
    }

    /// A file error with its path.
    pub fn file(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::File { path, source }
    }

    /// A complaint about the contents of a file.
    pub fn malformed(path: impl Into<PathBuf>, what: impl Into<String>) -> Self {
        Self::Malformed {
            path: path.into(),
            what: what.into(),
        }
    }

    /// A complaint about arguments.
    pub fn usage(what: impl Into<String>) -> Self {
        Self::Usage { what: what.into() }
    }

    /// A broken promise of the evidence.
    pub fn integrity(what: impl Into<String>) -> Self {
        Self::Integrity { what: what.into() }
    }

    /// A node's final answer, sorted by what a caller can do about it.
    #[must_use]
    pub fn from_status(status: Status) -> Self {
        use tonic::Code as Grpc;
        let code = status.code();
        // A node's own INTERNAL has no cause attached; a connection that broke has.
        let broken = code == Grpc::Internal && std::error::Error::source(&status).is_some();
        let denied = status.metadata().get("akashi-denied");
        let denied = denied.and_then(|number| number.to_str().ok()?.parse().ok());
        let status = Box::new(status);
        if let Some(reason) = denied {
            return Self::Denied { reason, status };
        }
        if broken {
            return Self::Unavailable { status };
        }
        match code {
            Grpc::Unauthenticated | Grpc::PermissionDenied => Self::NotPermitted { status },
            Grpc::ResourceExhausted => Self::OverLimit { status },
            Grpc::DeadlineExceeded => Self::DeadlineExceeded,
            Grpc::Unavailable | Grpc::Cancelled | Grpc::Unknown | Grpc::Aborted => {
                Self::Unavailable { status }
            }
            Grpc::DataLoss => Self::Integrity {
                what: status.message().to_owned(),
            },
            Grpc::Ok
            | Grpc::InvalidArgument
            | Grpc::NotFound
            | Grpc::AlreadyExists
            | Grpc::FailedPrecondition
            | Grpc::OutOfRange
            | Grpc::Unimplemented
            | Grpc::Internal => Self::Rejected { status },
        }
    }

    /// The gRPC code of a refusal by the cluster; none for errors made on this side.
    #[must_use]
    pub fn grpc_code(&self) -> Option<tonic::Code> {
        match self {
            Self::Rejected { status }
            | Self::NotPermitted { status }
            | Self::Denied { status, .. }
            | Self::OverLimit { status }
            | Self::Unavailable { status } => Some(status.code()),
            Self::DeadlineExceeded => Some(tonic::Code::DeadlineExceeded),
            Self::Usage { .. }
            | Self::File { .. }
            | Self::Malformed { .. }
            | Self::Exists { .. }
            | Self::Entropy { .. }
            | Self::Certificate { .. }
            | Self::Process { .. }
            | Self::Held { .. }
            | Self::StreamEnded { .. }
            | Self::Answer { .. }
            | Self::Refused { .. }
            | Self::NoAnswer
            | Self::Integrity { .. }
            | Self::Proof { .. }
            | Self::Lacking { .. }
            | Self::RequestRefused { .. }
            | Self::NotDelivered { .. }
            | Self::Expectation { .. }
            | Self::Trace { .. }
            | Self::Interrupted => None,
        }
    }
}

impl Error {
    /// The cluster's reason for a refusal, as docs/errors.md lists them; none for errors made on this
    /// side.
    #[must_use]
    pub fn reason(&self) -> Option<&str> {
        match self {
            Self::Rejected { status }
            | Self::NotPermitted { status }
            | Self::Denied { status, .. }
            | Self::OverLimit { status }
            | Self::Unavailable { status } => status.metadata().get("akashi-reason")?.to_str().ok(),
            Self::Usage { .. }
            | Self::File { .. }
            | Self::Malformed { .. }
            | Self::Exists { .. }
            | Self::Entropy { .. }
            | Self::Certificate { .. }
            | Self::Process { .. }
            | Self::DeadlineExceeded
            | Self::StreamEnded { .. }
            | Self::Answer { .. }
            | Self::Refused { .. }
            | Self::NoAnswer
            | Self::Integrity { .. }
            | Self::Proof { .. }
            | Self::Lacking { .. }
            | Self::RequestRefused { .. }
            | Self::Held { .. }
            | Self::NotDelivered { .. }
            | Self::Expectation { .. }
            | Self::Trace { .. }
            | Self::Interrupted => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_grpc_code_becomes_the_error_with_the_right_exit_status() {
        let expected = [
            (tonic::Code::InvalidArgument, Exit::Failed),
            (tonic::Code::AlreadyExists, Exit::Failed),
            (tonic::Code::FailedPrecondition, Exit::Failed),
            (tonic::Code::NotFound, Exit::Failed),
            (tonic::Code::DeadlineExceeded, Exit::NoAnswer),
            (tonic::Code::PermissionDenied, Exit::NotPermitted),
            (tonic::Code::Unauthenticated, Exit::NotPermitted),
            (tonic::Code::Unavailable, Exit::Unavailable),
            (tonic::Code::ResourceExhausted, Exit::Unavailable),
            (tonic::Code::DataLoss, Exit::Integrity),
        ];
        for (grpc, exit) in expected {
            let error = Error::from_status(Status::new(grpc, "x"));
            assert_eq!(error.code().exit(), exit, "{grpc:?}");
        }
    }
}
