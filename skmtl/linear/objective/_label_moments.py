r"""What the labels say about how strong signals are, against noise: moments around a constant.

Around the best constant predictions a loss is a squared one of working labels, minus its slope
:math:`z = -\ell'`, times its curvature v. For squared loss z are the labels themselves, less their
mean. All that is learned here is in these units: a ridge of strength a on their regression is one
of strength v a on the raw scores.

References
----------
McCullagh and Nelder, "Generalized linear models", 2nd ed., Chapman and Hall 1989, section 2.5
(working labels).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from skmtl.linear.objective._design import make_design
from skmtl.linear.objective._losses import DataLoss
from skmtl.linear.objective._options import FitOptions
from skmtl.linear.objective._setup import priors
from skmtl.linear.objective._statistics import Statistics, products
from skmtl.tasks._targets import Targets

Array = NDArray[Any]


@dataclass(frozen=True)
class LabelMoments:
    """Working labels with the features: moments of every output.

    Attributes
    ----------
    gram : ndarray of shape (n_groups, n_features, n_features)
        Centred Gram matrices: of each task in long form, else one for all.
    group : ndarray of shape (n_outputs,)
        Which belongs to an output.
    cross : ndarray of shape (n_features, n_outputs)
        Centred products of features and labels.
    squares, x_mean, y_mean : ndarray of shape (n_outputs,), (n_outputs, n_features), (n_outputs,)
        Centred squares of the labels, and means.
    omega, n_labels, curvature : ndarray of shape (n_outputs,)
        Weights, numbers of labels, and curvatures of the loss.
    mean_squares : ndarray of shape (n_classes,) or None
        Squares of the means over the tasks of a row's labels, of each class; None in long form.
    n_tasks : int
        Number of tasks.
    fit_intercept : bool
        Whether there are intercepts, that squares and products are centred for.
    """

    gram: Array
    group: Array
    cross: Array
    squares: Array
    x_mean: Array
    y_mean: Array
    omega: Array
    n_labels: Array
    curvature: Array
    mean_squares: Array | None
    n_tasks: int
    fit_intercept: bool

    @classmethod
    def of(cls, X: Any, targets: Targets, label_weights: Array, options: FitOptions) -> Self:
        """Those of the data of a fit."""
        loss = DataLoss(make_design(X, targets), targets, label_weights)
        b = priors(targets, label_weights) * options.fit_intercept
        point = loss.at(np.zeros((X.shape[1], len(b))), b)
        sizes = [task.n_outputs_ for task in targets.tasks.tasks]
        c, counts = (
            np.repeat(weights.reshape(len(weights), -1), sizes, axis=1)
            # A weight of 2 is two labels; parts of one are a label, too.
            for weights in (
                label_weights,
                np.where(targets.weights, np.maximum(targets.weights, 1), 0),
            )
        )
        z = np.divide(-point.slope, c, out=np.zeros_like(c), where=c > 0)
        bent = point.curvature.diagonal.sum(axis=0) / c.sum(axis=0)
        if targets.task_index is None:
            return cls._wide(X, z, c, counts, bent, options, targets.tasks.n_tasks)
        return cls._long(X, targets, z, c, counts, bent, options)

    @classmethod
    def _wide(
        cls,
        X: Any,
        z: Array,
        c: Array,
        counts: Array,
        bent: Array,
        options: FitOptions,
        n_tasks: int,
    ) -> Self:
        """With the mean of the weights of all outputs for their features."""
        omega = c.sum(axis=0)
        w = (c / omega).mean(axis=1)
        x_mean = w @ X if options.fit_intercept else np.zeros(X.shape[1])
        gram, _ = products(X, z[:, :1], w, x_mean)
        U = c * z / omega
        cross = np.asarray(X.T @ U) - np.outer(x_mean, U.sum(axis=0))
        zeros = np.zeros(len(omega), dtype=np.intp)
        mean_squares = np.zeros(0)
        if len(omega) % n_tasks == 0:
            of_rows = U.reshape(len(U), n_tasks, -1).sum(axis=1)
            weights = (c / omega).reshape(len(U), n_tasks, -1).sum(axis=1)
            squares = np.divide(of_rows**2, weights, out=0.0 * weights, where=weights > 0)
            mean_squares = squares.sum(axis=0) / n_tasks
        return cls(
            gram=gram[None],
            group=zeros,
            cross=cross,
            squares=(c * z**2).sum(axis=0) / omega,
            x_mean=np.repeat(x_mean[None], len(omega), axis=0),
            y_mean=zeros.astype(float),
            omega=omega,
            n_labels=counts.sum(axis=0),
            curvature=bent,
            mean_squares=mean_squares,
            n_tasks=n_tasks,
            fit_intercept=options.fit_intercept,
        )

    @classmethod
    def _long(
        cls, X: Any, targets: Targets, z: Array, c: Array, counts: Array, bent: Array, options: Any
    ) -> Self:
        """Tasks by themselves, those of the first class first."""
        n_classes = z.shape[1]
        found = [
            Statistics(X, replace(targets, values=z[:, k]), c[:, 0], centred=options.fit_intercept)
            for k in range(n_classes)
        ]
        first = found[0]
        return cls(
            gram=first.gram / first.omega[:, None, None],
            group=np.tile(first.group, n_classes),
            cross=np.hstack([one.cross / one.omega for one in found]),
            squares=np.concatenate([one.squares / one.omega for one in found]),
            x_mean=np.tile(first.x_mean[first.group], (n_classes, 1)),
            y_mean=np.concatenate([one.y_mean for one in found]),
            omega=np.tile(first.omega, n_classes),
            n_labels=np.tile(targets.sum_by_task(counts[:, 0]), n_classes),
            curvature=np.repeat(bent, len(first.omega)),
            mean_squares=None,
            n_tasks=len(first.omega),
            fit_intercept=options.fit_intercept,
        )

    @property
    def classes(self) -> Array:
        """Outputs (n_classes, n_tasks) of every class: long has a class after the other."""
        outputs = np.arange(len(self.omega))
        if self.mean_squares is None:
            return outputs.reshape(-1, self.n_tasks)
        return outputs.reshape(self.n_tasks, -1).T

    @property
    def degrees(self) -> Array:
        """Labels less those that intercepts take, of every output."""
        return np.maximum(self.n_labels - self.fit_intercept, 1.0)

    @property
    def traces(self) -> Array:
        """Sum of the variances of features, of every output."""
        traces: Array = np.einsum("gjj->g", self.gram)[self.group]
        return traces

    @property
    def scale(self) -> float:
        """From a ridge on working labels to one on raw scores, in the weights of the loss."""
        return float((self.curvature * self.omega).mean())

    def by_task(self, W: Array) -> Array:
        """Columns as coefficients have them: the classes of a task next to each other."""
        if self.mean_squares is not None:
            return W
        return W[:, self.classes.T.ravel()]

    def of_one_task(self, pull: float, origin: Array | None) -> tuple[Array, ...]:
        """Arguments of `likely_ridge` for all labels as one task with intercepts pulled together.

        ``pull`` is the strength of that. Features are those of the labels' tasks in long form, and
        in wide form labels are the means over tasks.
        """
        group = np.arange(len(self.classes))
        if self.mean_squares is not None:
            cross = np.stack([self.cross[:, k].mean(axis=1) for k in self.classes], axis=1)
            return self.gram, 0 * group, cross, self.mean_squares, self.degrees[: len(group)]
        grams, products_, squares, n_labels = [], [], [], []
        share = (
            1.0 / (1.0 + self.curvature * self.omega / pull) if pull else np.zeros(len(self.omega))
        )
        for k in self.classes:
            w = self.omega[k] / self.omega[k].sum()
            d = self.x_mean[k] - (0.0 if origin is None else origin)
            of_means = w * share[k]
            y = self.y_mean[k] - of_means @ self.y_mean[k] / (of_means.sum() or 1.0)
            gram = np.tensordot(w, self.gram[self.group[k]], axes=1)
            grams.append(gram + (d.T * of_means) @ d)
            products_.append(self.cross[:, k] @ w + d.T @ (of_means * y))
            squares.append(w @ self.squares[k] + of_means @ y**2)
            n_labels.append(max(self.n_labels[k].sum() - self.fit_intercept, 1.0))
        return np.array(grams), group, np.array(products_).T, np.array(squares), np.array(n_labels)

    def without(self, W: Array) -> Self:
        """What is left of the labels after coefficients W (n_features, n_classes) of all tasks."""
        of_outputs = np.empty_like(self.cross)
        for k, w in zip(self.classes, W.T, strict=True):
            of_outputs[:, k] = w[:, None]
        if len(self.gram) == 1:
            explained = self.gram[0] @ of_outputs
        else:
            explained = np.matmul(self.gram[self.group], of_outputs.T[:, :, None])[:, :, 0].T
        squares = self.squares - np.einsum("pt,pt->t", of_outputs, 2.0 * self.cross - explained)
        return replace(self, cross=self.cross - explained, squares=np.maximum(squares, 0.0))


def _counts(weights: Array) -> Array:
    """How many labels a weight stands for: 2 is two labels, and a part of one is one."""
    return np.where(weights > 0, np.maximum(weights, 1.0), 0.0)
