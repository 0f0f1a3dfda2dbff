"""Provers of range and proximity, honest or with exactly one equation broken.

Changing a finished proof changes its challenges, and then everything fails at once: such proofs
do not show that every equation is needed. These do. The secrets are toys from a seed; nobody's
own may ever come here.
"""

import random

from .context import Context
from .encoding import u8, u64
from .generators import B, H, range_generators, template_generators
from .group import ORDER, encode, multi_scalar
from .proximity import LAST, RANGE_BITS, Proximity
from .range_proof import AT_LEAST, DIFFERENCE, Range
from .reasons import ACCEPTED, EQUATION_FAILED
from .verify import begin, failing_equations

# What can be broken, and so that everything else holds.
RANGE_FAULTS = (None, "blinding of t", "blinding of the vectors", "out of range")
PROXIMITY_FAULTS = (None, "z_t", "z_r", "q1", "q0", "last L", "too far") + RANGE_FAULTS[1:3]


# Any context would do; the differential test varies them elsewhere.
CONTEXT = Context(
    suite=1,
    origin=b"second/e1/g0",
    group=0,
    epoch=1,
    tenant=b"retail",
    challenge_id=bytes([1] * 16),
    nonce=bytes([2] * 32),
    purpose=1,
    subject=bytes([3] * 32),
    contact_id=bytes([4] * 16),
    not_before_us=1_000_000,
    expires_us=121_000_000,
    order_hash=bytes(32),
    policy_digest=bytes([5] * 32),
)


class Tape:
    """A proof in the making, beside its transcript."""

    def __init__(self, transcript):
        self.transcript = transcript
        self.proof = b""

    def send(self, *elements):
        """Points as lists of (scalar, point), scalars as integers; all are absorbed."""
        for element in elements:
            if isinstance(element, int):
                data = (element % ORDER).to_bytes(32, "little")
            else:
                data = encode(multi_scalar(element))
            self.proof += data
            self.transcript.absorb(data)

    def challenge(self):
        """The next challenge."""
        return self.transcript.challenge()


def dot(one, other):
    """The inner product."""
    return sum(a * b for a, b in zip(one, other)) % ORDER


def commitment(value, blinding):
    """value*B + blinding*H, encoded."""
    return encode(multi_scalar([(value, B), (blinding, H)]))


