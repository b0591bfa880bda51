"""Changes that tests/mutation makes: which there are, and that what is live takes them."""

import importlib.util
import sys

import pytest

from tests.mutation.changes import mutants
from tests.mutation.live import functions_by_file, put

SOURCE = '''
"""A module."""
from functools import wraps

LIMIT = 3


def twice(function):
    @wraps(function)
    def both(*arguments):
        return 2 * function(*arguments)

    return both


@twice
def above(x, least=1):
    """Whether x is large."""
    return int(x > least and x < LIMIT)


class Base:
    scale = 2

    def value(self, x):
        return x * self.scale


class Shifted(Base):
    def value(self, x, *, shift=1):
        scaled = super().value(x)
        return scaled + shift

    def inside(self, xs):
        return [x for x in xs if x <= 2]


class Other(Base):
    def value(self, x):
        return super().value(x)
'''


@pytest.fixture
def module(tmp_path):
    path = tmp_path / "some_module_to_change.py"
    path.write_text(SOURCE)
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = sys.modules[path.stem] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    yield module
    del sys.modules[path.stem]


def change(module, root, after):
    """Put the last change after which a line reads so."""
    made = [m for m in mutants(f"{module.__name__}.py", root) if m.after == after]
    return put(made[-1], root, functions_by_file(root))


VALUE = "Shifted().value(5)"
CHANGES = [
    ("LIMIT = 4", "above(3)", 0, 2),
    ("return 2 / function(*arguments)", "above(2)", 2, 2.0),
    ("return int(x > least or x < LIMIT)", "above(9)", 0, 2),
    ("return int(x >= least and x < LIMIT)", "above(1)", 0, 2),
    ("@twice\ndef above(x, least=0):", "above(1)", 0, 2),
    ("scale = 1", VALUE, 11, 6),
    ("def value(self, x, *, shift=0):", VALUE, 11, 10),
    ("return scaled - shift", VALUE, 11, 9),
    ("return [x for x in xs if x < 2]", "Shifted().inside([1, 2])", [1, 2], [1]),
]


@pytest.mark.parametrize(("after", "call", "before", "then"), CHANGES)
def test_what_is_live_is_changed(module, tmp_path, after, call, before, then):
    assert eval(call, vars(module)) == before
    assert change(module, tmp_path, after)
    assert eval(call, vars(module)) == then
    assert (tmp_path / f"{module.__name__}.py").read_text() == SOURCE


def test_a_method_that_calls_its_parent_no_more(module, tmp_path):
    assert change(module, tmp_path, "return None")
    assert module.Other().value(5) is None


KINDS = """
def f(a, b: int = 1):
    if not a:
        raise ValueError(f"no {a} {b:.3f}")
    a.x = b
    a.tell()
    while a.x:
        a.x -= True
        break
    for c in zip(a, b, strict=True):
        continue
    return -a.x if a in b else None
"""
MADE = """
def f(a, b: int=2):
def f(a, b: int=0):
if a:
pass
raise ValueError(f'{a} {b:.3f}')
raise ValueError(f'no {a}{b:.3f}')
pass
pass
while not a.x:
a.x += True
pass
a.x -= False
continue
break
return None
return -a.x if a not in b else None
return a.x if a in b else None
"""


def test_every_kind_of_change(tmp_path):
    (tmp_path / "kinds.py").write_text(KINDS)
    made = list(mutants("kinds.py", tmp_path))
    assert [mutant.after for mutant in made] == MADE.strip().splitlines()
    assert len({mutant.key for mutant in made}) == len(made)


def test_keys_stay_where_other_lines_come_and_go(tmp_path):
    keys = []
    for above in ("", "import os\n\nLIMIT = 1 + 2\n\n"):
        (tmp_path / "kinds.py").write_text(above + KINDS)
        keys.append({mutant.key for mutant in mutants("kinds.py", tmp_path)})
    assert keys[0] < keys[1]
