"""`check_task` finds what is wrong with a type, and names it."""

import numpy as np
import pytest

from skmtl.tasks import Binary, Count, Multiclass, NumberTask, Regression
from skmtl.testing import check_task
from tests.strangers.gamma import Gamma


class WrongGradient(Count):
    def loss_and_grad(self, raw, values):
        loss, gradient = super().loss_and_grad(raw, values)
        return loss, 1.01 * gradient


class WrongCurvature(Regression):
    def curvature(self, raw, values, direction):
        return 2.0 * direction


class WrongConjugate(Gamma):
    def conjugate(self, dual, values):
        return super().conjugate(dual, values) + 1.0


class WrongTorch(Binary):
    def torch_loss(self, raw, values):
        return super().torch_loss(raw, values) + 1e-3


class WrongAverage(Gamma):
    def torch_average(self, raw):
        return raw.mean(0)


class WrongConstant(Count):
    def raw_prior(self, values, weight):
        return super().raw_prior(values, weight) + 0.1


class WrongDeviance(Regression):
    def deviance(self, expected, values):
        return np.abs(super().deviance(expected, values)) + 1.0


class NoLossForZero(Gamma):
    def loss_and_grad(self, raw, values):
        loss, gradient = super().loss_and_grad(raw, values)
        with np.errstate(divide="ignore"):
            return loss - np.log(values) + np.log(values.clip(1e-300)), gradient


class WrongScale(Count):
    can_rescale = True

    def check_labels(self, labels, name):
        pass

    def encode(self, column, name, *, unseen="raise"):
        return self.encode_numbers(column, name)


@pytest.mark.parametrize(
    "task, what",
    [
        (WrongGradient(), "`loss_and_grad` gives the loss and its gradient"),
        (WrongCurvature(), "`curvature` is the slope of the gradient"),
        (WrongConjugate(), "`conjugate` is that of the loss"),
        (WrongTorch(), "`torch_loss` and `torch_loss_and_grad` are the same functions"),
        (WrongAverage(), "`inverse_link` of `torch_average` is the mean"),
        (WrongConstant(), "is the `inverse_link` of `raw_prior`"),
        (WrongDeviance(), "the score is 0 for the best constant, 1 for the labels"),
        (NoLossForZero(), "an unobserved label is encoded as 0 and has no influence"),
        (WrongScale(), "labels are standardised where `can_rescale`"),
    ],
)
def test_what_is_wrong_is_named(task, what):
    if "torch" in what:
        pytest.importorskip("torch")
    with pytest.raises(AssertionError, match=rf"{type(task).__name__}\(\) does not keep .*{what}"):
        check_task(task)


def test_needs_labels_to_fit():
    with pytest.raises(ValueError, match="10 labels or more, all observed"):
        check_task(Regression(), [1.0, 2.0])


class TestOwnLoss:
    """Answers that rest on the loss are not inherited with another loss."""

    class Asymmetric(Regression):
        def loss_and_grad(self, raw, values):
            loss, gradient = super().loss_and_grad(raw, values)
            return 2.0 * loss, 2.0 * gradient

    class SameLoss(Regression):
        alias = "same_loss"

    def test_a_subclass_without_one_keeps_them(self):
        task = self.SameLoss()
        assert task.has_squared_loss
        assert task.can_rescale
        assert task.has_r2_score
        assert task.pool_key == Regression().pool_key

    def test_a_subclass_with_one_does_not(self):
        task = self.Asymmetric()
        task.n_outputs_ = 1
        assert not task.has_squared_loss
        assert not task.can_rescale
        assert task.pool_key != Regression().pool_key
        assert task.loss_key != self.SameLoss().loss_key
        assert task.has_r2_score  # its deviance is still the squared error
        assert self.Asymmetric(loss="absolute").is_smooth
        assert not Regression(loss="absolute").is_smooth

    def test_another_deviance_is_no_r2(self):
        class Relative(Regression):
            def deviance(self, expected, values):
                return super().deviance(expected, values) / (1.0 + np.abs(expected))

        assert not Relative().has_r2_score
        assert Relative().reference_metric(np.arange(3.0), np.arange(3.0)) is None
        assert Relative().has_squared_loss

    @pytest.mark.parametrize("kind", [Count, Binary, Multiclass])
    def test_parameters_tell_losses_apart(self, kind):
        class Tempered(kind):
            def __init__(self, temperature=1.0):
                super().__init__()
                self.temperature = temperature

            def get_params(self, deep=True):
                return {"temperature": self.temperature}

            def loss_and_grad(self, raw, values):
                return super().loss_and_grad(raw / self.temperature, values)

        one, other = Tempered(1.0), Tempered(2.0)
        one.n_outputs_ = other.n_outputs_ = 1
        assert one.loss_key != other.loss_key
        assert one.pool_key != kind().pool_key if kind is not Count else True


def test_a_count_is_no_regression():
    assert issubclass(Count, NumberTask)
    assert not issubclass(Count, Regression)
    assert not Count().can_rescale
    assert Count().pool_key != Regression().pool_key
