#!/usr/bin/env python3
"""Checks every vector beside it with the second verifier: all kinds, credentials, sensors, orders, PIN keys.

Every hashed byte string, session id, challenge, digest, key and code is worked out again from the specification
(proof/docs/specification.md) by code that shares nothing with the crate: tests/second_verifier, over Python integers and
the standard library. Python 3.11 and nothing else; slow and not constant time: for checking only. Exit status 1 at the
first difference.

Usage: python3 proof/tests/vectors/recheck.py [--patient] [folder]

--patient derives a PIN key at its real cost of 64 MiB as well, which takes minutes. folder holds vector files of the same
shape and names, with their SHA256SUMS; without it, the frozen ones.
"""

import argparse
import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent

sys.dont_write_bytecode = True
sys.path.insert(0, str(HERE.parents[2] / "tests"))

from second_verifier import vectors  # noqa: E402  (the path comes first)


def main():
    """Reports file by file."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", nargs="?", type=pathlib.Path, default=HERE)
    parser.add_argument("--patient", action="store_true", help="the slow derivations as well")
    options = parser.parse_args()
    try:
        for line in vectors.run(options.folder, options.patient):
            print(line)
    except (AssertionError, vectors.Differs) as difference:
        print(f"recheck: {difference}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
