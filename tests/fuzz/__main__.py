"""``python -m tests.fuzz``: many problems in several processes, and a report."""

import argparse
import faulthandler
import json
import os
import subprocess
import sys
import time
from collections import Counter

from tests.fuzz.drawn import drawn
from tests.fuzz.halves import HALVES
from tests.fuzz.runner import SECONDS, run_problem


def main():
    """Parse, run, report; exit status 1 if there was an anomaly."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--problems", type=int, default=10_000)
    parser.add_argument("--half", choices=sorted(HALVES), default="linear")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--only", type=int, help="one problem, by its number")
    parser.add_argument("--estimator", action="append", help="names of tests/registry.py")
    parser.add_argument("--share", type=int, nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.share:
        return work(options)
    if options.only is not None:
        problem, passed, anomalies = run_problem(
            options.seed, options.only, options.half, options.estimator
        )
        print(problem, "passed: " + ", ".join(passed), sep="\n")
        for check, text in anomalies:
            print(f"ANOMALY {check}: {text}")
        return int(bool(anomalies))
    return supervise(options)


def work(options):
    """A worker: problems first, first + step, ..; one line before and one after each."""
    first, step, stop = options.share
    for index in range(first, stop, step):
        print(json.dumps({"start": index}), flush=True)
        # Compiled code cannot be interrupted: end the process then.
        faulthandler.dump_traceback_later(20 * SECONDS, exit=True)
        problem, passed, anomalies = run_problem(
            options.seed, index, options.half, options.estimator
        )
        faulthandler.cancel_dump_traceback_later()
        line = {"index": index, "name": problem.name, "passed": passed, "anomalies": anomalies}
        line["drawn"] = drawn(problem)
        print(json.dumps({**line, "problem": str(problem)}), flush=True)
    return 0


def supervise(options):
    """Start workers, collect their lines, and start one again that died."""
    begin = time.monotonic()
    counts, checks, anomalies = Counter(), Counter(), []
    running = {k: start(options, k) for k in range(options.jobs)}
    while running:
        for k, worker in list(running.items()):
            line = worker.stdout.readline()
            if line:
                message = json.loads(line)
                worker.last = message.get("start", worker.last)
                if "index" in message:
                    note(options, message, counts, checks, anomalies)
                continue
            del running[k]
            if worker.wait():
                text = f"the process ended with status {worker.returncode}"
                entry = {"index": worker.last, "name": "?", "passed": [], "problem": ""}
                entry.update(drawn=[["estimator", "?"]], anomalies=[["end", text]])
                note(options, entry, counts, checks, anomalies)
                running[k] = start(options, worker.last + options.jobs)
    report(counts, checks, anomalies, time.monotonic() - begin)
    return int(bool(anomalies))


def start(options, first):
    threads = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
    command = [sys.executable, "-m", "tests.fuzz", "--half", options.half]
    command += ["--seed", str(options.seed), "--share"]
    command += [str(first), str(options.jobs), str(options.problems)]
    for name in options.estimator or ():
        command += ["--estimator", name]
    worker = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, **dict.fromkeys(threads, "1")},
    )
    worker.last = first
    return worker


def note(options, message, counts, checks, anomalies):
    """Count, and print what is wrong at once."""
    counts.update(map(tuple, message["drawn"]))
    checks.update(message["passed"])
    for check, text in message["anomalies"]:
        anomalies.append((message["name"], check))
        names = "".join(f" --estimator {name}" for name in options.estimator or ())
        print(f"ANOMALY {check}: {text}\n  {message['problem']}")
        which = f"--half {options.half} --seed {options.seed} --only {message['index']}"
        print(f"  python -m tests.fuzz {which}{names}")
        sys.stdout.flush()


def report(counts, checks, anomalies, seconds):
    """What was tried and what was wrong."""
    n_problems = sum(n for (what, _), n in counts.items() if what == "estimator")
    print(f"\n{n_problems} problems in {seconds:.0f} seconds")
    for what in dict.fromkeys(what for what, _ in counts):
        of_what = sorted((value, n) for (kind, value), n in counts.items() if kind == what)
        print(f"{what}: " + ", ".join(f"{value} {n}" for value, n in of_what))
    print("checks passed: " + ", ".join(f"{k} {v}" for k, v in sorted(checks.items())))
    for (name, check), n in sorted(Counter(anomalies).items()):
        print(f"anomalies: {name}, {check}: {n}")
    print(f"{len(anomalies)} anomalies")


if __name__ == "__main__":
    sys.exit(main())
