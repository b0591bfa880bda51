"""Tables, to read in a terminal or to paste into Markdown; versions of what was compared."""

import os
import platform
from importlib.metadata import PackageNotFoundError, version

from benchmarks.common.timing import Failed


def versions(distributions):
    """One line: of Python, of skmtl, and of these distributions."""
    import skmtl

    found = {"Python": platform.python_version(), "skmtl": skmtl.__version__}
    for name in distributions:
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
    """Numbers, and how many times the first, or why there are none."""
    first = next(iter(results.values()))
    return [cell(result, None if result is first else first) for result in results.values()]


def cell(result, base=None):
    """A number and, in brackets, how many times the base."""
    base = None if isinstance(base, Failed) else base
    if not isinstance(result, Failed):
        digits = ",.0f" if result >= 100 else ".3g"
        return f"{result:{digits}}" + (f" ({result / base:.1f})" if base else "")
    if result.at_least is None:
        return result.why
    return f"> {result.at_least:g}" + (f" (> {result.at_least / base:.0f})" if base else "")
