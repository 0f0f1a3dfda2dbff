//! Raft messages as bytes, written by hand from the published field numbers.
//!
//! Only `node/replica/src/consensus` names raft-rs; here its wire format is enough, and it lets a
//! message carry what no encoder would write.

/// One message under construction: protobuf fields in the order in which they are put.
#[derive(Default)]
pub(crate) struct Message(Vec<u8>);

impl Message {
    pub(crate) const TYPE: u64 = 1;
    pub(crate) const TO: u64 = 2;
    pub(crate) const FROM: u64 = 3;
    pub(crate) const TERM: u64 = 4;
    pub(crate) const LOG_TERM: u64 = 5;
    pub(crate) const INDEX: u64 = 6;
    pub(crate) const ENTRIES: u64 = 7;
    pub(crate) const COMMIT: u64 = 8;
    pub(crate) const SNAPSHOT: u64 = 9;
    pub(crate) const REJECT: u64 = 10;
    pub(crate) const REJECT_HINT: u64 = 11;
    pub(crate) const CONTEXT: u64 = 12;
    pub(crate) const REQUEST_SNAPSHOT: u64 = 13;
    pub(crate) const COMMIT_TERM: u64 = 15;
    pub(crate) const PRIORITY: u64 = 16;

    /// A number; zero is left out, as encoders do.
    pub(crate) fn number(&mut self, field: u64, value: u64) {
        if value != 0 {
            put_varint(&mut self.0, field << 3);
            put_varint(&mut self.0, value);
        }
    }

    /// Bytes, or a message inside this one.
    pub(crate) fn bytes(&mut self, field: u64, value: &[u8]) {
        put_varint(&mut self.0, field << 3 | 2);
        put_varint(&mut self.0, value.len() as u64);
        self.0.extend_from_slice(value);
    }

    pub(crate) fn finish(self) -> Vec<u8> {
        self.0
    }
}

/// One entry inside an append.
pub(crate) fn entry(kind: u64, term: u64, index: u64, data: &[u8]) -> Vec<u8> {
    let mut entry = Message::default();
    entry.number(1, kind);
    entry.number(2, term);
    entry.number(3, index);
    if !data.is_empty() {
        entry.bytes(4, data);
    }
    entry.finish()
}

fn put_varint(bytes: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        bytes.push(value as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
}
