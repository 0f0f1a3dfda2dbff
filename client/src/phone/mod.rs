//! A simulated phone: what a customer's app does, with its secrets in a directory of its own.
//!
//! The phone believes nothing it can check: a notice must come with a receipt of its challenge under
//! the key set that the phone pinned at enrolment, and every field it shows must be bound into that
//! challenge. Of a later key set it learns from the one it pinned. It never stores the PIN, the PIN's scalar or key, or a proof: each of them would let a
//! thief try out PINs.

mod credentials;
mod enrolling;
mod face;
#[cfg(test)]
mod fixtures;
mod held;
mod notice;
mod pin;
#[cfg(test)]
mod prove_tests;
mod proving;
mod session;
mod spoken;
mod store;

use std::sync::Arc;

use akashi_merkle::KeySet;
use akashi_proof::{Context, ContextFields, DeviceSecret, PinSecret, Purpose, RootSecret, Suite};
use akashi_proto::v1;
use akashi_proto::v1::phone_service_client::PhoneServiceClient;
use prost::Message as _;

use crate::answer::Outcome;
use crate::clock::Deadline;
use crate::connection::Connection;
use crate::error::Error;
use crate::request_id::RequestId;
use crate::trust::Trust;

pub use credentials::{Choice, Holding, choose};
pub use enrolling::Accepted;
pub use face::StoredFace;
pub use held::submit_through;
pub use notice::{CheckedNotice, EnrolledTemplate, Terms};
pub use proving::{Answer, Means, Pin, Plan};
pub use session::{OwnHistory, PastVerdict, Session, Told};
pub use spoken::{Locale, NoticeText, clock_skew_s};
pub use store::{PhoneDirectory, Profile};

/// A phone with its root secret in memory; salts, credentials and templates are read when needed.
pub struct Phone {
    directory: PhoneDirectory,
    profile: Profile,
    trust: Trust,
    root: RootSecret,
    connection: Connection,
}

/// Proofs for one challenge, ready to be sent as often as needed: the request id is inside.
#[derive(Clone, Debug)]
pub struct Submission {
    request: v1::SubmitProofRequest,
    match_code: u32,
    /// By these the phone checks what a node says that holds it.
    keys: Arc<KeySet>,
}

impl Submission {
    /// The same proofs under a new request id: another act with the same content.
    ///
    /// # Errors
    ///
    /// [`Error::Entropy`].
    pub fn under_new_request(&self) -> Result<Self, Error> {
        let request_id = RequestId::fresh()?.to_vec().into();
        Ok(self.with(v1::SubmitProofRequest {
            request_id,
            ..self.request.clone()
        }))
    }

    /// The same proofs with the silent sign of distress: the answer will look the same.
    #[must_use]
    pub fn under_duress(mut self) -> Self {
        self.request.duress = true;
        self
    }

    /// The words that the agent's screen shows too, if these proofs hold (docs/match-words.md).
    #[must_use]
    pub fn match_words(&self) -> Vec<String> {
        akashi_proof::match_words(self.match_code)
            .into_iter()
            .flatten()
            .map(|word| word.to_string())
            .collect()
    }

    /// These proofs, sent for another challenge: what a replaying fraudster would try.
    ///
    /// # Errors
    ///
    /// [`Error::Entropy`].
    pub fn aimed_at(&self, notice: &CheckedNotice) -> Result<Self, Error> {
        Ok(self.with(v1::SubmitProofRequest {
            request_id: RequestId::fresh()?.to_vec().into(),
            challenge_id: notice.challenge_id().to_vec().into(),
            submit_token: notice.submit_token().to_vec().into(),
            ..self.request.clone()
        }))
    }

    /// The request as it travels: what a held receipt has the digest of.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        self.request.encode_to_vec()
    }

    fn with(&self, request: v1::SubmitProofRequest) -> Self {
        Self {
            request,
            match_code: self.match_code,
            keys: Arc::clone(&self.keys),
        }
    }
}

