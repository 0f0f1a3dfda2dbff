//! Callers that come too often, drop what they asked, show papers that have run out or put control
//! characters where text belongs.

use std::time::Duration;

use akashi_node::config::Limits as Allowed;
use akashi_node::net::Limits;
use prost::Message as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tonic::{Code, Request};
use tonic_types::StatusExt as _;

use crate::calls::{Platform, announcement, reason};
use crate::paper::{Mood, Paper};
use crate::port::{Ask, Port, framed};

const ANNOUNCE: &str = "/akashi.v1.PlatformService/AnnounceContact";
const HEALTH: &str = "/grpc.health.v1.Health/Check";

#[tokio::test]
async fn a_caller_that_opens_requests_only_to_drop_them_is_cut_off() {
    let port = Port::open(Paper::founded()).await;
    // Nothing is answered, so that whatever is dropped is dropped unanswered.
    port.paper.be(Mood::Stuck);
    let bare = port.bare().await;
    let message = framed(&announcement(1, "cust-000001").encode_to_vec());
    let mut opened = 0;
    loop {
        let ask = Ask::new(ANNOUNCE, message.clone()).header("grpc-timeout", "10S");
        // Long enough that the node has begun with it; then the caller resets it.
        let asked = tokio::time::timeout(Duration::from_millis(20), ask.try_bare(&bare)).await;
        if let Ok(Err(_broken)) = asked {
            break;
        }
        opened += 1;
        assert!(opened < 1_000, "nobody minds");
    }
    assert!(opened > 100, "{opened}: some may be dropped");
    for _ in 0..100 {
        if port.scrape.text().contains("reason=\"dropping\"") {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("{}", port.scrape.text());
}

#[tokio::test]
async fn a_certificate_that_has_run_out_opens_nothing() {
    let port = Port::open(Paper::founded()).await;
    let expired = port.authority.issue_expired("/tenant/retail/platform/cti");
    // A client of TLS 1.3 learns of it with its first request at the latest.
    if let Ok(channel) = port.channel(Some(&expired)).await {
        let answer = Platform::new(channel)
            .announce_contact(announcement(1, "cust-000001"))
            .await;
        let status = answer.unwrap_err();
        assert!(
            status.metadata().get("akashi-reason").is_none(),
            "no door was reached"
        );
    }
    assert!(port.scrape.text().contains("reason=\"handshake\""));
}

/// A header frame by hand: HPACK literals without indexing and without Huffman codes (RFC 7541, 6.2.2).
fn headers(evil: &[u8]) -> Vec<u8> {
    let mut block = vec![0x83, 0x87];
    let mut literal = |name: &[u8], value: &[u8]| {
        block.push(0);
        for text in [name, value] {
            block.push(u8::try_from(text.len()).unwrap());
            block.extend_from_slice(text);
        }
    };
    literal(b":path", HEALTH.as_bytes());
    literal(b":authority", b"akashi");
    literal(b"content-type", b"application/grpc");
    literal(b"te", b"trailers");
    literal(b"x-note", evil);
    let length = u32::try_from(block.len()).unwrap().to_be_bytes();
    // HEADERS with END_HEADERS on stream 1, then DATA with END_STREAM: one empty message.
    let mut frames = vec![length[1], length[2], length[3], 1, 4, 0, 0, 0, 1];
    frames.extend(block);
    frames.extend([0, 0, 5, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0]);
    frames
}

/// The kinds of the frames that come on stream 1 or end the connection, until either ends.
async fn kinds_that_come(port: &Port, evil: &[u8]) -> Vec<u8> {
    let mut stream = port.raw_h2().await;
    stream.write_all(&headers(evil)).await.unwrap();
    let mut kinds = Vec::new();
    let reading = async {
        loop {
            let mut head = [0; 9];
            if stream.read_exact(&mut head).await.is_err() {
                return;
            }
            let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
            let mut body = vec![0; usize::try_from(length).unwrap()];
            if stream.read_exact(&mut body).await.is_err() {
                return;
            }
            let (kind, flags, id) = (head[3], head[4], head[8]);
            if id == 1 || kind == 7 {
                kinds.push(kind);
            }
            // Reset, good-bye, or the end of an answer.
            if kind == 3 || kind == 7 || (id == 1 && kind == 1 && flags & 1 == 1) {
                return;
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(10), reading)
        .await
        .expect("the node answers or hangs up");
    kinds
}

#[tokio::test]
async fn line_ends_in_metadata_reach_no_handler_and_no_answer() {
    let port = Port::open(Paper::founded()).await;
    assert!(
        kinds_that_come(&port, b"a note").await.contains(&1),
        "an answer"
    );
    for evil in [
        b"a\r\nakashi-reason: b".as_slice(),
        b"a\nb",
        b"a\rb",
        b"a\0b",
    ] {
        let kinds = kinds_that_come(&port, evil).await;
        assert!(!kinds.contains(&1), "{evil:?} is answered: {kinds:?}");
    }
}

#[tokio::test]
async fn one_address_takes_only_its_share_of_the_places() {
    let limits = Limits {
        per_address_max: 2,
        ..Limits::CLIENT
    };
    let port = Port::with_limits(Paper::empty(), limits).await;
    let (first, _second) = (port.phone().await, port.phone().await);
    assert!(port.channel(None).await.is_err());
    let answer = Ask::new(HEALTH, framed(&[])).send(&first).await;
    assert_eq!(answer.grpc, Some(0));
    assert!(port.scrape.text().contains("reason=\"address\""));
}

#[tokio::test]
async fn a_tenant_that_asks_too_fast_is_told_when_to_come_again_and_others_are_not() {
    let allowed = Allowed {
        tenant_requests_per_s: 5,
        ..Allowed::default()
    };
    let port = Port::with_allowed(Paper::founded(), allowed).await;
    let mut platform = Platform::new(port.platform().await);
    let ask = |number: u8| Request::new(announcement(number, "cust-000001"));
    let mut slowed = None;
    for number in 1..=200 {
        match platform.announce_contact(ask(number)).await {
            Ok(_) => {}
            Err(status) if status.code() == Code::ResourceExhausted => {
                slowed = Some(status);
                break;
            }
            Err(_) => {}
        }
    }
    let slowed = slowed.expect("two hundred at once are more than five");
    assert_eq!(reason(&slowed), "TOO_FAST");
    let pause = slowed
        .get_details_retry_info()
        .unwrap()
        .retry_delay
        .unwrap();
    assert!(pause <= Duration::from_secs(1), "{pause:?}");
    let other = port.caller("/tenant/other/platform/cti").await;
    let refused = Platform::new(other)
        .announce_contact(ask(1))
        .await
        .unwrap_err();
    assert_ne!(reason(&refused), "TOO_FAST");
    let operator = port.caller("/operator/op").await;
    for _ in 0..20 {
        let asked = Ask::new(HEALTH, framed(&[])).send(&operator).await;
        assert_eq!(asked.grpc, Some(0));
    }
    tokio::time::sleep(pause).await;
    let again = platform.announce_contact(ask(250)).await;
    let again = again.err().map(|status| reason(&status).to_owned());
    assert_ne!(again.as_deref(), Some("TOO_FAST"));
}
