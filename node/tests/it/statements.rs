//! Statements of closed contacts: a platform gets its own tenant's, they verify offline, and nothing of
//! anybody else is to be had.

use akashi_merkle::processed::Processed;
use akashi_merkle::statement::{Part, StatementScope, Totals, verify_statement};
use akashi_merkle::{Receipt, SignedHead};
use akashi_proto::v1;
use tonic::{Code, Status};

use crate::calls::{Platform, announcement, contact_id, id, reason};
use crate::holder::operator;
use crate::paper::{Paper, TENANT};
use crate::port::Port;

fn is(status: &Status, code: Code, expected: &str) {
    assert_eq!(
        (status.code(), reason(status)),
        (code, expected),
        "{status:?}"
    );
}

async fn close(platform: &mut Platform, contact: u8) {
    platform
        .close_contact(v1::CloseContactRequest {
            request_id: id(),
            tenant: TENANT.to_owned(),
            contact_id: contact_id(contact),
            disposition: 5,
        })
        .await
        .unwrap();
}

/// Contacts of a customer without a phone: each ends at once, and is closed.
async fn with_contacts(count: u8) -> (Port, Platform) {
    let port = Port::open(Paper::founded()).await;
    let mut platform = Platform::new(port.platform().await);
    for contact in 1..=count {
        platform
            .announce_contact(announcement(contact, "cust-000009"))
            .await
            .unwrap();
        close(&mut platform, contact).await;
    }
    (port, platform)
}

fn find(from_us: u64, until_us: u64) -> v1::FindProcessedRequest {
    v1::FindProcessedRequest {
        tenant: TENANT.to_owned(),
        from_us,
        until_us,
    }
}

fn numbers(tree_size: u64, first_number: u64, count: u32) -> v1::GetStatementPartRequest {
    v1::GetStatementPartRequest {
        tenant: TENANT.to_owned(),
        tree_size,
        first_number,
        count,
        leaf_indices: vec![],
    }
}

fn leaves(tree_size: u64, leaf_indices: &[u64]) -> v1::GetStatementPartRequest {
    v1::GetStatementPartRequest {
        leaf_indices: leaf_indices.to_vec(),
        ..numbers(tree_size, 0, 0)
    }
}

fn part(answer: v1::GetStatementPartResponse) -> Part {
    let leaves = answer.leaves.iter().map(|leaf| leaf.to_vec());
    let hash = |hash: &bytes::Bytes| hash.as_ref().try_into().unwrap();
    Part {
        leaves: answer.leaf_indices.into_iter().zip(leaves).collect(),
        path: answer.path.iter().map(hash).collect(),
    }
}

#[tokio::test]
async fn a_statement_of_all_contacts_verifies_with_the_public_keys() {
    let (port, mut platform) = with_contacts(9).await;
    let found = platform.find_processed(find(0, u64::MAX)).await;
    let found = found.unwrap().into_inner();
    assert_eq!((found.first_number, found.last_number), (1, 9));
    assert_eq!(found.newest_number, 9);
    let keys = port.paper.keys();
    let head = SignedHead::parse(&found.signed_head).unwrap();
    let head = head.to_quorum(&keys).unwrap();
    let size = head.head.size;
    let scope = StatementScope {
        tenant: found.tenant_number,
        name: TENANT.to_owned(),
        from_us: 0,
        until_us: u64::MAX,
        first: 1,
        last: 9,
        service_s: 20,
    };
    let frame = platform
        .get_statement_part(leaves(size, &[found.tenant_leaf]))
        .await;
    let mut blocks = vec![
        scope.to_text(&head),
        part(frame.unwrap().into_inner()).to_frame_text(),
    ];
    let mut totals = Totals::default();
    for (first, count) in [(1, 4), (5, 5)] {
        let answer = platform.get_statement_part(numbers(size, first, count));
        let part = part(answer.await.unwrap().into_inner());
        for (_, leaf) in &part.leaves {
            let leaf = akashi_merkle::Leaf::decode(leaf).unwrap();
            totals.add(&Processed::read(&leaf).unwrap(), 20);
        }
        blocks.push(part.to_part_text());
    }
    blocks.push(totals.to_text());
    let checked = verify_statement(&blocks.join("\n"), &keys, Some(TENANT)).unwrap();
    assert_eq!(checked.totals.contacts, 9);
    assert_eq!(checked.totals.outcomes.get(&4), Some(&9));
    assert_eq!(checked.totals.exceptions.no_session, 9);
    assert!(!checked.end_shown);
}

#[tokio::test]
async fn a_period_has_the_contacts_that_closed_in_it() {
    let (_port, mut platform) = with_contacts(8).await;
    let all = platform.find_processed(find(0, u64::MAX)).await.unwrap();
    let size = SignedHead::parse(&all.into_inner().signed_head).unwrap();
    let answer = platform.get_statement_part(numbers(size.head.size, 1, 8));
    let stamps: Vec<u64> = part(answer.await.unwrap().into_inner())
        .leaves
        .iter()
        .map(|(_, leaf)| akashi_merkle::Leaf::decode(leaf).unwrap().stamp_us)
        .collect();
    assert!(stamps.is_sorted());
    for (from_us, until_us) in [
        (stamps[2], stamps[5]),
        (stamps[0], stamps[7]),
        (stamps[7], stamps[7] + 1),
        (stamps[7] + 1, u64::MAX),
        (0, stamps[0]),
    ] {
        let expected: Vec<u64> = (1..)
            .zip(&stamps)
            .filter(|(_, stamp)| (from_us..until_us).contains(*stamp))
            .map(|(number, _)| number)
            .collect();
        let found = platform.find_processed(find(from_us, until_us)).await;
        let found = found.unwrap().into_inner();
        let numbers: Vec<u64> = (found.first_number..=found.last_number).collect();
        assert_eq!(numbers, expected);
    }
    let status = platform.find_processed(find(5, 5)).await.unwrap_err();
    is(&status, Code::InvalidArgument, "FIELD_INVALID");
}

