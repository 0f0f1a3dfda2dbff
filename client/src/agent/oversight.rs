//! What needs a second person: listening in, and seeing what is masked.

use akashi_proto::v1;
use akashi_proto::v1::agent_service_client::AgentServiceClient;

use super::Agent;
use crate::clock::Deadline;
use crate::entropy;
use crate::error::Error;
use crate::request_id::RequestId;

/// How far a request to see masked fields is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnmaskState {
    /// A supervisor has to decide.
    Asked,
    /// The fields may be shown, until a time.
    Granted,
    /// They may not.
    Denied,
}

impl UnmaskState {
    /// The name for scripts and people.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Asked => "asked",
            Self::Granted => "granted",
            Self::Denied => "denied",
        }
    }

    fn from_number(number: i32) -> Result<Self, Error> {
        match v1::UnmaskState::try_from(number) {
            Ok(v1::UnmaskState::Asked) => Ok(Self::Asked),
            Ok(v1::UnmaskState::Granted) => Ok(Self::Granted),
            Ok(v1::UnmaskState::Denied) => Ok(Self::Denied),
            Ok(v1::UnmaskState::Unspecified) | Err(_) => Err(Error::Answer {
                what: "unmask state",
            }),
        }
    }
}

/// A request as it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnmaskView {
    /// How far it is.
    pub state: UnmaskState,
    /// Which fields, as the tenant numbers them, one bit each.
    pub fields: u32,
    /// When they must be masked again; zero unless granted.
    pub until_us: u64,
    /// Whether no second person was asked.
    pub break_glass: bool,
    /// The leaf of the decision; zero while there is none.
    pub leaf_index: u64,
}

/// Which fields an agent wants to see, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// Which fields, as the tenant numbers them, one bit each.
    pub fields: u32,
    /// The tenant's own code.
    pub reason: u32,
}

impl Agent {
    /// Listens in on a contact, as a supervisor at work.
    ///
    /// # Errors
    ///
    /// [`Error::Denied`] with a reason if that is not allowed, and every other [`Error`].
    pub async fn observe(
        &self,
        session_id: &[u8; 16],
        contact_id: &[u8; 16],
        deadline: Deadline,
    ) -> Result<(), Error> {
        let message = v1::ObserveContactRequest {
            request_id: RequestId::fresh()?.to_vec().into(),
            session_id: session_id.to_vec().into(),
            contact_id: contact_id.to_vec().into(),
        };
        self.connection()
            .call(deadline, &message, |channel, request| async move {
                AgentServiceClient::new(channel)
                    .observe_contact(request)
                    .await
            })
            .await?;
        Ok(())
    }

    /// Asks to see masked fields; gives the id under which a supervisor decides.
    ///
    /// # Errors
    ///
    /// [`Error::Denied`] with a reason if the policy does not know it, and every other [`Error`].
    pub async fn request_unmask(
        &self,
        session_id: &[u8; 16],
        contact_id: &[u8; 16],
        wanted: Wanted,
        deadline: Deadline,
    ) -> Result<[u8; 16], Error> {
        let unmask_id = entropy::random::<16>()?;
        let message = v1::RequestUnmaskRequest {
            request_id: RequestId::fresh()?.to_vec().into(),
            session_id: session_id.to_vec().into(),
            contact_id: contact_id.to_vec().into(),
            unmask_id: unmask_id.to_vec().into(),
            fields: wanted.fields,
            reason: wanted.reason,
        };
        self.connection()
            .call(deadline, &message, |channel, request| async move {
                AgentServiceClient::new(channel)
                    .request_unmask(request)
                    .await
            })
            .await?;
        Ok(unmask_id)
    }

    /// Sees masked fields without a second person, where the policy knows it; gives the request's id and
    /// when they must be masked again.
    ///
    /// # Errors
    ///
    /// As [`Agent::request_unmask`].
    pub async fn break_glass(
        &self,
        session_id: &[u8; 16],
        contact_id: &[u8; 16],
        wanted: Wanted,
        deadline: Deadline,
    ) -> Result<([u8; 16], u64), Error> {
        let unmask_id = entropy::random::<16>()?;
        let message = v1::BreakGlassRequest {
            request_id: RequestId::fresh()?.to_vec().into(),
            session_id: session_id.to_vec().into(),
            contact_id: contact_id.to_vec().into(),
            unmask_id: unmask_id.to_vec().into(),
            fields: wanted.fields,
            reason: wanted.reason,
        };
        let answer = self
            .connection()
            .call(deadline, &message, |channel, request| async move {
                AgentServiceClient::new(channel).break_glass(request).await
            })
            .await?;
        Ok((unmask_id, answer.until_us))
    }

    /// Decides somebody else's request, as a supervisor at work; gives when the fields must be masked
    /// again, zero if they are not shown.
    ///
    /// # Errors
    ///
    /// [`Error::Denied`] with a reason if that is not allowed, and every other [`Error`].
    pub async fn decide_unmask(
        &self,
        session_id: &[u8; 16],
        (contact_id, unmask_id): (&[u8; 16], &[u8; 16]),
        grant: bool,
        deadline: Deadline,
    ) -> Result<u64, Error> {
        let message = v1::DecideUnmaskRequest {
            request_id: RequestId::fresh()?.to_vec().into(),
            session_id: session_id.to_vec().into(),
            contact_id: contact_id.to_vec().into(),
            unmask_id: unmask_id.to_vec().into(),
            grant,
        };
        let answer = self
            .connection()
            .call(deadline, &message, |channel, request| async move {
                AgentServiceClient::new(channel)
                    .decide_unmask(request)
                    .await
            })
            .await?;
        Ok(answer.until_us)
    }

    /// Reads a request as it stands.
    ///
    /// # Errors
    ///
    /// [`Error`], by what can be done about it.
    pub async fn unmask(
        &self,
        contact_id: &[u8; 16],
        unmask_id: &[u8; 16],
        deadline: Deadline,
    ) -> Result<UnmaskView, Error> {
        let message = v1::GetUnmaskRequest {
            contact_id: contact_id.to_vec().into(),
            unmask_id: unmask_id.to_vec().into(),
            read: None,
        };
        let answer = self
            .connection()
            .call(deadline, &message, |channel, request| async move {
                AgentServiceClient::new(channel).get_unmask(request).await
            })
            .await?;
        Ok(UnmaskView {
            state: UnmaskState::from_number(answer.state)?,
            fields: answer.fields,
            until_us: answer.until_us,
            break_glass: answer.break_glass,
            leaf_index: answer.leaf_index,
        })
    }
}
