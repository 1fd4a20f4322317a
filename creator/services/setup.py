"""The first start: a workspace, its people, and a way in without a password."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from sesame.utils import get_query_string

from creator.models import Job, Membership, Story, User, Worker, Workspace
from creator.services import marking, publications, samples, stories
from moderation.services import active_policy

OWNER, MODERATOR = "owner", "moderator"
"""The people of a new installation; neither has a password until somebody sets one."""


@dataclass(frozen=True)
class Installation:
    """What the commands work with."""

    workspace: Workspace
    owner: User
    moderator: User


def ensure() -> Installation:
    """The default workspace with its people and its channel, made if this is the first start."""
    with transaction.atomic():
        workspace, _created = Workspace.objects.get_or_create(slug="studio", defaults={"name": "Studio"})
        owner = _person(workspace, OWNER, Membership.Role.ADMIN, superuser=True)
        moderator = _person(workspace, MODERATOR, Membership.Role.MODERATOR)
        publications.default_channel(workspace)
        active_policy(workspace.pk)
    marking.identity()
    return Installation(workspace, owner, moderator)


def _person(workspace: Workspace, name: str, role: str, *, superuser: bool = False) -> User:
    user, created = User.objects.get_or_create(
        username=name, defaults={"is_staff": True, "is_superuser": superuser, "first_name": name.capitalize()}
    )
    if created:
        user.set_unusable_password()
        user.save(update_fields=["password"])
    Membership.objects.get_or_create(workspace=workspace, user=user, defaults={"role": role})
    return user


def sign_in_link(user: User) -> str:
    """A link that signs a person in once, within a day."""
    return f"{settings.BASE_URL.rstrip('/')}/sign-in/link/{get_query_string(user)}"


def start_samples(installation: Installation) -> None:
    """Where there is no story yet, have the sample story make itself; where none was asked for, the sample library."""
    workspace = installation.workspace
    with transaction.atomic():
        if not Story.objects.in_workspace(workspace.pk).exists():
            start_sample_story(installation)
        if not Job.objects.filter(workspace=workspace, kind="draw_sample").exists():
            samples.submit_rest(workspace)


def start_sample_story(installation: Installation) -> Story:
    """Have the sample story make itself, its pictures first."""
    return stories.create(
        installation.workspace, by=installation.owner, article=samples.article(), name="article.md",
        formats=["video:9x16", "card:9x16", "card:1x1"], samples_first=True,
    )  # fmt: skip


def worker_is_up() -> bool:
    """Whether some worker said within the last quarter of a minute that it lives."""
    return Worker.objects.filter(seen__gte=timezone.now() - timedelta(seconds=15)).exists()
