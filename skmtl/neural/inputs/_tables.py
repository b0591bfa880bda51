"""Tables as networks take them: with columns of categories, and with what is missing."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from skmtl._features import ValidatesFeatures
from skmtl.neural.inputs._categories import encode, find_categorical, fit_categories
from skmtl.tasks._features import (
    as_table,
    as_whole_table,
    find_task_feature,
    split_task_feature,
    without_mask,
)

Array = NDArray[Any]


class ReadsTables(ValidatesFeatures):
    """Mixin for networks: NaN and categories in X, unless the network is the user's own.

    Such a network reads X as it is, so that it may look up its numbers in a table; columns of
    categories are numbers for it, unless ``categorical_features`` names them one by one.
    """

    _without_text = (
        "Name it in categorical_features, or give it the dtype category "
        "(categorical_features='from_dtype'). Text with a meaning of its own is encoded first, by "
        "skrub.tabular_pipeline(estimator) for example."
    )
    architecture: Any
    categorical_features: Any
    _categories: dict[int, Array]

    @property
    def _allows_nd(self) -> bool:  # type: ignore[override]
        """Whether X may have more than two dimensions: a trunk of the user's may want them."""
        return getattr(self.architecture, "reads_any_shape", False)

    @property
    def _allows_nan(self) -> bool:  # type: ignore[override]
        return not self._allows_nd

    def _has_categories(self, X: Any, *, reset: bool) -> bool:
        if reset:
            self._categories = dict.fromkeys(self._find_categorical(X), np.empty(0))
        return bool(vars(self).get("_categories"))

    def _find_categorical(self, X: Any) -> list[int]:
        """Positions of columns of categories, in X without the task feature."""
        wanted = self.categorical_features
        if wanted is None:
            return []
        if isinstance(wanted, str) and (self._allows_nd or not hasattr(X, "shape")):
            return []
        X = as_table(X)
        found = find_categorical(X, wanted)
        if self.task_feature is None or not found:
            return found
        task = find_task_feature(X, self.task_feature)
        return [j - (j > task) for j in found if j != task]

    def _encode(self, X: Any, *, reset: bool) -> Any:
        X = without_mask(X)
        if reset:
            self._categories = fit_categories(X, list(self._categories))
        return encode(X, self._categories, self._without_text)

    def _add_categories(self, X: Any) -> None:
        """Know those of further rows, too."""
        X = as_whole_table(X)
        if self.task_feature is not None:
            X, _ = split_task_feature(X, self.task_feature)
        found = fit_categories(without_mask(X), list(self._categories))
        self._categories = {
            j: np.unique(np.concatenate([known, found[j]])) if len(found[j]) else known
            for j, known in self._categories.items()
        }

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()  # type: ignore[misc]
        tags.input_tags.allow_nan = self._allows_nan
        return tags
