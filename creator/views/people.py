"""Who is asking."""

from __future__ import annotations

from django.http import Http404, HttpRequest

from creator.models import User


def person_of(request: HttpRequest) -> User:
    """The signed-in person, for what is written in their name."""
    if isinstance(request.user, User):
        return request.user
    raise Http404("Nobody is signed in.")
