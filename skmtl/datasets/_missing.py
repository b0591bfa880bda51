"""Remove labels completely at random."""

import numpy as np


def remove_labels(rng, labels, share, by_class):
    """Return a copy with round(share * n) labels set to NaN.

    One random label (`by_class`: one of each class) always stays, so fewer are removed where
    the share would take all.
    """
    kept_one_of = labels if by_class else np.zeros(len(labels))
    order = rng.permutation(len(labels))
    stays = order[np.unique(kept_one_of[order], return_index=True)[1]]
    removable = np.setdiff1d(order, stays)
    removed = rng.permutation(removable)[: round(share * len(labels))]
    labels = labels.copy()
    labels[removed] = np.nan
    return labels
