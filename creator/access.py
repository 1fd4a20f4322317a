"""Who may do what. Every page and route starts with one of these: it returns the thing, or raises 404."""

from __future__ import annotations

from functools import cache
from typing import Literal
from uuid import UUID

from django.contrib.auth.models import AnonymousUser
from django.db.models import Case, When
from django.http import Http404

from creator.models import Collection, Job, Membership, ReviewLink, Story, Upload, User, Workspace
from media_processing.models import Asset
from moderation.models import Proposal, Review

Right = Literal["see", "edit", "review", "publish", "manage"]
Role = Membership.Role


@cache
def rights_of(role: str) -> frozenset[str]:
    """What a role may do in its workspace."""
    return frozenset(
        {
            Role.EDITOR: ("see", "edit", "publish"),
            Role.MODERATOR: ("see", "review"),
            Role.ADMIN: ("see", "edit", "review", "publish", "manage"),
        }[Role(role)]
    )


def membership_of(user: User | AnonymousUser) -> Membership:
    """The membership in force: of the workspace that the person opened last, else of their first. Else raises 404."""
    if user.is_authenticated:
        theirs = user.memberships.select_related("workspace")
        chosen = Case(When(workspace=user.workspace_id, then=0), default=1)
        membership = theirs.order_by(chosen, "id").first()
        if membership is not None and user.is_active:
            return membership
    raise Http404("No workspace.")


def may(user: User | AnonymousUser, right: Right) -> bool:
    """Whether a person has a right in their workspace."""
    try:
        return right in rights_of(membership_of(user).role)
    except Http404:
        return False


def runs_installation(user: User | AnonymousUser) -> bool:
    """Whether a person may see what is of all workspaces."""
    return user.is_authenticated and user.is_active and user.is_superuser


def require_running(user: User | AnonymousUser) -> None:
    """Raise 404 for anybody who doesn't run the installation."""
    if not runs_installation(user):
        raise Http404("No such page.")


def workspace_for(user: User | AnonymousUser, *, to: Right = "see") -> Workspace:
    """The person's workspace, if they may do that in it."""
    membership = membership_of(user)
    if to not in rights_of(membership.role):
        raise Http404("Not allowed.")
    return membership.workspace


def story_for(user: User | AnonymousUser, story_id: UUID | str, *, to: Right = "see") -> Story:
    """A story of the person's workspace."""
    found = Story.objects.in_workspace(workspace_for(user, to=to).pk).filter(pk=story_id).first()
    if found is None:
        raise Http404("No such story.")
    return found


def asset_for(user: User | AnonymousUser, asset_id: UUID | str, *, to: Right = "see") -> Asset:
    """An asset of the person's workspace."""
    found = Asset.objects.in_workspace(workspace_for(user, to=to).pk).filter(pk=asset_id).first()
    if found is None:
        raise Http404("No such asset.")
    return found


def collection_for(user: User | AnonymousUser, collection_id: int, *, to: Right = "see") -> Collection:
    """A collection of the person's workspace."""
    found = Collection.objects.filter(workspace=workspace_for(user, to=to), pk=collection_id).first()
    if found is None:
        raise Http404("No such collection.")
    return found


def job_for(user: User | AnonymousUser, job_id: int, *, to: Right = "see") -> Job:
    """A job of the person's workspace."""
    found = Job.objects.filter(workspace=workspace_for(user, to=to), pk=job_id).first()
    if found is None:
        raise Http404("No such job.")
    return found


def upload_for(user: User | AnonymousUser, upload_id: UUID | str) -> Upload:
    """A file that the person is sending."""
    workspace = workspace_for(user, to="edit")
    found = Upload.objects.select_related("job").filter(workspace=workspace, person_id=user.pk, pk=upload_id).first()
    if found is None:
        raise Http404("No such upload.")
    return found


def review_for(user: User | AnonymousUser, review_id: int) -> Review:
    """A case that the person may review."""
    found = Review.objects.in_workspace(workspace_for(user, to="review").pk).filter(pk=review_id).first()
    if found is None:
        raise Http404("No such case.")
    return found


def proposal_for(user: User | AnonymousUser, proposal_id: int) -> Proposal:
    """A proposal that the person may agree to."""
    found = Proposal.objects.filter(workspace=workspace_for(user, to="review"), pk=proposal_id).first()
    if found is None:
        raise Http404("No such proposal.")
    return found


def shared_story_for(token: str) -> ReviewLink:
    """The link, with its story, that somebody without an account holds. It opens this story and nothing else."""
    found = ReviewLink.objects.valid().with_token(token).select_related("story").first()
    if found is None:
        raise Http404("No such link.")
    return found
