"""The ledger's two doors: `submit` asks for work, `working_on` does it.

The row is the truth. A worker claims it by an UPDATE, renews its lease while it works, and finishes by an UPDATE that
checks its fencing token; a dispatcher in every worker sends rows that are due, and takes back those whose lease ran
out. So a message that is lost costs seconds, never work.
"""

from __future__ import annotations

import errno
import logging
import threading
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import DatabaseError, connection, transaction
from django.db.models import F
from django.utils import timezone

from creator.celery import app
from creator.logs import job_id as job_id_of_logs
from creator.models import Event, Job, Story, User, Workspace
from media_processing import tracing
from media_processing.engine import Engine, EngineError, engines

log = logging.getLogger(__name__)

instead: ContextVar[dict[str, str]] = ContextVar("instead")
"""Role -> engine that the job in hand works with in place of the chosen one; see `use_built_in`."""

MAX_CRASHES = 6
"""After so many workers lost before the next step was finished, a job is parked, with its error where a person sees it.

Six, so that five kills at random moments of one long step still end by themselves.
"""

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)

stopping = threading.Event()
"""Set when this worker is told to stop."""


class Cancelled(Exception):
    """Someone asked to cancel the job."""


class HandedBack(Exception):
    """This worker stops: the job waits for another, its finished steps kept."""


class LeaseLost(Exception):
    """Another worker has the job now: nothing that this one writes may count."""


def submit(
    kind: str,
    *,
    workspace: Workspace,
    person: User | None = None,
    story: Story | None = None,
    priority: int = 0,
    due: datetime | None = None,
    **subject: Any,
) -> Job:
    """Write down that work is to be done, in the caller's transaction, and return its row.

    `kind` is the name of a task in creator/tasks.py: a name and not the task, so that services can ask for work without
    importing those who do it. `subject` is what the task needs to know, as JSON.
    """
    job = Job.objects.create(
        workspace=workspace, person=person, story=story, kind=kind, priority=priority,
        due=due or timezone.now(), subject=subject,
    )  # fmt: skip
    note(job, "job.waiting")
    if settings.CELERY_BROKER_URL != "memory://" and due is None:
        transaction.on_commit(lambda: app.send_task(kind, (job.pk,)), robust=True)
    return job


def note(job: Job, kind: str, **data: Any) -> Event:
    """Write an event about a job."""
    return Event.objects.create(
        workspace_id=job.workspace_id, story_id=job.story_id, job=job, person_id=job.person_id, kind=kind,
        data={"kind": job.kind, **data},
    )  # fmt: skip


def ask_to_cancel(job: Job) -> None:
    """Cancel a job: at once where it waits, at its next report where it runs."""
    if Job.objects.filter(pk=job.pk, state=Job.State.WAITING).update(
        state=Job.State.CANCELLED, finished=timezone.now(), cancel_asked=True
    ):
        note(job, "job.cancelled")
    else:
        Job.objects.filter(pk=job.pk, state=Job.State.RUNNING).update(cancel_asked=True)


def stopped_by(error: BaseException) -> Engine | None:
    """The engine in whose hands an error arose, by the frames that it went through."""
    found = None
    trace = error.__traceback__
    while trace is not None:
        held = trace.tb_frame.f_locals
        found = next((held[name] for name in ("self", "engine") if isinstance(held.get(name), Engine)), found)
        trace = trace.tb_next
    return found


def use_built_in(job: Job) -> bool:
    """Let a job that an engine stopped go on with the built-in engine of that role; only this job does."""
    role = job.subject.get("stopped", {}).get("role", "")
    starter = next((name for name in engines.names(role) if engines[role, name].starter), "") if role else ""
    if not starter or job.is_open:
        return False
    job.subject = {**job.subject, "instead": {**job.subject.get("instead", {}), role: starter}}
    job.subject.pop("stopped")
    job.save(update_fields=["subject"])
    return retry(job)


