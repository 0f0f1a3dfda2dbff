//! The closed list of suites: one byte that fixes group, hash, encodings and check order together.
//!
//! A suite never changes its meaning once a release carries it; a new rule is a new suite.

/// A frozen set of verification rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Suite {
    /// 0x01: ristretto255 (RFC 9496) with the SHAKE128 duplex of draft-irtf-cfrg-fiat-shamir-03.
    V1,
}

impl Suite {
    /// The byte that stands for this suite in everything hashed, stored or sent.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::V1 => 0x01,
        }
    }

    /// The suite with this byte, or `None` ([`Reason::UnknownSuite`](crate::Reason::UnknownSuite)
    /// to the log).
    #[must_use]
    pub const fn from_code(code: u8) -> Option<Self> {
        match code {
            0x01 => Some(Self::V1),
            _ => None,
        }
    }
}
