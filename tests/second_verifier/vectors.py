"""Runs the frozen vectors of proof/tests/vectors: every case gives the documented answer.

A vector file that this verifier does not know is an error, not something to pass over.
"""

import hashlib
import json

from . import attestation, derive, messages, selftest, submission
from .context import Context, Refused
from .reasons import ACCEPTED, StatementRefused
from .verify import (
    begin,
    challenges,
    context_from_json,
    memo_key,
    raw,
    statement_from_instance,
    statement_from_json,
    verify,
)

# Argon2id at the suite's real cost takes minutes over integers; below this many KiB, seconds.
PATIENT_KIB = 1024


class Differs(Exception):
    """This verifier and a vector do not agree."""


def _same(place, what, found, wanted):
    if found != wanted:
        raise Differs(f"{place}: {what} is {found}, the vector says {wanted}")
    return 1


def case(place, kind, vector):
    """One case of one kind; the number of facts compared."""
    context = context_from_json(vector["context"])
    statement = statement_from_json(kind, vector["statement"])
    proof = bytes.fromhex(vector["proof"])
    sid, _ = begin(context, statement)
    facts = {
        "context_bytes": context.to_bytes,
        "context_digest": context.digest,
        "instance": statement.instance,
        "sid": lambda: sid,
        "memo_key": lambda: memo_key(context, statement, proof),
    }
    done = 0
    for name, compute in facts.items():
        done += _same(place, name, compute().hex(), vector[name])
    instance = bytes.fromhex(vector["instance"])
    again = statement_from_instance(kind, instance)
    done += _same(place, "instance, read again", again.instance(), instance)
    found = challenges(context, statement, proof)
    if found is not None:
        wanted = [bytes.fromhex(scalar) for _, scalar in vector["challenges"]]
        found = [scalar.to_bytes(32, "little") for scalar in found]
        done += _same(place, "list of challenges", found, wanted)
    return done + _same(place, "code", verify(context, statement, proof), vector["code"])


def derivations(document, patient):
    """The derived values; the number of facts compared."""
    done = 0
    for inputs in map(raw, document["submission_digests"]):
        found = derive.submission_digest(inputs["parts"])
        done += _same("derivations", "digest", found, inputs["submission_digest"])
    for inputs in map(raw, document["challenge_nonces"]):
        done += _same("derivations", "nonce", derive.challenge_nonce(inputs), inputs["nonce"])
    for inputs in map(raw, document["device_keys"]):
        done += _same("derivations", "P", derive.device_key(inputs), inputs["P"])
    for inputs in map(raw, document["pin_keys"]):
        if patient or inputs["memory_kib"] <= PATIENT_KIB:
            done += _same("derivations", "K", derive.pin_key(inputs), inputs["K"])
    return done


def signed_messages(document):
    """Credentials, orders, sealed payloads, sensors; the number of facts compared."""
    place = "messages"
    done = 0
    for vector in map(raw, document["credentials"]):
        message, fields = messages.credential(vector["body"])
        key = vector["issuer_key"]
        done += _same(place, "issuer key id", messages.sha256(key), vector["issuer_key_id"])
        done += _same(place, "key id in body", fields["issuer_key_id"], vector["issuer_key_id"])
        done += _same(place, "digest", messages.sha256(message), vector["digest"])
        held = messages.signed(key, message, vector["signature"])
        done += _same(place, "credential signature", held, True)
    for vector in map(raw, document["orders"]):
        found = messages.order_hash(vector["salt"], vector["amounts"], vector["order"])
        done += _same(place, "order hash", found, vector["order_hash"])
    vector = raw(document["sealed"])
    found = messages.sealed_digest(vector["encapsulated_key"], vector["ciphertext"])
    done += _same(place, "sealed digest", found, vector["sealed_digest"])
    found = messages.sealing_info(vector["context_bytes"])
    done += _same(place, "sealing info", found, vector["info"])
    found = messages.sha256(vector["recipient_key"])
    done += _same(place, "recipient digest", found, vector["recipient_digest"])
    return done + sensors(place, raw(document["sensors"]))


def sums(document):
    """Sums of commitments and what opens them; the number of facts compared."""
    done = 0
    for vector in document["cases"]:
        place = f"sums ({vector['name']})"
        commitments = [bytes.fromhex(text) for text in vector["commitments"]]
        found = [data.hex() for data in messages.running_sums(commitments)]
        done += _same(place, "its running sums", found, vector["running"])
        last = found[-1] if found else bytes(32).hex()
        done += _same(place, "its sum", last, vector["sum"])
        data, blinding = (bytes.fromhex(vector[name]) for name in ("sum", "blinding"))
        found = messages.sum_opens(data, vector["total"], blinding)
        done += _same(place, "whether it opens", found, vector["opens"])
    return done


def sensors(place, vector):
    """A sensor's certificate and its two messages; the number of facts compared."""
    certificate = vector["certificate"]
    found = messages.certificate_digest(certificate)
    done = _same(place, "certificate digest", found, vector["certificate_digest"])
    context = Context.from_bytes(vector["context_bytes"])
    for name, last in (
        ("enrol", vector["server_nonce"]),
        ("probe", messages.sha256(vector["C_t"])),
    ):
        message = messages.sensor_message(
            b"akashi/v1/" + name.encode("ascii"),
            context,
            vector["P"],
            vector["capture"],
            certificate,
            last,
        )
        if name == "enrol":
            done += _same(place, "enrolment message", message, vector["enrolment_message"])
        signature = vector["enrolment_signature" if name == "enrol" else "probe_signature"]
        held = messages.signed(certificate["key"], message, signature)
        done += _same(place, f"{name} signature", held, True)
    return done


