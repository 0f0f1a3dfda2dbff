//! Sealing to one recipient: RFC 9180 in base mode with DHKEM(X25519, HKDF-SHA256), HKDF-SHA256 and
//! `ChaCha20Poly1305`.
//!
//! Whoever has the recipient's public key can seal: what makes a payload the customer's is the consent
//! that covers its digest, not the sealing. A failure to open says nothing about why.

use std::fmt;
use std::path::Path;

use akashi_proof::sealed_digest;
use hpke::aead::ChaCha20Poly1305;
use hpke::kdf::HkdfSha256;
use hpke::kem::X25519HkdfSha256;
use hpke::{Deserializable, Kem, OpModeR, OpModeS, Serializable};
use zeroize::Zeroizing;

use crate::entropy::ProofRandom;
use crate::error::Error;
use crate::files::{self, Mode};

/// Bytes of an encapsulated key.
const ENCAPSULATED_BYTES: usize = 32;
/// Bytes that `ChaCha20Poly1305` adds to a plaintext.
const TAG_BYTES: usize = 16;

/// A sealed payload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sealed {
    encapsulated: [u8; ENCAPSULATED_BYTES],
    ciphertext: Vec<u8>,
}

impl Sealed {
    /// Reads lv(encapsulated key) ‖ ciphertext, as it travels with a consent.
    #[must_use]
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let (length, rest) = bytes.split_first_chunk::<2>()?;
        if usize::from(u16::from_le_bytes(*length)) != ENCAPSULATED_BYTES {
            return None;
        }
        let (encapsulated, ciphertext) = rest.split_first_chunk::<ENCAPSULATED_BYTES>()?;
        (ciphertext.len() >= TAG_BYTES).then(|| Self {
            encapsulated: *encapsulated,
            ciphertext: ciphertext.to_vec(),
        })
    }

    /// lv(encapsulated key) ‖ ciphertext.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let length = u16::try_from(ENCAPSULATED_BYTES).unwrap_or(u16::MAX);
        let mut bytes = Vec::from(length.to_le_bytes());
        bytes.extend_from_slice(&self.encapsulated);
        bytes.extend_from_slice(&self.ciphertext);
        bytes
    }

    /// What the consent and the submission say of it.
    #[must_use]
    pub fn digest(&self) -> [u8; 32] {
        sealed_digest(&self.encapsulated, &self.ciphertext)
    }
}

/// The private key of a recipient: a processor of orders.
pub struct RecipientSecret(<X25519HkdfSha256 as Kem>::PrivateKey);

impl fmt::Debug for RecipientSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RecipientSecret([redacted])")
    }
}

impl RecipientSecret {
    /// A fresh key.
    ///
    /// # Errors
    ///
    /// [`Error::Entropy`].
    pub fn generate() -> Result<Self, Error> {
        let (secret, _) = X25519HkdfSha256::gen_keypair_with_rng(&mut ProofRandom::draw()?);
        Ok(Self(secret))
    }

    /// Takes the 32 bytes of a key; none if they are no X25519 private key.
    #[must_use]
    pub fn from_bytes(bytes: &[u8; 32]) -> Option<Self> {
        <X25519HkdfSha256 as Kem>::PrivateKey::from_bytes(bytes)
            .ok()
            .map(Self)
    }

    /// Reads a key file: 64 hexadecimal digits.
    ///
    /// # Errors
    ///
    /// [`Error::File`], [`Error::Malformed`].
    pub fn read(path: &Path) -> Result<Self, Error> {
        let bytes = files::read_secret(path)?;
        Self::from_bytes(&bytes).ok_or_else(|| Error::malformed(path, "not an X25519 private key"))
    }

    /// Writes the key to a new file of mode 0600.
    ///
    /// # Errors
    ///
    /// [`Error::Exists`], [`Error::File`].
    pub fn write(&self, path: &Path) -> Result<(), Error> {
        let mut bytes = self.0.to_bytes();
        let text = Zeroizing::new(hex::encode(bytes.as_slice()));
        zeroize::Zeroize::zeroize(bytes.as_mut_slice());
        files::write_new(path, text.as_bytes(), Mode::Private)
    }

