//! The closed list of error numbers and exit statuses, with the texts of `akashi explain`.
//!
//! Numbers are never reused: scripts and runbooks name them.

/// Exit statuses of the command. Scripts branch on these; they never change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// 0: done, or verified.
    Done,
    /// 1: failed for another reason.
    Failed,
    /// 2: the command line makes no sense.
    Usage,
    /// 3: answered, and the answer is "refused".
    Refused,
    /// 4: no answer in time.
    NoAnswer,
    /// 5: not permitted.
    NotPermitted,
    /// 6: the cluster is unavailable or has no quorum; trying again is safe.
    Unavailable,
    /// 7: integrity failure; never try again, tell a person.
    Integrity,
}

impl Exit {
    /// The number for the shell.
    #[must_use]
    pub const fn number(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::Usage => 2,
            Self::Refused => 3,
            Self::NoAnswer => 4,
            Self::NotPermitted => 5,
            Self::Unavailable => 6,
            Self::Integrity => 7,
        }
    }
}

/// What `akashi explain` knows about one error.
#[derive(Clone, Copy, Debug)]
pub struct Explanation {
    /// The number, as in `AK6001`.
    pub number: u16,
    /// A few words.
    pub title: &'static str,
    /// Why it happens.
    pub cause: &'static str,
    /// What to do next.
    pub next: &'static str,
    /// The exit status that goes with it.
    pub exit: Exit,
}

/// One kind of error. The first digit of its number is the exit status it leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Code {
    /// A file could not be read or written.
    File,
    /// A file does not say what it should.
    Malformed,
    /// Something is there already.
    Exists,
    /// No random bytes.
    Entropy,
    /// A certificate or key cannot be used.
    Certificate,
    /// A node process did not start or stopped.
    Process,
    /// The cluster refused the request.
    Rejected,
    /// A stream ended early.
    StreamEnded,
    /// An answer cannot be understood.
    Answer,
    /// The phone cannot prove a factor.
    Proof,
    /// The demonstration found something unexpected.
    Expectation,
    /// Stopped by the person at the terminal.
    Interrupted,
    /// The phone has nothing that proves what is asked.
    Lacking,
    /// A trace did not go as it says.
    Trace,
    /// A receiver of webhooks did not take a message.
    NotDelivered,
    /// Arguments make no sense.
    Usage,
    /// The verdict is not "verified".
    Refused,
    /// An issuer turns a request away.
    RequestRefused,
    /// The deadline passed.
    DeadlineExceeded,
    /// The customer did not answer.
    NoAnswer,
    /// Not permitted.
    NotPermitted,
    /// The cluster's rules do not let an agent in.
    Denied,
    /// No node can answer.
    Unavailable,
    /// A limit was reached.
    OverLimit,
    /// A node holds the proofs; nobody decides at present.
    Held,
    /// Evidence does not hold.
    Integrity,
}

impl Code {
    /// Every code, in the order of the numbers.
    pub const ALL: [Self; 26] = [
        Self::File,
        Self::Malformed,
        Self::Exists,
        Self::Entropy,
        Self::Certificate,
        Self::Process,
        Self::Rejected,
        Self::StreamEnded,
        Self::Answer,
        Self::Proof,
        Self::Expectation,
        Self::Interrupted,
        Self::Lacking,
        Self::NotDelivered,
        Self::Trace,
        Self::Usage,
        Self::Refused,
        Self::RequestRefused,
        Self::DeadlineExceeded,
        Self::NoAnswer,
        Self::NotPermitted,
        Self::Denied,
        Self::Unavailable,
        Self::OverLimit,
        Self::Held,
        Self::Integrity,
    ];

