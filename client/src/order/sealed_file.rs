//! What the processor of an order gets: the sealed payload with what it needs to open and check it.
//!
//! The plaintext is length u32 ‖ order ‖ length u32 ‖ the customer's data ‖ zeros up to a multiple of 256,
//! so that the length of a ciphertext says little. The customer's data is for the processor only:
//! nothing here writes it anywhere but into the file that the caller names.

use std::fmt;
use std::path::Path;

use akashi_proof::{Context, seal_info};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::{Order, RecipientSecret, Sealed, open, seal};
use crate::error::Error;
use crate::files::{self, Mode};
use crate::hexadecimal::{Hex, HexBytes, read_json, to_json};

/// Plaintexts are filled up to a multiple of this many bytes.
const BLOCK_BYTES: usize = 256;

/// A sealed payload with the public values that it is bound to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealedFile {
    order_id: [u8; 16],
    order_hash: [u8; 32],
    info: Vec<u8>,
    amounts: Vec<[u8; 32]>,
    sealed: Sealed,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Form {
    order_id: Hex<16>,
    order_hash: Hex<32>,
    info: HexBytes,
    amounts: Vec<Hex<32>>,
    sealed: HexBytes,
}

/// An opened payload whose hash and amounts are those that the customer approved.
pub struct Opened {
    /// The order.
    pub order: Order,
    /// The customer's data, for the processor's eyes.
    pub data: Zeroizing<Vec<u8>>,
}

impl fmt::Debug for Opened {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Opened")
            .field("order", &self.order)
            .finish_non_exhaustive()
    }
}

impl SealedFile {
    /// Seals an order and the customer's data to `recipient`, for one challenge.
    ///
    /// # Errors
    ///
    /// [`Error::Usage`] if the sealed payload would have more than `bytes_max` bytes;
    /// [`Error::Proof`] for an unusable recipient; [`Error::Entropy`].
    pub fn seal(
        context: &Context,
        order: &Order,
        data: &[u8],
        recipient: &[u8; 32],
        bytes_max: usize,
    ) -> Result<Self, Error> {
        let order_hash = order.hash();
        let info = seal_info(context);
        let plaintext = plaintext(order, data)?;
        let sealed = seal(recipient, &info, &order_hash, &plaintext)?;
        let bytes = sealed.to_bytes().len();
        if bytes > bytes_max {
            return Err(Error::usage(format!(
                "order and data are {bytes} bytes when sealed; the policy allows {bytes_max}"
            )));
        }
        let amounts = order.amounts();
        Ok(Self {
            order_id: order.order_id(),
            order_hash,
            info,
            amounts: amounts.iter().map(|amount| amount.to_bytes()).collect(),
            sealed,
        })
    }

    /// A payload as it was fetched, with the public values of its challenge.
    #[must_use]
    pub const fn new(
        order_id: [u8; 16],
        order_hash: [u8; 32],
        info: Vec<u8>,
        amounts: Vec<[u8; 32]>,
        sealed: Sealed,
    ) -> Self {
        Self {
            order_id,
            order_hash,
            info,
            amounts,
            sealed,
        }
    }

    /// The payload as it travels.
    #[must_use]
    pub const fn sealed(&self) -> &Sealed {
        &self.sealed
    }

    /// The order's hash.
    #[must_use]
    pub const fn order_hash(&self) -> [u8; 32] {
        self.order_hash
    }

    /// The order's id.
    #[must_use]
    pub const fn order_id(&self) -> [u8; 16] {
        self.order_id
    }

    /// Opens the payload, computes the order's hash once more and checks every amount.
    ///
    /// # Errors
    ///
    /// [`Error::Integrity`] if it does not open, if the hash is another one, or if a commitment opens
    /// to another amount than the lines have.
    pub fn open(&self, secret: &RecipientSecret) -> Result<Opened, Error> {
        let plaintext = open(secret, &self.info, &self.order_hash, &self.sealed)?;
        let (order, data) = split(&plaintext)
            .ok_or_else(|| Error::integrity("the opened payload is not an order with data"))?;
        let order = Order::from_bytes(order)
            .map_err(|what| Error::integrity(format!("the opened order: {what}")))?;
        if order.hash() != self.order_hash {
            return Err(Error::integrity(
                "the opened order is not the one that was approved",
            ));
        }
        let opened = order.amounts();
        let same = opened
            .iter()
            .map(|amount| amount.to_bytes())
            .eq(self.amounts.iter().copied());
        if !same || order.order_id() != self.order_id {
            return Err(Error::integrity(
                "the amounts or the id of the opened order are not those of the challenge",
            ));
        }
        Ok(Opened {
            data: Zeroizing::new(data.to_vec()),
            order,
        })
    }

    /// Writes the payload to a new file.
    ///
    /// # Errors
    ///
    /// [`Error::Exists`], [`Error::File`].
    pub fn write(&self, path: &Path) -> Result<(), Error> {
        let form = Form {
            order_id: Hex(self.order_id),
            order_hash: Hex(self.order_hash),
            info: HexBytes(self.info.clone()),
            amounts: self.amounts.iter().copied().map(Hex).collect(),
            sealed: HexBytes(self.sealed.to_bytes()),
        };
        files::write_new(path, &to_json(&form, path)?, Mode::Private)
    }

