//! What a processor keeps of its orders: the openings that later prove totals.
//!
//! One JSON object per line, appended and synced; never changed. A line is written before the order is
//! carried out, so that no crash can lose an opening that the cluster has already counted.

use std::collections::BTreeMap;
use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::ops::RangeInclusive;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use akashi_proof::{Opening, SumOpening};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::error::Error;
use crate::files;
use crate::hexadecimal::{Hex, Secret};

/// Contact and order.
pub(super) type Which = ([u8; 16], [u8; 16]);

/// One line.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase", tag = "kind")]
enum Line {
    /// An order was opened: what opens its first amount.
    #[serde(rename_all = "camelCase")]
    Opened {
        contact_id: Hex<16>,
        order_id: Hex<16>,
        value: u64,
        blinding: Secret,
    },
    /// It was carried out, under this number.
    #[serde(rename_all = "camelCase")]
    Executed {
        contact_id: Hex<16>,
        order_id: Hex<16>,
        campaign: u32,
        number: u64,
    },
}

/// The openings of a processor's orders, in a private file.
pub struct Ledger {
    path: PathBuf,
    file: File,
    opened: BTreeMap<Which, (u64, Secret)>,
    executed: BTreeMap<Which, (u32, u64)>,
}

impl fmt::Debug for Ledger {
    /// Shows no amount.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ledger")
            .field("path", &self.path)
            .field("orders", &self.opened.len())
            .finish_non_exhaustive()
    }
}

impl Ledger {
    /// Opens the ledger at `path`, or begins one.
    ///
    /// # Errors
    ///
    /// [`Error::File`]; [`Error::Malformed`] names the line. A last line that a crash cut short is dropped.
    pub fn open(path: &Path) -> Result<Self, Error> {
        let mut opened = BTreeMap::new();
        let mut executed = BTreeMap::new();
        let mut whole = 0;
        if path.exists() {
            let text = Zeroizing::new(files::read_text(path)?);
            for (number, line) in text.split_inclusive('\n').enumerate() {
                // Synced line by line: only the last can lack its end.
                if !line.ends_with('\n') {
                    break;
                }
                whole += line.len();
                let line: Line = serde_json::from_str(line).map_err(|_bad| {
                    Error::malformed(path, format!("line {} is none of a ledger", number + 1))
                })?;
                match line {
                    Line::Opened {
                        contact_id,
                        order_id,
                        value,
                        blinding,
                    } => {
                        opened.insert((contact_id.0, order_id.0), (value, blinding));
                    }
                    Line::Executed {
                        contact_id,
                        order_id,
                        campaign,
                        number,
                    } => {
                        executed.insert((contact_id.0, order_id.0), (campaign, number));
                    }
                }
            }
        }
        let file = OpenOptions::new()
            .create(true)
            .append(true)
            .mode(0o600)
            .open(path)
            .map_err(Error::file(path))?;
        file.set_len(u64::try_from(whole).unwrap_or(u64::MAX))
            .map_err(Error::file(path))?;
        Ok(Self {
            path: path.to_owned(),
            file,
            opened,
            executed,
        })
    }

    /// Whether the order is known to be carried out.
    pub(super) fn is_executed(&self, which: &Which) -> bool {
        self.executed.contains_key(which)
    }

    /// Orders that were opened and are not known to be carried out.
    pub(super) fn unfinished(&self) -> Vec<Which> {
        let open = self.opened.keys().filter(|which| !self.is_executed(which));
        open.copied().collect()
    }

    /// Notes what opens an order's first amount, before the order is carried out.
    ///
    /// # Errors
    ///
    /// [`Error::File`].
    pub fn note_opened(
        &mut self,
        contact_id: &[u8; 16],
        order_id: &[u8; 16],
        opening: &Opening,
    ) -> Result<(), Error> {
        let which = (*contact_id, *order_id);
        if self.opened.contains_key(&which) {
            return Ok(());
        }
        let blinding = Secret::new(*opening.blinding());
        self.append(&Line::Opened {
            contact_id: Hex(*contact_id),
            order_id: Hex(*order_id),
            value: opening.value(),
            blinding: blinding.clone(),
        })?;
        self.opened.insert(which, (opening.value(), blinding));
        Ok(())
    }

