//! The life of a contact through the real services: what a telephone system says, step-ups, retired
//! policies, own history, erasure.

use std::time::Duration;

use akashi_proto::v1;
use akashi_proto::v1::watch_notices_request::Step as Ask;
use akashi_proto::v1::watch_notices_response::Step as Say;
use tonic::Code;

use crate::calls::{PhoneClient, Platform, announcement, contact_id, id, reason, submission};
use crate::holder::operator;
use crate::invitation::enrol;
use crate::notices::Session;
use crate::paper::{POLICY, Paper, TENANT};
use crate::phone::{PIN, Phone};
use crate::port::Port;

fn event(event: v1::CallEvent) -> v1::ReportContactEventRequest {
    v1::ReportContactEventRequest {
        request_id: id(),
        tenant: TENANT.to_owned(),
        contact_id: contact_id(1),
        event: event.into(),
        queue: 5,
        agent: String::new(),
        agent_tag: bytes::Bytes::new(),
    }
}

async fn state(platform: &mut Platform) -> v1::GetContactResponse {
    let read = v1::GetContactRequest {
        tenant: TENANT.to_owned(),
        contact_id: contact_id(1),
        read: None,
    };
    platform.get_contact(read).await.unwrap().into_inner()
}

fn resume() -> v1::ResumeContactRequest {
    v1::ResumeContactRequest {
        request_id: id(),
        tenant: TENANT.to_owned(),
        contact_id: contact_id(1),
        queue: 6,
    }
}

fn step_up() -> v1::StepUpRequest {
    v1::StepUpRequest {
        request_id: id(),
        tenant: TENANT.to_owned(),
        contact_id: contact_id(1),
        policy: POLICY.to_owned(),
        subject_tag: bytes::Bytes::new(),
    }
}

struct Call {
    port: Port,
    phone: Phone,
    session: Session,
    platform: Platform,
}

async fn call() -> Call {
    let port = Port::open(Paper::founded()).await;
    let mut phone = Phone::new("cust-000001", 1);
    enrol(&port, &mut phone).await;
    let mut platform = Platform::new(port.platform().await);
    let session = Session::open(&port, &mut phone).await.unwrap();
    platform
        .announce_contact(announcement(1, &phone.handle))
        .await
        .unwrap();
    Call {
        port,
        phone,
        session,
        platform,
    }
}

impl Call {
    async fn prove(&mut self, notice: &v1::Notice) -> v1::SubmitProofResponse {
        let context = self.phone.notice_context(notice);
        let proofs = self.phone.proofs(&context, PIN);
        PhoneClient::new(self.port.phone().await)
            .submit_proof(submission(notice, proofs))
            .await
            .unwrap()
            .into_inner()
    }
}

#[tokio::test]
async fn a_call_is_followed_dropped_resumed_and_asked_again() {
    let mut call = call().await;
    let notice = call.session.notice().await;
    let before = state(&mut call.platform).await;
    assert_eq!(before.leg(), v1::LegState::Unspecified);
    assert_eq!(before.notice(), v1::NoticeState::NotShown);
    call.prove(&notice).await;
    for (said, leg) in [
        (v1::CallEvent::Delivered, v1::LegState::Ringing),
        (v1::CallEvent::Established, v1::LegState::Established),
        (v1::CallEvent::ConnectionCleared, v1::LegState::Cleared),
    ] {
        call.platform
            .report_contact_event(event(said))
            .await
            .unwrap();
        let now = state(&mut call.platform).await;
        assert_eq!((now.leg(), now.queue), (leg, 5));
    }
    let late = call.platform.step_up(step_up()).await.unwrap_err();
    assert_eq!(
        (late.code(), reason(&late)),
        (Code::FailedPrecondition, "LEG_CLEARED")
    );
    call.platform.resume_contact(resume()).await.unwrap();
    let now = state(&mut call.platform).await;
    assert_eq!((now.leg(), now.queue), (v1::LegState::Ringing, 6));
    assert_eq!(now.notice(), v1::NoticeState::Ended);
    assert!(!now.bound && now.step_up.is_none() && now.scope != 0);

    let asked = call.platform.step_up(step_up()).await.unwrap().into_inner();
    let pending = state(&mut call.platform).await.step_up.unwrap();
    assert_eq!(pending.outcome(), v1::Outcome::Unspecified);
    let notice = call.session.notice().await;
    assert_eq!(notice.challenge_id, asked.challenge_id);
    call.prove(&notice).await;
    let now = state(&mut call.platform).await;
    let (verdict, step_up) = (now.verdict.unwrap(), now.step_up.unwrap());
    assert_eq!(step_up.outcome(), v1::Outcome::Verified);
    assert_eq!(verdict.leaf_index, step_up.leaf_index);
}