#[tokio::test]
async fn a_closed_contact_has_a_processing_receipt_and_an_open_one_has_none() {
    let (port, mut platform) = with_contacts(3).await;
    let asked = |contact: u8| v1::GetProcessingReceiptRequest {
        tenant: TENANT.to_owned(),
        contact_id: contact_id(contact),
    };
    let answer = platform.get_processing_receipt(asked(2)).await;
    let answer = answer.unwrap().into_inner();
    assert_eq!(answer.number, 2);
    let receipt = Receipt::parse(&answer.receipt).unwrap();
    let proved = receipt.verify(&port.paper.keys()).unwrap();
    let said = Processed::read(&proved.leaf().unwrap()).unwrap();
    assert_eq!(said.contact_id[..], contact_id(2));
    assert_eq!((said.number, said.announced, said.disposition), (2, 2, 5));

    platform
        .announce_contact(announcement(4, "cust-000009"))
        .await
        .unwrap();
    let status = platform.get_processing_receipt(asked(4)).await;
    is(
        &status.unwrap_err(),
        Code::FailedPrecondition,
        "CONTACT_OPEN",
    );
    let status = platform.get_processing_receipt(asked(5)).await;
    is(&status.unwrap_err(), Code::NotFound, "CONTACT_UNKNOWN");
}

#[tokio::test]
async fn another_tenants_leaves_are_not_to_be_had() {
    let (port, mut platform) = with_contacts(2).await;
    let mut operator = operator(&port).await;
    operator
        .create_tenant(v1::CreateTenantRequest {
            request_id: id(),
            tenant: "travel".to_owned(),
        })
        .await
        .unwrap();
    close_one_more(&mut platform).await;
    let found = platform.find_processed(find(0, u64::MAX)).await;
    let found = found.unwrap().into_inner();
    let size = SignedHead::parse(&found.signed_head).unwrap().head.size;
    let mut other = Platform::new(port.caller("/tenant/travel/platform/cti").await);
    let theirs = v1::FindProcessedRequest {
        tenant: "travel".to_owned(),
        ..find(0, u64::MAX)
    };
    let none = other
        .find_processed(theirs.clone())
        .await
        .unwrap()
        .into_inner();
    assert_eq!((none.first_number, none.last_number), (1, 0));

    // Their leaf, named by us, and ours by them: as if it did not exist.
    let status = platform.get_statement_part(leaves(size, &[none.tenant_leaf]));
    is(&status.await.unwrap_err(), Code::NotFound, "LEAF_UNKNOWN");
    let mixed = [found.tenant_leaf, none.tenant_leaf];
    let status = platform.get_statement_part(leaves(size, &mixed)).await;
    is(&status.unwrap_err(), Code::NotFound, "LEAF_UNKNOWN");
    // Leaf 0 is the cluster's own.
    let status = platform.get_statement_part(leaves(size, &[0])).await;
    is(&status.unwrap_err(), Code::NotFound, "LEAF_UNKNOWN");
    for status in [
        platform.find_processed(theirs).await.unwrap_err(),
        other
            .get_statement_part(numbers(size, 1, 1))
            .await
            .unwrap_err(),
        other
            .get_processing_receipt(v1::GetProcessingReceiptRequest {
                tenant: TENANT.to_owned(),
                contact_id: contact_id(1),
            })
            .await
            .unwrap_err(),
    ] {
        is(&status, Code::NotFound, "TENANT_UNKNOWN");
    }
}

async fn close_one_more(platform: &mut Platform) {
    platform
        .announce_contact(announcement(77, "cust-000009"))
        .await
        .unwrap();
    close(platform, 77).await;
}

#[tokio::test]
async fn what_is_asked_for_is_bounded() {
    let (_port, mut platform) = with_contacts(3).await;
    let found = platform.find_processed(find(0, u64::MAX)).await;
    let head = found.unwrap().into_inner().signed_head;
    let size = SignedHead::parse(&head).unwrap().head.size;
    let many: Vec<u64> = (0..2_049).collect();
    for request in [
        numbers(size, 0, 1),
        numbers(size, 1, 0),
        numbers(size, 1, 2_049),
        numbers(size, u64::MAX, 2),
        leaves(size, &[5, 5]),
        leaves(size, &[6, 5]),
        leaves(size, &many),
        v1::GetStatementPartRequest {
            leaf_indices: vec![1],
            ..numbers(size, 1, 1)
        },
    ] {
        let status = platform.get_statement_part(request.clone()).await;
        let status = status.expect_err(&format!("{request:?}"));
        is(&status, Code::InvalidArgument, "FIELD_INVALID");
    }
    for request in [
        numbers(size, 4, 1),
        numbers(size, 3, 2),
        leaves(size, &[size]),
        numbers(1, 1, 1),
    ] {
        let status = platform.get_statement_part(request).await.unwrap_err();
        is(&status, Code::NotFound, "LEAF_UNKNOWN");
    }
}
