//! Step 2: an inbound and an outbound call, with a timeline.

use std::time::Instant;

use super::super::output::table;
use super::stage::{Person, Stage, act, inbound, ms_since};
use crate::agent::{Agent, Screen};
use crate::answer::{AgentView, Initiator, Outcome, Stage as Reached, Verdict};
use crate::clock;
use crate::error::Error;
use crate::phone::Reply;
use crate::platform::Call;

/// One call with the time of each step, in milliseconds from the announcement.
pub(super) struct Timeline {
    pub(super) name: &'static str,
    pub(super) steps: Vec<(&'static str, u64)>,
    pub(super) verdict: Verdict,
}

pub(super) async fn run(stage: &mut Stage) -> Result<Vec<Timeline>, Error> {
    stage.title(
        2,
        "Calls: who asks, why, who called whom; then proof, verdict, one word for the agent",
    );
    let mut timelines = Vec::new();
    for initiator in [Initiator::Customer, Initiator::Centre] {
        let mut person = stage.person().await?;
        timelines.push(one_call(stage, &mut person, initiator).await?);
    }
    let shown: Vec<String> = timelines
        .iter()
        .map(|t| {
            format!(
                "{} {}",
                t.name,
                t.verdict.outcome.map_or("open", Outcome::words)
            )
        })
        .collect();
    stage.sum("calls shown", shown.join(", "));
    Ok(timelines)
}

async fn one_call(
    stage: &mut Stage,
    person: &mut Person,
    initiator: Initiator,
) -> Result<Timeline, Error> {
    let agent = stage.agents.first().cloned();
    let agent = agent.ok_or_else(|| Error::usage("the enrolment file has no agents"))?;
    let name = match initiator {
        Initiator::Customer => "inbound",
        Initiator::Centre => "outbound",
    };
    let call = Call {
        initiator,
        // An outbound call is claimed by a known agent before the customer is disturbed.
        agent: (initiator == Initiator::Centre).then_some(agent.as_str()),
        ..inbound(person.phone.subject(), "basic")
    };
    let began = clock::monotonic();
    let mut steps = Vec::new();
    let announced = stage.platform.announce(&call, act()).await?;
    steps.push(("contact announced, durable on a quorum", ms_since(began)));
    if initiator == Initiator::Customer {
        stage
            .platform
            .bind_agent(&announced.contact_id, &agent, act())
            .await?;
    }
    let desktop = stage.context().agent(&agent)?;
    let screen = tokio::spawn(watch(desktop, announced.contact_id, began));

    let notice = person.notice(&announced).await?;
    steps.push(("notice on the phone, receipt checked", ms_since(began)));
    stage.say(&format!(
        "{name}: the phone shows: {} asks; {}; reason {}; vouched for by {} replicas",
        person.phone.tenant(),
        notice.initiator().map_or("", Initiator::words),
        notice.call_reason(),
        notice.vouchers(),
    ));
    person.phone.reply(&notice, Reply::Opened, act()).await?;
    let opened = ms_since(began);
    let submission = person.phone.prove(&notice, Some(&person.secret))?;
    let proved = ms_since(began);
    steps.push(("customer has opened the notice", opened));
    steps.push(("possession and PIN proved", proved));
    let submitted = person.phone.submit(&submission, act()).await?;
    let answered = ms_since(began);
    let verdict = stage
        .platform
        .wait_verdict(&announced.contact_id, Reached::Sealed, act(), |_step| {})
        .await?;
    let sealed = ms_since(began);
    let (screens, shown) = screen.await.map_err(|_stopped| Error::StreamEnded {
        what: "agent's view",
    })??;
    steps.push(("agent's screen shows the word", shown));
    steps.push(("phone has its answer, durable on a quorum", answered));
    steps.push(("verdict sealed, receipt at hand", sealed));

    let verified =
        submitted.outcome == Some(Outcome::Verified) && verdict.outcome == Some(Outcome::Verified);
    stage.expect(verified, &format!("{name}: the customer is verified"));
    let words: Vec<&str> = screens.iter().map(|screen| screen.view.words()).collect();
    let pass = screens
        .last()
        .is_some_and(|screen| screen.view == AgentView::Pass);
    stage.expect(
        pass,
        &format!("{name}: the agent's screen said: {}", words.join(", then ")),
    );
    Ok(Timeline {
        name,
        steps,
        verdict,
    })
}

async fn watch(
    desktop: Agent,
    contact_id: [u8; 16],
    began: Instant,
) -> Result<(Vec<Screen>, u64), Error> {
    let mut screens: Vec<Screen> = Vec::new();
    desktop
        .wait_view(&contact_id, Reached::Committed, act(), |screen| {
            if screens.last().map(|last| last.view) != Some(screen.view) {
                screens.push(screen.clone());
            }
        })
        .await?;
    Ok((screens, ms_since(began)))
}

/// The timelines side by side.
pub(super) fn timeline_table(timelines: &[Timeline]) -> String {
    let mut header = vec!["MILLISECONDS FROM THE ANNOUNCEMENT"];
    header.extend(timelines.iter().map(|timeline| timeline.name));
    let steps = timelines
        .first()
        .map(|timeline| timeline.steps.as_slice())
        .unwrap_or_default();
    let rows: Vec<Vec<String>> = steps
        .iter()
        .enumerate()
        .map(|(position, (step, _))| {
            let mut row = vec![(*step).to_owned()];
            row.extend(timelines.iter().map(|timeline| {
                timeline
                    .steps
                    .get(position)
                    .map_or_else(String::new, |(_, ms)| ms.to_string())
            }));
            row
        })
        .collect();
    table(&header, &rows)
}
