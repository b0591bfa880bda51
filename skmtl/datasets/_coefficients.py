"""Coefficients of related tasks: what the generators plant."""

import numpy as np


def related_coefficients(rng, n_features, n_outputs, *, n_informative, relatedness, rank, n_groups):
    r"""Draw one unit-length coefficient vector per output.

    Output :math:`k` of task :math:`t` in group :math:`g` has, on the informative features,

    .. math:: w_{tk} \propto \sqrt{r}\, c_{gk} + \sqrt{1 - r}\, v_{tk}

    with a centre c that the tasks of a group share and a deviation v of its own, both of length 1.
    For independent v this makes r the expected cosine between the tasks of a group, about.
    The centres of different groups are orthogonal.

    Parameters
    ----------
    rng : RandomState
    n_features : int
    n_outputs : list of int
        Outputs of each task: one, or one per class.
    n_informative, relatedness, rank, n_groups
        As in :func:`~skmtl.datasets.make_multitask_regression`.

    Returns
    -------
    coef : ndarray of shape (n_features, sum(n_outputs))
    groups : ndarray of shape (n_tasks,)
    informative : ndarray of shape (n_informative,)
        Sorted indices of the features with nonzero coefficients.
    """
    n_tasks, n_informative = len(n_outputs), min(n_informative, n_features)
    if n_groups > min(n_tasks, n_informative):
        raise ValueError(
            f"n_groups={n_groups} must be at most the number of tasks ({n_tasks}) and the number "
            f"of informative features ({n_informative}): groups are orthogonal to each other."
        )
    informative = np.sort(rng.permutation(n_features)[:n_informative])
    groups = np.arange(n_tasks) % n_groups
    group = np.repeat(groups, n_outputs)
    # Class k of one task is related to class k of another; one-output tasks use k = 0.
    output = np.concatenate([np.arange(k) for k in n_outputs])

    centres = _orthonormal(rng, (max(n_outputs), n_informative, n_groups))
    deviations = _deviations(rng, n_informative, len(output), rank)
    W = np.sqrt(relatedness) * centres[output, :, group].T + np.sqrt(1 - relatedness) * deviations

    coef = np.zeros((n_features, len(output)))
    coef[informative] = W / np.linalg.norm(W, axis=0)
    return coef, groups, informative


def _orthonormal(rng, shape):
    Q, R = np.linalg.qr(rng.standard_normal(shape))
    # Householder QR fixes the signs; with R's diagonal positive, Q is uniformly distributed.
    return Q * np.sign(np.diagonal(R, axis1=-2, axis2=-1))[..., None, :]


def _deviations(rng, n_informative, n_outputs, rank):
    if rank is None:
        V = rng.standard_normal((n_informative, n_outputs))
    else:
        V = rng.standard_normal((n_informative, rank)) @ rng.standard_normal((rank, n_outputs))
    return V / np.linalg.norm(V, axis=0)
