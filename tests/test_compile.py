"""Compiled code: fresh after every edit, with or without a place to keep it, with numba or not."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import skmtl

PACKAGE = Path(skmtl.__file__).parent
INNER = """
from mini._compile import compiler
compiled = compiler()
@compiled
def inner(x):
    return x + {added}
"""
OUTER = """
from mini._inner import compiled, inner
@compiled
def outer(x):
    return 10 * inner(x)
"""
CALL = """
import logging
logging.basicConfig(level=logging.INFO)
from mini._outer import outer
print(outer(1.0), sum(outer.stats.cache_hits.values()))
"""


def run(code, path, **environment):
    inherited = {key: value for key, value in os.environ.items() if not key.startswith("NUMBA_")}
    return subprocess.run(
        [sys.executable, "-c", code],
        env=inherited | {"PYTHONPATH": str(path)} | environment,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def package(tmp_path):
    """A package of two files; a function of one is inlined into that of the other."""
    folder = tmp_path / "mini"
    folder.mkdir()
    shutil.copy(PACKAGE / "_compile.py", folder)
    (folder / "__init__.py").touch()
    (folder / "_outer.py").write_text(OUTER)
    (folder / "_inner.py").write_text(INNER.format(added=1))
    return folder


@pytest.mark.parametrize("was_enabled", [True, False])
@pytest.mark.parametrize("argument", ["1.0", "'no number'"])
def test_compiling_leaves_collector_and_compiler_as_they_were(package, was_enabled, argument):
    code = f"""
import gc, threading
from numba import config
from mini._inner import inner
from mini._outer import outer
{"" if was_enabled else "gc.disable()"}
level = config.OPT
other = threading.Thread(target=inner, args=(1,))
other.start()
try:
    outer({argument})
except Exception as error:
    print(type(error).__name__, end=" ")
other.join()
print(gc.isenabled(), config.OPT is level)
"""
    *failed, enabled, same = run(code, package.parent, NUMBA_CACHE_DIR="").stdout.split()
    assert failed == ([] if argument == "1.0" else ["TypingError"])
    assert (enabled, same) == (str(was_enabled), "True")


BY_ADDRESS = """
from mini._compile import address_of, called_by_address, compiler
compiled = compiler()
of_halve = "float64(float64[::1], int64)"
call = called_by_address(of_halve)
@compiled
def halve(x, k):
    if k < 0:
        raise ValueError("k is negative")
    x[k] /= 2
    return x[k]
@compiled
def halve_twice(at, x, k):
    return call(at, (x, k)) + call(at, (x, k))
"""


@pytest.mark.parametrize("uncompiled", ["", "1"])
def test_a_function_called_by_its_address_does_what_it_does_when_called(package, uncompiled):
    (package / "_by_address.py").write_text(BY_ADDRESS)
    code = """
import numpy as np
from mini._by_address import address_of, halve, halve_twice, of_halve
x = np.array([4.0, 8.0])
print(halve_twice(address_of(halve, of_halve), x, 1), *x)
x.flags.writeable = False
for *arguments, error in ((x, -1, ValueError), (np.zeros(4)[::2], 1, Exception)):
    try:
        print(halve_twice(address_of(halve, of_halve), *arguments))
    except error as raised:
        print("negative" in str(raised), "not (Array" in str(raised))
"""
    # Twice: compiled, and loaded.
    for _ in range(2):
        found = run(code, package.parent, NUMBA_DISABLE_JIT=uncompiled)
        # Only what is compiled minds how an array lies in memory.
        strided = ["0.0"] if uncompiled else ["False", "True"]
        assert found.stdout.split() == ["6.0", "4.0", "2.0", "True", "False", *strided], (
            found.stderr
        )


CHOSEN = """
from mini._compile import compiler, larger, smaller
@compiler()
def both(x, y):
    return smaller(x, y), larger(x, y)
"""


@pytest.mark.parametrize("uncompiled", ["", "1"])
def test_the_smaller_and_the_larger_are_those_of_python(package, uncompiled):
    (package / "_chosen.py").write_text(CHOSEN)
    code = """
