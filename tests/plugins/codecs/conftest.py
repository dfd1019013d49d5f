"""Every test that asks for ``subject`` runs once for each codec."""

import pytest

from .subjects import SUBJECTS


@pytest.fixture(scope="module", params=SUBJECTS)
def subject(request):
    return SUBJECTS[request.param]
