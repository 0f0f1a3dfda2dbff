//! Sessions: an agent at work, from the login to the end of the shift.

use akashi_proto::v1;
use akashi_proto::v1::agent_service_client::AgentServiceClient;

use super::Agent;
use crate::answer::id16;
use crate::clock::Deadline;
use crate::entropy;
use crate::error::Error;
use crate::request_id::RequestId;

/// How far a session is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SessionState {
    /// The agent works.
    Active,
    /// Nothing is shown until a fresh login restores it.
    Suspended,
    /// Over for good.
    Ended,
}

impl SessionState {
    /// The name for scripts and people.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Suspended => "suspended",
            Self::Ended => "ended",
        }
    }

    /// The state of a wire number.
    ///
    /// # Errors
    ///
    /// [`Error::Answer`] for a number that this version does not know.
    pub fn from_number(number: i32) -> Result<Self, Error> {
        match v1::SessionState::try_from(number) {
            Ok(v1::SessionState::Active) => Ok(Self::Active),
            Ok(v1::SessionState::Suspended) => Ok(Self::Suspended),
            Ok(v1::SessionState::Ended) => Ok(Self::Ended),
            Ok(v1::SessionState::Unspecified) | Err(_) => Err(Error::Answer {
                what: "session state",
            }),
        }
    }
}

/// Who is seen at a desktop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    /// The agent, alone.
    Present,
    /// Nobody.
    Absent,
    /// Somebody whose face cannot be told.
    Occluded,
    /// More than one person.
    Multiple,
    /// Somebody else.
    Other,
    /// The camera gives nothing.
    CameraLost,
    /// No camera has said yet who sits there.
    Unseen,
}

impl Presence {
    /// The name for scripts and people.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Present => "present",
            Self::Absent => "absent",
            Self::Occluded => "occluded",
            Self::Multiple => "multiple",
            Self::Other => "other",
            Self::CameraLost => "camera_lost",
            Self::Unseen => "unseen",
        }
    }

    /// The state of a wire number.
    ///
    /// # Errors
    ///
    /// [`Error::Answer`] for a number that this version does not know.
    pub fn from_number(number: i32) -> Result<Self, Error> {
        match v1::PresenceState::try_from(number) {
            Ok(v1::PresenceState::Present) => Ok(Self::Present),
            Ok(v1::PresenceState::Absent) => Ok(Self::Absent),
            Ok(v1::PresenceState::Occluded) => Ok(Self::Occluded),
            Ok(v1::PresenceState::Multiple) => Ok(Self::Multiple),
            Ok(v1::PresenceState::Other) => Ok(Self::Other),
            Ok(v1::PresenceState::CameraLost) => Ok(Self::CameraLost),
            Ok(v1::PresenceState::Unseen) => Ok(Self::Unseen),
            Ok(v1::PresenceState::Unspecified) | Err(_) => Err(Error::Answer { what: "presence" }),
        }
    }
}

/// What a desktop does with what it shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScreenAction {
    /// Shows it.
    Show,
    /// Hides personal data.
    Mask,
    /// Shows nothing of the contact.
    Clear,
    /// Shows nothing at all.
    Blackout,
}

impl ScreenAction {
    /// The name for scripts and people.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Show => "show",
            Self::Mask => "mask",
            Self::Clear => "clear",
            Self::Blackout => "blackout",
        }
    }

    /// The action of a wire number. One that this version does not know is taken for the darkest.
    #[must_use]
    pub fn from_number(number: i32) -> Self {
        match v1::ScreenAction::try_from(number) {
            Ok(v1::ScreenAction::Show) => Self::Show,
            Ok(v1::ScreenAction::Mask) => Self::Mask,
            Ok(v1::ScreenAction::Clear) => Self::Clear,
            Ok(v1::ScreenAction::Blackout | v1::ScreenAction::Unspecified) | Err(_) => {
                Self::Blackout
            }
        }
    }
}

/// How a login was proved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LoginLevel {
    /// Enrolled device and PIN, no face.
    Alternative,
    /// With a face.
    Face,
}

impl LoginLevel {
    /// The name for scripts and people.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Alternative => "alternative",
            Self::Face => "face",
        }
    }

    fn from_number(number: i32) -> Result<Self, Error> {
        match v1::LoginLevel::try_from(number) {
            Ok(v1::LoginLevel::Alternative) => Ok(Self::Alternative),
            Ok(v1::LoginLevel::Face) => Ok(Self::Face),
            Ok(v1::LoginLevel::Unspecified) | Err(_) => Err(Error::Answer {
                what: "login level",
            }),
        }
    }
}

