//! Heads: which log, how many leaves, which root. What cosigners sign and receipts lead to.
//!
//! The text form is the note text of a C2SP checkpoint without extension lines, byte for byte.
//!
//! # Sources
//!
//! <https://c2sp.org/tlog-checkpoint>, "Note text".

use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::String;
use core::fmt;

use thiserror::Error;

use crate::text::{base64, parse_decimal, parse_hash};
use crate::tree::{Hash, TREE_SIZE_MAX, empty_root};

/// Longest cluster name in bytes: a host name and a path, short enough for a log line.
const CLUSTER_BYTES_MAX: usize = 128;

/// The identity of one log: `<cluster>/e<epoch>/g<group>`.
///
/// A log that cannot go on from its last sealed head (all sites lost, a restore from an older
/// backup) gets a new epoch, so that no two trees ever share an origin.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Origin {
    cluster: String,
    epoch: u32,
    group: u16,
}

/// Why a text is no origin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum OriginError {
    /// The cluster name is empty, too long, or not lower-case letters, digits, `.`, `-` and
    /// single inner `/`.
    #[error("cluster name is malformed")]
    Cluster,
    /// The part `e<epoch>` is missing or malformed.
    #[error("epoch is malformed")]
    Epoch,
    /// The part `g<group>` is missing or malformed.
    #[error("group is malformed")]
    Group,
}

impl Origin {
    /// Names the log of a group in an epoch of a cluster.
    ///
    /// The cluster name is a schema-less URL such as `kagami.example` or `example.com/akashi`:
    /// lower-case letters, digits, `.`, `-` and single `/` inside, at most 128 bytes.
    ///
    /// # Errors
    ///
    /// [`OriginError::Cluster`].
    pub fn new(cluster: &str, epoch: u32, group: u16) -> Result<Self, OriginError> {
        let part_is_well_formed = |part: &str| {
            !part.is_empty()
                && part
                    .bytes()
                    .all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'.' | b'-'))
        };
        if cluster.len() > CLUSTER_BYTES_MAX || !cluster.split('/').all(part_is_well_formed) {
            return Err(OriginError::Cluster);
        }
        Ok(Self {
            cluster: cluster.to_owned(),
            epoch,
            group,
        })
    }

    /// Reads the text form.
    ///
    /// # Errors
    ///
    /// [`OriginError`].
    pub fn parse(text: &str) -> Result<Self, OriginError> {
        let (rest, group) = text.rsplit_once('/').ok_or(OriginError::Group)?;
        let group = group
            .strip_prefix('g')
            .and_then(parse_decimal)
            .ok_or(OriginError::Group)?;
        let group = u16::try_from(group).map_err(|_above| OriginError::Group)?;
        let (cluster, epoch) = rest.rsplit_once('/').ok_or(OriginError::Epoch)?;
        let epoch = epoch
            .strip_prefix('e')
            .and_then(parse_decimal)
            .ok_or(OriginError::Epoch)?;
        let epoch = u32::try_from(epoch).map_err(|_above| OriginError::Epoch)?;
        Self::new(cluster, epoch, group)
    }

    /// Gives the cluster name.
    #[must_use]
    pub fn cluster(&self) -> &str {
        &self.cluster
    }

    /// Gives the epoch.
    #[must_use]
    pub const fn epoch(&self) -> u32 {
        self.epoch
    }

    /// Gives the group.
    #[must_use]
    pub const fn group(&self) -> u16 {
        self.group
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/e{}/g{}", self.cluster, self.epoch, self.group)
    }
}

/// The state of a log at one size.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// Which log.
    pub origin: Origin,
    /// Number of leaves.
    pub size: u64,
    /// Root over them.
    pub root: Hash,
}

/// Why a text is no head.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum HeadError {
    /// The first line is no origin of ours.
    #[error("origin line is malformed")]
    Origin(#[source] OriginError),
    /// The second line is no size, or one above [`TREE_SIZE_MAX`].
    #[error("size line is malformed")]
    Size,
    /// The third line is no root, or not the root of the empty tree while the size is zero.
    #[error("root line is malformed")]
    Root,
    /// There are not exactly three lines, each with its newline. Extension lines are refused:
    /// no replica vouches for their meaning.
    #[error("head has the wrong number of lines")]
    Lines,
}

impl HeadError {
    /// Gives the number of the faulty line, from 1.
    #[must_use]
    pub const fn line(self) -> usize {
        match self {
            Self::Origin(_) => 1,
            Self::Size => 2,
            Self::Root => 3,
            Self::Lines => 4,
        }
    }
}

impl Head {
    /// Writes the note text: origin, decimal size and base64 root, each with a newline.
    #[must_use]
    pub fn to_text(&self) -> String {
        format!("{}\n{}\n{}\n", self.origin, self.size, base64(&self.root))
    }

    /// Reads exactly what [`Head::to_text`] writes.
    ///
    /// # Errors
    ///
    /// [`HeadError`].
    pub fn parse(text: &str) -> Result<Self, HeadError> {
        let mut lines = text.split('\n');
        let mut line = || lines.next().ok_or(HeadError::Lines);
        let (origin, size, root, behind) = (line()?, line()?, line()?, line()?);
        if !behind.is_empty() || lines.next().is_some() {
            return Err(HeadError::Lines);
        }
        let origin = Origin::parse(origin).map_err(HeadError::Origin)?;
        let size = parse_decimal(size)
            .filter(|s| *s <= TREE_SIZE_MAX)
            .ok_or(HeadError::Size)?;
        let root = parse_hash(root).ok_or(HeadError::Root)?;
        if size == 0 && root != empty_root() {
            return Err(HeadError::Root);
        }
        Ok(Self { origin, size, root })
    }
}
