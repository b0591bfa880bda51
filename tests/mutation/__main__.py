"""``python -m tests.mutation FOLDER_OR_FILE ... [--size N] [--seed S]``."""

import argparse
import os
import random
import sys
from pathlib import Path

import pytest

from tests.mutation.changes import mutants
from tests.mutation.run import MutationRun
from tests.nearest import ROOT, nearest

# What is said of a part in its class, or in its documentation.
ALWAYS = ("tests/test_registries.py", "tests/test_defaults.py")


def read_arguments():
    parser = argparse.ArgumentParser(prog="python -m tests.mutation", description=__doc__)
    parser.add_argument("paths", nargs="+", help="folders or files of skmtl")
    parser.add_argument("--tests", nargs="*", default=[], help="more tests than the nearest ones")
    parser.add_argument("-k", default="", help="tests that match, as for pytest")
    parser.add_argument("--size", type=int, default=200, help="changes that are drawn; 0 for all")
    parser.add_argument("--seed", type=int, default=0, help="of the draw")
    parser.add_argument("--only", nargs="*", default=[], help="keys of changes, instead of a draw")
    parser.add_argument("--cap", type=float, default=10.0, help="seconds of tests for a change")
    parser.add_argument("--compiled", action="store_true", help="files with @compiled, as Python")
    parser.add_argument("--out", help="file for a line of JSON per change; those in it are done")
    return parser.parse_args()


def main():
    arguments = read_arguments()
    if arguments.compiled:
        os.environ["NUMBA_DISABLE_JIT"] = "1"
    files = [f for path in arguments.paths for f in files_of(Path(path), arguments.compiled)]
    every = [mutant for path in files for mutant in mutants(path, ROOT)]
    random.Random(arguments.seed).shuffle(every)
    drawn = every[: arguments.size or None]
    if arguments.only:
        drawn = [mutant for mutant in every if mutant.key in arguments.only]
    print(f"{len(drawn)} of {len(every)} changes of {len(files)} files")
    near = {str(test) for path in files for test in nearest(path)}
    options = ["-q", "-p", "no:cacheprovider", "-p", "no:xdist", "--capture=no", "-k", arguments.k]
    if arguments.compiled:
        # Compiled, whole numbers go around without a word.
        options += ["-W", "ignore:overflow encountered in scalar:RuntimeWarning"]
    run = MutationRun(drawn, arguments.cap, arguments.out)
    return pytest.main([*options, *sorted(near), *arguments.tests, *ALWAYS], plugins=[run])


def files_of(path, is_compiled):
    """Files of a folder, or the one; numba's functions are only changed where it is off."""
    found = sorted((ROOT / path).glob("*.py")) if (ROOT / path).is_dir() else [ROOT / path]
    chosen = [file for file in found if ("@compiled" in file.read_text()) == is_compiled]
    return [file.relative_to(ROOT) for file in chosen]


if __name__ == "__main__":
    sys.exit(main())
