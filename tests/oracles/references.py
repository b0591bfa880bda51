"""What other packages find for one task without a penalty: writes references.json.

Run where these are installed; the tests read the numbers alone:

    pip install lifelines==0.30.3 scikit-survival==0.28.0 statsmodels==0.15.0
    python tests/oracles/references.py
"""

import json
from pathlib import Path

import numpy as np
import pandas as pd
from lifelines import LogLogisticAFTFitter, LogNormalAFTFitter, WeibullAFTFitter
from sksurv.linear_model import CoxPHSurvivalAnalysis
from sksurv.metrics import concordance_index_censored
from sksurv.util import Surv
from statsmodels.miscmodels.ordinal_model import OrderedModel

FITTERS = {
    "weibull": (WeibullAFTFitter, "lambda_", "rho_"),
    "log_normal": (LogNormalAFTFitter, "mu_", "sigma_"),
    "log_logistic": (LogLogisticAFTFitter, "alpha_", "beta_"),
}
TIMES = [1.0, 3.0]


def draw(n=120):
    """Features, censored times with and without ties, and grades; few digits."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n, 3)).round(2)
    log_time = 1.0 + X @ [0.8, -0.5, 0.0] + 0.6 * rng.normal(size=n)
    end = rng.exponential(8.0, size=n)
    time = (np.minimum(np.exp(log_time), end) + 0.001).round(4)
    grade = np.digitize(X @ [1.5, -1.0, 0.5] + rng.logistic(size=n), [-2.0, 0.0, 2.0])
    seen = np.exp(log_time) < end
    return X, {"time": time, "tied": time.round(0) + 1, "seen": seen, "grade": grade}


def accelerated(X, y):
    """Coefficients of log t, scale, medians and probabilities of three rows."""
    frame = pd.DataFrame(X, columns=["a", "b", "c"]).assign(T=y["time"], E=y["seen"])
    found = {}
    for name, (Fitter, location, scale) in FITTERS.items():
        fitter = Fitter()
        # Its own stopping rule leaves gradients of 1e-3.
        fitter._scipy_fit_method = "SLSQP"
        fitter.fit(frame, "T", "E", fit_options={"ftol": 1e-15, "maxiter": 1000})
        of_scale = float(np.exp(fitter.params_[scale]["Intercept"]))
        later = fitter.predict_survival_function(frame.iloc[:3], times=TIMES)
        found[name] = {
            "coef": [fitter.params_[location][feature] for feature in "abc"],
            "intercept": fitter.params_[location]["Intercept"],
            "sigma": of_scale if name == "log_normal" else 1.0 / of_scale,
            "median": fitter.predict_median(frame.iloc[:3]).tolist(),
            "survival": later.T.values.tolist(),
        }
    return found


def proportional(X, y):
    """Coefficients of the logarithm of the hazard, by Breslow's likelihood; probabilities."""
    found = {}
    for time in ("time", "tied"):
        model = CoxPHSurvivalAnalysis(ties="breslow", tol=1e-12)
        model.fit(X, Surv.from_arrays(y["seen"], y[time]))
        later = [[float(f(t)) for t in TIMES] for f in model.predict_survival_function(X[:3])]
        found[time] = {"coef": model.coef_.tolist(), "survival": later}
    return found


def ordered(X, y):
    """Coefficients and thresholds of the cumulative logit."""
    model = OrderedModel(y["grade"], X, distr="logit")
    found = model.fit(method="newton", maxiter=200, tol=1e-12, disp=0).params
    thresholds = model.transform_threshold_params(found)[1:-1]
    return {"coef": found[:3].tolist(), "thresholds": thresholds.tolist()}


def concordances(X, y):
    """Of predictions with ties, for times without and with."""
    risk = -(X @ [1.0, -0.3, 0.1]).round(0)
    return {t: concordance_index_censored(y["seen"], y[t], risk)[0] for t in ("time", "tied")}


PARTS = {
    "accelerated": accelerated,
    "proportional": proportional,
    "ordered": ordered,
    "concordance": concordances,
}

if __name__ == "__main__":
    X, y = draw()
    found = {name: part(X, y) for name, part in PARTS.items()}
    given = {"X": X.tolist(), **{name: column.tolist() for name, column in y.items()}}
    text = json.dumps({"data": given, "found": found}, indent=1)
    Path(__file__).with_suffix(".json").write_text(text + "\n")
