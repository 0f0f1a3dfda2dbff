//! Operators' commands, fields that make no sense, and what a replica cannot do.

use akashi_proto::v1;
use akashi_proto::v1::cluster_service_client::ClusterServiceClient;
use prost::Message as _;
use tonic::Code;
use tonic_types::StatusExt as _;

use crate::calls::{Platform, announcement, id, reason};
use crate::paper::{Mood, POLICY, Paper, TENANT};
use crate::port::{Ask, Port, framed};

#[tokio::test]
async fn operators_found_a_cluster_once_and_look_at_it() {
    let port = Port::open(Paper::empty()).await;
    let mut operator = ClusterServiceClient::new(port.caller("/operator/alice").await);
    let before = operator
        .get_key_set(v1::GetKeySetRequest {})
        .await
        .unwrap_err();
    assert_eq!(reason(&before), "NOT_FOUNDED");
    let policy = v1::Policy {
        name: POLICY.to_owned(),
        require_possession: true,
        require_knowledge: true,
        agents: Some(crate::policies::registered()),
        ..v1::Policy::default()
    };
    let bootstrap = || v1::BootstrapRequest {
        request_id: id(),
        tenant: TENANT.to_owned(),
        policy: Some(policy.clone()),
    };
    let founded = operator.bootstrap(bootstrap()).await.unwrap().into_inner();
    assert_eq!(founded.placement.unwrap().leaf_index, 0);
    let status = operator.bootstrap(bootstrap()).await.unwrap_err();
    assert_eq!(
        (status.code(), reason(&status)),
        (Code::AlreadyExists, "ALREADY_FOUNDED")
    );
    let put = v1::PutPolicyRequest {
        request_id: id(),
        tenant: TENANT.to_owned(),
        policy: Some(policy.clone()),
    };
    let put = operator
        .put_policy(put)
        .await
        .unwrap()
        .into_inner()
        .policy
        .unwrap();
    assert_eq!(
        (put.version, put.challenge_ttl_s, put.digest.len()),
        (2, 120, 32)
    );
    let status = operator
        .get_node_status(v1::GetNodeStatusRequest {})
        .await
        .unwrap()
        .into_inner();
    assert_eq!(
        (status.cluster.as_str(), status.role.as_str()),
        ("dev", "leader")
    );
    assert_eq!(status.peers.len(), 2);
    assert_eq!(status.standing, "voter");
    assert_eq!((status.conf_voters, status.joint), (vec![1, 2, 3], false));
    let matched: Vec<u64> = status.peers.iter().map(|peer| peer.match_index).collect();
    assert_eq!(matched, [7, 5], "as the leader knows");
    assert!(status.peers.iter().all(|peer| peer.standing == "voter"));
    let keys = operator
        .get_key_set(v1::GetKeySetRequest {})
        .await
        .unwrap()
        .into_inner();
    assert!(keys.key_set.contains("akashi-origin dev/e1/g0"));
    let moved = v1::TransferLeaderRequest { to_node_id: 9 };
    assert_eq!(
        operator.transfer_leader(moved).await.unwrap_err().code(),
        Code::InvalidArgument
    );
    let moved = v1::TransferLeaderRequest { to_node_id: 0 };
    assert_eq!(
        operator
            .transfer_leader(moved)
            .await
            .unwrap()
            .into_inner()
            .leader_id,
        2
    );
}

#[tokio::test]
async fn what_the_replica_cannot_do_has_its_own_status() {
    let port = Port::open(Paper::founded()).await;
    let mut platform = Platform::new(port.platform().await);
    for (mood, code, expected) in [
        (Mood::Busy, Code::ResourceExhausted, "BUSY"),
        (Mood::Leaderless, Code::Unavailable, "NO_LEADER"),
        (Mood::Unstamped, Code::Unavailable, "CLOCKS_DISAGREE"),
        (Mood::Full, Code::ResourceExhausted, "DISK_FULL"),
    ] {
        port.paper.be(mood);
        let status = platform
            .announce_contact(announcement(1, "cust-000001"))
            .await
            .unwrap_err();
        assert_eq!((status.code(), reason(&status)), (code, expected));
        assert!(status.get_details_retry_info().is_some(), "{expected}");
        assert!(status.metadata().contains_key("grpc-retry-pushback-ms"));
    }
    port.paper.be(Mood::Stuck);
    let body = framed(&announcement(1, "cust-000001").encode_to_vec());
    let raw = Ask::new("/akashi.v1.PlatformService/AnnounceContact", body)
        .header("grpc-timeout", "100m")
        .send_bare(&port.bare().await)
        .await;
    assert_eq!((raw.grpc, raw.reason.as_str()), (Some(4), "DEADLINE"));
}

#[tokio::test]
async fn fields_that_make_no_sense_are_named_and_their_values_are_not() {
    let port = Port::open(Paper::founded()).await;
    let mut platform = Platform::new(port.platform().await);
    let good = || announcement(1, "cust-000001");
    let cases = [
        (
            "subject",
            v1::AnnounceContactRequest {
                subject: "090-1234-5678".into(),
                ..good()
            },
        ),
        (
            "subject",
            v1::AnnounceContactRequest {
                subject: "taro@example.jp".into(),
                ..good()
            },
        ),
        (
            "subject",
            v1::AnnounceContactRequest {
                subject: "山田太郎-CANARY".into(),
                ..good()
            },
        ),
        (
            "subject",
            v1::AnnounceContactRequest {
                subject: "cust\u{0}000001".into(),
                ..good()
            },
        ),
        (
            "contact_id",
            v1::AnnounceContactRequest {
                contact_id: vec![1; 15].into(),
                ..good()
            },
        ),
        (
            "contact_id",
            v1::AnnounceContactRequest {
                contact_id: vec![0; 16].into(),
                ..good()
            },
        ),
        (
            "request_id",
            v1::AnnounceContactRequest {
                request_id: vec![1; 16].into(),
                ..good()
            },
        ),
        (
            "initiator",
            v1::AnnounceContactRequest {
                initiator: 0,
                ..good()
            },
        ),
        (
            "initiator",
            v1::AnnounceContactRequest {
                initiator: 99,
                ..good()
            },
        ),
        (
            "call_reason",
            v1::AnnounceContactRequest {
                call_reason: 70_000,
                ..good()
            },
        ),
        (
            "policy",
            v1::AnnounceContactRequest {
                policy: "No Policy".into(),
                ..good()
            },
        ),
        (
            "agent",
            v1::AnnounceContactRequest {
                agent: "bob".into(),
                ..good()
            },
        ),
        (
            "subject_tag",
            v1::AnnounceContactRequest {
                subject_tag: vec![1; 3].into(),
                ..good()
            },
        ),
    ];
    for (field, request) in cases {
        let status = platform.announce_contact(request).await.unwrap_err();
        assert_eq!(
            (status.code(), reason(&status)),
            (Code::InvalidArgument, "FIELD_INVALID")
        );
        assert_eq!(status.message(), format!("{field} is not acceptable"));
    }
}