/// A session as it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionView {
    /// Its id.
    pub session_id: [u8; 16],
    /// How far it is.
    pub state: SessionState,
    /// Who is seen.
    pub presence: Presence,
    /// What the desktop does.
    pub action: ScreenAction,
    /// How its logins were proved: the weakest.
    pub level: LoginLevel,
    /// The policy of the last login.
    pub policy: String,
    /// That policy's version.
    pub policy_version: u32,
    /// When it was opened, microseconds since 1970-01-01 UTC in cluster time.
    pub opened_us: u64,
    /// When it ends by itself, likewise.
    pub expires_us: u64,
    /// The contacts that it has.
    pub contact_ids: Vec<[u8; 16]>,
    /// Whether the login proved predicates.
    pub training: bool,
    /// Until when the posture that the policy asks for is attested; all ones if it asks for none.
    pub posture_until_us: u64,
    /// The version of the tenant's rules that was acknowledged; zero if none.
    pub rules_version: u32,
}

impl SessionView {
    pub(crate) fn from_wire(session: &v1::Session) -> Result<Self, Error> {
        Ok(Self {
            session_id: id16(&session.session_id, "session_id")?,
            state: SessionState::from_number(session.state)?,
            presence: Presence::from_number(session.presence)?,
            action: ScreenAction::from_number(session.action),
            level: LoginLevel::from_number(session.level)?,
            policy: session.policy.clone(),
            policy_version: session.policy_version,
            opened_us: session.opened_us,
            expires_us: session.expires_us,
            contact_ids: session
                .contact_ids
                .iter()
                .map(|id| id16(id, "contact_id"))
                .collect::<Result<_, _>>()?,
            training: session.training,
            posture_until_us: session.posture_until_us,
            rules_version: session.rules_version,
        })
    }
}

/// A session that was opened or restored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OpenedSession {
    /// Its id.
    pub session_id: [u8; 16],
    /// When it ends by itself, microseconds since 1970-01-01 UTC in cluster time.
    pub expires_us: u64,
    /// The leaf that says so.
    pub leaf_index: u64,
}

impl Agent {
    /// Opens a session with a verified, unused login; `rules_version` is what the agent acknowledges,
    /// zero for nothing.
    ///
    /// # Errors
    ///
    /// [`Error::Denied`] with a reason if the agent is not let in, and every other [`Error`].
    pub async fn open_session(
        &self,
        login_id: &[u8; 16],
        rules_version: u32,
        deadline: Deadline,
    ) -> Result<OpenedSession, Error> {
        let session_id = entropy::random::<16>()?;
        let message = v1::OpenSessionRequest {
            request_id: RequestId::fresh()?.to_vec().into(),
            session_id: session_id.to_vec().into(),
            login_id: login_id.to_vec().into(),
            rules_version,
        };
        let answer = self
            .connection()
            .call(deadline, &message, |channel, request| async move {
                AgentServiceClient::new(channel).open_session(request).await
            })
            .await?;
        Ok(OpenedSession {
            session_id,
            expires_us: answer.expires_us,
            leaf_index: last_leaf(answer.placement),
        })
    }

    /// Ends a session; its contacts go back to the queue.
    ///
    /// # Errors
    ///
    /// [`Error`], by what can be done about it.
    pub async fn end_session(
        &self,
        session_id: &[u8; 16],
        deadline: Deadline,
    ) -> Result<(), Error> {
        let message = v1::EndSessionRequest {
            request_id: RequestId::fresh()?.to_vec().into(),
            session_id: session_id.to_vec().into(),
        };
        self.connection()
            .call(deadline, &message, |channel, request| async move {
                AgentServiceClient::new(channel).end_session(request).await
            })
            .await?;
        Ok(())
    }

    /// Brings a suspended session back, or lets an active one last longer, with a fresh login.
    ///
    /// # Errors
    ///
    /// As [`Agent::open_session`].
    pub async fn restore_session(
        &self,
        session_id: &[u8; 16],
        login_id: &[u8; 16],
        deadline: Deadline,
    ) -> Result<OpenedSession, Error> {
        let message = v1::RestoreSessionRequest {
            request_id: RequestId::fresh()?.to_vec().into(),
            session_id: session_id.to_vec().into(),
            login_id: login_id.to_vec().into(),
        };
        let answer = self
            .connection()
            .call(deadline, &message, |channel, request| async move {
                AgentServiceClient::new(channel)
                    .restore_session(request)
                    .await
            })
            .await?;
        Ok(OpenedSession {
            session_id: *session_id,
            expires_us: answer.expires_us,
            leaf_index: last_leaf(answer.placement),
        })
    }

    /// Reads this agent's session as it stands.
    ///
    /// # Errors
    ///
    /// [`Error`], by what can be done about it.
    pub async fn session(
        &self,
        session_id: &[u8; 16],
        deadline: Deadline,
    ) -> Result<SessionView, Error> {
        let message = v1::GetSessionRequest {
            session_id: session_id.to_vec().into(),
            read: None,
        };
        let answer = self
            .connection()
            .call(deadline, &message, |channel, request| async move {
                AgentServiceClient::new(channel).get_session(request).await
            })
            .await?;
        let session = answer.session.ok_or(Error::Answer { what: "session" })?;
        SessionView::from_wire(&session)
    }
}

/// The last leaf of a command: its own, where others came before.
pub(super) fn last_leaf(placement: Option<v1::Placement>) -> u64 {
    let placement = placement.unwrap_or_default();
    placement.leaf_index + u64::from(placement.leaf_count.saturating_sub(1))
}
