//! Policies that ask for more than phone and PIN: every bound of every rule.

use akashi_domain::answer::{Field, Rejection, Reply};
use akashi_domain::command::{Command, PutPolicy};
use akashi_domain::limits::PREDICATES_MAX;
use akashi_domain::policy::{
    AttributeSource, PolicyBody, PolicyPurpose, PredicateRule, PredicateTest,
};

use crate::wallet::{consent_body, face_rule, rule, source};
use crate::world::{POLICY, TENANT, World, body};

fn put(body: PolicyBody) -> Result<Reply, Rejection> {
    World::founded().run(Command::PutPolicy(PutPolicy {
        tenant: TENANT.into(),
        policy: POLICY.into(),
        body,
    }))
}

fn refused(body: PolicyBody, field: Field) {
    let said = format!("{body:?}");
    assert_eq!(put(body), Err(Rejection::Invalid(field)), "{said}");
}

fn asking(rule: PredicateRule) -> PolicyBody {
    PolicyBody {
        predicates: vec![rule],
        ..body()
    }
}

#[test]
fn a_test_that_makes_no_statement_is_no_policy() {
    let bad = [
        PredicateTest::AtLeast { bits: 16, bound: 1 },
        PredicateTest::AtLeast {
            bits: 32,
            bound: 1 << 32,
        },
        PredicateTest::AtMost {
            bits: 64,
            bound: 1 << 63,
        },
        PredicateTest::Within {
            bits: 64,
            low: 3,
            high: 2,
        },
        PredicateTest::OneOf { values: vec![] },
        PredicateTest::OneOf { values: vec![2, 1] },
        PredicateTest::OneOf {
            values: (0..17).collect(),
        },
        // Amounts are an order's.
        PredicateTest::CoversAmount {
            bits: 64,
            amount: 0,
        },
        PredicateTest::SameAs(AttributeSource {
            issuers: vec![],
            ..source(0)
        }),
    ];
    for test in bad {
        refused(asking(rule(0, test)), Field::Predicates);
    }
    let fifth = PredicateTest::CoversAmount {
        bits: 64,
        amount: 4,
    };
    let body = PolicyBody {
        predicates: vec![rule(0, fifth)],
        ..consent_body()
    };
    refused(body, Field::Predicates);
}

#[test]
fn a_source_names_issuers_in_order_and_an_attribute_that_can_be() {
    let with = |source| {
        asking(PredicateRule {
            source,
            test: PredicateTest::Equals { value: 1 },
        })
    };
    let named = |issuers: &[&str]| AttributeSource {
        issuers: issuers.iter().map(|name| (*name).to_owned()).collect(),
        ..source(0)
    };
    assert!(put(with(named(&["bureau"]))).is_ok());
    for issuers in [&["b", "a"][..], &["a", "a"], &["Bureau"], &[]] {
        refused(with(named(issuers)), Field::Predicates);
    }
    let many: Vec<String> = (0..9).map(|number| format!("i{number}")).collect();
    refused(
        with(AttributeSource {
            issuers: many,
            ..source(0)
        }),
        Field::Predicates,
    );
    refused(with(source(32)), Field::Predicates);
    refused(
        with(AttributeSource {
            schema: String::new(),
            ..source(0)
        }),
        Field::Predicates,
    );
    let rules = |count| PolicyBody {
        predicates: vec![rule(0, PredicateTest::Equals { value: 1 }); count],
        ..body()
    };
    assert!(put(rules(PREDICATES_MAX)).is_ok());
    refused(rules(PREDICATES_MAX + 1), Field::Predicates);
}

#[test]
fn a_face_rule_is_within_what_sensors_and_proofs_allow() {
    let with = |change: fn(&mut akashi_domain::policy::FaceRule)| {
        let mut rule = face_rule();
        change(&mut rule);
        PolicyBody {
            face: Some(rule),
            ..body()
        }
    };
    assert!(put(with(|_| ())).is_ok());
    refused(with(|rule| rule.dimensions = 64), Field::Face);
    refused(with(|rule| rule.tau = 1 << 25), Field::Face);
    refused(with(|rule| rule.min_level = 3), Field::Face);
    refused(with(|rule| rule.max_age_s = 4), Field::Face);
    refused(with(|rule| rule.max_age_s = 601), Field::Face);
    refused(with(|rule| rule.model_id = "Face 1".into()), Field::Face);
}

#[test]
fn consent_is_asked_exactly_for_its_purpose() {
    assert!(put(consent_body()).is_ok());
    let without = PolicyBody {
        consent: None,
        ..consent_body()
    };
    refused(without, Field::Consent);
    let call = PolicyBody {
        purpose: PolicyPurpose::CustomerCall,
        ..consent_body()
    };
    refused(call, Field::Consent);
    let with = |recipient, max_payload_bytes| PolicyBody {
        consent: consent_body().consent.map(|mut rule| {
            rule.recipient = recipient;
            rule.max_payload_bytes = max_payload_bytes;
            rule
        }),
        ..consent_body()
    };
    refused(with([0; 32], 9), Field::Consent);
    refused(with([1; 32], 0), Field::Consent);
    refused(with([1; 32], 65_537), Field::Consent);
    assert!(put(with([1; 32], 65_536)).is_ok());
}

#[test]
fn every_part_of_a_policy_is_in_its_digest() {
    let base = PolicyBody {
        predicates: vec![rule(0, PredicateTest::Equals { value: 1 })],
        face: Some(face_rule()),
        ..consent_body()
    };
    let mut changed = vec![base.clone(); 6];
    changed[0].predicates[0].test = PredicateTest::Equals { value: 2 };
    changed[1].predicates[0].source.schema_version = 2;
    changed[2].face.as_mut().unwrap().tau += 1;
    changed[3].consent.as_mut().unwrap().recipient = [9; 32];
    changed[4].purpose = PolicyPurpose::AgentLogin;
    changed[5].predicates.clear();
    changed.push(base);
    let digests: std::collections::BTreeSet<_> = changed
        .iter()
        .map(|body| body.digest(TENANT, POLICY, 1))
        .collect();
    assert_eq!(digests.len(), 7);
}
