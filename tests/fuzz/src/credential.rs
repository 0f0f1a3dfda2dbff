//! Credentials: bodies are read or refused and read back the same; registrations and presentations
//! get exactly the reason that a second reading of the rules gives.

use std::sync::LazyLock;

use akashi_proof::{
    Commitment, Context, ContextFields, Credential, CredentialFields, DeviceKey, IssuerKey,
    IssuerStanding, Purpose, Reason, SIGNATURE_BYTES, Standing, Suite, accept_registration,
    present,
};
use ed25519_dalek::{Signer as _, SigningKey};

use crate::input::Input;
use crate::scene::{self, BEGIN_US, END_US, ORIGIN, SUBJECT, TENANT};

static ISSUER: LazyLock<SigningKey> = LazyLock::new(|| SigningKey::from_bytes(&[0x15; 32]));
static STRANGER: LazyLock<SigningKey> = LazyLock::new(|| SigningKey::from_bytes(&[0x16; 32]));
static HOLDERS: LazyLock<[DeviceKey; 2]> =
    LazyLock::new(|| [7, 9].map(|seed| scene::device(seed).public()));
static ATTRIBUTES: LazyLock<[Commitment; 3]> = LazyLock::new(|| {
    [0, 1, 2].map(|choice| scene::commitment(choice, [0; 32]).expect("a fixed one"))
});

/// Runs one input: a raw body, or the fields of a credential and what is done with it.
pub fn credential(data: &[u8]) {
    let mut input = Input::new(data);
    if input.flag() {
        let body = input.rest();
        if let Ok(read) = Credential::parse(body) {
            assert_eq!(read.body(), body, "one credential, one body");
            used(&read, &mut Input::new(body));
        }
    } else if let Some(built) = built(&mut input) {
        let body = built.body();
        assert_eq!(Credential::parse(&body).as_ref(), Ok(&built));
        spoilt(&built, body, &mut input.clone());
        used(&built, &mut input);
    }
}

/// A changed body is another credential or none.
fn spoilt(credential: &Credential, mut body: Vec<u8>, input: &mut Input<'_>) {
    let before = body.clone();
    let place = usize::from(input.u16()) % body.len();
    body[place] ^= input.byte();
    body.truncate(body.len() - input.below(3));
    if let Ok(read) = Credential::parse(&body) {
        assert_eq!(read.body(), body);
        assert_eq!(read == *credential, body == before);
        assert_eq!(read.digest() == credential.digest(), body == before);
    }
}

fn key_of(signing: &SigningKey) -> IssuerKey {
    IssuerKey::from_bytes(signing.verifying_key().as_bytes()).expect("an honest key")
}

fn built(input: &mut Input<'_>) -> Option<Credential> {
    let name = |input: &mut Input<'_>, usual: &[u8]| match input.byte() {
        0..=199 => Vec::from(usual),
        _ => Vec::from(input.piece()),
    };
    let origin = name(input, ORIGIN);
    let tenant = name(input, TENANT);
    let issuer = name(input, b"registry");
    let schema = name(input, b"person");
    let issuer_key_id = match input.below(4) {
        0..=1 => key_of(&ISSUER).id(),
        2 => key_of(&STRANGER).id(),
        _ => input.array(),
    };
    let subject = if input.flag() { input.array() } else { SUBJECT };
    let holder = HOLDERS[input.below(2)];
    let attributes: Vec<Commitment> = (0..input.below(36)).map(|i| ATTRIBUTES[i % 3]).collect();
    let not_before_us = input.near(BEGIN_US);
    let fields = CredentialFields {
        suite: Suite::V1,
        origin: &origin,
        tenant: &tenant,
        issuer_key_id,
        issuer: &issuer,
        schema: &schema,
        schema_version: input.u16(),
        subject,
        holder,
        serial: input.array(),
        not_before_us,
        expires_us: input.near(END_US),
        attributes: &attributes,
    };
    let good = [&origin, &tenant, &issuer, &schema]
        .iter()
        .all(|name| (1..=255).contains(&name.len()))
        && fields.not_before_us < fields.expires_us
        && (1..=32).contains(&attributes.len());
    let built = Credential::new(fields);
    assert_eq!(built.is_ok(), good);
    built.ok()
}

