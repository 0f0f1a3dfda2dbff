"""The duplex sponge of draft-irtf-cfrg-fiat-shamir-03 over SHAKE128, and challenges.

specification.md, section 3. It must see every byte of a move in the order in which it was sent.
"""

import hashlib

from .group import ORDER

RATE_BYTES = 168
CHALLENGE_BYTES = 48


class Sponge:
    """Init with 32 bytes, then absorb and squeeze in any order."""

    def __init__(self, session_id):
        if len(session_id) != 32:
            raise ValueError("a session id has 32 bytes")
        self._hash = hashlib.shake_128(session_id + bytes(RATE_BYTES - 32))
        self._squeezed = 0
        # For whoever compares them with those of another implementation.
        self.challenges = []

    def absorb(self, data):
        """Appends bytes to the stream; no bytes change nothing."""
        if data:
            self._hash.update(data)
            self._squeezed = 0

    def squeeze(self, length):
        """The next bytes of the output over the stream so far."""
        start = self._squeezed
        self._squeezed += length
        return self._hash.digest(self._squeezed)[start:]

    def challenge(self):
        """A scalar from 48 squeezed bytes, little endian, modulo the order."""
        scalar = int.from_bytes(self.squeeze(CHALLENGE_BYTES), "little") % ORDER
        self.challenges.append(scalar)
        return scalar


def derive_session_id(tag):
    """DeriveSessionID of the draft, section 5.1."""
    sponge = Sponge(b"irtf-cfrg-fiat-shamir/session-id")
    sponge.absorb(tag)
    return sponge.squeeze(32)


def session_id(kind_name, context_bytes):
    """The session id of a kind of proof under a context."""
    return derive_session_id(b"akashi/v1/" + kind_name.encode("ascii") + b"\0" + context_bytes)
