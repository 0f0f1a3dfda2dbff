//! The agent's desktop: a session, one word per contact, and nothing else about the customer.

mod oversight;
mod session;

use akashi_proto::v1;
use akashi_proto::v1::agent_service_client::AgentServiceClient;

use crate::answer::{AgentView, Stage};
use crate::clock::Deadline;
use crate::connection::Connection;
use crate::error::Error;
use crate::platform::{Heard, next_step, reopen_pause};

pub use oversight::{UnmaskState, UnmaskView, Wanted};
pub use session::{LoginLevel, OpenedSession, Presence, ScreenAction, SessionState, SessionView};

/// An agent with a connection made with his or her certificate.
#[derive(Clone, Debug)]
pub struct Agent {
    connection: Connection,
}

/// What the screen shows at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Screen {
    /// The word.
    pub view: AgentView,
    /// How far it has come.
    pub stage: Option<Stage>,
    /// With `Pass`: when the verdict stops being good, microseconds since 1970-01-01 UTC.
    pub not_after_us: u64,
    /// With `Fail`: the customer reported the call, or it is not them. End it.
    pub stop: bool,
    /// With `Pass`: the words that the customer's phone shows too. Ask for them.
    pub match_words: Vec<String>,
    /// With `Pass`: what the contact is good for now, as bits of the tenant.
    pub scope: u32,
    /// With `Pass`: what speaks against full trust now.
    pub limits: u32,
}

impl Screen {
    fn from_wire(step: v1::WatchVerdictResponse) -> Result<Self, Error> {
        Ok(Self {
            view: AgentView::from_number(step.view)?,
            stage: Stage::from_number(step.stage)?,
            not_after_us: step.not_after_us,
            stop: step.stop,
            match_words: step.match_words,
            scope: step.scope,
            limits: step.limits,
        })
    }
}

impl Agent {
    /// An agent's desktop.
    #[must_use]
    pub const fn new(connection: Connection) -> Self {
        Self { connection }
    }

    /// The connection, for instance to prefer a node.
    #[must_use]
    pub const fn connection(&self) -> &Connection {
        &self.connection
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
        mut show: impl FnMut(&Screen),
    ) -> Result<Screen, Error> {
        let last = |screen: &Screen| {
            show(screen);
            screen.view != AgentView::Pending && (screen.stop || screen.stage >= Some(stage))
        };
        self.follow(contact_id, deadline, last).await
    }

