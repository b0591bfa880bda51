"""Without the compiler the same code is Python, and finds the same."""

import os
import subprocess
import sys
import warnings

import numpy as np
import pytest

from tests.conftest import ROOT
from tests.uncompiled import CASES


@pytest.fixture(scope="session")
def found_by_python(tmp_path_factory):
    """What every case finds in a process that compiles nothing."""
    path = tmp_path_factory.mktemp("uncompiled") / "found.npz"
    subprocess.run(
        [sys.executable, "-m", "tests.uncompiled", path],
        env=os.environ | {"NUMBA_DISABLE_JIT": "1", "PYTHONPATH": str(ROOT)},
        cwd=ROOT,
        check=True,
    )
    return np.load(path)


@pytest.mark.parametrize("name", sorted(CASES))
def test_python_finds_the_same(name, found_by_python):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        compiled = CASES[name]()
    assert np.isfinite(compiled).all()
    # Compilers add up in another order, and some networks are of float32.
    tol = 1e-5
    np.testing.assert_allclose(
        found_by_python[name], compiled, rtol=tol, atol=tol * np.abs(compiled).max()
    )
