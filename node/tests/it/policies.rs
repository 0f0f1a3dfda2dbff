//! Policies through the operator's call: what goes in comes out, and what is none is named.

use akashi_proto::v1;
use akashi_proto::v1::predicate_rule::Test;
use tonic::Code;

use crate::calls::{id, reason};
use crate::holder::{ISSUER, MODEL, SCHEMA, operator};
use crate::paper::{Paper, TENANT};
use crate::port::Port;

pub(crate) fn rule(attribute: u32, test: Test) -> v1::PredicateRule {
    v1::PredicateRule {
        issuers: vec![ISSUER.to_owned()],
        schema: SCHEMA.to_owned(),
        schema_version: 1,
        attribute,
        test: Some(test),
    }
}

pub(crate) fn face_rule() -> v1::FaceRule {
    v1::FaceRule {
        model_id: MODEL.to_owned(),
        dimensions: 128,
        tau: 100,
        min_level: None,
        max_age_s: 0,
    }
}

/// Of the given purpose, with the PIN and nothing else.
pub(crate) fn policy(name: &str, purpose: v1::PolicyPurpose) -> v1::Policy {
    v1::Policy {
        name: name.to_owned(),
        require_possession: true,
        require_knowledge: true,
        purpose: purpose.into(),
        agents: Some(registered()),
        ..v1::Policy::default()
    }
}

/// Any registered agent takes a contact.
pub(crate) fn registered() -> v1::AgentRule {
    v1::AgentRule {
        binding: v1::AgentBinding::Registered.into(),
        presence: Some(v1::PresenceRule {
            absent_grace_s: Some(10),
            lost_grace_s: Some(10),
            suspend_after_s: Some(300),
            clear_screen: Some(true),
        }),
        ..v1::AgentRule::default()
    }
}

pub(crate) fn put(policy: v1::Policy) -> v1::PutPolicyRequest {
    v1::PutPolicyRequest {
        request_id: id(),
        tenant: TENANT.to_owned(),
        policy: Some(policy),
    }
}

fn other() -> v1::SameAs {
    v1::SameAs {
        issuers: vec!["employer".to_owned(), ISSUER.to_owned()],
        schema: "contract".to_owned(),
        schema_version: 7,
        attribute: 31,
    }
}

/// One policy with a predicate of every test.
fn everything() -> v1::Policy {
    v1::Policy {
        predicates: vec![
            rule(
                0,
                Test::AtLeast(v1::AtLeast {
                    bits: 32,
                    bound: 18,
                }),
            ),
            rule(
                1,
                Test::AtMost(v1::AtMost {
                    bits: 64,
                    bound: (1 << 63) - 1,
                }),
            ),
            rule(
                2,
                Test::Within(v1::Within {
                    bits: 32,
                    low: 5,
                    high: 5,
                }),
            ),
            rule(
                3,
                Test::InSet(v1::InSet {
                    values: (1..=16).collect(),
                }),
            ),
            rule(4, Test::Equals(v1::Equals { value: 392 })),
            rule(
                5,
                Test::CoversAmount(v1::CoversAmount {
                    bits: 64,
                    amount: 3,
                }),
            ),
            rule(6, Test::SameAs(other())),
        ],
        face: Some(v1::FaceRule {
            min_level: Some(0),
            max_age_s: 600,
            ..face_rule()
        }),
        consent: Some(v1::ConsentRule {
            recipient: vec![3; 32].into(),
            max_payload_bytes: 65_536,
        }),
        challenge_ttl_s: 90,
        verdict_ttl_s: 1_800,
        grants: Some(v1::Grants {
            scope: Some(0xff),
            limited: Some(0x0f),
            needs: 0x11,
            fallbacks: 0,
            risk: Some(v1::RiskRule {
                sim_age_min: 5,
                line_types: 0x3f,
                flags: 7,
                attestation_min: 3,
            }),
        }),
        ..policy("everything", v1::PolicyPurpose::Consent)
    }
}

