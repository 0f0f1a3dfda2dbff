"""Decisions on credentials and sensor messages: specification.md, sections 10 and 11.

The first failing check counts. Times are stamps of log entries, in microseconds; there is no
clock here. None stands for what state does not hold: no key, no revocation, no possession.
"""

from . import messages
from .context import AGENT_LOGIN, AGENT_PRESENCE, CONSENT, CUSTOMER_CALL, ENROL
from .ed25519 import read_key, verify
from .proximity import TAU_LIMIT
from .reasons import (
    ACCEPTED,
    ASSURANCE_TOO_LOW,
    CONTEXT_MISMATCH,
    CREDENTIAL_EXPIRED,
    CREDENTIAL_REVOKED,
    FACTOR_MISSING,
    ISSUER_REVOKED,
    ISSUER_UNKNOWN,
    MALFORMED,
    MODEL_MISMATCH,
    PROBE_STALE,
    PURPOSE_MISMATCH,
    SENSOR_REVOKED,
    SENSOR_UNKNOWN,
    SIGNATURE_INVALID,
    Rejected,
)

GENUINE = 1
SECURE = 2

# The purposes under which predicates and probes count.
VERIFICATIONS = (CUSTOMER_CALL, AGENT_LOGIN, AGENT_PRESENCE, CONSENT)


def first_failing(checks):
    """The code of the first check that does not hold; later ones are not looked at."""
    for holds, code in checks:
        if not holds():
            return code
    return ACCEPTED


def _of_context(fields, context):
    names = ("suite", "origin", "tenant", "subject")
    return all(fields[name] == getattr(context, name) for name in names)


def _reaches(revoked_from_us, moment_us):
    return revoked_from_us is not None and revoked_from_us <= moment_us


def _valid(fields, stamp_us):
    return fields["not_before_us"] <= stamp_us <= fields["expires_us"]


def registration(context, given):
    """Whether a credential may be registered."""
    message, fields = messages.credential(given["body"])
    key, stamp = given["issuer_key"], given["stamp_us"]
    revoked_from = given["issuer_revoked_from_us"]
    return first_failing(
        (
            (lambda: context.purpose == ENROL, PURPOSE_MISMATCH),
            (lambda: _of_context(fields, context), CONTEXT_MISMATCH),
            (lambda: given["possessed"] == fields["P"], FACTOR_MISSING),
            (lambda: key and messages.sha256(key) == fields["issuer_key_id"], ISSUER_UNKNOWN),
            (lambda: not _reaches(revoked_from, stamp), ISSUER_REVOKED),
            (lambda: verify(key, message, given["signature"]), SIGNATURE_INVALID),
            (lambda: _valid(fields, stamp), CREDENTIAL_EXPIRED),
        )
    )


def presentation(context, given):
    """Whether an attribute of a registered credential may be spoken of."""
    _, fields = messages.credential(given["body"])
    revoked_from = given["issuer_revoked_from_us"]
    return first_failing(
        (
            (lambda: context.purpose in VERIFICATIONS, PURPOSE_MISMATCH),
            (lambda: _of_context(fields, context), CONTEXT_MISMATCH),
            (lambda: given["possessed"] == fields["P"], FACTOR_MISSING),
            (lambda: not _reaches(revoked_from, given["registered_us"]), ISSUER_REVOKED),
            (lambda: not given["revoked"], CREDENTIAL_REVOKED),
            (lambda: _valid(fields, given["stamp_us"]), CREDENTIAL_EXPIRED),
            (lambda: given["attribute"] < len(fields["commitments"]), MALFORMED),
        )
    )


def _capture(context, given, label, last, purpose_fits, model_fits, level_most):
    certificate, capture, stamp = given["certificate"], given["capture"], given["stamp_us"]

    def held():
        key = given["P"]
        message = messages.sensor_message(label, context, key, capture, certificate, last)
        return verify(certificate["key"], message, given["signature"])

    def fresh():
        captured = capture["captured_us"]
        in_time = context.not_before_us <= captured <= stamp
        return in_time and stamp - captured <= given["age_max_us"]

    def assured():
        level = min(capture["level"], certificate["level"], level_most)
        return level >= given["level_min"] and capture["result"] == GENUINE

    return first_failing(
        (
            (lambda: purpose_fits, PURPOSE_MISMATCH),
            (lambda: certificate is not None, SENSOR_UNKNOWN),
            (lambda: not given["revoked"] and _valid(certificate, stamp), SENSOR_REVOKED),
            (held, SIGNATURE_INVALID),
            (fresh, PROBE_STALE),
            (lambda: model_fits and capture["model_id"] == certificate["model_id"], MODEL_MISMATCH),
            (assured, ASSURANCE_TOO_LOW),
        )
    )


def enrolment(context, given):
    """Whether a sensor's template may be enrolled."""
    return _capture(
        context,
        given,
        b"akashi/v1/enrol",
        given["server_nonce"],
        context.purpose == ENROL,
        True,
        SECURE,
    )


def probe(context, given):
    """Whether a probe may be compared with the enrolled template."""
    capture = given["capture"]
    code = _capture(
        context,
        given,
        b"akashi/v1/probe",
        messages.sha256(given["C_t"]),
        context.purpose in VERIFICATIONS,
        capture["model_id"] == given["model_id"] and capture["n"] == given["n"],
        given["enrolled_level"],
    )
    if code == ACCEPTED and given["tau"] >= TAU_LIMIT:
        return MALFORMED
    return code


def body(_context, given):
    """Whether bytes are the body of a credential."""
    try:
        messages.credential(given["body"])
    except Rejected as rejected:
        return rejected.code
    return ACCEPTED


def key(_context, given):
    """Whether bytes are a key that signatures can be verified with."""
    return read_key(given["key"])


DECISIONS = {
    "bodies": body,
    "keys": key,
    "registrations": registration,
    "presentations": presentation,
    "enrolments": enrolment,
    "probes": probe,
}