/// The cluster's answer to a submission.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Submitted {
    /// How the challenge ended; none if it is still open.
    pub outcome: Option<Outcome>,
    /// Number of the reason, given only after a valid possession proof.
    pub reason: u32,
    /// Attempts left on this challenge.
    pub attempts_left: u32,
    /// Cluster time before which the PIN is locked, microseconds since 1970-01-01 UTC; or zero.
    pub retry_after_us: u64,
    /// Where the answer stands in the audit log.
    pub leaf_index: u64,
    /// Whether it is the stored answer to an earlier copy.
    pub repeated: bool,
}

/// What a customer can say without proving.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reply {
    /// "That is not me."
    NotMe,
    /// "Do not ask me this way."
    OptOut,
    /// The phone does not understand what is asked.
    Unsupported,
    /// "Call me later."
    Later,
    /// The notice was shown.
    Opened,
    /// "Not now."
    Decline,
    /// "I am not on a call."
    Report,
}

impl Phone {
    /// Reads a phone from its directory.
    ///
    /// # Errors
    ///
    /// [`Error::File`] and [`Error::Malformed`] for the directory's files; [`Error::Usage`] or
    /// [`Error::Certificate`] for the connection.
    pub fn open(directory: &PhoneDirectory) -> Result<Self, Error> {
        let profile = directory.profile()?;
        let connection = Connection::new(&profile.nodes, &directory.identity()?)?;
        Self::with_connection(directory, connection)
    }

    /// Reads a phone from its directory, using a connection that is there already: simulated phones
    /// by the hundred share one.
    ///
    /// # Errors
    ///
    /// [`Error::File`] and [`Error::Malformed`] for the directory's files.
    pub fn with_connection(
        directory: &PhoneDirectory,
        connection: Connection,
    ) -> Result<Self, Error> {
        Ok(Self {
            profile: directory.profile()?,
            trust: directory.trust()?,
            root: directory.root_secret()?,
            directory: directory.clone(),
            connection,
        })
    }

    /// Where the phone lives.
    #[must_use]
    pub const fn directory(&self) -> &PhoneDirectory {
        &self.directory
    }

    /// The owner's handle.
    #[must_use]
    pub fn subject(&self) -> &str {
        &self.profile.subject
    }

    /// Whether the owner is an agent.
    #[must_use]
    pub const fn is_agents(&self) -> bool {
        self.profile.agent
    }

    /// The tenant.
    #[must_use]
    pub fn tenant(&self) -> &str {
        &self.profile.tenant
    }

    /// The pinned key set.
    #[must_use]
    pub fn key_set(&self) -> &KeySet {
        self.trust.key_set()
    }

    /// The connection, for instance to prefer a node.
    #[must_use]
    pub const fn connection(&self) -> &Connection {
        &self.connection
    }

    fn subject_hash(&self) -> [u8; 32] {
        self.profile.subject_hash()
    }

    fn origin(&self) -> String {
        self.key_set().origin().to_string()
    }

    fn device_secret(&self) -> Result<DeviceSecret, Error> {
        self.root
            .device_secret(
                Suite::V1,
                self.origin().as_bytes(),
                self.profile.tenant.as_bytes(),
                self.profile.key_epoch,
            )
            .map_err(|_underivable| Error::Proof {
                what: "device secret",
            })
    }

    /// The public key that this phone is enrolled with.
    ///
    /// # Errors
    ///
    /// [`Error::Proof`] if it cannot be derived.
    pub fn device_key(&self) -> Result<[u8; 32], Error> {
        Ok(self.device_secret()?.public().to_bytes())
    }

    /// Derives the PIN's secret under the salt that was in force when this phone last knew: 64 MiB and
    /// about 0.1 s of Argon2id, on purpose.
    ///
    /// # Errors
    ///
    /// [`Error::Proof`] for an empty or over-long PIN; [`Error::File`].
    pub fn unlock(&self, pin: &str) -> Result<PinSecret, Error> {
        self.directory.salt()?.derive(pin, &self.subject_hash())
    }