    /// Notes under which number an order was carried out.
    ///
    /// # Errors
    ///
    /// [`Error::File`].
    pub fn note_executed(
        &mut self,
        contact_id: &[u8; 16],
        order_id: &[u8; 16],
        (campaign, number): (u32, u64),
    ) -> Result<(), Error> {
        self.append(&Line::Executed {
            contact_id: Hex(*contact_id),
            order_id: Hex(*order_id),
            campaign,
            number,
        })?;
        self.executed
            .insert((*contact_id, *order_id), (campaign, number));
        Ok(())
    }

    fn append(&mut self, line: &Line) -> Result<(), Error> {
        let text = serde_json::to_vec(line).map(Zeroizing::new);
        let mut text =
            text.map_err(|_unwritable| Error::malformed(&self.path, "has no JSON form"))?;
        text.push(b'\n');
        self.file
            .write_all(&text)
            .and_then(|()| self.file.sync_data())
            .map_err(Error::file(&self.path))
    }

    /// What opens the sum of the campaign's orders with these numbers.
    ///
    /// # Errors
    ///
    /// [`Error::Lacking`] if one of them is missing; [`Error::Usage`] if the total does not fit.
    pub fn opening(
        &self,
        campaign: u32,
        numbers: RangeInclusive<u64>,
    ) -> Result<SumOpening, Error> {
        let by_number: BTreeMap<u64, &Which> = self
            .executed
            .iter()
            .filter(|(_, (of, _))| *of == campaign)
            .map(|(which, (_, number))| (*number, which))
            .collect();
        let mut sum = SumOpening::default();
        for number in numbers {
            let opened = by_number
                .get(&number)
                .and_then(|which| self.opened.get(*which));
            let (value, blinding) = opened.ok_or_else(|| Error::Lacking {
                what: format!("the ledger has no order number {number} of campaign {campaign}"),
            })?;
            let opening = Opening::from_parts(*value, blinding.expose())
                .map_err(|_foreign| Error::malformed(&self.path, "a blinding is not canonical"))?;
            sum.add(&opening)
                .map_err(|_above| Error::usage("the total does not fit into 64 bits"))?;
        }
        Ok(sum)
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;
    use crate::entropy::ProofRandom;

    fn opening(value: u64) -> Opening {
        Opening::commit(value, &mut ProofRandom::draw().unwrap()).unwrap()
    }

    #[test]
    fn a_ledger_comes_back_with_what_opens_the_sum_of_its_orders() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("ledger.jsonl");
        let mut ledger = Ledger::open(&path).unwrap();
        let openings: Vec<Opening> = (1..=4).map(|i| opening(100 * i)).collect();
        let mut sum = akashi_proof::CommitmentSum::empty();
        for (number, opening) in (1_u8..).zip(&openings) {
            let order = [number; 16];
            ledger.note_opened(&[9; 16], &order, opening).unwrap();
            let executed = (7, u64::from(number));
            ledger.note_executed(&[9; 16], &order, executed).unwrap();
            if number > 1 {
                sum = sum.plus(&opening.commitment());
            }
        }
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let again = Ledger::open(&path).unwrap();
        let opened = again.opening(7, 2..=4).unwrap();
        assert_eq!(opened.total(), 900);
        assert!(sum.opens_to(900, &opened.blinding()));
        assert!(matches!(
            again.opening(7, 2..=5),
            Err(Error::Lacking { .. })
        ));
        assert!(matches!(
            again.opening(8, 1..=1),
            Err(Error::Lacking { .. })
        ));
    }

    #[test]
    fn a_line_that_a_crash_cut_short_is_dropped_and_one_that_is_none_is_named() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("ledger.jsonl");
        let mut ledger = Ledger::open(&path).unwrap();
        ledger.note_opened(&[1; 16], &[2; 16], &opening(5)).unwrap();
        ledger.note_opened(&[1; 16], &[3; 16], &opening(6)).unwrap();
        drop(ledger);
        let whole = std::fs::read(&path).unwrap();
        std::fs::write(&path, &whole[..whole.len() - 9]).unwrap();
        let mut ledger = Ledger::open(&path).unwrap();
        assert_eq!(ledger.unfinished(), [([1; 16], [2; 16])]);
        ledger.note_executed(&[1; 16], &[2; 16], (0, 1)).unwrap();
        assert!(Ledger::open(&path).unwrap().unfinished().is_empty());
        std::fs::write(&path, "{}\n").unwrap();
        let error = Ledger::open(&path).unwrap_err().to_string();
        assert!(error.contains("line 1"), "{error}");
    }
}
