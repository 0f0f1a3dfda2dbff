//! `akashi cluster keys`: the key sets that followed one another, checked from the one that was pinned.

use std::path::PathBuf;

use akashi_merkle::{KeyChain, KeySet};
use clap::Args;
use serde_json::json;

use crate::cli::output::Output;
use crate::cli::{Global, must_be_new};
use crate::context::key_set;
use crate::error::Error;
use crate::files::{self, Mode};
use crate::trust::HISTORY_FILE;

/// Show the key sets that followed the pinned one, each checked
#[derive(Debug, Args)]
#[command(after_help = "\
Every set signs for the next, so nobody has to be trusted but the set that was pinned. Commands that talk to
the cluster walk along the history by themselves and keep it beside the pinned set as `cluster.history`.
With --file it is written for others: `akashi verify --key-history` needs it for receipts of later sets.
Exit status 7 if the history does not hold, or does not lead on from the pinned set.

Example:
  akashi cluster keys --file cluster.history")]
pub(super) struct Keys {
    /// Write the history, for offline checks
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// Keep the history beside the pinned key set, as other commands do when they need it
    #[arg(long)]
    update: bool,
}

impl Keys {
    pub(super) async fn run(self, global: &Global, output: Output) -> Result<(), Error> {
        if let Some(path) = &self.file {
            must_be_new(path)?;
        }
        let context = global.context()?;
        let history = context.operator()?.key_history(global.deadline()).await?;
        let mut believed = KeyChain::pinned(key_set(context.keys_path())?);
        let steps = believed
            .follow(&history)
            .map_err(|bad| Error::integrity(bad.to_string()))?;
        if self.update {
            let kept = context.keys_path().with_file_name(HISTORY_FILE);
            files::replace_private(&kept, history.to_text().as_bytes())?;
        }
        if let Some(path) = &self.file {
            files::write_new(path, history.to_text().as_bytes(), Mode::Public)?;
        }
        output.note(&format!(
            "{} {steps} changes since the pinned set, each signed by the set before",
            output.mark(true)
        ));
        show(&believed, output);
        Ok(())
    }
}

fn show(believed: &KeyChain, output: Output) {
    let mut rows = Vec::new();
    let mut json = Vec::new();
    let sets: Vec<(u64, &KeySet)> = believed.sets().collect();
    for (at, (after, keys)) in sets.iter().enumerate() {
        let until = sets.get(at.saturating_add(1)).map(|(end, _)| *end);
        let names: Vec<String> = keys
            .cosigners()
            .iter()
            .map(akashi_merkle::Cosigner::policy_name)
            .collect();
        rows.push(vec![
            after.saturating_add(1).to_string(),
            until.map_or_else(|| "newest".to_owned(), |end| end.to_string()),
            format!("{} of {}", keys.quorum(), keys.cosigners().len()),
            names.join(" "),
        ]);
        json.push(json!({
            "fromSize": after.saturating_add(1),
            "untilSize": until,
            "quorum": keys.quorum(),
            "cosigners": names,
            "digest": hex::encode(akashi_merkle::key_set_digest(keys)),
        }));
    }
    output.records(
        &["FROM SIZE", "TO SIZE", "QUORUM", "REPLICAS"],
        &rows,
        &json,
    );
}
