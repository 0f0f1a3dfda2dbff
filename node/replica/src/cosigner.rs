//! Who signs a replica's heads and checks what the others signed.
//!
//! A node does both with Ed25519 ([`CosignerSecret`]). The simulator puts a keyed hash in its place in
//! most of its runs: there it is the order of events that is tested, and signatures were most of the
//! time. Nothing in here may decide *whether* to sign; that is [`crate::seal`]'s.

use akashi_merkle::{CosignError, Cosignature, CosignerKey, CosignerSecret, Head};

/// The signing half of a replica.
pub trait Cosigner {
    /// The public half, as the cluster knows it.
    fn public(&self) -> &CosignerKey;

    /// Signs a head, at a time in seconds since 1970-01-01 UTC.
    ///
    /// # Errors
    ///
    /// [`CosignError::Time`].
    fn cosign(&self, head: &Head, time_s: u64) -> Result<Cosignature, CosignError>;

    /// Checks what the holder of `key` signed.
    ///
    /// # Errors
    ///
    /// [`CosignError::OtherKey`] and [`CosignError::DoesNotHold`].
    fn check(
        &self,
        key: &CosignerKey,
        head: &Head,
        cosignature: &Cosignature,
    ) -> Result<(), CosignError>;
}

impl Cosigner for CosignerSecret {
    fn public(&self) -> &CosignerKey {
        self.public()
    }

    fn cosign(&self, head: &Head, time_s: u64) -> Result<Cosignature, CosignError> {
        self.cosign(head, time_s)
    }

    fn check(
        &self,
        key: &CosignerKey,
        head: &Head,
        cosignature: &Cosignature,
    ) -> Result<(), CosignError> {
        key.verify(head, cosignature)
    }
}
