//! What a phone holds besides its keys, and those who sign it: an issuer, a sensor, a face.

use akashi_domain::answer::{Rejection, Reply};
use akashi_domain::command::{
    Command, EnrolTemplate, EnrolmentKind, FactorProof, OfferOrder, OpenEnrolment, Party,
    PutPolicy, RegisterCredential, RegisterIssuer, RegisterSensor,
};
use akashi_domain::ids::{
    ChallengeId, ContactId, Digest, EnrolmentId, OrderId, Serial, Stamp, SubjectHash, Tag,
};
use akashi_domain::policy::{
    AttributeSource, ConsentRule, FaceRule, PolicyBody, PolicyPurpose, PredicateRule, PredicateTest,
};
use akashi_domain::state::Records as _;
use akashi_proof::{
    Assurance, Capture, CaptureResult, Commitment, Consent, Context, ContextFields, Credential,
    CredentialFields, Dimensions, IssuerKey, Opening, Proximity, ProximityWitness, Purpose,
    SensorCertificate, SensorKey, Suite, TemplateCommitment, TemplateOpening, enrolment_message,
    probe_message, prove, recipient_digest, sealed_digest,
};
use ed25519_dalek::{Signer as _, SigningKey};

use crate::phone::{Phone, digest_of};
use crate::world::{
    ORIGIN, POLICY, SECOND, START, TENANT, World, body, context, fields, id16, tag,
};

pub(crate) const MODEL: &str = "face-1";
pub(crate) const TAU: u32 = 200;
pub(crate) const RECIPIENT: [u8; 32] = [0x4e; 32];
pub(crate) const ORDER_POLICY: &str = "consent";
pub(crate) const ORDER_HASH: [u8; 32] = [0x0a; 32];

/// Who signs credentials.
pub(crate) struct Desk {
    pub(crate) name: &'static str,
    pub(crate) key: SigningKey,
}

impl Desk {
    pub(crate) fn new(name: &'static str, seed: u8) -> Self {
        let key = SigningKey::from_bytes(&[seed; 32]);
        Self { name, key }
    }

    fn public(&self) -> IssuerKey {
        IssuerKey::from_bytes(self.key.verifying_key().as_bytes()).unwrap()
    }

    pub(crate) fn key_id(&self) -> Digest {
        Digest(self.public().id())
    }
}

/// What signs captures.
pub(crate) struct Camera {
    pub(crate) key: SigningKey,
    pub(crate) level: Assurance,
    pub(crate) claims: Assurance,
    pub(crate) result: CaptureResult,
}

impl Camera {
    pub(crate) fn new(level: Assurance) -> Self {
        Self {
            key: SigningKey::from_bytes(&[0xca + level.code(); 32]),
            level,
            claims: level,
            result: CaptureResult::Genuine,
        }
    }

    pub(crate) fn certificate(&self) -> Digest {
        let certificate = SensorCertificate {
            key: SensorKey::from_bytes(self.key.verifying_key().as_bytes()).unwrap(),
            model_id: MODEL.into(),
            level: self.level,
            not_before_us: START,
            expires_us: START + 1_000_000 * SECOND,
        };
        Digest(certificate.digest(Suite::V1, ORIGIN.as_bytes(), TENANT.as_bytes()))
    }

    pub(crate) fn registration(&self) -> Command {
        Command::RegisterSensor(RegisterSensor {
            tenant: TENANT.into(),
            key: *self.key.verifying_key().as_bytes(),
            model_id: MODEL.into(),
            level: self.level.code(),
            not_before: Stamp(START),
            expires: Stamp(START + 1_000_000 * SECOND),
        })
    }

    fn capture(&self, commitment: TemplateCommitment, captured_us: u64) -> Capture<'static> {
        Capture {
            commitment,
            dimensions: Dimensions::D128,
            model_id: MODEL.as_bytes(),
            level: self.claims,
            result: self.result,
            captured_us,
        }
    }
}

