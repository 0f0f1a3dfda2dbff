//! Public elements: P, which a phone's secret answers for; K, which a PIN answers for; C, which hides
//! an attribute or a template.
//!
//! All keep their element decompressed, because decompression costs half as much as a batched
//! verification. They are distinct types so that none is ever checked in another's place.

use core::fmt;

use curve25519_dalek::{RistrettoPoint, Scalar};

use crate::{
    Reason,
    group::{self, ELEMENT_BYTES},
};

/// A group element together with its canonical encoding; never the identity.
#[derive(Clone, Copy)]
pub(crate) struct PublicElement {
    encoding: [u8; ELEMENT_BYTES],
    point: RistrettoPoint,
}

impl PublicElement {
    /// Decodes an element that must be canonical and not the identity.
    ///
    /// # Errors
    /// 15, then 16.
    pub(crate) fn from_bytes(bytes: &[u8; ELEMENT_BYTES]) -> Result<Self, Reason> {
        let point = group::decode_point(bytes)?;
        Ok(Self {
            encoding: *bytes,
            point,
        })
    }

    /// x·B in constant time, or `None` for x = 0.
    pub(crate) fn of_secret(x: &Scalar) -> Option<Self> {
        if *x == Scalar::ZERO {
            return None;
        }
        Self::of_point(RistrettoPoint::mul_base(x))
    }

    /// The element of a point that was computed here, or `None` for the identity.
    pub(crate) fn of_point(point: RistrettoPoint) -> Option<Self> {
        let encoding = point.compress().to_bytes();
        if encoding == [0; ELEMENT_BYTES] {
            return None;
        }
        Some(Self { encoding, point })
    }

    pub(crate) const fn encoding(&self) -> &[u8; ELEMENT_BYTES] {
        &self.encoding
    }

    pub(crate) const fn point(&self) -> RistrettoPoint {
        self.point
    }
}

macro_rules! public_key {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy)]
        pub struct $name(PublicElement);

        impl $name {
            /// Reads a key from its 32 bytes (RFC 9496 §4.3.1).
            ///
            /// # Errors
            /// [`Reason::NonCanonicalPoint`] or [`Reason::IdentityPoint`].
            pub fn from_bytes(bytes: &[u8; 32]) -> Result<Self, Reason> {
                PublicElement::from_bytes(bytes).map(Self)
            }

            /// The canonical encoding.
            #[must_use]
            pub const fn to_bytes(self) -> [u8; 32] {
                *self.0.encoding()
            }

            pub(crate) const fn from_element(element: PublicElement) -> Self {
                Self(element)
            }

            pub(crate) const fn element(&self) -> &PublicElement {
                &self.0
            }
        }

        impl PartialEq for $name {
            fn eq(&self, other: &Self) -> bool {
                self.0.encoding() == other.0.encoding()
            }
        }

        impl Eq for $name {}

        impl fmt::Debug for $name {
            /// Prints the first four bytes: enough to tell keys apart in a test, too little to find
            /// a subject by.
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($name), "("))?;
                for byte in self.0.encoding().iter().take(4) {
                    write!(f, "{byte:02x}")?;
                }
                f.write_str("..)")
            }
        }
    };
}

public_key! {
    /// P = x·B: the public key of one device for one tenant. A pseudonym, the same in every proof
    /// of that device.
    DeviceKey
}

public_key! {
    /// K = w·B: the public key of a PIN on one device. Hides the PIN only as long as the device's
    /// salt is secret.
    PinKey
}

public_key! {
    /// C = v·B + r·H: a Pedersen commitment to one attribute or amount v. Hides v perfectly.
    Commitment
}

public_key! {
    /// C = Σ tᵢ·F\[i\] + r·H: a commitment to a template, made by a sensor. Hides it perfectly.
    TemplateCommitment
}
