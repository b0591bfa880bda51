"""Generated arrays as pandas objects."""

import numpy as np

from skmtl._optional import import_optional


def as_pandas(X, y, kinds, task_names, form):
    """Return X and y as DataFrames; in the long form, y as a Series."""
    pd = import_optional("pandas", "as_frame=True", "datasets")
    names = [f"x{j}" for j in range(X.shape[1] - (form == "long"))]
    if form == "wide":
        columns = {name: _column(pd, y[:, t], kinds[t].labels) for t, name in enumerate(task_names)}
        return pd.DataFrame(X, columns=names), pd.DataFrame(columns)
    frame = pd.DataFrame(X[:, 1:], columns=names)
    frame.insert(0, "task", pd.Categorical.from_codes(X[:, 0].astype(int), task_names))
    return frame, pd.Series(_column(pd, y, kinds[0].labels), name="y")


def _column(pd, values, labels):
    if labels is None:
        return values
    codes = np.where(np.isnan(values), -1, values).astype(int)
    return pd.Categorical.from_codes(codes, labels)
