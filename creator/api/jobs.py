"""Background work of the workspace: what is being made, and how far it is."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, Literal
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from ninja import Path, Query, Router, Schema
from pydantic import Field

from creator import jobs
from creator.api.caching import conditional
from creator.api.contract import TAGGED, answers, sent
from creator.api.cursors import PageQuery, cursor, place_of
from creator.api.keys import ChannelKey, key_of
from creator.models import ApiKey, Job
from creator.services.digests import digest_of

READ, WRITE = ChannelKey("jobs:read", "stories:write"), ChannelKey("stories:write")
router = Router(tags=["jobs"], auth=READ)

if TYPE_CHECKING:
    State = str
else:
    State = Literal[tuple(Job.State.values)]
Number = Path[Annotated[int, Field(ge=1, le=2**63 - 1)]]


class JobState(Schema):
    """A piece of background work."""

    id: int
    kind: str
    story: UUID | None
    state: State
    step: str
    progress: float = Field(description="0 to 1.")
    error: str
    next_step: str = Field(description="What to do about the error.")
    created: datetime
    finished: datetime | None


class JobList(Schema):
    """A page of jobs, the newest first."""

    items: list[JobState]
    next: str | None = None


class JobQuery(PageQuery):
    """What the list may be asked for."""

    state: State | None = None
    story: UUID | None = None


def told(job: Job) -> dict[str, Any]:
    """What is told of a job."""
    names = ("id", "kind", "state", "step", "progress", "error", "next_step", "created", "finished")
    values = {name: getattr(job, name) for name in names}
    return JobState(**values, story=job.story_id).model_dump(mode="json")


def _job_of(key: ApiKey, job_id: int) -> Job:
    found = Job.objects.filter(workspace=key.channel.workspace_id, pk=job_id).first()
    if found is None:
        raise Http404
    return found


@router.get("", response=answers(JobList), summary="List jobs", openapi_extra=TAGGED)
def list_jobs(request: HttpRequest, query: Query[JobQuery]) -> HttpResponse:
    """The workspace's jobs, the newest first. Scope: jobs:read or stories:write."""
    workspace = key_of(request).channel.workspace_id
    rows = Job.objects.filter(workspace=workspace)
    if query.state:
        rows = rows.filter(state=query.state)
    if query.story:
        rows = rows.filter(story=query.story)
    of = digest_of(workspace, query.state, query.story)[:16]
    if query.cursor:
        rows = rows.filter(pk__lt=place_of(query.cursor, of=of)[0])
    found = [told(job) for job in rows.order_by("-pk")[: query.limit + 1]]
    page, more = found[: query.limit], len(found) > query.limit

    def body() -> str:
        last = cursor(page[-1]["id"], of=of) if more else None
        return JobList(items=[JobState(**each) for each in page], next=last).model_dump_json()

    return conditional(request, ("jobs", workspace, page, more), body)


@router.get("/{job_id}", response=answers(JobState), summary="One job")
def get_job(request: HttpRequest, job_id: Number) -> HttpResponse:
    """How a job gets on. Scope: jobs:read or stories:write."""
    return sent(told(_job_of(key_of(request), job_id)))


@router.post("/{job_id}/cancel", auth=WRITE, response=answers(JobState), summary="Cancel a job")
def cancel_job(request: HttpRequest, job_id: Number) -> HttpResponse:
    """Stop a job: at once where it waits, within seconds where it runs. Scope: stories:write."""
    job = _job_of(key_of(request), job_id)
    jobs.ask_to_cancel(job)
    job.refresh_from_db()
    return sent(told(job))


@router.post("/{job_id}/retry", auth=WRITE, response=answers(JobState), summary="Start a job again")
def retry_job(request: HttpRequest, job_id: Number) -> HttpResponse:
    """Let a job that failed, was cancelled or was parked start again; what it finished is kept. Does nothing to
    others. Scope: stories:write."""
    job = _job_of(key_of(request), job_id)
    jobs.retry(job)
    job.refresh_from_db()
    return sent(told(job))
