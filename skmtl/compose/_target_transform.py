"""Labels of one task on another scale, and predictions back."""

from __future__ import annotations

from typing import Any

import numpy as np
import sklearn
from numpy.typing import NDArray
from sklearn.base import clone

from skmtl._warnings import warn
from skmtl.compose._weights import weight_parameter

Array = NDArray[Any]


def transform_labels(transformer: Any, values: Array, weights: Array, name: Any) -> Any:
    """A fitted clone, and what it makes of the labels.

    A transformer that takes no weights counts all labels alike.
    """
    transformer = clone(transformer)
    parameter = weight_parameter(transformer) if (weights != 1.0).any() else None
    with sklearn.config_context(enable_metadata_routing=False):
        transformer.fit(values[:, None], **({parameter: weights} if parameter else {}))
    found = _column(transformer.transform(values[:, None]), len(values), name)
    lost = ~np.isfinite(found)
    if lost.any():
        raise ValueError(
            f"Task {name!r}: the transformer makes {found[lost][0]} of the label "
            f"{values[lost][0]:g} ({int(lost.sum())} such labels)."
        )
    return transformer, found


def map_back(transformer: Any, values: Array, name: Any, ends: Any) -> Any:
    """Predictions in the units of y; NaN stays NaN.

    ``ends`` are the least and the greatest transformed label. A prediction beyond them may have
    no inverse (that of a power has bounds): it becomes the label at the nearer end, with a
    warning. As NaN it would pass for a task without labels, which no score counts.
    """
    if values.ndim == 2:
        # Quantiles, which a falling transformer turns round.
        columns = [map_back(transformer, column, name, ends) for column in values.T]
        return np.sort(np.column_stack(columns), axis=1)
    back = _inverse(transformer, values, name)
    lost = ~np.isnan(values) & ~np.isfinite(back)
    if lost.any():
        nearest = np.clip(values[lost], *ends)
        back[lost] = _inverse(transformer, nearest, name)
        if not np.isfinite(back[lost]).all():
            raise ValueError(
                f"Task {name!r}: the transformer cannot map back {int(lost.sum())} predictions, "
                f"{values[lost][0]:g} for example; use one whose inverse takes any number, or an "
                "inverse_func that clips."
            )
        warn(
            f"Task {name!r}: the transformer cannot map back {int(lost.sum())} predictions beyond "
            f"the labels, {values[lost][0]:g} for example; they become the nearest label, here "
            f"{back[lost][0]:g}."
        )
    return back


def _inverse(transformer: Any, values: Array, name: Any) -> Any:
    known = ~np.isnan(values)
    back = np.full(len(values), np.nan)
    if known.any():
        found = transformer.inverse_transform(values[known][:, None])
        back[known] = _column(found, int(known.sum()), name)
    return back


def check_way_back(transformer: Any, values: Array, transformed: Any, name: Any) -> None:
    """Warn if the way back from some of the labels does not lead to them."""
    some = slice(None, None, max(1, len(values) // 10))
    ends = transformed.min(), transformed.max()
    back = map_back(transformer, transformed[some], name, ends)
    error = np.abs(values[some] - back)
    if not (error <= 1e-6 * np.abs(values[some]).max()).all():
        worst = error.argmax()
        warn(
            f"Task {name!r}: inverting the transformer does not give the labels back: "
            f"{values[some][worst]:g} becomes {back[worst]:g}. If that is intended, set "
            "check_inverse=False."
        )


def _column(found: Any, n_labels: Any, name: Any) -> Any:
    found = np.asarray(found, dtype=np.float64)
    if found.shape != (n_labels, 1):
        raise ValueError(
            f"Task {name!r}: the transformer makes shape {found.shape} of shape "
            f"({n_labels}, 1); expected one column."
        )
    return found[:, 0]
