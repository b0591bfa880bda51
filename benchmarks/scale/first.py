"""The first fit ever, which compiles what it needs; the first of a later process; and one after it.

300 rows, 20 features, 4 tasks; of mixed tasks half are classes, of sparse X 30 % are not 0. CPU
seconds of `fit`, after the imports, each first one in a process of its own with a cache of compiled
code of its own; the median over ``--rounds``.
"""

import os
import subprocess
import sys
import tempfile

import numpy as np

from benchmarks.common.report import Table

ESTIMATORS = {
    "MultiTaskLasso": "MultiTaskLasso(alpha=0.1)",
    "MultiTaskLassoCV": "MultiTaskLassoCV(cv=3)",
    'MultiTaskLinear("l21")': 'MultiTaskLinear("l21", alpha=0.1)',
    'MultiTaskLinearClassifier("l2")': 'MultiTaskLinearClassifier("l2", alpha=0.01)',
    'MultiTaskLinearClassifier("l21")': 'MultiTaskLinearClassifier("l21", alpha=0.01)',
    'MultiTaskLinearClassifier("l21"), sparse X': 'MultiTaskLinearClassifier("l21", alpha=0.01)',
    'MultiTaskLinearClassifier("l21"), long': (
        'MultiTaskLinearClassifier("l21", alpha=0.01, task_feature=-1)'
    ),
    'MultiTaskLinearClassifierCV("l21")': 'MultiTaskLinearClassifierCV("l21", cv=3)',
    'MultiTaskLinear("l21"), mixed tasks': 'MultiTaskLinear("l21", alpha=0.01)',
    "MultiTaskMLP": "MultiTaskMLP(max_iter=20)",
    "MultiTaskMLP, classes": "MultiTaskMLPClassifier(max_iter=20)",
}
CODE = """
import time, warnings
import numpy as np
import scipy.sparse
import skmtl
warnings.simplefilter("ignore")
rng = np.random.default_rng({seed})
X = rng.normal(size=(300, 20))
Y = X[:, :3] @ rng.normal(size=(3, 4)) + rng.normal(size=(300, 4))
if "Classifier" in {estimator!r}:
    Y = (Y > 0).astype(int)
if "mixed" in {name!r}:
    Y[:, 1::2] = Y[:, 1::2] > 0
if "sparse" in {name!r}:
    X = scipy.sparse.csr_array(np.where(rng.random(X.shape) < 0.3, X, 0))
if "long" in {name!r}:
    X, Y = np.column_stack([X, np.arange(len(X)) % 4]), Y[:, 0]
model = skmtl.{estimator}
for _ in range(2):
    start = time.process_time()
    model.fit(X, Y)
    print(time.process_time() - start)
"""


def seconds(name, estimator, seed):
    """Of the first fit ever, the first of another process, and one after it."""
    code = CODE.format(name=name, estimator=estimator, seed=seed)
    with tempfile.TemporaryDirectory() as folder:
        environment = os.environ | {"NUMBA_CACHE_DIR": folder}
        command = [sys.executable, "-c", code]
        ever, process = (
            subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
            for _ in range(2)
        )
    return float(ever.stdout.split()[0]), *map(float, process.stdout.split())


def main(settings):
    """Print a table of the estimators that compile most."""
    table = Table(
        "The first fit: CPU seconds",
        ["estimator", "ever", "of a process", "later"],
        markdown=settings.markdown,
    )
    for name, estimator in ESTIMATORS.items():
        every = [seconds(name, estimator, settings.seed) for _ in range(settings.rounds)]
        ever, process, later = np.median(every, axis=0)
        table.row(name, f"{ever:.1f}", f"{process:.2f}", f"{later:.3f}")
