#!/usr/bin/env python3
"""A second implementation of suite 0x01's kinds 1 and 2, over Python integers, that shares no code with the crate.

It reads the vector files beside it, works out every hashed byte string, session id, challenge, digest, key and
verdict from the specification (proof/docs/specification.md) and compares. Needs Python 3.8 and nothing else; Argon2id
is checked as well where the package `argon2-cffi` is installed. Slow and not constant time: for checking only.

Usage: python3 proof/tests/vectors/recheck.py
"""

import hashlib
import json
import pathlib
import struct

HERE = pathlib.Path(__file__).parent

# ---- ristretto255, RFC 9496 section 4 ----

p = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, -1, p) % p
SQRT_M1 = pow(2, (p - 1) // 4, p)


def negative(x):
    return x % p & 1


def absolute(x):
    return (p - x) % p if negative(x) else x % p


def sqrt_ratio(u, v):
    r = u * pow(v, 3, p) * pow(u * pow(v, 7, p), (p - 5) // 8, p) % p
    check = v * r * r % p
    u %= p
    if check in (-u % p, -u * SQRT_M1 % p):
        r = r * SQRT_M1 % p
    return check in (u, -u % p), absolute(r)


INVSQRT_A_MINUS_D = sqrt_ratio(1, -1 - D)[1]


def decode(encoding):
    """The point as (X, Y, Z, T), or None if the encoding is not canonical."""
    s = int.from_bytes(encoding, "little")
    if s >= p or negative(s):
        return None
    ss = s * s % p
    u1, u2 = (1 - ss) % p, (1 + ss) % p
    v = (-D * u1 * u1 - u2 * u2) % p
    square, invsqrt = sqrt_ratio(1, v * u2 * u2 % p)
    den_x = invsqrt * u2 % p
    den_y = invsqrt * den_x * v % p
    x = absolute(2 * s * den_x)
    y = u1 * den_y % p
    t = x * y % p
    if not square or negative(t) or y == 0:
        return None
    return (x, y, 1, t)


def encode(point):
    x0, y0, z0, t0 = point
    u1 = (z0 + y0) * (z0 - y0) % p
    u2 = x0 * y0 % p
    invsqrt = sqrt_ratio(1, u1 * u2 * u2)[1]
    den1, den2 = invsqrt * u1 % p, invsqrt * u2 % p
    z_inv = den1 * den2 * t0 % p
    x, y, den_inv = x0, y0, den2
    if negative(t0 * z_inv):
        x, y, den_inv = y0 * SQRT_M1 % p, x0 * SQRT_M1 % p, den1 * INVSQRT_A_MINUS_D % p
    if negative(x * z_inv):
        y = -y % p
    return absolute(den_inv * (z0 - y)).to_bytes(32, "little")


def add(a, b):
    x1, y1, z1, t1 = a
    x2, y2, z2, t2 = b
    A, B, C, E = (y1 - x1) * (y2 - x2) % p, (y1 + x1) * (y2 + x2) % p, 2 * D * t1 * t2 % p, 2 * z1 * z2 % p
    e, f, g, h = B - A, E - C, E + C, B + A
    return (e * f % p, g * h % p, f * g % p, e * h % p)


IDENTITY = (0, 1, 1, 0)
GENERATOR = decode(bytes.fromhex("e2f2ae0a6abc4e71a884a961c500515f58e30b6aa582dd8db6a65945e08d2d76"))


def multiply(scalar, point):
    result = IDENTITY
    while scalar:
        if scalar & 1:
            result = add(result, point)
        point = add(point, point)
        scalar >>= 1
    return result


# ---- the suite ----


def lv(data):
    return struct.pack("<H", len(data)) + data


def shake128(data, length):
    return hashlib.shake_128(data).digest(length)


def context_bytes(c):
    h = bytes.fromhex
    return b"".join([
        b"akashi/ctx/v1", bytes([c["suite"]]), lv(h(c["origin"])), struct.pack("<HI", c["group"], c["epoch"]),
        lv(h(c["tenant"])), h(c["challenge_id"]), h(c["nonce"]), bytes([c["purpose"]]), h(c["subject"]),
        lv(h(c["contact_id"])), struct.pack("<QQ", c["not_before_us"], c["expires_us"]), h(c["order_hash"]),
        h(c["policy_digest"]),
    ])


def session_id(name, context):
    return shake128(b"irtf-cfrg-fiat-shamir/session-id".ljust(168, b"\0") + b"akashi/v1/" + name + b"\0" + context, 32)


def challenge(sid, instance, commitment):
    return int.from_bytes(shake128(sid.ljust(168, b"\0") + instance + commitment, 48), "little") % ORDER


def verdict(sid, instance, key, proof):
    """The reason code, 0 for a proof that holds."""
    if len(proof) != 64:
        return 14
    R = decode(proof[:32])
    if R is None:
        return 15
    if proof[:32] == bytes(32):
        return 16
    s = int.from_bytes(proof[32:], "little")
    if s >= ORDER:
        return 26
    c = challenge(sid, instance, proof[:32])
    left = encode(multiply(s, GENERATOR))
    right = encode(add(R, multiply(c, decode(key))))
    return 0 if left == right else 17


def wide(data):
    return int.from_bytes(data, "little") % ORDER


def same(what, ours, theirs):
    if ours != theirs:
        raise SystemExit(f"{what}: {ours} here, {theirs} in the file")


def recheck_cases(name):
    file = json.loads((HERE / f"{name}.json").read_text())
    same("kind", {"possession": 1, "knowledge": 2}[name], file["kind"])
    for case in file["cases"]:
        context = context_bytes(case["context"])
        same("context", context.hex(), case["context_bytes"])
        same("digest", hashlib.sha256(context).hexdigest(), case["context_digest"])
        statement, proof = case["statement"], bytes.fromhex(case["proof"])
        second = statement["submission_digest" if name == "possession" else "K"]
        instance = bytes.fromhex(statement["P"] + second)
        same("instance", instance.hex(), case["instance"])
        sid = session_id(name.encode(), context)
        same("sid", sid.hex(), case["sid"])
        if len(proof) == 64:
            same("c", challenge(sid, instance, proof[:32]).to_bytes(32, "little").hex(), case["c"])
        memo = b"akashi/v1/vkey" + bytes([case["context"]["suite"]]) + sid + lv(instance) + lv(proof)
        same("memo key", hashlib.sha256(memo).hexdigest(), case["memo_key"])
        key = bytes.fromhex(statement["P" if name == "possession" else "K"])
        same(f"verdict of '{case['name']}'", verdict(sid, instance, key, proof), case["code"])
    return len(file["cases"])


def recheck_derivations():
    h = bytes.fromhex
    file = json.loads((HERE / "derivations.json").read_text())
    for v in file["device_keys"]:
        data = b"akashi/v1/device-key" + h(v["root"]) + bytes([v["suite"]]) + lv(h(v["origin"])) + lv(h(v["tenant"]))
        x = wide(hashlib.shake_256(data + struct.pack("<I", v["key_epoch"])).digest(64))
        same("P", encode(multiply(x, GENERATOR)).hex(), v["P"])
    for v in file["challenge_nonces"]:
        data = b"akashi/v1/nonce" + bytes([v["suite"]]) + lv(h(v["origin"])) + struct.pack("<Q", v["sealed_size"])
        data += h(v["sealed_root"]) + struct.pack("<QI", v["log_index"], v["ordinal"]) + h(v["challenge_id"])
        same("nonce", shake128(data + h(v["leader_random"]), 32).hex(), v["nonce"])
    for v in file["submission_digests"]:
        data = b"akashi/v1/submission" + struct.pack("<H", len(v["parts"]))
        for part in v["parts"]:
            data += bytes([part["kind"], part["slot"]]) + h(part["credential_serial"])
            data += struct.pack("<H", part["attribute_index"]) + hashlib.sha256(h(part["proof"])).digest()
            data += h(part["sealed_digest"])
        same("submission digest", hashlib.sha256(data).hexdigest(), v["submission_digest"])
    try:
        from argon2.low_level import Type, hash_secret_raw
    except ImportError:
        return "argon2-cffi is not installed: PIN keys not checked"
    for v in file["pin_keys"]:
        raw = hash_secret_raw(
            secret=h(v["pin"]), salt=h(v["device_salt"]) + h(v["subject"]), time_cost=v["passes"],
            memory_cost=v["memory_kib"], parallelism=v["lanes"], hash_len=64, type=Type.ID, version=0x13,
        )
        same("K", encode(multiply(wide(raw), GENERATOR)).hex(), v["K"])
    return "PIN keys checked"


if __name__ == "__main__":
    counts = {name: recheck_cases(name) for name in ("possession", "knowledge")}
    print(f"{counts}: every byte string and verdict agrees; {recheck_derivations()}")