fn used(credential: &Credential, input: &mut Input<'_>) {
    let subject = if input.flag() { input.array() } else { SUBJECT };
    let context_for = |purpose| {
        Context::new(ContextFields {
            subject,
            ..scene::fields(purpose)
        })
        .expect("the fields are good")
    };
    // The body lies open, so a second reading of it needs no help from the code.
    let places = Places::of(&credential.body());
    let belongs = places.origin == ORIGIN && places.tenant == TENANT && places.subject == subject;
    let possessed = [None, Some(HOLDERS[0]), Some(HOLDERS[1])][input.below(3)];
    let stamp_us = input.near(BEGIN_US + 10);
    let in_time = places.not_before_us <= stamp_us && stamp_us <= places.expires_us;
    let base = if !belongs {
        Some(Reason::ContextMismatch)
    } else if possessed != Some(credential.holder()) {
        Some(Reason::FactorMissing)
    } else {
        None
    };

    // Registration.
    let purpose = match input.byte() {
        0..=199 => Purpose::Enrol,
        other => scene::purpose(other),
    };
    let signer = if input.flag() { &*STRANGER } else { &*ISSUER };
    let mut signature: [u8; SIGNATURE_BYTES] = signer.sign(&credential.message()).to_bytes();
    let change = input.byte();
    signature[input.below(SIGNATURE_BYTES)] ^= change;
    let standing = IssuerStanding {
        key: if input.flag() {
            key_of(&STRANGER)
        } else {
            key_of(&ISSUER)
        },
        revoked_from_us: input.flag().then(|| input.near(stamp_us)),
    };
    let known = (!input.flag()).then_some(&standing);
    let expected = if purpose != Purpose::Enrol {
        Err(Reason::PurposeMismatch)
    } else if let Some(reason) = base {
        Err(reason)
    } else if known.is_none_or(|known| known.key.id() != credential.issuer_key_id()) {
        Err(Reason::IssuerUnknown)
    } else if standing
        .revoked_from_us
        .is_some_and(|from| from <= stamp_us)
    {
        Err(Reason::IssuerRevoked)
    } else if change != 0 || signer.verifying_key().as_bytes() != &standing.key.to_bytes() {
        Err(Reason::SignatureInvalid)
    } else if !in_time {
        Err(Reason::CredentialExpired)
    } else {
        Ok(())
    };
    let accepted = accept_registration(
        &context_for(purpose),
        credential,
        &signature,
        known,
        possessed.as_ref(),
        stamp_us,
    );
    assert_eq!(accepted, expected, "registration");

    // Presentation.
    let purpose = scene::purpose(input.byte());
    let standing = Standing {
        registered_us: input.near(BEGIN_US),
        revoked: input.flag(),
        issuer_revoked_from_us: input.flag().then(|| input.near(BEGIN_US)),
    };
    let attribute = input.u16();
    let shown = credential.attributes().get(usize::from(attribute));
    let dead = standing
        .issuer_revoked_from_us
        .is_some_and(|from| from <= standing.registered_us);
    let expected = if !scene::shows_factors(purpose) {
        Err(Reason::PurposeMismatch)
    } else if let Some(reason) = base {
        Err(reason)
    } else if dead {
        Err(Reason::IssuerRevoked)
    } else if standing.revoked {
        Err(Reason::CredentialRevoked)
    } else if !in_time {
        Err(Reason::CredentialExpired)
    } else {
        shown.copied().ok_or(Reason::Malformed)
    };
    let presented = present(
        &context_for(purpose),
        credential,
        standing,
        possessed.as_ref(),
        attribute,
        stamp_us,
    );
    assert_eq!(presented, expected, "presentation");
}

/// The parts of a body that decide.
struct Places {
    origin: Vec<u8>,
    tenant: Vec<u8>,
    subject: [u8; 32],
    not_before_us: u64,
    expires_us: u64,
}

impl Places {
    /// Suite, origin, tenant, issuer key id, issuer, schema, version, subject, P, serial, times.
    fn of(body: &[u8]) -> Self {
        let mut rest = Input::new(body);
        assert_eq!(rest.byte(), 1);
        let (origin, tenant) = (rest.piece().into(), rest.piece().into());
        rest.take(32);
        let _issuer_and_schema = (rest.piece(), rest.piece());
        rest.take(2);
        let subject = rest.array();
        rest.take(32 + 16);
        Self {
            origin,
            tenant,
            subject,
            not_before_us: rest.u64(),
            expires_us: rest.u64(),
        }
    }
}
