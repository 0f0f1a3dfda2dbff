//! What is proved honestly verifies, and secrets are what they are derived from.

use akashi_proof::{
    Batch, Context, ContextFields, Knowledge, PinKdf, PinSecret, Possession, ProveError, Purpose,
    Reason, RootSecret, SecretError, Suite, check, prove, verify,
};
use proptest::prelude::*;

use crate::scene::{ORIGIN, SeededRng, TENANT, cheap, context, device, fields, pin};

fn purpose() -> impl Strategy<Value = Purpose> {
    (1..=6u8).prop_map(|code| Purpose::from_code(code).unwrap())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_proved_verifies_alone_and_in_a_batch(
        seed: u64,
        root: [u8; 32],
        origin in prop::collection::vec(any::<u8>(), 1..=255),
        tenant in prop::collection::vec(any::<u8>(), 1..=255),
        contact in prop::collection::vec(any::<u8>(), 1..=255),
        ids: ([u8; 16], [u8; 32], [u8; 32], [u8; 32]),
        purpose in purpose(),
        digits in "[0-9]{4,12}",
        submission_digest: [u8; 32],
        numbers: (u16, u32, u32, u64),
    ) {
        let context = Context::new(ContextFields {
            suite: Suite::V1,
            origin: &origin,
            group: numbers.0,
            epoch: numbers.1,
            tenant: &tenant,
            challenge_id: ids.0,
            nonce: ids.1,
            purpose,
            subject: ids.2,
            contact_id: &contact,
            not_before_us: numbers.3 / 2,
            expires_us: numbers.3 / 2 + 1,
            order_hash: if purpose == Purpose::Consent { [1; 32] } else { [0; 32] },
            policy_digest: ids.3,
        }).unwrap();
        let mut rng = SeededRng::new(seed);
        let x = RootSecret::from_bytes(root).device_secret(Suite::V1, &origin, &tenant, numbers.2).unwrap();
        let w = PinSecret::derive(cheap(), digits.as_bytes(), &root, &ids.2).unwrap();

        let possession = Possession { key: x.public(), submission_digest };
        let first = prove(&context, &possession, &x, &mut rng).unwrap();
        prop_assert!(verify(&context, &possession, &first).is_ok());

        let knowledge = Knowledge { device: x.public(), pin: w.public() };
        let second = prove(&context, &knowledge, &w, &mut rng).unwrap();
        prop_assert!(verify(&context, &knowledge, &second).is_ok());

        let mut batch = Batch::new();
        let tickets = [batch.push(&context, &possession, &first), batch.push(&context, &knowledge, &second)];
        let verdicts = batch.finish();
        prop_assert_eq!(tickets.map(|ticket| verdicts.of(ticket)), [Ok(()), Ok(())]);
    }

    #[test]
    fn bytes_that_are_no_proof_are_refused_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let statement = Possession { key: device(7).public(), submission_digest: [0; 32] };
        prop_assert!(check(&context(), &statement.into(), &bytes).is_err());
    }
}

#[test]
fn a_secret_that_is_not_the_keys_proves_nothing() {
    let rng = &mut SeededRng::new(2);
    let possession = Possession {
        key: device(7).public(),
        submission_digest: [0; 32],
    };
    assert_eq!(
        prove(&context(), &possession, &device(8), rng).err(),
        Some(ProveError::WitnessMismatch)
    );

    let knowledge = Knowledge {
        device: device(7).public(),
        pin: pin(b"0000", 1).public(),
    };
    assert_eq!(
        prove(&context(), &knowledge, &pin(b"0001", 1), rng).err(),
        Some(ProveError::WitnessMismatch)
    );
}

