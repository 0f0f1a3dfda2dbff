//! `akashi verify`: checks a receipt offline, with nothing but the cluster's public keys.
//!
//! Never opens a connection.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use akashi_merkle::KeyHistory;
use clap::Args;

use super::output::Output;
use super::{Global, leaf};
use crate::context;
use crate::error::Error;
use crate::files;
use crate::trust::Trust;

/// Check a receipt offline, with nothing but the cluster's public keys
#[derive(Debug, Args)]
#[command(after_help = "\
Exit status 0 if it holds, 7 if it does not: the receipt was changed, is of another cluster, or lacks
the signatures of a quorum.

Example:
  akashi verify call.tlog-proof --keys cluster.keys
  akashi verify call.tlog-proof --keys cluster.keys --key-history cluster.history")]
pub(super) struct Verify {
    /// The receipt, or - for stdin
    file: PathBuf,
    /// The key set of the cluster; default: the context's
    #[arg(long, value_name = "FILE")]
    keys: Option<PathBuf>,
    /// Key sets that followed it (`akashi cluster keys --file`); default: what is kept beside the context's
    #[arg(long, value_name = "FILE")]
    key_history: Option<PathBuf>,
}

impl Verify {
    pub(super) fn run(&self, global: &Global, output: Output) -> Result<(), Error> {
        let trust = match &self.keys {
            Some(path) => Trust::from(context::key_set(path)?),
            None => global.context()?.trust()?,
        };
        if let Some(path) = &self.key_history {
            let history = KeyHistory::parse(&files::read_text(path)?)
                .map_err(|bad| Error::malformed(path, bad.to_string()))?;
            trust.learn(&history)?;
        }
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
        let checked = trust
            .receipt(&text)
            .map_err(|broken| Error::integrity(format!("receipt: {broken}")))?;
        let keys = trust.at(checked.head().size());
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
