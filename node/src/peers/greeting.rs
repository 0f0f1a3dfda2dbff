//! What a replica says of itself when it opens a stream, and why it may be turned away.

use akashi_proto::peer::{Frame, Hello};
use prost::bytes::Bytes;

/// Bytes of a peer address on the wire.
const ADDRESS_BYTES_MAX: usize = 100;

/// What a replica says of itself in the first frame of a stream.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Greeting {
    /// What its data directory calls itself.
    pub life: [u8; 16],
    /// Last index in its synced log.
    pub last_index: u64,
    /// Newest term that it has seen.
    pub term: u64,
    /// Where other replicas reach it: host and port.
    pub peer_address: String,
    /// How much it is preferred as leader.
    pub priority: u32,
}

/// Why a replica's stream is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TurnedAway {
    /// It was removed from the cluster.
    #[error("this replica was removed from the cluster")]
    Removed,
    /// Nobody has added it, as far as this node knows.
    #[error("this replica is not a member of the cluster")]
    Stranger,
    /// Its data directory is not the one that was met under its id: emptied, or another's.
    #[error("another disk is known under this id")]
    OtherDisk,
    /// Its log ends before what it has acknowledged: an older copy of its disk.
    #[error("the log of this replica ends before what it has acknowledged")]
    OldDisk,
}

impl TurnedAway {
    /// Its value of the metric's label.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Removed => "removed",
            Self::Stranger => "stranger",
            Self::OtherDisk => "other_disk",
            Self::OldDisk => "old_disk",
        }
    }
}

impl Greeting {
    /// The first frame of a stream.
    pub(super) fn into_frame(self, cluster_id: [u8; 16]) -> Frame {
        Frame {
            cluster_id: Bytes::copy_from_slice(&cluster_id),
            hello: Some(Hello {
                life: Bytes::copy_from_slice(&self.life),
                last_index: self.last_index,
                term: self.term,
                peer_address: self.peer_address,
                priority: self.priority,
            }),
            ..Frame::default()
        }
    }

    /// What the first frame of a stream says; none if it says nothing that can be read.
    pub(super) fn from_frame(frame: &Frame) -> Option<Self> {
        let hello = frame.hello.as_ref()?;
        let address = &hello.peer_address;
        let printable = address.bytes().all(|byte| byte.is_ascii_graphic());
        if address.len() > ADDRESS_BYTES_MAX || !printable {
            return None;
        }
        Some(Self {
            life: hello.life.as_ref().try_into().ok()?,
            last_index: hello.last_index,
            term: hello.term,
            peer_address: address.clone(),
            priority: hello.priority,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_greeting_is_read_as_it_was_said_and_a_strange_one_is_not() {
        let said = Greeting {
            life: [3; 16],
            last_index: 70,
            term: 4,
            peer_address: "n4.example:7421".to_owned(),
            priority: 2,
        };
        let frame = said.clone().into_frame([1; 16]);
        assert_eq!(Greeting::from_frame(&frame), Some(said));
        assert_eq!(Greeting::from_frame(&Frame::default()), None);
        let strange: [fn(&mut Hello); 3] = [
            |hello| hello.life = Bytes::from_static(&[1; 15]),
            |hello| hello.peer_address = "a".repeat(101),
            |hello| hello.peer_address = "a b:1".to_owned(),
        ];
        for change in strange {
            let mut frame = frame.clone();
            frame.hello.as_mut().map(change).unwrap();
            assert_eq!(Greeting::from_frame(&frame), None);
        }
    }
}
