"""Tables, to read in a terminal or to paste into Markdown; versions of what was compared."""

import os
import platform
from importlib.metadata import PackageNotFoundError, version

from benchmarks.linear.timing import Failed

DISTRIBUTIONS = (
    "skmtl", "scikit-learn", "numpy", "scipy", "numba", "celer", "skglm", "adelie", "spams-bin",
    "group-lasso", "cvxpy", "scs",
)  # fmt: skip


def versions():
    import skmtl

    found = {"Python": platform.python_version(), "skmtl": skmtl.__version__}
    for name in DISTRIBUTIONS[1:]:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "not installed"
    return ", ".join(f"{name} {number}" for name, number in found.items())


def threads():
    return f"OMP_NUM_THREADS={os.environ.get('OMP_NUM_THREADS', 'not set')}"


class Table:
    """Rows printed as they come, under a header printed with the first."""

    def __init__(self, title, columns, *, markdown):
        self.columns, self.markdown = columns, markdown
        self.widths = [max(20 if k == 0 else 14, len(name)) for k, name in enumerate(columns)]
        print(f"\n{'### ' if markdown else ''}{title}\n", flush=True)
        self.row(*columns)
        if markdown:
            self.row(*("---" for _ in columns))

    def row(self, *cells):
        """Print strings, one for each column."""
        if self.markdown:
            print(f"| {' | '.join(cells)} |", flush=True)
        else:
            pairs = zip(cells, self.widths, strict=True)
            print("  ".join(f"{cell:{width}}" for cell, width in pairs), flush=True)


def cells(results):
    """Seconds, and how many times those of the first, or why there are none."""
    first = next(iter(results.values()))
    return [cell(result, first) for result in results.values()]


def cell(result, first):
    own = result is first
    base = None if isinstance(first, Failed) or own else first
    if not isinstance(result, Failed):
        return f"{result:.3g}" + (f" ({result / base:.1f})" if base else "")
    if result.at_least is None:
        return result.why
    return f"> {result.at_least:g}" + (f" (> {result.at_least / base:.0f})" if base else "")
