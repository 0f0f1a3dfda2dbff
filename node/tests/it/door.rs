//! The status contract, row by row: every hostile input has one fixed answer.

use akashi_proto::v1;
use bytes::Bytes;
use http::Method;
use http_body_util::StreamBody;
use prost::Message as _;
use tonic::Code;
use tonic::body::Body;

use crate::calls::{Platform, announcement, reason, watch};
use crate::paper::{Mood, Paper};
use crate::port::{Ask, Port, Raw, framed};

const ANNOUNCE: &str = "/akashi.v1.PlatformService/AnnounceContact";
const WATCH: &str = "/akashi.v1.PlatformService/WatchContact";

fn good() -> Vec<u8> {
    framed(&announcement(1, "cust-000001").encode_to_vec())
}

#[track_caller]
fn is(raw: &Raw, code: Code, reason: &str) {
    assert_eq!(
        (raw.http, raw.grpc, raw.reason.as_str()),
        (200, Some(code as i32), reason),
        "{raw:?}"
    );
}

#[tokio::test]
async fn a_good_request_passes() {
    let port = Port::open(Paper::founded()).await;
    let raw = Ask::new(ANNOUNCE, good())
        .send(&port.platform().await)
        .await;
    assert_eq!((raw.http, raw.grpc), (200, Some(0)), "{raw:?}");
}

#[tokio::test]
async fn unknown_services_and_methods_are_unimplemented() {
    let port = Port::open(Paper::founded()).await;
    let channel = port.platform().await;
    for path in [
        "/akashi.v1.PlatformService/Nothing",
        "/akashi.v1.Nothing/AnnounceContact",
        "/akashi.peer.v1.PeerService/Forward",
        "/",
    ] {
        is(
            &Ask::new(path, good()).send(&channel).await,
            Code::Unimplemented,
            "METHOD_UNKNOWN",
        );
    }
    assert!(port.scrape.text().contains("method=\"_OTHER\""));
    assert!(!port.scrape.text().contains("Nothing"));
}

#[tokio::test]
async fn malformed_messages_are_invalid_arguments_with_a_fixed_text() {
    let port = Port::open(Paper::founded()).await;
    let channel = port.platform().await;
    let mut deep = vec![0x0b_u8; 200];
    deep.extend([0x0c; 100]);
    for body in [
        framed(&[0xff; 20]),
        // Field 1 is no number.
        framed(&[0x08, 1]),
        // A length beyond the end.
        framed(&[0x0a, 0x7f, 1]),
        framed(&deep),
        good()[..10].to_vec(),
        vec![0, 0, 0],
    ] {
        for path in [ANNOUNCE, WATCH] {
            let raw = Ask::new(path, body.clone()).send(&channel).await;
            is(&raw, Code::InvalidArgument, "MESSAGE_MALFORMED");
            assert_eq!(raw.message, "the%20message%20does%20not%20parse");
        }
    }
    // Field 4 is text, and this is no UTF-8.
    let raw = Ask::new(ANNOUNCE, framed(&[0x22, 2, 0xff, 0xfe]))
        .send(&channel)
        .await;
    is(&raw, Code::InvalidArgument, "MESSAGE_MALFORMED");
}

#[tokio::test]
async fn messages_over_the_limit_are_resource_exhausted() {
    let port = Port::open(Paper::founded()).await;
    let channel = port.platform().await;
    for body in [
        framed(&[0; 65_537]),
        vec![0, 0xff, 0xff, 0xff, 0xff],
        vec![0, 0, 1, 0, 1],
    ] {
        let raw = Ask::new(ANNOUNCE, body).send(&channel).await;
        is(&raw, Code::ResourceExhausted, "MESSAGE_TOO_LARGE");
    }
}

