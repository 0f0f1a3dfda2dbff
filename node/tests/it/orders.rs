//! Orders: a verified customer approves one, with a predicate over a hidden amount, and the processor's
//! payload is bound to it.

use std::time::Duration;

use akashi_merkle::Receipt;
use akashi_proof::{
    Commitment, Equals, Opening, Range, RangeBits, RangeTest, RangeWitness, order_hash,
    sealed_digest,
};
use akashi_proto::v1;
use akashi_proto::v1::predicate_rule::Test;
use tonic::{Code, Status};

use crate::calls::{PhoneClient, Platform, announcement, contact_id, id, reason, submission};
use crate::holder::{Issuer, hold, opening, operator};
use crate::invitation::enrol;
use crate::notices::Session;
use crate::paper::{Paper, TENANT};
use crate::phone::{PIN, Phone, Piece, Sealed};
use crate::policies::{policy, put, rule};
use crate::port::Port;

const SERIAL: [u8; 16] = [5; 16];
const ORDER: u8 = 8;
const RECIPIENT: [u8; 32] = [3; 32];
/// Account balance and country in the credential.
const BALANCE: u32 = 0;
const COUNTRY: u32 = 1;

pub(crate) fn is(status: &Status, code: Code, expected: &str) {
    assert_eq!(
        (status.code(), reason(status)),
        (code, expected),
        "{status:?}"
    );
}

fn transfer() -> v1::Policy {
    v1::Policy {
        predicates: vec![
            rule(
                BALANCE,
                Test::CoversAmount(v1::CoversAmount {
                    bits: 64,
                    amount: 0,
                }),
            ),
            rule(COUNTRY, Test::Equals(v1::Equals { value: 392 })),
        ],
        consent: Some(v1::ConsentRule {
            recipient: RECIPIENT.to_vec().into(),
            max_payload_bytes: 65_536,
        }),
        ..policy("transfer", v1::PolicyPurpose::Consent)
    }
}

/// A customer with an account, and what an order of his hides.
pub(crate) struct Desk {
    pub(crate) port: Port,
    pub(crate) phone: Phone,
    pub(crate) session: Session,
    pub(crate) platform: Platform,
    pub(crate) client: PhoneClient,
    pub(crate) balance: Opening,
    pub(crate) country: Opening,
    pub(crate) amount: Opening,
}

pub(crate) async fn desk() -> Desk {
    let port = Port::open(Paper::founded()).await;
    let mut phone = Phone::new("cust-000001", 1);
    enrol(&port, &mut phone).await;
    let mut operator = operator(&port).await;
    let issuer = Issuer::new(1);
    operator.register_issuer(issuer.register()).await.unwrap();
    operator.put_policy(put(transfer())).await.unwrap();
    let (balance, country) = (opening(9_000, 1), opening(392, 2));
    hold(&port, &mut phone, &issuer, SERIAL, &[&balance, &country]).await;
    let session = Session::open(&port, &mut phone).await.unwrap();
    Desk {
        platform: Platform::new(port.platform().await),
        client: PhoneClient::new(port.phone().await),
        port,
        phone,
        session,
        balance,
        country,
        amount: opening(2_500, 3),
    }
}

impl Desk {
    pub(crate) fn offer(&self) -> v1::OfferOrderRequest {
        let amount = self.amount.commitment();
        v1::OfferOrderRequest {
            request_id: id(),
            tenant: TENANT.to_owned(),
            contact_id: contact_id(1),
            order_id: vec![ORDER; 16].into(),
            policy: "transfer".to_owned(),
            order_hash: order_hash(&[6; 32], &[amount], b"2,500 to ACME")
                .to_vec()
                .into(),
            amounts: vec![amount.to_bytes().to_vec().into()],
            subject_tag: bytes::Bytes::new(),
        }
    }

    fn get(&self) -> v1::GetOrderRequest {
        v1::GetOrderRequest {
            tenant: TENANT.to_owned(),
            contact_id: contact_id(1),
            order_id: vec![ORDER; 16].into(),
            read: None,
        }
    }

    /// The contact is announced and the customer proves with the PIN.
    pub(crate) async fn verify(&mut self) {
        let call = announcement(1, &self.phone.handle);
        self.platform.announce_contact(call).await.unwrap();
        let notice = self.session.notice().await;
        let context = self.phone.notice_context(&notice);
        let proofs = self.phone.proofs(&context, PIN);
        let answer = self.client.submit_proof(submission(&notice, proofs)).await;
        let answer = answer.unwrap().into_inner();
        assert_eq!(answer.outcome(), v1::Outcome::Verified);
    }

    /// The order is offered and the phone has its notice.
    pub(crate) async fn ask(&mut self) -> v1::Notice {
        let offered = self.platform.offer_order(self.offer()).await.unwrap();
        let offered = offered.into_inner();
        assert_eq!(offered.outcome(), v1::Outcome::Unspecified);
        let notice = self.session.notice().await;
        assert_eq!(notice.challenge_id, offered.challenge_id);
        notice
    }

