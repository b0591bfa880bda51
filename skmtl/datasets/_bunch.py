"""What a loader returns."""

import numpy as np
from sklearn.utils import Bunch


def as_bunch(frame, target_names, *, as_frame, return_X_y, **description):
    """Split `frame` into data and target: pandas objects, or floats with categories as codes.

    `target_names` is a list for a two-dimensional target, a string for a one-dimensional one.
    """
    data, target = frame.drop(columns=target_names), frame[target_names]
    feature_names = data.columns.tolist()
    if not as_frame:
        categories = {name: list(frame[name].cat.categories) for name in _categorical(frame)}
        description["categories"] = categories
        codes = _codes(frame)
        data, target = codes[feature_names].to_numpy(), codes[target_names].to_numpy()
        frame = None
    if return_X_y:
        return data, target
    return Bunch(
        data=data,
        target=target,
        frame=frame,
        feature_names=feature_names,
        target_names=[target_names] if isinstance(target_names, str) else target_names,
        **description,
    )


def _categorical(frame):
    return frame.select_dtypes("category").columns


def _codes(frame):
    codes = frame.copy()
    for name in _categorical(frame):
        column = frame[name]
        codes[name] = np.where(column.isna(), np.nan, column.cat.codes)
    return codes.astype(np.float64)
