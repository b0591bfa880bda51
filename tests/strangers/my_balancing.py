"""Balancing methods as a stranger would write them."""

import numpy as np
import torch

from skmtl.neural.balancing import GramianBalancing, JacobianBalancing, LossBalancing


def inverse_norms(gramian):
    """A function of the Gramian: all gradients alike in length."""
    norms = np.sqrt(np.diag(gramian))
    return np.divide(1.0, norms, out=np.zeros_like(norms), where=norms > 0)


class Softmin(LossBalancing):
    """Large losses count more."""

    alias = "softmin"

    def __init__(self, temperature=1.0):
        self.temperature = temperature

    def weights(self, losses, observed):
        logits = (losses / self.temperature).masked_fill(~observed, -torch.inf)
        weights = torch.softmax(logits, dim=1).masked_fill(~observed, 0.0)
        return weights * observed.sum(dim=1, keepdim=True)


class ByLength(GramianBalancing):
    """Weights in proportion to a power of the length of the gradient."""

    alias = "by_length"

    def __init__(self, power=-0.5, *, conflict_space="shared", update_weights_every=1):
        super().__init__(conflict_space=conflict_space, update_weights_every=update_weights_every)
        self.power = power

    def weights(self, gramian):
        squares = np.diag(gramian)
        positive = squares > 0
        return np.where(positive, np.where(positive, squares, 1.0) ** (self.power / 2), 0.0)


class SignVote(JacobianBalancing):
    """Each entry moves by the sign that most tasks want, as far as the longest asks."""

    alias = "sign_vote"

    def direction(self, model, jacobian, losses, observed):
        votes = jacobian.sign().sum(dim=0).sign()
        return votes * jacobian.abs().amax(dim=0)
