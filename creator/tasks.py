"""Every background job, in story order. Each is a few lines: the work is in services/, the ledger in jobs.py."""

from __future__ import annotations

from datetime import datetime, timedelta

from celery import shared_task
from django.utils import timezone

from creator.jobs import submit, working_on
from creator.models import Endpoint, Job, Workspace
from creator.services import (
    alternatives,
    audit,
    backups,
    charges,
    comparing,
    copies,
    drafting,
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


@shared_task(name="make_story")  # type: ignore[untyped-decorator]
def make_story(job_id: int) -> None:
    """Make what is missing or stale of a story: script, visuals, narration, verdicts, renditions."""
    with working_on(job_id) as work:
        if work:
            making.make(work)


@shared_task(name="find_pictures")  # type: ignore[untyped-decorator]
def find_pictures(job_id: int) -> None:
    """Look for (or draw) more pictures for one scene."""
    with working_on(job_id) as work:
        if work:
            making.offer_pictures(work)


@shared_task(name="draw_pictures")  # type: ignore[untyped-decorator]
def draw_pictures(job_id: int) -> None:
    """Draw pictures anew, on the ground of another, or a part of one."""
    with working_on(job_id) as work:
        if work:
            alternatives.draw(work)


@shared_task(name="speak_reading")  # type: ignore[untyped-decorator]
def speak_reading(job_id: int) -> None:
    """Read a scene's line with another voice, or at another speed."""
    with working_on(job_id) as work:
        if work:
            alternatives.speak(work)


@shared_task(name="take_narration")  # type: ignore[untyped-decorator]
def take_narration(job_id: int) -> None:
    """Make a person's own recording a scene's narration."""
    with working_on(job_id) as work:
        if work:
            recording.take(work)


@shared_task(name="offer_words")  # type: ignore[untyped-decorator]
def offer_words(job_id: int) -> None:
    """Ask the writer for other words: a line, headlines, captions, an alternative text."""
    with working_on(job_id) as work:
        if work:
            wording.offer(work)


@shared_task(name="write_drafts")  # type: ignore[untyped-decorator]
def write_drafts(job_id: int) -> None:
    """Write a story's script in several tones, beside the one that it has."""
    with working_on(job_id) as work:
        if work:
            drafting.write(work)


@shared_task(name="import_assets")  # type: ignore[untyped-decorator]
def import_assets(job_id: int) -> None:
    """Bring files into the library."""
    with working_on(job_id) as work:
        if work:
            importing.import_waiting(work)


@shared_task(name="transcribe_asset")  # type: ignore[untyped-decorator]
def transcribe_asset(job_id: int) -> None:
    """Write down what is said in a recording."""
    with working_on(job_id) as work:
        if work:
            transcripts.transcribe(work)


@shared_task(name="cut_asset")  # type: ignore[untyped-decorator]
def cut_asset(job_id: int) -> None:
    """Make a new recording of another without some of its sentences."""
    with working_on(job_id) as work:
        if work:
            transcripts.cut(work)


@shared_task(name="use_tool")  # type: ignore[untyped-decorator]
def use_tool(job_id: int) -> None:
    """Make a copy of an asset with one of the library's tools."""
    with working_on(job_id) as work:
        if work:
            tools.use(work)


@shared_task(name="fill_in")  # type: ignore[untyped-decorator]
def fill_in(job_id: int) -> None:
    """Read the text in pictures, and fill in whatever else older assets lack."""
    with working_on(job_id) as work:
        if work:
            importing.fill_in_waiting(work)


@shared_task(name="draw_sample")  # type: ignore[untyped-decorator]
def draw_sample(job_id: int) -> None:
    """Draw one batch of the sample library."""
    with working_on(job_id) as work:
        if work:
            samples.draw(work)


@shared_task(name="find_copies")  # type: ignore[untyped-decorator]
def find_copies(job_id: int) -> None:
    """Bring the groups of copies and look-alikes up to date."""
    with working_on(job_id) as work:
        if work:
            copies.find(work)


@shared_task(name="bring_in")  # type: ignore[untyped-decorator]
def bring_in(job_id: int) -> None:
    """Create the stories of what was chosen from a feed."""
    with working_on(job_id) as work:
        if work:
            incoming.make(work)


@shared_task(name="publish_scheduled")  # type: ignore[untyped-decorator]
def publish_scheduled(job_id: int) -> None:
    """Publish what was planned for now."""
    with working_on(job_id) as work:
        if work:
            schedules.publish_due(work)


@shared_task(name="deliver_webhooks")  # type: ignore[untyped-decorator]
def deliver_webhooks(job_id: int) -> None:
    """Send an endpoint what is due."""
    with working_on(job_id) as work:
        if work:
            webhooks.deliver(work)


@shared_task(name="compare_engines")  # type: ignore[untyped-decorator]
def compare_engines(job_id: int) -> None:
    """Have two engines do the same example."""
    with working_on(job_id) as work:
        if work:
            comparing.compare(work)


@shared_task(name="reindex")  # type: ignore[untyped-decorator]
def reindex(job_id: int) -> None:
    """Have another search model see every picture, and let it take over."""
    with working_on(job_id) as work:
        if work:
            reindexing.reindex(work)


@shared_task(name="send_mail")  # type: ignore[untyped-decorator]
def send_mail(job_id: int) -> None:
    """Send the e-mail of a notice."""
    with working_on(job_id) as work:
        if work:
            mails.send(work)


@shared_task(name="back_up")  # type: ignore[untyped-decorator]
def back_up(job_id: int) -> None:
    """Write tonight's backup, where it isn't there yet."""
    with working_on(job_id) as work:
        if work:
            backups.nightly(timezone.now())


@shared_task(name="sweep")  # type: ignore[untyped-decorator]
def sweep(job_id: int) -> None:
    """Weigh past content again after a policy, a judge or a bank changed; or try a policy on it."""
    with working_on(job_id) as work:
        if work:
            remoderating.sweep(work)


@shared_task(name="tidy")  # type: ignore[untyped-decorator]
def tidy(job_id: int) -> None:
    """Clear away what crashes left, close charges that nobody will finish, and mend the search index."""
    with working_on(job_id) as work:
        if work:
            sweeping.sweep()
            charges.close_lost()
            search.mend()
            reindexing.forget_old()
            webhooks.forget_old(timezone.now())
            schedules.withdraw_unlicensed(timezone.now().date())
            incoming.forget_old()
            lists.forget_old()
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
    copies.refresh_where_behind(now)
    reindexing.start_where_changed()
    watching.look_soon(now)
    noticing.look_soon(now)
    schedules.submit_due(now)
    notices.tell_of_failures(now)
    notices.submit_digests(now)
    audit.export_head(now)
