"""Reason codes that a verifier of proofs gives: specification.md, section 7.

0 stands for "accepted"; it must never be given where one check was left out.
"""

ACCEPTED = 0
UNKNOWN_SUITE = 1
CONTEXT_MISMATCH = 7
ORDER_MISMATCH = 8
FACTOR_MISSING = 13
MALFORMED = 14
POINT_NOT_CANONICAL = 15
IDENTITY_POINT = 16
EQUATION_FAILED = 17
ISSUER_UNKNOWN = 18
CREDENTIAL_EXPIRED = 19
SIGNATURE_INVALID = 20
SENSOR_UNKNOWN = 21
PROBE_STALE = 22
MODEL_MISMATCH = 23
ASSURANCE_TOO_LOW = 24
SCALAR_NOT_CANONICAL = 26
ISSUER_REVOKED = 27
CREDENTIAL_REVOKED = 28
SENSOR_REVOKED = 29
PURPOSE_MISMATCH = 30


class Rejected(Exception):
    """A proof that is refused, with its code."""

    def __init__(self, code):
        super().__init__(code)
        self.code = code


class StatementRefused(Exception):
    """A statement that no replica could have built, with the code of what is wrong with it."""

    def __init__(self, code):
        super().__init__(code)
        self.code = code
