//! Replica to replica: Raft messages and cosignatures on one stream per direction, commands and
//! reads handed to the leader by call.
//!
//! Each node dials every other member and sends on the stream it opened; what it receives comes on the
//! streams that the others opened. Who the members are may change while it runs. Losing any of it is harmless: Raft and sealing repeat themselves.
//! Nothing that a peer sends is believed beyond its certificate: Raft frames pass the gate of
//! `RaftCore`, cosignatures are verified, commands are decided by every replica.

mod calls;
mod greeting;
mod links;
mod outbound;
mod service;
mod snapshots;

pub use calls::{Calls, ForwardError};
pub use greeting::{Greeting, TurnedAway};
pub use links::{Links, Node};
pub use outbound::Outbox;
pub use service::{Boxed, PeerInputs, PeerPort};
pub(crate) use snapshots::NotGiven;
pub use snapshots::{SnapshotInputs, SnapshotPort};

use akashi_merkle::SignedHead;
use akashi_proto::peer;
use akashi_replica::agreement::StateDigest;
use akashi_replica::seal::SealMessage;
use prost::bytes::Bytes;

/// Bytes of one frame on the wire: one of Raft's largest messages with room to spare.
const FRAME_BYTES_MAX: usize = 8 * 1_024 * 1_024;

/// How well a replica is, as it says itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PeerVitals {
    /// Its clock when it answered: microseconds since 1970-01-01 UTC.
    pub unix_us: u64,
    /// How slow it is, from 1 to 100.
    pub slow_score: u32,
    /// Whether its disk is nearly full.
    pub disk_low: bool,
    /// Whether it is fenced.
    pub fenced: bool,
}

/// The vitals of a frame, with the time of the question that they answer.
fn take_vitals(frame: &peer::Frame) -> Option<(u64, PeerVitals)> {
    let said = frame.vitals.as_ref()?;
    let told = PeerVitals {
        unix_us: said.unix_us,
        slow_score: said.slow_score,
        disk_low: said.disk_low,
        fenced: said.fenced,
    };
    Some((said.asked_us, told))
}

/// The wire form of a seal message inside a frame.
fn put_seal(frame: &mut peer::Frame, message: &SealMessage) {
    match message {
        SealMessage::Handover(sealed) => frame.handovers.push(sealed.to_text()),
        SealMessage::Announce { size } => {
            frame.announce = Some(peer::SealAnnounce { size: *size });
        }
        SealMessage::Cosign {
            size,
            root,
            time_s,
            signature,
        } => {
            frame.cosigns.push(peer::Cosign {
                size: *size,
                root: Bytes::copy_from_slice(root),
                time_s: *time_s,
                signature: Bytes::copy_from_slice(signature),
            });
        }
    }
}

/// The state digest of a frame; one of another width is left out.
fn take_state_digest(frame: &peer::Frame) -> Option<StateDigest> {
    let said = frame.state_digest.as_ref()?;
    Some(StateDigest {
        index: said.index,
        digest: said.digest.as_ref().try_into().ok()?,
    })
}

/// The seal messages of a frame; what does not have the right widths is left out.
fn take_seals(frame: &peer::Frame) -> Vec<SealMessage> {
    let announce = frame
        .announce
        .as_ref()
        .map(|a| SealMessage::Announce { size: a.size });
    let cosigns = frame.cosigns.iter().filter_map(|cosign| {
        Some(SealMessage::Cosign {
            size: cosign.size,
            root: cosign.root.as_ref().try_into().ok()?,
            time_s: cosign.time_s,
            signature: cosign.signature.as_ref().try_into().ok()?,
        })
    });
    let handovers = frame
        .handovers
        .iter()
        .filter_map(|text| SignedHead::parse(text).ok())
        .map(SealMessage::Handover);
    announce
        .into_iter()
        .chain(cosigns)
        .chain(handovers)
        .collect()
}
