//! `akashi verify`: checks a receipt offline, with nothing but the cluster's public keys.
//!
//! Never opens a connection.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use clap::Args;

use super::output::Output;
use super::{Global, leaf};
use crate::auditor::verify_receipt;
use crate::context;
use crate::error::Error;
use crate::files;

/// Check a receipt offline, with nothing but the cluster's public keys
#[derive(Debug, Args)]
#[command(after_help = "\
Exit status 0 if it holds, 7 if it does not: the receipt was changed, is of another cluster, or lacks
the signatures of a quorum.

Example:
  akashi verify call.tlog-proof --keys cluster.keys")]
pub(super) struct Verify {
    /// The receipt, or - for stdin
    file: PathBuf,
    /// The key set of the cluster; default: the context's
    #[arg(long, value_name = "FILE")]
    keys: Option<PathBuf>,
}

impl Verify {
    pub(super) fn run(&self, global: &Global, output: Output) -> Result<(), Error> {
        let keys = match &self.keys {
            Some(path) => context::key_set(path)?,
            None => global.context()?.key_set()?,
        };
        let text = if self.file == Path::new("-") {
            let mut text = String::new();
            std::io::stdin()
                .take(files::FILE_BYTES_MAX)
                .read_to_string(&mut text)
                .map_err(Error::file("-"))?;
            text
        } else {
            files::read_text(&self.file)?
        };
        let checked = verify_receipt(&text, &keys)?;
        let (fields, json) = leaf::proved_fields(&checked)?;
        output.note(&format!(
            "{} the receipt holds: {} of {} replicas vouch for it, {} are needed",
            output.mark(true),
            checked.head().vouches().len(),
            keys.cosigners().len(),
            keys.quorum(),
        ));
        output.record(&fields, &json);
        Ok(())
    }
}
