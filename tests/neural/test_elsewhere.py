"""Networks on a device that is not the CPU, in a process of their own."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT


def test_the_device_is_another():
    file = Path(__file__).with_name("on_elsewhere.py")
    command = [sys.executable, "-m", "pytest", "-q", "-rs", "-p", "no:cacheprovider", str(file)]
    # It is no worker of the run that it is part of.
    outside = {k: v for k, v in os.environ.items() if not k.startswith("PYTEST_")}
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env=outside)
    if "this torch cannot be told of a device by Python" in done.stdout:
        pytest.skip("this torch cannot be told of a device by Python")
    assert done.returncode == 0, done.stdout[-5000:]
    assert " passed" in done.stdout
