"""Statements of a period, checked from docs/statement.md and audit/README.md: `verify(text, keys)`.

Nothing here knows how the Rust side does it: leaves, heads, key sets and proofs are read from the
documents' tables.
"""

import base64
import hashlib

from . import ed25519

PROCESSED, TENANT_CREATED, TOTAL_PROVED = 41, 2, 56
EXCEPTIONS = (
    "no-verdict no-session presence training posture unmasked fallback limited blocked".split()
)


class Refused(Exception):
    """Why a statement is not to be believed."""


def _need(holds, why):
    if not holds:
        raise Refused(why)


def _decimal(text):
    _need(text.isascii() and text.isdigit() and str(int(text)) == text, "malformed")
    return int(text)


def _base64(text):
    try:
        data = base64.b64decode(text, validate=True)
    except ValueError as bad:
        raise Refused("malformed") from bad
    _need(base64.b64encode(data).decode() == text, "malformed")
    return data


def _number(data):
    return int.from_bytes(data, "big")


def read_keys(text):
    """Origin, quorum and {(name, key id): key} of a key-set file."""
    origin, quorum, keys = None, None, {}
    for line in text.splitlines():
        words = line.split()
        if words[:2] == ["#", "akashi-origin"]:
            origin = words[2]
        elif words[:1] == ["witness"]:
            name, key_id, data = words[2].split("+", 2)
            keys[(name, bytes.fromhex(key_id))] = _base64(data)[1:]
        elif words[:1] == ["group"]:
            quorum = int(words[2])
    return origin, quorum, keys


def _check_head(head, signatures, key_set):
    """Size and root, once a quorum of the keys has signed them."""
    origin, quorum, keys = key_set
    lines = head.split("\n")
    _need(len(lines) == 3, "malformed")
    _need(lines[0] == origin, "head: origin")
    signers = set()
    for line in signatures.split("\n"):
        dash, name, data = line.split(" ")
        _need(dash == "\u2014", "malformed")
        data = _base64(data)
        key = keys.get((name, data[:4]))
        if key is None:
            continue
        time = _number(data[4:12])
        message = f"cosignature/v1\ntime {time}\n{head}\n".encode()
        _need(ed25519.verify(key, message, data[12:]), "head: signature")
        signers.add(key)
    _need(len(signers) >= quorum, "head: quorum")
    return _decimal(lines[1]), _base64(lines[2])


def _root(begin, end, leaves, path):
    """RFC 9162's tree hash, with the next hash of the path for whatever holds no leaf."""
    if not leaves:
        _need(path, "inclusion: too short")
        return path.pop()
    if end - begin == 1:
        return hashlib.sha256(b"\0" + leaves[0][1]).digest()
    middle = begin + (1 << (end - begin - 1).bit_length() - 1)
    left = _root(begin, middle, [leaf for leaf in leaves if leaf[0] < middle], path)
    right = _root(middle, end, [leaf for leaf in leaves if leaf[0] >= middle], path)
    return hashlib.sha256(b"\1" + left + right).digest()


def _check_inclusion(leaves, path, size, root):
    indices = [index for index, _ in leaves]
    _need(0 < len(indices) <= 4096, "inclusion: count")
    _need(all(a < b for a, b in zip(indices, indices[1:])), "inclusion: order")
    _need(indices[-1] < size, "inclusion: range")
    rest = path[::-1]
    _need(_root(0, size, leaves, rest) == root and not rest, "inclusion: root")


def _part(block, keyword):
    lines = block.split("\n")
    _need(lines[0] == keyword, "malformed")
    leaves = [line.split(" ") for line in lines[1:] if " " in line]
    hashes = [line for line in lines[1:] if " " not in line]
    _need([" ".join(leaf) for leaf in leaves] + hashes == lines[1:], "malformed")
    leaves = [(_decimal(index), _base64(leaf)) for index, leaf in leaves]
    return leaves, [_base64(line) for line in hashes]


def read_leaf(data):
    """The columns that a statement needs, and the extensions."""
    _need(len(data) >= 201 and data[0] == 1, "leaf")
    extensions, at = {}, 201
    _need(len(data) == at + _number(data[199:201]), "leaf")
    while at < len(data):
        kind, length = _number(data[at : at + 2]), _number(data[at + 2 : at + 4])
        extensions[kind] = data[at + 4 : at + 4 + length]
        at += 4 + length
    return {
        "kind": _number(data[1:3]),
        "stamp": _number(data[3:11]),
        "tenant": _number(data[31:35]),
        "outcome": data[121],
        "flags": _number(data[124:128]),
        "extensions": extensions,
    }


def _contact(data, tenant):
    leaf = read_leaf(data)
    _need(leaf["tenant"] == tenant, "other tenant")
    _need(leaf["kind"] == PROCESSED, "other kind")
    columns = leaf["extensions"]
    widths = {90: 8, 91: 8, 53: 4, 92: 12, 93: 7, 94: 8, 1: 2, 2: 1, 3: 2}
    _need(all(len(columns.get(c, b"")) == width for c, width in widths.items()), "column")
    leaf["number"], leaf["announced"] = _number(columns[90]), _number(columns[91])
    leaf["campaign"], leaf["ms"] = _number(columns[53]), _number(columns[92][8:])
    leaf["limits"] = columns[93][2]
    _, leaf["presence"], leaf["level"], leaf["unmasked"] = columns[94][:4]
    return leaf


