"""The fixed generators of the suite, derived from their labels and held to their digest.

B is the generator of RFC 9496, H = map(SHA3-512(encoding of B)), G[p][i] and Hh[p][i] are those
of the range proof for party p, F[i] those of a template. They must never come from a file.
"""

import hashlib

from .encoding import u32
from .group import Generator, decode, encode, one_way_map

PARTIES = 4
RANGE_BITS = 64
TEMPLATE_LENGTH = 512

B_BYTES = bytes.fromhex("e2f2ae0a6abc4e71a884a961c500515f58e30b6aa582dd8db6a65945e08d2d76")

# SHA-256 over the encodings of B, H, G (4 x 64), Hh (4 x 64), F (512): 1026 elements.
DIGEST = "d05b04be593871afaeb00a67a5ca6fd951773ab2b33d7202aa30a7d48a08b826"


def chain(label, count):
    """Points from 64-byte pieces of SHAKE256("GeneratorsChain" || label)."""
    stream = hashlib.shake_256(b"GeneratorsChain" + label).digest(64 * count)
    return [Generator(one_way_map(stream[64 * i : 64 * i + 64])) for i in range(count)]


B = Generator(decode(B_BYTES))
H = Generator(one_way_map(hashlib.sha3_512(B_BYTES).digest()))

_CACHE = {}


def range_generators(side, party):
    """The 64 points G[party] (side b"G") or Hh[party] (side b"H")."""
    key = (side, party)
    if key not in _CACHE:
        _CACHE[key] = chain(side + u32(party), RANGE_BITS)
    return _CACHE[key]


def template_generators():
    """The 512 points F."""
    if "F" not in _CACHE:
        _CACHE["F"] = chain(b"akashi/v1/template", TEMPLATE_LENGTH)
    return _CACHE["F"]


def digest():
    """SHA-256 over all encodings, to be compared with DIGEST."""
    everything = [B, H]
    for side in (b"G", b"H"):
        for party in range(PARTIES):
            everything += range_generators(side, party)
    everything += template_generators()
    total = hashlib.sha256()
    for generator in everything:
        total.update(encode(generator.point))
    return total.hexdigest()
