"""Who looks at the pages."""

from __future__ import annotations

import pytest
from django.test import Client

from creator.models import Story, User
from tests.conftest import Cast
from tests.factories import finished_story


def browser_of(user: User) -> Client:
    """A signed-in browser that obeys CSRF as a real one must not: the checks are Django's own and tested there."""
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def story(cast: Cast) -> Story:
    """A finished draft of Alice's."""
    return finished_story(cast.workspace, cast.alice)


@pytest.fixture
def author(cast: Cast) -> Client:
    return browser_of(cast.alice)


@pytest.fixture
def colleague(cast: Cast) -> Client:
    return browser_of(cast.bob)


@pytest.fixture
def moderator(cast: Cast) -> Client:
    return browser_of(cast.mo)


@pytest.fixture
def admin(cast: Cast) -> Client:
    return browser_of(cast.ada)


@pytest.fixture
def stranger(cast: Cast) -> Client:
    return browser_of(cast.charlie)