def _claims(contacts, service):
    """The last block, as the leaves give it."""
    decided = [leaf for leaf in contacts if leaf["ms"] != 2**32 - 1]
    attended = [leaf for leaf in contacts if leaf["level"]]
    exceptions = {
        "no-verdict": sum(leaf["outcome"] == 0 for leaf in contacts),
        "no-session": len(contacts) - len(attended),
        "presence": sum(leaf["presence"] & ~1 != 0 for leaf in contacts),
        "training": sum(leaf["flags"] & 1 == 0 for leaf in attended),
        "posture": sum(leaf["flags"] & 2 == 0 for leaf in attended),
        "unmasked": sum(leaf["unmasked"] > 0 for leaf in contacts),
        "fallback": sum(leaf["limits"] & 4 != 0 for leaf in contacts),
        "limited": sum(leaf["limits"] != 0 for leaf in contacts),
        "blocked": sum(leaf["flags"] & 4 != 0 for leaf in contacts),
    }
    lines = ["claims", f"contacts {len(contacts)}"]
    for outcome in sorted({leaf["outcome"] for leaf in contacts} - {0}):
        lines.append(f"outcome {outcome} {sum(leaf['outcome'] == outcome for leaf in contacts)}")
    lines.append(f"decided {len(decided)}")
    lines.append(f"within {sum(leaf['ms'] <= service * 1000 for leaf in decided)}")
    lines += [f"{name} {exceptions[name]}" for name in EXCEPTIONS]
    for campaign in sorted({leaf["campaign"] for leaf in contacts}):
        own = [leaf for leaf in contacts if leaf["campaign"] == campaign]
        verified = sum(leaf["outcome"] == 1 for leaf in own)
        lines.append(f"campaign {campaign} {len(own)} {verified}")
    still = max(contacts[-1]["announced"] - contacts[-1]["number"], 0) if contacts else 0
    return lines + [f"open {still}"]


def _mark(leaf):
    return leaf[0], hashlib.sha256(b"\0" + leaf[1]).digest()


def verify(text, keys, tenant=None, after=None):
    """Number of contacts of a statement that holds; `Refused` says what does not.

    `after` is the text of the statement before it, which it has to continue.
    """
    now = _check(text, keys, tenant)
    if after is not None:
        _continues(_check(after, keys, tenant), now)
    return now["last"] + 1 - now["first"]


def _continues(old, new):
    """One log, one tenant, no number left out or used twice, no period twice."""
    _need(old["origin"] == new["origin"], "other log")
    _need(old["size"] != new["size"] or old["root"] == new["root"], "other log")
    _need(old["tenant"] == new["tenant"], "other tenant")
    _need(new["first"] == old["last"] + 1, "numbers do not follow")
    _need(new["begin"] >= old["end"], "periods overlap")
    _need(old["created"] == new["created"], "other log")
    end = old["contacts"][-1] if old["contacts"] else old["before"]
    _need(end == new["before"], "other log")
    beginning = new["contacts"][0] if new["contacts"] else new["behind"]
    _need(None in (old["behind"], beginning) or old["behind"] == beginning, "other log")


def _check(text, keys, tenant):
    """What a statement that holds says, with the leaves at its ends."""
    _need(text.endswith("\n"), "ending")
    blocks = text[:-1].split("\n\n")
    _need(len(blocks) >= 5, "ending")
    scope = [line.split(" ") for line in blocks[0].split("\n")]
    names = ["akashi/statement/v1", "tenant", "period", "numbers", "service"]
    _need([line[0] for line in scope] == names, "malformed")
    number, name = _decimal(scope[1][1]), scope[1][2]
    begin, end = _decimal(scope[2][1]), _decimal(scope[2][2])
    first, last = _decimal(scope[3][1]), _decimal(scope[3][2])
    service = _decimal(scope[4][1])
    _need(tenant in (None, name), "other tenant asked")
    _need(begin < end and 1 <= first <= last + 1, "malformed")
    key_set = read_keys(keys)
    size, root = _check_head(blocks[1], blocks[2], key_set)

    leaves, path = _part(blocks[3], "frame")
    named = before = behind = None
    for at, data in leaves:
        leaf = read_leaf(data)
        _need(leaf["tenant"] == number, "other tenant")
        if leaf["kind"] == TENANT_CREATED:
            _need(not named and leaf["extensions"].get(4) == name.encode(), "tenant name")
            named = _mark((at, data))
            continue
        if leaf["kind"] == TOTAL_PROVED:
            widths = {53: 4, 81: 8, 84: 8, 85: 32}
            columns = leaf["extensions"]
            _need(all(len(columns.get(c, b"")) == n for c, n in widths.items()), "column")
            continue
        leaf = _contact(data, number)
        if leaf["number"] == first - 1:
            _need(leaf["stamp"] < begin, "beginning")
            before = _mark((at, data))
        else:
            _need(leaf["number"] == last + 1, "frame")
            _need(leaf["stamp"] >= end, "end")
            behind = _mark((at, data))
    _need(named, "tenant name")
    _need(before or first == 1, "beginning")
    _check_inclusion(leaves, path, size, root)

    contacts, marks, index = [], [], -1
    for block in blocks[4:-1]:
        leaves, path = _part(block, "part")
        for at, data in leaves:
            leaf = _contact(data, number)
            _need(leaf["number"] == first + len(contacts) <= last, "gap or order")
            _need(at > index, "order")
            _need(begin <= leaf["stamp"] < end, "outside the period")
            contacts.append(leaf)
            marks.append(_mark((at, data)))
            index = at
        _check_inclusion(leaves, path, size, root)
    _need(len(contacts) == last + 1 - first, "gap")
    _need(blocks[-1].split("\n") == _claims(contacts, service), "figures")
    return {
        "origin": key_set[0],
        "size": size,
        "root": root,
        "tenant": (number, name),
        "begin": begin,
        "end": end,
        "first": first,
        "last": last,
        "created": named,
        "before": before,
        "contacts": marks,
        "behind": behind,
    }
