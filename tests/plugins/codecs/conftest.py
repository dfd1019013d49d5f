"""Every test that asks for ``case`` runs once for each codec."""

import pytest

from .cases import CASES


@pytest.fixture(scope="module", params=CASES)
def case(request):
    return CASES[request.param]
