//! Secrets of the phone: the root secret, the device secret derived from it, and the PIN scalar.
//!
//! Nothing here may be printed, cloned or serialised, and every secret is wiped when dropped. The
//! phone stores the root secret and the device salts, wrapped by its platform key store; device
//! secrets and PIN scalars are derived when needed. The PIN scalar, K, and the phone's own
//! submissions must never be stored on the phone: each of them lets a thief test PINs.
//!
//! | symbol | meaning |
//! |---|---|
//! | x | device secret, P = x·B |
//! | d | device salt, 32 random bytes per tenant |
//! | w | PIN scalar, K = w·B |

use core::fmt;

use argon2::{Algorithm, Argon2, Params, Version};
use curve25519_dalek::Scalar;
use shake::{ExtendableOutput, Shake256, Update, XofReader};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::{DeviceKey, PinKey, Suite, context::is_name, encode, key::PublicElement};

/// Longest PIN in bytes; more is a mistake of the caller, not a better PIN.
pub const PIN_BYTES_MAX: usize = 64;

/// Why a secret cannot be derived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SecretError {
    /// Origin or tenant is empty or longer than [`NAME_BYTES_MAX`](crate::NAME_BYTES_MAX).
    Name,
    /// The PIN is empty or longer than [`PIN_BYTES_MAX`].
    PinLength,
    /// The cost parameters are outside what Argon2 allows.
    KdfCost,
    /// The derivation gave zero, which happens once in 2²⁵² times.
    Zero,
}

impl fmt::Display for SecretError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Name => "origin and tenant must have 1 to 255 bytes",
            Self::PinLength => "pin must have 1 to 64 bytes",
            Self::KdfCost => "cost parameters are outside what argon2 allows",
            Self::Zero => "derived secret is zero",
        })
    }
}

impl core::error::Error for SecretError {}

/// The one secret from which a phone derives its device secrets for all tenants.
///
/// ```compile_fail
/// let root = akashi_proof::RootSecret::from_bytes([1; 32]);
/// println!("{root:?}");
/// ```
/// ```compile_fail
/// let root = akashi_proof::RootSecret::from_bytes([1; 32]);
/// let copy = root.clone();
/// ```
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct RootSecret([u8; 32]);

impl RootSecret {
    /// Takes 32 bytes from the phone's random generator or from its store. The caller wipes its own
    /// copy.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The device secret for one tenant.
    ///
    /// x = wide-reduce(SHAKE256("akashi/v1/device-key" ‖ root \[32\] ‖ suite u8 ‖ lv(origin) ‖
    /// lv(tenant) ‖ key epoch u32, 64 bytes)). Different tenants, origins, suites and epochs give
    /// keys that nobody can link without the root secret. `key_epoch` is raised after a revocation.
    /// Origin and tenant must come from authenticated data, or a false log could ask for another
    /// log's key.
    ///
    /// # Errors
    /// [`SecretError::Name`], [`SecretError::Zero`].
    pub fn device_secret(
        &self,
        suite: Suite,
        origin: &[u8],
        tenant: &[u8],
        key_epoch: u32,
    ) -> Result<DeviceSecret, SecretError> {
        if !is_name(origin) || !is_name(tenant) {
            return Err(SecretError::Name);
        }
        let mut shake = Shake256::default();
        shake.update(b"akashi/v1/device-key");
        shake.update(&self.0);
        shake.update(&[suite.code()]);
        for name in [origin, tenant] {
            shake.update(&encode::lv_prefix(name));
            shake.update(name);
        }
        shake.update(&key_epoch.to_le_bytes());
        let mut wide = Zeroizing::new([0; 64]);
        shake.finalize_xof().read(wide.as_mut_slice());
        DeviceSecret::from_wide(&wide)
    }
}