/// A face, and a second picture of the same one.
pub(crate) fn face(seed: u64, again: bool) -> TemplateOpening {
    let mut dice = crate::phone::Dice(seed);
    let mut bytes = [0; 128];
    rand_core::TryRng::try_fill_bytes(&mut dice, &mut bytes).unwrap();
    let mut entries: Vec<i8> = bytes.iter().map(|byte| byte.cast_signed()).collect();
    if again {
        for entry in entries.iter_mut().step_by(3) {
            *entry ^= 1;
        }
    }
    TemplateOpening::commit(&entries, &mut crate::phone::Dice(seed + u64::from(again))).unwrap()
}

/// A credential in the wallet.
pub(crate) struct Held {
    pub(crate) serial: Serial,
    pub(crate) openings: Vec<Opening>,
}

/// A credential as an issuer hands it out.
pub(crate) struct Paper {
    pub(crate) serial: Serial,
    pub(crate) subject: SubjectHash,
    pub(crate) issuer: &'static str,
    pub(crate) tenant: &'static str,
    pub(crate) valid: (u64, u64),
    pub(crate) schema_version: u16,
}

impl Paper {
    pub(crate) fn new(phone: &Phone, number: u8) -> Self {
        Self {
            serial: Serial([number; 16]),
            subject: phone.subject,
            issuer: "bureau",
            tenant: TENANT,
            valid: (START, START + 100_000 * SECOND),
            schema_version: 1,
        }
    }

    /// Body and signature of a credential for `holder`.
    pub(crate) fn signed(
        &self,
        desk: &Desk,
        holder: &Phone,
        attributes: &[Commitment],
    ) -> (Vec<u8>, [u8; 64]) {
        let credential = Credential::new(CredentialFields {
            suite: Suite::V1,
            origin: ORIGIN.as_bytes(),
            tenant: self.tenant.as_bytes(),
            issuer_key_id: desk.key_id().0,
            issuer: self.issuer.as_bytes(),
            schema: b"credit",
            schema_version: self.schema_version,
            subject: self.subject.0,
            holder: holder.device.public(),
            serial: self.serial.0,
            not_before_us: self.valid.0,
            expires_us: self.valid.1,
            attributes,
        })
        .unwrap();
        let signature = desk.key.sign(&credential.message()).to_bytes();
        (credential.body(), signature)
    }
}

pub(crate) fn openings(values: &[u64]) -> Vec<Opening> {
    values
        .iter()
        .map(|value| Opening::commit(*value, &mut crate::phone::Dice(value + 9)).unwrap())
        .collect()
}

pub(crate) fn commitments(openings: &[Opening]) -> Vec<Commitment> {
    openings.iter().map(Opening::commitment).collect()
}

pub(crate) fn source(attribute: u16) -> AttributeSource {
    AttributeSource {
        issuers: vec!["bureau".into(), "state".into()],
        schema: "credit".into(),
        schema_version: 1,
        attribute,
    }
}

pub(crate) fn rule(attribute: u16, test: PredicateTest) -> PredicateRule {
    PredicateRule {
        source: source(attribute),
        test,
    }
}

pub(crate) fn face_rule() -> FaceRule {
    FaceRule {
        model_id: MODEL.into(),
        dimensions: 128,
        tau: TAU,
        min_level: 1,
        max_age_s: 60,
    }
}

pub(crate) fn consent_body() -> PolicyBody {
    PolicyBody {
        purpose: PolicyPurpose::Consent,
        require_knowledge: false,
        consent: Some(ConsentRule {
            recipient: RECIPIENT,
            max_payload_bytes: 1_024,
        }),
        ..body()
    }
}

/// What travels with a consent.
pub(crate) fn payload(text: &[u8]) -> Vec<u8> {
    [&[4, 0][..], b"EKEY", text].concat()
}

/// A predicate part with its names.
pub(crate) fn predicate(
    kind: u8,
    (slot, serial, attribute): (u8, Serial, u16),
    proof: Vec<u8>,
) -> FactorProof {
    FactorProof {
        kind,
        slot,
        serial,
        attribute,
        proof,
        ..FactorProof::default()
    }
}

