//! A phone computes a policy's digest without knowing the state machine; both must mean the same bytes.

use akashi_client::policy as phone;
use akashi_domain::policy as machine;

fn sources() -> (phone::Source, machine::AttributeSource) {
    let issuers = vec!["bureau-1".to_owned(), "bureau-2".to_owned()];
    let schema = "credit".to_owned();
    (
        phone::Source {
            issuers: issuers.clone(),
            schema: schema.clone(),
            schema_version: 258,
            attribute: 3,
        },
        machine::AttributeSource {
            issuers,
            schema,
            schema_version: 258,
            attribute: 3,
        },
    )
}

fn tests() -> Vec<(phone::Test, machine::PredicateTest)> {
    use machine::PredicateTest as Machine;
    use phone::Test as Phone;
    let (bits, bound, low, high) = (32, 650, 7, 1 << 20);
    let values = vec![1, 5, 9];
    let (source, same) = sources();
    vec![
        (
            Phone::AtLeast { bits, bound },
            Machine::AtLeast { bits, bound },
        ),
        (
            Phone::AtMost { bits, bound },
            Machine::AtMost { bits, bound },
        ),
        (
            Phone::Within { bits, low, high },
            Machine::Within { bits, low, high },
        ),
        (
            Phone::OneOf {
                values: values.clone(),
            },
            Machine::OneOf { values },
        ),
        (Phone::Equals { value: 13 }, Machine::Equals { value: 13 }),
        (
            Phone::CoversAmount { bits, amount: 2 },
            Machine::CoversAmount { bits, amount: 2 },
        ),
        (Phone::SameAs(source), Machine::SameAs(same)),
    ]
}

#[test]
#[expect(clippy::too_many_lines, reason = "every field of both, side by side")]
fn phone_and_state_machine_agree_on_the_digest_of_every_rule() {
    let purposes = [
        (
            phone::PolicyPurpose::CustomerCall,
            machine::PolicyPurpose::CustomerCall,
        ),
        (
            phone::PolicyPurpose::AgentLogin,
            machine::PolicyPurpose::AgentLogin,
        ),
        (
            phone::PolicyPurpose::Consent,
            machine::PolicyPurpose::Consent,
        ),
    ];
    for (number, (shown, replicated)) in purposes.into_iter().enumerate() {
        let full = number == 2;
        let named = number != 0;
        let (source, same) = sources();
        let (asked, judged): (Vec<_>, Vec<_>) = tests()
            .into_iter()
            .map(|(test, predicate)| {
                (
                    phone::Predicate {
                        source: source.clone(),
                        test,
                    },
                    machine::PredicateRule {
                        source: same.clone(),
                        test: predicate,
                    },
                )
            })
            .unzip();
        let rules = phone::Rules {
            purpose: shown,
            require_possession: true,
            require_knowledge: !full,
            predicates: if full { asked } else { Vec::new() },
            face: full.then(|| phone::FaceRule {
                model_id: "synthetic-1".to_owned(),
                dimensions: 256,
                tau: 70_000,
                min_level: 1,
                max_age_s: 61,
            }),
            consent: full.then_some(phone::ConsentRule {
                recipient: [7; 32],
                max_payload_bytes: 16_384,
            }),
            challenge_ttl_s: 120,
            verdict_ttl_s: 3_601,
            grants: phone::Grants {
                scope: 0x0102_0304,
                limited: 0x0100_0000,
                needs: 7,
                fallbacks: 0x0201,
                risk: phone::RiskRule {
                    sim_age_min: 1,
                    line_types: 2,
                    flags: 3,
                    attestation_min: 4,
                },
            },
            agents: phone::AgentRule {
                binding: phone::AgentBinding::Registered,
                posture: 0x0506_0708,
                rules: true,
                presence: phone::PresenceRule {
                    absent_grace_s: 258,
                    lost_grace_s: 259,
                    suspend_after_s: 260,
                    clear_screen: false,
                },
                unmask: full.then_some(phone::UnmaskRule {
                    fields: 0x0a0b,
                    ttl_s: 0x0c0d,
                    break_glass: true,
                }),
                posture_issuers: if named {
                    vec!["health-1".to_owned(), "health-2".to_owned()]
                } else {
                    Vec::new()
                },
            },
        };
        let body = machine::PolicyBody {
            purpose: replicated,
            require_possession: true,
            require_knowledge: !full,
            predicates: if full { judged } else { Vec::new() },
            face: full.then(|| machine::FaceRule {
                model_id: "synthetic-1".to_owned(),
                dimensions: 256,
                tau: 70_000,
                min_level: 1,
                max_age_s: 61,
            }),
            consent: full.then_some(machine::ConsentRule {
                recipient: [7; 32],
                max_payload_bytes: 16_384,
            }),
            challenge_ttl_s: 120,
            verdict_ttl_s: 3_601,
            grants: machine::Grants {
                scope: 0x0102_0304,
                limited: 0x0100_0000,
                needs: 7,
                fallbacks: 0x0201,
                risk: machine::RiskRule {
                    sim_age_min: 1,
                    line_types: 2,
                    flags: 3,
                    attestation_min: 4,
                },
            },
            agents: machine::AgentRule {
                binding: machine::AgentBinding::Registered,
                posture: 0x0506_0708,
                rules: true,
                presence: machine::PresenceRule {
                    absent_grace_s: 258,
                    lost_grace_s: 259,
                    suspend_after_s: 260,
                    clear_screen: false,
                },
                unmask: full.then_some(machine::UnmaskRule {
                    fields: 0x0a0b,
                    ttl_s: 0x0c0d,
                    break_glass: true,
                }),
                posture_issuers: if named {
                    vec!["health-1".to_owned(), "health-2".to_owned()]
                } else {
                    Vec::new()
                },
            },
        };
        assert_eq!(
            rules.digest("demo", "everything", 3),
            body.digest("demo", "everything", 3).0,
            "{replicated:?}"
        );
    }
}