def prove_range(tape, dice, n, values, blindings, fault):
    """Bulletproofs for values below 2^n, from A on."""
    size = n * len(values)

    def chance():
        return dice.randrange(ORDER)

    sides = [
        [point for party in range(len(values)) for point in range_generators(side, party)[:n]]
        for side in (b"G", b"H")
    ]

    def vectors(blinding, one, other):
        return [(blinding, H), *zip(one, sides[0]), *zip(other, sides[1])]

    bits = [value >> i & 1 for value in values for i in range(n)]
    less_one = [bit - 1 for bit in bits]
    alpha, rho, tau1, tau2 = chance(), chance(), chance(), chance()
    s_left = [chance() for _ in range(size)]
    s_right = [chance() for _ in range(size)]
    tape.send(vectors(alpha, bits, less_one), vectors(rho, s_left, s_right))
    y, z = tape.challenge(), tape.challenge()
    ys = [pow(y, i, ORDER) for i in range(size)]
    l0 = [bit - z for bit in bits]
    r0 = [
        ys[i] * (less_one[i] + z) + pow(z, 2 + i // n, ORDER) * 2 ** (i % n) for i in range(size)
    ]
    r1 = [ys[i] * s_right[i] for i in range(size)]
    t0, t2 = dot(l0, r0), dot(s_left, r1)
    t1 = dot(l0, r1) + dot(s_left, r0)
    tape.send([(t1, B), (tau1, H)], [(t2, B), (tau2, H)])
    x = tape.challenge()
    t_blinding = tau1 * x + tau2 * x * x
    t_blinding += sum(pow(z, 2 + j, ORDER) * blinding for j, blinding in enumerate(blindings))
    e_blinding = alpha + rho * x
    t_blinding += fault == "blinding of t"
    e_blinding += fault == "blinding of the vectors"
    tape.send(t0 + t1 * x + t2 * x * x, t_blinding, e_blinding)
    w = tape.challenge()
    a = [(one + x * other) % ORDER for one, other in zip(l0, s_left)]
    b = [(one + x * other) % ORDER for one, other in zip(r0, r1)]
    # The folded generators, as weights of the unfolded ones.
    g = [1] * size
    h = [pow(power, -1, ORDER) for power in ys]
    half = size // 2
    while half:
        left = [(w * dot(a[:half], b[half:]), B)]
        right = [(w * dot(a[half:], b[:half]), B)]
        for i in range(size):
            k = i % (2 * half)
            if k < half:
                left.append((b[k + half] * h[i], sides[1][i]))
                right.append((a[k + half] * g[i], sides[0][i]))
            else:
                left.append((a[k - half] * g[i], sides[0][i]))
                right.append((b[k - half] * h[i], sides[1][i]))
        tape.send(left, right)
        u = tape.challenge()
        back = pow(u, -1, ORDER)
        a = [(u * low + back * high) % ORDER for low, high in zip(a[:half], a[half:])]
        b = [(back * low + u * high) % ORDER for low, high in zip(b[:half], b[half:])]
        for i in range(size):
            low = i % (2 * half) < half
            g[i] = g[i] * (back if low else u) % ORDER
            h[i] = h[i] * (u if low else back) % ORDER
        half //= 2
    tape.send(a[0], b[0])


def range_fields(dice, fault):
    """(n, values in the terms, their blindings, the statement's fields)."""
    n = dice.choice((32, 64))
    limit = 2 ** (n - 1)
    v, r = dice.randrange(limit), dice.randrange(ORDER)
    if dice.random() < 0.5:
        bound = v + 1 + dice.randrange(9) if fault == "out of range" else dice.randrange(v + 1)
        terms = u8(AT_LEAST) + u64(bound) + commitment(v, r)
        return n, [v - bound], [r], {"n": n, "m": 1, "terms": terms}
    other, s = dice.randrange(v + 1), dice.randrange(ORDER)
    if fault == "out of range":
        # A "negative" amount: C1 - C2 is in range, C2 is not. Correction of v1 >= v2.
        other = -1 - dice.randrange(v + 1)
    first, second = commitment(v, r), commitment(other, s)
    terms = u8(DIFFERENCE) + u64(0) + first + second + u8(AT_LEAST) + u64(0) + second
    return n, [v - other, other], [r - s, s], {"n": n, "m": 2, "terms": terms}


def make_range(context, dice, fault):
    """(statement fields, proof)."""
    n, values, blindings, fields = range_fields(dice, fault)
    tape = Tape(begin(context, Range(fields))[1])
    # Out of range: the bits are those of the value modulo 2^n, so that only t(x) can tell.
    prove_range(tape, dice, n, [value % 2**n for value in values], blindings, fault)
    return fields, tape.proof


def make_proximity(context, dice, fault):
    """(statement fields, proof)."""
    n = 128
    f = template_generators()[:n]

    def chance():
        return dice.randrange(ORDER)

    template = [dice.randrange(-128, 128) for _ in range(n)]
    probe = [max(-128, min(127, entry + dice.randrange(-3, 4))) for entry in template]
    delta = [t - p for t, p in zip(template, probe)]
    distance = sum(entry * entry for entry in delta)
    r_t, r_p = chance(), chance()
    tau = distance - 1 if fault == "too far" else distance + dice.randrange(3)
    fields = {
        "n": n,
        "tau": tau,
        "C_t": encode(multi_scalar([*zip(template, f), (r_t, H)])),
        "C_p": encode(multi_scalar([*zip(probe, f), (r_p, H)])),
    }
    tape = Tape(begin(context, Proximity(fields))[1])
    r = r_t - r_p
    s, a, t0, t1 = chance(), chance(), chance(), chance()
    mask = [chance() for _ in range(n)]
    tape.send(
        [(distance, B), (s, H)],
        [*zip(mask, f), (a, H)],
        [(dot(mask, mask), B), (t0, H)],
        [(2 * dot(mask, delta), B), (t1, H)],
    )
    c = tape.challenge()
    z = [(hidden + c * entry) % ORDER for hidden, entry in zip(mask, delta)]
    z_r = a + c * r + (fault == "z_r")
    z_t = t0 + c * t1 + c * c * s + (fault == "z_t")
    tape.send(z_r, z_t, dot(z, z))
    weights = [1] * n
    half = n // 2
    while half >= LAST:
        left, right = [], []
        for i in range(n):
            k = i % (2 * half)
            if k < half:
                right.append((z[k + half] * weights[i], f[i]))
            else:
                left.append((z[k - half] * weights[i], f[i]))
        if fault == "last L" and half == LAST:
            left.append((1, H))
        low, high = z[:half], z[half:]
        q0, q1 = dot(low, low), 2 * dot(low, high)
        q0 += fault == "q0" and half == LAST
        q1 += fault == "q1" and half == 2 * LAST
        tape.send(left, right, q0, q1)
        x = tape.challenge()
        z = [(one + x * other) % ORDER for one, other in zip(low, high)]
        for i in range(n):
            if i % (2 * half) < half:
                weights[i] = weights[i] * x % ORDER
        half //= 2
    tape.send(*z)
    slack = [(tau - distance) % 2**RANGE_BITS]
    prove_range(tape, dice, RANGE_BITS, slack, [-s], fault)
    return fields, tape.proof


def questions(seed, rounds):
    """Questions with the code that both verifiers owe: every fault of both kinds, in turn."""
    dice = random.Random(seed)
    makers = ((Range, RANGE_FAULTS, make_range), (Proximity, PROXIMITY_FAULTS, make_proximity))
    for _ in range(rounds):
        for sort, faults, make in makers:
            for fault in faults:
                fields, proof = make(CONTEXT, dice, fault)
                broken = failing_equations(CONTEXT, sort(fields), proof)
                if broken != (fault is not None):
                    raise AssertionError(f"{sort.NAME}, {fault}: {broken} equations fail")
                yield {
                    "kind": sort.KIND,
                    "fault": fault or "none",
                    "code": EQUATION_FAILED if fault else ACCEPTED,
                    "context": as_json(vars(CONTEXT)),
                    "statement": as_json(fields),
                    "proof": proof.hex(),
                }


def as_json(fields):
    """Byte strings in hex, the rest as it is."""
    return {
        name: value.hex() if isinstance(value, bytes) else value for name, value in fields.items()
    }
