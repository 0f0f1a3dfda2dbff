//! Issuance, registration and presentation, and every reason against them.

use akashi_proof::{
    ATTRIBUTES_MAX, Credential, CredentialError, CredentialFields, DeviceKey, IssuerKey,
    IssuerStanding, Purpose, Reason, Standing, Suite, accept_registration, present,
};
use ed25519_dalek::{Signer, SigningKey};

use crate::{
    kinds::opening,
    scene::{ORIGIN, TENANT, context, device},
    sensors::{enrolment, under},
};

const NOW_US: u64 = 1_795_000_000_000_000;

pub(crate) fn issuer() -> (SigningKey, IssuerStanding) {
    let signing = SigningKey::from_bytes(&[0x1a; 32]);
    let standing = IssuerStanding {
        key: IssuerKey::from_bytes(signing.verifying_key().as_bytes()).unwrap(),
        revoked_from_us: None,
    };
    (signing, standing)
}

type Change = fn(&mut CredentialFields<'_>);

pub(crate) fn credential(change: Change) -> Result<Credential, CredentialError> {
    let attributes = [opening(42, 1).commitment(), opening(5_000, 2).commitment()];
    let mut fields = CredentialFields {
        suite: Suite::V1,
        origin: ORIGIN,
        tenant: TENANT,
        issuer_key_id: issuer().1.key.id(),
        issuer: b"registry.example",
        schema: b"person",
        schema_version: 1,
        subject: [0x33; 32],
        holder: device(7).public(),
        serial: [0x5e; 16],
        not_before_us: NOW_US - 1,
        expires_us: NOW_US + 1,
        attributes: &attributes,
    };
    change(&mut fields);
    Credential::new(fields)
}

fn registered(
    credential: &Credential,
    issuer: Option<&IssuerStanding>,
    possessed: Option<&DeviceKey>,
    stamp_us: u64,
) -> Result<(), Reason> {
    let (signing, _) = self::issuer();
    let signature = signing.sign(&credential.message()).to_bytes();
    accept_registration(
        &enrolment(),
        credential,
        &signature,
        issuer,
        possessed,
        stamp_us,
    )
}

#[test]
fn a_credential_is_registered_with_its_signature_and_the_possession_of_its_key() {
    let (_, standing) = issuer();
    let good = credential(|_| ()).unwrap();
    let key = good.holder();
    assert_eq!(
        registered(&good, Some(&standing), Some(&key), NOW_US),
        Ok(())
    );
    assert_eq!(
        registered(&good, Some(&standing), None, NOW_US),
        Err(Reason::FactorMissing)
    );
    assert_eq!(
        registered(&good, Some(&standing), Some(&device(8).public()), NOW_US),
        Err(Reason::FactorMissing)
    );
    assert_eq!(
        registered(&good, None, Some(&key), NOW_US),
        Err(Reason::IssuerUnknown)
    );
    for (from, verdict) in [(NOW_US, Err(Reason::IssuerRevoked)), (NOW_US + 1, Ok(()))] {
        let revoked = IssuerStanding {
            revoked_from_us: Some(from),
            ..standing
        };
        assert_eq!(
            registered(&good, Some(&revoked), Some(&key), NOW_US),
            verdict
        );
    }
    for stamp_us in [NOW_US - 2, NOW_US + 2] {
        assert_eq!(
            registered(&good, Some(&standing), Some(&key), stamp_us),
            Err(Reason::CredentialExpired)
        );
    }
}

#[test]
fn every_field_is_under_the_signature() {
    let (signing, standing) = issuer();
    let good = credential(|_| ()).unwrap();
    let signature = signing.sign(&good.message()).to_bytes();
    let changes: [Change; 8] = [
        |f| f.issuer = b"registry.exampl",
        |f| f.schema = b"persons",
        |f| f.schema_version = 2,
        |f| f.serial = [0; 16],
        |f| f.not_before_us -= 1,
        |f| f.expires_us += 1,
        |f| f.attributes = &f.attributes[..1],
        |f| f.holder = device(8).public(),
    ];
    for change in changes {
        let changed = credential(change).unwrap();
        assert_ne!(changed.digest(), good.digest());
        let key = changed.holder();
        assert_eq!(
            accept_registration(
                &enrolment(),
                &changed,
                &signature,
                Some(&standing),
                Some(&key),
                NOW_US
            ),
            Err(Reason::SignatureInvalid)
        );
    }
    let foreign: [Change; 3] = [
        |f| f.origin = b"other",
        |f| f.tenant = b"other",
        |f| f.subject = [0; 32],
    ];
    for change in foreign {
        let changed = credential(change).unwrap();
        assert_eq!(
            registered(&changed, Some(&standing), Some(&changed.holder()), NOW_US),
            Err(Reason::ContextMismatch)
        );
    }
    let other_key = credential(|f| f.issuer_key_id = [0; 32]).unwrap();
    assert_eq!(
        registered(
            &other_key,
            Some(&standing),
            Some(&other_key.holder()),
            NOW_US
        ),
        Err(Reason::IssuerUnknown)
    );
}

#[test]
fn an_attribute_is_presented_by_its_holder_while_everything_stands() {
    let credential = credential(|_| ()).unwrap();
    let key = credential.holder();
    let standing = Standing {
        registered_us: NOW_US,
        revoked: false,
        issuer_revoked_from_us: None,
    };
    let stranger = device(8).public();
    let shown = |standing, possessed, attribute, stamp_us| {
        present(
            &context(),
            &credential,
            standing,
            possessed,
            attribute,
            stamp_us,
        )
    };
    assert_eq!(
        shown(standing, Some(&key), 1, NOW_US),
        Ok(opening(5_000, 2).commitment())
    );
    assert_eq!(
        shown(standing, Some(&key), 2, NOW_US),
        Err(Reason::Malformed)
    );
    assert_eq!(shown(standing, None, 0, NOW_US), Err(Reason::FactorMissing));
    assert_eq!(
        shown(standing, Some(&stranger), 0, NOW_US),
        Err(Reason::FactorMissing)
    );
    assert_eq!(
        shown(standing, Some(&key), 0, NOW_US + 2),
        Err(Reason::CredentialExpired)
    );
    let revoked = Standing {
        revoked: true,
        ..standing
    };
    assert_eq!(
        shown(revoked, Some(&key), 0, NOW_US),
        Err(Reason::CredentialRevoked)
    );
    for (from, verdict) in [
        (NOW_US, Err(Reason::IssuerRevoked)),
        (NOW_US + 1, Ok(opening(42, 1).commitment())),
    ] {
        let issuer_revoked = Standing {
            issuer_revoked_from_us: Some(from),
            ..standing
        };
        assert_eq!(shown(issuer_revoked, Some(&key), 0, NOW_US), verdict);
    }
}

#[test]
fn a_body_is_read_back_and_nothing_else_is() {
    let credential = credential(|_| ()).unwrap();
    let body = credential.body();
    assert_eq!(Credential::parse(&body), Ok(credential));
    for length in 0..body.len() {
        assert_eq!(Credential::parse(&body[..length]), Err(Reason::Malformed));
    }
    let longer = [&body[..], &[0]].concat();
    assert_eq!(Credential::parse(&longer), Err(Reason::Malformed));
    let mut other_suite = body.clone();
    other_suite[0] = 2;
    assert_eq!(Credential::parse(&other_suite), Err(Reason::UnknownSuite));
    let mut identity = body.clone();
    let last = body.len() - 32;
    identity[last..].fill(0);
    assert_eq!(Credential::parse(&identity), Err(Reason::IdentityPoint));
    for place in 0..body.len() {
        let mut changed = body.clone();
        changed[place] ^= 1;
        if let Ok(read) = Credential::parse(&changed) {
            assert_eq!(read.body(), changed, "byte {place}");
        }
    }
}

#[test]
fn fields_are_bounded() {
    assert_eq!(credential(|f| f.issuer = b""), Err(CredentialError::Name));
    assert_eq!(
        credential(|f| f.schema = &[b's'; 256]),
        Err(CredentialError::Name)
    );
    assert_eq!(
        credential(|f| f.expires_us = f.not_before_us),
        Err(CredentialError::Validity)
    );
    assert_eq!(
        credential(|f| f.attributes = &[]),
        Err(CredentialError::Attributes)
    );
    assert_eq!(ATTRIBUTES_MAX, 32);
}

#[test]
fn a_credential_is_registered_under_an_enrolment_and_presented_under_a_verification() {
    let credential = credential(|_| ()).unwrap();
    let (signing, issuer) = issuer();
    let signature = signing.sign(&credential.message()).to_bytes();
    let key = credential.holder();
    let standing = Standing {
        registered_us: NOW_US,
        revoked: false,
        issuer_revoked_from_us: None,
    };
    for (purpose, registers, presents) in [
        (Purpose::CustomerCall, false, true),
        (Purpose::AgentLogin, false, true),
        (Purpose::AgentPresence, false, true),
        (Purpose::Enrol, true, false),
        (Purpose::PhoneSession, false, false),
    ] {
        let context = under(purpose);
        let refused = |admitted| {
            if admitted {
                None
            } else {
                Some(Reason::PurposeMismatch)
            }
        };
        let (stated, held) = (Some(&issuer), Some(&key));
        let verdict = accept_registration(&context, &credential, &signature, stated, held, NOW_US);
        assert_eq!(verdict.err(), refused(registers), "{purpose:?}");
        let verdict = present(&context, &credential, standing, held, 0, NOW_US);
        assert_eq!(verdict.err(), refused(presents), "{purpose:?}");
    }
}
