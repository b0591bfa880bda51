"""What is inside of others: estimators of this package or of scikit-learn, after transformers."""

from __future__ import annotations

import warnings
from functools import singledispatch
from typing import Any

import numpy as np
import torch
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.linear_model._base import LinearClassifierMixin, LinearModel
from sklearn.linear_model._glm.glm import _GeneralizedLinearRegressor
from sklearn.pipeline import Pipeline
from torch import Tensor, nn

from skmtl._base import MultiTaskEstimator
from skmtl.compose._per_level import PerLevel
from skmtl.export._foreign import ForeignLearner
from skmtl.export._module import Learner, Module
from skmtl.export._predictor import Predictor, buffer, constant, predictor_of
from skmtl.export._transformers import transformer_module
from skmtl.tasks._base import Array


@singledispatch
def learner_of(estimator: Any) -> Learner:
    """The graph of a fitted estimator of one task; of others than these, what skl2onnx makes."""
    return ForeignLearner(estimator)


class Ours(Learner):
    """An estimator of this package."""

    def __init__(self, estimator: Any) -> None:
        super().__init__()
        self.predictor = predictor_of(estimator)
        (task,) = self.predictor.tasks.tasks
        self.classes = task.classes_.tolist() if task.is_classification else None

    def expected(self, X: Tensor) -> Tensor:
        return self.predictor.expected(X, None)[0]

    def decisions(self, X: Tensor) -> Tensor:
        return self.predictor.decisions(X, None)[0]


class After(Learner):
    """A learner after transformers."""

    def __init__(self, steps: nn.Module, learner: Learner) -> None:
        super().__init__()
        self.steps, self.learner, self.classes = steps, learner, learner.classes

    def expected(self, X: Tensor) -> Tensor:
        return self.learner.expected(self.steps(X))

    def decisions(self, X: Tensor) -> Tensor:
        return self.learner.decisions(self.steps(X))


class LinearNumbers(Learner):
    """A linear model, with a function of what it says."""

    def __init__(self, estimator: Any, link: Any = None) -> None:
        super().__init__()
        self.register_buffer("coef", buffer(np.ravel(np.asarray(estimator.coef_, dtype=float))))
        self.intercept = float(np.ravel(estimator.intercept_)[0])
        self.link = link

    def expected(self, X: Tensor) -> Tensor:
        raw = X @ self.coef + self.intercept
        return raw if self.link is None else self.link(raw)


class LinearClasses(Learner):
    """A linear classifier: logistic, or one that is certain of what it decides."""

    def __init__(self, estimator: Any, *, is_logistic: bool) -> None:
        super().__init__()
        coef = np.atleast_2d(np.asarray(estimator.coef_, dtype=float))
        self.register_buffer("coef", buffer(coef))
        intercept = np.broadcast_to(np.ravel(estimator.intercept_).astype(float), (len(coef),))
        self.register_buffer("intercept", buffer(intercept))
        self.classes, self.is_logistic = estimator.classes_.tolist(), is_logistic

    def _scores(self, X: Tensor) -> Tensor:
        raw = X @ self.coef.transpose(0, 1) + self.intercept
        return torch.cat([torch.zeros_like(raw), raw], 1) if len(self.coef) == 1 else raw

    def expected(self, X: Tensor) -> Tensor:
        scores = self._scores(X)
        if self.is_logistic:
            return scores.softmax(-1)
        places = torch.arange(scores.shape[1], device=X.device)
        return (scores.argmax(-1, keepdim=True) == places).to(X.dtype)

    def decisions(self, X: Tensor) -> Tensor:
        return self._scores(X).argmax(-1)


class Constant(Learner):
    """The same for every row."""

    def __init__(self, value: Any, classes: Any, decision: int = 0) -> None:
        super().__init__()
        self.value, self.classes, self.decision = value, classes, decision

    def expected(self, X: Tensor) -> Tensor:
        return constant(X, self.value)

    def decisions(self, X: Tensor) -> Tensor:
        return X.new_full((X.shape[0],), self.decision, dtype=torch.long)


class Levels(Learner):
    """A learner for each level of a quantile."""

    def __init__(self, estimator: PerLevel) -> None:
        super().__init__()
        self.levels: Any = nn.ModuleList(learner_of(one) for one in estimator.estimators_)

    def expected(self, X: Tensor) -> Tensor:
        return torch.stack([one.expected(X) for one in self.levels], 1).sort(-1).values


@learner_of.register
def _(estimator: MultiTaskEstimator) -> Learner:
    return Ours(estimator)


