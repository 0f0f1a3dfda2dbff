"""A whole submission: what travels with each part, the two digests, the code of every part.

specification.md, sections 4.2, 5 and 5.1. Statements come from state, but for three: possession
and consent are over the digests made here, and a new PIN key travels with its own proof.
"""

from . import messages
from .derive import submission_digest
from .reasons import StatementRefused
from .schnorr import Consent, Knowledge, Possession
from .verify import statement_from_instance, verify

CONSENT = Consent.KIND
NEW_PIN_KEY = (Knowledge.KIND, 1)


def sealed(part):
    """The digest of what travels with a part."""
    if not part["travels"]:
        return bytes(32)
    if part["kind"] == CONSENT:
        return messages.sealed_digest(*part["travels"])
    return messages.sha256(*part["travels"])


def statement(given, part, own_digest):
    """What a part must prove."""
    if part["kind"] == CONSENT:
        return Consent(
            {
                "P": given["P"],
                "order_hash": given["order_hash"],
                "sealed_digest": sealed(part),
                "recipient_digest": messages.sha256(given["recipient_key"]),
                "submission_digest": own_digest,
            }
        )
    if (part["kind"], part["slot"]) == NEW_PIN_KEY:
        (new_key,) = part["travels"]
        return Knowledge({"P": given["P"], "K": new_key})
    return statement_from_instance(part["kind"], part["instance"])


def judge(context, given):
    """The digests, (part, sealed digest, code) for every part, and the possession's code."""

    def code(make, proof):
        try:
            return verify(context, make(), proof)
        except StatementRefused as refused:
            return refused.code

    parts = [{**part, "sealed_digest": sealed(part)} for part in given["parts"]]
    others = [part for part in parts if part["kind"] != CONSENT]
    digests = {
        "own_digest_of_consent": submission_digest(others),
        "submission_digest": submission_digest(parts),
    }
    own_digest = digests["own_digest_of_consent"]
    possession = Possession({"P": given["P"], "submission_digest": digests["submission_digest"]})
    return {
        "digests": digests,
        "parts": [
            (
                given_part,
                part["sealed_digest"],
                code(lambda part=part: statement(given, part, own_digest), part["proof"]),
            )
            for given_part, part in zip(given["parts"], parts)
        ],
        "possession": code(lambda: possession, given["possession"]),
    }
