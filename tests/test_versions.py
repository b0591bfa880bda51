"""An estimator that another version saved says so."""

import copy
import pickle
import re
import warnings

import joblib
import numpy as np
import pytest
import sklearn
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import skmtl
from skmtl._versions import VersionWarning

from .registry import EVERY, kind_of

every_estimator = pytest.mark.parametrize("name", sorted(EVERY))
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def fitted(name):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(40, 3))
    Y = X[:, :2] + 0.1 * rng.normal(size=(40, 2))
    return EVERY[name]().fit(X, Y > 0 if kind_of(name) == "classification" else Y), X


@every_estimator
def test_another_version_is_told_with_both_numbers(name, monkeypatch):
    model, X = fitted(name)
    saved, version = pickle.dumps(model), re.escape(skmtl.__version__)
    monkeypatch.setattr(skmtl, "__version__", "9.8.7")
    message = rf"{type(model).__name__} was saved by skmtl {version}, and is read by 9\.8\.7"
    with pytest.warns(VersionWarning, match=message) as caught:
        again = pickle.loads(saved)
    assert caught[0].filename == __file__
    assert (again.predict(X) == model.predict(X)).all()
    # Saved once more, it is of the version that saved it last.
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        pickle.loads(pickle.dumps(again))


@every_estimator
def test_the_same_version_is_silent_and_leaves_no_trace(name, tmp_path):
    model, _ = fitted(name)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        joblib.dump(model, tmp_path / "model.joblib")
        for again in (joblib.load(tmp_path / "model.joblib"), copy.deepcopy(model)):
            assert vars(again).keys() == vars(model).keys()


def test_scikit_learn_counts_too_and_steps_of_a_pipeline(monkeypatch):
    model, _ = fitted("linear")
    saved = pickle.dumps(make_pipeline(StandardScaler(), model))
    monkeypatch.setattr(sklearn, "__version__", "9.8.7")
    with pytest.warns(VersionWarning, match=r"saved by scikit-learn \S+, and is read by 9\.8\.7"):
        pickle.loads(saved)