#[tokio::test]
async fn what_a_telephone_system_cannot_mean_is_refused() {
    let mut call = call().await;
    let nothing = v1::ReportContactEventRequest {
        event: 77,
        ..event(v1::CallEvent::Held)
    };
    let taro = v1::ReportContactEventRequest {
        agent: "taro@example.jp".to_owned(),
        ..event(v1::CallEvent::Held)
    };
    let nobody = v1::ReportContactEventRequest {
        agent: "agent-99".to_owned(),
        ..event(v1::CallEvent::Delivered)
    };
    for (request, code, why, message) in [
        (
            nothing,
            Code::InvalidArgument,
            "FIELD_INVALID",
            "event is not acceptable",
        ),
        (
            taro,
            Code::InvalidArgument,
            "FIELD_INVALID",
            "agent is not acceptable",
        ),
        (nobody, Code::NotFound, "AGENT_UNKNOWN", "no such agent"),
        (
            event(v1::CallEvent::Held),
            Code::FailedPrecondition,
            "LEG_MISPLACED",
            "the call is in no state for this",
        ),
    ] {
        let status = call
            .platform
            .report_contact_event(request)
            .await
            .unwrap_err();
        assert_eq!((status.code(), reason(&status)), (code, why));
        assert_eq!(status.message(), message);
    }
    assert_eq!(
        state(&mut call.platform).await.leg(),
        v1::LegState::Unspecified
    );
    let early = call.platform.resume_contact(resume()).await.unwrap_err();
    assert_eq!(reason(&early), "LEG_MISPLACED");
}

#[tokio::test]
async fn an_abandoned_call_leaves_the_phone_s_screen() {
    let mut call = call().await;
    let notice = call.session.notice().await;
    call.platform
        .report_contact_event(event(v1::CallEvent::Abandoned))
        .await
        .unwrap();
    match call.session.next().await {
        Ok(Some(Say::Ended(ended))) => {
            assert_eq!(ended.challenge_id, notice.challenge_id);
            assert_eq!(ended.outcome(), v1::Outcome::Cancelled);
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_notice_that_nobody_shows_is_sent_once_more() {
    let mut call = call().await;
    let first = call.session.notice().await;
    assert!(!first.reminder);
    call.port.paper.skip(Duration::from_secs(61));
    let again = call.session.notice().await;
    assert!(again.reminder);
    assert_eq!(again.challenge_id, first.challenge_id);
    assert_eq!(again.submit_token, first.submit_token);
}

#[tokio::test]
async fn a_phone_asks_what_is_stored_about_its_owner_and_nobody_else_can() {
    let mut call = call().await;
    let notice = call.session.notice().await;
    call.prove(&notice).await;
    call.session.ask(Ask::History(v1::AskOwnHistory {})).await;
    let told = loop {
        match call.session.next().await {
            Ok(Some(Say::History(told))) => break told,
            Ok(Some(Say::Ended(_))) => {}
            other => panic!("{other:?}"),
        }
    };
    assert!(told.enrolled_us > 0 && !told.template && told.credentials == 0);
    let [past] = told.past.as_slice() else {
        panic!("{told:?}")
    };
    let verdict = state(&mut call.platform).await.verdict.unwrap();
    assert_eq!(
        (past.leaf_index, past.decided_us, past.outcome),
        (verdict.leaf_index, verdict.decided_us, verdict.outcome)
    );
    assert_eq!(past.purpose(), v1::PolicyPurpose::CustomerCall);
    // Before the session is open the question has no place.
    let mut early = Session::start(&call.port, Ask::History(v1::AskOwnHistory {})).await;
    assert!(early.next().await.is_err());
}

#[tokio::test]
async fn erasure_ends_the_session_and_leaves_nobody_to_ask() {
    let mut call = call().await;
    call.session.notice().await;
    let erase = v1::EraseSubjectRequest {
        request_id: id(),
        tenant: TENANT.to_owned(),
        subject: call.phone.handle.clone(),
        agent: String::new(),
        reason: 9,
    };
    let erased = call.platform.erase_subject(erase.clone()).await.unwrap();
    let erased = erased.into_inner();
    assert!(erased.complete && erased.evidence == 1);
    let repeated = call.platform.erase_subject(erase.clone()).await.unwrap();
    assert!(repeated.into_inner().placement.unwrap().repeated);
    let again = v1::EraseSubjectRequest {
        request_id: id(),
        ..erase
    };
    let unknown = call.platform.erase_subject(again).await.unwrap_err();
    assert_eq!(reason(&unknown), "SUBJECT_UNKNOWN");
    loop {
        match call.session.next().await {
            Ok(Some(Say::Ended(_))) => {}
            Err(status) => break assert_eq!(reason(&status), "SESSION_PROOF"),
            other => panic!("{other:?}"),
        }
    }
    let verdict = state(&mut call.platform).await.verdict.unwrap();
    assert_eq!(verdict.outcome(), v1::Outcome::Cancelled);
}

#[tokio::test]
async fn a_retired_policy_asks_nobody() {
    let mut call = call().await;
    let notice = call.session.notice().await;
    let retire = v1::RetirePolicyRequest {
        request_id: id(),
        tenant: TENANT.to_owned(),
        policy: POLICY.to_owned(),
        version: 0,
    };
    let mut operator = operator(&call.port).await;
    let retired = operator.retire_policy(retire.clone()).await.unwrap();
    assert_eq!(retired.into_inner().version, 1);
    let answer = call.prove(&notice).await;
    assert_eq!(answer.outcome(), v1::Outcome::Superseded);
    let announce = announcement(2, &call.phone.handle);
    let refused = call.platform.announce_contact(announce).await.unwrap_err();
    assert_eq!(reason(&refused), "POLICY_RETIRED");
    let unknown = v1::RetirePolicyRequest {
        request_id: id(),
        version: 9,
        ..retire
    };
    let unknown = operator.retire_policy(unknown).await.unwrap_err();
    assert_eq!(reason(&unknown), "POLICY_UNKNOWN");
}