from itertools import product
import numpy as np
from mini._chosen import both
numbers = [-1.5, 0.0, 2.0, np.inf, np.nan]
for pair in [*product(numbers, repeat=2), (3, 4), (4, -3), (2, 1.5)]:
    np.testing.assert_array_equal(both(*pair), (min(*pair), max(*pair)), str(pair))
print("as in Python")
"""
    found = run(code, package.parent, NUMBA_DISABLE_JIT=uncompiled)
    assert found.stdout == "as in Python\n", found.stderr


def test_an_edit_of_an_inlined_function_is_seen(package):
    environment = {"NUMBA_CACHE_DIR": str(package.parent / "cache")}
    assert run(CALL, package.parent, **environment).stdout.split() == ["20.0", "0"]
    assert run(CALL, package.parent, **environment).stdout.split() == ["20.0", "1"]
    (package / "_inner.py").write_text(INNER.format(added=2))
    assert run(CALL, package.parent, **environment).stdout.split() == ["30.0", "0"]
    assert run(CALL, package.parent, **environment).stdout.split() == ["30.0", "1"]
    assert list((package.parent / "cache").rglob("*.nbc"))


FIT = """
import numpy as np
from skmtl import MultiTaskLinearClassifier
rng = np.random.default_rng(0)
X = rng.normal(size=(300, 20))
F = X @ rng.normal(size=(20, 3))
Y = (F + rng.logistic(size=F.shape) > 0) * 1
print(MultiTaskLinearClassifier("l21", alpha=0.01).fit(X, Y).coef_.tobytes().hex())
"""


def test_what_was_compiled_and_what_is_loaded_are_equal_to_the_last_digit(tmp_path):
    first, then = (
        run(FIT, PACKAGE.parent, NUMBA_CACHE_DIR=str(tmp_path / "cache")) for _ in range(2)
    )
    assert len(first.stdout) > 900 and first.stdout == then.stdout


def test_without_a_place_it_is_compiled_all_the_same(package):
    # What cannot be a folder cannot be written, whoever runs the tests.
    (package / "__pycache__").touch()
    nowhere = dict.fromkeys(("HOME", "XDG_CACHE_HOME", "NUMBA_CACHE_DIR"), "/dev/null/nowhere")
    found = run(CALL, package.parent, **nowhere)
    assert found.stdout.split() == ["20.0", "0"], found.stderr
    assert found.stderr.count("Compiled code is not kept for the next process") == 1


def test_a_place_that_goes_away_is_not_missed(package):
    code = f"""
import shutil
from mini._outer import outer
shutil.rmtree({str(package.parent / "cache")!r})
open({str(package.parent / "cache")!r}, "w").close()
print(outer(1.0))
"""
    found = run(code, package.parent, NUMBA_CACHE_DIR=str(package.parent / "cache"))
    assert found.stdout.split() == ["20.0"], found.stderr


def test_uncompiled_where_numba_is_told_so(package):
    code = "from mini._outer import outer; print(outer(1.0))"
    assert run(code, package.parent, NUMBA_DISABLE_JIT="1").stdout.split() == ["20.0"]


WITHOUT_NUMBA = """
import sys
sys.modules["numba"] = None
import numpy as np
from skmtl import MultiTaskLinearClassifier, MultiTaskLinearRegressor
from skmtl.linear import MultiTaskLasso
X = np.arange(12.0).reshape(6, 2) ** 2
MultiTaskLinearRegressor("l2").fit(X, X)
MultiTaskLinearRegressor("trace_norm").fit(X, X)
MultiTaskLinearClassifier("l2").fit(X, X[:, 0] > 9)
try:
    MultiTaskLasso().fit(X, X)
except ImportError as error:
    print(error)
"""


def test_without_numba_what_needs_it_says_what_to_install():
    found = run(WITHOUT_NUMBA, PACKAGE.parent)
    assert "skmtl need numba" in found.stdout, found.stderr
    assert "pip install numba" in found.stdout


def test_every_compiled_function_is_made_by_the_one_decorator():
    for path in PACKAGE.rglob("*.py"):
        if path.name != "_compile.py":
            assert "numba import" not in path.read_text(), path
