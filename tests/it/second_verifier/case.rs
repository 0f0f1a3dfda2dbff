//! One question to both verifiers: context, instance and proof. The statement is kept in fields, as the
//! vector files have it, written as an instance, and read from its bytes by both.

use akashi_proof::{AnyStatement, Context, ContextFields, Kind, Purpose, Reason, Suite};
use serde_json::{Map, Value, json};

/// A question.
#[derive(Clone)]
pub(super) struct Case {
    pub(super) kind: u64,
    pub(super) context: Map<String, Value>,
    pub(super) statement: Map<String, Value>,
    pub(super) proof: Vec<u8>,
    /// What was done to a good proof, for whoever reads a failure.
    pub(super) change: String,
    /// What was done to the bytes of the instance.
    pub(super) spoiled: Spoiled,
}

/// What is done to the bytes of an instance, behind the back of its fields.
#[derive(Clone, Default)]
pub(super) enum Spoiled {
    /// Nothing.
    #[default]
    Nothing,
    /// They end after so many.
    Cut(usize),
    /// More come behind them.
    Grown(Vec<u8>),
    /// One bit is another one.
    Flipped(usize),
}

impl Spoiled {
    fn apply(&self, instance: &mut Vec<u8>) {
        match self {
            Self::Nothing => {}
            Self::Cut(length) => instance.truncate(*length),
            Self::Grown(more) => instance.extend(more),
            Self::Flipped(bit) => {
                let bits = 8 * instance.len().max(1);
                if let Some(byte) = instance.get_mut(bit % bits / 8) {
                    *byte ^= 1 << (bit % 8);
                }
            }
        }
    }
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
            spoiled: Spoiled::Nothing,
        }
    }

    /// The question as the second verifier takes it.
    pub(super) fn line(&self) -> String {
        json!({
            "kind": self.kind,
            "context": self.context,
            "instance": hex::encode(self.instance()),
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
        let kind = u8::try_from(self.kind).ok().and_then(Kind::from_code);
        let kind = kind.expect("kinds are 1 to 8");
        AnyStatement::from_instance(kind, &self.instance())
    }

    /// The bytes that are said to be the instance: written from the fields, then cut or grown.
    fn instance(&self) -> Vec<u8> {
        let mut instance = self.written();
        self.spoiled.apply(&mut instance);
        instance
    }

    /// The fields one behind the other, as the specification has them; whether they fit is not
    /// asked here.
    fn written(&self) -> Vec<u8> {
        let of = &self.statement;
        let all = |names: &[&str]| names.iter().flat_map(|name| bytes(of, name)).collect();
        match self.kind {
            1 => all(&["P", "submission_digest"]),
            2 => all(&["P", "K"]),
            3 => [
                bytes(of, "C"),
                number::<u64>(of, "value").to_le_bytes().to_vec(),
            ]
            .concat(),
            4 => all(&["C1", "C2"]),
            5 => [vec![number(of, "n"), number(of, "m")], bytes(of, "terms")].concat(),
            6 => {
                let set = of["set"].as_array().unwrap();
                let mut written = vec![u8::try_from(set.len()).unwrap()];
                for value in set {
                    written.extend(value.as_u64().unwrap().to_le_bytes());
                }
                written.extend(bytes(of, "C"));
                written
            }
            7 => [
                number::<u16>(of, "n").to_le_bytes().to_vec(),
                number::<u32>(of, "tau").to_le_bytes().to_vec(),
                all(&["C_t", "C_p"]),
            ]
            .concat(),
            8 => all(&[
                "P",
                "order_hash",
                "sealed_digest",
                "recipient_digest",
                "submission_digest",
            ]),
            other => panic!("kind {other} has vectors, so it needs a writer here"),
        }
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
