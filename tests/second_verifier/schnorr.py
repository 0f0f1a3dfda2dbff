"""Proofs of one discrete logarithm: specification.md, section 4.

Possession, knowledge and consent have base B, equals and same have base H. The proof is R, s; the
equation s*base - R - c*Y = 0.
"""

from .context import CONSENT
from .encoding import u64
from .generators import B, H
from .reasons import ORDER_MISMATCH, PURPOSE_MISMATCH, Rejected
from .statement import Statement

LAYOUT = "PS"


def equations(transcript, proof, elements, base, target):
    """The one equation; target is Y as pairs (scalar, point)."""
    point_r, s = elements
    transcript.absorb(proof[:32])
    c = transcript.challenge()
    yield [(s, base), (-1, point_r)] + [(-c * scalar, point) for scalar, point in target]


class Possession(Statement):
    """The device's key: the holder of x with P = x*B made this submission."""

    KIND = 1
    NAME = "possession"
    layout = LAYOUT

    def __init__(self, fields):
        self.key = fields["P"]
        self.submission_digest = fields["submission_digest"]

    def instance(self):
        """P, submission digest."""
        return self.key + self.submission_digest

    def points(self):
        """Encodings that must be good elements, in this order."""
        return [self.key]

    def equations(self, transcript, proof, elements, points):
        """Base B, target P."""
        return equations(transcript, proof, elements, B, [(1, points[0])])


class Knowledge(Statement):
    """The PIN: the prover knows w with K = w*B, enrolled for the device P."""

    KIND = 2
    NAME = "knowledge"
    layout = LAYOUT

    def __init__(self, fields):
        self.device = fields["P"]
        self.key = fields["K"]

    def instance(self):
        """P, K."""
        return self.device + self.key

    def points(self):
        """Encodings that must be good elements, in this order."""
        return [self.device, self.key]

    def equations(self, transcript, proof, elements, points):
        """Base B, target K."""
        return equations(transcript, proof, elements, B, [(1, points[1])])


class Equals(Statement):
    """The committed value is this one: C - value*B has a known logarithm to base H."""

    KIND = 3
    NAME = "equals"
    layout = LAYOUT

    def __init__(self, fields):
        self.commitment = fields["C"]
        self.value = fields["value"]

    def instance(self):
        """C, value."""
        return self.commitment + u64(self.value)

    def points(self):
        """Encodings that must be good elements, in this order."""
        return [self.commitment]

    def equations(self, transcript, proof, elements, points):
        """Base H, target C - value*B."""
        return equations(transcript, proof, elements, H, [(1, points[0]), (-self.value, B)])


class Same(Statement):
    """Two commitments to one value: C1 - C2 has a known logarithm to base H."""

    KIND = 4
    NAME = "same"
    layout = LAYOUT

    def __init__(self, fields):
        self.first = fields["C1"]
        self.second = fields["C2"]

    def instance(self):
        """C1, C2."""
        return self.first + self.second

    def points(self):
        """Encodings that must be good elements, in this order."""
        return [self.first, self.second]

    def equations(self, transcript, proof, elements, points):
        """Base H, target C1 - C2."""
        return equations(transcript, proof, elements, H, [(1, points[0]), (-1, points[1])])


class Consent(Statement):
    """The holder of x with P = x*B agrees to one order, sealed to one recipient."""

    KIND = 8
    NAME = "consent"
    layout = LAYOUT

    def __init__(self, fields):
        self.key = fields["P"]
        self.order_hash = fields["order_hash"]
        self.sealed_digest = fields["sealed_digest"]
        self.recipient_digest = fields["recipient_digest"]
        self.submission_digest = fields["submission_digest"]

    def instance(self):
        """P, order hash, sealed digest, recipient digest, submission digest."""
        return b"".join(
            (
                self.key,
                self.order_hash,
                self.sealed_digest,
                self.recipient_digest,
                self.submission_digest,
            )
        )

    def points(self):
        """Encodings that must be good elements, in this order."""
        return [self.key]

    def fits(self, context):
        """Consent only where consent was asked for, and only to the order of the challenge."""
        if context.purpose != CONSENT:
            raise Rejected(PURPOSE_MISMATCH)
        if context.order_hash != self.order_hash:
            raise Rejected(ORDER_MISMATCH)

    def equations(self, transcript, proof, elements, points):
        """Base B, target P."""
        return equations(transcript, proof, elements, B, [(1, points[0])])
