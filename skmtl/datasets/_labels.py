"""How labels arise from linear scores: one class per type of task."""

import numpy as np
from scipy.optimize import minimize
from scipy.special import logsumexp, softmax

# Length of a count task's coefficients, hence the standard deviation of its log rate: rates then
# vary by a factor of 7 between their 2.5 and 97.5 % quantiles, about as much as the counts' noise.
LOG_RATE_SD = 0.5


class ScoreLabels:
    """Real-valued labels: the score plus Gaussian noise."""

    task_type, prefix, n_outputs, length, labels = "regression", "score", 1, 1.0, None

    def __init__(self, noise, bias=0.0):
        self.noise, self.bias = noise, bias

    def draw(self, rng, scores):
        """Return (intercept, labels, None)."""
        noise = rng.standard_normal(len(scores))
        return np.array([self.bias]), scores[:, 0] + self.bias + self.noise * noise, None


class CountLabels:
    """Poisson counts with the log link; `mean` is the population mean of the rates."""

    task_type, prefix, n_outputs, length, labels = "count", "count", 1, LOG_RATE_SD, None

    def __init__(self, mean):
        # E exp(sd z + b) = exp(b + sd^2 / 2) for standard normal z.
        self.intercept = np.log(mean) - LOG_RATE_SD**2 / 2

    def draw(self, rng, scores):
        """Return (intercept, labels, None)."""
        counts = rng.poisson(np.exp(scores[:, 0] + self.intercept))
        return np.array([self.intercept]), counts.astype(np.float64), None


class ClassLabels:
    """Classes drawn from the logistic (two classes) or softmax model of the scores."""

    def __init__(self, shares, class_sep, flip_y=0.0):
        self.shares, self.length, self.flip_y = shares, class_sep, flip_y
        n_classes = len(shares)
        if n_classes == 2:
            self.task_type, self.prefix, self.n_outputs = "binary", "yes", 1
            self.labels = ["no", "yes"]
        else:
            self.task_type, self.prefix, self.n_outputs = "multiclass", "class", n_classes
            width = len(str(n_classes - 1))  # keeps the alphabetical order of the labels
            self.labels = [f"label{k:0{width}d}" for k in range(n_classes)]

    def draw(self, rng, scores):
        """Return (intercept, labels as floats, probabilities of shape (n_rows, n_classes))."""
        n_rows, n_classes = len(scores), len(self.shares)
        logits = np.hstack([np.zeros((n_rows, 1)), scores]) if n_classes == 2 else scores
        intercept = calibrated_intercept(logits, self.shares)
        probabilities = softmax(logits + intercept, axis=1)
        edges = probabilities[:, :-1].cumsum(axis=1)
        labels = (rng.uniform(size=(n_rows, 1)) > edges).sum(axis=1)
        flipped = rng.uniform(size=n_rows) < self.flip_y
        labels = np.where(flipped, rng.randint(n_classes, size=n_rows), labels)
        _give_every_class_a_row(labels, probabilities)
        if n_classes == 2:
            intercept = intercept[1:] - intercept[0]
        probabilities = (1 - self.flip_y) * probabilities + self.flip_y / n_classes
        return intercept, labels.astype(np.float64), probabilities


def calibrated_intercept(logits, shares):
    r"""Return b, of mean 0, for which the mean of softmax(logits + b) over rows is `shares`.

    It maximises the concave function :math:`b \cdot p - \mathrm{mean}_i \log\sum_k e^{z_{ik}+b_k}`,
    whose gradient is :math:`p - \mathrm{mean}_i\, \mathrm{softmax}(z_i + b)`.
    """
    shares = np.asarray(shares, dtype=np.float64)

    def objective(b):
        z = logits + b
        gradient = softmax(z, axis=1).mean(axis=0) - shares
        return logsumexp(z, axis=1).mean() - b @ shares, gradient

    b = minimize(objective, np.log(shares), jac=True, method="BFGS", options={"gtol": 1e-8}).x
    return b - b.mean()


def _give_every_class_a_row(labels, probabilities):
    """Move, in place, the likeliest row of a class with several rows to each class without one."""
    counts = np.bincount(labels, minlength=probabilities.shape[1])
    for k in np.flatnonzero(counts == 0):
        movable = np.flatnonzero(counts[labels] > 1)
        if not len(movable):
            return
        row = movable[probabilities[movable, k].argmax()]
        counts[labels[row]] -= 1
        counts[k] += 1
        labels[row] = k