impl World {
    pub(crate) fn put_policy(&mut self, policy: &str, body: PolicyBody) {
        self.done(Command::PutPolicy(PutPolicy {
            tenant: TENANT.into(),
            policy: policy.into(),
            body,
        }));
    }

    /// The standard policy asks for this too.
    pub(crate) fn ask(&mut self, predicates: Vec<PredicateRule>, face: Option<FaceRule>) {
        let body = PolicyBody {
            require_knowledge: false,
            predicates,
            face,
            ..body()
        };
        self.put_policy(POLICY, body);
    }

    pub(crate) fn register_issuer(&mut self, desk: &Desk) {
        self.done(Command::RegisterIssuer(RegisterIssuer {
            tenant: TENANT.into(),
            name: desk.name.into(),
            key: *desk.key.verifying_key().as_bytes(),
        }));
    }

    /// An invitation, and the context of its proofs.
    pub(crate) fn invite(
        &mut self,
        subject: SubjectHash,
        number: u64,
        kind: EnrolmentKind,
    ) -> (EnrolmentId, Context) {
        let invitation = OpenEnrolment {
            kind,
            party: Party::Customer,
            ..self.open_enrolment(subject, number)
        };
        self.done(Command::OpenEnrolment(invitation));
        self.invitation(number)
    }

    pub(crate) fn invitation(&self, number: u64) -> (EnrolmentId, Context) {
        let id = EnrolmentId(id16(number));
        let enrolment = self.state.enrolment(1, id).unwrap().unwrap();
        let context = context(ContextFields {
            purpose: Purpose::Enrol,
            challenge_id: id.0,
            nonce: enrolment.nonce,
            subject: enrolment.subject.0,
            contact_id: &[],
            not_before_us: enrolment.opened.0,
            expires_us: enrolment.expires.0,
            ..fields()
        });
        (id, context)
    }

    pub(crate) fn registration(
        &self,
        phone: &mut Phone,
        number: u64,
        (body, signature): (Vec<u8>, [u8; 64]),
    ) -> RegisterCredential {
        let (enrolment, context) = self.invitation(number);
        let possession = phone.with_possession(&context, Vec::new()).remove(0).proof;
        RegisterCredential {
            tenant: TENANT.into(),
            enrolment,
            token: [7; 32],
            suite: 1,
            body,
            signature,
            possession,
        }
    }

    /// Invites and registers.
    pub(crate) fn register(
        &mut self,
        phone: &mut Phone,
        number: u64,
        signed: (Vec<u8>, [u8; 64]),
    ) -> Result<Reply, Rejection> {
        self.invite(phone.subject, number, EnrolmentKind::Credential);
        let command = self.registration(phone, number, signed);
        self.run(Command::RegisterCredential(command))
    }

    /// A credential of these values in the phone's wallet, under the serial `number`.
    pub(crate) fn credential(
        &mut self,
        phone: &mut Phone,
        desk: &Desk,
        number: u8,
        values: &[u64],
    ) -> Held {
        let openings = openings(values);
        let paper = Paper::new(phone, number);
        let signed = paper.signed(desk, phone, &commitments(&openings));
        let registered = self.register(phone, 100 + u64::from(number), signed);
        assert_eq!(registered, Ok(Reply::Enrolled));
        Held {
            serial: paper.serial,
            openings,
        }
    }

    /// When a credential was registered.
    pub(crate) fn state_of(&self, held: &Held, phone: &Phone) -> Stamp {
        let record = self.state.credential(1, phone.subject, held.serial);
        record.unwrap().unwrap().registered
    }

    pub(crate) fn template(
        &self,
        phone: &mut Phone,
        camera: &Camera,
        number: u64,
        template: &TemplateOpening,
    ) -> EnrolTemplate {
        let (enrolment, context) = self.invitation(number);
        let capture = camera.capture(template.commitment(), self.now);
        let certificate = camera.certificate().0;
        let nonce = self.state.enrolment(1, enrolment).unwrap().unwrap().nonce;
        let key = phone.device.public();
        let said = enrolment_message(&context, &key, &capture, &certificate, &nonce);
        EnrolTemplate {
            tenant: TENANT.into(),
            enrolment,
            token: [7; 32],
            suite: 1,
            capture: capture.signed_fields(&certificate),
            signature: camera.key.sign(&said).to_bytes(),
            possession: phone.with_possession(&context, Vec::new()).remove(0).proof,
        }
    }