#[tokio::test]
async fn compression_is_not_spoken() {
    let port = Port::open(Paper::founded()).await;
    let channel = port.platform().await;
    for encoding in ["gzip", "deflate", "zstd", "bomb"] {
        let raw = Ask::new(ANNOUNCE, good())
            .header("grpc-encoding", encoding)
            .send(&channel)
            .await;
        is(&raw, Code::Unimplemented, "ENCODING_UNSUPPORTED");
    }
    for flags in [1, 7, 0xff] {
        let mut body = good();
        body[0] = flags;
        let raw = Ask::new(ANNOUNCE, body).send(&channel).await;
        is(&raw, Code::InvalidArgument, "MESSAGE_MALFORMED");
    }
    let raw = Ask::new(ANNOUNCE, good())
        .header("grpc-encoding", "identity")
        .send(&channel)
        .await;
    assert_eq!(raw.grpc, Some(0));
}

#[tokio::test]
async fn a_call_with_one_request_has_exactly_one() {
    let port = Port::open(Paper::founded()).await;
    let channel = port.platform().await;
    for path in [ANNOUNCE, WATCH] {
        for body in [Vec::new(), [good(), good()].concat()] {
            let raw = Ask::new(path, body).send(&channel).await;
            is(&raw, Code::InvalidArgument, "MESSAGE_COUNT");
        }
    }
}

#[tokio::test]
async fn what_is_no_grpc_is_answered_in_plain_http() {
    let port = Port::open(Paper::founded()).await;
    let channel = port.platform().await;
    for content_type in [
        "text/plain",
        "application/json",
        "application/grpc-web",
        "application/grpcx",
        "",
    ] {
        let raw = Ask::new(ANNOUNCE, good())
            .header("content-type", content_type)
            .send(&channel)
            .await;
        assert_eq!((raw.http, raw.grpc), (415, None), "{content_type}");
    }
    for method in [Method::GET, Method::PUT, Method::DELETE, Method::OPTIONS] {
        let ask = Ask {
            method: method.clone(),
            ..Ask::new(ANNOUNCE, Vec::new())
        };
        let raw = ask.send(&channel).await;
        assert_eq!((raw.http, raw.grpc), (405, None), "{method}");
    }
    let raw = Ask::new(ANNOUNCE, good())
        .header("content-type", "application/grpc+proto")
        .send(&channel)
        .await;
    assert_eq!(raw.grpc, Some(0));
}

#[tokio::test]
async fn timeouts_are_read_strictly_and_capped() {
    let port = Port::open(Paper::founded()).await;
    let bare = port.bare().await;
    for text in ["soon", "", "S", "-1S", "1s", "999999999S", "1.5S", "10"] {
        let raw = Ask::new(ANNOUNCE, good())
            .header("grpc-timeout", text)
            .send_bare(&bare)
            .await;
        is(&raw, Code::InvalidArgument, "TIMEOUT_MALFORMED");
    }
    let raw = Ask::new(ANNOUNCE, good())
        .header("grpc-timeout", "0n")
        .send_bare(&bare)
        .await;
    is(&raw, Code::DeadlineExceeded, "DEADLINE");
    let raw = Ask::new(ANNOUNCE, good())
        .header("grpc-timeout", "99999999H")
        .send_bare(&bare)
        .await;
    assert_eq!(raw.grpc, Some(0));
}

#[tokio::test]
async fn a_body_that_does_not_come_is_a_deadline() {
    let port = Port::open(Paper::founded()).await;
    let bare = port.bare().await;
    let never = futures::stream::pending::<Result<http_body::Frame<Bytes>, std::io::Error>>();
    let ask = Ask {
        body: Body::new(StreamBody::new(never)),
        ..Ask::new(ANNOUNCE, Vec::new())
    };
    let raw = ask.header("grpc-timeout", "100m").send_bare(&bare).await;
    is(&raw, Code::DeadlineExceeded, "DEADLINE");
    let half = futures::stream::once(async {
        Ok::<_, std::io::Error>(http_body::Frame::data(Bytes::from_static(&[0, 0, 0])))
    });
    let slow = futures::StreamExt::chain(half, futures::stream::pending());
    let ask = Ask {
        body: Body::new(StreamBody::new(slow)),
        ..Ask::new(ANNOUNCE, Vec::new())
    };
    let raw = ask.header("grpc-timeout", "100m").send_bare(&bare).await;
    is(&raw, Code::DeadlineExceeded, "DEADLINE");
}

