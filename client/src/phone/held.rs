//! Proofs that a node holds while no quorum decides: checked, kept, and sent again.
//!
//! A held receipt is one node's signed word that it received these bytes. Nothing is decided, stored
//! or promised; only sending the same request again leads to a verdict, and the request id makes
//! that harmless however often it arrives.

use std::time::Duration;

use akashi_merkle::{Held, HeldReceipt};
use akashi_proto::v1;
use akashi_proto::v1::phone_service_client::PhoneServiceClient;
use prost::Message as _;
use sha2::{Digest as _, Sha256};

use super::{PhoneDirectory, Submission, Submitted};
use crate::answer::{Outcome, bytes32, id16};
use crate::clock::Deadline;
use crate::connection::Connection;
use crate::entropy;
use crate::error::Error;
use crate::files;

/// Shortest and longest pause before a held submission is sent again, in milliseconds. A node looks
/// three seconds for a leader before it holds anything, so this adds little to the wait.
const PAUSE_MS: std::ops::RangeInclusive<u64> = 200..=800;
/// Where a phone keeps the receipts.
const DIRECTORY: &str = "held";

/// Sends proofs through a certain connection, for instance two copies through two nodes. A
/// submission that is held is sent again to the next node until the deadline.
///
/// # Errors
///
/// [`Error::Held`] if a node held it last and the deadline has come; otherwise [`Error`], by what
/// can be done about it.
pub async fn submit_through(
    connection: &Connection,
    submission: &Submission,
    deadline: Deadline,
) -> Result<Submitted, Error> {
    let mut held: Option<HeldReceipt> = None;
    loop {
        let answer = connection
            .call(
                deadline,
                &submission.request,
                |channel, request| async move {
                    PhoneServiceClient::new(channel).submit_proof(request).await
                },
            )
            .await;
        let answer = match (answer, held.take()) {
            // What is known is that somebody has it, which says more than that nobody answered.
            (Err(Error::DeadlineExceeded | Error::Unavailable { .. }), Some(receipt)) => {
                return Err(of(receipt));
            }
            (answer, _) => answer?,
        };
        let Some(word) = &answer.held else {
            return decided(&answer);
        };
        let receipt = checked(word, submission)?;
        connection.avoid_preferred();
        let pause = pause()?;
        if deadline.remaining() <= pause {
            return Err(of(receipt));
        }
        held = Some(receipt);
        tokio::time::sleep(pause).await;
    }
}

/// Keeps a receipt in the phone's directory, as a signed note that foreign tools can check.
pub(super) fn keep(
    directory: &PhoneDirectory,
    receipt: &HeldReceipt,
    submission: &Submission,
) -> Result<(), Error> {
    let key = receipt.verify(&submission.keys).map_err(untrue)?;
    let own = directory.path().join(DIRECTORY);
    files::private_directory(&own)?;
    let name = format!("{}.note", hex::encode(receipt.held.challenge_id));
    files::replace_private(&own.join(name), receipt.to_note(key).as_bytes())
}

fn of(receipt: HeldReceipt) -> Error {
    Error::Held {
        receipt: Box::new(receipt),
    }
}

fn decided(answer: &v1::SubmitProofResponse) -> Result<Submitted, Error> {
    let placement = answer.placement.unwrap_or_default();
    Ok(Submitted {
        outcome: Outcome::from_number(answer.outcome)?,
        reason: answer.reason,
        attempts_left: answer.attempts_left,
        retry_after_us: answer.retry_after_us,
        leaf_index: placement.leaf_index,
        repeated: placement.repeated,
    })
}

/// A receipt is worth something only if it is about this submission and signed by a node that the
/// phone has pinned.
fn checked(word: &v1::HeldReceipt, submission: &Submission) -> Result<HeldReceipt, Error> {
    let request = &submission.request;
    let held = Held {
        origin: submission.keys.origin().clone(),
        challenge_id: id16(&request.challenge_id, "challenge_id")?,
        request_id: id16(&request.request_id, "request_id")?,
        submission: digest(request),
        received_us: word.received_us,
    };
    if bytes32(&word.submission, "held.submission")? != held.submission {
        return Err(Error::integrity("a held receipt about other bytes"));
    }
    let signature = word.signature.as_ref().try_into();
    let receipt = HeldReceipt {
        held,
        node: word.node.clone(),
        signature: signature.map_err(|_length| Error::Answer {
            what: "held.signature",
        })?,
    };
    receipt.verify(&submission.keys).map_err(untrue)?;
    Ok(receipt)
}

