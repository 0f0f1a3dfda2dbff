//! What every step of the demonstration shares: the cluster, the people, the ledger of expectations.

use std::sync::Arc;
use std::time::{Duration, Instant};

use akashi_proof::PinSecret;
use futures::StreamExt as _;
use zeroize::Zeroizing;

use super::super::output::Output;
use crate::answer::{Outcome, Stage as Reached, Verdict};
use crate::clock::{self, Deadline};
use crate::connection::Connection;
use crate::context::Context;
use crate::dev::DevCluster;
use crate::error::Error;
use crate::phone::{CheckedNotice, Phone, PhoneDirectory, Pin, Session};
use crate::platform::{Announced, Call, Platform};

/// Seconds that any single act of the demonstration may take, a fail-over included.
pub(super) const ACT_S: u64 = 20;

/// A deadline for one act.
pub(super) fn act() -> Deadline {
    Deadline::after(Duration::from_secs(ACT_S))
}

/// Milliseconds since `began`.
pub(super) fn ms_since(began: Instant) -> u64 {
    u64::try_from((clock::monotonic() - began).as_millis()).unwrap_or(u64::MAX)
}

/// One enrolled customer of the file.
pub(super) struct Customer {
    pub(super) subject: String,
    pub(super) pin: Zeroizing<String>,
}

/// A customer with the phone in hand: session open, PIN typed once.
pub(super) struct Person {
    pub(super) phone: Phone,
    pub(super) session: Session,
    pub(super) secret: PinSecret,
    /// The PIN as the customer types it, for answers that replace its key.
    pub(super) pin: Pin,
}

impl Person {
    /// Waits for the notice of `announced` and checks it.
    pub(super) async fn notice(&mut self, announced: &Announced) -> Result<CheckedNotice, Error> {
        self.phone
            .notice_of(&mut self.session, &announced.challenge_id, act())
            .await
    }
}

/// What held and what did not.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    pub(super) held: usize,
    pub(super) broken: Vec<String>,
}

/// The demonstration while it runs.
pub(super) struct Stage {
    pub(super) output: Output,
    pub(super) cluster: DevCluster,
    pub(super) platform: Arc<Platform>,
    pub(super) phones: Connection,
    pub(super) agents: Vec<String>,
    pub(super) customers: Vec<Customer>,
    pub(super) ledger: Ledger,
    /// Lines of the closing summary.
    pub(super) summary: Vec<Vec<String>>,
    next_customer: usize,
}

impl Stage {
    pub(super) fn new(output: Output, cluster: DevCluster) -> Result<Self, Error> {
        let context = cluster.context();
        Ok(Self {
            output,
            platform: Arc::new(context.platform()?),
            phones: context.phone_connection()?,
            cluster,
            agents: Vec::new(),
            customers: Vec::new(),
            ledger: Ledger::default(),
            summary: Vec::new(),
            next_customer: 0,
        })
    }

    pub(super) const fn context(&self) -> &Context {
        self.cluster.context()
    }

    pub(super) fn title(&self, number: u8, text: &str) {
        self.output.data(&format!(
            "\n{}",
            self.output.heading(&format!("{number}. {text}"))
        ));
    }

    pub(super) fn say(&self, text: &str) {
        self.output.data(format!("   {text}").trim_end());
    }

    /// Records an expectation, and says whether it held.
    pub(super) fn expect(&mut self, holds: bool, what: &str) {
        let word = if holds { "" } else { " (did not hold)" };
        self.output
            .data(&format!("   {} {what}{word}", self.output.mark(holds)));
        if holds {
            self.ledger.held += 1;
        } else {
            self.ledger.broken.push(what.to_owned());
        }
    }