    /// Everything that the policy asks.
    pub(crate) fn parts(&mut self, notice: &v1::Notice, sealed: &Sealed) -> Vec<Piece> {
        let context = self.phone.notice_context(notice);
        let of_credential = |mut piece: Piece, slot: u32, attribute: u32| {
            piece.part.slot = slot;
            piece.part.serial = SERIAL.to_vec().into();
            piece.part.attribute = attribute;
            piece
        };
        let covers = Range::new(
            RangeBits::SixtyFour,
            &[RangeTest::AtLeastOther {
                value: self.balance.commitment(),
                other: self.amount.commitment(),
            }],
        )
        .unwrap();
        let witness = RangeWitness::new(&[&self.balance, &self.amount]);
        let country = Equals {
            commitment: self.country.commitment(),
            value: 392,
        };
        let mut parts = vec![
            self.phone.knowledge(&context, PIN),
            of_credential(
                Piece::plain(3, self.phone.prove(&context, &country, &self.country)),
                1,
                COUNTRY,
            ),
            of_credential(
                Piece::plain(5, self.phone.prove(&context, &covers, &witness)),
                0,
                BALANCE,
            ),
        ];
        let consent = self.phone.consent(&context, &RECIPIENT, sealed, &parts);
        parts.push(consent);
        parts
    }
}

pub(crate) fn sealed(bytes: usize) -> Sealed {
    Sealed {
        key: vec![1; 32],
        text: vec![2; bytes],
    }
}

#[tokio::test]
async fn a_verified_customer_approves_an_order_and_its_receipt_says_so() {
    let mut desk = desk().await;
    desk.verify().await;
    let notice = desk.ask().await;
    assert_eq!(notice.purpose(), v1::PolicyPurpose::Consent);
    let offer = desk.offer();
    assert_eq!(
        notice.order,
        Some(v1::OrderTerms {
            order_id: offer.order_id,
            order_hash: offer.order_hash.clone(),
            amounts: offer.amounts,
            recipient: RECIPIENT.to_vec().into(),
        })
    );
    let asked = notice.asked.clone().unwrap();
    assert_eq!(asked.predicates, transfer().predicates);
    assert_eq!(asked.digest, notice.policy_digest);
    let receipt = Receipt::parse(&notice.receipt).unwrap();
    let leaf = receipt
        .verify(&desk.port.paper.keys())
        .unwrap()
        .leaf()
        .unwrap();
    let context = desk.phone.notice_context(&notice);
    assert_eq!(leaf.statement_hash, context.digest());

    let pending = desk.platform.get_order(desk.get()).await.unwrap();
    let pending = pending.into_inner();
    assert_eq!(pending.verdict.unwrap().outcome(), v1::Outcome::Unspecified);
    assert!(pending.sealed_digest.is_empty());

    let payload = sealed(100);
    let parts = desk.parts(&notice, &payload);
    let proofs = desk.phone.bind(&context, parts);
    let request = submission(&notice, proofs);
    let answer = desk
        .client
        .submit_proof(request)
        .await
        .unwrap()
        .into_inner();
    assert_eq!(
        (answer.outcome(), answer.reason),
        (v1::Outcome::Verified, 0)
    );

    let order = desk.platform.get_order(desk.get()).await.unwrap();
    let order = order.into_inner();
    let verdict = order.verdict.unwrap();
    assert_eq!(verdict.outcome(), v1::Outcome::Verified);
    assert_eq!((verdict.predicates, verdict.level), (0b11, None));
    assert_eq!(verdict.contact_id, contact_id(1));
    assert_eq!(verdict.challenge_id, notice.challenge_id);
    assert_eq!(order.order_hash, offer.order_hash);
    assert_eq!(
        order.sealed_digest.as_ref(),
        sealed_digest(&payload.key, &payload.text)
    );
    assert!(order.payload_until_us > verdict.decided_us);
    Receipt::parse(&verdict.receipt)
        .unwrap()
        .verify(&desk.port.paper.keys())
        .unwrap();
    // The contact keeps its own verdict.
    let contact = v1::GetContactRequest {
        tenant: TENANT.to_owned(),
        contact_id: contact_id(1),
        read: None,
    };
    let contact = desk.platform.get_contact(contact).await.unwrap();
    let own = contact.into_inner().verdict.unwrap();
    assert_ne!(own.challenge_id, verdict.challenge_id);
    assert_eq!((own.outcome(), own.predicates), (v1::Outcome::Verified, 0));
}

#[tokio::test]
async fn the_largest_payload_of_a_policy_fits_into_a_submission() {
    let mut desk = desk().await;
    desk.verify().await;
    let notice = desk.ask().await;
    let context = desk.phone.notice_context(&notice);
    for (bytes, expected) in [
        (65_536 - 32 + 1, Err("FIELD_INVALID")),
        (65_536 - 32, Ok(v1::Outcome::Verified)),
    ] {
        let parts = desk.parts(&notice, &sealed(bytes));
        let proofs = desk.phone.bind(&context, parts);
        let answer = desk.client.submit_proof(submission(&notice, proofs)).await;
        let answer = answer.map(|answer| answer.into_inner().outcome());
        assert_eq!(answer.as_ref().map_err(reason).copied(), expected);
    }
}

