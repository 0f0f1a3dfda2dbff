//! A proof holds for one context, one statement and one submission, and for nothing else.

use akashi_proof::{
    AnyStatement, Context, ContextError, ContextFields, Kind, Knowledge, Part, PinKey, Possession,
    Purpose, Reason, check, memo_key, prove, submission_digest,
};

use crate::scene::{SUBMISSION, SeededRng, context, device, fields, pin};

/// Every context that differs from the usual one in a single field.
fn other_contexts() -> Vec<(&'static str, Context)> {
    type Change = fn(&mut ContextFields<'static>);
    let changes: [(&str, Change); 17] = [
        ("origin", |f| f.origin = b"bank.example/e2/g0"),
        ("group", |f| f.group = 1),
        ("epoch", |f| f.epoch = 2),
        ("tenant", |f| f.tenant = b"business"),
        ("a byte moved from tenant to origin", |f| {
            f.origin = b"bank.example/e1/g0r";
            f.tenant = b"etail";
        }),
        ("challenge_id", |f| f.challenge_id = [0x10; 16]),
        ("nonce", |f| f.nonce = [0x20; 32]),
        ("purpose agent login", |f| f.purpose = Purpose::AgentLogin),
        ("purpose agent presence", |f| {
            f.purpose = Purpose::AgentPresence;
        }),
        ("purpose consent with its order_hash", |f| {
            f.purpose = Purpose::Consent;
            f.order_hash = [1; 32];
        }),
        ("purpose enrol", |f| f.purpose = Purpose::Enrol),
        ("purpose phone session", |f| {
            f.purpose = Purpose::PhoneSession;
        }),
        ("subject", |f| f.subject = [0x30; 32]),
        ("contact_id", |f| f.contact_id = &[0x44; 15]),
        ("not_before_us", |f| f.not_before_us += 1),
        ("expires_us", |f| f.expires_us += 1),
        ("policy_digest", |f| f.policy_digest = [0x50; 32]),
    ];
    let apply = |(name, change): (&'static str, Change)| {
        let mut fields = fields();
        change(&mut fields);
        (name, Context::new(fields).unwrap())
    };
    changes.map(apply).into()
}

#[test]
fn a_proof_does_not_hold_in_any_other_context() {
    for (name, other) in other_contexts() {
        assert_ne!(other.digest(), context().digest(), "{name}");
        for (statement, proof) in SUBMISSION.both() {
            assert_eq!(
                check(&other, statement, proof),
                Err(Reason::EquationFailed),
                "{name}"
            );
            assert_ne!(
                memo_key(&other, statement, proof),
                memo_key(&context(), statement, proof),
                "{name}"
            );
        }
    }
}

#[test]
fn an_order_hash_binds_a_consent() {
    let first = Context::new(ContextFields {
        purpose: Purpose::Consent,
        order_hash: [1; 32],
        ..fields()
    })
    .unwrap();
    let second = Context::new(ContextFields {
        purpose: Purpose::Consent,
        order_hash: [2; 32],
        ..fields()
    })
    .unwrap();
    let x = device(7);
    let statement = Possession {
        key: x.public(),
        submission_digest: submission_digest(&[]),
    };
    let proof = prove(&first, &statement, &x, &mut SeededRng::new(4))
        .unwrap()
        .to_bytes();
    assert_eq!(check(&first, &statement.clone().into(), &proof), Ok(()));
    assert_eq!(
        check(&second, &statement.into(), &proof),
        Err(Reason::EquationFailed)
    );
}

#[test]
fn a_proof_does_not_hold_for_another_key() {
    let (knowledge, proof) = (&SUBMISSION.knowledge, &SUBMISSION.knowledge_proof);
    assert_eq!(check(&context(), knowledge, proof), Ok(()));
    let (device_key, pin_key) = (device(7).public(), pin(b"482913", 8).public());
    let as_pin = PinKey::from_bytes(&device_key.to_bytes()).unwrap();
    for (device, pin) in [
        (device(9).public(), pin_key),
        (device_key, pin(b"482914", 8).public()),
        (device_key, as_pin),
    ] {
        let other = AnyStatement::from(Knowledge { device, pin });
        assert_eq!(
            check(&context(), &other, proof),
            Err(Reason::EquationFailed)
        );
    }
    let other = Possession {
        key: device(9).public(),
        submission_digest: [0; 32],
    };
    assert_eq!(
        check(&context(), &other.into(), &SUBMISSION.possession_proof),
        Err(Reason::EquationFailed)
    );
}

#[test]
fn a_proof_of_one_kind_is_no_proof_of_the_other_even_over_the_same_instance_and_key() {
    let x = device(7);
    let encoding = x.public().to_bytes();
    // Instance P ‖ P and equation s·B − R − c·P = 0 for both: only the kind's name differs.
    let possession = Possession {
        key: x.public(),
        submission_digest: encoding,
    };
    let knowledge = AnyStatement::from(Knowledge {
        device: x.public(),
        pin: PinKey::from_bytes(&encoding).unwrap(),
    });
    let proof = prove(&context(), &possession, &x, &mut SeededRng::new(5))
        .unwrap()
        .to_bytes();
    let possession = AnyStatement::from(possession);
    assert_eq!(knowledge.instance(), possession.instance());
    assert_eq!(check(&context(), &possession, &proof), Ok(()));
    assert_eq!(
        check(&context(), &knowledge, &proof),
        Err(Reason::EquationFailed)
    );
}

#[test]
fn a_garbage_factor_attached_to_a_seen_possession_proof_is_refused_at_the_possession() {
    let garbage = [0xaa; 64];
    let attached = Possession {
        key: device(7).public(),
        submission_digest: submission_digest(&[Part::plain(Kind::Knowledge, 1, &garbage)]),
    };
    let seen = &SUBMISSION.possession_proof;
    assert_eq!(check(&context(), &SUBMISSION.possession, seen), Ok(()));
    assert_eq!(
        check(&context(), &attached.into(), seen),
        Err(Reason::EquationFailed)
    );

    let dropped = Possession {
        key: device(7).public(),
        submission_digest: submission_digest(&[]),
    };
    assert_eq!(
        check(&context(), &dropped.into(), seen),
        Err(Reason::EquationFailed)
    );
}

#[test]
fn the_submission_digest_depends_on_every_field_on_order_and_on_count() {
    let part = Part::plain(Kind::Knowledge, 1, b"proof");
    let lists: Vec<Vec<Part<'_>>> = vec![
        vec![],
        vec![part],
        vec![part, part],
        vec![Part {
            kind: Kind::Possession,
            ..part
        }],
        vec![Part { slot: 2, ..part }],
        vec![Part {
            credential_serial: [1; 16],
            ..part
        }],
        vec![Part {
            attribute_index: 1,
            ..part
        }],
        vec![Part {
            proof: b"prool",
            ..part
        }],
        vec![Part {
            sealed_digest: [1; 32],
            ..part
        }],
        vec![part, Part { slot: 2, ..part }],
        vec![Part { slot: 2, ..part }, part],
    ];
    let mut digests: Vec<_> = lists.iter().map(|parts| submission_digest(parts)).collect();
    digests.sort_unstable();
    digests.dedup();
    assert_eq!(digests.len(), lists.len());
}

