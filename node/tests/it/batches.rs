//! Several announcements in one call: each is answered in its place, as if it had come alone.

use akashi_proto::v1;
use akashi_proto::v1::announce_contact_result::Result as Which;
use tonic::Code;

use crate::calls::{Platform, announcement, contact_id, reason};
use crate::paper::Paper;
use crate::port::Port;

fn placed(result: &v1::AnnounceContactResult) -> v1::Placement {
    match &result.result {
        Some(Which::Announced(announced)) => announced.placement.unwrap(),
        other => panic!("not announced: {other:?}"),
    }
}

fn refusal(result: &v1::AnnounceContactResult) -> (u32, &str) {
    match &result.result {
        Some(Which::Refused(refused)) => (refused.code, refused.reason.as_str()),
        other => panic!("not refused: {other:?}"),
    }
}

#[tokio::test]
async fn contacts_announced_together_are_answered_in_their_places_and_once() {
    let port = Port::open(Paper::founded()).await;
    let mut platform = Platform::new(port.platform().await);
    let mut contacts: Vec<_> = (1..=6)
        .map(|number| announcement(number, &format!("cust-00000{number}")))
        .collect();
    contacts[1].tenant = "insurance".to_owned();
    contacts[3].policy = "no such policy".to_owned();
    contacts[4].contact_id = contact_id(1);
    let request = v1::AnnounceContactsRequest { contacts };
    let first = platform
        .announce_contacts(request.clone())
        .await
        .unwrap()
        .into_inner()
        .results;
    assert_eq!(first.len(), 6);
    let code = |code: Code| u32::try_from(i32::from(code)).unwrap();
    assert_eq!(refusal(&first[1]), (code(Code::NotFound), "TENANT_UNKNOWN"));
    assert_eq!(
        refusal(&first[3]),
        (code(Code::InvalidArgument), "FIELD_INVALID")
    );
    assert_eq!(refusal(&first[4]).0, code(Code::AlreadyExists));
    for place in [0, 2, 5] {
        assert!(!placed(&first[place]).repeated);
    }
    let again = platform
        .announce_contacts(request)
        .await
        .unwrap()
        .into_inner()
        .results;
    for place in [0, 2, 5] {
        let (first, again) = (placed(&first[place]), placed(&again[place]));
        assert!(again.repeated);
        assert_eq!(first.log_index, again.log_index);
    }
}

#[tokio::test]
async fn no_contacts_and_too_many_are_refused_as_a_whole() {
    let port = Port::open(Paper::founded()).await;
    let mut platform = Platform::new(port.platform().await);
    for count in [0_usize, 257] {
        let contacts = (0..count).map(|_| announcement(1, "cust-000001")).collect();
        let request = v1::AnnounceContactsRequest { contacts };
        let status = platform.announce_contacts(request).await.unwrap_err();
        assert_eq!(
            (status.code(), reason(&status)),
            (Code::InvalidArgument, "FIELD_INVALID")
        );
    }
}
