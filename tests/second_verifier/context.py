"""The context of a proof: its rules and its bytes. specification.md, section 2.

A context that breaks a rule is refused; it must never be repaired.
"""

import hashlib
from dataclasses import dataclass

from .encoding import lv, u8, u16, u32, u64

SUITE = 1
LABEL = b"akashi/ctx/v1"
PURPOSES = range(1, 7)
CUSTOMER_CALL = 1
AGENT_LOGIN = 2
AGENT_PRESENCE = 3
CONSENT = 4
ENROL = 5
# The purposes that may go without a contact id.
CONTACTLESS = (2, 3, 5, 6)


class Refused(Exception):
    """A context that no proof can be about."""


@dataclass(frozen=True)
class Context:
    """Every field of a context, as raw bytes and integers."""

    suite: int
    origin: bytes
    group: int
    epoch: int
    tenant: bytes
    challenge_id: bytes
    nonce: bytes
    purpose: int
    subject: bytes
    contact_id: bytes
    not_before_us: int
    expires_us: int
    order_hash: bytes
    policy_digest: bytes

    @classmethod
    def from_json(cls, fields):
        """From the object of the vector files: byte strings in hex, integers as they are."""
        return cls(
            **{
                name: value if isinstance(value, int) else bytes.fromhex(value)
                for name, value in fields.items()
            }
        )

    def check(self):
        """Raises Refused unless every rule of section 2 holds."""
        rules = (
            self.suite == SUITE,
            1 <= len(self.origin) <= 255,
            0 <= self.group < 2**16,
            0 <= self.epoch < 2**32,
            1 <= len(self.tenant) <= 255,
            len(self.challenge_id) == 16,
            len(self.nonce) == 32,
            self.purpose in PURPOSES,
            len(self.subject) == 32,
            len(self.contact_id) <= 255,
            self.contact_id != b"" or self.purpose in CONTACTLESS,
            0 <= self.not_before_us < self.expires_us < 2**64,
            len(self.order_hash) == 32,
            (self.order_hash != bytes(32)) == (self.purpose == CONSENT),
            len(self.policy_digest) == 32,
        )
        if not all(rules):
            raise Refused

    def to_bytes(self):
        """The bytes that are hashed."""
        self.check()
        return b"".join(
            (
                LABEL,
                u8(self.suite),
                lv(self.origin),
                u16(self.group),
                u32(self.epoch),
                lv(self.tenant),
                self.challenge_id,
                self.nonce,
                u8(self.purpose),
                self.subject,
                lv(self.contact_id),
                u64(self.not_before_us),
                u64(self.expires_us),
                self.order_hash,
                self.policy_digest,
            )
        )

    def digest(self):
        """SHA-256 of the bytes."""
        return hashlib.sha256(self.to_bytes()).digest()

    @classmethod
    def from_bytes(cls, data):
        """From the bytes that are hashed; Refused unless they are those of a good context."""
        reader = Reader(data)
        label = reader.take(13)
        context = cls(
            suite=reader.number(1),
            origin=reader.lv(),
            group=reader.number(2),
            epoch=reader.number(4),
            tenant=reader.lv(),
            challenge_id=reader.take(16),
            nonce=reader.take(32),
            purpose=reader.number(1),
            subject=reader.take(32),
            contact_id=reader.lv(),
            not_before_us=reader.number(8),
            expires_us=reader.number(8),
            order_hash=reader.take(32),
            policy_digest=reader.take(32),
        )
        reader.end()
        context.check()
        if label != LABEL:
            raise Refused
        return context


class Reader:
    """Takes fields from bytes, from left to right; ValueError where they end too early or late."""

    def __init__(self, data):
        self._rest = data

    def take(self, length):
        """So many bytes."""
        if len(self._rest) < length:
            raise ValueError("the bytes end inside a field")
        taken, self._rest = self._rest[:length], self._rest[length:]
        return taken

    def number(self, length):
        """A little-endian integer."""
        return int.from_bytes(self.take(length), "little")

    def lv(self):
        """A string with its length in two bytes."""
        return self.take(self.number(2))

    def end(self):
        """Nothing is left."""
        if self._rest:
            raise ValueError("bytes are left over")