    /// Records that a call to the cluster was refused with a certain gRPC code.
    pub(super) fn expect_refusal<T>(
        &mut self,
        result: &Result<T, Error>,
        code: tonic::Code,
        what: &str,
    ) {
        let got = result.as_ref().err().and_then(Error::grpc_code);
        if got != Some(code) {
            let found = match result {
                Ok(_) => "it was accepted".to_owned(),
                Err(error) => format!("{got:?}: {error}"),
            };
            self.say(&format!("expected {code:?}, found {found}"));
        }
        self.expect(got == Some(code), what);
    }

    pub(super) fn sum(&mut self, what: &str, figure: impl Into<String>) {
        self.summary.push(vec![what.to_owned(), figure.into()]);
    }

    /// Gives phones into the hands of the next `count` customers.
    pub(super) async fn people(&mut self, count: usize) -> Result<Vec<Person>, Error> {
        let from = self.next_customer;
        self.next_customer += count;
        let phones = self.context().phones().to_owned();
        let mut opening = Vec::with_capacity(count);
        for customer in self.customers.iter().skip(from).take(count) {
            let directory = PhoneDirectory::of(&phones, &customer.subject);
            let phone = Phone::with_connection(&directory, self.phones.clone())?;
            opening.push(take_up(phone, customer.pin.clone()));
        }
        if opening.len() < count {
            return Err(Error::usage(
                "the enrolment file has too few customers for this demo",
            ));
        }
        let parallel = std::thread::available_parallelism().map_or(2, usize::from);
        let opened: Vec<Result<Person, Error>> = futures::stream::iter(opening)
            .buffer_unordered(parallel)
            .collect()
            .await;
        opened.into_iter().collect()
    }

    /// Gives a phone into the hands of the next customer.
    pub(super) async fn person(&mut self) -> Result<Person, Error> {
        self.people(1)
            .await?
            .pop()
            .ok_or_else(|| Error::usage("no customers"))
    }

    /// Announces a plain inbound call for a person.
    pub(super) async fn ring(&self, person: &Person) -> Result<Announced, Error> {
        self.platform
            .announce(&inbound(person.phone.subject(), "basic"), act())
            .await
    }

    /// The verdict of a contact once it is committed.
    pub(super) async fn verdict(&self, announced: &Announced) -> Result<Verdict, Error> {
        self.platform
            .wait_verdict(&announced.contact_id, Reached::Committed, act(), |_step| {})
            .await
    }

    /// Expects that a contact has ended in a certain way.
    pub(super) async fn expect_verdict(
        &mut self,
        announced: &Announced,
        outcome: Outcome,
        what: &str,
    ) -> Result<(), Error> {
        let verdict = self.verdict(announced).await?;
        if verdict.outcome != Some(outcome) {
            self.say(&format!(
                "expected {}, found {:?}",
                outcome.words(),
                verdict.outcome
            ));
        }
        self.expect(verdict.outcome == Some(outcome), what);
        Ok(())
    }
}

/// An inbound call.
pub(super) fn inbound<'a>(subject: &'a str, policy: &'a str) -> Call<'a> {
    Call {
        subject,
        initiator: crate::answer::Initiator::Customer,
        policy,
        call_reason: 1,
        agent: None,
        queue: 0,
        campaign: 0,
    }
}

async fn take_up(phone: Phone, pin: Zeroizing<String>) -> Result<Person, Error> {
    let (phone, secret) = unlock(phone, pin.clone()).await?;
    let session = phone.open_session(act()).await?;
    Ok(Person {
        phone,
        session,
        secret,
        pin: Pin::new(pin),
    })
}

/// Types a PIN into a phone; the derivation is slow on purpose, so it gets a thread of its own.
pub(super) async fn unlock(
    phone: Phone,
    pin: Zeroizing<String>,
) -> Result<(Phone, PinSecret), Error> {
    let derived = tokio::task::spawn_blocking(move || {
        let secret = phone.unlock(&pin);
        (phone, secret)
    });
    let (phone, secret) = derived
        .await
        .map_err(|_stopped| Error::Proof { what: "PIN" })?;
    Ok((phone, secret?))
}
