"""Statements read from the bytes of their instance: specification.md, section 4.8.

From left to right; the first fault counts. What is read is a dictionary of the fields that the
vector files name, for the class of the kind. It must never repair anything.
"""

from .context import Reader
from .elements import statement_point
from .in_set import MEMBERS_MAX
from .proximity import DIMENSIONS, TAU_LIMIT
from .range_proof import AT_LEAST, AT_MOST, BOUND_LIMITS, DIFFERENCE
from .reasons import MALFORMED, StatementRefused

DIGEST_BYTES = 32
SIZES = (1, 2, 4)


class Instance:
    """The bytes that are left."""

    def __init__(self, data):
        self._reader = Reader(data)

    def take(self, length):
        """So many bytes, as they are."""
        try:
            return self._reader.take(length)
        except ValueError:
            raise StatementRefused(MALFORMED) from None

    def number(self, length):
        """A little-endian integer."""
        return int.from_bytes(self.take(length), "little")

    def element(self):
        """A key or commitment, which must be canonical and not the identity."""
        data = self.take(32)
        statement_point(data)
        return data

    def end(self):
        """Nothing is left."""
        try:
            self._reader.end()
        except ValueError:
            raise StatementRefused(MALFORMED) from None


def _require(holds):
    if not holds:
        raise StatementRefused(MALFORMED)


def _named(*fields):
    """A reader of elements, digests and numbers in a fixed order."""

    def read(of):
        return {name: getattr(of, sort)(*arguments) for name, sort, *arguments in fields}

    return read


def _terms(of):
    n = of.number(1)
    _require(n in BOUND_LIMITS)
    m = of.number(1)
    _require(m in SIZES)
    data = b""
    owed = None
    for _ in range(m):
        form = of.number(1)
        _require(form in (AT_LEAST, AT_MOST, DIFFERENCE))
        bound = of.number(8)
        _require(bound < (1 if form == DIFFERENCE else BOUND_LIMITS[n]))
        first = of.element()
        second = of.element() if form == DIFFERENCE else b""
        # After a difference nothing may come but a range of its C2.
        _require(owed is None or (form, bound, first) == (AT_LEAST, 0, owed))
        owed = second or None
        data += bytes([form]) + bound.to_bytes(8, "little") + first + second
    _require(owed is None)
    return {"n": n, "m": m, "terms": data}


def _set(of):
    k = of.number(1)
    _require(k <= MEMBERS_MAX)
    members = []
    for _ in range(k):
        members.append(of.number(8))
        _require(len(members) < 2 or members[-2] < members[-1])
    _require(k > 0)
    return {"set": members, "C": of.element()}


def _proximity(of):
    n = of.number(2)
    _require(n in DIMENSIONS)
    tau = of.number(4)
    _require(tau < TAU_LIMIT)
    return {"n": n, "tau": tau, "C_t": of.element(), "C_p": of.element()}


READERS = {
    1: _named(("P", "element"), ("submission_digest", "take", DIGEST_BYTES)),
    2: _named(("P", "element"), ("K", "element")),
    3: _named(("C", "element"), ("value", "number", 8)),
    4: _named(("C1", "element"), ("C2", "element")),
    5: _terms,
    6: _set,
    7: _proximity,
    8: _named(
        ("P", "element"),
        ("order_hash", "take", DIGEST_BYTES),
        ("sealed_digest", "take", DIGEST_BYTES),
        ("recipient_digest", "take", DIGEST_BYTES),
        ("submission_digest", "take", DIGEST_BYTES),
    ),
}


def fields(kind, data):
    """The fields of an instance; StatementRefused with the code of the first fault."""
    of = Instance(data)
    read = READERS[kind](of)
    of.end()
    return read
