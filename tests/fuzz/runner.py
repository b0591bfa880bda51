"""One problem after the other: fit, check, note what is wrong, go on."""

import contextlib
import signal
import traceback
import warnings
from pathlib import Path

import numpy as np
from scipy.linalg import LinAlgWarning

from tests.fuzz.answers import ASKED
from tests.fuzz.checks import ALONE
from tests.fuzz.draws import draw
from tests.fuzz.growth import GROWN
from tests.fuzz.outcome import asked
from tests.fuzz.problem import LEND_NUMBERS
from tests.fuzz.refusals import is_refusal
from tests.fuzz.relations import BETWEEN
from tests.fuzz.surroundings import Surroundings
from tests.fuzz.tools import TOOLS

SECONDS = 60
SHARE, OF_TOOLS = 0.3, 0.15
"""Of the checks that take more fits; each problem has some of them."""
PACKAGE = str(Path(__file__).resolve().parents[2] / "skmtl")


class Hang(Exception):
    """A problem took longer than it may."""


def run_problem(seed, index, half="linear", only=None):
    """Problem, checks that passed, and anomalies as (check, text)."""
    problem = draw(seed, index, half, only)
    passed, anomalies = [], []
    outcome = _try(problem, "fit", lambda: fit_in_peace(problem), passed, anomalies)
    further = {**BETWEEN, **GROWN, **TOOLS}
    share = np.repeat([SHARE, OF_TOOLS], [len(further) - len(TOOLS), len(TOOLS)])
    picked = np.random.default_rng([seed, index, 0]).random(len(further)) < share
    some = {name: further[name] for name, is_in in zip(further, picked, strict=True) if is_in}
    for name, check in {**ALONE, **ASKED, **some}.items():
        if outcome is None:
            break
        _try(problem, name, lambda check=check: check(outcome), passed, anomalies)
    return problem, passed, anomalies


def fit_in_peace(problem):
    """Fit with a look at what is around."""
    X, y, weight = problem.given_X, problem.given_y, problem.given_weight
    estimator = problem.estimator()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        around = Surroundings(X, y, weight)
        estimator.fit(X, y, **weight)
        outcome = asked(problem, estimator, caught)
        changed = around.changed()
    if changed:
        raise AssertionError(f"fit changed {', '.join(changed)}")
    odd = [w for w in outcome.caught if is_odd(problem, w)]
    if odd:
        raise AssertionError(
            f"{odd[0].category.__name__} from {odd[0].filename}:{odd[0].lineno}: {odd[0].message}"
        )
    return outcome


def is_odd(problem, warning):
    """Whether a warning is none of those that are said on purpose."""
    if issubclass(warning.category, LinAlgWarning | RuntimeWarning):
        # What an estimator of scikit-learn computes is its own affair, and what numpy does for it.
        sums = "fromnumeric" in warning.filename and problem.name in LEND_NUMBERS
        is_theirs = "sklearn" in warning.filename or sums
        return not is_theirs and "are taken" not in str(warning.message)
    return issubclass(warning.category, DeprecationWarning | FutureWarning) and (
        warning.filename.startswith(PACKAGE)
    )


def _try(problem, name, action, passed, anomalies):
    """Result of an action; what goes wrong in it is noted, a refusal that is allowed is not."""
    try:
        with time_limit(SECONDS), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            result = action()
    except Hang:
        anomalies.append((name, f"took more than {SECONDS} seconds"))
    except AssertionError as error:
        anomalies.append((name, f"{error}"))
    except Exception as error:
        if is_refusal(problem, error):
            passed.append("refused")
            return None
        where = traceback.extract_tb(error.__traceback__)[-1]
        text = f"{type(error).__name__}: {error} ({Path(where.filename).name}:{where.lineno})"
        anomalies.append((name, text))
    else:
        # Some have nothing to ask of a problem, and some say what they could do besides.
        passed.extend([name] if result is not False else [])
        passed.extend([result] if isinstance(result, str) else [])
        return result
    return None


@contextlib.contextmanager
def time_limit(seconds):
    """Raise `Hang` in the main thread after so many seconds of work: a busy machine is no hang."""

    def stop(*_):
        raise Hang

    before = signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)
