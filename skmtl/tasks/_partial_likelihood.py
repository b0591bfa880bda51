"""Who is at risk when an event comes."""

from __future__ import annotations

from typing import Any

UNOBSERVED = -1e4
"""Logarithm of the weight of a row without a label: next to any other it is nothing."""


def log_hazard_at_risk(log_hazard: Any, times: Any, weights: Any) -> Any:
    r"""Logarithm of the mean hazard of those at risk at each time, torch.

    .. math:: \log \frac{\sum_{t_j \ge t_i} w_j e^{g_j}}{\sum_{t_j \ge t_i} w_j}

    of the logarithms g of hazards, in one pass over rows that are sorted by time.

    Parameters
    ----------
    log_hazard, times, weights : Tensor of shape (..., n)
        g, t and w of each row; a weight of 0 is that of no label.
    """
    import torch

    order = torch.argsort(times, dim=-1, descending=True, stable=True)
    in_order = times.gather(-1, order)
    is_used = weights > 0
    log_weights = torch.where(is_used, weights, 1.0).log().masked_fill(~is_used, UNOBSERVED)
    log_weights = log_weights.gather(-1, order)
    # All of one time are at risk together: as many as the last of them.
    falling = (-in_order).contiguous()
    last = torch.searchsorted(falling, falling, right=True) - 1
    total, all_weights = (
        part.logcumsumexp(-1).gather(-1, last)
        for part in (log_weights + log_hazard.gather(-1, order), log_weights)
    )
    return (total - all_weights).gather(-1, torch.argsort(order, dim=-1))
