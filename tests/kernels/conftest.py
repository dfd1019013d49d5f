"""The library of kernels for tests: built once into the user's cache, put back to unused after each test."""

import pytest

from core.kernels import library


@pytest.fixture
def kernels():
    """The library in use on two threads; skips where it cannot be built."""
    possible, detail = library.available()
    if not possible:
        pytest.skip(detail)
    library.use(2)
    yield library
    library.stop_using()
