"""One warm process collects the tests; a fork of it tries one change and ends."""

import gc
import json
import os
import resource
import select
import signal
import time
from collections import Counter
from pathlib import Path

import coverage
from hypothesis import Phase, settings

from tests.mutation.live import functions_by_file, put
from tests.nearest import ROOT

SLOWER = 6.0
"""Times that a test may take longer than without the change: then it hangs, and has noticed."""
MAX_MEMORY = 16 << 30


class MutationRun:
    """A plugin that takes the place of pytest's loop over the tests."""

    def __init__(self, mutants, cap, out=None):
        self.mutants = mutants
        self.cap = cap
        self.out = Path(out) if out else None
        self.failed = None

    def pytest_collection(self):
        # A failure is enough; a smaller example of it is not looked for.
        phases = [Phase.explicit, Phase.generate]
        settings.register_profile(
            "mutation", deadline=None, derandomize=True, database=None, phases=phases
        )
        settings.load_profile("mutation")

    def pytest_runtest_logreport(self, report):
        if report.failed:
            self.failed = report.nodeid

    def pytest_runtestloop(self, session):
        self.items = {item.nodeid: item for item in session.items}
        self.seconds, failing, self.reached = in_fork(self.measure)
        for test in failing:
            print(f"{test} fails without a change and is left out")
            del self.items[test]
        self.functions = functions_by_file(ROOT / "skmtl")
        gc.freeze()  # A collection in a fork would copy all of this process.
        done = [] if self.out is None or not self.out.exists() else self.out.read_text().split("\n")
        rows = [json.loads(line) for line in done if line]
        known = {row["key"] for row in rows}
        rows += [self.judge(mutant) for mutant in self.mutants if mutant.key not in known]
        report([row for row in rows if row["key"] in {m.key for m in self.mutants}])
        return True

    def passes(self, test, following=None):
        self.failed = None
        item = self.items[test]
        item.config.hook.pytest_runtest_protocol(item=item, nextitem=self.items.get(following))
        return self.failed is None

    def measure(self):
        """Seconds of each test, those that fail, and the tests that reach a line."""
        folders = sorted({str((ROOT / mutant.path).parent) for mutant in self.mutants})
        cover = coverage.Coverage(data_file=None, source=folders, config_file=False, messages=False)
        cover.start()
        seconds, failing, order = {}, [], list(self.items)
        for test, following in zip(order, [*order[1:], None], strict=True):
            cover.switch_context(test)
            start = time.process_time()
            if not self.passes(test, following):
                failing.append(test)
            seconds[test] = time.process_time() - start
        cover.stop()
        return seconds, failing, reached_lines(cover.get_data(), order)

    def judge(self, mutant):
        """A row of the results: whether a test notices one change."""
        tests = self.tests_of(mutant)
        status, by, n_run = "unreached", None, 0
        if tests:
            limit = 60.0 + 60.0 * sum(self.seconds[test] for test in tests)
            found = in_fork(lambda: self.attempt(mutant, tests), limit)
            status, by, n_run = found or ("hangs", None, 0)
        row = {
            "key": mutant.key,
            "place": f"{mutant.path}:{mutant.lines[0]}",
            "status": status,
            "by": by,
            "tests": f"{n_run}/{len(tests)}",
            "before": mutant.before[:200],
            "after": mutant.after[:200],
        }
        if self.out is not None:
            with self.out.open("a") as file:
                file.write(json.dumps(row) + "\n")
        return row

    def attempt(self, mutant, tests):
        """In a fork: what becomes of the tests."""
        resource.setrlimit(resource.RLIMIT_AS, (MAX_MEMORY, MAX_MEMORY))
        try:
            if not put(mutant, ROOT, self.functions):
                return "out of reach", None, 0
        except Exception as error:
            return "no code", repr(error)[:100], 0
        for n_run, test in enumerate(tests, 1):
            signal.setitimer(signal.ITIMER_PROF, SLOWER * self.seconds[test] + 4.0)
            if not self.passes(test):
                return "noticed", test, n_run
        return "survived", None, len(tests)

    def tests_of(self, mutant):
        """Tests that reach the change, the fastest first, within the cap."""
        spans = [mutant.lines, (mutant.statement.lineno, mutant.statement.end_lineno)]
        owner = mutant.owners[-1] if mutant.owners else None
        at_import = not mutant.in_function or mutant.lines[0] < owner.body[0].lineno
        if at_import:
            # What ran at import is for all that its function, class or module reaches.
            spans = [(owner.lineno, owner.end_lineno)] if owner else []
            spans.append((1, 10**6))
        found = []
        for first, last in spans:
            found = found or self.reaching(mutant.path, first, last)
        if at_import:
            # A constant may be read by tests that reach no line near it.
            others = set(self.items) - set(found)
            found = found + sorted(others, key=self.seconds.get)
        total, kept = 0.0, []
        for test in found:
            total += self.seconds[test]
            if kept and total > self.cap:
                break
            kept.append(test)
        return kept

    def reaching(self, path, first, last):
        lines = self.reached.get(path, {})
        tests = {test for n, some in lines.items() if first <= int(n) <= last for test in some}
        names = list(self.seconds)
        found = {names[test] for test in tests} & set(self.items)
        return sorted(found, key=self.seconds.get)


def reached_lines(data, order):
    """Places of tests in their order, by file and line."""
    place = {test: i for i, test in enumerate(order)}
    return {
        str(Path(file).relative_to(ROOT)): {
            line: [place[test] for test in tests if test in place]
            for line, tests in data.contexts_by_lineno(file).items()
        }
        for file in data.measured_files()
    }


def in_fork(function, limit=None):
    """What a function returns in a fork of this process; None where it dies or hangs."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        silence = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2):
            os.dup2(silence, stream)
        result = json.dumps(function())
        with os.fdopen(write, "w") as pipe:
            pipe.write(result)
        os._exit(0)
    os.close(write)
    with os.fdopen(read) as pipe:
        if not select.select([pipe], [], [], limit)[0]:
            os.kill(child, signal.SIGKILL)
        told = pipe.read()
    os.waitpid(child, 0)
    return json.loads(told) if told else None


def report(rows):
    """Print what no test has noticed, and the share that some test has."""
    counts = Counter(row["status"] for row in rows)
    for row in rows:
        if row["status"] in ("survived", "unreached", "out of reach"):
            print(f"{row['key']} {row['place']} {row['status']} ({row['tests']} tests)")
            print(f"    {row['before']}\n -> {row['after']}")
    noticed = counts["noticed"] + counts["hangs"] + counts["no code"]
    judged = noticed + counts["survived"] + counts["unreached"]
    print(dict(counts))
    if judged:
        share = noticed / judged
        error = (share * (1 - share) / judged) ** 0.5
        print(f"noticed: {noticed} of {judged}, {share:.1%} +- {error:.1%}")
