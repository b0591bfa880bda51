"""How many dimensions a matrix of coefficients has, in effect."""

from __future__ import annotations

import numpy as np
from scipy.special import entr
from sklearn.utils import check_array
from sklearn.utils._param_validation import StrOptions, validate_params

from skmtl._innermost import final_estimator


@validate_params(
    {
        "coef": "no_validation",
        "kind": [StrOptions({"entropy", "stable"})],
        "center": ["boolean"],
    },
    prefer_skip_nested_validation=True,
)
def effective_rank(coef, *, kind="entropy", center=False):
    r"""Count the directions that coefficients of many tasks take, weighing each by its size.

    With the singular values :math:`\sigma_k` of ``coef`` and :math:`p_k = \sigma_k / \sum_l
    \sigma_l`, this is

    .. math:: \exp\Big(- \sum_k p_k \log p_k\Big) \quad \text{("entropy" [1]_)}, \qquad
        \frac{\sum_k \sigma_k^2}{\max_k \sigma_k^2} \quad \text{("stable" [2]_)}

    Both are between 1 and the rank, and equal to it where all singular values that are not zero
    are the same. Unlike the rank they do not jump with the last digit of a coefficient.

    Parameters
    ----------
    coef : array-like of shape (n_outputs, n_features), or fitted estimator
        Coefficients, one row per task; or an estimator with ``coef_``, also as the last step of a
        :class:`~sklearn.pipeline.Pipeline`, or in a fitted search.
    kind : {"entropy", "stable"}, default="entropy"
        Which; "stable" is the smaller one, and ruled by the largest singular value.
    center : bool, default=False
        Whether to subtract the mean over tasks: the result is then the number of directions in
        which tasks differ from each other, instead of from 0.

    Returns
    -------
    rank : float
        From 1 to the rank of the matrix; 0 where all coefficients are 0.

    Raises
    ------
    ValueError
        If there are no coefficients, or some are NaN or infinite.

    References
    ----------
    .. [1] Roy and Vetterli, "The effective rank: a measure of effective dimensionality",
       EUSIPCO 2007, definition 1.
    .. [2] Rudelson and Vershynin, "Sampling from large matrices: an approach through geometric
       functional analysis", Journal of the ACM 54, 2007.

    Examples
    --------
    >>> import numpy as np
    >>> from skmtl.inspection import effective_rank
    >>> effective_rank([[1.0, 0, 0], [0, 1, 0], [0, 0, 0]])
    2.0
    >>> round(effective_rank([[1.0, 0, 0], [0, 0.1, 0], [0, 0, 0.1]]), 2)
    1.76
    """
    if hasattr(coef, "fit"):
        final = final_estimator(coef)
        if not hasattr(final, "coef_"):
            raise ValueError(
                f"{type(final).__name__} has no coef_: it is not linear, or not fitted."
            )
        coef = np.atleast_2d(final.coef_)
    coef = check_array(coef, dtype=np.float64, input_name="coef")
    if center:
        coef = coef - coef.mean(axis=0)
    sizes = np.linalg.svd(coef, compute_uv=False)
    if not sizes[0]:
        return 0.0
    sizes = sizes / sizes[0]
    if kind == "stable":
        return float(sizes @ sizes)
    return float(np.exp(entr(sizes / sizes.sum()).sum()))
