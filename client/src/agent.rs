//! The agent's desktop: one word per contact, and nothing else about the customer.

use akashi_proto::v1;
use akashi_proto::v1::agent_service_client::AgentServiceClient;
use tokio_stream::StreamExt as _;

use crate::answer::{AgentView, Stage};
use crate::clock::Deadline;
use crate::connection::Connection;
use crate::error::Error;
use crate::platform::reopen_pause;

/// An agent with a connection made with his or her certificate.
#[derive(Clone, Debug)]
pub struct Agent {
    connection: Connection,
}

/// What the screen shows at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Screen {
    /// The word.
    pub view: AgentView,
    /// How far it has come.
    pub stage: Option<Stage>,
    /// With `Pass`: when the verdict stops being good, microseconds since 1970-01-01 UTC.
    pub not_after_us: u64,
}

impl Agent {
    /// An agent's desktop.
    #[must_use]
    pub const fn new(connection: Connection) -> Self {
        Self { connection }
    }

    /// Follows a contact until its view is final at `stage` or later; `show` sees every change.
    ///
    /// # Errors
    ///
    /// [`Error`], by what can be done about it.
    pub async fn wait_view(
        &self,
        contact_id: &[u8; 16],
        stage: Stage,
        deadline: Deadline,
        mut show: impl FnMut(Screen),
    ) -> Result<Screen, Error> {
        let message = v1::WatchVerdictRequest {
            contact_id: contact_id.to_vec().into(),
        };
        loop {
            let mut stream = self
                .connection
                .open(deadline, &message, |channel, request| async move {
                    AgentServiceClient::new(channel)
                        .watch_verdict(request)
                        .await
                })
                .await?;
            loop {
                let next = tokio::time::timeout(deadline.remaining(), stream.next()).await;
                let Ok(next) = next else {
                    return Err(Error::DeadlineExceeded);
                };
                let Some(Ok(step)) = next else { break };
                let screen = Screen {
                    view: AgentView::from_number(step.view)?,
                    stage: Stage::from_number(step.stage)?,
                    not_after_us: step.not_after_us,
                };
                show(screen);
                if screen.view != AgentView::Pending && screen.stage >= Some(stage) {
                    return Ok(screen);
                }
            }
            self.connection.avoid_preferred();
            reopen_pause(deadline).await?;
        }
    }
}