    /// Invites and enrols.
    pub(crate) fn enrol_face(
        &mut self,
        phone: &mut Phone,
        camera: &Camera,
        number: u64,
        template: &TemplateOpening,
    ) -> Result<Reply, Rejection> {
        self.invite(phone.subject, number, EnrolmentKind::Template);
        let command = self.template(phone, camera, number, template);
        self.run(Command::EnrolTemplate(command))
    }

    /// A capture at `captured` of the face that is enrolled, and the proof that it is.
    pub(crate) fn probe(
        &self,
        phone: &mut Phone,
        camera: &Camera,
        challenge: ChallengeId,
        (enrolled, probe): (&TemplateOpening, &TemplateOpening),
        captured: u64,
    ) -> FactorProof {
        let context = self.context(challenge);
        let capture = camera.capture(probe.commitment(), captured);
        let certificate = camera.certificate().0;
        let key = phone.device.public();
        let template = enrolled.commitment();
        let said = probe_message(&context, &key, &capture, &certificate, &template);
        let mut attachment = capture.signed_fields(&certificate);
        attachment.extend_from_slice(&camera.key.sign(&said).to_bytes());
        let statement =
            Proximity::new(Dimensions::D128, TAU, template, probe.commitment()).unwrap();
        let witness = ProximityWitness::new(enrolled, probe).unwrap();
        // Where the faces differ there is no proof; a proof of the face with itself is none either.
        let proof = prove(&context, &statement, &witness, &mut phone.dice).unwrap_or_else(|_| {
            let itself = Proximity::new(Dimensions::D128, TAU, template, template).unwrap();
            let witness = ProximityWitness::new(enrolled, enrolled).unwrap();
            prove(&context, &itself, &witness, &mut phone.dice).unwrap()
        });
        FactorProof {
            attachment,
            ..FactorProof::plain(7, proof.to_bytes())
        }
    }

    /// Sends these parts, behind a possession that covers them.
    pub(crate) fn show(
        &mut self,
        phone: &mut Phone,
        challenge: ChallengeId,
        parts: Vec<FactorProof>,
    ) -> Result<Reply, Rejection> {
        let proofs = phone.with_possession(&self.context(challenge), parts);
        let submission = self.submission(phone, challenge, proofs);
        self.run(Command::SubmitProof(submission))
    }

    pub(crate) fn offer(&self, contact: u64, order: u8, amounts: &[Commitment]) -> OfferOrder {
        OfferOrder {
            tenant: TENANT.into(),
            contact: ContactId(id16(contact)),
            order: OrderId([order; 16]),
            policy: ORDER_POLICY.into(),
            order_hash: ORDER_HASH,
            amounts: amounts.iter().map(|amount| amount.to_bytes()).collect(),
            subject_tag: Tag::ZERO,
        }
    }

    /// The consent part over the other parts.
    pub(crate) fn consent(
        &self,
        phone: &mut Phone,
        challenge: ChallengeId,
        others: &[FactorProof],
        text: &[u8],
    ) -> FactorProof {
        let context = self.context(challenge);
        let statement = Consent {
            key: phone.device.public(),
            order_hash: self.challenge(challenge).order_hash(),
            sealed_digest: sealed_digest(b"EKEY", text),
            recipient_digest: recipient_digest(&RECIPIENT),
            submission_digest: digest_of(others),
        };
        let proof = prove(&context, &statement, &phone.device, &mut phone.dice).unwrap();
        FactorProof {
            attachment: payload(text),
            ..FactorProof::plain(8, proof.to_bytes())
        }
    }
}

/// An agent's pseudonym and a customer's are made alike.
pub(crate) fn agent_tag(agent: akashi_domain::ids::AgentHash) -> Tag {
    tag(agent.as_subject())
}
