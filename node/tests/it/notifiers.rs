//! What a platform's notifier says of notices, over the port.

use akashi_proto::v1;
use akashi_proto::v1::platform_service_client::PlatformServiceClient;
use tonic::Code;

use crate::calls::{Platform, announcement, id, reason};
use crate::invitation::enrol;
use crate::paper::{Paper, TENANT};
use crate::phone::Phone;
use crate::port::Port;

#[tokio::test]
async fn a_notifiers_word_is_recorded_for_a_challenge_that_is_open() {
    let port = Port::open(Paper::founded()).await;
    let mut customer = Phone::new("cust-000001", 3);
    enrol(&port, &mut customer).await;
    let mut platform = Platform::new(port.platform().await);
    let call = announcement(1, "cust-000001");
    let announced = platform.announce_contact(call).await.unwrap().into_inner();
    let mut client = PlatformServiceClient::new(port.platform().await);
    let report = |delivery: v1::NoticeDelivery| v1::ReportNoticeRequest {
        request_id: id(),
        tenant: TENANT.to_owned(),
        challenge_id: announced.challenge_id.clone(),
        delivery: delivery.into(),
        reason: 410,
    };
    let failed = client
        .report_notice(report(v1::NoticeDelivery::Failed))
        .await;
    assert_eq!(
        failed.unwrap().into_inner().placement.unwrap().leaf_count,
        1
    );
    let sent = client
        .report_notice(report(v1::NoticeDelivery::Delivered))
        .await;
    assert_eq!(sent.unwrap().into_inner().placement.unwrap().leaf_count, 1);
    let again = client
        .report_notice(report(v1::NoticeDelivery::Delivered))
        .await;
    assert_eq!(again.unwrap().into_inner().placement.unwrap().leaf_count, 0);
    let nothing = client
        .report_notice(report(v1::NoticeDelivery::Unspecified))
        .await;
    assert_eq!(nothing.unwrap_err().message(), "delivery is not acceptable");
    let unknown = v1::ReportNoticeRequest {
        challenge_id: vec![9; 16].into(),
        ..report(v1::NoticeDelivery::Failed)
    };
    let status = client.report_notice(unknown).await.unwrap_err();
    assert_eq!(
        (status.code(), reason(&status)),
        (Code::NotFound, "CHALLENGE_UNKNOWN")
    );
}
