"""One proof, one answer: the order of checks of specification.md, section 7.

Every equation is computed exactly and alone; there are no batches and no random weights here.
"""

import hashlib

from .context import Context
from .elements import parse, statement_point
from .encoding import lv, u8
from .group import is_identity, multi_scalar
from .in_set import InSet
from .instance import fields as read_instance
from .proximity import Proximity
from .range_proof import Range
from .reasons import ACCEPTED, EQUATION_FAILED, Rejected
from .schnorr import Consent, Equals, Knowledge, Possession, Same
from .transcript import Sponge, session_id

KINDS = {
    statement.KIND: statement
    for statement in (Possession, Knowledge, Equals, Same, Range, InSet, Proximity, Consent)
}
NAMES = {statement.NAME: statement for statement in KINDS.values()}


def statement_from_json(kind, value):
    """A statement of a kind, given by number or name, from its object in a vector file."""
    sort = KINDS[kind] if isinstance(kind, int) else NAMES[kind]
    return sort(raw(value))


def statement_from_instance(kind, data):
    """A statement of a kind from the bytes of its instance, or StatementRefused."""
    statement = KINDS[kind](read_instance(kind, data))
    if statement.instance() != data:
        raise AssertionError("an instance was read that is not the one that was given")
    return statement


def raw(value):
    """A JSON value with every string, which is hex, turned into bytes."""
    if isinstance(value, str):
        return bytes.fromhex(value)
    if isinstance(value, dict):
        return {name: raw(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [raw(inner) for inner in value]
    return value


def begin(context, statement):
    """(session id, transcript that has absorbed the instance)."""
    sid = session_id(statement.NAME, context.to_bytes())
    transcript = Sponge(sid)
    transcript.absorb(statement.instance())
    return sid, transcript


def memo_key(context, statement, proof):
    """The key under which a replica remembers its answer: specification.md, section 6."""
    sid = session_id(statement.NAME, context.to_bytes())
    parts = b"akashi/v1/vkey" + u8(context.suite) + sid + lv(statement.instance()) + lv(proof)
    return hashlib.sha256(parts).digest()


def verify(context, statement, proof):
    """The reason code. Raises Refused or StatementRefused where there is nothing to verify."""
    context.check()
    points = [statement_point(data) for data in statement.points()]
    statement.check()
    _, transcript = begin(context, statement)
    try:
        statement.fits(context)
        elements = parse(proof, statement.layout)
        for terms in statement.equations(transcript, proof, elements, points):
            if not is_identity(multi_scalar(terms)):
                raise Rejected(EQUATION_FAILED)
    except Rejected as rejected:
        return rejected.code
    return ACCEPTED


def failing_equations(context, statement, proof):
    """How many equations of a well-formed proof fail when each is looked at alone."""
    _, transcript = begin(context, statement)
    points = [statement_point(data) for data in statement.points()]
    elements = parse(proof, statement.layout)
    equations = statement.equations(transcript, proof, elements, points)
    return sum(not is_identity(multi_scalar(terms)) for terms in equations)


def challenges(context, statement, proof):
    """Every challenge of a proof whose elements are good, in order; None if one is not."""
    _, transcript = begin(context, statement)
    points = [statement_point(data) for data in statement.points()]
    try:
        elements = parse(proof, statement.layout)
    except Rejected:
        return None
    for _ in statement.equations(transcript, proof, elements, points):
        pass
    return transcript.challenges


def context_from_json(fields):
    """A context from its object in a vector file."""
    return Context.from_json(fields)
