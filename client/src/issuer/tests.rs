//! An issuer's desk from key to credential, and what it turns away.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use akashi_proof::{
    DeviceSecret, IssuerStanding, Opening, RootSecret, Suite, accept_registration, prove,
};

use super::*;
use crate::entropy::ProofRandom;
use crate::hexadecimal::Secret;

const HOUR: Duration = Duration::from_secs(3_600);
const NOW_US: u64 = 1_795_000_000_000_000;
const SUBJECT: [u8; 32] = [7; 32];

fn schema() -> Schema {
    Schema::parse(
        "name = \"credit\"\nversion = 1\n[[attribute]]\nname = \"score\"\n\
         meaning = \"credit score\"\n[[attribute]]\nname = \"limit\"\nmeaning = \"credit limit\"\n",
    )
    .unwrap()
}

fn holder() -> DeviceSecret {
    RootSecret::from_bytes([9; 32])
        .device_secret(Suite::V1, b"dev/e1/g0", b"demo", 0)
        .unwrap()
}

fn request(offer: &Offer, device: &DeviceSecret) -> Request {
    let mut random = ProofRandom::draw().unwrap();
    let blindings: Vec<Secret> = (0..offer.schema.attributes.len())
        .map(|_| Secret::new(*Opening::commit(0, &mut random).unwrap().blinding()))
        .collect();
    let statement = Possession {
        key: device.public(),
        submission_digest: offer.covered(&blindings),
    };
    let context = offer.context(&SUBJECT).unwrap();
    let proof = prove(&context, &statement, device, &mut random).unwrap();
    Request {
        offer_id: offer.offer_id,
        subject_hash: Hex(SUBJECT),
        holder: Hex(device.public().to_bytes()),
        blindings,
        possession: Hex(proof.to_bytes().try_into().unwrap()),
    }
}

fn values() -> Vec<String> {
    vec!["score=700".to_owned(), "limit=500000".to_owned()]
}

fn desk() -> (tempfile::TempDir, Issuer) {
    let directory = tempfile::tempdir().unwrap();
    let issuer = Issuer::create(
        &directory.path().join("bureau"),
        "bureau-1",
        "dev/e1/g0",
        "demo",
    )
    .unwrap();
    (directory, issuer)
}

#[test]
fn an_issued_credential_is_accepted_by_the_rules_of_the_cluster() {
    let (_directory, issuer) = desk();
    let offer = issuer.offer(&schema(), NOW_US, HOUR).unwrap();
    let request = request(&offer, &holder());
    let issued = issuer
        .issue(&request, &values(), NOW_US, HOUR * 24)
        .unwrap();
    let (credential, openings) = offer
        .credential(&SUBJECT, holder().public(), &request.blindings, &issued)
        .unwrap();
    assert_eq!(openings[0].value(), 700);
    let standing = IssuerStanding {
        key: IssuerKey::from_bytes(&issuer.profile().key.0).unwrap(),
        revoked_from_us: None,
    };
    let accepted = accept_registration(
        &offer.context(&SUBJECT).unwrap(),
        &credential,
        &issued.signature.0,
        Some(&standing),
        Some(&holder().public()),
        NOW_US + 1,
    );
    assert_eq!(accepted, Ok(()));
}

#[test]
fn an_offer_answers_one_request_and_none_after_its_time() {
    let (_directory, issuer) = desk();
    let offer = issuer.offer(&schema(), NOW_US, HOUR).unwrap();
    let first = request(&offer, &holder());
    let late = NOW_US + 2 * 3_600_000_000;
    let refused =
        |result: Result<Issued, Error>| matches!(result, Err(Error::RequestRefused { .. }));
    assert!(refused(issuer.issue(&first, &values(), late, HOUR)));
    issuer.issue(&first, &values(), NOW_US, HOUR).unwrap();
    assert!(refused(issuer.issue(&first, &values(), NOW_US, HOUR)));
}

#[test]
fn a_request_that_was_changed_or_made_for_another_offer_is_refused() {
    let (_directory, issuer) = desk();
    let offer = issuer.offer(&schema(), NOW_US, HOUR).unwrap();
    let other = issuer.offer(&schema(), NOW_US, HOUR).unwrap();
    let honest = request(&offer, &holder());
    let mut spoiled = vec![
        honest.clone(),
        honest.clone(),
        honest.clone(),
        honest.clone(),
    ];
    spoiled[0].offer_id = other.offer_id;
    spoiled[1].subject_hash = Hex([8; 32]);
    spoiled[2].blindings[0] = Secret::new([1; 32]);
    spoiled[3].blindings.pop();
    for request in spoiled {
        let refused = issuer.issue(&request, &values(), NOW_US, HOUR);
        assert!(matches!(refused, Err(Error::RequestRefused { .. })));
    }
    // Nothing of that used the offer up.
    issuer.issue(&honest, &values(), NOW_US, HOUR).unwrap();
}

#[test]
fn bad_values_leave_the_offer_open() {
    let (_directory, issuer) = desk();
    let offer = issuer.offer(&schema(), NOW_US, HOUR).unwrap();
    let request = request(&offer, &holder());
    let bad = issuer.issue(&request, &["score=1".to_owned()], NOW_US, HOUR);
    assert!(matches!(bad, Err(Error::Usage { .. })));
    issuer.issue(&request, &values(), NOW_US, HOUR).unwrap();
}

#[test]
fn key_and_records_are_private_and_records_hold_no_values() {
    let (directory, issuer) = desk();
    let offer = issuer.offer(&schema(), NOW_US, HOUR).unwrap();
    let issued = issuer
        .issue(&request(&offer, &holder()), &values(), NOW_US, HOUR)
        .unwrap();
    let home = directory.path().join("bureau");
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&home), 0o700);
    assert_eq!(mode(&home.join("issuer.key")), 0o600);
    let record = home.join(format!("issued/{}.json", hex::encode(issued.serial.0)));
    assert_eq!(mode(&record), 0o600);
    let text = fs::read_to_string(record).unwrap();
    assert!(!text.contains("700") && !text.contains("500000"), "{text}");
    assert_eq!(Issuer::entries(&home).unwrap().len(), 1);
    let out = directory.path().join("credential.json");
    issued.write(&out).unwrap();
    assert_eq!(mode(&out), 0o600);
}

#[test]
fn an_issuer_is_read_back_and_a_foreign_key_is_noticed() {
    let (directory, issuer) = desk();
    let home = directory.path().join("bureau");
    let again = Issuer::open(&home).unwrap();
    assert_eq!(again.profile(), issuer.profile());
    let secret = fs::read_to_string(home.join("issuer.key")).unwrap();
    assert!(!format!("{again:?}").contains(&secret));
    fs::write(home.join("issuer.key"), "11".repeat(32)).unwrap();
    assert!(matches!(Issuer::open(&home), Err(Error::Malformed { .. })));
    assert!(Issuer::create(&home, "bureau-1", "dev/e1/g0", "demo").is_err());
}
