//! Checking statements offline, from a file of any length.
//!
//! Never opens a connection: what is needed are the statement, the key set of the log, and the name of
//! the tenant that it should be about.

use std::error::Error as _;
use std::io::{BufRead, Read as _};
use std::path::Path;

use akashi_merkle::KeySet;
use akashi_merkle::processed::Processed;
use akashi_merkle::statement::{BLOCK_BYTES_MAX, CheckedStatement, StatementError, Verifier};

use crate::error::Error;

/// Verifies a statement, one block in memory at a time; `proved` is given the contacts of each block
/// once they are proved to be in the log. The figures are proved only when this function returns.
///
/// # Errors
///
/// [`Error::Integrity`] says what does not hold, [`Error::File`] if `from` cannot be read; and what
/// `proved` returns.
pub fn verify(
    from: &mut impl BufRead,
    path: &Path,
    keys: &KeySet,
    tenant: Option<&str>,
    mut proved: impl FnMut(&[Processed]) -> Result<(), Error>,
) -> Result<CheckedStatement, Error> {
    let mut verifier = Verifier::new(keys, tenant);
    let mut block = String::new();
    let mut ended = false;
    while !ended {
        block.clear();
        let separated = next_block(from, path, &mut block)?;
        let contacts = verifier.block(&block).map_err(|broken| unsound(&broken))?;
        proved(&contacts)?;
        ended = !separated;
    }
    verifier.finish().map_err(|broken| unsound(&broken))
}

/// Whether one checked statement goes on where another ended.
///
/// # Errors
///
/// [`Error::Integrity`] says what does not fit.
pub fn continues(checked: &CheckedStatement, previous: &CheckedStatement) -> Result<(), Error> {
    checked
        .continues(previous)
        .map_err(|broken| Error::integrity(format!("statement: {broken}")))
}

/// Reads lines up to an empty one, which is not kept, or to the end. Says whether there was one.
fn next_block(from: &mut impl BufRead, path: &Path, block: &mut String) -> Result<bool, Error> {
    let most = u64::try_from(BLOCK_BYTES_MAX).unwrap_or(u64::MAX);
    loop {
        let length = block.len();
        let read = from
            .by_ref()
            .take(most)
            .read_line(block)
            .map_err(Error::file(path))?;
        if read == 0 {
            return Ok(false);
        }
        if block.get(length..) == Some("\n") {
            block.truncate(length);
            return Ok(true);
        }
        if block.len() > BLOCK_BYTES_MAX {
            return Err(unsound(&StatementError::Bytes));
        }
    }
}

/// The error of a statement that does not hold, with its cause.
#[must_use]
pub fn unsound(broken: &StatementError) -> Error {
    let cause = broken
        .source()
        .map_or_else(String::new, |cause| format!(": {cause}"));
    Error::integrity(format!("statement: {broken}{cause}"))
}
