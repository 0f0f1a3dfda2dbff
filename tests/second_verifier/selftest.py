"""The published vectors below everything: RFC 9496, RFC 8032, the sponge, the generators.

Only numbers that others published are compared with; nothing here knows akashi's own proofs.
"""

import json

from . import ed25519, generators, range_proof
from .group import (
    IDENTITY,
    ORDER,
    add,
    decode,
    encode,
    equal,
    is_identity,
    multi_scalar,
    one_way_map,
)
from .transcript import Sponge, derive_session_id


def _require(holds, what):
    if not holds:
        raise AssertionError(what)
    return 1


def rfc9496(path):
    """Appendices A.1 to A.3, and laws of the group; the number of facts checked."""
    vectors = json.loads(path.read_text())
    done = 0
    point = IDENTITY
    base = generators.B.point
    for n, text in enumerate(vectors["small_multiples_of_the_generator"]):
        wanted = bytes.fromhex(text)
        done += _require(encode(point) == wanted, f"A.1: encoding of {n}B")
        done += _require(equal(decode(wanted), point), f"A.1: decoding of {n}B")
        for scalar in (n, n - ORDER, n + 5 * ORDER):
            product = multi_scalar([(scalar, generators.B)])
            done += _require(encode(product) == wanted, f"A.1: {scalar} times the generator")
            product = multi_scalar([(scalar, base)])
            done += _require(encode(product) == wanted, f"A.1: {scalar} times the point")
        done += _require(is_identity(point) == (n == 0), f"A.1: identity of {n}B")
        point = add(point, base)
    for sort, texts in vectors["invalid_encodings"].items():
        for text in texts:
            done += _require(decode(bytes.fromhex(text)) is None, f"A.2: {sort} {text}")
    for pair in vectors["one_way_map"]:
        mapped = encode(one_way_map(bytes.fromhex(pair["input"])))
        done += _require(mapped.hex() == pair["output"], "A.3: one-way map")
    same = vectors["one_way_map_same_output"]
    for text in same["inputs"]:
        mapped = encode(one_way_map(bytes.fromhex(text)))
        done += _require(mapped.hex() == same["output"], "A.3: inputs with one output")
    terms = [(3**i + 7, add(base, one_way_map(bytes([i]) * 64))) for i in range(40)]
    slow = IDENTITY
    for scalar, term in terms:
        slow = add(slow, multi_scalar([(scalar, term)]))
    done += _require(equal(multi_scalar(terms), slow), "a sum is the sum of its products")
    done += _require(is_identity(multi_scalar([(ORDER, base), (0, base)])), "the order")
    return done


def sponge(path):
    """The vectors of draft-irtf-cfrg-fiat-shamir for SHAKE128; the number of facts checked."""
    done = 0
    for vector in json.loads(path.read_text()):
        name = vector["Name"]
        if vector["Function"] == "DeriveSessionID":
            found = derive_session_id(bytes.fromhex(vector["Tag"])).hex()
            done += _require(found == vector["Output"], name)
        elif vector["Function"] in ("DuplexSponge", "DecodeUint"):
            duplex = Sponge(bytes.fromhex(vector["SessionId"]))
            output = b""
            for step in vector["Operations"]:
                if step["type"] == "absorb":
                    duplex.absorb(bytes.fromhex(step["data"]))
                else:
                    output += duplex.squeeze(step["length"])
            done += _require(output.hex() == vector["Output"], name)
            if vector["Function"] == "DecodeUint":
                number = int.from_bytes(output, "little") % int(vector["Modulus"], 16)
                done += _require(number == int(vector["Challenge"], 16), name + ", reduced")
        elif vector["Function"] == "Sumcheck":
            # Arithmetic modulo 2^31 - 1, which nothing in akashi does; its session id is checked.
            found = derive_session_id(bytes.fromhex(vector["Tag"])).hex()
            done += _require(found == vector["SessionId"], name + ", session id")
        else:
            raise AssertionError(f"{name}: unknown function {vector['Function']}")
    return done


