"""A small run of what `make api-fuzz` does at length."""

from __future__ import annotations

import pytest

from tests.api import fuzz


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_api_does_what_its_document_says() -> None:
    """Every route, valid and invalid requests, and a few chains of them."""
    assert fuzz.run(3, phases="examples,fuzzing,stateful") == 0