    /// Reads a payload file.
    ///
    /// # Errors
    ///
    /// [`Error::File`], [`Error::Malformed`].
    pub fn read(path: &Path) -> Result<Self, Error> {
        let form: Form = read_json(path)?;
        let sealed = Sealed::parse(&form.sealed.0)
            .ok_or_else(|| Error::malformed(path, "sealed: not an encapsulated key and a text"))?;
        Ok(Self {
            order_id: form.order_id.0,
            order_hash: form.order_hash.0,
            info: form.info.0,
            amounts: form.amounts.into_iter().map(|Hex(bytes)| bytes).collect(),
            sealed,
        })
    }
}

fn plaintext(order: &Order, data: &[u8]) -> Result<Zeroizing<Vec<u8>>, Error> {
    let order = order.to_bytes()?;
    let mut bytes = Zeroizing::new(Vec::with_capacity(
        (order.len() + data.len() + 8).next_multiple_of(BLOCK_BYTES),
    ));
    for part in [order.as_slice(), data] {
        let length = u32::try_from(part.len())
            .map_err(|_long| Error::usage("the customer's data is too long"))?;
        bytes.extend_from_slice(&length.to_le_bytes());
        bytes.extend_from_slice(part);
    }
    let filled = bytes.len().next_multiple_of(BLOCK_BYTES);
    bytes.resize(filled, 0);
    Ok(bytes)
}

fn split(plaintext: &[u8]) -> Option<(&[u8], &[u8])> {
    let (order, rest) = take(plaintext)?;
    let (data, filling) = take(rest)?;
    filling
        .iter()
        .all(|byte| *byte == 0)
        .then_some((order, data))
}

fn take(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk::<4>()?;
    rest.split_at_checked(usize::try_from(u32::from_le_bytes(*length)).ok()?)
}

#[cfg(test)]
mod tests {
    use akashi_proof::{ContextFields, Purpose, Suite};

    use super::super::tests::sheet;
    use super::*;

    fn context(order: &Order) -> Context {
        Context::new(ContextFields {
            suite: Suite::V1,
            origin: b"dev/e1/g0",
            group: 0,
            epoch: 1,
            tenant: b"demo",
            challenge_id: [1; 16],
            nonce: [2; 32],
            purpose: Purpose::Consent,
            subject: [3; 32],
            contact_id: &[4; 16],
            not_before_us: 1,
            expires_us: 2,
            order_hash: order.hash(),
            policy_digest: [5; 32],
        })
        .unwrap()
    }

    #[test]
    fn a_processor_finds_the_order_and_the_data_that_were_sealed() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("sealed.json");
        let secret = RecipientSecret::generate().unwrap();
        let order = Order::of(sheet()).unwrap();
        let file = SealedFile::seal(
            &context(&order),
            &order,
            b"address",
            &secret.public(),
            4_096,
        )
        .unwrap();
        file.write(&path).unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(!text.contains("rice") && !text.contains("address"));
        let opened = SealedFile::read(&path).unwrap().open(&secret).unwrap();
        assert_eq!(opened.order.sheet(), order.sheet());
        assert_eq!(&*opened.data, b"address");
        assert!(!format!("{opened:?}").contains("address"));
    }

    #[test]
    fn an_opened_payload_must_be_the_approved_order_with_its_amounts() {
        let secret = RecipientSecret::generate().unwrap();
        let (order, other) = (Order::of(sheet()).unwrap(), Order::of(sheet()).unwrap());
        let context = context(&order);
        let honest = SealedFile::seal(&context, &order, b"", &secret.public(), 4_096).unwrap();
        // Sealed for the approved hash, but with another order inside.
        let text = plaintext(&other, b"").unwrap();
        let sealed = seal(&secret.public(), &honest.info, &order.hash(), &text).unwrap();
        let swapped = SealedFile {
            sealed,
            ..honest.clone()
        };
        let error = swapped.open(&secret).unwrap_err();
        assert!(error.to_string().contains("approved"), "{error}");
        let amounts = other.amounts().iter().map(|a| a.to_bytes()).collect();
        let misled = SealedFile { amounts, ..honest };
        assert!(misled.open(&secret).is_err());
    }

    #[test]
    fn too_much_data_is_refused_before_anything_is_proved() {
        let secret = RecipientSecret::generate().unwrap();
        let order = Order::of(sheet()).unwrap();
        let data = vec![7; 4_096];
        let sealed = SealedFile::seal(&context(&order), &order, &data, &secret.public(), 4_096);
        assert!(matches!(sealed, Err(Error::Usage { .. })));
    }

    #[test]
    fn the_length_of_a_payload_is_a_multiple_of_256_and_the_tag_and_key() {
        let secret = RecipientSecret::generate().unwrap();
        let order = Order::of(sheet()).unwrap();
        for length in [0, 1, 100] {
            let data = vec![7; length];
            let file =
                SealedFile::seal(&context(&order), &order, &data, &secret.public(), 4_096).unwrap();
            assert_eq!((file.sealed().to_bytes().len() - 34 - 16) % BLOCK_BYTES, 0);
        }
    }
}
