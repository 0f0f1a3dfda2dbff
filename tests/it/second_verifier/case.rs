//! One question to both verifiers: context, statement and proof in the shape of the vector files,
//! and how ours reads them. Reading must refuse nothing that our types can express.

use akashi_proof::{
    AnyStatement, Commitment, Consent, Context, ContextFields, DeviceKey, Dimensions, Equals,
    InSet, Knowledge, PinKey, Possession, Proximity, Purpose, Reason, Same, Suite,
    TemplateCommitment,
};
use serde_json::{Map, Value, json};

use super::terms;

/// A question.
#[derive(Clone)]
pub(super) struct Case {
    pub(super) kind: u64,
    pub(super) context: Map<String, Value>,
    pub(super) statement: Map<String, Value>,
    pub(super) proof: Vec<u8>,
    /// What was done to a good proof, for whoever reads a failure.
    pub(super) change: String,
}

/// Why no proof was looked at.
pub(super) enum NothingToVerify {
    /// The context breaks a rule.
    Context,
    /// A key or commitment that no replica would have stored.
    Statement(Reason),
}

impl Case {
    /// A question in the shape of a vector.
    pub(super) fn from_json(question: &Value) -> Self {
        Self {
            kind: question["kind"].as_u64().unwrap(),
            context: question["context"].as_object().unwrap().clone(),
            statement: question["statement"].as_object().unwrap().clone(),
            proof: hex::decode(question["proof"].as_str().unwrap()).unwrap(),
            change: String::new(),
        }
    }

    /// The question as the second verifier takes it.
    pub(super) fn line(&self) -> String {
        json!({
            "kind": self.kind,
            "context": self.context,
            "statement": self.statement,
            "proof": hex::encode(&self.proof),
        })
        .to_string()
    }

    /// The question in our types.
    pub(super) fn read(&self) -> Result<(Context, AnyStatement), NothingToVerify> {
        let context = self.read_context().ok_or(NothingToVerify::Context)?;
        let statement = self.read_statement().map_err(NothingToVerify::Statement)?;
        Ok((context, statement))
    }

    /// The context in our types, if it keeps the rules.
    pub(super) fn read_context(&self) -> Option<Context> {
        let of = &self.context;
        Context::new(ContextFields {
            suite: Suite::from_code(number(of, "suite"))?,
            origin: &bytes(of, "origin"),
            group: number(of, "group"),
            epoch: number(of, "epoch"),
            tenant: &bytes(of, "tenant"),
            challenge_id: array(of, "challenge_id"),
            nonce: array(of, "nonce"),
            purpose: Purpose::from_code(number(of, "purpose"))?,
            subject: array(of, "subject"),
            contact_id: &bytes(of, "contact_id"),
            not_before_us: number(of, "not_before_us"),
            expires_us: number(of, "expires_us"),
            order_hash: array(of, "order_hash"),
            policy_digest: array(of, "policy_digest"),
        })
        .ok()
    }

    fn read_statement(&self) -> Result<AnyStatement, Reason> {
        let of = &self.statement;
        Ok(match self.kind {
            1 => Possession {
                key: DeviceKey::from_bytes(&array(of, "P"))?,
                submission_digest: array(of, "submission_digest"),
            }
            .into(),
            2 => Knowledge {
                device: DeviceKey::from_bytes(&array(of, "P"))?,
                pin: PinKey::from_bytes(&array(of, "K"))?,
            }
            .into(),
            3 => Equals {
                commitment: Commitment::from_bytes(&array(of, "C"))?,
                value: number(of, "value"),
            }
            .into(),
            4 => Same {
                first: Commitment::from_bytes(&array(of, "C1"))?,
                second: Commitment::from_bytes(&array(of, "C2"))?,
            }
            .into(),
            5 => terms::read(&bytes(of, "terms"), number(of, "n"), number(of, "m"))?.into(),
            6 => {
                let commitment = Commitment::from_bytes(&array(of, "C"))?;
                let set: Vec<u64> = of["set"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .map(|s| s.as_u64().unwrap())
                    .collect();
                InSet::new(commitment, &set)?.into()
            }
            7 => {
                let enrolled = TemplateCommitment::from_bytes(&array(of, "C_t"))?;
                let probe = TemplateCommitment::from_bytes(&array(of, "C_p"))?;
                let size = Dimensions::from_count(number(of, "n")).ok_or(Reason::Malformed)?;
                Proximity::new(size, number(of, "tau"), enrolled, probe)?.into()
            }
            8 => Consent {
                key: DeviceKey::from_bytes(&array(of, "P"))?,
                order_hash: array(of, "order_hash"),
                sealed_digest: array(of, "sealed_digest"),
                recipient_digest: array(of, "recipient_digest"),
                submission_digest: array(of, "submission_digest"),
            }
            .into(),
            other => panic!("kind {other} has vectors, so it needs a reader here"),
        })
    }
}

/// The bytes behind a field in hex.
pub(super) fn bytes(of: &Map<String, Value>, name: &str) -> Vec<u8> {
    hex::decode(of[name].as_str().expect("text")).expect("hex")
}

fn array<const N: usize>(of: &Map<String, Value>, name: &str) -> [u8; N] {
    bytes(of, name)
        .try_into()
        .expect("a field of fixed length keeps its length")
}

fn number<T: TryFrom<u64>>(of: &Map<String, Value>, name: &str) -> T {
    let value = of[name].as_u64().expect("a number");
    T::try_from(value).ok().expect("a number of its width")
}
