"""Other packages at their defaults: {name: what makes a fresh estimator for a set}.

Forests have 200 trees, 100 from 100 features on. CatBoost has its 1000 iterations; in classes 300
where features times tasks are above 150, which its default learning rate, unlike that of several
targets at once, makes up for. One thread each.
"""

import numpy as np
from sklearn.compose import make_column_transformer
from sklearn.ensemble import (
    ExtraTreesClassifier,
    ExtraTreesRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.linear_model import LogisticRegression, RidgeCV
from sklearn.multioutput import MultiOutputRegressor
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

ALPHAS = np.logspace(-3, 4, 15)


def ridge(data=None):
    return RidgeCV(ALPHAS)


def n_trees(data):
    return 200 if data.X.shape[1] < 100 else 100


def n_iterations(data):
    return 1000 if data.X.shape[1] * data.Y.shape[1] <= 150 else 300


def xgboost(data):
    from xgboost import XGBRegressor

    return XGBRegressor(n_jobs=1, random_state=0)


def lightgbm(data):
    from lightgbm import LGBMRegressor

    return MultiOutputRegressor(LGBMRegressor(n_jobs=1, random_state=0, verbose=-1))


def catboost(data):
    from catboost import CatBoostRegressor

    loss = "MultiRMSE" if data.Y.shape[1] > 1 else "RMSE"
    return CatBoostRegressor(
        loss_function=loss,
        thread_count=1,
        random_seed=0,
        verbose=0,
        allow_writing_files=False,
    )


REGRESSION = {
    "ridge": ridge,
    "kNN": lambda data: KNeighborsRegressor(),
    "MLP": lambda data: MLPRegressor(random_state=0),
    "ExtraTrees": lambda data: ExtraTreesRegressor(n_trees(data), random_state=0),
    "RF": lambda data: RandomForestRegressor(n_trees(data), random_state=0),
    "XGBoost": xgboost,
    "LightGBM": lightgbm,
    "CatBoost": catboost,
}


class Apart:
    """A classifier per task, on the rows that have its label; constant where they are all alike."""

    def __init__(self, make):
        self.make = make

    def fit(self, X, Y):
        self.models_ = []
        for y in Y.T:
            rows = ~np.isnan(y)
            one_class = len(np.unique(y[rows])) < 2
            self.models_.append(
                float(y[rows].mean()) if one_class else self.make().fit(X[rows], y[rows])
            )
        return self

    def predict_proba(self, X):
        return np.column_stack(
            [
                np.full(len(X), model) if isinstance(model, float) else model.predict_proba(X)[:, 1]
                for model in self.models_
            ]
        )


def apart(make):
    return lambda data: Apart(lambda: make(data))


def catboost_classifier(data):
    from catboost import CatBoostClassifier

    return CatBoostClassifier(
        iterations=n_iterations(data),
        thread_count=1,
        random_seed=0,
        verbose=0,
        allow_writing_files=False,
    )


def lightgbm_classifier(data):
    from lightgbm import LGBMClassifier

    return LGBMClassifier(n_jobs=1, random_state=0, verbose=-1)


def xgboost_classifier(data):
    from xgboost import XGBClassifier

    return XGBClassifier(n_jobs=1, random_state=0)


CLASSIFICATION = {
    "logistic": apart(lambda data: LogisticRegression(max_iter=1000)),
    "kNN": apart(lambda data: KNeighborsClassifier()),
    "MLP": apart(lambda data: MLPClassifier(random_state=0)),
    "ExtraTrees": apart(lambda data: ExtraTreesClassifier(n_trees(data), random_state=0)),
    "RF": apart(lambda data: RandomForestClassifier(n_trees(data), random_state=0)),
    "XGBoost": apart(xgboost_classifier),
    "LightGBM": apart(lightgbm_classifier),
    "CatBoost": apart(catboost_classifier),
}


# Long form: the task is column 0.


def one_hot(model):
    """The columns of X, and one per task."""

    def make(data):
        tasks = OneHotEncoder(categories=[np.arange(float(data.n_tasks))], sparse_output=False)
        columns = make_column_transformer((tasks, [0]), remainder="passthrough")
        return make_pipeline(columns, model(data))

    return make


def pooled(model):
    """Blind to tasks."""

    def make(data):
        columns = make_column_transformer(("drop", [0]), remainder="passthrough")
        return make_pipeline(columns, model(data))

    return make


class PerTask:
    """A ridge per task, the mean of all tasks for one without rows."""

    def fit(self, X, y):
        self.mean_, self.models_ = y.mean(), {}
        for t in np.unique(X[:, 0]):
            rows = X[:, 0] == t
            self.models_[t] = ridge().fit(X[rows, 1:], y[rows])
        return self

    def predict(self, X):
        found = np.full(len(X), self.mean_)
        for t, model in self.models_.items():
            rows = X[:, 0] == t
            if rows.any():
                found[rows] = model.predict(X[rows, 1:])
        return found


class RandomIntercept:
    r"""Linear mixed model with an intercept per task, by maximum likelihood.

    With :math:`b_t \sim N(0, \theta \sigma^2)`, the profile deviance over the variance ratio
    :math:`\theta` is :math:`n \log(\mathrm{RSS}_\theta) + \sum_t \log(1 + n_t \theta)` (Bates et
    al., J. Stat. Software 67, 2015, section 3.4); the best of a grid.
    """

    def fit(self, X, y):
        task, D = X[:, 0].astype(int), np.column_stack([np.ones(len(X)), X[:, 1:]])
        counts = np.bincount(task)
        means = [np.bincount(task, column) / np.maximum(counts, 1) for column in (*D.T, y)]
        best = np.inf
        for theta in np.r_[0.0, np.logspace(-4, 2, 25)]:
            # Subtracting this share of task means whitens the rows of a task.
            share = 1 - 1 / np.sqrt(1 + counts * theta)
            *columns, z = (v - share[task] * m[task] for v, m in zip((*D.T, y), means, strict=True))
            coef = np.linalg.lstsq(np.column_stack(columns), z, rcond=None)[0]
            rss = ((z - np.column_stack(columns) @ coef) ** 2).sum()
            deviance = len(y) * np.log(rss) + np.log1p(counts * theta).sum()
            if deviance < best:
                best, self.coef_, chosen = deviance, coef, theta
        residual = np.bincount(task, y - D @ self.coef_)
        self.offsets_ = chosen * residual / (1 + counts * chosen)
        return self

    def predict(self, X):
        task = X[:, 0].astype(int)
        offsets = np.where(
            task < len(self.offsets_), self.offsets_[np.minimum(task, len(self.offsets_) - 1)], 0.0
        )
        return np.column_stack([np.ones(len(X)), X[:, 1:]]) @ self.coef_ + offsets


def categorical_lightgbm(data):
    from lightgbm import LGBMRegressor

    return LGBMRegressor(n_jobs=1, random_state=0, verbose=-1, categorical_feature=[0])


LONG_FORM = {
    "one-hot ridge": one_hot(ridge),
    "pooled ridge": pooled(ridge),
    "ridge per task": lambda data: PerTask(),
    "mixed model": lambda data: RandomIntercept(),
    "one-hot RF": one_hot(lambda data: RandomForestRegressor(100, random_state=0)),
    "ExtraTrees": lambda data: ExtraTreesRegressor(200, random_state=0),
    "LightGBM": categorical_lightgbm,
    "one-hot MLP": one_hot(lambda data: MLPRegressor(random_state=0)),
}
LONG_FORM_CLASSES = {
    "one-hot logistic": one_hot(lambda data: LogisticRegression(max_iter=1000)),
    "pooled logistic": pooled(lambda data: LogisticRegression(max_iter=1000)),
    "RF": lambda data: RandomForestClassifier(200, random_state=0),
    "LightGBM": lightgbm_classifier,
}
