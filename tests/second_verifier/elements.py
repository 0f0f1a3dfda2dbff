"""Group elements and scalars as they stand in proofs and statements.

One encoding per value, and the first bad element from the left decides: specification.md,
sections 1 and 7.
"""

from functools import lru_cache

from .group import ORDER, decode, is_identity
from .reasons import (
    IDENTITY_POINT,
    MALFORMED,
    POINT_NOT_CANONICAL,
    SCALAR_NOT_CANONICAL,
    Rejected,
    StatementRefused,
)

ELEMENT_BYTES = 32


def parse(proof, layout):
    """The elements of a proof; layout has one letter each, P for a point, S for a scalar."""
    if len(proof) != ELEMENT_BYTES * len(layout):
        raise Rejected(MALFORMED)
    elements = []
    for place, sort in enumerate(layout):
        data = proof[ELEMENT_BYTES * place : ELEMENT_BYTES * (place + 1)]
        if sort == "P":
            point = decode(data)
            if point is None:
                raise Rejected(POINT_NOT_CANONICAL)
            if is_identity(point):
                raise Rejected(IDENTITY_POINT)
            elements.append(point)
        else:
            scalar = int.from_bytes(data, "little")
            if scalar >= ORDER:
                raise Rejected(SCALAR_NOT_CANONICAL)
            elements.append(scalar)
    return elements


@lru_cache(maxsize=4096)
def statement_point(data):
    """A key or commitment of a statement, which must be canonical and not the identity."""
    point = decode(data)
    if point is None:
        raise StatementRefused(POINT_NOT_CANONICAL)
    if is_identity(point):
        raise StatementRefused(IDENTITY_POINT)
    return point
