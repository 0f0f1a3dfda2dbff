"""ristretto255 (RFC 9496) over Python integers: decoding, encoding, the one-way map, sums.

It computes with public data only: nothing here is constant time.

A point is (X, Y, Z, T) in extended twisted Edwards coordinates on -x^2 + y^2 = 1 + d x^2 y^2 with
x = X/Z, y = Y/Z, xy = T/Z (Hisil, Wong, Carter, Dawson, ASIACRYPT 2008). An addend is the same
point prepared for additions: (Y-X, Y+X, 2dT, 2Z).
"""

P = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493

D = -121665 * pow(121666, -1, P) % P
D2 = 2 * D % P
SQRT_M1 = pow(2, (P - 1) // 4, P)

IDENTITY = (0, 1, 1, 0)


def sqrt_ratio_m1(u, v):
    """(was square, root of u/v or of i*u/v), RFC 9496 section 4.2; the root is non-negative."""
    u %= P
    v3 = v * v * v % P
    r = u * v3 * pow(u * v3 * v3 * v, (P - 5) // 8, P) % P
    check = v * r * r % P
    correct = check == u
    flipped = check == (-u) % P
    flipped_i = check == -u * SQRT_M1 % P
    if flipped or flipped_i:
        r = r * SQRT_M1 % P
    if r & 1:
        r = P - r
    return correct or flipped, r


def _root(square):
    was_square, root = sqrt_ratio_m1(square, 1)
    if not was_square:
        raise ArithmeticError("a constant of RFC 9496 has no root")
    return root


# RFC 9496 section 4.1. Of the two roots of a*d - 1 with a = -1, the RFC takes the odd one.
SQRT_AD_MINUS_ONE = P - _root(-D - 1)
INVSQRT_A_MINUS_D = sqrt_ratio_m1(1, -1 - D)[1]
ONE_MINUS_D_SQ = (1 - D * D) % P
D_MINUS_ONE_SQ = (D - 1) ** 2 % P


def decode(data):
    """The point that 32 bytes stand for, or None (RFC 9496 section 4.3.1)."""
    s = int.from_bytes(data, "little")
    if len(data) != 32 or s >= P or s & 1:
        return None
    ss = s * s % P
    u1 = 1 - ss
    u2 = 1 + ss
    u2_sqr = u2 * u2 % P
    v = (-D * u1 * u1 - u2_sqr) % P
    was_square, invsqrt = sqrt_ratio_m1(1, v * u2_sqr % P)
    den_x = invsqrt * u2 % P
    den_y = invsqrt * den_x * v % P
    x = 2 * s * den_x % P
    if x & 1:
        x = P - x
    y = u1 * den_y % P
    t = x * y % P
    if not was_square or t & 1 or y == 0:
        return None
    return (x, y, 1, t)


def encode(point):
    """The 32 bytes of a point (RFC 9496 section 4.3.2)."""
    x0, y0, z0, t0 = point
    u1 = (z0 + y0) * (z0 - y0) % P
    u2 = x0 * y0 % P
    _, invsqrt = sqrt_ratio_m1(1, u1 * u2 * u2 % P)
    den1 = invsqrt * u1 % P
    den2 = invsqrt * u2 % P
    z_inv = den1 * den2 * t0 % P
    if t0 * z_inv % P & 1:
        x, y = y0 * SQRT_M1 % P, x0 * SQRT_M1 % P
        den_inv = den1 * INVSQRT_A_MINUS_D % P
    else:
        x, y, den_inv = x0, y0, den2
    if x * z_inv % P & 1:
        y = -y
    s = den_inv * (z0 - y) % P
    if s & 1:
        s = P - s
    return s.to_bytes(32, "little")


def _map(t):
    r = SQRT_M1 * t * t % P
    u = (r + 1) * ONE_MINUS_D_SQ % P
    v = (-1 - r * D) * (r + D) % P
    was_square, s = sqrt_ratio_m1(u, v)
    c = -1
    if not was_square:
        s = s * t % P
        s = s if s & 1 else (P - s) % P
        c = r
    n = (c * (r - 1) * D_MINUS_ONE_SQ - v) % P
    w0 = 2 * s * v % P
    w1 = n * SQRT_AD_MINUS_ONE % P
    w2 = 1 - s * s % P
    w3 = 1 + s * s % P
    return (w0 * w3 % P, w2 * w1 % P, w1 * w3 % P, w0 * w2 % P)


def one_way_map(data):
    """A point from 64 uniform bytes (RFC 9496 section 4.3.4)."""
    mask = 2**255 - 1
    low = int.from_bytes(data[:32], "little") & mask
    high = int.from_bytes(data[32:64], "little") & mask
    return add(_map(low % P), _map(high % P))


def equal(one, other):
    """Whether two representatives are the same group element (RFC 9496 section 4.3.3)."""
    x1, y1, _, _ = one
    x2, y2, _, _ = other
    return (x1 * y2 - y1 * x2) % P == 0 or (y1 * y2 - x1 * x2) % P == 0


def is_identity(point):
    """Whether this is the neutral element of the group."""
    return point[0] % P == 0 or point[1] % P == 0


def addend(point):
    """A point prepared for additions."""
    x, y, z, t = point
    return ((y - x) % P, (y + x) % P, D2 * t % P, 2 * z % P)


def add_prepared(point, prepared):
    """The sum of a point and an addend; complete, because a = -1 is a square and d is not."""
    x, y, z, t = point
    ymx, ypx, dt, zz = prepared
    a = (y - x) * ymx
    b = (y + x) * ypx
    c = t * dt
    d = z * zz
    e = (b - a) % P
    f = (d - c) % P
    g = (d + c) % P
    h = (b + a) % P
    return (e * f % P, g * h % P, f * g % P, e * h % P)


def add(one, other):
    """The sum of two points."""
    return add_prepared(one, addend(other))


def negate(point):
    """The inverse of a point."""
    x, y, z, t = point
    return (-x % P, y, z, -t % P)


def double(point):
    """Twice a point."""
    x, y, z, _ = point
    a = x * x
    b = y * y
    s = x + y
    e = (s * s - a - b) % P
    g = (b - a) % P
    f = (g - 2 * z * z) % P
    h = (-a - b) % P
    return (e * f % P, g * h % P, f * g % P, e * h % P)


# Width of the digits for points that occur once, and for the generators, whose tables are kept.
WIDTH = 5
GENERATOR_WIDTH = 7


def _odd_multiples(point, width):
    """Addends of 1, 3, 5, ... 2^(width-1) - 1 times a point."""
    twice = addend(double(point))
    multiples = [point]
    for _ in range(2 ** (width - 2) - 1):
        multiples.append(add_prepared(multiples[-1], twice))
    return [addend(multiple) for multiple in multiples]


class Generator:
    """A fixed point of the suite with its table of multiples, made when it is first needed."""

    __slots__ = ("point", "_table")

    def __init__(self, point):
        self.point = point
        self._table = None

    def table(self):
        """Addends of the odd multiples, for digits of GENERATOR_WIDTH."""
        if self._table is None:
            self._table = _odd_multiples(self.point, GENERATOR_WIDTH)
        return self._table


def _schedule(steps, scalar, table, width):
    """Enters a scalar's non-adjacent form: at bit i, one addend (Straus, with wNAF digits)."""
    size = 1 << width
    half = size >> 1
    bit = 0
    # The shorter of s and s - order, so that -1 costs one addition.
    flip = scalar > ORDER // 2
    if flip:
        scalar = ORDER - scalar
    while scalar:
        zeros = (scalar & -scalar).bit_length() - 1
        scalar >>= zeros
        bit += zeros
        digit = scalar & (size - 1)
        if digit >= half:
            digit -= size
        scalar -= digit
        prepared = table[abs(digit) >> 1]
        if (digit < 0) != flip:
            ymx, ypx, dt, zz = prepared
            prepared = (ypx, ymx, -dt, zz)
        steps[bit].append(prepared)


def multi_scalar(terms):
    """The sum of scalar * point over pairs (scalar, point or Generator)."""
    steps = [[] for _ in range(258)]
    for scalar, point in terms:
        scalar %= ORDER
        if scalar == 0:
            continue
        if isinstance(point, Generator):
            _schedule(steps, scalar, point.table(), GENERATOR_WIDTH)
        else:
            _schedule(steps, scalar, _odd_multiples(point, WIDTH), WIDTH)
    p = P
    x, y, z, t = IDENTITY
    started = False
    for addends in reversed(steps):
        if started:
            a = x * x
            b = y * y
            s = x + y
            e = (s * s - a - b) % p
            g = (b - a) % p
            f = (g - 2 * z * z) % p
            h = (-a - b) % p
            x = e * f % p
            y = g * h % p
            z = f * g % p
            if addends:
                t = e * h % p
        for ymx, ypx, dt, zz in addends:
            started = True
            a = (y - x) * ymx
            b = (y + x) * ypx
            c = t * dt
            d = z * zz
            e = (b - a) % p
            f = (d - c) % p
            g = (d + c) % p
            h = (b + a) % p
            x = e * f % p
            y = g * h % p
            z = f * g % p
            t = e * h % p
    # T is stale after a doubling without an addition; x*y/z would restore it, and Z may not be 1.
    return (x * z % p, y * z % p, z * z % p, x * y % p)
