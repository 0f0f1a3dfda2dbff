//! Step 1: enrolment. Phones keep their secrets; the cluster gets public keys.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::Duration;

use super::super::enrol;
use super::stage::{ACT_S, Customer, Stage, act, ms_since};
use crate::auditor::Flow;
use crate::clock;
use crate::enrolment::{self, Entry};
use crate::error::Error;
use crate::layout;
use crate::operator::Settings;
use crate::phone::{Phone, PhoneDirectory};

/// Phones whose secrets are searched for on the nodes' disks.
const SEARCHED: usize = 20;
/// Notices per subject and hour in the demonstration: a few phones answer many calls in a minute.
const NOTICES_PER_HOUR: u32 = 1_000;

pub(super) async fn run(stage: &mut Stage, file: &Path) -> Result<(), Error> {
    stage.title(
        1,
        "Enrolment: phones keep their secrets, the cluster gets public keys",
    );
    let settings = Settings {
        notices_per_hour: NOTICES_PER_HOUR,
        ..Settings::default()
    };
    stage
        .cluster
        .operator()?
        .put_settings(settings, act())
        .await?;
    let entries = enrolment::read(file)?;
    for entry in &entries {
        match entry {
            Entry::Customer { subject, pin } => {
                stage.customers.push(Customer {
                    subject: subject.clone(),
                    pin: pin.clone(),
                });
            }
            Entry::Agent { agent, .. } => stage.agents.push(agent.clone()),
        }
    }
    let began = clock::monotonic();
    let each = Duration::from_secs(ACT_S);
    let done = enrol::run(stage.context(), entries, None, each, stage.output).await?;
    let took = ms_since(began);
    stage.say(&format!(
        "{} customers and {} agents in {took} ms; most of it is Argon2id on the phones, on purpose",
        done.customers, done.agents
    ));
    let all = done.customers == stage.customers.len() && done.agents == stage.agents.len();
    stage.expect(all, "every line of the enrolment file was enrolled");
    stage.sum(
        "enrolled",
        format!("{} customers, {} agents", done.customers, done.agents),
    );

    let leaves = enrolled_leaves(stage).await?;
    // One more: the newcomer's phone that every development cluster has.
    let all = leaves == stage.customers.len() + 1;
    stage.expect(
        all,
        "the audit log has one device.enrolled leaf for each phone",
    );
    show_phone(stage)?;
    search_disks(stage)
}