/// x: what a device answers with for one tenant.
///
/// ```compile_fail
/// fn printable<T: core::fmt::Debug>() {}
/// printable::<akashi_proof::DeviceSecret>();
/// ```
/// ```compile_fail
/// fn copyable<T: Clone>() {}
/// copyable::<akashi_proof::DeviceSecret>();
/// ```
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct DeviceSecret {
    x: Scalar,
    #[zeroize(skip)]
    public: DeviceKey,
}

impl DeviceSecret {
    fn from_wide(wide: &[u8; 64]) -> Result<Self, SecretError> {
        let x = Scalar::from_bytes_mod_order_wide(wide);
        let public = PublicElement::of_secret(&x).ok_or(SecretError::Zero)?;
        Ok(Self {
            x,
            public: DeviceKey::from_element(public),
        })
    }

    /// P = x·B.
    #[must_use]
    pub const fn public(&self) -> DeviceKey {
        self.public
    }

    pub(crate) const fn scalar(&self) -> &Scalar {
        &self.x
    }
}

/// What one derivation of a PIN costs: the price of each guess for a thief who has d and K or a
/// recorded proof.
///
/// Part of what makes K: a PIN enrolled under one cost never matches under another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PinKdf {
    memory_kib: u32,
    passes: u32,
}

impl PinKdf {
    /// Argon2id with 64 MiB, 3 passes, 1 lane: the cost of suite 0x01 (about 0.1 s on a 2020s phone
    /// or server core).
    pub const STANDARD: Self = Self {
        memory_kib: 64 * 1024,
        passes: 3,
    };

    /// Another cost, for simulations and tests that derive many PINs whose secrecy nobody relies
    /// on.
    ///
    /// # Errors
    /// [`SecretError::KdfCost`] below 8 KiB or one pass.
    pub fn with_cost(memory_kib: u32, passes: u32) -> Result<Self, SecretError> {
        let kdf = Self { memory_kib, passes };
        kdf.params().map(|_| kdf)
    }

    fn params(self) -> Result<Params, SecretError> {
        Params::new(self.memory_kib, self.passes, LANES, Some(64))
            .map_err(|_cause| SecretError::KdfCost)
    }
}

/// Argon2 lanes: one, so that the result does not depend on how many cores a phone spares.
const LANES: u32 = 1;

/// w: what a PIN answers with on one device.
///
/// ```compile_fail
/// fn printable<T: core::fmt::Debug>() {}
/// printable::<akashi_proof::PinSecret>();
/// ```
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct PinSecret {
    w: Scalar,
    #[zeroize(skip)]
    public: PinKey,
}

impl PinSecret {
    /// w = wide-reduce(Argon2id(pin, salt = d ‖ subject, 64 bytes)), Argon2 version 0x13.
    ///
    /// # Cost
    /// With [`PinKdf::STANDARD`] 64 MiB of memory and about 0.1 s.
    ///
    /// # Errors
    /// [`SecretError::PinLength`], [`SecretError::KdfCost`], [`SecretError::Zero`].
    pub fn derive(
        kdf: PinKdf,
        pin: &[u8],
        device_salt: &[u8; 32],
        subject: &[u8; 32],
    ) -> Result<Self, SecretError> {
        if pin.is_empty() || pin.len() > PIN_BYTES_MAX {
            return Err(SecretError::PinLength);
        }
        let salt = Zeroizing::new([*device_salt, *subject].concat());
        let mut wide = Zeroizing::new([0; 64]);
        Argon2::new(Algorithm::Argon2id, Version::V0x13, kdf.params()?)
            .hash_password_into(pin, &salt, wide.as_mut_slice())
            .map_err(|_cause| SecretError::KdfCost)?;
        let w = Scalar::from_bytes_mod_order_wide(&wide);
        let public = PublicElement::of_secret(&w).ok_or(SecretError::Zero)?;
        Ok(Self {
            w,
            public: PinKey::from_element(public),
        })
    }

    /// K = w·B.
    #[must_use]
    pub const fn public(&self) -> PinKey {
        self.public
    }

    pub(crate) const fn scalar(&self) -> &Scalar {
        &self.w
    }
}