#[tokio::test]
async fn a_policy_with_everything_comes_back_as_it_went_in() {
    let port = Port::open(Paper::founded()).await;
    let answer = operator(&port)
        .await
        .put_policy(put(everything()))
        .await
        .unwrap()
        .into_inner();
    let active = answer.policy.unwrap();
    assert_eq!((active.version, active.digest.len()), (1, 32));
    let expected = v1::Policy {
        version: active.version,
        digest: active.digest.clone(),
        ..everything()
    };
    assert_eq!(active, expected);
}

#[tokio::test]
async fn what_a_policy_does_not_name_has_its_default_and_no_simulator_passes() {
    let port = Port::open(Paper::founded()).await;
    let asked = v1::Policy {
        face: Some(face_rule()),
        consent: Some(v1::ConsentRule {
            recipient: vec![3; 32].into(),
            max_payload_bytes: 0,
        }),
        ..policy("plain", v1::PolicyPurpose::Consent)
    };
    let mut operator = operator(&port).await;
    let active = operator.put_policy(put(asked)).await.unwrap().into_inner();
    let active = active.policy.unwrap();
    let face = active.face.clone().unwrap();
    assert_eq!((face.min_level, face.max_age_s), (Some(1), 60));
    assert_eq!(active.consent.unwrap().max_payload_bytes, 16_384);
    assert_eq!((active.challenge_ttl_s, active.verdict_ttl_s), (120, 3_600));
    let nothing = policy("old", v1::PolicyPurpose::Unspecified);
    let active = operator.put_policy(put(nothing)).await.unwrap();
    let active = active.into_inner().policy.unwrap();
    assert_eq!(active.purpose(), v1::PolicyPurpose::CustomerCall);
    let grants = active.grants.unwrap();
    let full = (Some(u32::MAX), Some(u32::MAX));
    assert_eq!((grants.scope, grants.limited), full);
    assert_eq!((grants.needs, grants.fallbacks), (0, 0));
    let silent = v1::Policy {
        agents: None,
        ..policy("silent", v1::PolicyPurpose::CustomerCall)
    };
    let active = operator.put_policy(put(silent)).await.unwrap();
    let agents = active.into_inner().policy.unwrap().agents.unwrap();
    assert_eq!(agents.binding(), v1::AgentBinding::Present);
    assert_eq!(agents.presence, registered().presence);
    assert_eq!(agents.unmask, None);
}

