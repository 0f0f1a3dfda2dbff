//! The state machine of one replica on its real store, without Raft, network and syncs: what applying
//! decided entries costs, over how many contacts it stays the same, and so how fast a log is replayed.
//!
//! Customers are enrolled with proofs that nobody checks: what is measured begins after that. An
//! announcement is decided and recorded as in a node; challenges that nobody answers run out meanwhile, and
//! requests are forgotten, as in a node that has been up for a day.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use akashi_client::clock;
use akashi_domain::command::{Command, CompleteEnrolment, PutSettings, Request};
use akashi_domain::decide::Checker;
use akashi_domain::entry::{Entry, RULE_VERSION};
use akashi_domain::factor::Job;
use akashi_domain::ids::{ClientId, EnrolmentId, RequestId, Stamp, SubjectHash};
use akashi_domain::records::Settings;
use akashi_node::storage::RocksStore;
use akashi_proof::{ContextFields, Purpose, Reason, Suite};
use akashi_replica::entry::{EntryKind, LogEntry};
use akashi_replica::machine::Machine;

use crate::Failure;
use crate::domain::{
    Customer, START_US, TENANT, TOKEN, announcement, context, fields, found, id16, invitation,
    proofs,
};

/// Commands of one entry: what a busy leader packs.
pub const PER_ENTRY: usize = 64;
/// Microseconds between two entries: slow enough that no customer gets a thousand notices in an hour.
const ENTRY_US: u64 = 250_000;

/// Trusts every proof.
#[derive(Clone, Copy, Debug)]
struct Trusting;

impl Checker for Trusting {
    fn check(&mut self, _job: &Job) -> Result<(), Reason> {
        Ok(())
    }
}

/// One stretch of announcements.
#[derive(Clone, Copy, Debug)]
pub struct Stretch {
    /// Contacts when it ended.
    pub contacts: u64,
    /// Announcements in it.
    pub applied: u64,
    /// Time that applying them took.
    pub time: Duration,
}

impl Stretch {
    /// Announcements per second.
    #[must_use]
    pub fn per_second(&self) -> u64 {
        let time_us = self.time.as_micros().max(1);
        u64::try_from(u128::from(self.applied) * 1_000_000 / time_us).unwrap_or(u64::MAX)
    }
}

/// A replica's state machine with enrolled customers.
pub struct Replayed {
    machine: Machine<RocksStore>,
    customers: Vec<SubjectHash>,
    requests: u64,
    contacts: u64,
}

impl Replayed {
    /// A new store in `directory` with `customers` enrolled customers.
    ///
    /// # Errors
    ///
    /// If the store or the core refuses.
    pub fn start(directory: &Path, customers: u32) -> Result<Self, Failure> {
        let machine = Machine::open(Arc::new(RocksStore::open(directory, 0)?))?;
        let mut replayed = Self {
            machine,
            customers: Vec::new(),
            requests: 0,
            contacts: 0,
        };
        replayed.run(vec![found()])?;
        let settings = Settings {
            notices_per_hour: 1_000,
            ..zeros()
        };
        replayed.run(vec![Command::PutSettings(PutSettings { settings })])?;
        let one = Customer::number(0)?;
        let proofs = proofs(
            &one,
            &context(ContextFields {
                purpose: Purpose::Enrol,
                expires_us: START_US,
                ..fields()
            })?,
        )?;
        let numbers: Vec<u32> = (0..customers).collect();
        for some in numbers.chunks(PER_ENTRY) {
            let mut commands = Vec::with_capacity(2 * PER_ENTRY);
            for number in some {
                let subject = SubjectHash::of(TENANT, &format!("bench-{number:06}"));
                let enrolment = EnrolmentId(id16(1, u64::from(*number)));
                commands.push(invitation(enrolment, subject));
                commands.push(Command::CompleteEnrolment(CompleteEnrolment {
                    tenant: TENANT.to_owned(),
                    enrolment,
                    token: TOKEN,
                    suite: Suite::V1.code(),
                    device_key: one.device.public().to_bytes(),
                    pin_key: one.pin.public().to_bytes(),
                    proofs: proofs.clone(),
                }));
                replayed.customers.push(subject);
            }
            replayed.run(commands)?;
        }
        Ok(replayed)
    }

