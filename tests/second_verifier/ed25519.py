"""Ed25519 signatures, verified strictly: RFC 8032 and specification.md, section 10.

A and R canonical and not of small order, S below the order, the equation without cofactor. The
hash is reduced modulo the order before it multiplies A, which matters where A has a component of
small order. It never signs.
"""

import hashlib

from .group import D, IDENTITY, ORDER, P, add, double, sqrt_ratio_m1
from .reasons import ACCEPTED, IDENTITY_POINT, POINT_NOT_CANONICAL


def decode(data):
    """The point of RFC 8032, section 5.1.3, or None if it is not canonical."""
    number = int.from_bytes(data, "little")
    sign, y = number >> 255, number & (2**255 - 1)
    if len(data) != 32 or y >= P:
        return None
    was_square, x = sqrt_ratio_m1(y * y - 1, D * y * y + 1)
    if not was_square or (x == 0 and sign):
        return None
    if x & 1 != sign:
        x = P - x
    return (x, y, 1, x * y % P)


# The generator: y = 4/5, x even. The one of ristretto255 is any of its coset and would not do.
BASE = decode((4 * pow(5, -1, P) % P).to_bytes(32, "little"))


def _multiply(scalar, point):
    """Exactly this integer times a point, which may have a component of small order."""
    product = IDENTITY
    for bit in reversed(range(scalar.bit_length())):
        product = double(product)
        if scalar >> bit & 1:
            product = add(product, point)
    return product


def _same(one, other):
    return (one[0] * other[2] - other[0] * one[2]) % P == 0 and (
        one[1] * other[2] - other[1] * one[2]
    ) % P == 0


def _small_order(point):
    return _same(double(double(double(point))), IDENTITY)


def read_key(data):
    """0, or the code of what is wrong with a key."""
    point = decode(data)
    if point is None:
        return POINT_NOT_CANONICAL
    return IDENTITY_POINT if _small_order(point) else ACCEPTED


def verify(key, message, signature):
    """Whether the signature is one of this key over this message."""
    point_a = decode(key)
    point_r = decode(signature[:32])
    s = int.from_bytes(signature[32:], "little")
    if len(signature) != 64 or point_a is None or point_r is None or s >= ORDER:
        return False
    if _small_order(point_a) or _small_order(point_r):
        return False
    k = int.from_bytes(hashlib.sha512(signature[:32] + key + message).digest(), "little") % ORDER
    return _same(_multiply(s, BASE), add(point_r, _multiply(k, point_a)))
