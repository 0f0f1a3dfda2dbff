"""Answers for proofs that arrive as JSON lines, in the order in which they arrive.

A line is {"kind", "context", "instance", "proof"}, the instance in hex, the rest in the shape of the
vector files; a "statement" in their shape may stand for the instance. The answer
is the reason code, 0 for accepted. Where there is nothing to verify it is "context" for a context
that breaks a rule and "statement CODE" for a statement that no replica could have built. It must
answer every line: what it does not understand ends the run, loudly.
"""

import json
import multiprocessing

from .context import Refused
from .reasons import StatementRefused
from .verify import (
    context_from_json,
    memo_key,
    statement_from_instance,
    statement_from_json,
    verify,
)

LINES_PER_TASK = 32


def answer(line, with_memo=False):
    """The answer to one line."""
    request = json.loads(line)
    context = context_from_json(request["context"])
    proof = bytes.fromhex(request["proof"])
    try:
        context.check()
        if "instance" in request:
            instance = bytes.fromhex(request["instance"])
            statement = statement_from_instance(request["kind"], instance)
        else:
            statement = statement_from_json(request["kind"], request["statement"])
        code = str(verify(context, statement, proof))
    except Refused:
        return "context"
    except StatementRefused as refused:
        return f"statement {refused.code}"
    if with_memo:
        return f"{code} {memo_key(context, statement, proof).hex()}"
    return code


def answer_with_memo(line):
    """The answer to one line, and the memo key behind it."""
    return answer(line, with_memo=True)


def run(lines, processes, with_memo):
    """Answers in order; several processes share the work, a bounded number of lines ahead."""
    one = answer_with_memo if with_memo else answer
    if processes == 1:
        yield from map(one, lines)
        return
    with multiprocessing.Pool(processes) as pool:
        yield from pool.imap(one, lines, chunksize=LINES_PER_TASK)