#[tokio::test]
async fn a_submission_beyond_its_limit_is_refused_before_it_is_read() {
    let mut desk = desk().await;
    desk.verify().await;
    let notice = desk.ask().await;
    let part = |bytes: usize| v1::FactorProof {
        kind: 8,
        attachment: vec![1; bytes].into(),
        ..v1::FactorProof::default()
    };
    for (bytes, code, expected) in [
        (98_304, Code::ResourceExhausted, "MESSAGE_TOO_LARGE"),
        (90_000, Code::InvalidArgument, "FIELD_INVALID"),
    ] {
        let request = submission(&notice, vec![part(bytes)]);
        let status = desk.client.submit_proof(request).await.unwrap_err();
        is(&status, code, expected);
    }
}

#[tokio::test]
async fn an_order_needs_a_verified_contact_and_waits_for_no_open_call() {
    let mut desk = desk().await;
    let status = desk.platform.offer_order(desk.offer()).await.unwrap_err();
    is(&status, Code::NotFound, "CONTACT_UNKNOWN");
    let call = announcement(1, &desk.phone.handle);
    desk.platform.announce_contact(call).await.unwrap();
    let status = desk.platform.offer_order(desk.offer()).await.unwrap_err();
    is(&status, Code::FailedPrecondition, "NOT_VERIFIED");
    let status = desk.platform.get_order(desk.get()).await.unwrap_err();
    is(&status, Code::NotFound, "ORDER_UNKNOWN");
    let other = v1::GetOrderRequest {
        tenant: "insurance".to_owned(),
        ..desk.get()
    };
    let status = desk.platform.get_order(other).await.unwrap_err();
    is(&status, Code::NotFound, "TENANT_UNKNOWN");

    let notice = desk.session.notice().await;
    let context = desk.phone.notice_context(&notice);
    let proofs = desk.phone.proofs(&context, PIN);
    desk.client
        .submit_proof(submission(&notice, proofs))
        .await
        .unwrap();
    // Another call of the same customer is open: it is not pushed aside.
    let call = announcement(2, &desk.phone.handle);
    desk.platform.announce_contact(call).await.unwrap();
    let status = desk.platform.offer_order(desk.offer()).await.unwrap_err();
    is(&status, Code::FailedPrecondition, "CHALLENGE_OPEN");
    desk.port.paper.skip(Duration::from_secs(200));
    desk.platform.offer_order(desk.offer()).await.unwrap();
    // A verdict is not good for ever.
    desk.port.paper.skip(Duration::from_secs(600));
    let late = v1::OfferOrderRequest {
        order_id: vec![9; 16].into(),
        ..desk.offer()
    };
    let status = desk.platform.offer_order(late).await.unwrap_err();
    is(&status, Code::FailedPrecondition, "NOT_VERIFIED");
}

#[tokio::test]
async fn a_credential_that_is_unknown_or_revoked_is_an_answer() {
    let mut desk = desk().await;
    desk.verify().await;
    let notice = desk.ask().await;
    let context = desk.phone.notice_context(&notice);
    let payload = sealed(100);
    let mut parts = desk.parts(&notice, &payload);
    parts.pop();
    for part in &mut parts[1..] {
        part.part.serial = vec![77; 16].into();
    }
    let consent = desk.phone.consent(&context, &RECIPIENT, &payload, &parts);
    parts.push(consent);
    let proofs = desk.phone.bind(&context, parts);
    let answer = desk.client.submit_proof(submission(&notice, proofs)).await;
    let answer = answer.unwrap().into_inner();
    assert_eq!(
        (answer.outcome(), answer.reason),
        (v1::Outcome::Unspecified, 13)
    );
    let revoke = v1::RevokeCredentialRequest {
        request_id: id(),
        tenant: TENANT.to_owned(),
        subject: desk.phone.handle.clone(),
        agent: String::new(),
        serial: SERIAL.to_vec().into(),
        reason: 1,
    };
    desk.platform.revoke_credential(revoke).await.unwrap();
    let parts = desk.parts(&notice, &payload);
    let proofs = desk.phone.bind(&context, parts);
    let answer = desk.client.submit_proof(submission(&notice, proofs)).await;
    let answer = answer.unwrap().into_inner();
    assert_eq!(
        (answer.outcome(), answer.reason),
        (v1::Outcome::Unspecified, 28)
    );
}

/// Commitments are compared as bytes on the wire.
#[test]
fn an_amount_is_a_commitment_in_its_canonical_bytes() {
    let amount = opening(2_500, 3).commitment();
    assert_eq!(Commitment::from_bytes(&amount.to_bytes()), Ok(amount));
}
