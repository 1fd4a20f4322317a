"""What most tests of services begin with."""

from __future__ import annotations

import pytest
from django.test import Client

from creator.models import Story
from tests.conftest import Cast
from tests.factories import finished_story


@pytest.fixture
def story(cast: Cast) -> Story:
    """A finished draft of Alice's, with one card."""
    return finished_story(cast.workspace, cast.alice, formats=("card:1x1",))


@pytest.fixture
def author(cast: Cast) -> Client:
    """Alice's browser."""
    client = Client()
    client.force_login(cast.alice)
    return client
