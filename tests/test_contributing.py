"""The files in CONTRIBUTING.md are complete: they work outside the package."""

import doctest
import importlib
import inspect
import re
import sys

import pytest

from tests.conftest import ROOT

PAGE = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
SECTION = re.compile(r"^## Add an? (.*?)\n(.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL)
FILE = re.compile(r"^```python\n# (\w+)\.py\n(.*?)^```", re.MULTILINE | re.DOTALL)
FILES = {kind: dict(FILE.findall(text)) for kind, text in SECTION.findall(PAGE)}
TESTS = [
    (kind, name) for kind, files in FILES.items() for name in files if name.startswith("test_")
]


@pytest.fixture
def modules(tmp_path, monkeypatch):
    """Writes files of Python, so that they can be imported (and pickled) as in a project."""
    monkeypatch.syspath_prepend(tmp_path)
    before = set(sys.modules)

    def write(files):
        for name, text in files.items():
            (tmp_path / f"{name}.py").write_text(text, encoding="utf-8")
        importlib.invalidate_caches()

    yield write
    for name in set(sys.modules) - before:
        if getattr(sys.modules[name], "__file__", None) and str(tmp_path) in str(
            sys.modules[name].__file__
        ):
            del sys.modules[name]


def test_every_kind_of_part_is_here():
    kinds = "penalty, solver, architecture, embedding, balancing method, task type, metric, display"
    assert sorted(FILES) == sorted(kinds.split(", "))
    for kind, files in FILES.items():
        of_tests = {name.removeprefix("test_") for name in files if name.startswith("test_")}
        assert of_tests == {name for name in files if not name.startswith("test_")}, kind


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize(("kind", "name"), TESTS)
def test_files_of_a_part(kind, name, modules):
    modules(FILES[kind])
    module = importlib.import_module(name)
    examples = importlib.import_module(name.removeprefix("test_"))
    assert doctest.testmod(examples, optionflags=doctest.ELLIPSIS).failed == 0
    tests = [test for word, test in vars(module).items() if word.startswith("test_")]
    assert tests
    for test in tests:
        assert not inspect.signature(test).parameters
        test()


@pytest.mark.parametrize("path", sorted(set(re.findall(r"`(\w[\w/.]*/[\w/.]*)`", PAGE))))
def test_paths_exist(path):
    assert (ROOT / path).exists() or "/a/b/" in path