#[test]
fn a_repeating_random_generator_gives_other_nonces_for_other_contexts_and_witnesses() {
    let commitment = |context: &Context, seed: u8| {
        let x = device(seed);
        let statement = Possession {
            key: x.public(),
            submission_digest: [0; 32],
        };
        prove(context, &statement, &x, &mut SeededRng::new(3))
            .unwrap()
            .to_bytes()[..32]
            .to_vec()
    };
    let other = Context::new(ContextFields {
        nonce: [0; 32],
        ..fields()
    })
    .unwrap();
    assert_eq!(commitment(&context(), 7), commitment(&context(), 7));
    assert_ne!(commitment(&context(), 7), commitment(&other, 7));
    assert_ne!(commitment(&context(), 7), commitment(&context(), 8));
}

#[test]
fn device_keys_differ_by_root_origin_tenant_and_epoch() {
    let key = |root: u8, origin: &[u8], tenant: &[u8], epoch| {
        RootSecret::from_bytes([root; 32])
            .device_secret(Suite::V1, origin, tenant, epoch)
            .unwrap()
            .public()
    };
    let keys = [
        key(1, ORIGIN, TENANT, 0),
        key(2, ORIGIN, TENANT, 0),
        key(1, b"bank.example/e2/g0", TENANT, 0),
        key(1, ORIGIN, b"business", 0),
        key(1, ORIGIN, TENANT, 1),
        key(1, b"bank.example/e1/g0r", b"etail", 0),
    ];
    for (i, a) in keys.iter().enumerate() {
        for (j, b) in keys.iter().enumerate() {
            assert_eq!(a == b, i == j, "{i} {j}");
        }
    }
}

#[test]
fn pin_keys_differ_by_pin_salt_subject_and_cost() {
    let key = |kdf: PinKdf, pin: &[u8], salt: u8, subject: u8| {
        PinSecret::derive(kdf, pin, &[salt; 32], &[subject; 32])
            .unwrap()
            .public()
    };
    let dearer = PinKdf::with_cost(16, 1).unwrap();
    let keys = [
        key(cheap(), b"4829", 1, 1),
        key(cheap(), b"4820", 1, 1),
        key(cheap(), b"4829", 2, 1),
        key(cheap(), b"4829", 1, 2),
        key(dearer, b"4829", 1, 1),
    ];
    for (i, a) in keys.iter().enumerate() {
        for (j, b) in keys.iter().enumerate() {
            assert_eq!(a == b, i == j, "{i} {j}");
        }
    }
}

#[test]
fn secrets_refuse_names_pins_and_costs_out_of_bounds() {
    let root = RootSecret::from_bytes([1; 32]);
    let long = [0; 256];
    for (origin, tenant) in [
        (b"".as_slice(), TENANT),
        (ORIGIN, b"".as_slice()),
        (&long, TENANT),
        (ORIGIN, &long),
    ] {
        assert_eq!(
            root.device_secret(Suite::V1, origin, tenant, 0).err(),
            Some(SecretError::Name)
        );
    }
    for pin in [b"".as_slice(), &[b'1'; 65]] {
        assert_eq!(
            PinSecret::derive(cheap(), pin, &[1; 32], &[1; 32]).err(),
            Some(SecretError::PinLength)
        );
    }
    assert_eq!(PinKdf::with_cost(7, 1).err(), Some(SecretError::KdfCost));
    assert_eq!(PinKdf::with_cost(8, 0).err(), Some(SecretError::KdfCost));
}

#[test]
fn every_reason_has_its_own_number_and_text() {
    let mut codes: Vec<u16> = Reason::ALL.iter().map(|reason| reason.code()).collect();
    codes.sort_unstable();
    assert_eq!(codes, (1..=32).collect::<Vec<u16>>());
    for reason in Reason::ALL {
        assert_eq!(Reason::from_code(reason.code()), Some(*reason));
        let twins = Reason::ALL
            .iter()
            .filter(|other| other.to_string() == reason.to_string())
            .count();
        assert_eq!(twins, 1, "{reason}");
    }
    assert_eq!(
        (
            Reason::from_code(0),
            Reason::from_code(33),
            Reason::from_code(100)
        ),
        (None, None, None)
    );
}