def decisions(document):
    """Decisions on credentials and captures; (cases, codes and how often each)."""
    _same("attestations", "its lists", sorted(document), sorted(attestation.DECISIONS))
    codes = {}
    for name, decide in attestation.DECISIONS.items():
        for number, given in enumerate(document[name]):
            context = context_from_json(given["context"]) if "context" in given else None
            found = decide(context, raw({**given, "name": "", "context": {}}))
            _same(f"{name} {number} ({given['name']})", "code", found, given["code"])
            codes[found] = codes.get(found, 0) + 1
    return sum(codes.values()), counted(codes)


def statements(document):
    """Which bytes are a statement; (cases, codes and how often each)."""
    codes = {}
    for vector in document["cases"]:
        try:
            statement_from_instance(vector["kind"], bytes.fromhex(vector["instance"]))
            found = ACCEPTED
        except StatementRefused as refused:
            found = refused.code
        place = f"statements, kind {vector['kind']} ({vector['name']})"
        _same(place, "code", found, vector["code"])
        codes[found] = codes.get(found, 0) + 1
    return sum(codes.values()), counted(codes)


def contexts(document):
    """Which fields are a context; (cases, how many are)."""
    held = 0
    for vector in document["cases"]:
        try:
            found = context_from_json(vector["context"]).to_bytes().hex()
            held += 1
        except Refused:
            found = None
        _same(f"contexts ({vector['name']})", "its bytes", found, vector["context_bytes"])
        if found is not None:
            read = Context.from_bytes(bytes.fromhex(found))
            _same("contexts", "what is read", read, context_from_json(vector["context"]))
    return len(document["cases"]), f"{held} of them are one"


def submissions(document):
    """Whole submissions; (cases, codes and how often each)."""
    codes = {}
    for vector in document["cases"]:
        place = f"submissions ({vector['name']})"
        given = raw({**vector, "name": "", "context": {}})
        context = context_from_json(vector["context"])
        found = submission.judge(context, given)
        for name, value in found["digests"].items():
            _same(place, name, value, given[name])
        for number, (part, sealed, code) in enumerate(found["parts"]):
            _same(f"{place}, part {number}", "sealed digest", sealed, part["sealed_digest"])
            _same(f"{place}, part {number}", "code", code, part["code"])
            codes[code] = codes.get(code, 0) + 1
        _same(place, "code of the possession", found["possession"], given["possession_code"])
        codes[found["possession"]] = codes.get(found["possession"], 0) + 1
    return len(document["cases"]), counted(codes)


DECISIONS = {
    "attestations": decisions,
    "contexts": contexts,
    "statements": statements,
    "submissions": submissions,
}


def counted(codes):
    """Codes and how often each occurred, for the report."""
    return "codes {" + ", ".join(f"{code}: {count}" for code, count in sorted(codes.items())) + "}"


def digests(directory):
    """Every vector file is the one that SHA256SUMS freezes; the number of files."""
    frozen = {}
    for line in (directory / "SHA256SUMS").read_text().splitlines():
        digest, name = line.split()
        frozen[name] = digest
    files = sorted(directory.glob("*.json"))
    _same("SHA256SUMS", "its list", sorted(frozen), [path.name for path in files])
    for path in files:
        found = hashlib.sha256(path.read_bytes()).hexdigest()
        _same(path.name, "its SHA-256", found, frozen[path.name])
    return len(files)


def run(directory, patient):
    """Everything in the directory; yields lines of report and raises at the first difference."""
    facts = digests(directory)
    yield f"frozen by digest: {facts} files"
    facts = selftest.run(directory / "published")
    yield f"published vectors and generators: {facts} facts"
    for path in sorted(directory.glob("*.json")):
        document = json.loads(path.read_text())
        if path.stem == "derivations":
            yield f"derivations: {derivations(document, patient)} facts"
            continue
        if path.stem == "messages":
            yield f"messages: {signed_messages(document)} facts"
            continue
        if path.stem == "sums":
            yield f"sums: {sums(document)} facts"
            continue
        kind = document["kind"]
        facts = 0
        codes = {}
        for number, vector in enumerate(document["cases"]):
            place = f"{path.stem} {number} ({vector['name']})"
            try:
                facts += case(place, kind, vector)
            except (Refused, StatementRefused) as refused:
                raise Differs(f"{place}: refused before it was verified: {refused!r}") from refused
            codes[vector["code"]] = codes.get(vector["code"], 0) + 1
        yield f"{path.stem}: {len(document['cases'])} cases, {facts} facts, {counted(codes)}"
    folder = directory / "decisions"
    yield f"decisions, frozen by digest: {digests(folder)} files"
    for path in sorted(folder.glob("*.json")):
        if path.stem not in DECISIONS:
            raise Differs(f"{path.name}: decisions of a sort that is not known here")
        cases, told = DECISIONS[path.stem](json.loads(path.read_text()))
        yield f"{path.stem}: {cases} cases, {told}"
