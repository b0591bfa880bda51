"""Whether a task type keeps what estimators, metrics and reports rely on."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

import numpy as np
from numpy.testing import assert_allclose, assert_array_equal
from numpy.typing import NDArray
from sklearn.base import clone

from skmtl.tasks import Task
from skmtl.tasks._columns import Column, read_column

Array = NDArray[Any]

N_LABELS, NAME = 40, "y"


def check_task(task: Task, labels: Any = None, *, random_state: int = 0) -> None:
    r"""Check that a task type is what `skmtl.tasks.Task` says: that its parts fit together.

    Loss, gradient, curvature and conjugate are those of one convex function, in numpy and in
    torch; constants, links and scores belong to it; what is unobserved has no influence.

    Parameters
    ----------
    task : Task
        Task type with the parameters to check; a clone of it is fitted.
    labels : array-like of shape (n_labels,), default=None
        Labels of such a task, as a user writes them, at least ten of several values. By default
        three classes, two if there can be no more, or positive numbers.
    random_state : int, default=0
        Draws raw scores and labels.

    Raises
    ------
    AssertionError
        If a property does not hold; the message names the type and the property.

    See Also
    --------
    skmtl.tasks.NumberTask : Base of the types whose labels are numbers.

    Examples
    --------
    >>> from skmtl.tasks import Count, Regression
    >>> from skmtl.testing import check_task
    >>> check_task(Count())
    >>> check_task(Regression(loss="huber"), [0.5, -2.0, 3.0, 1.0, 0.0] * 2)
    """
    rng = np.random.default_rng(random_state)
    with _says(task, "its parameters are those of its constructor: it can be cloned"):
        assert repr(clone(task)) == repr(task)
    column = _example(task, labels, rng)
    case = _Case(clone(task), column, rng)
    for check in CHECKS:
        with _says(task, str(check.__doc__)):
            check(case)


class _Case:
    """A task type fitted to labels, and raw scores beside them."""

    def __init__(self, task: Task, column: Column, rng: np.random.Generator) -> None:
        n_labels = len(column.labels)
        with _says(task, "it can be fitted to its labels, and encodes them as float64"):
            self.task = task.fit(column, np.ones(n_labels), NAME)
            self.values = task.encode(column, NAME)
            assert self.values.dtype == np.float64
            assert task.n_labels_ == n_labels
            assert task.n_outputs_ > 0
        self.column, self.rng, self.n_labels = column, rng, n_labels
        self.raw = rng.normal(scale=1.5, size=(n_labels, task.n_outputs_))
        self.weight = rng.uniform(0.5, 2.0, size=n_labels)
        self.expected = task.inverse_link(self.raw)

    def constant(self, raw: Array) -> Array:
        """The same raw scores for every label."""
        return np.broadcast_to(raw, self.raw.shape)


def _gradient(case: _Case) -> None:
    """`loss_and_grad` gives the loss and its gradient."""
    task, h = case.task, 1e-6
    loss, gradient = task.loss_and_grad(case.raw, case.values)
    assert loss.shape == case.values.shape
    assert gradient.shape == case.raw.shape
    for k in range(task.n_outputs_):
        step = h * np.eye(task.n_outputs_)[k]
        above, _ = task.loss_and_grad(case.raw + step, case.values)
        below, _ = task.loss_and_grad(case.raw - step, case.values)
        assert_allclose((above - below) / (2 * h), gradient[:, k], atol=1e-7, rtol=1e-6)


def _curvature(case: _Case) -> None:
    """`curvature` is the slope of the gradient, and never negative: the loss is convex."""
    task, h, direction = case.task, 1e-6, case.rng.normal(size=case.raw.shape)
    _, above = task.loss_and_grad(case.raw + h * direction, case.values)
    _, below = task.loss_and_grad(case.raw - h * direction, case.values)
    curvature = task.curvature(case.raw, case.values, direction)
    assert_allclose((above - below) / (2 * h), curvature, atol=1e-7, rtol=1e-6)
    assert ((direction * curvature).sum(axis=-1) >= -1e-12).all()


def _conjugate(case: _Case) -> None:
    """`conjugate` is that of the loss: Fenchel-Young, with equality at the gradient."""
    task, values = case.task, case.values
    loss, gradient = task.loss_and_grad(case.raw, values)
    inner = (case.raw * gradient).sum(axis=-1)
    assert_allclose(loss + task.conjugate(gradient, values), inner, atol=1e-10)
    _, inside = task.loss_and_grad(case.rng.normal(size=case.raw.shape), values)
    anywhere = case.rng.normal(size=case.raw.shape)
    for dual in (inside, 0.5 * inside, anywhere, np.zeros_like(anywhere)):
        gap = loss + task.conjugate(dual, values) - (case.raw * dual).sum(axis=-1)
        assert (gap >= -1e-10).all()
    assert np.isfinite(task.conjugate(inside, values)).all()


def _any_shape(case: _Case) -> None:
    """losses are elementwise: raw has shape (..., n_outputs), values (...)."""
    task, shape = case.task, (2, case.n_labels // 2)
    n = 2 * shape[1]
    raw, values = case.raw[:n], case.values[:n]
    folded = raw.reshape(*shape, -1), values.reshape(shape)
    for found, flat in zip(
        task.loss_and_grad(*folded), task.loss_and_grad(raw, values), strict=True
    ):
        assert_array_equal(found, flat.reshape(found.shape))
    slope = task.loss_and_grad(raw, values)[1]
    for method, last in ((task.curvature, slope), (task.conjugate, None)):
        if last is None:
            found, flat = method(slope.reshape(folded[0].shape), folded[1]), method(slope, values)
        else:
            found = method(*folded, last.reshape(folded[0].shape))
            flat = method(raw, values, last)
        assert_array_equal(found, flat.reshape(found.shape))


def _torch_twin(case: _Case) -> None:
    """`torch_loss` and `torch_loss_and_grad` are the same functions in torch."""
    import torch

    loss, gradient = case.task.loss_and_grad(case.raw, case.values)
    for dtype, rtol in ((torch.float64, 1e-12), (torch.float32, 1e-5)):
        raw = torch.tensor(case.raw, dtype=dtype, requires_grad=True)
        values = torch.tensor(case.values, dtype=dtype)
        twin = case.task.torch_loss(raw, values)
        assert twin.dtype == dtype
        twin.sum().backward()
        written, slope = case.task.torch_loss_and_grad(raw.detach(), values)
        for found, expected in (
            (twin.detach(), loss),
            (raw.grad, gradient),
            (written, loss),
            (slope, gradient),
        ):
            assert_allclose(found.numpy(), expected, rtol=rtol, atol=rtol)


def _torch_average(case: _Case) -> None:
    """`inverse_link` of `torch_average` is the mean of the `inverse_link` of members."""
    import torch

    members = np.stack([case.raw, case.rng.normal(size=case.raw.shape)])
    average = case.task.torch_average(torch.tensor(members)).numpy()
    mean = np.mean([case.task.inverse_link(raw) for raw in members], axis=0)
    assert_allclose(case.task.inverse_link(average), mean, rtol=1e-9)


def _predictions(case: _Case) -> None:
    """expected values are (n,), probabilities (n, n_classes); `decode` makes labels of them."""
    task, rows = case.task, (case.n_labels,)
    shape = (*rows, len(task.classes_)) if task.is_classification else rows  # type: ignore[attr-defined]
    assert case.expected.dtype == np.float64
    for found in (
        case.expected,
        task.expected_without_labels(case.n_labels),
        task.certain(case.values),
    ):
        assert found.shape == shape
    if task.is_classification:
        assert_allclose(case.expected.sum(axis=1), 1.0)
    assert task.decode(case.expected).shape == rows
    assert_array_equal(task.decode(task.certain(case.values)), task.labels(case.values))


def _labels_back(case: _Case) -> None:
    """`labels` gives back what `encode` has read."""
    found = case.task.labels(case.values)
    if case.task.is_classification:
        assert_array_equal(found, case.column.labels)
    else:
        assert_allclose(found, case.column.labels.astype(np.float64), rtol=1e-12)


def _constants(case: _Case) -> None:
    """`prior` has the least deviance of all constants, and is the `inverse_link` of `raw_prior`."""
    task, n = case.task, case.n_labels
    prior = np.asarray(task.prior(case.values, case.weight))
    raw = task.raw_prior(case.values, case.weight)
    assert raw.shape == (task.n_outputs_,)
    assert_allclose(task.inverse_link(raw[None])[0], prior, rtol=1e-9)
    best = case.weight @ task.deviance(np.broadcast_to(prior, (n, *prior.shape)), case.values)
    for _ in range(10):
        noise = case.rng.normal(scale=0.1, size=raw.shape)
        other = task.inverse_link(case.constant(raw + noise))
        assert case.weight @ task.deviance(other, case.values) >= best - 1e-9 * abs(best)
    assert task.only_expected(case.values[:0]) is not None
    assert task.only_expected(case.values) is None


def _loss_of_constant(case: _Case) -> None:
    """`raw_prior` has the least loss of all constants."""
    task = case.task
    raw = task.raw_prior(case.values, case.weight)
    _, gradient = task.loss_and_grad(case.constant(raw), case.values)
    scale = case.weight @ np.abs(gradient) + 1e-9
    assert (np.abs(case.weight @ gradient) <= 1e-8 * scale).all()


def _score(case: _Case) -> None:
    """the score is 0 for the best constant, 1 for the labels, less for all else."""
    task, weight = case.task, case.weight
    prior = np.asarray(task.prior(case.values, weight))
    constant = np.broadcast_to(prior, case.expected.shape)
    assert_allclose(task.score(constant, case.values, weight), 0.0, atol=1e-9)
    assert_allclose(task.score(task.certain(case.values), case.values, weight), 1.0, atol=1e-9)
    assert task.score(case.expected, case.values, weight) < 1.0
    metric = task.reference_metric(case.values, case.expected)
    if metric is not None:
        found = metric(task.labels(case.values), case.expected, sample_weight=weight)
        assert_allclose(task.score(case.expected, case.values, weight), found, rtol=1e-9)


def _residuals(case: _Case) -> None:
    """residuals are (n, n_columns), and zero where the label was predicted."""
    found = case.task.residual(case.expected, case.values)
    assert found.ndim == 2
    assert len(found) == case.n_labels
    assert np.isfinite(found).all()
    none = case.task.residual(case.task.certain(case.values), case.values)
    assert_allclose(none, 0.0, atol=1e-6 * max(1.0, float(np.abs(found).max())))


def _unobserved(case: _Case) -> None:
    """an unobserved label is encoded as 0 and has no influence, whatever stands there."""
    known = case.task
    half = np.arange(case.n_labels) % 2 == 0
    weight = case.weight * half
    column = Column(case.column.labels.copy(), case.column.observed & half)
    for standardize in (False, True):
        some = clone(known).fit(column, weight, NAME, standardize=standardize)
        alone = clone(known).fit(
            column.take(np.flatnonzero(half)), weight[half], NAME, standardize=standardize
        )
        assert some.n_labels_ == alone.n_labels_ == int(half.sum())
        values = some.encode(column, NAME)
        assert not values[~half].any()
        assert_array_equal(values[half], alone.encode(column.take(np.flatnonzero(half)), NAME))
    nothing = np.zeros(case.n_labels)
    for found in known.loss_and_grad(case.raw, nothing):
        assert np.isfinite(found).all(), "The loss of value 0 is multiplied by weight 0."
    score = known.score(case.expected, case.values, weight)
    expected = np.where(half.reshape(-1, *[1] * (case.expected.ndim - 1)), case.expected, np.nan)
    assert known.score(expected, case.values, weight) == score


def _scale(case: _Case) -> None:
    """labels are standardised where `can_rescale`, and left alone elsewhere."""
    task = clone(case.task).fit(case.column, np.ones(case.n_labels), NAME, standardize=True)
    values = task.encode(case.column, NAME)
    if task.can_rescale:
        assert_allclose([values.mean(), values.std()], [0.0, 1.0], atol=1e-9)
        assert_allclose(task.labels(values), case.column.labels.astype(np.float64), rtol=1e-9)
    else:
        assert_array_equal(values, case.values)


def _keys(case: _Case) -> None:
    """`loss_key` and `pool_key` can be compared, and are equal for equal types."""
    again = clone(case.task).fit(case.column, np.ones(case.n_labels), NAME)
    assert hash(case.task.loss_key) == hash(again.loss_key)
    assert case.task.loss_key == again.loss_key
    assert case.task.pool_key == again.pool_key
    assert hash(case.task.pool_key) == hash(again.pool_key)


def _pickles(case: _Case) -> None:
    """it can be pickled."""
    again = pickle.loads(pickle.dumps(case.task))
    assert_array_equal(again.inverse_link(case.raw), case.expected)


def _default_estimator(case: _Case) -> None:
    """`default_estimator` learns its labels."""
    fitted = case.task.default_estimator().fit(case.raw, case.task.labels(case.values))
    assert np.asarray(fitted.predict(case.raw)).shape == (case.n_labels,)


@dataclass(frozen=True)
class _If:
    """A check of some types only."""

    applies: Callable[[_Case], bool]
    check: Callable[[_Case], None]

    @property
    def __doc__(self) -> str:  # type: ignore[override]
        return str(self.check.__doc__)

    def __call__(self, case: _Case) -> None:
        if self.applies(case):
            self.check(case)


def _has_torch(case: _Case) -> bool:
    return find_spec("torch") is not None


CHECKS: tuple[Callable[[_Case], None], ...] = (
    _gradient,
    _curvature,
    _conjugate,
    _any_shape,
    _If(_has_torch, _torch_twin),
    _If(_has_torch, _torch_average),
    _predictions,
    _labels_back,
    _constants,
    # Where labels far away hardly count, the mean has not the least loss.
    _If(lambda case: not case.task.has_linear_tails, _loss_of_constant),
    _score,
    _residuals,
    _unobserved,
    _scale,
    _keys,
    _pickles,
    _default_estimator,
)


def _example(task: Task, labels: Any, rng: np.random.Generator) -> Column:
    """Labels given, or such as any type takes."""
    if labels is not None:
        column = read_column(np.asarray(labels), NAME)
        if len(column.labels) < 10 or not column.observed.all():
            raise ValueError(f"check_task needs 10 labels or more, all observed, got {labels!r}.")
        return column
    if not task.is_classification:
        return read_column(rng.gamma(2.0, 2.0, N_LABELS), NAME)
    for classes in (["a", "b", "c"], ["a", "b"]):
        # Each class often, in an order that says nothing.
        codes = rng.permutation(np.arange(N_LABELS) % len(classes))
        column = read_column(np.array(classes, dtype=object)[codes], NAME)
        try:
            clone(task).fit(column, np.ones(N_LABELS), NAME)
        except ValueError:
            continue
        break
    return column


@contextmanager
def _says(task: Task, what: str) -> Iterator[None]:
    """Errors within name the type, and the property that does not hold."""
    try:
        yield
    except Exception as error:
        raise AssertionError(f"{task!r} does not keep this: {what}. {error}") from error
