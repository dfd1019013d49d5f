"""What the machine says of itself and of this program."""

import subprocess
import sys

import numpy as np
import pytest

from core import machine


def test_description_names_the_cores():
    assert machine.description().endswith(f", {machine.cores()} cores")
    assert machine.cores() >= 1


@pytest.mark.skipif(sys.platform != "linux", reason="other systems tell the largest size of a family")
@pytest.mark.heavy
def test_peak_memory_is_the_programs_own():
    """A process that a large one starts did not need what that one needed."""
    size = 400 << 20
    held = np.ones(size, np.uint8)
    assert machine.peak_memory() >= size
    script = "from core import machine; print(machine.peak_memory())"
    child = int(subprocess.run([sys.executable, "-c", script], capture_output=True, check=True).stdout)
    assert held.nbytes == size and 1 << 20 < child < size // 2


def test_largest_resident_is_no_less_than_the_own_peak():
    """By the system's other figure, in the same unit; pages that are counted late make a small difference."""
    assert machine._largest_resident() >= machine.peak_memory() * 0.9
