//! Every method by every role, over real certificates.

use akashi_node::api::auth::{Flow, RPCS, Role};
use tonic::Code;
use tonic::transport::Channel;

use crate::paper::Paper;
use crate::port::{Ask, Port, framed};

#[tokio::test]
async fn every_role_is_refused_everything_that_is_not_its_own() {
    let port = Port::open(Paper::founded()).await;
    for role in Role::ALL {
        let channel: Channel = match role {
            Role::Anyone => port.phone().await,
            Role::Platform => port.platform().await,
            Role::Agent => port.caller("/tenant/retail/agent/agent-0001").await,
            Role::Processor => {
                let key = hex::encode([3; 32]);
                port.caller(&format!("/tenant/retail/processor/{key}"))
                    .await
            }
            Role::Operator => port.caller("/operator/alice").await,
            Role::Auditor => port.caller("/auditor/firm").await,
            Role::Node => port.caller("/node/2").await,
        };
        for rpc in RPCS.iter().filter(|rpc| rpc.path.starts_with("/akashi.")) {
            // An empty message: no required field is there, so whoever may call learns that.
            let raw = Ask::new(rpc.path, framed(&[])).send(&channel).await;
            let refused = matches!(
                raw.reason.as_str(),
                "CERTIFICATE_MISSING" | "ROLE_NOT_ALLOWED"
            );
            assert_eq!(
                refused,
                !rpc.roles.contains(&role),
                "{} by {role:?}: {raw:?}",
                rpc.path
            );
            if refused {
                let code = match role {
                    Role::Anyone => Code::Unauthenticated,
                    _ => Code::PermissionDenied,
                };
                assert_eq!(raw.grpc, Some(code as i32));
            } else if rpc.flow == Flow::Unary {
                assert!(raw.grpc.is_some());
            }
        }
    }
}

#[tokio::test]
async fn certificates_that_name_nobody_open_nothing() {
    let port = Port::open(Paper::founded()).await;
    let uri = |path: &str| format!("spiffe://dev{path}");
    for uris in [
        vec![],
        vec![uri("/operator/alice"), uri("/auditor/firm")],
        vec!["spiffe://prod/operator/alice".to_owned()],
        vec![uri("/operator")],
        vec![uri("/operator/a%20b")],
    ] {
        let own = port.authority.issue_uris(&uris);
        let channel = port.channel(Some(&own)).await.unwrap();
        for path in [
            "/akashi.v1.ClusterService/GetNodeStatus",
            "/akashi.v1.PhoneService/SubmitProof",
            "/grpc.health.v1.Health/Check",
        ] {
            let raw = Ask::new(path, framed(&[])).send(&channel).await;
            assert_eq!(
                raw.grpc,
                Some(Code::Unauthenticated as i32),
                "{uris:?} {path}"
            );
            assert_eq!(raw.reason, "CERTIFICATE_UNUSABLE");
        }
    }
}

#[tokio::test]
async fn health_is_for_everybody() {
    let port = Port::open(Paper::empty()).await;
    let mut client = tonic_health::pb::health_client::HealthClient::new(port.phone().await);
    let health = client
        .check(tonic_health::pb::HealthCheckRequest::default())
        .await
        .unwrap();
    assert_eq!(health.into_inner().status, 1);
}

#[tokio::test]
async fn reflection_lists_the_published_services() {
    use tonic_reflection::pb::v1::server_reflection_client::ServerReflectionClient;
    use tonic_reflection::pb::v1::server_reflection_request::MessageRequest;
    use tonic_reflection::pb::v1::server_reflection_response::MessageResponse;
    let port = Port::open(Paper::empty()).await;
    let request = tonic_reflection::pb::v1::ServerReflectionRequest {
        host: String::new(),
        message_request: Some(MessageRequest::ListServices(String::new())),
    };
    let mut stream = ServerReflectionClient::new(port.phone().await)
        .server_reflection_info(tokio_stream::once(request))
        .await
        .unwrap()
        .into_inner();
    let answer = stream
        .message()
        .await
        .unwrap()
        .unwrap()
        .message_response
        .unwrap();
    let MessageResponse::ListServicesResponse(list) = answer else {
        panic!("{answer:?}")
    };
    let names: Vec<_> = list
        .service
        .into_iter()
        .map(|service| service.name)
        .collect();
    assert!(
        names.contains(&"akashi.v1.PlatformService".to_owned()),
        "{names:?}"
    );
}
