//! What is kept of a customer, who may ask, and how it goes; whom a revoked issuer touched. On real
//! nodes: the log is what proves it.

use std::time::Duration;

use akashi_client::issuer::{Attribute, Basis, Issuer, Schema, affected};
use akashi_client::phone::{Means, Phone};
use akashi_client::platform::{InvitedTo, Party};
use akashi_client::policy::{PolicyPurpose, Predicate, Rules, Source, Test};
use akashi_client::{
    Call, Connection, Deadline, Error, Identity, Initiator, Outcome, Stage, auditor,
};
use akashi_proto::v1;
use akashi_proto::v1::audit_service_client::AuditServiceClient;
use akashi_tests::real::{ACT, RealCluster, TENANT};

const DAY: Duration = Duration::from_secs(86_400);

fn act() -> Deadline {
    Deadline::after(ACT)
}

fn schema() -> Schema {
    Schema {
        name: "credit".to_owned(),
        version: 1,
        attributes: vec![Attribute {
            name: "score".to_owned(),
            meaning: "credit score".to_owned(),
            unit: "points".to_owned(),
        }],
    }
}

/// Possession and, from an issuer, a score of 650 or more.
fn credit() -> Rules {
    Rules {
        require_knowledge: false,
        predicates: vec![Predicate {
            source: Source {
                issuers: vec!["bureau-1".to_owned()],
                schema: "credit".to_owned(),
                schema_version: 1,
                attribute: 0,
            },
            test: Test::AtLeast {
                bits: 32,
                bound: 650,
            },
        }],
        ..possession()
    }
}

fn possession() -> Rules {
    let basic = akashi_client::dev::basic_policy();
    Rules {
        purpose: PolicyPurpose::CustomerCall,
        require_knowledge: false,
        ..Rules::from_wire(&basic).unwrap()
    }
}

async fn put(cluster: &RealCluster, name: &str, rules: &Rules) {
    let operator = cluster.dev.operator().unwrap();
    let policy = rules.to_wire(name);
    operator.put_policy(TENANT, policy, act()).await.unwrap();
}

async fn certify(cluster: &RealCluster, desk: &Issuer, phone: &Phone) {
    let now = akashi_client::clock::unix_us();
    let offer = desk.offer(&schema(), now, DAY).unwrap();
    let request = phone.request_credential(&offer).unwrap();
    let issued = desk
        .issue(&request, &["score=700".to_owned()], now, DAY)
        .unwrap();
    let mut holding = phone.take_credential(&issued, now).unwrap();
    let platform = cluster.dev.context().platform().unwrap();
    let owner = Party::Customer(phone.subject());
    let invitation = platform
        .invite(owner, InvitedTo::Credential, act())
        .await
        .unwrap();
    phone
        .register_credential(&mut holding, &invitation, act())
        .await
        .unwrap();
}

/// Calls and answers with whatever the policy asks; gives the contact and its sealed verdict's receipt.
async fn call(cluster: &RealCluster, phone: &Phone, policy: &str) -> ([u8; 16], [u8; 16], String) {
    let platform = cluster.dev.context().platform().unwrap();
    let call = Call {
        subject: phone.subject(),
        initiator: Initiator::Customer,
        policy,
        call_reason: 1,
        ..Call::default()
    };
    let announced = platform.announce(&call, act()).await.unwrap();
    let mut session = phone.open_session(act()).await.unwrap();
    let notice = phone
        .notice_of(&mut session, &announced.challenge_id, act())
        .await
        .unwrap();
    let answer = phone.answer(&notice, &Means::default()).unwrap();
    let submitted = phone.submit(&answer.submission, act()).await.unwrap();
    assert_eq!(submitted.outcome, Some(Outcome::Verified));
    let verdict = platform
        .wait_verdict(&announced.contact_id, Stage::Sealed, act(), |_| {})
        .await
        .unwrap();
    (
        announced.contact_id,
        announced.challenge_id,
        verdict.receipt,
    )
}

