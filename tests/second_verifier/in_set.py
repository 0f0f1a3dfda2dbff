"""The committed value is one of a few: an OR of Schnorr proofs (Cramer, Damgard, Schoenmakers).

The proof is R_1..R_k, c_1..c_(k-1), s_1..s_k; c_k is what is left of the challenge.
"""

from .encoding import u8, u64
from .generators import B, H
from .reasons import MALFORMED, StatementRefused
from .statement import Statement

MEMBERS_MAX = 16


class InSet(Statement):
    """C commits to a member of an ascending set of 1 to 16 values."""

    KIND = 6
    NAME = "in-set"

    def __init__(self, fields):
        self.commitment = fields["C"]
        self.members = fields["set"]
        k = len(self.members)
        self.layout = "P" * k + "S" * (2 * k - 1)

    def instance(self):
        """k, the members, C."""
        members = b"".join(u64(member) for member in self.members)
        return u8(len(self.members)) + members + self.commitment

    def check(self):
        """1 to 16 members, strictly ascending."""
        ascending = all(low < high for low, high in zip(self.members, self.members[1:]))
        if not 1 <= len(self.members) <= MEMBERS_MAX or not ascending:
            raise StatementRefused(MALFORMED)

    def points(self):
        """Encodings that must be good elements, in this order."""
        return [self.commitment]

    def equations(self, transcript, proof, elements, points):
        """Per member s_i*H - R_i - c_i*(C - member_i*B) = 0."""
        k = len(self.members)
        transcript.absorb(proof[: 32 * k])
        challenges = elements[k : 2 * k - 1]
        challenges = challenges + [transcript.challenge() - sum(challenges)]
        answers = elements[2 * k - 1 :]
        for member, point_r, c, s in zip(self.members, elements, challenges, answers):
            yield [(s, H), (-1, point_r), (-c, points[0]), (c * member, B)]
