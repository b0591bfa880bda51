"""Files that a version has written are read by all later ones, and predict the same."""

import warnings
from pathlib import Path

import numpy as np
import pytest

import skmtl
from skmtl._versions import VersionWarning
from skmtl.persistence import load

pytest.importorskip("safetensors")
FOLDER = Path(__file__).parent / "files"
VERSIONS = sorted(folder.name for folder in FOLDER.iterdir() if folder.is_dir())
FILES = sorted(path.relative_to(FOLDER).as_posix() for path in FOLDER.glob("*/*.safetensors"))


@pytest.mark.parametrize("name", FILES)
def test_a_file_predicts_what_it_did(name):
    path = FOLDER / name
    with warnings.catch_warnings():
        # Later versions say so, which is tested elsewhere.
        warnings.simplefilter("ignore", VersionWarning)
        model = load(path)
    with np.load(path.parent / "predictions.npz") as beside:
        X = beside["X"]
        first, second, third = (beside[f"{path.stem}_{k}"] for k in range(3))
    found = model.predict(X)
    np.testing.assert_allclose(found[:, 0].astype(float), first, rtol=1e-9, atol=1e-9)
    assert (found[:, 1].astype(float) == second).all()
    assert (found[:, 2].astype(str) == third).all()


def test_a_release_has_files():
    if "dev" not in skmtl.__version__:
        assert skmtl.__version__ in VERSIONS, "Run tests/persistence/write_files.py."
    assert all((FOLDER / version / "predictions.npz").exists() for version in VERSIONS)
    sizes = {v: sum(p.stat().st_size for p in (FOLDER / v).iterdir()) for v in VERSIONS}
    assert all(size < 100_000 for size in sizes.values()), sizes
