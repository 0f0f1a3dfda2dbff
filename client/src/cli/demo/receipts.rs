//! Step 5: a receipt, checked by another process that has nothing but the public keys.

use std::path::Path;
use std::process::Stdio;

use tokio::process::Command;

use super::calls::Timeline;
use super::stage::{Stage, act, ms_since};
use crate::auditor::verify_receipt;
use crate::clock;
use crate::context::key_set;
use crate::error::{Error, Exit};
use crate::files::{self, Mode};

pub(super) async fn run(stage: &mut Stage, timelines: &[Timeline]) -> Result<(), Error> {
    stage.title(
        5,
        "Evidence: a receipt holds offline, and not with one byte changed",
    );
    let Some(call) = timelines.first() else {
        return Err(Error::usage("no call was made"));
    };
    let tenant = stage.context().tenant().to_owned();
    let auditor = stage.context().auditor()?;
    let (text, _) = auditor
        .verdict_receipt(&tenant, &call.verdict.challenge_id, act())
        .await?;

    // A directory with the receipt and the public keys, and nothing else.
    let offline = stage.cluster.directory().join("offline");
    files::private_directory(&offline)?;
    let (receipt, keys) = (
        offline.join("call.tlog-proof"),
        offline.join("cluster.keys"),
    );
    files::write_new(&receipt, text.as_bytes(), Mode::Public)?;
    let public = files::read_text(stage.context().keys_path())?;
    files::write_new(&keys, public.as_bytes(), Mode::Public)?;
    stage.say(&format!(
        "a receipt of {} bytes, keys of {} bytes",
        text.len(),
        public.len()
    ));
    let exit = verify(&receipt, &keys).await?;
    stage.expect(
        exit == Some(Exit::Done),
        "akashi verify call.tlog-proof --keys cluster.keys: it holds (exit 0)",
    );

    let changed = offline.join("changed.tlog-proof");
    let middle_of_the_leaf = text.find("extra ").unwrap_or(0) + 200;
    files::write_new(
        &changed,
        &flipped(text.as_bytes(), middle_of_the_leaf),
        Mode::Public,
    )?;
    let exit = verify(&changed, &keys).await?;
    stage.expect(
        exit == Some(Exit::Integrity),
        "the same with one byte flipped: refused (exit 7)",
    );

    let keys = key_set(&keys)?;
    let began = clock::monotonic();
    let accepted = (0..text.len())
        .filter(|position| {
            let bytes = flipped(text.as_bytes(), *position);
            String::from_utf8(bytes).is_ok_and(|text| verify_receipt(&text, &keys).is_ok())
        })
        .count();
    let took = ms_since(began);
    stage.expect(
        accepted == 0,
        &format!(
            "each of its {} bytes flipped in turn: {accepted} accepted ({took} ms)",
            text.len()
        ),
    );
    let bytes = text.len();
    let refused = bytes.saturating_sub(accepted);
    stage.sum(
        "receipt",
        format!("{bytes} bytes; {refused} of {bytes} flipped bytes refused"),
    );
    Ok(())
}

fn flipped(bytes: &[u8], position: usize) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    if let Some(byte) = bytes.get_mut(position) {
        *byte ^= 1;
    }
    bytes
}

/// Runs this program's `verify` in a process of its own, with an empty environment.
async fn verify(receipt: &Path, keys: &Path) -> Result<Option<Exit>, Error> {
    let own = std::env::current_exe().map_err(Error::file("akashi"))?;
    let status = Command::new(own)
        .arg("verify")
        .arg(receipt)
        .arg("--keys")
        .arg(keys)
        .env_clear()
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .await
        .map_err(Error::file("akashi"))?;
    let exits = [Exit::Done, Exit::Integrity, Exit::Failed, Exit::Usage];
    Ok(exits
        .into_iter()
        .find(|exit| status.code() == Some(i32::from(exit.number()))))
}