@learner_of.register
def _(estimator: Pipeline) -> Learner:
    steps = transformer_module(estimator[:-1]) if len(estimator) > 1 else nn.Identity()
    return After(steps, learner_of(estimator[-1]))


@learner_of.register
def _(estimator: FrozenEstimator) -> Learner:
    return learner_of(estimator.estimator)


@learner_of.register
def _(estimator: PerLevel) -> Learner:
    return Levels(estimator)


@learner_of.register
def _(estimator: LinearModel) -> Learner:
    # Some have a predict of their own.
    X = np.random.default_rng(0).normal(size=(3, estimator.n_features_in_))
    plain = X @ np.ravel(estimator.coef_) + np.ravel(estimator.intercept_)[0]
    is_plain = np.allclose(np.ravel(_predict(estimator, X)), plain)
    return LinearNumbers(estimator) if is_plain else ForeignLearner(estimator)


@learner_of.register
def _(estimator: _GeneralizedLinearRegressor) -> Learner:
    link = type(estimator._base_loss.link).__name__
    known = {"LogLink": torch.exp, "IdentityLink": None}
    return LinearNumbers(estimator, known[link]) if link in known else ForeignLearner(estimator)


@learner_of.register
def _(estimator: LinearClassifierMixin) -> Learner:
    if hasattr(estimator, "predict_proba"):
        return ForeignLearner(estimator)
    return LinearClasses(estimator, is_logistic=False)


@learner_of.register
def _(estimator: LogisticRegression) -> Learner:
    # Of several classes liblinear learns one against the others.
    is_multinomial = len(estimator.classes_) == 2 or estimator.solver != "liblinear"
    is_multinomial &= getattr(estimator, "multi_class", None) != "ovr"
    return (
        LinearClasses(estimator, is_logistic=True) if is_multinomial else ForeignLearner(estimator)
    )


@learner_of.register
def _(estimator: DummyRegressor) -> Learner:
    return Constant(float(np.ravel(estimator.constant_)[0]), None)


@learner_of.register
def _(estimator: DummyClassifier) -> Learner:
    if estimator.strategy not in ("prior", "most_frequent"):
        raise ValueError(f"{estimator!r} draws at random, which no graph does.")
    zero = (
        np.zeros((1, estimator.n_features_in_)) if hasattr(estimator, "n_features_in_") else [[0]]
    )
    value = estimator.predict_proba(zero)[0]
    return Constant(value, estimator.classes_.tolist(), int(np.argmax(value)))


def _predict(estimator: Any, X: Array) -> Any:
    """Of an array, whatever the estimator was fitted to."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return estimator.predict(X)


def unwrapped(estimator: Any) -> Any:
    """What predicts, of fitted searches and what is frozen."""
    while True:
        if hasattr(estimator, "best_estimator_") and not isinstance(estimator, MultiTaskEstimator):
            estimator = estimator.best_estimator_
        elif isinstance(estimator, FrozenEstimator):
            estimator = estimator.estimator
        else:
            return estimator


class Nested(Module):
    """An estimator of this package inside of another, at the end of pipelines and searches."""

    def __init__(self, estimator: Any) -> None:
        super().__init__()
        steps: list[nn.Module] = []
        estimator = unwrapped(estimator)
        while isinstance(estimator, Pipeline):
            if len(estimator) > 1:
                steps.append(transformer_module(estimator[:-1]))
            estimator = unwrapped(estimator[-1])
        self.estimator = estimator
        self.steps = nn.Sequential(*steps)
        self.predictor: Predictor = predictor_of(estimator)
        if steps and self.predictor.tasks.is_long:
            raise ValueError(
                f"{type(estimator).__name__} in long form, inside of a Pipeline inside of another "
                "estimator, cannot be exported: put what is before it at the front."
            )
        if vars(estimator).get("_categories"):
            raise ValueError(
                f"{type(estimator).__name__} inside of another estimator reads columns of "
                "categories, which cannot be exported: encode them in a Pipeline around both."
            )

    def expected(self, X: Tensor, index: Tensor | None) -> list[Tensor]:
        """As of the estimator by itself."""
        return self.predictor.expected(self.steps(X), index)

    def decisions(self, X: Tensor, index: Tensor | None) -> list[Tensor]:
        """As of the estimator by itself."""
        return self.predictor.decisions(self.steps(X), index)


def places_of(inner: Any, outer: Any) -> Array:
    """Positions of labels, or names, of an inner estimator among those of the outer one."""
    at = {label: k for k, label in enumerate(np.asarray(outer).tolist())}
    return np.array([at.get(label, -1) for label in np.asarray(inner).tolist()], dtype=np.intp)