/// What a node has to check a challenge's proofs again; otherwise its reason.
async fn evidence(cluster: &RealCluster, challenge: &[u8; 16]) -> Result<usize, String> {
    let context = cluster.dev.context();
    let agents = context.agents();
    let clients = agents.parent().unwrap();
    let (pem, key) = (clients.join("auditor.pem"), clients.join("auditor.key"));
    let identity = Identity::with_certificate(context.ca(), &pem, &key).unwrap();
    let connection = Connection::new(context.nodes(), &identity).unwrap();
    let request = v1::GetEvidenceRequest {
        tenant: TENANT.to_owned(),
        challenge_id: challenge.to_vec().into(),
    };
    let answer = AuditServiceClient::new(connection.channel().unwrap())
        .get_evidence(request)
        .await;
    match answer {
        Ok(answer) => Ok(answer.into_inner().records.len()),
        Err(status) => Err(Error::from_status(status)
            .reason()
            .unwrap_or_default()
            .to_owned()),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn u34_a_revoked_issuer_s_verdicts_are_found_in_the_log() {
    let mut cluster = RealCluster::start().await;
    let context = cluster.dev.context().clone();
    let origin = context.key_set().unwrap().origin().to_string();
    let home = tempfile::tempdir().unwrap();
    let desk = Issuer::create(&home.path().join("bureau"), "bureau-1", &origin, TENANT).unwrap();
    let operator = cluster.dev.operator().unwrap();
    let key_id = operator
        .register_issuer(TENANT, "bureau-1", &desk.profile().key.0, act())
        .await
        .unwrap();
    put(&cluster, "credit", &credit()).await;
    put(&cluster, "bare", &possession()).await;
    let (good, _) = cluster.enrol("sub_issuer_good").await;
    certify(&cluster, &desk, &good).await;
    let (rested, challenge, _) = call(&cluster, &good, "credit").await;
    let (unrelated, _, _) = call(&cluster, &good, "bare").await;

    operator
        .revoke_issuer(TENANT, &key_id, 0, act())
        .await
        .unwrap();
    let auditor = context.auditor().unwrap();
    let found = affected(&auditor, Basis::Issuer(key_id), act())
        .await
        .unwrap();
    let contacts: Vec<[u8; 16]> = found.iter().map(|one| one.contact_id).collect();
    assert_eq!(contacts, [rested], "this one, and not {unrelated:02x?}");
    assert_eq!(found[0].challenge_id, challenge);
    assert_eq!(found[0].outcome, Some(Outcome::Verified));
    let nobody = affected(&auditor, Basis::Issuer([9; 32]), act()).await;
    assert_eq!(nobody.unwrap(), []);
    // Credentials from before the revocation stay good; a new one under the key is refused.
    call(&cluster, &good, "credit").await;
    let (late, _) = cluster.enrol("sub_issuer_late").await;
    certify(&cluster, &desk, &late).await;
    let announced = context
        .platform()
        .unwrap()
        .announce(
            &Call {
                subject: late.subject(),
                initiator: Initiator::Customer,
                policy: "credit",
                call_reason: 1,
                ..Call::default()
            },
            act(),
        )
        .await
        .unwrap();
    let mut session = late.open_session(act()).await.unwrap();
    let notice = late
        .notice_of(&mut session, &announced.challenge_id, act())
        .await
        .unwrap();
    let lacking = late.answer(&notice, &Means::default());
    assert!(matches!(lacking, Err(Error::Lacking { .. })), "{lacking:?}");
    cluster.dev.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn u38_a_customer_asks_what_is_stored_and_has_it_erased() {
    let mut cluster = RealCluster::start().await;
    let context = cluster.dev.context().clone();
    let platform = context.platform().unwrap();
    put(&cluster, "bare", &possession()).await;
    let (phone, _) = cluster.enrol("sub_to_be_erased").await;
    let (_, challenge, receipt) = call(&cluster, &phone, "bare").await;

    assert_eq!(evidence(&cluster, &challenge).await, Ok(1));
    let told = phone.own_history(act()).await.unwrap();
    assert!(told.enrolled_us > 0 && told.credentials == 0 && !told.template);
    let [past] = told.past.as_slice() else {
        panic!("one verdict: {told:?}")
    };
    assert_eq!(past.outcome, Some(Outcome::Verified));
    let keys = context.key_set().unwrap();
    let proved = auditor::verify_receipt(&receipt, &keys).unwrap();
    assert_eq!(proved.index(), past.leaf_index, "and where it stands");

    // An open question ends with everything else.
    let open = Call {
        subject: phone.subject(),
        initiator: Initiator::Customer,
        policy: "bare",
        call_reason: 1,
        ..Call::default()
    };
    let open = platform.announce(&open, act()).await.unwrap();
    let party = Party::Customer(phone.subject());
    let deleted = platform.erase(party, 9, act()).await.unwrap();
    assert_eq!(deleted, 2, "of the enrolment and of the proof");
    let nothing = platform.erase(party, 9, act()).await.unwrap_err();
    assert_eq!(nothing.reason(), Some("SUBJECT_UNKNOWN"));
    let ended = platform.contact(&open.contact_id, act()).await.unwrap();
    assert_eq!(ended.outcome, Some(Outcome::Cancelled));

    // The phone opens no session, a call finds nobody, there is no evidence; the receipt still verifies.
    assert!(phone.own_history(act()).await.is_err());
    let again = Call {
        subject: phone.subject(),
        initiator: Initiator::Customer,
        policy: "bare",
        call_reason: 1,
        ..Call::default()
    };
    let again = platform.announce(&again, act()).await.unwrap();
    assert_eq!(again.outcome, Some(Outcome::NotEnrolled));
    let gone = evidence(&cluster, &challenge).await;
    assert_eq!(gone, Err("NO_EVIDENCE".to_owned()));
    assert!(auditor::verify_receipt(&receipt, &keys).is_ok());
    let leaf = context
        .auditor()
        .unwrap()
        .verdict_receipt(TENANT, &challenge, act())
        .await;
    assert!(
        leaf.is_ok(),
        "a new receipt of the old verdict verifies too"
    );
    let ends = cluster.converge().await;
    assert!(ends.windows(2).all(|pair| pair[0] == pair[1]), "{ends:?}");
    cluster.dev.stop().await;
}
