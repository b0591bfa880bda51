"""What a network asks of an embedding of numbers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar, Self

from numpy.typing import NDArray
from sklearn.base import BaseEstimator

from skmtl._aliases import Searchable

Array = NDArray[Any]


class TrainedEmbedding(Searchable, BaseEstimator, ABC):
    """Columns beside the numbers of X that are trained with the network.

    Attributes
    ----------
    alias : str
        What it is called as a parameter.

    Examples
    --------
    `Periodic` is one. Of four numbers it makes eight columns each:

    >>> from skmtl.neural.inputs import Periodic, TrainedEmbedding
    >>> embedding = Periodic(n_frequencies=4)
    >>> isinstance(embedding, TrainedEmbedding)
    True
    >>> embedding.layer(n_models=1, n_numbers=4).n_outputs
    32
    """

    alias: ClassVar[str]

    @abstractmethod
    def layer(self, n_models: int, n_numbers: int) -> Any:
        """A module that makes the columns.

        Parameters
        ----------
        n_models : int
            Number of networks side by side.
        n_numbers : int
            Columns of X that are numbers.

        Returns
        -------
        module : Shared
            Maps (n_models, n, n_numbers) to (n_models, n, n_outputs), says ``n_outputs``, and
            draws its parameters, whose first axis are the models; see `PeriodicLayer`. Where it
            has a method ``gradient``, too, steps may do without autograd.
        """


class NumericEmbedding(Searchable, BaseEstimator, ABC):
    """Columns that a network reads beside those of X: a transformer, as scikit-learn has them.

    It is fitted once per fit, on the rows with labels, after `feature_scaling`. What it finds is
    standardised and stands to the right of the columns that it was made of. Any transformer of
    scikit-learn with as many outputs for every X works as well; one from this room has an alias.

    Attributes
    ----------
    alias : str
        What it is called as a parameter.

    Examples
    --------
    >>> import numpy as np
    >>> from skmtl.neural.inputs import NumericEmbedding
    >>> class Squares(NumericEmbedding):
    ...     alias = "squares"
    ...
    ...     def fit(self, Z, y=None):
    ...         return self
    ...
    ...     def transform(self, Z):
    ...         return Z**2
    >>> Squares().transform(np.array([[1.0, -2.0], [3.0, 0.0]]))
    array([[1., 4.],
           [9., 0.]])

    A network takes it by ``numeric_embedding=Squares()``.
    """

    alias: ClassVar[str]

    @abstractmethod
    def fit(self, Z: Array, y: Array | None = None) -> Self:
        """Learn from rows.

        Parameters
        ----------
        Z : ndarray of shape (n, n_features)
            Numbers, scaled.
        y : ndarray of shape (n, n_outputs), default=None
            Labels of all tasks as numbers, one column per class, 0 where unobserved.

        Returns
        -------
        self : object
            The embedding.
        """

    @abstractmethod
    def transform(self, Z: Array) -> Array:
        """Further columns for rows.

        Parameters
        ----------
        Z : ndarray of shape (n, n_features)
            Numbers, scaled.

        Returns
        -------
        columns : ndarray of shape (n, n_columns)
            What stands to the right of them.
        """