async fn enrolled_leaves(stage: &Stage) -> Result<usize, Error> {
    let auditor = stage.context().auditor()?;
    let mut follower = auditor.follower();
    let mut enrolled = 0;
    let deadline = act();
    // Enrolments are answered when committed; the tail ends at the newest sealed head.
    while enrolled <= stage.customers.len() && !deadline.remaining().is_zero() {
        auditor
            .tail(&mut follower, false, deadline, |_index, bytes, _head| {
                let leaf = akashi_merkle::Leaf::decode(bytes)
                    .map_err(|_version| Error::Answer { what: "leaf" })?;
                enrolled += usize::from(leaf.kind == crate::event::DEVICE_ENROLLED);
                Ok(Flow::Continue)
            })
            .await?;
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    Ok(enrolled)
}

fn show_phone(stage: &mut Stage) -> Result<(), Error> {
    let Some(customer) = stage.customers.first() else {
        return Err(Error::usage("the enrolment file has no customers"));
    };
    let directory = PhoneDirectory::of(stage.context().phones(), &customer.subject);
    let mut private = true;
    let mut names = Vec::new();
    for entry in fs::read_dir(directory.path()).map_err(Error::file(directory.path()))? {
        let entry = entry.map_err(Error::file(directory.path()))?;
        let mode = entry
            .metadata()
            .map_err(Error::file(entry.path()))?
            .permissions()
            .mode();
        private &= mode & 0o077 == 0;
        names.push(entry.file_name().to_string_lossy().into_owned());
    }
    names.sort();
    stage.say(&format!(
        "phones/{}/ holds {}",
        customer.subject,
        names.join(", ")
    ));
    stage.expect(private, "only its owner can read a phone's files");
    Ok(())
}

/// Searches what the nodes wrote for the secrets of phones; public keys must be there, which shows
/// that the search works.
fn search_disks(stage: &mut Stage) -> Result<(), Error> {
    let mut secrets = Vec::new();
    let mut public = Vec::new();
    for customer in stage.customers.iter().take(SEARCHED) {
        let directory = PhoneDirectory::of(stage.context().phones(), &customer.subject);
        for name in ["root.key", "pin.salt"] {
            let path = directory.path().join(name);
            let text = fs::read_to_string(&path).map_err(Error::file(&path))?;
            // The salt's epoch stands on a line of its own.
            let digits = text.lines().next().unwrap_or_default().trim();
            let bytes =
                hex::decode(digits).map_err(|_bad| Error::malformed(&path, "not hexadecimal"))?;
            secrets.push(bytes);
            secrets.push(digits.as_bytes().to_vec());
        }
        let phone = Phone::with_connection(&directory, stage.phones.clone())?;
        public.push(phone.device_key()?.to_vec());
        secrets.push(customer.subject.as_bytes().to_vec());
    }
    let mut found_secrets = 0;
    let mut every_node_has_keys = true;
    let mut bytes = 0;
    for name in stage.cluster.names() {
        let own = layout::node_directory(stage.cluster.directory(), name);
        let mut on_this_node = 0;
        each_file(&own, &mut |contents| {
            bytes += contents.len();
            found_secrets += occurrences(contents, &secrets);
            on_this_node += occurrences(contents, &public);
        })?;
        every_node_has_keys &= on_this_node > 0;
    }
    let mib = bytes >> 20;
    stage.say(&format!(
        "searched {mib} MiB of data and log files of the nodes for the secrets of {SEARCHED} phones"
    ));
    stage.expect(
        every_node_has_keys,
        "every node holds public keys (so the search works)",
    );
    stage.expect(
        found_secrets == 0,
        "no phone's secret and no subject's handle is on any node",
    );
    Ok(())
}

fn each_file(directory: &Path, look: &mut impl FnMut(&[u8])) -> Result<(), Error> {
    for entry in fs::read_dir(directory).map_err(Error::file(directory))? {
        let path = entry.map_err(Error::file(directory))?.path();
        if path.is_dir() {
            each_file(&path, look)?;
        } else if let Ok(contents) = fs::read(&path) {
            // A file that RocksDB has deleted meanwhile is no loss.
            look(&contents);
        }
    }
    Ok(())
}

/// Counts occurrences of any pattern; a table over the first two bytes keeps it quick.
fn occurrences(contents: &[u8], patterns: &[Vec<u8>]) -> usize {
    let mut starts = vec![false; 1 << 16];
    let place = |a: u8, b: u8| usize::from(u16::from_be_bytes([a, b]));
    for pattern in patterns {
        if let [a, b, ..] = pattern.as_slice()
            && let Some(start) = starts.get_mut(place(*a, *b))
        {
            *start = true;
        }
    }
    let mut count = 0;
    for (offset, window) in contents.windows(2).enumerate() {
        if let [a, b] = window
            && starts.get(place(*a, *b)).copied().unwrap_or(false)
        {
            let rest = contents.get(offset..).unwrap_or_default();
            count += patterns
                .iter()
                .filter(|pattern| rest.starts_with(pattern))
                .count();
        }
    }
    count
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_search_finds_every_occurrence_and_nothing_else() {
        let patterns = [b"secret".to_vec(), b"other".to_vec()];
        assert_eq!(occurrences(b"xxsecretsecret other secre", &patterns), 3);
        assert_eq!(occurrences(b"", &patterns), 0);
        assert_eq!(occurrences(b"s", &patterns), 0);
    }
}
