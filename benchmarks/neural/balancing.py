"""A step of every balancing method, over the step with equal weights."""

from dataclasses import replace
from functools import partial

from benchmarks.common.report import Table, cell
from benchmarks.common.timing import Failed, in_turns
from benchmarks.neural import autojac, steps
from benchmarks.neural.problems import SETTINGS, wide

SPACES = ("shared", "last_shared", "representation")
PEER, PLAIN = "torchjd", "torchjd, plain"


def balancing(settings):
    """Tables of the methods that go by losses, and of those that go by gradients."""
    from skmtl.neural.balancing import BALANCING, LossBalancing

    chosen = {a: m for a, m in BALANCING.items() if settings.only is None or a in settings.only}
    by_losses = [a for a, m in chosen.items() if issubclass(m, LossBalancing)]
    by_gradients = [a for a in chosen if a not in by_losses]
    _losses(by_losses, settings)
    for n_tasks in settings.tasks:
        _gradients(by_gradients, n_tasks, settings)


def _setting():
    """Epochs of ten steps, of which the first is not counted."""
    return replace(SETTINGS["wide"], n_rows=2000, epochs=4)


def _losses(aliases, settings):
    columns = ["method", *(f"{n_tasks} tasks" for n_tasks in settings.tasks)]
    title = f"Balancing by losses, {_setting()}: microseconds a step (over equal weights)"
    table = Table(title, columns, markdown=settings.markdown) if aliases else None
    for alias in aliases:
        row = []
        for n_tasks in settings.tasks:
            calls = {"equal": _step("equal", n_tasks, settings)}
            if alias != "equal":
                calls["method"] = _step(alias, n_tasks, settings)
            *base, result = in_turns(calls, repeats=settings.repeats, limit=settings.limit).values()
            row.append(cell(result, *base))
        table.row(alias, *row)


def _gradients(aliases, n_tasks, settings):
    """A table with a column a space, and torchjd over its own step with the sum of losses."""
    from skmtl.neural.balancing import BALANCING

    title = (
        f"Balancing by gradients, {n_tasks} tasks, {_setting()}: microseconds a step (over equal "
        "weights; torchjd over its own plain step)"
    )
    columns = ["method", "equal", *SPACES, PLAIN, PEER]
    table = Table(title, columns, markdown=settings.markdown) if aliases else None
    for alias in aliases:
        calls = {"equal": _step("equal", n_tasks, settings)}
        for space in _spaces(BALANCING[alias]):
            calls[space] = _step(BALANCING[alias](conflict_space=space), n_tasks, settings)
        calls |= _torchjd(alias, n_tasks, settings)
        found = in_turns(calls, repeats=settings.repeats, limit=settings.limit)
        missing = Failed("-")
        base, plain = found["equal"], found.get(PLAIN, missing)
        spaces = [cell(found.get(space, missing), base) for space in SPACES]
        table.row(alias, cell(base), *spaces, cell(plain), cell(found.get(PEER, missing), plain))


def _step(method, n_tasks, settings):
    """A call that returns the microseconds of a step of skmtl."""
    setting = _setting()
    X, Y = wide(setting.n_rows, n_tasks, settings.seed)
    return partial(
        steps.microseconds, setting, X, Y, seed=settings.seed, limit=settings.limit,
        balancing=method,
    )  # fmt: skip


def _torchjd(alias, n_tasks, settings):
    """Calls for its plain step and for its step with the method."""
    if PEER not in settings.peers:
        return {}
    if not autojac.is_installed():
        return {PEER: Failed("not installed")}
    if alias not in autojac.AGGREGATORS:
        return {}
    setting = _setting()
    X, Y = wide(setting.n_rows, n_tasks, settings.seed)

    def call(alias):
        aggregate = None if alias is None else autojac.aggregator(alias, n_tasks)
        return autojac.microseconds(
            setting, X, Y, aggregate, seed=settings.seed, limit=settings.limit
        )

    return {PLAIN: partial(call, None), PEER: partial(call, alias)}


def _spaces(method):
    """The spaces that a method takes, in order."""
    from skmtl.neural.balancing import JacobianBalancing

    options = set(method._parameter_constraints["conflict_space"][0].options)
    if issubclass(method, JacobianBalancing):
        # It would leave the layers below without a direction.
        options.discard("last_shared")
    return [space for space in SPACES if space in options]
