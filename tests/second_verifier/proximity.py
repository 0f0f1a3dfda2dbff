"""Two templates are close: the squared distance of what C_t and C_p commit to is at most tau.

A quadratic sigma protocol, a folding that halves the answer until eight entries are left, and a
32-bit range proof, all in one transcript. That the entries are small rests on the sensor alone.
"""

from . import range_proof
from .encoding import u16, u32
from .generators import B, H, template_generators
from .group import ORDER
from .reasons import MALFORMED, StatementRefused
from .statement import Statement

DIMENSIONS = (128, 256, 512)
# 512 entries of at most 255 in absolute value have a smaller sum of squares.
TAU_LIMIT = 2**25
LAST = 8
RANGE_BITS = 32
HEAD = 7
PER_ROUND = 4


class Proximity(Statement):
    """C_t and C_p commit to templates of n entries at squared distance tau or less."""

    KIND = 7
    NAME = "proximity"

    def __init__(self, fields):
        self.n = fields["n"]
        self.tau = fields["tau"]
        self.enrolled = fields["C_t"]
        self.probe = fields["C_p"]
        self.rounds = (self.n // LAST).bit_length() - 1
        # C_d A0 T0 T1, z_r z_t q, (L R q0 q1) per round, z_0..z_7, the range proof.
        self.layout = (
            "PPPPSSS" + "PPSS" * self.rounds + "S" * LAST + range_proof.layout(RANGE_BITS)
        )

    def instance(self):
        """n, tau, C_t, C_p."""
        return u16(self.n) + u32(self.tau) + self.enrolled + self.probe

    def check(self):
        """n is one of three sizes and tau below 2^25."""
        if self.n not in DIMENSIONS or self.tau >= TAU_LIMIT:
            raise StatementRefused(MALFORMED)

    def points(self):
        """Encodings that must be good elements, in this order."""
        return [self.enrolled, self.probe]

    def equations(self, transcript, proof, elements, points):
        """E1, the sum of squares, E2, and the two of the range proof (E3)."""
        c_d, a0, t0, t1, z_r, z_t, q = elements[:HEAD]
        transcript.absorb(proof[: 32 * 4])
        c = transcript.challenge()
        # E1: q*B + z_t*H = T0 + c*T1 + c^2*C_d.
        yield [(q, B), (z_t, H), (-1, t0), (-c, t1), (-c * c, c_d)]

        # The folding. factors are the weights of A0 + c*C_delta - z_r*H after all rounds.
        squares = q
        challenges = []
        absorbed = 4
        folded = []
        for turn in range(self.rounds):
            first = HEAD + PER_ROUND * turn
            left, right, q0, q1 = elements[first : first + PER_ROUND]
            transcript.absorb(proof[32 * absorbed : 32 * (first + PER_ROUND)])
            absorbed = first + PER_ROUND
            x = transcript.challenge()
            challenges.append(x)
            # Q' = L + x*Q + x^2*R and q' = q0 + x*q1 + x^2*(q - q0).
            folded = [(x * weight, point) for weight, point in folded]
            folded += [(1, left), (x * x, right)]
            squares = (q0 + x * q1 + x * x * (squares - q0)) % ORDER
        last = elements[absorbed : absorbed + LAST]
        # An equation between numbers, written as one between points.
        yield [(sum(z * z for z in last) - squares, B)]
        product = 1
        for x in challenges:
            product = product * x % ORDER
        # E2: sum of z'_i*F'_i = Q', with F' = x*F_lo + F_hi.
        terms = [(-weight, point) for weight, point in folded]
        terms += [(-product, a0), (-product * c, points[0]), (product * c, points[1])]
        terms.append((product * z_r, H))
        generators = template_generators()
        for i in range(self.n):
            weight = last[i % LAST]
            half = self.n // 2
            for x in challenges:
                if not i & half:
                    weight = weight * x % ORDER
                half //= 2
            terms.append((weight, generators[i]))
        yield terms

        # E3: tau*B - C_d commits to tau less the distance, in [0, 2^32).
        transcript.absorb(proof[32 * absorbed : 32 * (absorbed + LAST)])
        absorbed += LAST
        yield from range_proof.equations(
            transcript,
            proof[32 * absorbed :],
            elements[absorbed:],
            RANGE_BITS,
            [[(self.tau, B), (-1, c_d)]],
        )
