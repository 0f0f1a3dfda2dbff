//! Messages without their types: what a request has for fields is read from the published descriptors,
//! so that a new field is marked without anybody remembering it.

use std::collections::BTreeMap;

use akashi_client::RequestId;
use prost::Message as _;
use prost_types::field_descriptor_proto::{Label, Type};
use prost_types::{DescriptorProto, FieldDescriptorProto, FileDescriptorSet};

/// How deep messages are looked into.
const DEPTH_MAX: usize = 5;
/// A number that no message has: what is there is skipped by readers.
const UNKNOWN_FIELD: u32 = 1_999;

/// Every message of the surface by its full name.
pub(super) struct Catalogue {
    messages: BTreeMap<String, DescriptorProto>,
    requests: BTreeMap<String, String>,
}

/// One field as it stands in a message.
struct Piece {
    number: u32,
    whole: Vec<u8>,
    payload: Vec<u8>,
}

impl Catalogue {
    pub(super) fn of(descriptors: &[u8]) -> Self {
        let set = FileDescriptorSet::decode(descriptors).unwrap();
        let mut catalogue = Self {
            messages: BTreeMap::new(),
            requests: BTreeMap::new(),
        };
        for file in &set.file {
            let package = format!(".{}", file.package());
            for message in &file.message_type {
                catalogue.add(&package, message);
            }
            for service in &file.service {
                for method in &service.method {
                    let path = format!("/{}.{}/{}", file.package(), service.name(), method.name());
                    let input = method.input_type().to_owned();
                    catalogue.requests.insert(path, input);
                }
            }
        }
        catalogue
    }

    fn add(&mut self, above: &str, message: &DescriptorProto) {
        let name = format!("{above}.{}", message.name());
        for nested in &message.nested_type {
            self.add(&name, nested);
        }
        self.messages.insert(name, message.clone());
    }

    /// The message that a method takes.
    pub(super) fn request(&self, path: &str) -> &DescriptorProto {
        &self.messages[&self.requests[path]]
    }

    /// A message with plausible values: `hint` gives them by the name of the field.
    pub(super) fn plausible(
        &self,
        message: &DescriptorProto,
        hint: &dyn Fn(&str, Type) -> Option<Vec<u8>>,
    ) -> Vec<u8> {
        self.filled(message, hint, 0)
    }