#[tokio::test]
async fn a_stream_ends_when_its_caller_said_it_should() {
    let port = Port::open(Paper::founded()).await;
    let mut platform = Platform::new(port.platform().await);
    let mut phone = crate::phone::Phone::new("cust-000001", 1);
    crate::invitation::enrol(&port, &mut phone).await;
    platform
        .announce_contact(announcement(1, "cust-000001"))
        .await
        .unwrap();
    let body = framed(&watch(1, true).encode_to_vec());
    let raw = Ask::new(WATCH, body)
        .header("grpc-timeout", "100m")
        .send_bare(&port.bare().await)
        .await;
    is(&raw, Code::DeadlineExceeded, "DEADLINE");
}

#[tokio::test]
async fn large_headers_are_431_and_foreign_metadata_is_ignored() {
    let port = Port::open(Paper::founded()).await;
    let channel = port.platform().await;
    let raw = Ask::new(ANNOUNCE, good())
        .header("x-large", &"x".repeat(20_480))
        .send(&channel)
        .await;
    assert_eq!(raw.http, 431);
    let raw = Ask::new(ANNOUNCE, good())
        .header("x-other-bin", "!no base64!")
        .send(&channel)
        .await;
    assert_eq!(raw.grpc, Some(0));
    let raw = Ask::new(ANNOUNCE, good())
        .header("traceparent", "00-junk")
        .send(&channel)
        .await;
    assert_ne!(raw.grpc, None);
}

#[tokio::test]
async fn a_fenced_node_answers_nothing_but_how_it_is() {
    let port = Port::open(Paper::founded()).await;
    let mut platform = Platform::new(port.platform().await);
    let mut phone = crate::phone::Phone::new("cust-000001", 1);
    crate::invitation::enrol(&port, &mut phone).await;
    platform
        .announce_contact(announcement(1, "cust-000001"))
        .await
        .unwrap();
    let mut stream = platform
        .watch_contact(watch(1, true))
        .await
        .unwrap()
        .into_inner();
    stream.message().await.unwrap();
    port.paper.fence();
    let status = stream.message().await.unwrap_err();
    assert_eq!(
        (status.code(), reason(&status)),
        (Code::Unavailable, "NODE_FENCED")
    );
    let status = platform
        .announce_contact(announcement(2, "cust-000001"))
        .await
        .unwrap_err();
    assert_eq!(
        (status.code(), reason(&status)),
        (Code::Unavailable, "NODE_FENCED")
    );
    assert_eq!(
        status.metadata().get("grpc-retry-pushback-ms").unwrap(),
        "20"
    );

    let operator = port.caller("/operator/alice").await;
    let node = v1::cluster_service_client::ClusterServiceClient::new(operator)
        .get_node_status(v1::GetNodeStatusRequest {})
        .await
        .unwrap()
        .into_inner();
    assert!(node.fenced);
    assert!(!node.fence_reason.is_empty());
    let health = tonic_health::pb::health_client::HealthClient::new(port.phone().await)
        .check(tonic_health::pb::HealthCheckRequest::default())
        .await
        .unwrap();
    assert_eq!(health.into_inner().status, 1);
}

#[tokio::test]
async fn a_stopping_node_finishes_what_was_begun_and_begins_nothing_new() {
    let port = Port::open(Paper::founded()).await;
    let mut platform = Platform::new(port.platform().await);
    platform
        .announce_contact(announcement(1, "cust-000001"))
        .await
        .unwrap();
    let idle = port.bare().await;
    port.paper.be(Mood::Stuck);
    let busy = port.bare().await;
    let in_flight = tokio::spawn(async move {
        Ask::new(ANNOUNCE, good())
            .header("grpc-timeout", "300m")
            .send_bare(&busy)
            .await
    });
    port.paper.asked(2).await;
    port.stop();
    is(
        &in_flight.await.unwrap(),
        Code::DeadlineExceeded,
        "DEADLINE",
    );
    port.served.await.unwrap();
    drop(idle);
    let refused = platform
        .announce_contact(announcement(3, "cust-000001"))
        .await
        .unwrap_err();
    assert_eq!(refused.code(), Code::Unavailable, "{refused:?}");
}
