"""Labels of every kind, made from a signal in the rows."""

from dataclasses import dataclass

import numpy as np

from skmtl.tasks import (
    Binary,
    DiscreteHazards,
    Multiclass,
    NegativeBinomial,
    Quantile,
    Regression,
    Survival,
    Tweedie,
)


@dataclass(frozen=True)
class Style:
    """How a column of labels looks, what it is declared, and how often it is drawn."""

    has_classes: bool
    declared: str = "auto"
    share: float = 1.0


STYLES = {
    "number": Style(False, share=4.0),
    "whole": Style(False, share=0.7),
    "constant": Style(False, share=0.4),
    "outliers": Style(False, share=0.5),
    "huber": Style(False, declared="huber"),
    "absolute": Style(False, declared="absolute", share=0.4),
    "quantiles": Style(False, declared="quantile", share=0.7),
    "count": Style(False, declared="count"),
    "spread_count": Style(False, declared="negative_binomial", share=0.4),
    "amount": Style(False, declared="gamma", share=0.5),
    "often_zero": Style(False, declared="tweedie", share=0.5),
    "one_level": Style(False, declared="one_level", share=0.2),
    "spread_known": Style(False, declared="dispersed", share=0.2),
    "mostly_zero": Style(False, declared="mostly_zero", share=0.2),
    "few_hazards": Style(False, declared="few_hazards", share=0.1),
    "smooth": Style(True, declared="smooth", share=0.3),
    "focal": Style(True, declared="focal", share=0.3),
    "weighed": Style(True, declared="weighed", share=0.3),
    "times": Style(False, declared="survival", share=0.3),
    "lives": Style(False, declared="weibull", share=0.15),
    "waits": Style(False, declared="log_logistic", share=0.15),
    "hazards": Style(False, declared="discrete_hazards", share=0.2),
    "risks": Style(False, declared="cox", share=0.3),
    "zero_one": Style(True, share=2.0),
    "bool": Style(True),
    "yes_no": Style(True),
    "words": Style(True, share=1.5),
    "digits": Style(True, declared="multiclass"),
    "grades": Style(True, declared="ordinal", share=0.5),
    "one_class": Style(True, share=0.3),
}


HAVE_TIMES = ("times", "lives", "waits", "hazards", "few_hazards", "risks")
HAVE_LOG_LINKS = ("count", "spread_count", "spread_known", "amount", "often_zero", "mostly_zero")
TIMES = {STYLES[name].declared for name in HAVE_TIMES}
# What is declared by an object, not by its alias.
TYPES = {
    **{loss: Regression(loss) for loss in ("huber", "absolute")},
    **{distribution: Survival(distribution) for distribution in ("weibull", "log_logistic")},
    "one_level": Quantile(0.3),
    "dispersed": NegativeBinomial(0.5),
    "mostly_zero": Tweedie(1.2),
    "few_hazards": DiscreteHazards(3),
    "smooth": Binary(label_smoothing=0.1),
    "focal": Multiclass(focal=2.0),
    "weighed": Multiclass("balanced"),
}
LOG_LINKED = {STYLES[name].declared for name in HAVE_LOG_LINKS} | TIMES


def draw_labels(rng, X, styles, groups, tags):
    """Labels (n_rows, n_columns) as Python objects, and what each column is declared."""
    n, p = X.shape
    spread = X.std(axis=0)
    Z = (X - X.mean(axis=0)) / np.where(spread > 0, spread, 1.0)
    scale, offset = 1.0, 0.0
    if rng.random() < 0.3:
        scale = 10.0 ** rng.uniform(-8, 8)
        tags.append("scaled y")
    if rng.random() < 0.15:
        offset = scale * 10.0 ** rng.uniform(0, 3)
    labels = np.empty((n, len(styles)), dtype=object)
    for t, style in enumerate(styles):
        W = rng.normal(size=(p, 1 if groups is None else int(groups.max()) + 1))
        picked = np.zeros(n, dtype=int) if groups is None else groups
        signal = np.einsum("ij,ij->i", Z, W[:, picked].T) / np.sqrt(p)
        signal = signal + rng.choice([0.0, 0.1, 1.0]) * rng.normal(size=n)
        labels[:, t] = _labels_of(rng, style, signal, scale, offset)
    return labels, tuple(STYLES[style].declared for style in styles)


def _labels_of(rng, style, signal, scale, offset):
    if style == "number":
        return (scale * signal + offset).tolist()
    if style in ("quantiles", "one_level"):
        return (scale * np.exp(0.3 * signal) * rng.normal(size=len(signal)) + offset).tolist()
    if style in ("outliers", "huber", "absolute"):
        signal[rng.integers(len(signal))] += 100.0
        return (scale * signal + offset).tolist()
    if style == "whole":
        return (np.round(2 * signal) + 20).astype(int).tolist()
    if style == "constant":
        return [3.5 * scale + offset] * len(signal)
    if style == "count":
        return rng.poisson(np.exp(np.clip(signal, -3, 3))).tolist()
    if style in ("spread_count", "spread_known"):
        mean = np.exp(np.clip(signal, -3, 3))
        return rng.poisson(mean * rng.gamma(1.0, 1.0, size=len(mean))).tolist()
    if style in ("amount", "often_zero", "mostly_zero"):
        amounts = scale * rng.gamma(2.0, np.exp(np.clip(signal, -3, 3)))
        return np.where((signal > 0) | (style == "amount"), amounts, 0.0).tolist()
    if style in HAVE_TIMES:
        times = scale * rng.gamma(2.0, np.exp(np.clip(signal, -3, 3)))
        return np.where(rng.random(len(signal)) < 0.7, times, -times).tolist()
    if style in ("zero_one", "smooth"):
        return (signal > 0).astype(int).tolist()
    if style == "bool":
        return (signal > 0).tolist()
    if style == "yes_no":
        return np.where(signal > 0, "yes", "no").tolist()
    if style == "one_class":
        return ["only"] * len(signal)
    codes = np.digitize(signal, [-0.5, 0.5])
    return (
        codes.tolist()
        if style in ("digits", "grades", "focal", "weighed")
        else np.array(["low", "mid", "top"])[codes].tolist()
    )