    /// The public key, as a policy names it.
    #[must_use]
    pub fn public(&self) -> [u8; 32] {
        X25519HkdfSha256::sk_to_pk(&self.0).to_bytes().into()
    }
}

/// Seals `plaintext` to `recipient`.
///
/// # Errors
///
/// [`Error::Proof`] if `recipient` is no usable public key; [`Error::Entropy`].
pub fn seal(
    recipient: &[u8; 32],
    info: &[u8],
    associated: &[u8],
    plaintext: &[u8],
) -> Result<Sealed, Error> {
    seal_with(
        recipient,
        info,
        associated,
        plaintext,
        &mut ProofRandom::draw()?,
    )
}

fn seal_with(
    recipient: &[u8; 32],
    info: &[u8],
    associated: &[u8],
    plaintext: &[u8],
    random: &mut impl rand_core::CryptoRng,
) -> Result<Sealed, Error> {
    let unusable = |_| Error::Proof {
        what: "the recipient's key cannot be sealed to",
    };
    let recipient =
        <X25519HkdfSha256 as Kem>::PublicKey::from_bytes(recipient).map_err(unusable)?;
    let (encapsulated, ciphertext) =
        hpke::single_shot_seal_with_rng::<ChaCha20Poly1305, HkdfSha256, X25519HkdfSha256>(
            &OpModeS::Base,
            &recipient,
            info,
            plaintext,
            associated,
            random,
        )
        .map_err(unusable)?;
    Ok(Sealed {
        encapsulated: encapsulated.to_bytes().into(),
        ciphertext,
    })
}

