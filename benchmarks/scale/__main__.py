"""Command line: which parts, and how often each number is measured."""

import argparse
import warnings
from importlib import import_module
from pkgutil import iter_modules

from benchmarks import scale
from benchmarks.common.report import threads, versions

PARTS = [part.name for part in iter_modules(scale.__path__) if not part.name.startswith("_")]
DISTRIBUTIONS = "scikit-learn", "torch", "numpy", "scipy", "numba", "pyarrow", "dask"


def parse():
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.scale", description=scale.__doc__.splitlines()[0]
    )
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(PARTS)}")
    parser.add_argument("--rounds", type=int, default=3, help="medians are over these")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--markdown", action="store_true", help="tables for a page")
    settings = parser.parse_args()
    if unknown := set(settings.parts) - set(PARTS):
        parser.error(f"no part {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}")
    return settings


def main():
    settings = parse()
    # Training ends with its epochs, not with convergence.
    warnings.simplefilter("ignore")
    print(f"{versions(DISTRIBUTIONS)}; {threads()}; seed {settings.seed}", flush=True)
    for name in settings.parts or PARTS:
        import_module(f"benchmarks.scale.{name}").main(settings)


if __name__ == "__main__":
    main()