    /// Sends proofs; sending the same submission again gives the same answer.
    ///
    /// While no quorum decides, nodes may hold it; it is sent again until the deadline, and after it
    /// the caller may go on with the same submission until the challenge expires.
    ///
    /// # Errors
    ///
    /// [`Error::Held`] with the checked receipt, which is also kept in the phone's directory, if a
    /// node held it and nobody has decided by the deadline; otherwise [`Error`], by what can be done
    /// about it.
    pub async fn submit(
        &self,
        submission: &Submission,
        deadline: Deadline,
    ) -> Result<Submitted, Error> {
        let answer = submit_through(&self.connection, submission, deadline).await;
        if let Err(Error::Held { receipt }) = &answer {
            held::keep(&self.directory, receipt, submission)?;
        }
        answer
    }

    /// Answers a notice without proving; gives the outcome if that ended the challenge.
    ///
    /// # Errors
    ///
    /// [`Error`], by what can be done about it.
    pub async fn reply(
        &self,
        notice: &CheckedNotice,
        reply: Reply,
        deadline: Deadline,
    ) -> Result<Option<Outcome>, Error> {
        let answer = match reply {
            Reply::Opened => v1::NoticeAnswer::Opened,
            Reply::Decline => v1::NoticeAnswer::Decline,
            Reply::Report => v1::NoticeAnswer::Report,
            Reply::NotMe => v1::NoticeAnswer::NotMe,
            Reply::OptOut => v1::NoticeAnswer::OptOut,
            Reply::Unsupported => v1::NoticeAnswer::Unsupported,
            Reply::Later => v1::NoticeAnswer::Later,
        };
        let (challenge_id, submit_token) = (notice.challenge_id(), notice.submit_token());
        self.say((&challenge_id, submit_token.as_slice()), answer, deadline)
            .await
    }

    async fn say(
        &self,
        (challenge_id, submit_token): (&[u8], &[u8]),
        answer: v1::NoticeAnswer,
        deadline: Deadline,
    ) -> Result<Option<Outcome>, Error> {
        let message = v1::AnswerNoticeRequest {
            request_id: RequestId::fresh()?.to_vec().into(),
            tenant: self.profile.tenant.clone(),
            challenge_id: challenge_id.to_vec().into(),
            submit_token: submit_token.to_vec().into(),
            answer: answer.into(),
        };
        let answer = self
            .connection
            .call(deadline, &message, |channel, request| async move {
                PhoneServiceClient::new(channel)
                    .answer_notice(request)
                    .await
            })
            .await?;
        Outcome::from_number(answer.outcome)
    }

    /// The log named by a message must be the one whose keys this phone pinned.
    fn check_log(&self, origin: &str, group: u32, epoch: u32) -> Result<(), Error> {
        let pinned = self.key_set().origin();
        if origin != pinned.to_string()
            || group != u32::from(pinned.group())
            || epoch != pinned.epoch()
        {
            return Err(Error::integrity(
                "another log than the one this phone has pinned",
            ));
        }
        Ok(())
    }

    /// The context of a proof, from authenticated names and the message's own fields.
    fn context(&self, bound: &Bound<'_>) -> Result<Context, Error> {
        let origin = self.origin();
        Context::new(ContextFields {
            suite: Suite::V1,
            origin: origin.as_bytes(),
            group: self.key_set().origin().group(),
            epoch: self.key_set().origin().epoch(),
            tenant: self.profile.tenant.as_bytes(),
            challenge_id: bound.challenge_id,
            nonce: bound.nonce,
            purpose: bound.purpose,
            subject: self.subject_hash(),
            contact_id: bound.contact_id,
            not_before_us: bound.not_before_us,
            expires_us: bound.expires_us,
            order_hash: bound.order_hash,
            policy_digest: bound.policy_digest,
        })
        .map_err(|_field| Error::Answer {
            what: "fields of the proof context",
        })
    }
}

/// The fields of a context that differ from message to message.
struct Bound<'a> {
    challenge_id: [u8; 16],
    nonce: [u8; 32],
    purpose: Purpose,
    contact_id: &'a [u8],
    not_before_us: u64,
    expires_us: u64,
    policy_digest: [u8; 32],
    order_hash: [u8; 32],
}