/// Opens a sealed payload.
///
/// # Errors
///
/// [`Error::Integrity`] if it was sealed to another key, for another challenge or another order, or was
/// changed.
pub fn open(
    secret: &RecipientSecret,
    info: &[u8],
    associated: &[u8],
    sealed: &Sealed,
) -> Result<Zeroizing<Vec<u8>>, Error> {
    let closed =
        |_| Error::integrity("the sealed payload does not open with this key for this order");
    let encapsulated =
        <X25519HkdfSha256 as Kem>::EncappedKey::from_bytes(&sealed.encapsulated).map_err(closed)?;
    hpke::single_shot_open::<ChaCha20Poly1305, HkdfSha256, X25519HkdfSha256>(
        &OpModeR::Base,
        &secret.0,
        &encapsulated,
        info,
        &sealed.ciphertext,
        associated,
    )
    .map(Zeroizing::new)
    .map_err(closed)
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::os::unix::fs::PermissionsExt as _;

    use rand_core::{TryCryptoRng, TryRng};

    use super::*;

    /// RFC 9180 appendix A.2.1 (base mode, sequence number 0) as published.
    const INFO: &str = "4f6465206f6e2061204772656369616e2055726e";
    const IKM_E: &str = "909a9b35d3dc4713a5e72a4da274b55d3d3821a37e5d099e74a647db583a904b";
    const PK_EM: &str = "1afa08d3dec047a643885163f1180476fa7ddb54c6a8029ea33f95796bf2ac4a";
    const SK_RM: &str = "8057991eef8f1f1af18f4a9491d16a1ce333f695d4db8e38da75975c4478e0fb";
    const PK_RM: &str = "4310ee97d88cc1f088a5576c77ab0cf5c3ac797f3d95139c6c84b5429c59662a";
    const PLAINTEXT: &str = "4265617574792069732074727574682c20747275746820626561757479";
    const ASSOCIATED: &str = "436f756e742d30";
    const CIPHERTEXT: &str = "1c5250d8034ec2b784ba2cfd69dbdb8af406cfe3ff938e131f0def8c8b60b4db21993c62ce81883d2dd1b51a28";

    fn bytes(digits: &str) -> Vec<u8> {
        hex::decode(digits).unwrap()
    }

    fn key(digits: &str) -> [u8; 32] {
        bytes(digits).try_into().unwrap()
    }

    /// Gives the input keying material of the vector where a sender draws its own.
    struct Fixed(Vec<u8>);

    impl TryRng for Fixed {
        type Error = Infallible;

        fn try_next_u32(&mut self) -> Result<u32, Infallible> {
            Ok(0)
        }

        fn try_next_u64(&mut self) -> Result<u64, Infallible> {
            Ok(0)
        }

        fn try_fill_bytes(&mut self, destination: &mut [u8]) -> Result<(), Infallible> {
            destination.copy_from_slice(&self.0[..destination.len()]);
            Ok(())
        }
    }

    impl TryCryptoRng for Fixed {}

    #[test]
    fn the_vector_of_rfc_9180_is_sealed_and_opened_as_published() {
        let secret = RecipientSecret::from_bytes(&key(SK_RM)).unwrap();
        assert_eq!(hex::encode(secret.public()), PK_RM);
        let (info, associated) = (bytes(INFO), bytes(ASSOCIATED));
        let mut sender = Fixed(bytes(IKM_E));
        let sealed = seal_with(
            &secret.public(),
            &info,
            &associated,
            &bytes(PLAINTEXT),
            &mut sender,
        )
        .unwrap();
        assert_eq!(hex::encode(sealed.encapsulated), PK_EM);
        assert_eq!(hex::encode(&sealed.ciphertext), CIPHERTEXT);
        let opened = open(&secret, &info, &associated, &sealed).unwrap();
        assert_eq!(hex::encode(&*opened), PLAINTEXT);
    }

    #[test]
    fn nothing_opens_for_another_order_another_challenge_another_key_or_after_a_change() {
        let secret = RecipientSecret::generate().unwrap();
        let other = RecipientSecret::generate().unwrap();
        let sealed = seal(&secret.public(), b"info", &[1; 32], b"order").unwrap();
        assert_eq!(
            &*open(&secret, b"info", &[1; 32], &sealed).unwrap(),
            b"order"
        );
        assert!(open(&other, b"info", &[1; 32], &sealed).is_err());
        assert!(open(&secret, b"inf", &[1; 32], &sealed).is_err());
        assert!(open(&secret, b"info", &[2; 32], &sealed).is_err());
        let bytes = sealed.to_bytes();
        for position in 2..bytes.len() {
            let mut changed = bytes.clone();
            changed[position] ^= 1;
            let changed = Sealed::parse(&changed).unwrap();
            assert!(
                open(&secret, b"info", &[1; 32], &changed).is_err(),
                "{position}"
            );
            assert_ne!(changed.digest(), sealed.digest());
        }
    }

    #[test]
    fn a_payload_is_read_back_from_its_bytes_and_from_no_others() {
        let secret = RecipientSecret::generate().unwrap();
        let sealed = seal(&secret.public(), b"info", b"", b"order").unwrap();
        let bytes = sealed.to_bytes();
        assert_eq!(Sealed::parse(&bytes), Some(sealed));
        assert_eq!(Sealed::parse(&bytes[..49]), None);
        assert_eq!(Sealed::parse(&[&[33], &bytes[1..]].concat()), None);
    }

    #[test]
    fn a_key_of_small_order_is_not_sealed_to() {
        assert!(seal(&[0; 32], b"info", b"", b"order").is_err());
    }

    #[test]
    fn a_recipients_key_stays_in_a_private_file_and_out_of_debug_output() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("processor.key");
        let secret = RecipientSecret::generate().unwrap();
        secret.write(&path).unwrap();
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let again = RecipientSecret::read(&path).unwrap();
        assert_eq!(again.public(), secret.public());
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(!format!("{secret:?}").contains(text.trim()));
        std::fs::write(&path, "c0ffee").unwrap();
        let error = RecipientSecret::read(&path).unwrap_err().to_string();
        assert!(!error.contains("c0ffee"), "{error}");
    }
}
