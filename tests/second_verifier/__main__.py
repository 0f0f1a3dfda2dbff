"""The command: `vectors`, `judge`, `single-faults`, `selftest`, `period`. It decides nothing by itself."""

import argparse
import json
import os
import sys
from pathlib import Path

from . import judge, period, prover, selftest, vectors


def main():
    """Runs one command; exit status 1 when anything differs."""
    parser = argparse.ArgumentParser(prog="python3 -m second_verifier")
    commands = parser.add_subparsers(dest="command", required=True)
    command = commands.add_parser("vectors", help="every vector file in a directory")
    command.add_argument("directory", type=Path)
    command.add_argument("--patient", action="store_true", help="the slow derivations as well")
    command = commands.add_parser("judge", help="JSON lines in, reason codes out")
    command.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    command.add_argument("--memo", action="store_true", help="the memo key behind each code")
    command = commands.add_parser("single-faults", help="questions with one equation broken")
    command.add_argument("--seed", type=int, default=1)
    command.add_argument("--rounds", type=int, default=1)
    command = commands.add_parser("selftest", help="the published vectors only")
    command.add_argument("directory", type=Path)
    command = commands.add_parser("period", help="a statement of a period, with the pinned keys")
    command.add_argument("statement", type=Path)
    command.add_argument("keys", type=Path)
    command.add_argument("--tenant")
    command.add_argument("--after", type=Path, help="the statement that it has to continue")
    options = parser.parse_args()
    try:
        if options.command == "judge":
            for line in judge.run(sys.stdin, options.processes, options.memo):
                print(line)
        elif options.command == "single-faults":
            for question in prover.questions(options.seed, options.rounds):
                print(json.dumps(question))
        elif options.command == "vectors":
            for line in vectors.run(options.directory, options.patient):
                print(line)
        elif options.command == "period":
            texts = [path.read_bytes().decode() for path in (options.statement, options.keys)]
            after = options.after and options.after.read_bytes().decode()
            print(f"{period.verify(*texts, options.tenant, after)} contacts")
        else:
            print(f"{selftest.run(options.directory)} facts")
    except (AssertionError, period.Refused, vectors.Differs) as difference:
        print(f"second_verifier: {difference}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
