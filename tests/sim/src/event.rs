//! What can happen at a certain time in a simulation.

use akashi_domain::answer::Answer;
use akashi_domain::command::Request;
use akashi_domain::ids::RequestId;
use akashi_replica::agreement::StateDigest;
use akashi_replica::entry::NodeId;
use akashi_replica::seal::SealMessage;

/// Something that happens at a certain time.
#[derive(Debug)]
pub(crate) enum Event {
    Tick {
        node: NodeId,
        life: u64,
    },
    Raft {
        from: NodeId,
        to: NodeId,
        bytes: Vec<u8>,
    },
    Seal {
        from: NodeId,
        to: NodeId,
        message: SealMessage,
    },
    /// A command reaches a node, from a client or forwarded by another node.
    Command {
        to: NodeId,
        from: Option<NodeId>,
        request: Box<Request>,
    },
    Answer {
        from: NodeId,
        request: RequestId,
        answer: Box<Answer>,
    },
    Propose {
        node: NodeId,
        life: u64,
    },
    SyncDone {
        node: NodeId,
        life: u64,
    },
    Apply {
        node: NodeId,
        life: u64,
    },
    Flush {
        node: NodeId,
        life: u64,
    },
    Restart {
        node: NodeId,
    },
    /// A replica's state was digested as of an entry.
    Digested {
        node: NodeId,
        life: u64,
        own: StateDigest,
    },
    /// A replica says its digest.
    Digest {
        from: NodeId,
        to: NodeId,
        said: StateDigest,
    },
    /// The state of a replica rots.
    Rot {
        node: NodeId,
    },
    /// A replica says up to where all have the log.
    AllHave {
        from: NodeId,
        to: NodeId,
        index: u64,
    },
    Cut {
        from: NodeId,
        to: NodeId,
    },
    Heal {
        from: NodeId,
        to: NodeId,
    },
    /// A replica that left is taken away.
    Retire {
        node: NodeId,
    },
    /// What ailed a replica's disk, clock or signatures is over.
    Well {
        node: NodeId,
    },
    Client {
        number: u64,
    },
    Resend {
        request: RequestId,
    },
    /// A read reaches a node.
    Read {
        to: NodeId,
        number: u64,
    },
    /// A node asks the leader for an index at which to answer a read.
    ReadAsk {
        from: NodeId,
        to: NodeId,
        number: u64,
    },
    /// The leader gives it.
    ReadReady {
        from: NodeId,
        to: NodeId,
        number: u64,
        index: u64,
    },
    /// A client has waited long enough for a read, and asks another node.
    ReadAgain {
        number: u64,
    },
    /// A majority has been down for a while: nothing may be decided any more.
    QuorumGone {
        decided: Option<u64>,
    },
    /// An entry under a rule that this version lacks.
    NewerRule,
    Fault,
    AllHeal,
    Converge,
}

impl Event {
    /// The process in which it happens; nothing does while that is paused.
    pub(crate) const fn runs_on(&self) -> Option<NodeId> {
        match self {
            Self::Tick { node, .. }
            | Self::Propose { node, .. }
            | Self::SyncDone { node, .. }
            | Self::Apply { node, .. }
            | Self::Flush { node, .. }
            | Self::Digested { node, .. } => Some(*node),
            Self::Raft { to, .. }
            | Self::Seal { to, .. }
            | Self::Command { to, .. }
            | Self::Digest { to, .. }
            | Self::AllHave { to, .. }
            | Self::Read { to, .. }
            | Self::ReadAsk { to, .. }
            | Self::ReadReady { to, .. } => Some(*to),
            Self::Answer { .. }
            | Self::Restart { .. }
            | Self::Rot { .. }
            | Self::Cut { .. }
            | Self::Heal { .. }
            | Self::Well { .. }
            | Self::Retire { .. }
            | Self::Client { .. }
            | Self::Resend { .. }
            | Self::ReadAgain { .. }
            | Self::QuorumGone { .. }
            | Self::NewerRule
            | Self::Fault
            | Self::AllHeal
            | Self::Converge => None,
        }
    }

    /// Whether it came over the network, whose buffers are finite.
    pub(crate) const fn is_mail(&self) -> bool {
        matches!(
            self,
            Self::Raft { .. } | Self::Seal { .. } | Self::Digest { .. } | Self::AllHave { .. }
        )
    }
}
