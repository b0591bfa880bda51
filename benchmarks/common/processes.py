"""Measurements that need a process of their own: peak memory."""

import json
import resource
import subprocess
import sys
from pathlib import Path

from benchmarks.common.timing import Failed

ROOT = Path(__file__).parents[2]


def peak_mb():
    """Largest resident memory so far, MB."""
    status = Path("/proc/self/status")
    if status.exists():
        # Where a process starts, that of getrusage is its parent's.
        (peak,) = [line for line in status.read_text().splitlines() if line.startswith("VmHWM")]
        return int(peak.split()[1]) * 1024 / 1e6
    in_bytes = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * in_bytes / 1e6


def in_a_process(module, *arguments, timeout):
    """What ``python -m module arguments`` prints as JSON, or Failed."""
    command = [sys.executable, "-m", module, *map(str, arguments)]
    try:
        run = subprocess.run(
            command, cwd=ROOT, capture_output=True, text=True, timeout=timeout, check=True
        )
    except subprocess.TimeoutExpired:
        return Failed("cut", timeout)
    except subprocess.CalledProcessError as error:
        print(error.stderr, file=sys.stderr)
        return Failed("error")
    return json.loads(run.stdout)