fn untrue(_refused: akashi_merkle::HeldError) -> Error {
    Error::integrity("a held receipt that no node of the cluster has signed")
}

/// SHA-256 over a label and the request as it travels.
fn digest(request: &v1::SubmitProofRequest) -> [u8; 32] {
    Sha256::new()
        .chain_update(b"akashi/v1/submission\0")
        .chain_update(request.encode_to_vec())
        .finalize()
        .into()
}

fn pause() -> Result<Duration, Error> {
    let [chance] = entropy::random::<1>()?;
    let (from, to) = (*PAUSE_MS.start(), *PAUSE_MS.end());
    Ok(Duration::from_millis(
        from + (to - from) * u64::from(chance) / 255,
    ))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use akashi_merkle::CosignerSecret;

    use super::super::fixtures::{keys, phone, secrets};
    use super::*;

    fn submission() -> Submission {
        Submission {
            request: v1::SubmitProofRequest {
                request_id: vec![1; 16].into(),
                tenant: "demo".to_owned(),
                challenge_id: vec![2; 16].into(),
                submit_token: vec![3; 32].into(),
                suite: 1,
                proofs: vec![v1::FactorProof {
                    kind: 1,
                    proof: vec![4; 64].into(),
                    ..v1::FactorProof::default()
                }],
                ..v1::SubmitProofRequest::default()
            },
            match_code: 1,
            keys: Arc::new(keys()),
        }
    }

    fn word(secret: &CosignerSecret, submission: &Submission) -> v1::HeldReceipt {
        let held = Held {
            origin: keys().origin().clone(),
            challenge_id: [2; 16],
            request_id: [1; 16],
            submission: digest(&submission.request),
            received_us: 7,
        };
        let receipt = secret.hold(held);
        v1::HeldReceipt {
            node: receipt.node,
            submission: receipt.held.submission.to_vec().into(),
            received_us: 7,
            signature: receipt.signature.to_vec().into(),
        }
    }

    #[tokio::test]
    async fn a_receipt_of_a_pinned_node_about_this_submission_is_kept_as_a_note() {
        let (own, [first, ..]) = (submission(), secrets());
        let receipt = checked(&word(&first, &own), &own).unwrap();
        let (_gone_with_it, phone) = phone();
        // Held twice, kept once: the newest.
        for _ in 0..2 {
            keep(phone.directory(), &receipt, &own).unwrap();
        }
        let path = phone.directory().path().join("held");
        let path = path.join(format!("{}.note", "02".repeat(16)));
        let note = std::fs::read_to_string(path).unwrap();
        assert!(note.starts_with("akashi/v1/held\ndev/e1/g0\n"), "{note}");
        assert!(note.contains("\n\n\u{2014} n1 "), "{note}");
    }

    #[test]
    fn a_receipt_about_other_bytes_or_of_a_stranger_is_an_integrity_failure() {
        let (own, [first, second, _]) = (submission(), secrets());
        let stranger = CosignerSecret::from_seed("n1", &[9; 32]).unwrap();
        let good = word(&first, &own);
        let mut of_another = submission();
        of_another.request.suite = 2;
        for bad in [
            word(&stranger, &own),
            word(&first, &of_another),
            v1::HeldReceipt {
                node: "n2".to_owned(),
                ..good.clone()
            },
            v1::HeldReceipt {
                node: "n9".to_owned(),
                ..good.clone()
            },
            v1::HeldReceipt {
                received_us: 8,
                ..good.clone()
            },
            v1::HeldReceipt {
                signature: word(&second, &own).signature,
                ..good
            },
        ] {
            let refused = checked(&bad, &own);
            assert!(
                matches!(refused, Err(Error::Integrity { .. })),
                "{refused:?}"
            );
        }
    }

    #[test]
    fn the_digest_binds_every_field_and_is_the_one_that_nodes_sign() {
        let own = submission().request;
        // Pinned: `node/src/wire/phone.rs` has the same value in its tests.
        assert_eq!(
            hex::encode(digest(&own)),
            "1b9c96f96e735b65e10c80bcba0d1c4c023c6073c4e55be1c9557a4468fba003"
        );
        let mut other = own.clone();
        other.submit_token = vec![9; 32].into();
        assert_ne!(digest(&other), digest(&own));
    }
}