#[tokio::test]
async fn what_makes_no_policy_is_named_and_changes_nothing() {
    let port = Port::open(Paper::founded()).await;
    let mut operator = operator(&port).await;
    let leaves = akashi_node::api::Replica::progress(&port.paper).leaves;
    let mut cases: Vec<(&str, v1::Policy)> = Vec::new();
    let mut change = |field, edit: &dyn Fn(&mut v1::Policy)| {
        let mut policy = everything();
        edit(&mut policy);
        cases.push((field, policy));
    };
    change("policy", &|p| p.name = "Every Thing".into());
    change("policy", &|p| p.name = "-x".into());
    change("purpose", &|p| p.purpose = 3);
    change("purpose", &|p| p.purpose = 99);
    change("policy body", &|p| p.require_possession = false);
    change("policy body", &|p| p.challenge_ttl_s = 9);
    change("policy body", &|p| p.verdict_ttl_s = 86_401);
    change("predicates", &|p| {
        p.predicates = vec![p.predicates[0].clone(); 9];
    });
    change("predicates.test", &|p| p.predicates[0].test = None);
    change("predicates.issuers", &|p| p.predicates[0].issuers.clear());
    change("predicates.issuers", &|p| {
        p.predicates[0].issuers = (0..9).map(|n| format!("issuer-{n}")).collect();
    });
    change("predicates.issuers", &|p| {
        p.predicates[0].issuers = vec!["b".into(), "a".into()];
    });
    change("predicates.issuers", &|p| {
        p.predicates[0].issuers = vec!["a".into(), "a".into()];
    });
    change("predicates.issuers", &|p| {
        p.predicates[0].issuers = vec!["x".repeat(33)];
    });
    change("predicates.schema", &|p| p.predicates[0].schema.clear());
    change("predicates.schema_version", &|p| {
        p.predicates[0].schema_version = 65_536;
    });
    change("predicates.attribute", &|p| p.predicates[0].attribute = 32);
    let mut test = |field, test: Test| {
        change(field, &|p| p.predicates[0].test = Some(test.clone()));
    };
    let at_least = |bits, bound| Test::AtLeast(v1::AtLeast { bits, bound });
    test("at_least.bits", at_least(0, 1));
    test("at_least.bits", at_least(33, 1));
    test("at_least.bits", at_least(288, 1));
    test("at_least.bound", at_least(32, 1 << 32));
    test("at_least.bound", at_least(64, 1 << 63));
    test(
        "at_most.bound",
        Test::AtMost(v1::AtMost {
            bits: 32,
            bound: u64::MAX,
        }),
    );
    let within = |low, high| {
        Test::Within(v1::Within {
            bits: 32,
            low,
            high,
        })
    };
    test("within.low", within(6, 5));
    test("within.high", within(6, 1 << 32));
    let in_set = |values| Test::InSet(v1::InSet { values });
    test("in_set.values", in_set(vec![]));
    test("in_set.values", in_set((1..=17).collect()));
    test("in_set.values", in_set(vec![2, 1]));
    test("in_set.values", in_set(vec![1, 1]));
    test("in_set.values", in_set(vec![1, 1 << 63]));
    let equals = Test::Equals(v1::Equals { value: 1 << 63 });
    test("equals.value", equals);
    let covers = |bits, amount| Test::CoversAmount(v1::CoversAmount { bits, amount });
    test("covers_amount.bits", covers(16, 0));
    test("covers_amount.amount", covers(32, 4));
    test("covers_amount.amount", covers(32, 256));
    let same = |edit: &dyn Fn(&mut v1::SameAs)| {
        let mut rule = other();
        edit(&mut rule);
        Test::SameAs(rule)
    };
    test("same_as.issuers", same(&|s| s.issuers.reverse()));
    test("same_as.schema", same(&|s| s.schema = "a b".into()));
    test(
        "same_as.schema_version",
        same(&|s| s.schema_version = 1 << 16),
    );
    test("same_as.attribute", same(&|s| s.attribute = 32));
    let mut face = |field, edit: &dyn Fn(&mut v1::FaceRule)| {
        change(field, &|p| edit(p.face.as_mut().unwrap()));
    };
    face("face.model_id", &|f| f.model_id.clear());
    face("face.dimensions", &|f| f.dimensions = 127);
    face("face.dimensions", &|f| f.dimensions = 65_664);
    face("face.tau", &|f| f.tau = 1 << 25);
    face("face.min_level", &|f| f.min_level = Some(3));
    face("face.min_level", &|f| f.min_level = Some(256));
    face("face", &|f| f.max_age_s = 4);
    face("face", &|f| f.max_age_s = 601);
    let mut consent = |field, edit: &dyn Fn(&mut v1::ConsentRule)| {
        change(field, &|p| edit(p.consent.as_mut().unwrap()));
    };
    consent("consent.recipient", &|c| c.recipient = vec![1; 31].into());
    consent("consent", &|c| c.recipient = vec![0; 32].into());
    consent("consent.max_payload_bytes", &|c| {
        c.max_payload_bytes = 65_537;
    });
    // What is right in itself and has no place beside the rest.
    change("consent", &|p| p.consent = None);
    change("predicates", &|p| {
        p.purpose = v1::PolicyPurpose::AgentLogin.into();
    });
    change("consent", &|p| {
        p.purpose = v1::PolicyPurpose::AgentLogin.into();
        p.predicates.clear();
    });
    for (field, policy) in cases {
        let status = operator.put_policy(put(policy)).await.unwrap_err();
        assert_eq!(
            (status.code(), reason(&status)),
            (Code::InvalidArgument, "FIELD_INVALID"),
            "{field}"
        );
        assert_eq!(status.message(), format!("{field} is not acceptable"));
    }
    assert_eq!(
        akashi_node::api::Replica::progress(&port.paper).leaves,
        leaves
    );
}
