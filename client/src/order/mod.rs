//! Orders: what a customer reads and approves, the hash that stands for it, and the sealed payload.
//!
//! An order never passes through the cluster: the tenant's own app brings it to the phone, which
//! computes the hash from what it displays. The processor opens the sealed payload and computes the
//! hash once more. Nothing here may send an order anywhere.

mod seal;
mod sealed_file;
mod sheet;
mod total;

use std::fmt;
use std::path::Path;

use akashi_proof::{Commitment, Opening, order_hash};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::entropy::{self, ProofRandom};
use crate::error::Error;
use crate::files::{self, Mode};
use crate::hexadecimal::{Hex, Secret, read_json, to_json};

pub use seal::{RecipientSecret, Sealed, open, seal};
pub use sealed_file::{Opened, SealedFile};
pub use sheet::{Line, Sheet};
pub use total::{CheckedTotal, PeriodSum, ProvedTotal};

/// Most commitments to amounts of one order: what a challenge carries at most.
pub const AMOUNTS_MAX: usize = 4;

/// An order with all that opens it: for the platform that offers it, the phone that shows it and the
/// processor that carries it out.
///
/// Amount 0 is always the total of the sheet.
pub struct Order {
    order_id: [u8; 16],
    sheet: Sheet,
    salt: Secret,
    amounts: Vec<Opening>,
}

impl fmt::Debug for Order {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Order")
            .field("order_id", &hex::encode(self.order_id))
            .finish_non_exhaustive()
    }
}

