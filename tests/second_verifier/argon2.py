"""Argon2id (RFC 9106) with one lane, version 0x13, over Python integers.

For the vectors of the PIN scalar only: at the real cost of 64 MiB it takes minutes.
"""

import hashlib

from .encoding import u32

WORD = 2**64 - 1
BLOCK_WORDS = 128
ADDRESSES_PER_BLOCK = 128
SLICES = 4
ARGON2ID = 2
VERSION = 0x13


def _long_hash(length, data):
    """H' of RFC 9106, section 3.3."""
    data = u32(length) + data
    if length <= 64:
        return hashlib.blake2b(data, digest_size=length).digest()
    block = hashlib.blake2b(data).digest()
    output = block[:32]
    while length - len(output) > 64:
        block = hashlib.blake2b(block).digest()
        output += block[:32]
    return output + hashlib.blake2b(block, digest_size=length - len(output)).digest()


def _mix(v, a, b, c, d):
    """GB of RFC 9106, section 3.6, on four places of v."""
    va, vb, vc, vd = v[a], v[b], v[c], v[d]
    low = 0xFFFFFFFF
    for first, second in ((32, 24), (16, 63)):
        va = (va + vb + 2 * (va & low) * (vb & low)) & WORD
        vd ^= va
        vd = (vd >> first | vd << (64 - first)) & WORD
        vc = (vc + vd + 2 * (vc & low) * (vd & low)) & WORD
        vb ^= vc
        vb = (vb >> second | vb << (64 - second)) & WORD
    v[a], v[b], v[c], v[d] = va, vb, vc, vd


_ROUND = (
    (0, 4, 8, 12),
    (1, 5, 9, 13),
    (2, 6, 10, 14),
    (3, 7, 11, 15),
    (0, 5, 10, 15),
    (1, 6, 11, 12),
    (2, 7, 8, 13),
    (3, 4, 9, 14),
)
_ROWS = [[16 * row + i for i in range(16)] for row in range(8)]
_COLUMNS = [[2 * column + 16 * row + i for row in range(8) for i in (0, 1)] for column in range(8)]
_MIXES = [tuple(places[i] for i in four) for places in _ROWS + _COLUMNS for four in _ROUND]


def _compress(one, other):
    """G of RFC 9106, section 3.5."""
    mixed = [a ^ b for a, b in zip(one, other)]
    before = list(mixed)
    for a, b, c, d in _MIXES:
        _mix(mixed, a, b, c, d)
    return [a ^ b for a, b in zip(before, mixed)]


def _words(data):
    return [int.from_bytes(data[i : i + 8], "little") for i in range(0, len(data), 8)]


def argon2id(password, salt, memory_kib, passes, length):
    """The tag, with one lane, no secret and no associated data."""
    start = hashlib.blake2b(
        b"".join(
            (
                u32(1),
                u32(length),
                u32(memory_kib),
                u32(passes),
                u32(VERSION),
                u32(ARGON2ID),
                u32(len(password)),
                password,
                u32(len(salt)),
                salt,
                u32(0),
                u32(0),
            )
        )
    ).digest()
    columns = memory_kib // SLICES * SLICES
    segment = columns // SLICES
    memory = [None] * columns
    for column in (0, 1):
        memory[column] = _words(_long_hash(1024, start + u32(column) + u32(0)))
    zero = [0] * BLOCK_WORDS
    for turn in range(passes):
        for part in range(SLICES):
            # Argon2id: addresses independent of data in the first half of the first pass.
            independent = turn == 0 and part < SLICES // 2
            addresses = None
            first = 2 if turn == 0 and part == 0 else 0
            for index in range(first, segment):
                column = part * segment + index
                previous = memory[(column - 1) % columns]
                if independent:
                    if addresses is None or index % ADDRESSES_PER_BLOCK == 0:
                        counter = index // ADDRESSES_PER_BLOCK + 1
                        given = [turn, 0, part, columns, passes, ARGON2ID, counter]
                        block = given + [0] * (BLOCK_WORDS - len(given))
                        addresses = _compress(zero, _compress(zero, block))
                    j1 = addresses[index % ADDRESSES_PER_BLOCK] & 0xFFFFFFFF
                else:
                    j1 = previous[0] & 0xFFFFFFFF
                if turn == 0:
                    area = column - 1
                    origin = 0
                else:
                    area = columns - segment + index - 1
                    origin = (part + 1) * segment % columns
                x = j1 * j1 >> 32
                chosen = (origin + area - 1 - (area * x >> 32)) % columns
                fresh = _compress(previous, memory[chosen])
                if turn:
                    fresh = [a ^ b for a, b in zip(fresh, memory[column])]
                memory[column] = fresh
    final = b"".join(word.to_bytes(8, "little") for word in memory[columns - 1])
    return _long_hash(length, final)
