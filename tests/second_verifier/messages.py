"""What issuers, sensors and processors sign, hash and seal: specification.md, sections 10 to 12.

Only bytes and signatures; which of them counts when is the caller's.
"""

import hashlib

from . import generators
from .context import SUITE, Reader
from .elements import statement_point
from .ed25519 import verify
from .encoding import fixed, lv, u8, u16, u64
from .group import IDENTITY, ORDER, add, decode, encode, equal, multi_scalar
from .reasons import MALFORMED, UNKNOWN_SUITE, Rejected, StatementRefused
from .transcript import session_id

ATTRIBUTES_MAX = 32


def sha256(*parts):
    """SHA-256 of the parts, one behind the other."""
    return hashlib.sha256(b"".join(parts)).digest()


def credential(body):
    """The signed message of a body, and the fields read from it; Rejected if it is none."""
    try:
        fields = _credential(Reader(body))
    except ValueError:
        raise Rejected(MALFORMED) from None
    except StatementRefused as refused:
        raise Rejected(refused.code) from None
    names = (fields[name] for name in ("origin", "tenant", "issuer", "schema"))
    rules = (
        all(1 <= len(name) <= 255 for name in names),
        fields["not_before_us"] < fields["expires_us"],
        1 <= len(fields["commitments"]) <= ATTRIBUTES_MAX,
    )
    if not all(rules):
        raise Rejected(MALFORMED)
    return b"akashi/v1/credential" + body, fields


def _credential(reader):
    suite = reader.number(1)
    if suite != SUITE:
        raise Rejected(UNKNOWN_SUITE)
    fields = {
        "suite": suite,
        "origin": reader.lv(),
        "tenant": reader.lv(),
        "issuer_key_id": reader.take(32),
        "issuer": reader.lv(),
        "schema": reader.lv(),
        "schema_version": reader.number(2),
        "subject": reader.take(32),
        "P": _element(reader),
        "serial": reader.take(16),
        "not_before_us": reader.number(8),
        "expires_us": reader.number(8),
    }
    rest = reader.take(32 * reader.number(1))
    reader.end()
    fields["commitments"] = [rest[at : at + 32] for at in range(0, len(rest), 32)]
    for commitment in fields["commitments"]:
        statement_point(commitment)
    return fields


def _element(reader):
    data = reader.take(32)
    statement_point(data)
    return data


def order_hash(salt, commitments, order):
    """The hash of an order."""
    return sha256(
        b"akashi/v1/order", fixed(salt, 32), u16(len(commitments)), b"".join(commitments), order
    )


def sealed_digest(encapsulated_key, ciphertext):
    """The digest of a sealed payload."""
    return sha256(b"akashi/v1/sealed", lv(encapsulated_key), ciphertext)


def sealing_info(context_bytes):
    """The info string of HPKE."""
    return b"akashi/v1/consent" + session_id("consent", context_bytes)


def certificate_digest(certificate):
    """The digest of a sensor's certificate."""
    return sha256(
        b"akashi/v1/sensor",
        u8(certificate["suite"]),
        lv(certificate["origin"]),
        lv(certificate["tenant"]),
        fixed(certificate["key"], 32),
        lv(certificate["model_id"]),
        u8(certificate["level"]),
        u64(certificate["not_before_us"]),
        u64(certificate["expires_us"]),
    )


def sensor_message(label, context, key, capture, certificate, last):
    """What a sensor signs; last is the server's nonce, or SHA-256 of the enrolled commitment."""
    return b"".join(
        (
            label,
            u8(context.suite),
            lv(context.origin),
            lv(context.tenant),
            context.subject,
            fixed(key, 32),
            session_id("proximity", context.to_bytes()),
            fixed(capture["C"], 32),
            u16(capture["n"]),
            lv(capture["model_id"]),
            u8(capture["level"]),
            u8(capture["result"]),
            certificate_digest(certificate),
            u64(capture["captured_us"]),
            fixed(last, 32),
        )
    )


def running_sums(commitments):
    """The encodings of C_1, C_1 + C_2 and so on (section 12.1)."""
    total = IDENTITY
    sums = []
    for commitment in commitments:
        total = add(total, statement_point(commitment))
        sums.append(encode(total))
    return sums


def sum_opens(data, total, blinding):
    """Whether a sum of commitments, which may be the identity, opens to a total."""
    point = decode(data)
    scalar = int.from_bytes(blinding, "little")
    if point is None or scalar >= ORDER or not 0 <= total < 1 << 64:
        return False
    return equal(multi_scalar([(total, generators.B), (scalar, generators.H)]), point)


def signed(key, message, signature):
    """Whether a key signed a message, and whether it did not sign its neighbours."""
    changed = bytes([message[0] ^ 1]) + message[1:]
    other = signature[:40] + bytes([signature[40] ^ 1]) + signature[41:]
    return (
        verify(key, message, signature)
        and not verify(key, changed, signature)
        and not verify(key, message, other)
    )