def retry(job: Job) -> bool:
    """Let a job that failed, was cancelled or was parked start again; its finished steps are kept."""
    again = Job.objects.filter(pk=job.pk).exclude(state__in=[*Job.OPEN, Job.State.DONE])
    if again.update(
        state=Job.State.WAITING, due=timezone.now(), attempt=0, crashes=0, error="", next_step="",
        cancel_asked=False, finished=None,
    ):
        note(job, "job.waiting")
        return True
    return False


class Work:
    """A claimed job in the hands of its worker."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self.token = job.token
        self._last = 0.0
        self.spans = ExitStack()
        """Of tracing: the step in hand."""

    def _mine(self) -> Any:
        return Job.objects.filter(pk=self.job.pk, token=self.token, state=Job.State.RUNNING)

    def check(self) -> None:
        """Raise Cancelled, HandedBack or LeaseLost where the work should stop."""
        if stopping.is_set():
            raise HandedBack
        asked = self._mine().values_list("cancel_asked", flat=True).first()
        if asked is None:
            raise LeaseLost
        if asked:
            raise Cancelled

    @contextmanager
    def effect(self) -> Iterator[None]:
        """A transaction whose writes only count while the job is this worker's."""
        with transaction.atomic():
            if not self._mine().select_for_update().exists():
                raise LeaseLost
            yield
            self._mine().update(crashes=0)

    def begin(self, step: str, share: float = 0.0) -> None:
        """Say which step is being done."""
        self.spans.close()
        self.check()
        self.spans.enter_context(tracing.span(f"step {step}"))
        self._mine().update(step=step, progress=share)
        self.job.step = step
        note(self.job, "job.progress", step=step, progress=round(share, 3))

    def report(self, share: float) -> None:
        """Say how much is done, 0 to 1. Stops the work by raising, where it should stop."""
        now = timezone.now().timestamp()
        if now - self._last < 0.4 and share < 1:
            return
        self._last = now
        self.check()
        self._mine().update(progress=share)
        note(self.job, "job.progress", step=self.job.step, progress=round(share, 3))

    def part(self, start: float, end: float) -> Any:
        """A progress callback for one part of the work."""
        return lambda share: self.report(start + (end - start) * share)


def claim(job_id: int) -> Job | None:
    """Take a waiting job: exactly one of those who try gets it."""
    now = timezone.now()
    taken = Job.objects.filter(pk=job_id, state=Job.State.WAITING, due__lte=now).update(
        state=Job.State.RUNNING, token=F("token") + 1, attempt=F("attempt") + 1, started=now,
        lease_until=now + timedelta(seconds=settings.LEASE_SECONDS),
    )  # fmt: skip
    return Job.objects.select_related("workspace", "person", "story").get(pk=job_id) if taken else None


def finish(work: Work, state: str, *, error: str = "", next_step: str = "") -> bool:
    """Close a job, if it is still this worker's."""
    with transaction.atomic():
        closed: int = work._mine().update(
            state=state, finished=timezone.now(), lease_until=None, error=error, next_step=next_step,
            **({"progress": 1.0} if state == Job.State.DONE else {}),
        )  # fmt: skip
        if closed:
            note(work.job, f"job.{state}", **({"error": error, "next_step": next_step} if error else {}))
    return bool(closed)


@contextmanager
def working_on(job_id: int) -> Iterator[Work | None]:
    """Claim a job, keep its lease while the body works, and write down how it ended.

    Yields None where the job is somebody else's or done already: then there is nothing to do.
    """
    job = claim(job_id)
    if job is None:
        yield None
        return
    work = Work(job)
    using = instead.set(job.subject.get("instead", {}))
    renewer = _Renewer(work)
    renewer.start()
    before = job_id_of_logs.set(job_id)
    try:
        with tracing.span(f"job {job.kind}", **{"storyloom.job": job_id, "storyloom.attempt": job.attempt}), work.spans:
            yield work
    except Cancelled:
        finish(work, Job.State.CANCELLED)
    except HandedBack:
        work._mine().update(state=Job.State.WAITING, lease_until=None, attempt=F("attempt") - 1, token=F("token") + 1)
    except LeaseLost:
        log.warning("Job %s was taken over by another worker.", job_id)
    except EngineError as error:
        engine = stopped_by(error)
        if engine is not None and engine.role and not engine.starter:
            job.subject["stopped"] = {"role": engine.role, "engine": engine.name}
            work._mine().update(subject=job.subject)
        finish(work, Job.State.FAILED, error=error.message, next_step=error.next_step)
    except Exception as error:
        full = isinstance(error, OSError) and error.errno in _FULL
        finish(
            work,
            Job.State.FAILED,
            error="The disk is full." if full else "Something broke on our side; the log has the details.",
            next_step="Make room on it, then try again."
            if full
            else "Try again. If it happens again, tell whoever runs this installation.",
        )
        log.exception("Job %s (%s) broke.", job_id, job.kind)
    else:
        finish(work, Job.State.DONE)
    finally:
        job_id_of_logs.reset(before)
        instead.reset(using)
        renewer.stop()


