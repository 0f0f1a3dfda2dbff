//! What `akashi explain` says of the reasons in verdicts and answers: why, and what to do next.
//!
//! The numbers are those of docs/reasons.md and never change meaning.

/// Reasons are below this number; error numbers are above.
pub(super) const REASON_LIMIT: u16 = 1_000;

/// Why, and what to do next.
#[derive(Clone, Copy, Debug)]
pub(super) struct About {
    pub(super) cause: &'static str,
    pub(super) next: &'static str,
}

/// What is known about one reason.
#[expect(
    clippy::too_many_lines,
    reason = "a table; splitting it would hide the numbers"
)]
pub(super) const fn about(number: u16) -> Option<About> {
    let (cause, next) = match number {
        1 | 12 => (
            "phone and cluster know different proof suites",
            "update the older of the two",
        ),
        2 => (
            "the challenge was never issued, or its record is gone",
            "announce the contact anew",
        ),
        3 | 4 | 103 => (
            "the answer came outside the time of the challenge",
            "announce the contact anew; see challenge_ttl_s of the policy",
        ),
        5 | 7 | 30 | 31 | 32 => (
            "the proof was made for something else",
            "let the phone answer the newest notice; if it stays, update the phone",
        ),
        6 => (
            "the challenge has its verdict",
            "read the verdict; announce anew if another one is needed",
        ),
        8 => (
            "the order on the phone is not the one that was offered",
            "offer the order again and bring the new order file to the phone",
        ),
        9 | 109 => (
            "no phone is enrolled for this handle",
            "invite the customer to enrol a phone",
        ),
        10 | 107 => (
            "the phone was revoked",
            "invite the customer to enrol a phone again",
        ),
        11 => (
            "too many wrong PINs in a row",
            "wait for the time that the cluster names, or enrol again",
        ),
        13 => (
            "a part that the policy asks for is missing: PIN, credential, face or consent; or the \
             credential is unknown, of another phone, or not one that the rule accepts",
            "look at the policy with `akashi policy show`, at the phone with `akashi phone credential list`",
        ),
        14 | 15 | 16 | 26 => (
            "the bytes are no proof of this kind",
            "a defect of the phone: update it",
        ),
        17 => (
            "what was claimed is not true, or the PIN was wrong",
            "try once more; afterwards treat the caller as a stranger",
        ),
        18 => (
            "the issuer's key is not registered with this tenant",
            "the operator registers it: `akashi issuer register`",
        ),
        19 => (
            "the credential is past its last day, or not yet good",
            "get a new credential from the issuer",
        ),
        20 => (
            "what an issuer or a sensor signed was changed, or signed for something else",
            "capture again, or get the credential anew; if it stays, tell the operator",
        ),
        21 => (
            "the sensor's certificate is not registered with this tenant",
            "the operator registers it: `akashi sensor register`",
        ),
        22 => (
            "the capture was made before the challenge or too long ago",
            "capture again; set the clock of the phone if it stays",
        ),
        23 => (
            "template and capture come from different models or sizes",
            "enrol the face again with the sensor in use",
        ),
        24 => (
            "the sensor is below the level that the policy asks for; a software simulator is level 0, \
             and the default asks for level 1",
            "use an attested sensor; for development name a policy that accepts level 0",
        ),
        25 => (
            "the sealed payload is not the one that the consent covers",
            "let the phone approve the order again",
        ),
        27 => (
            "the issuer's key was revoked before the credential was registered",
            "get a credential under a good key of the issuer",
        ),
        28 => (
            "the credential was revoked",
            "ask the issuer or the platform why; get a new one",
        ),
        29 => (
            "the sensor's certificate was revoked or is over",
            "use another sensor, or have a new certificate registered",
        ),
        100 => (
            "the permitted attempts were used up",
            "treat the caller as a stranger",
        ),
        101 | 102 => (
            "the customer said so on the phone",
            "respect it; after a report, end the call and tell the fraud team",
        ),
        104 => ("the platform closed the contact", "nothing to do"),
        105 | 106 | 110 | 111 => (
            "something newer of the same person took its place",
            "go on with the newer one",
        ),
        140 => (
            "somebody else has the customer's phone, or the number is somebody else's now",
            "end the call; have the number checked, and enrol the customer anew if it changed hands",
        ),
        141 => (
            "the phone's version does not know the question",
            "update the phone; until then take a weaker way that the policy lists",
        ),
        142 => (
            "the customer wishes to be called at another time",
            "respect it and arrange a call",
        ),
        143 | 144 => (
            "the customer does not wish to be asked on the phone",
            "respect it; take a weaker way that the policy lists",
        ),
        145 | 146 => (
            "the customer said that they are not on a call, of this or another contact",
            "end the call and tell the fraud team; `report_freeze_s` of the settings is how long it holds",
        ),
        147 => (
            "the platform recorded a weaker way while the phone was being asked",
            "go on with the weaker verdict",
        ),
        148 => (
            "the delegation ended or was revoked between question and answer",
            "grant it anew, or ask the customer",
        ),
        108 => (
            "too many notices for this subject within an hour",
            "wait; `notices_per_hour` of the settings is the limit",
        ),
        112 => (
            "the contact's policy does not let these fields be seen, or not without a second person",
            "`akashi policy show` tells what it lets be seen: the rule `unmask`",
        ),
        113 => (
            "who asks to see masked fields cannot be who allows it",
            "let a supervisor decide a new request",
        ),
        114 => (
            "only a supervisor may listen in, or decide what others ask to see",
            "the operator registers supervisors as such",
        ),
        115 => ("a supervisor looked at it and said no", "respect it"),
        116 => (
            "the session that asks does not have the contact, or no longer",
            "have the contact bound to the agent again",
        ),
        120 => (
            "a certificate alone opens nothing: the agent's own phone must have proved this login",
            "ask the phone: `akashi agent login`",
        ),
        121 | 133 => (
            "a login is good for verdict_ttl_s of its policy, and a session with it",
            "log in again; an open session lasts longer with `akashi agent session restore`",
        ),
        122 => ("a login opens one session, once", "log in again"),
        123 => (
            "the agent is registered with another certificate than the one that was shown",
            "use the registered one; `akashi unlock --certificate` names a new one",
        ),
        124 => (
            "the certificate was revoked: whoever shows it may have stolen it",
            "issue a new certificate and name it with `akashi unlock --certificate`",
        ),
        125 => (
            "the agent was locked by the tenant's platform or an operator",
            "find out why; then `akashi unlock`",
        ),
        126 => (
            "the login's policy asks for points of the checklist that no issuer whom it believes attested, or \
             not any more",
            "have the machine looked at: `akashi agent attest`",
        ),
        127 => (
            "the login's policy asks that the rules in force are acknowledged",
            "read the rules, then name their version: `akashi agent login --rules`",
        ),
        128 => (
            "the agent has no open session, or it is another desktop's",
            "log in: `akashi agent login`",
        ),
        129 => (
            "the session was suspended: somebody else was seen, or nobody for too long, or a lock",
            "a fresh login brings it back: `akashi agent session restore`",
        ),
        130 => (
            "the agent was not seen at the desktop at that moment",
            "sit down in front of the camera and try again",
        ),
        131 => (
            "the credential that proved the training has ended or was revoked; contacts that the agent \
             has go on, new ones do not",
            "get a new credential and log in again",
        ),
        132 => (
            "the session has as many contacts as `session_contacts_max` allows",
            "close or hand over one",
        ),
        134 => ("the agent opened another session", "go on in the newer one"),
        160 => (
            "the contact was asked something newer",
            "go on with the newer question",
        ),
        161 => (
            "the policy's version was retired while the challenge was open",
            "announce the contact anew: it is asked by the newest version",
        ),
        162 => (
            "the subject's keys were deleted while the challenge was open",
            "go on as with a stranger; to be verified again, the customer enrols anew",
        ),
        163 => (
            "the caller hung up in the queue",
            "nothing to do; a proof that comes later changes nothing",
        ),
        170 => (
            "what was to be carried out has another hash or other amounts than the customer approved",
            "do not carry it out; tell the fraud team: the order was changed on the way",
        ),
        171 => (
            "the order was carried out before, perhaps by an earlier run of the same processor",
            "look at the order's execution; never carry it out again",
        ),
        172 => (
            "nobody carried the order out in its time",
            "offer the order again; `order_ttl_s` of the settings is the time",
        ),
        173 => (
            "the processor did not fetch the payload before",
            "open the order, check it, then carry it out",
        ),
        174 => (
            "the customer said that the call was not genuine",
            "do not carry it out; tell the fraud team",
        ),
        175 => (
            "the customer did not approve the order, or not yet",
            "wait for the approval; a processor is told when it is sealed",
        ),
        135 => (
            "samples of the sensor say, one after the other, that somebody else sits at the desktop",
            "call the agent; if it is the agent, log in again: `akashi agent session restore`",
        ),
        136 => (
            "the camera was lost, covered or silent for longer than `suspend_after_s` of the policy",
            "bring the camera back and log in again: `akashi agent session restore`",
        ),
        137 => (
            "the session began, or was restored, and no camera has said yet who sits there",
            "run the desktop (`akashi agent run`) and sit down in front of the camera: two matches are enough",
        ),
        _ => return None,
    };
    Some(About { cause, next })
}

#[cfg(test)]
mod tests {
    use akashi_proof::Reason;

    use super::*;

    #[test]
    fn every_reason_is_explained() {
        for reason in Reason::ALL {
            assert!(about(reason.code()).is_some(), "{}", reason.code());
        }
        let known = (100..=116).chain(120..=137).chain(140..=148);
        for number in known.chain(160..=163).chain(170..=175) {
            assert!(about(number).is_some(), "{number}");
        }
        for number in [0, 117, 138, 149, 164, 176] {
            assert!(about(number).is_none(), "{number}");
        }
    }
}