    /// Announces `contacts` more contacts, and times applying them.
    ///
    /// # Errors
    ///
    /// If one is refused.
    pub fn announce(&mut self, contacts: u64) -> Result<Stretch, Failure> {
        let mut stretch = Stretch {
            contacts: 0,
            applied: 0,
            time: Duration::ZERO,
        };
        while stretch.applied < contacts {
            let commands: Vec<Command> = (0..PER_ENTRY).filter_map(|_| self.next()).collect();
            let entry = self.entry(commands)?;
            let began = clock::monotonic();
            let outcome = self.machine.apply(&entry, &mut Trusting)?;
            stretch.time = stretch.time.saturating_add(began.elapsed());
            if let Some(refused) = outcome
                .applied
                .answers
                .iter()
                .find(|one| one.result.is_err())
            {
                return Err(format!("the core refused: {:?}", refused.result).into());
            }
            stretch.applied = stretch.applied.saturating_add(u64::try_from(PER_ENTRY)?);
        }
        stretch.contacts = self.contacts;
        Ok(stretch)
    }

    fn next(&mut self) -> Option<Command> {
        self.contacts = self.contacts.saturating_add(1);
        let all = u64::try_from(self.customers.len()).ok()?;
        let place = usize::try_from(self.contacts.checked_rem(all)?).ok()?;
        // Platforms choose contacts at random; neighbours of a counter would be kinder to the store.
        let scattered = self.contacts.wrapping_mul(0x9E37_79B9_7F4A_7C15);
        Some(announcement(
            id16(scattered, self.contacts),
            *self.customers.get(place)?,
        ))
    }

    fn run(&mut self, commands: Vec<Command>) -> Result<(), Failure> {
        let entry = self.entry(commands)?;
        let outcome = self.machine.apply(&entry, &mut Trusting)?;
        match outcome
            .applied
            .answers
            .iter()
            .find(|one| one.result.is_err())
        {
            None => Ok(()),
            Some(refused) => Err(format!("the core refused: {:?}", refused.result).into()),
        }
    }

    fn entry(&mut self, commands: Vec<Command>) -> Result<LogEntry, Failure> {
        let index = self
            .machine
            .progress()
            .log_index
            .checked_add(1)
            .ok_or("too many")?;
        let stamp_us = START_US.saturating_add(index.saturating_mul(ENTRY_US));
        let mut requests = Vec::with_capacity(commands.len());
        for command in commands {
            self.requests = self.requests.saturating_add(1);
            // A UUIDv7 has the milliseconds in its first six bytes.
            requests.push(Request {
                id: RequestId(id16((stamp_us / 1_000) << 16, self.requests)),
                client: ClientId::of("bench"),
                not_after: Stamp(u64::MAX),
                command,
            });
        }
        let entry = Entry {
            rule_version: RULE_VERSION,
            stamp: Stamp(stamp_us),
            random: [9; 32],
            sealed: None,
            requests,
        };
        Ok(LogEntry {
            index,
            term: 1,
            kind: EntryKind::Normal,
            data: entry.encode(),
        })
    }
}

/// Settings that change nothing.
const fn zeros() -> Settings {
    Settings {
        notices_per_hour: 0,
        refusals_per_challenge: 0,
        pin_failures_soft: 0,
        pin_failures_hard: 0,
        pin_lock_first_s: 0,
        request_horizon_s: 0,
        enrolment_ttl_s: 0,
        order_ttl_s: 0,
        cooling_s: 0,
        resume_grace_s: 0,
        report_freeze_s: 0,
        session_contacts_max: 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn announcements_are_applied_on_a_real_store() {
        let directory = tempfile::tempdir().unwrap();
        let mut replayed = Replayed::start(directory.path(), 100).unwrap();
        let stretch = replayed.announce(640).unwrap();
        assert_eq!((stretch.applied, stretch.contacts), (640, 640));
        assert!(replayed.machine.progress().leaves > 1_280);
    }
}