    /// Follows a contact through every change, also after its verdict: until `show` has seen enough.
    ///
    /// # Errors
    ///
    /// [`Error`], by what can be done about it; [`Error::StreamEnded`] when the contact is closed.
    pub async fn follow(
        &self,
        contact_id: &[u8; 16],
        deadline: Deadline,
        mut show: impl FnMut(&Screen) -> bool,
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
                match next_step(&mut stream, deadline).await? {
                    Heard::Step(step) => {
                        let screen = Screen::from_wire(step)?;
                        if show(&screen) {
                            return Ok(screen);
                        }
                    }
                    Heard::End => return Err(Error::StreamEnded { what: "contact" }),
                    Heard::Broken => break,
                }
            }
            self.connection.avoid_preferred();
            reopen_pause(deadline).await?;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, SocketAddr};
    use std::pin::Pin;
    use std::time::Duration;

    use akashi_proto::v1::agent_service_server::{AgentService, AgentServiceServer};
    use tokio::net::TcpListener;
    use tokio_stream::wrappers::TcpListenerStream;
    use tonic::transport::{Certificate, Identity as ServerIdentity, Server, ServerTlsConfig};
    use tonic::{Request, Response, Status};

    use super::*;
    use crate::identity::Identity;
    use crate::pki::{Authority, Role};

    /// A node that says `pending` and breaks, or says `pending` and then `pass`.
    struct Fake {
        breaks: bool,
    }

    type Views =
        Pin<Box<dyn tokio_stream::Stream<Item = Result<v1::WatchVerdictResponse, Status>> + Send>>;

    #[tonic::async_trait]
    impl AgentService for Fake {
        type WatchVerdictStream = Views;
        type KeepPresenceStream = tokio_stream::Empty<Result<v1::KeepPresenceResponse, Status>>;

        async fn keep_presence(
            &self,
            _: Request<tonic::Streaming<v1::KeepPresenceRequest>>,
        ) -> Result<Response<Self::KeepPresenceStream>, Status> {
            Err(Status::unimplemented(""))
        }

        async fn watch_verdict(
            &self,
            request: Request<v1::WatchVerdictRequest>,
        ) -> Result<Response<Views>, Status> {
            assert_eq!(request.get_ref().contact_id.len(), 16);
            let view = |view: v1::AgentView| {
                let stage = v1::Stage::Committed.into();
                Ok(v1::WatchVerdictResponse {
                    view: view.into(),
                    stage,
                    ..v1::WatchVerdictResponse::default()
                })
            };
            let last = if self.breaks {
                Err(Status::unavailable("stopping"))
            } else {
                view(v1::AgentView::Pass)
            };
            let steps = vec![view(v1::AgentView::Pending), last];
            Ok(Response::new(Box::pin(tokio_stream::iter(steps))))
        }

        async fn open_session(
            &self,
            _: Request<v1::OpenSessionRequest>,
        ) -> Result<Response<v1::OpenSessionResponse>, Status> {
            Err(Status::unimplemented(""))
        }

        async fn end_session(
            &self,
            _: Request<v1::EndSessionRequest>,
        ) -> Result<Response<v1::EndSessionResponse>, Status> {
            Err(Status::unimplemented(""))
        }

        async fn restore_session(
            &self,
            _: Request<v1::RestoreSessionRequest>,
        ) -> Result<Response<v1::RestoreSessionResponse>, Status> {
            Err(Status::unimplemented(""))
        }

        async fn get_session(
            &self,
            _: Request<v1::GetSessionRequest>,
        ) -> Result<Response<v1::GetSessionResponse>, Status> {
            Err(Status::unimplemented(""))
        }

        async fn observe_contact(
            &self,
            _: Request<v1::ObserveContactRequest>,
        ) -> Result<Response<v1::ObserveContactResponse>, Status> {
            Err(Status::unimplemented(""))
        }

        async fn request_unmask(
            &self,
            _: Request<v1::RequestUnmaskRequest>,
        ) -> Result<Response<v1::RequestUnmaskResponse>, Status> {
            Err(Status::unimplemented(""))
        }

        async fn break_glass(
            &self,
            _: Request<v1::BreakGlassRequest>,
        ) -> Result<Response<v1::BreakGlassResponse>, Status> {
            Err(Status::unimplemented(""))
        }

        async fn decide_unmask(
            &self,
            _: Request<v1::DecideUnmaskRequest>,
        ) -> Result<Response<v1::DecideUnmaskResponse>, Status> {
            Err(Status::unimplemented(""))
        }

        async fn get_unmask(
            &self,
            _: Request<v1::GetUnmaskRequest>,
        ) -> Result<Response<v1::GetUnmaskResponse>, Status> {
            Err(Status::unimplemented(""))
        }
    }

    async fn serve(authority: &Authority, ca: &str, breaks: bool) -> SocketAddr {
        let role = Role::Node {
            id: 1,
            hosts: vec![],
        };
        let issued = authority.issue(&role).unwrap();
        let tls = ServerTlsConfig::new()
            .identity(ServerIdentity::from_pem(
                issued.certificate_pem,
                issued.key_pem,
            ))
            .client_ca_root(Certificate::from_pem(ca));
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let server = Server::builder()
            .tls_config(tls)
            .unwrap()
            .add_service(AgentServiceServer::new(Fake { breaks }));
        tokio::spawn(server.serve_with_incoming(TcpListenerStream::new(listener)));
        address
    }

    #[tokio::test]
    async fn a_broken_stream_goes_on_at_another_node_over_mutual_tls() {
        let directory = tempfile::tempdir().unwrap();
        let path = |name: &str| directory.path().join(name);
        let (authority, ca, _) = Authority::create("test").unwrap();
        let agent = Role::Agent {
            tenant: "demo".into(),
            agent: "agent-01".into(),
        };
        let issued = authority.issue(&agent).unwrap();
        std::fs::write(path("ca.pem"), &ca).unwrap();
        std::fs::write(path("a.pem"), issued.certificate_pem).unwrap();
        std::fs::write(path("a.key"), issued.key_pem).unwrap();
        let identity =
            Identity::with_certificate(&path("ca.pem"), &path("a.pem"), &path("a.key")).unwrap();
        let addresses = [
            serve(&authority, &ca, true).await,
            serve(&authority, &ca, false).await,
        ];
        let addresses = addresses.map(|address| address.to_string());
        let connection = Connection::new(&addresses, &identity).unwrap();
        connection.prefer(0);

        let mut shown = Vec::new();
        let deadline = Deadline::after(Duration::from_secs(20));
        let last = Agent::new(connection)
            .wait_view(&[7; 16], Stage::Committed, deadline, |screen| {
                shown.push(screen.view);
            })
            .await
            .unwrap();
        assert_eq!(last.view, AgentView::Pass);
        assert_eq!(
            shown,
            [AgentView::Pending, AgentView::Pending, AgentView::Pass]
        );
    }

    #[tokio::test]
    async fn a_node_of_another_authority_is_not_believed() {
        let directory = tempfile::tempdir().unwrap();
        let ca_path = directory.path().join("ca.pem");
        let (foreign, foreign_ca, _) = Authority::create("test").unwrap();
        std::fs::write(&ca_path, Authority::create("test").unwrap().1).unwrap();
        let address = serve(&foreign, &foreign_ca, false).await.to_string();
        let identity = Identity::phone(&ca_path).unwrap();
        let connection = Connection::new(&[address], &identity).unwrap();
        let deadline = Deadline::after(Duration::from_millis(300));
        let answer = Agent::new(connection)
            .wait_view(&[7; 16], Stage::Committed, deadline, |_| {})
            .await;
        assert!(answer.is_err());
    }
}
