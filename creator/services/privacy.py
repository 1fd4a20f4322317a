"""What is kept of a person: all of it as one document, and what happens when they want to be forgotten.

What hangs on a person is found by the foreign keys of all tables, so that a table which comes later is not missed.

Deleting an account takes with it name, address, password, factors, sessions, keys, notices and what lay waiting. What
they made for their workspace stays without an author. The audit log keeps their number, which is given to nobody again:
a pseudonym that nothing here leads back from.
"""

from __future__ import annotations

import json
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from axes.models import AccessAttempt, AccessFailureLog
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models, transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from creator.models import AuditEntry, Comment, Invitation, Notice, Upload, User, VoiceConsent
from creator.services import audit, people, security, uploading, voices
from media_processing.engine import EngineError
from media_processing.models import Asset

SECRET = {
    "creator.User": {"password"}, "creator.ApiKey": {"digest"}, "creator.ReviewLink": {"digest"},
    "mfa.Authenticator": {"data"}, "usersessions.UserSession": {"session_key", "data"},
}  # fmt: skip
"""Columns that open doors: they are left out."""
BRIEFLY = {
    "assignee", "resolved_by", "claimed_by", "first_by", "submitted_by", "decided_by", "activated_by", "accepted_by",
}  # fmt: skip
"""Columns that name a person in something that others wrote: only its number and time are theirs to have."""
SINCE = re.compile(r"(created|given|at|published|action_time|offered|seen|started)")


def document_of(user: User) -> dict[str, Any]:
    """All that is kept of a person, for JSON: {"person", "audit_log", "kept": {"creator.Story.author": [row, ...]}}.

    An asset's row says where its file is; `export` puts the files beside it.
    """
    log = AuditEntry.objects.filter(Q(actor=user.pk) | Q(subject=f"user:{user.pk}")).order_by("number")
    return {
        "made": timezone.now(),
        "person": _row(user),
        "audit_log": list(log.values("number", "action", "subject", "text", "created")),
        "kept": {name: rows for name, rows in _kept(user) if rows},
    }


def as_json(document: dict[str, Any]) -> str:
    """The document as text."""
    return json.dumps(document, cls=DjangoJSONEncoder, ensure_ascii=False, indent=1)


def export(user: User, target: Path) -> dict[str, Any]:
    """Write `document_of` and the files that the person brought into a zip, which appears whole or not at all.

    Returns {"file", "rows", "files"}. Raises EngineError where it can't be written.
    """
    partial = target.with_name(f".{target.name}.partial")
    document = document_of(user)
    brought = [asset for asset in Asset.objects.filter(added_by=user, made_by={}) if asset.file.exists()]
    try:
        partial.touch(mode=0o600)
        with zipfile.ZipFile(partial, "w") as pack:
            pack.writestr("person.json", as_json(document), zipfile.ZIP_DEFLATED)
            for asset in brought:
                pack.write(asset.file, f"files/{asset.pk}{asset.file.suffix}")  # media are compressed already
        partial.replace(target)
    except OSError as error:
        raise EngineError(f"{target} can't be written: {error.strerror}.", next_step="Name another place.") from error
    finally:
        partial.unlink(missing_ok=True)
    rows = sum(map(len, document["kept"].values()))
    return {"file": str(target), "rows": rows, "files": len(brought)}


def forget(user: User, *, by: User | None) -> None:
    """Delete an account for good. Raises EngineError where a workspace or the house would lose its last admin."""
    number, name = user.pk, str(user.username)
    if user.is_superuser and not User.objects.filter(is_superuser=True, is_active=True).exclude(pk=number).exists():
        raise EngineError(
            _("Nobody else runs this installation."), next_step=_("Make somebody else a superuser first.")
        )
    acting = User(pk=by.pk) if by else None
    unfinished = list(Upload.objects.filter(person=user, job=None))
    with transaction.atomic():
        for membership in user.memberships.select_related("workspace", "user"):
            people.remove(membership, by=by or user)
        for consent in VoiceConsent.objects.filter(
            recorded_by=user, speaker__iexact=user.get_full_name() or name, withdrawn=None
        ):
            voices.withdraw(consent, by=by)  # their own voice isn't imitated any longer
        theirs = Q(accepted_by=user)
        if user.email:
            theirs |= Q(address__iexact=user.email)
            Notice.objects.filter(address__iexact=user.email).delete()
        mailed = [f"invitation:{number}" for number in Invitation.objects.filter(theirs).values_list("pk", flat=True)]
        Notice.objects.filter(once__in=mailed).delete()
        for notice in Notice.objects.filter(about__by__in=(str(user), name)):
            notice.about["by"] = "…"
            notice.save(update_fields=["about"])
        Invitation.objects.open().filter(theirs).update(withdrawn=timezone.now())
        Invitation.objects.filter(theirs).update(address="")
        for comment in Comment.objects.filter(mentions=user):
            comment.text = re.sub(rf"@{re.escape(name)}\b", "@…", comment.text, flags=re.IGNORECASE)
            comment.save(update_fields=["text"])
        tried = Q(username__iexact=name) | (Q(username__iexact=user.email) if user.email else Q())
        AccessAttempt.objects.filter(tried).delete()
        AccessFailureLog.objects.filter(tried).delete()
        for session in security.sessions_of(user):
            session.end()
        user.delete()
        audit.record("person.delete", f"user:{number}", by=acting, workspace=None)
    for upload in unfinished:
        uploading.discard(upload)


def _kept(user: User) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Rows of every table that point at a person: their name, and what of each row is to be told."""
    for relation in User._meta.get_fields(include_hidden=True):
        field = getattr(relation, "field", None)
        if not relation.auto_created or relation.concrete or field is None or relation.many_to_many:
            continue
        model = relation.related_model
        if model is AuditEntry or not isinstance(model, type):
            continue
        found = model._base_manager.filter(**{field.name: user.pk}).order_by("pk")
        briefly = field.name in BRIEFLY
        yield f"{model._meta.label}.{field.name}", [_row(row, briefly=briefly) for row in found.iterator()]


def _row(row: models.Model, *, briefly: bool = False) -> dict[str, Any]:
    secret = SECRET.get(row._meta.label, ())
    columns = [field for field in row._meta.concrete_fields if field.name not in secret]
    if briefly:
        columns = [field for field in columns if field.primary_key or SINCE.fullmatch(field.name)]
    return {field.name: field.value_from_object(row) for field in columns}
