//! `akashi platform prf`: telephone numbers to pseudonyms, without the cluster.

use std::io::BufRead as _;

use clap::Args;
use serde_json::json;
use zeroize::Zeroizing;

use super::Global;
use super::output::Output;
use crate::clock;
use crate::error::Error;
use crate::number::epoch_of;

/// Which pseudonyms.
#[derive(Debug, Args)]
pub(super) struct Prf {
    /// Number of the epoch; the present one if none is named
    #[arg(long, value_name = "NUMBER")]
    epoch: Option<u64>,
}

impl Prf {
    /// Reads one number a line and writes its pseudonym. Arguments can be seen by other users of
    /// the machine, so numbers come through stdin.
    pub(super) fn run(self, global: &Global, output: Output) -> Result<(), Error> {
        let context = global.context()?;
        let key = context.number_key()?;
        let epoch = self.epoch.unwrap_or_else(|| epoch_of(clock::unix_us()));
        let mut rows = Vec::new();
        let mut json = Vec::new();
        for (line, number) in (1_u64..).zip(std::io::stdin().lock().lines()) {
            let number = Zeroizing::new(number.map_err(Error::file("stdin"))?);
            if number.trim().is_empty() {
                continue;
            }
            let pseudonym = key
                .pseudonym(context.tenant(), epoch, &number)
                .map_err(|error| Error::usage(format!("line {line}: {error}")))?;
            json.push(json!({ "line": line, "pseudonym": pseudonym }));
            rows.push(vec![line.to_string(), pseudonym]);
        }
        output.records(&["LINE", "PSEUDONYM"], &rows, &json);
        output.note(&format!(
            "epoch {epoch}, key {}; the numbers were not sent anywhere",
            key.fingerprint()
        ));
        Ok(())
    }
}
