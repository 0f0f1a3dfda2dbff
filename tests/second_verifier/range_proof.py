"""Bulletproofs: committed values lie in [0, 2^n) (B. Buenz and others, IEEE S&P 2018, section 4.2).

The algebra is aggregated over m values. The commitments may be sums of points that others know;
such a sum is never checked for being the identity.
"""

from .encoding import u8
from .generators import B, H, range_generators
from .group import ORDER
from .reasons import MALFORMED, StatementRefused
from .statement import Statement

AT_LEAST = 1
AT_MOST = 2
DIFFERENCE = 3

POINT_BYTES = 32

# Per n, what every bound stays below: issuers promise values below 2^63.
BOUND_LIMITS = {32: 2**32, 64: 2**63}


def layout(size):
    """A S T1 T2, three scalars, (L R) per halving of size = n*m, two scalars."""
    return "PPPPSSS" + "PP" * (size.bit_length() - 1) + "SS"


def equations(transcript, proof, elements, n, targets):
    """The two equations; a target is a commitment V_j as pairs (scalar, point).

    proof and elements begin at A. Moves: A S, T1 T2, the three scalars, then L R each.
    """
    m = len(targets)
    size = n * m
    rounds = size.bit_length() - 1

    def absorb(first, last):
        transcript.absorb(proof[32 * first : 32 * last])

    point_a, point_s, t1, t2, t_x, t_x_blinding, e_blinding = elements[:7]
    absorb(0, 2)
    y = transcript.challenge()
    z = transcript.challenge()
    absorb(2, 4)
    x = transcript.challenge()
    absorb(4, 7)
    w = transcript.challenge()
    halves = []
    for turn in range(rounds):
        first = 7 + 2 * turn
        absorb(first, first + 2)
        halves.append((transcript.challenge(), elements[first], elements[first + 1]))
    a, b = elements[7 + 2 * rounds :]

    # t(x) is what the commitments say: t_x*B + t_xb*H = sum z^(2+j) V_j + delta*B + x T1 + x^2 T2.
    sum_y = sum(pow(y, i, ORDER) for i in range(size))
    sum_z = sum(pow(z, j, ORDER) for j in range(m))
    delta = (z - z * z) * sum_y - z**3 * (2**n - 1) * sum_z
    terms = [(t_x - delta, B), (t_x_blinding, H), (-x, t1), (-x * x, t2)]
    for j, target in enumerate(targets):
        weight = pow(z, 2 + j, ORDER)
        terms += [(-weight * scalar, point) for scalar, point in target]
    yield terms

    # The inner product argument: a, b open the folded commitment, and a*b = t_x.
    if 0 in (y, *(u for u, _, _ in halves)):
        # Chance 2^-252 each; without an inverse there is no proof.
        yield [(1, B)]
        return
    y_inverse = pow(y, -1, ORDER)
    inverses = [pow(u, -1, ORDER) for u, _, _ in halves]
    terms = [(1, point_a), (x, point_s), (-e_blinding, H), (w * (t_x - a * b), B)]
    for (u, left, right), inverse in zip(halves, inverses):
        terms += [(u * u, left), (inverse * inverse, right)]
    # s_i multiplies, over the rounds, the challenge or its inverse, as i lies in the upper or lower
    # half; the first round halves the whole, so it belongs to the highest bit. Hence 1/s_i is
    # s_(size-1-i).
    weights = [1]
    for (u, _, _), inverse in zip(halves, inverses):
        weights = [weight * factor % ORDER for weight in weights for factor in (inverse, u)]
    for i in range(size):
        party, bit = divmod(i, n)
        s, s_inverse = weights[i], weights[size - 1 - i]
        bits = pow(z, 2 + party, ORDER) * 2**bit - b * s_inverse
        terms.append((-z - a * s, range_generators(b"G", party)[bit]))
        terms.append((z + pow(y_inverse, i, ORDER) * bits, range_generators(b"H", party)[bit]))
    yield terms


class Range(Statement):
    """Every term lies in [0, 2^n)."""

    KIND = 5
    NAME = "range"

    def __init__(self, fields):
        self.n = fields["n"]
        self.m = fields["m"]
        self.term_bytes = fields["terms"]
        self.terms = read_terms(self.term_bytes)
        self.layout = layout(self.n * self.m)

    def instance(self):
        """n, m, the terms."""
        return u8(self.n) + u8(self.m) + self.term_bytes

    def check(self):
        """n is 32 or 64, m is 1, 2 or 4; bounds fit n; a difference goes with a range of C2."""
        sizes = self.n in BOUND_LIMITS and self.m in (1, 2, 4) and len(self.terms) == self.m
        if not sizes or any(bound >= BOUND_LIMITS[self.n] for _, bound, _ in self.terms):
            raise StatementRefused(MALFORMED)
        for (form, bound, encodings), after in zip(self.terms, self.terms[1:] + [None]):
            if form == DIFFERENCE and (bound != 0 or after != (AT_LEAST, 0, encodings[1:])):
                raise StatementRefused(MALFORMED)

    def points(self):
        """Encodings that must be good elements, in this order."""
        return [encoding for _, _, encodings in self.terms for encoding in encodings]

    def equations(self, transcript, proof, elements, points):
        """The two equations of the range proof over the terms."""
        points = iter(points)
        targets = []
        for form, bound, _ in self.terms:
            if form == AT_LEAST:
                targets.append([(1, next(points)), (-bound, B)])
            elif form == AT_MOST:
                targets.append([(bound, B), (-1, next(points))])
            else:
                targets.append([(1, next(points)), (-1, next(points))])
        return equations(transcript, proof, elements, self.n, targets)


def read_terms(data):
    """(form, bound, encodings) per term: u8, u64, one or two elements."""
    terms = []
    while data:
        form, bound = data[0], int.from_bytes(data[1:9], "little")
        count = {AT_LEAST: 1, AT_MOST: 1, DIFFERENCE: 2}.get(form)
        if count is None or len(data) < 9 + POINT_BYTES * count:
            raise StatementRefused(MALFORMED)
        end = 9 + POINT_BYTES * count
        terms.append((form, bound, [data[at : at + 32] for at in range(9, end, 32)]))
        data = data[end:]
    return terms