class _Renewer(threading.Thread):
    """Keeps a job's lease while its worker lives."""

    def __init__(self, work: Work) -> None:
        super().__init__(name=f"lease-{work.job.pk}", daemon=True)
        self._work = work
        self._over = threading.Event()

    def run(self) -> None:
        while not self._over.wait(settings.LEASE_SECONDS / 3):
            until = timezone.now() + timedelta(seconds=settings.LEASE_SECONDS)
            try:
                kept = self._work._mine().update(lease_until=until)
            except DatabaseError as error:  # busy or away for a moment: the next renewal may still be in time
                log.warning("The lease of job %s was not renewed: %s", self._work.job.pk, error)
                continue
            if not kept:
                break
        connection.close()

    def stop(self) -> None:
        self._over.set()
        self.join(timeout=1)


def take_back_expired(now: datetime | None = None) -> int:
    """Let jobs of lost workers wait again, or park those that lost MAX_CRASHES. Returns how many."""
    now = now or timezone.now()
    taken = 0
    for job in Job.objects.filter(state=Job.State.RUNNING, lease_until__lt=now):
        crashes = job.crashes + 1
        changes: dict[str, Any] = {"state": Job.State.WAITING, "lease_until": None}
        if crashes >= MAX_CRASHES:
            changes = {
                "state": Job.State.PARKED, "finished": now,
                "error": f"Its worker died {crashes} times while doing this.",
                "next_step": "Look at the log of the worker, then retry.",
            }  # fmt: skip
        with transaction.atomic():
            # The token again: another reaper may have been here since.
            mine = Job.objects.filter(pk=job.pk, token=job.token, state=Job.State.RUNNING, lease_until__lt=now)
            if mine.update(token=F("token") + 1, crashes=crashes, **changes):
                note(job, f"job.{changes['state']}")
                taken += 1
    return taken


def due_jobs(limit: int, now: datetime | None = None, *, queues: Iterable[str] = ()) -> list[Job]:
    """What a dispatcher should send: due rows, the urgent first; of some queues, where they are named.

    Background work (a priority below 0) waits while anything that a person asked for is open, and never takes all
    threads: on two cores it would double the time that they wait.
    """
    waiting = Job.objects.filter(state=Job.State.WAITING, due__lte=now or timezone.now())
    running = Job.objects.filter(state=Job.State.RUNNING)
    others = [kind for queue, kinds in settings.QUEUES.items() if queues and queue not in queues for kind in kinds]
    if others:
        waiting, running = waiting.exclude(kind__in=others), running.exclude(kind__in=others)
    if any(jobs.filter(priority__gte=0).exists() for jobs in (waiting, running)):
        waiting = waiting.filter(priority__gte=0)
    else:
        # One thread stays free for people, where there is more than one.
        limit = min(limit, max(1, settings.WORKER_THREADS - 1) - running.count())
    if limit <= 0:
        return []
    return list(waiting.order_by("-priority", "id").only("id", "kind")[:limit])


def work_off(limit: int = 1000) -> int:
    """Do every due job here and now, one after the other. Returns how many were done.

    For commands and tests, where no worker runs.
    """
    app.loader.import_default_modules()
    done = 0
    while done < limit and (jobs := due_jobs(1)):
        app.tasks[jobs[0].kind](jobs[0].pk)
        done += 1
    return done
