"""Many sets in one number: mean ranks, and how far from the best of the peers."""

import numpy as np

TIE = 0.01


def ranks(errors):
    r"""Rank of each error, from 1; a difference below 1 % is a tie and counts half.

    .. math:: r_i = 1 + \sum_{j \ne i} [e_j < e_i, \text{ no tie}] + \tfrac12 [\text{tie of } i, j]
    """
    errors = np.asarray(errors, float)
    mine, theirs = errors[:, None], errors[None, :]
    tied = np.abs(mine - theirs) < TIE * np.minimum(mine, theirs)
    np.fill_diagonal(tied, False)
    return 1 + ((theirs < mine) & ~tied).sum(1) + 0.5 * tied.sum(1)


def mean_ranks(errors):
    """{method: mean over sets}, of {set: {method: error}}; a set counts where all methods ran."""
    methods = sorted({method for found in errors.values() for method in found})
    rows = [
        ranks([found[m] for m in methods])
        for found in errors.values()
        if len(found) == len(methods)
    ]
    return dict(zip(methods, np.mean(rows, axis=0), strict=True)) if rows else {}


def over_the_best(errors, method, peers):
    """Geometric mean over sets of a method's error over the least of its peers'."""
    logs = [
        np.log(found[method] / min(found[p] for p in peers if p in found))
        for found in errors.values()
        if method in found and any(p in found for p in peers)
    ]
    return float(np.exp(np.mean(logs))) if logs else np.nan