    /// The code with this name, written `AK6001`, `ak6001` or `6001`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text
            .trim_start_matches(['A', 'a'])
            .trim_start_matches(['K', 'k']);
        let number: u16 = digits.parse().ok()?;
        Self::ALL
            .into_iter()
            .find(|code| code.explain().number == number)
    }

    /// The exit status that goes with it.
    #[must_use]
    pub const fn exit(self) -> Exit {
        self.explain().exit
    }

    /// Its number, cause and next step.
    #[must_use]
    #[expect(
        clippy::too_many_lines,
        reason = "a table; splitting it would hide the numbers"
    )]
    pub const fn explain(self) -> Explanation {
        use Exit::{Failed, Integrity, NoAnswer, NotPermitted, Refused, Unavailable, Usage};
        match self {
            Self::File => entry(
                1001,
                Failed,
                "a file could not be read or written",
                "the path is wrong, the permissions forbid it, or the disk is full",
                "check the path in the message; pass --context or set AKASHI_CONTEXT if it is the context file",
            ),
            Self::Malformed => entry(
                1002,
                Failed,
                "a file does not say what it should",
                "the file was edited by hand, cut short, or is of another kind",
                "compare it with the samples in ops/samples, or make it anew",
            ),
            Self::Exists => entry(
                1003,
                Failed,
                "something is there already",
                "keys and enrolments are never overwritten",
                "choose another directory, or move the old one away if you are sure",
            ),
            Self::Entropy => entry(
                1004,
                Failed,
                "the operating system gave no random bytes",
                "very early start of a machine, or a sandbox without getrandom",
                "wait and try again; nothing was written",
            ),
            Self::Certificate => entry(
                1005,
                Failed,
                "a certificate or key cannot be used",
                "the PEM file is damaged, or certificate and key do not belong together",
                "make the identity anew with `akashi ops init`",
            ),
            Self::Process => entry(
                1006,
                Failed,
                "a node process did not start, or stopped",
                "akashi-node was not found, a port is taken, or its data directory cannot be used",
                "read the node's log named in the message; try --base-port or --node-binary",
            ),
            Self::Rejected => entry(
                1007,
                Failed,
                "the cluster refused the request",
                "the request makes no sense in the present state: unknown name, used challenge, wrong field",
                "read the text after the colon; sending the same again gives the same answer",
            ),
            Self::StreamEnded => entry(
                1008,
                Failed,
                "a stream ended before it had said what was asked for",
                "the node stopped, or the deadline passed on its side",
                "ask again; nothing was lost",
            ),
            Self::Answer => entry(
                1009,
                Failed,
                "an answer cannot be understood",
                "node and command are of different versions",
                "update the command",
            ),
            Self::Proof => entry(
                1010,
                Failed,
                "the phone cannot prove",
                "a secret of the phone's directory is missing or damaged",
                "enrol the phone again",
            ),
            Self::Expectation => entry(
                1011,
                Failed,
                "an expectation of the demonstration did not hold",
                "a defect, or a machine so slow that a timing bound was missed",
                "read the lines marked with a cross; run `akashi demo --keep` and look at the nodes' logs",
            ),
            Self::Interrupted => entry(
                1012,
                Failed,
                "stopped by the person at the terminal",
                "Ctrl-C",
                "nothing to do; acknowledged work is kept",
            ),
            Self::Lacking => entry(
                1013,
                Failed,
                "the phone has nothing that proves what is asked",
                "no registered credential of the policy's issuers shows it, no face is enrolled, or no order was given",
                "get a credential from one of the issuers and add it, or decline the notice",
            ),
            Self::Trace => entry(
                1015,
                Failed,
                "calls of a trace did not go as it says",
                "the cluster refused a step that the trace expects it to take, or took one that it expects refused",
                "read the lines marked with a cross: each names the trace's line and the reason",
            ),
            Self::NotDelivered => entry(
                1014,
                Failed,
                "a receiver of webhooks did not take a message",
                "the endpoint is down, answers with another status than 2xx, redirects, or its address is not allowed",
                "read the text after the colon; docs/webhooks.md says what a receiver must answer",
            ),
            Self::Usage => entry(
                2001,
                Usage,
                "the command line makes no sense",
                "an argument is missing, unknown or out of range",
                "add --help to see the arguments and an example",
            ),
            Self::Refused => entry(
                3001,
                Refused,
                "answered: not verified",
                "the customer declined, reported the call, or the proofs did not hold",
                "treat the caller as a stranger; if it was reported, end the call",
            ),
            Self::RequestRefused => entry(
                3002,
                Refused,
                "the issuer turns the request away",
                "the offer is unknown, used or over, or the possession proof is not for this offer",
                "make a new offer and let the holder answer it",
            ),
            Self::DeadlineExceeded => entry(
                4001,
                NoAnswer,
                "no answer in time",
                "slow network, fail-over in progress, or no quorum; the outcome is not known",
                "repeat with the same request id: a repeat never acts twice",
            ),
            Self::NoAnswer => entry(
                4002,
                NoAnswer,
                "the customer did not answer",
                "the phone is off or out of reach, or the notice was not opened",
                "ask once more, or go on as with a stranger",
            ),
            Self::NotPermitted => entry(
                5001,
                NotPermitted,
                "not permitted",
                "the certificate is missing, of another role, or of another tenant",
                "use the identity that belongs to this command (platform, agent, auditor, operator)",
            ),
            Self::Denied => entry(
                5002,
                NotPermitted,
                "the rules do not let the agent in",
                "no verified login, another certificate, a lock, missing posture, rules or presence; the \
                 number in the message says which",
                "`akashi explain NUMBER` tells what is missing; the first refusals of an hour are in the log",
            ),
            Self::Unavailable => entry(
                6001,
                Unavailable,
                "the cluster cannot answer now",
                "no node can be reached, there is no leader, or no quorum",
                "try again: it is safe. `akashi cluster status` shows who is there",
            ),
            Self::OverLimit => entry(
                6002,
                Unavailable,
                "a limit was reached",
                "too many notices for one subject, a locked PIN, or a busy node",
                "wait for the time named by the cluster, then try again",
            ),
            Self::Held => entry(
                6003,
                Unavailable,
                "held: a node has the proofs, and nobody decides at present",
                "too few replicas can reach one another, so there is no quorum",
                "send the same submission again until the challenge expires; the receipt in the phone's directory shows that it arrived",
            ),
            Self::Integrity => entry(
                7001,
                Integrity,
                "integrity failure",
                "a receipt, a tree head, a notice or a replica contradicts what was signed",
                "do not try again. Keep the file, compare it with another node, and tell the auditor",
            ),
        }
    }
}

const fn entry(
    number: u16,
    exit: Exit,
    title: &'static str,
    cause: &'static str,
    next: &'static str,
) -> Explanation {
    Explanation {
        number,
        title,
        cause,
        next,
        exit,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_unique_and_begin_with_the_exit_status() {
        let mut seen = std::collections::BTreeSet::new();
        for code in Code::ALL {
            let text = code.explain();
            assert!(seen.insert(text.number), "AK{} twice", text.number);
            assert_eq!(
                text.number / 1_000,
                u16::from(text.exit.number()),
                "AK{}",
                text.number
            );
        }
    }

    #[test]
    fn a_code_is_found_however_it_is_written() {
        assert_eq!(Code::parse("AK6001"), Some(Code::Unavailable));
        assert_eq!(Code::parse("ak7001"), Some(Code::Integrity));
        assert_eq!(Code::parse("4001"), Some(Code::DeadlineExceeded));
        assert_eq!(Code::parse("AK9999"), None);
        assert_eq!(Code::parse("help"), None);
    }
}