    fn filled(
        &self,
        message: &DescriptorProto,
        hint: &dyn Fn(&str, Type) -> Option<Vec<u8>>,
        depth: usize,
    ) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut chosen = Vec::new();
        for field in &message.field {
            // Of several that exclude each other, the first.
            if let Some(oneof) = field.oneof_index {
                if chosen.contains(&oneof) {
                    continue;
                }
                chosen.push(oneof);
            }
            if field.r#type() == Type::Message {
                if depth < DEPTH_MAX
                    && let Some(inner) = self.messages.get(field.type_name())
                    && hint(field.name(), Type::Message).is_some()
                {
                    delimited(
                        &mut bytes,
                        number(field),
                        &self.filled(inner, hint, depth + 1),
                    );
                }
            } else if let Some(value) = hint(field.name(), field.r#type()) {
                if matches!(field.r#type(), Type::String | Type::Bytes) {
                    delimited(&mut bytes, number(field), &value);
                } else {
                    varint(&mut bytes, u64::from(number(field)) << 3);
                    bytes.extend(value);
                }
            }
        }
        bytes
    }

    /// Copies of `bytes`, each with `mark` in another field that takes text or bytes, present or not,
    /// and one with it in a field that does not exist.
    pub(super) fn marked(
        &self,
        bytes: &[u8],
        message: &DescriptorProto,
        mark: &[u8],
    ) -> Vec<(String, Vec<u8>)> {
        let mut copies = self.marked_inside(bytes, message, mark, 0);
        let mut unknown = bytes.to_vec();
        delimited(&mut unknown, UNKNOWN_FIELD, mark);
        copies.push(("an unknown field".to_owned(), unknown));
        copies
    }

    fn marked_inside(
        &self,
        bytes: &[u8],
        message: &DescriptorProto,
        mark: &[u8],
        depth: usize,
    ) -> Vec<(String, Vec<u8>)> {
        let pieces = pieces(bytes);
        let mut copies = Vec::new();
        for field in &message.field {
            let others = |skip: usize| -> Vec<u8> {
                let kept = pieces.iter().enumerate().filter(|(at, _)| *at != skip);
                kept.flat_map(|(_, piece)| piece.whole.clone()).collect()
            };
            let own: Vec<usize> = (0..pieces.len())
                .filter(|at| pieces[*at].number == number(field))
                .collect();
            let at = own.first().copied().unwrap_or(usize::MAX);
            if matches!(field.r#type(), Type::String | Type::Bytes) {
                let mut copy = others(at);
                delimited(&mut copy, number(field), mark);
                copies.push((field.name().to_owned(), copy));
                // One more of many, the good ones staying where they are.
                if field.label() == Label::Repeated {
                    let mut copy = bytes.to_vec();
                    delimited(&mut copy, number(field), mark);
                    copies.push((format!("{}[+]", field.name()), copy));
                }
            }
            if field.r#type() == Type::Message
                && depth < DEPTH_MAX
                && let Some(inner) = self.messages.get(field.type_name())
            {
                let payload = pieces.get(at).map_or(&[][..], |piece| &piece.payload);
                for (place, nested) in self.marked_inside(payload, inner, mark, depth + 1) {
                    let mut copy = others(at);
                    delimited(&mut copy, number(field), &nested);
                    copies.push((format!("{}.{place}", field.name()), copy));
                }
            }
        }
        copies
    }
}

/// The same message under a request id of its own, and about new things where it makes some.
pub(super) fn refreshed(bytes: &[u8], message: &DescriptorProto) -> Vec<u8> {
    let fresh = |name: &str| match name {
        "request_id" => Some(RequestId::fresh().unwrap().to_vec()),
        _ => None,
    };
    let mut out = Vec::new();
    for piece in pieces(bytes) {
        let field = message.field.iter().find(|f| number(f) == piece.number);
        match field.and_then(|field| fresh(field.name())) {
            Some(value) => delimited(&mut out, piece.number, &value),
            None => out.extend(piece.whole),
        }
    }
    out
}

/// A whole number as a field's value.
pub(super) fn whole_number(value: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    varint(&mut bytes, value);
    bytes
}

fn number(field: &FieldDescriptorProto) -> u32 {
    u32::try_from(field.number()).unwrap()
}

fn delimited(bytes: &mut Vec<u8>, number: u32, payload: &[u8]) {
    varint(bytes, u64::from(number) << 3 | 2);
    varint(bytes, u64::try_from(payload.len()).unwrap());
    bytes.extend_from_slice(payload);
}

fn varint(bytes: &mut Vec<u8>, value: u64) {
    prost::encoding::encode_varint(value, bytes);
}

fn pieces(bytes: &[u8]) -> Vec<Piece> {
    let mut rest = bytes;
    let mut pieces = Vec::new();
    while !rest.is_empty() {
        let before = rest;
        let key = prost::encoding::decode_varint(&mut rest).unwrap();
        let mut payload = Vec::new();
        match key & 7 {
            0 => drop(prost::encoding::decode_varint(&mut rest).unwrap()),
            1 => rest = &rest[8..],
            2 => {
                let length = prost::encoding::decode_varint(&mut rest).unwrap();
                let (own, after) = rest.split_at(usize::try_from(length).unwrap());
                payload = own.to_vec();
                rest = after;
            }
            5 => rest = &rest[4..],
            other => panic!("wire type {other}"),
        }
        pieces.push(Piece {
            number: u32::try_from(key >> 3).unwrap(),
            whole: before[..before.len() - rest.len()].to_vec(),
            payload,
        });
    }
    pieces
}
