//! What an agent's desktop is told, and what it is not.

use akashi_proto::v1;
use akashi_proto::v1::agent_service_client::AgentServiceClient;
use akashi_proto::v1::cluster_service_client::ClusterServiceClient;
use sha2::{Digest as _, Sha256};
use tonic::Code;

use crate::calls::{Platform, announcement, contact_id, id, reason};
use crate::paper::{Paper, TENANT};
use crate::port::Port;

#[tokio::test]
async fn an_agent_sees_one_word_about_contacts_that_are_his_and_nothing_about_others() {
    let port = Port::open(Paper::founded()).await;
    let mut operator = ClusterServiceClient::new(port.caller("/operator/alice").await);
    for agent in ["agent-0001", "agent-0002"] {
        let request = v1::RegisterAgentRequest {
            request_id: id(),
            tenant: TENANT.to_owned(),
            agent: agent.to_owned(),
            certificate_sha256: bytes::Bytes::new(),
            supervisor: false,
        };
        operator.register_agent(request).await.unwrap();
    }
    let mut platform = Platform::new(port.platform().await);
    let request = v1::AnnounceContactRequest {
        agent: "agent-0001".into(),
        ..announcement(1, "cust-000001")
    };
    platform.announce_contact(request).await.unwrap();
    let watch = |contact| v1::WatchVerdictRequest {
        contact_id: contact_id(contact),
    };

    let own = port.caller("/tenant/retail/agent/agent-0001").await;
    let mut stream = AgentServiceClient::new(own)
        .watch_verdict(watch(1))
        .await
        .unwrap()
        .into_inner();
    let word = stream.message().await.unwrap().unwrap();
    assert_eq!(word.view(), v1::AgentView::Fail);
    assert_eq!(word.stage(), v1::Stage::Sealed);
    assert_eq!(word.not_after_us, 0);
    assert!(stream.message().await.unwrap().is_none());

    for path in [
        "/tenant/retail/agent/agent-0002",
        "/tenant/retail/agent/agent-9999",
        "/tenant/insurance/agent/agent-0001",
    ] {
        let other = port.caller(path).await;
        let mut client = AgentServiceClient::new(other);
        for contact in [1, 2] {
            let status = client.watch_verdict(watch(contact)).await.unwrap_err();
            assert_eq!(
                (status.code(), reason(&status)),
                (Code::NotFound, "CONTACT_UNKNOWN")
            );
        }
    }
}

#[tokio::test]
async fn an_agents_registered_certificate_is_the_only_one_that_serves() {
    let port = Port::open(Paper::founded()).await;
    let registered = port.authority.issue(&["/tenant/retail/agent/agent-0001"]);
    let other = port.authority.issue(&["/tenant/retail/agent/agent-0001"]);
    let request = v1::RegisterAgentRequest {
        request_id: id(),
        tenant: TENANT.to_owned(),
        agent: "agent-0001".to_owned(),
        certificate_sha256: Sha256::digest(&registered.der).to_vec().into(),
        supervisor: false,
    };
    ClusterServiceClient::new(port.caller("/operator/alice").await)
        .register_agent(request)
        .await
        .unwrap();
    let request = v1::AnnounceContactRequest {
        agent: "agent-0001".into(),
        ..announcement(1, "cust-000001")
    };
    Platform::new(port.platform().await)
        .announce_contact(request)
        .await
        .unwrap();
    let watch = || v1::WatchVerdictRequest {
        contact_id: contact_id(1),
    };
    let channel = port.channel(Some(&registered)).await.unwrap();
    AgentServiceClient::new(channel)
        .watch_verdict(watch())
        .await
        .unwrap();
    let channel = port.channel(Some(&other)).await.unwrap();
    let status = AgentServiceClient::new(channel)
        .watch_verdict(watch())
        .await
        .unwrap_err();
    assert_eq!(
        (status.code(), reason(&status)),
        (Code::PermissionDenied, "CERTIFICATE_OTHER")
    );
}
