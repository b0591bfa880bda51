"""Estimators that are transformers, too: what they have learned of a row, for the next step."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import TransformerMixin
from sklearn.utils._set_output import _wrap_data_with_container
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from skmtl._by_blocks import by_blocks

Array = NDArray[Any]


def _has_representation(estimator: Any) -> bool:
    """Whether there is something to give; the error names what has."""
    why = estimator._lacks_representation()
    if why is not None:
        raise AttributeError(f"{type(estimator).__name__} does not transform X: {why}")
    return True


class Represents(TransformerMixin, auto_wrap_output_keys=None):  # type: ignore[call-arg]
    """Mixin with `transform`. A subclass has `_represent` and `_names_of_layer`.

    Containers are as ``set_output`` says. The method is not wrapped by scikit-learn, so that it is
    there only where `_lacks_representation` returns None.
    """

    def _lacks_representation(self) -> str | None:
        """Why there is nothing to give; None where there is."""
        return None

    def _represent(self, X: Any) -> Array:
        """What `transform` returns, of X as it was given."""
        raise NotImplementedError

    def _names_of_layer(self) -> list[str]:
        """What is behind the name of the class in the names of the columns."""
        raise NotImplementedError

    @available_if(_has_representation)
    @by_blocks
    def transform(self, X: Any) -> Any:
        """What the tasks have in common: the representation that their predictions rest on.

        The hidden units that heads read, for a network; the directions of X that all tasks use, for
        a linear model of low rank. Where an architecture has hidden layers for each task, those of
        all tasks stand side by side; in long form those of the task of the row. Members of an
        ensemble stand side by side.

        Parameters
        ----------
        X : {array-like, sparse matrix, DataFrame} of shape (n_samples, n_features)
            Features, with the task feature in long form.

        Returns
        -------
        Z : ndarray or DataFrame of shape (n_samples, n_features_out)
            The representation; a container as ``set_output`` asks for.
        """
        check_is_fitted(self)
        return _wrap_data_with_container("transform", self._represent(X), X, self)

    @available_if(_has_representation)
    def fit_transform(self, X: Any, y: Any = None, **fit_params: Any) -> Any:
        """Fit to X and y, then `transform` X.

        Parameters
        ----------
        X : {array-like, sparse matrix, DataFrame} of shape (n_samples, n_features)
            Features.
        y : array-like or DataFrame of shape (n_samples, n_tasks) or (n_samples,)
            Labels.
        **fit_params : dict
            Passed to `fit`.

        Returns
        -------
        Z : ndarray or DataFrame of shape (n_samples, n_features_out)
            The representation of the rows of the fit.
        """
        return super().fit_transform(X, y, **fit_params)

    @available_if(_has_representation)
    def get_feature_names_out(self, input_features: Any = None) -> Array:
        """Names of the columns of `transform`.

        Parameters
        ----------
        input_features : array-like of str, default=None
            Not used: there is no column for each feature.

        Returns
        -------
        names : ndarray of str
            The class, the task where each has columns of its own, and a number:
            ``"multitaskmlp0"``, ``"multitaskmlp_income_0"``.
        """
        check_is_fitted(self)
        prefix = type(self).__name__.lower()
        return np.array([f"{prefix}{name}" for name in self._names_of_layer()], dtype=object)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        if self._lacks_representation() is not None:
            tags.transformer_tags = None
        return tags
