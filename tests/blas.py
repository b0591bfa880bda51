"""The suite under several kernels of OpenBLAS: ``python -m tests.blas Haswell Prescott -- -n 2``.

Numpy and scipy bring OpenBLAS, which picks its kernels by the processor; ``OPENBLAS_CORETYPE``
picks others, with other last bits. What stands after ``--`` goes to pytest.
"""

import json
import os
import subprocess
import sys

# A product in each library: a kernel that the processor does not take ends the process.
PROBE = """
import json
import numpy, scipy.linalg
from threadpoolctl import threadpool_info
A = numpy.ones((64, 64))
assert (A @ A == 64).all() and abs(scipy.linalg.blas.dgemm(1.0, A, A) - 64).max() == 0
found = [i for i in threadpool_info() if i["internal_api"] == "openblas"]
print(json.dumps(sorted({i["architecture"] for i in found})))
"""


def main(arguments):
    """Run pytest once for each kernel that really is another one; status 1 if a run failed."""
    cut = arguments.index("--") if "--" in arguments else len(arguments)
    names, options = arguments[:cut], arguments[cut + 1 :]
    results = {}
    for name in names:
        kernels = kernels_under(name)
        if kernels is None:
            print(f"{name}: not for this processor, or no OpenBLAS", flush=True)
        elif kernels in results:
            print(f"{name}: the same as {kernels}, which was run", flush=True)
        else:
            print(f"\n== OPENBLAS_CORETYPE={name}: {kernels} ==", flush=True)
            command = [sys.executable, "-m", "pytest", *options]
            results[kernels] = subprocess.run(command, env=environment(name)).returncode
    for kernels, status in results.items():
        print(f"{kernels}: {'passed' if status == 0 else f'failed (status {status})'}")
    return int(not results or any(results.values()))


def kernels_under(name):
    """Names of the kernels that numpy and scipy run under a setting; None if they do not."""
    command = [sys.executable, "-c", PROBE]
    probe = subprocess.run(command, env=environment(name), capture_output=True, text=True)
    found = json.loads(probe.stdout) if probe.returncode == 0 else []
    return ", ".join(found) or None


def environment(name):
    return {**os.environ, "OPENBLAS_CORETYPE": name}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
