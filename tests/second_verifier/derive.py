"""Values that are derived, not proved: specification.md, sections 5 and 6.

Secrets appear here for vectors only; this is no place for anybody's own.
"""

import hashlib

from .argon2 import argon2id
from .encoding import fixed, lv, u8, u16, u32, u64
from .generators import B
from .group import ORDER, encode, multi_scalar


def submission_digest(parts):
    """Over the parts other than possession, in the order sent."""
    records = b"".join(
        u8(part["kind"])
        + u8(part["slot"])
        + fixed(part["credential_serial"], 16)
        + u16(part["attribute_index"])
        + hashlib.sha256(part["proof"]).digest()
        + fixed(part["sealed_digest"], 32)
        for part in parts
    )
    return hashlib.sha256(b"akashi/v1/submission" + u16(len(parts)) + records).digest()


def challenge_nonce(inputs):
    """The nonce of a challenge."""
    return hashlib.shake_128(
        b"akashi/v1/nonce"
        + u8(inputs["suite"])
        + lv(inputs["origin"])
        + u64(inputs["sealed_size"])
        + fixed(inputs["sealed_root"], 32)
        + u64(inputs["log_index"])
        + u32(inputs["ordinal"])
        + fixed(inputs["challenge_id"], 16)
        + fixed(inputs["leader_random"], 32)
    ).digest(32)


def _wide_reduce(data):
    return int.from_bytes(fixed(data, 64), "little") % ORDER


def _times_base(scalar):
    return encode(multi_scalar([(scalar, B)]))


def device_key(inputs):
    """P for a root secret, a log and a tenant."""
    wide = hashlib.shake_256(
        b"akashi/v1/device-key"
        + fixed(inputs["root"], 32)
        + u8(inputs["suite"])
        + lv(inputs["origin"])
        + lv(inputs["tenant"])
        + u32(inputs["key_epoch"])
    ).digest(64)
    return _times_base(_wide_reduce(wide))


def pin_key(inputs):
    """K for a PIN, a device's salt and a subject, at the cost given."""
    if inputs["lanes"] != 1:
        raise ValueError("one lane only")
    salt = fixed(inputs["device_salt"], 32) + fixed(inputs["subject"], 32)
    wide = argon2id(inputs["pin"], salt, inputs["memory_kib"], inputs["passes"], 64)
    return _times_base(_wide_reduce(wide))