#[test]
fn the_memo_key_depends_on_statement_and_proof() {
    let (possession, proof) = (&SUBMISSION.possession, &SUBMISSION.possession_proof);
    let key = memo_key(&context(), possession, proof);
    assert_eq!(key, memo_key(&context(), possession, proof));
    assert_ne!(key, memo_key(&context(), &SUBMISSION.knowledge, proof));
    assert_ne!(key, memo_key(&context(), possession, &proof[..63]));
    let other = Possession {
        key: device(7).public(),
        submission_digest: [0; 32],
    };
    assert_ne!(key, memo_key(&context(), &other.into(), proof));
}

#[test]
fn contexts_that_lack_something_are_refused() {
    let f = fields();
    let long = [b'a'; 256];
    for (fields, error) in [
        (ContextFields { origin: b"", ..f }, ContextError::Origin),
        (ContextFields { origin: &long, ..f }, ContextError::Origin),
        (ContextFields { tenant: b"", ..f }, ContextError::Tenant),
        (ContextFields { tenant: &long, ..f }, ContextError::Tenant),
        (
            ContextFields {
                contact_id: b"",
                ..f
            },
            ContextError::ContactId,
        ),
        (
            ContextFields {
                contact_id: &long,
                ..f
            },
            ContextError::ContactId,
        ),
        (
            ContextFields {
                contact_id: &long,
                purpose: Purpose::Enrol,
                ..f
            },
            ContextError::ContactId,
        ),
        (
            ContextFields {
                expires_us: f.not_before_us,
                ..f
            },
            ContextError::Validity,
        ),
        (
            ContextFields {
                order_hash: [1; 32],
                ..f
            },
            ContextError::OrderHash,
        ),
        (
            ContextFields {
                purpose: Purpose::Consent,
                ..f
            },
            ContextError::OrderHash,
        ),
    ] {
        assert_eq!(Context::new(fields).err(), Some(error));
    }
    assert!(
        Context::new(ContextFields {
            contact_id: b"",
            purpose: Purpose::PhoneSession,
            ..f
        })
        .is_ok()
    );
}
