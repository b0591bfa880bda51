"""Time to a gap: which tolerance it takes, then turns in one process.

The search for the tolerance happens in a child process with a limit on the CPU time of every
run, so that a package that takes forever, or crashes, does not end the benchmark.
"""

import multiprocessing
import resource
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from math import ceil

import numpy as np

from benchmarks.common.timing import Failed, cpu_time


@dataclass(frozen=True)
class Run:
    """One run: tolerance it was told, CPU seconds, gap that was left."""

    tol: float
    seconds: float
    gap: float


def time_to_gaps(competitors, problem, gaps, settings):
    """Yield (gap asked for, {name: seconds or Failed}, {name: what came back last}).

    ``settings`` have the CPU seconds a run may take, ``limit``, and the number of ``repeats``;
    what takes long is repeated only as often as the limit allows, at least once.
    """
    climbs = {name: _climb(c, problem, gaps, settings) for name, c in competitors.items()}
    for gap in gaps:
        results = {name: _cheapest(climb, gap, settings) for name, climb in climbs.items()}
        runs = {name: run for name, run in results.items() if isinstance(run, Run)}
        times, found = _take_turns(competitors, problem, runs, settings)
        results.update({name: float(np.median(seconds)) for name, seconds in times.items()})
        yield gap, results, found


def _take_turns(competitors, problem, runs, settings):
    """CPU seconds of every repeat, and the last results."""
    times, found = {name: [] for name in runs}, {}
    for turn in range(settings.repeats):
        for name, run in runs.items():
            if turn == 0 or (turn + 1) * run.seconds <= settings.limit:
                seconds, found[name] = cpu_time(competitors[name].solve, problem, run.tol)
                times[name].append(seconds)
    return times, found


def _cheapest(climb, gap, settings):
    """The first run, of the loosest tolerance, that left at most this gap, or why there is none."""
    runs, end = climb
    enough = next((run for run in runs if run.gap <= gap), None)
    if enough is not None:
        return enough
    if end == "cut":
        return Failed("cut", settings.limit)
    best = min((run.gap for run in runs), default=np.inf)
    return Failed(end or f"gap {best:.0e}")


def _climb(competitor, problem, gaps, settings):
    """(runs, why they ended early) down the ladder of tolerances, to the smallest gap."""
    if not competitor.is_installed:
        return [], "not installed"
    if not competitor.takes(problem):
        return [], "-"
    try:
        # Compiled here, so that the children have it too.
        competitor.solve(problem.small(), 1e-3)
    except Exception as error:
        _tell(competitor.solve, error)
        return [], "error"
    context = multiprocessing.get_context("fork")
    receiver, sender = context.Pipe(duplex=False)
    ladder = competitor.ladder(gaps)
    arguments = (sender, competitor, problem, ladder, gaps[-1], settings.limit)
    child = context.Process(target=_run_ladder, args=arguments)
    child.start()
    sender.close()
    runs = []
    with suppress(EOFError):
        # CPU time is limited; this is for a child that waits for something.
        while receiver.poll(10 * settings.limit + 60):
            runs.append(Run(*receiver.recv()))
    child.kill()
    child.join()
    is_done = runs and (runs[-1].gap <= gaps[-1] or runs[-1].tol == ladder[-1])
    if is_done or child.exitcode == 0:
        return runs, None
    return runs, "cut" if child.exitcode < 0 else "error"


def _run_ladder(sender, competitor, problem, ladder, goal, limit):
    """Body of the child: send (tol, seconds, gap) until the goal is reached.

    Ends when all runs together took twice the limit, too.
    """
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    most = resource.getrlimit(resource.RLIMIT_CPU)[1]
    for tol in ladder:
        resource.setrlimit(resource.RLIMIT_CPU, (ceil(time.process_time()) + limit, most))
        try:
            seconds, found = cpu_time(competitor.solve, problem, tol)
            gap = float(competitor.judge(problem, found))
        except Exception as error:
            _tell(competitor.solve, error)
            sys.exit(1)
        sender.send((tol, seconds, gap))
        if gap <= goal or time.process_time() > 2 * limit:
            return


def _tell(solve, error):
    print(f"{solve.__module__}.{solve.__name__}: {error!r}", file=sys.stderr)