def rfc8032(path):
    """RFC 8032, section 7.1: they hold, and no longer when S, R, A or the message is another."""
    done = 0
    for vector in json.loads(path.read_text()):
        names = ("public_key", "message", "signature")
        key, message, signature = (bytes.fromhex(vector[name]) for name in names)
        done += _require(ed25519.verify(key, message, signature), "RFC 8032: it holds")
        s = int.from_bytes(signature[32:], "little")
        larger = signature[:32] + (s + ORDER).to_bytes(32, "little")
        done += _require(not ed25519.verify(key, message, larger), "RFC 8032: S + order")
        other = bytes([signature[0] ^ 1]) + signature[1:]
        done += _require(not ed25519.verify(key, message, other), "RFC 8032: another R")
        done += _require(not ed25519.verify(key, message + b"x", signature), "RFC 8032: message")
        for small in (bytes([1]) + bytes(31), bytes(32), bytes([0xEE]) + b"\xff" * 30 + b"\x7f"):
            done += _require(not ed25519.verify(small, message, signature), "small order key")
            forged = small + bytes(32)
            done += _require(not ed25519.verify(small, message, forged), "small order, forged")
    return done


def edge_cases(published):
    """Signatures that libraries judge differently; the number of facts checked."""
    done = 0
    for vector in json.loads((published / "ed25519-speccheck.json").read_text()):
        names = ("public_key", "message", "signature")
        found = ed25519.verify(*(bytes.fromhex(vector[name]) for name in names))
        done += _require(found == vector["strict"], f"speccheck {vector['number']}")
    file = json.loads((published / "ed25519-cctv.json").read_text())
    allowed = sum(1 << file["flags"].index(flag) for flag in STRICT_ALLOWS)
    for number, (key, point_r, s, message, flags) in enumerate(file["vectors"]):
        text = file["message"] + ("" if message is None else f" {message}")
        found = ed25519.verify(
            bytes.fromhex(file["keys"][key]),
            text.encode("ascii"),
            bytes.fromhex(file["R"][point_r] + s),
        )
        done += _require(found == (flags & ~allowed == 0), f"CCTV {number}")
    return done


# A component of small order in a point that has a large one changes nothing for an exact equation.
STRICT_ALLOWS = ("low_order_component_A", "low_order_component_R")


class Scripted:
    """A transcript whose challenges are 1, but for one that is 0."""

    def __init__(self, zero_at):
        self._zero_at = zero_at
        self._asked = 0

    def absorb(self, data):
        """Nothing depends on it."""

    def challenge(self):
        """1, or 0 in its place."""
        self._asked += 1
        return int(self._asked != self._zero_at)


def challenges_without_inverse():
    """A range proof with y = 0 or u = 0 fails at an equation that never holds; the facts checked."""
    base = generators.B.point
    elements = [base] * 4 + [1] * 3 + [base] * 10 + [1] * 2
    done = 0
    for zero_at in range(10):
        found = list(
            range_proof.equations(Scripted(zero_at), bytes(608), elements, 32, [[(1, base)]])
        )
        # y comes first, then z, x and w, then one u per round.
        never = found[-1] == [(1, generators.B)]
        done += _require(never == (zero_at == 1 or zero_at > 4), f"challenge {zero_at} is 0")
    return done


def pinned_generators():
    """The digest over all 1026 generators."""
    return _require(generators.digest() == generators.DIGEST, "the digest of the generators")


def run(published):
    """Everything; the number of facts checked. Raises AssertionError at the first wrong one."""
    facts = rfc9496(published / "rfc9496.json")
    facts += sponge(published / "fiat-shamir-shake128.json")
    facts += rfc8032(published / "rfc8032.json") + edge_cases(published)
    return facts + challenges_without_inverse() + pinned_generators()
