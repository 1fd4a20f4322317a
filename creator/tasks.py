"""Every background job, in story order. Each is a few lines: the work is in services/, the ledger in jobs.py."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import wraps
from typing import Any

from celery import shared_task
from django.conf import settings
from django.utils import timezone

from creator.jobs import Work, submit, working_on
from creator.models import Endpoint, Job, Workspace
from creator.services import (
    alternatives,
    audit,
    backups,
    charges,
    comparing,
    copies,
    drafting,
    history,
    importing,
    incoming,
    interactions,
    lists,
    mails,
    making,
    notices,
    noticing,
    recording,
    reindexing,
    remoderating,
    retention,
    samples,
    schedules,
    sweeping,
    tools,
    transcripts,
    watching,
    webhooks,
    wording,
)
from search import services as search


def task(do: Callable[[Work], None]) -> Any:
    """A task of the same name, which takes the number of a job and does it where the job is this worker's."""

    @wraps(do)
    def claimed(job_id: int) -> None:
        with working_on(job_id) as work:
            if work:
                do(work)

    return shared_task(name=do.__name__)(claimed)


@task
def make_story(work: Work) -> None:
    """Make what is missing or stale of a story: script, visuals, narration, verdicts, renditions."""
    making.make(work)


@task
def find_pictures(work: Work) -> None:
    """Look for (or draw) more pictures for one scene."""
    making.offer_pictures(work)


@task
def draw_pictures(work: Work) -> None:
    """Draw pictures anew, on the ground of another, or a part of one."""
    alternatives.draw(work)


@task
def speak_reading(work: Work) -> None:
    """Read a scene's line with another voice, or at another speed."""
    alternatives.speak(work)


@task
def take_narration(work: Work) -> None:
    """Make a person's own recording a scene's narration."""
    recording.take(work)


@task
def offer_words(work: Work) -> None:
    """Ask the writer for other words: a line, headlines, captions, an alternative text."""
    wording.offer(work)


@task
def write_drafts(work: Work) -> None:
    """Write a story's script in several tones, beside the one that it has."""
    drafting.write(work)


@task
def import_assets(work: Work) -> None:
    """Bring files into the library."""
    importing.import_waiting(work)


@task
def transcribe_asset(work: Work) -> None:
    """Write down what is said in a recording."""
    transcripts.transcribe(work)


@task
def cut_asset(work: Work) -> None:
    """Make a new recording of another without some of its sentences."""
    transcripts.cut(work)


@task
def use_tool(work: Work) -> None:
    """Make a copy of an asset with one of the library's tools."""
    tools.use(work)


@task
def fill_in(work: Work) -> None:
    """Read the text in pictures, and fill in whatever else older assets lack."""
    importing.fill_in_waiting(work)


@task
def draw_sample(work: Work) -> None:
    """Draw one batch of the sample library."""
    samples.draw(work)


@task
def find_copies(work: Work) -> None:
    """Bring the groups of copies and look-alikes up to date."""
    copies.find(work)


@task
def bring_in(work: Work) -> None:
    """Create the stories of what was chosen from a feed."""
    incoming.make(work)


@task
def publish_scheduled(work: Work) -> None:
    """Publish what was planned for now."""
    schedules.publish_due(work)


@task
def deliver_webhooks(work: Work) -> None:
    """Send an endpoint what is due."""
    webhooks.deliver(work)


@task
def compare_engines(work: Work) -> None:
    """Have two engines do the same example."""
    comparing.compare(work)


@task
def reindex(work: Work) -> None:
    """Have another search model see every picture, and let it take over."""
    reindexing.reindex(work)


@task
def send_mail(work: Work) -> None:
    """Send the e-mail of a notice."""
    mails.send(work)


@task
def back_up(work: Work) -> None:
    """Write tonight's backup, where it isn't there yet."""
    backups.nightly(timezone.now())


@task
def sweep(work: Work) -> None:
    """Weigh past content again after a policy, a judge or a bank changed; or try a policy on it."""
    remoderating.sweep(work)


@task
def retain(work: Work) -> None:
    """Let go of drafts and rendered files that are too old to be kept."""
    retention.apply(check=work.check)


@task
def tidy(work: Work) -> None:
    """Clear away what crashes left, close charges that nobody will finish, and mend the search index."""
    sweeping.sweep()
    charges.close_lost()
    search.mend()
    reindexing.forget_old()
    webhooks.forget_old(timezone.now())
    schedules.withdraw_unlicensed(timezone.now().date())
    incoming.forget_old()
    lists.forget_old()
    history.forget_old(timezone.now())
    interactions.forget_salts()
    webhooks.wake(Endpoint.objects.all())
    reindexing.fill_in()
    remoderating.ask_where_judges_changed()
    for each in Workspace.objects.all():
        importing.submit_filling_in(each)


def submit_periodic(now: datetime) -> None:
    """What a worker asks for as time goes by; called every few seconds."""
    workspace = Workspace.objects.order_by("id").first()
    last_hour = Job.objects.filter(created__gt=now - timedelta(hours=1))
    if workspace is not None and not last_hour.filter(kind="tidy").exists():
        submit("tidy", workspace=workspace, priority=-20, due=now + timedelta(minutes=5))
    if workspace is not None and backups.due(now) and not last_hour.filter(kind="back_up").exists():
        submit("back_up", workspace=workspace, priority=-10)
    last_day = Job.objects.filter(kind="retain", created__gt=now - timedelta(days=1))
    if workspace is not None and (settings.KEEP_DRAFTS or settings.KEEP_RENDITIONS) and not last_day.exists():
        submit("retain", workspace=workspace, priority=-20)
    copies.refresh_where_behind(now)
    reindexing.start_where_changed()
    watching.look_soon(now)
    noticing.look_soon(now)
    schedules.submit_due(now)
    notices.tell_of_failures(now)
    notices.submit_digests(now)
    audit.export_head(now)