/// The file form of an [`Order`].
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct OrderForm {
    order_id: Hex<16>,
    sheet: Sheet,
    salt: Secret,
    amounts: Vec<AmountForm>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct AmountForm {
    value: u64,
    blinding: Secret,
}

impl Order {
    /// Makes an order of a sheet: a fresh id, a fresh salt, a fresh commitment to the total.
    ///
    /// # Errors
    ///
    /// [`Error::Entropy`]; [`Error::Proof`] once in 2²⁵² times.
    pub fn of(sheet: Sheet) -> Result<Self, Error> {
        let total =
            Opening::commit(sheet.total(), &mut ProofRandom::draw()?).map_err(|_fault| {
                Error::Proof {
                    what: "commitment to the total",
                }
            })?;
        Ok(Self {
            order_id: entropy::random()?,
            sheet,
            salt: Secret::new(entropy::random()?),
            amounts: vec![total],
        })
    }

    /// The order's id, chosen by the platform.
    #[must_use]
    pub const fn order_id(&self) -> [u8; 16] {
        self.order_id
    }

    /// What is ordered.
    #[must_use]
    pub const fn sheet(&self) -> &Sheet {
        &self.sheet
    }

    /// The commitments to amounts, in the order in which a policy counts them.
    #[must_use]
    pub fn amounts(&self) -> Vec<Commitment> {
        self.amounts.iter().map(Opening::commitment).collect()
    }

    /// What opens the commitment number `index`.
    #[must_use]
    pub fn opening(&self, index: usize) -> Option<&Opening> {
        self.amounts.get(index)
    }

    /// The salted hash, computed from what is displayed and from nothing else.
    #[must_use]
    pub fn hash(&self) -> [u8; 32] {
        order_hash(self.salt.expose(), &self.amounts(), &self.sheet.bytes())
    }

    /// Writes the order to a new file of mode 0600.
    ///
    /// # Errors
    ///
    /// [`Error::Exists`], [`Error::File`].
    pub fn write(&self, path: &Path) -> Result<(), Error> {
        files::write_new(path, &self.to_bytes()?, Mode::Private)
    }

    /// Reads an order.
    ///
    /// # Errors
    ///
    /// [`Error::File`]; [`Error::Malformed`] if it is no order, or if its amounts are not those of
    /// its lines.
    pub fn read(path: &Path) -> Result<Self, Error> {
        Self::from_form(read_json(path)?).map_err(|what| Error::malformed(path, what))
    }

    pub(crate) fn to_bytes(&self) -> Result<Zeroizing<Vec<u8>>, Error> {
        let amounts = self.amounts.iter().map(|opening| AmountForm {
            value: opening.value(),
            blinding: Secret::new(*opening.blinding()),
        });
        let form = OrderForm {
            order_id: Hex(self.order_id),
            sheet: self.sheet.clone(),
            salt: self.salt.clone(),
            amounts: amounts.collect(),
        };
        to_json(&form, Path::new("order"))
    }

    pub(crate) fn from_bytes(bytes: &[u8]) -> Result<Self, &'static str> {
        let form = serde_json::from_slice(bytes).map_err(|_bad| "not an order")?;
        Self::from_form(form)
    }

    fn from_form(form: OrderForm) -> Result<Self, &'static str> {
        form.sheet.check()?;
        if form.amounts.is_empty() || form.amounts.len() > AMOUNTS_MAX {
            return Err("amounts: 1 to 4 are needed");
        }
        let amounts: Vec<Opening> = form
            .amounts
            .iter()
            .map(|amount| Opening::from_parts(amount.value, amount.blinding.expose()))
            .collect::<Result<_, _>>()
            .map_err(|_bad| "amounts: a blinding is not canonical")?;
        // What the customer reads and what the commitments hide must be the same number.
        if amounts.first().map(Opening::value) != Some(form.sheet.total()) {
            return Err("amounts: the first is not the total of the lines");
        }
        Ok(Self {
            order_id: form.order_id.0,
            sheet: form.sheet,
            salt: form.salt,
            amounts,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    pub(super) fn sheet() -> Sheet {
        Sheet::parse(
            "currency = \"JPY\"\n[[line]]\ntext = \"rice, 5 kg\"\nquantity = 2\namount = 4960\n\
             [[line]]\ntext = \"delivery\"\nquantity = 1\namount = 550\n",
        )
        .unwrap()
    }

    #[test]
    fn an_order_comes_back_from_its_private_file_with_the_same_hash() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("order.json");
        let order = Order::of(sheet()).unwrap();
        order.write(&path).unwrap();
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let again = Order::read(&path).unwrap();
        assert_eq!(again.hash(), order.hash());
        assert_eq!(again.order_id(), order.order_id());
        assert!(matches!(order.write(&path), Err(Error::Exists { .. })));
    }

    #[test]
    fn any_change_to_what_is_shown_changes_the_hash() {
        let order = Order::of(sheet()).unwrap();
        let text = String::from_utf8(order.to_bytes().unwrap().to_vec()).unwrap();
        for (from, to) in [
            ("rice, 5 kg", "rice, 4 kg"),
            ("\"quantity\": 2", "\"quantity\": 3"),
            ("JPY", "USD"),
        ] {
            let changed = text.replace(from, to);
            assert_ne!(changed, text, "{from}");
            let changed = Order::from_bytes(changed.as_bytes()).unwrap();
            assert_ne!(changed.hash(), order.hash(), "{from}");
        }
        let again = Order::of(sheet()).unwrap();
        assert_ne!(again.hash(), order.hash(), "the salt is fresh");
    }

    #[test]
    fn an_order_whose_commitment_hides_another_amount_than_its_lines_is_refused() {
        let order = Order::of(sheet()).unwrap();
        let text = String::from_utf8(order.to_bytes().unwrap().to_vec()).unwrap();
        let dearer = text.replace("\"amount\": 550", "\"amount\": 5500");
        assert!(Order::from_bytes(dearer.as_bytes()).is_err());
    }

    #[test]
    fn debug_output_of_an_order_shows_nothing_of_it() {
        let shown = format!("{:?}", Order::of(sheet()).unwrap());
        assert!(
            !shown.contains("rice") && !shown.contains("4960"),
            "{shown}"
        );
    }
}
