"""What a notice says, in its reader's language, and its e-mail: rendered from templates/emails/ and sent once.

A mail is one template in three layouts: its subject, plain text and HTML. The colours are the pages' own tokens, read
from static/css/tokens.css; since mail programs know neither custom properties nor light-dark(), the layout writes
them out, with the dark ones behind a media query.
"""

from __future__ import annotations

import re
import smtplib
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.mail import EmailMultiAlternatives, get_connection
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone, translation

from creator.environment import ROOT
from creator.jobs import Work
from creator.models import Invitation, Notice
from creator.services import notices
from media_processing.engine import EngineError

TRY_AGAIN_AFTER = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 30, 120, 480))
"""How long to wait after each failure before the mail server is tried again."""
SUBJECT_HOLDS = 150


@dataclass(frozen=True)
class Letter:
    """An e-mail as it would be sent."""

    subject: str
    text: str
    html: str


@cache
def colours() -> dict[str, dict[str, str]]:
    """The tokens that are colours: {"light": {"on_accent": "#ffffff", ...}, "dark": {...}}."""
    css = Path(ROOT, "static", "css", "tokens.css").read_text()
    found = re.findall(r"--([a-z-]+): light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\);", css)
    # The first of a name: what follows is for high contrast.
    first = {name.replace("-", "_"): (light, dark) for name, light, dark in reversed(found)}
    return {
        "light": {name: light for name, (light, _) in first.items()},
        "dark": {name: dark for name, (_, dark) in first.items()},
    }


def language_of(notice: Notice) -> str:
    """The language that a notice is said in by e-mail: its person's, else what its sender chose, else the program's."""
    chosen = notice.person.language if notice.person else notice.about.get("language", "")
    return chosen or settings.LANGUAGE_CODE


def line(notice: Notice) -> str:
    """A notice in one line, in the language in force."""
    return _subject(notice.kind, _facts(notice))


def letter(notice: Notice, *, nonce: str = "", held: Sequence[Notice] | None = None) -> Letter:
    """The e-mail of a notice, in the language in force.

    `nonce` lets a page of ours show its style, and `held` is what a digest says where its notices are no rows.
    """
    return compose(notice.kind, _facts(notice, held), nonce=nonce)


def compose(template: str, facts: dict[str, Any], *, nonce: str = "") -> Letter:
    """An e-mail of a template of templates/emails/, in the language in force."""
    subject = _subject(template, facts)
    said = {**facts, **colours(), "nonce": nonce, "subject": subject}
    text = render_to_string(f"emails/{template}.html", {**said, "layout": "emails/base.txt"})
    html = render_to_string(f"emails/{template}.html", {**said, "layout": "emails/base.html"})
    return Letter(subject, re.sub(r"\n{3,}", "\n\n", text).strip() + "\n", html)


def _subject(kind: str, facts: dict[str, Any]) -> str:
    """One line without control characters, whatever people typed: it becomes a header."""
    text = render_to_string(f"emails/{kind}.html", {**facts, "layout": "emails/subject.txt"})
    clean = "".join(" " if unicodedata.category(each) in ("Cc", "Zl", "Zp") else each for each in text)
    words = " ".join(clean.split())
    return words if len(words) <= SUBJECT_HOLDS else words[: SUBJECT_HOLDS - 1] + "…"


def _facts(notice: Notice, held: Sequence[Notice] | None = None) -> dict[str, Any]:
    """What a template may say. A secret way in is made here and stored nowhere."""
    facts = {**notice.about, "workspace": notice.workspace.name, "person": notice.person, "link": _link(notice)}
    facts["choices_link"] = settings.BASE_URL.rstrip("/") + reverse("notice-choices") if notice.person else ""
    if notice.kind == Notice.Kind.DIGEST:
        told = Notice.objects.filter(pk__in=notice.about["notices"], person=notice.person)
        rows = told.select_related("workspace", "person").order_by("id")
        facts["lines"] = [(line(each), _link(each)) for each in (rows if held is None else held)]
    return facts


def _link(notice: Notice) -> str:
    path = notice.link
    if notice.kind == Notice.Kind.INVITATION and "invitation" in notice.about:
        invitation = Invitation.objects.filter(pk=notice.about["invitation"]).first()
        path = invitation.path if invitation else ""
    return settings.BASE_URL.rstrip("/") + path if path else ""


def send(work: Work) -> None:
    """Send the e-mail of a notice: once, whatever happens to the worker.

    The connection is made first; then the row says that the mail is on its way, and only then is it handed over. Who
    finds a row on its way leaves it alone: a mail that may have arrived is never sent again.
    """
    notice = (
        Notice.objects.select_related("person", "workspace")
        .filter(pk=work.job.subject["notice"], mail=Notice.Mail.WAITING)
        .first()
    )
    if notice is None:
        return
    with translation.override(language_of(notice)):
        message = _message(notice)
    connection = get_connection()
    try:
        connection.open()
    except (OSError, smtplib.SMTPException) as error:
        _try_again(work, notice, f"The mail server can't be reached: {error}")
        return
    try:
        with work.effect():
            if not Notice.objects.filter(pk=notice.pk, mail=Notice.Mail.WAITING).update(mail=Notice.Mail.SENDING):
                return
        try:
            connection.send_messages([message])
        except (smtplib.SMTPResponseException, smtplib.SMTPRecipientsRefused, smtplib.SMTPNotSupportedError) as error:
            _refused(work, notice, error)
            return
        except (OSError, smtplib.SMTPException) as error:
            Notice.objects.filter(pk=notice.pk).update(mail_error=_short(error))
            raise EngineError(
                f"The connection broke while an e-mail to {notice.address} was sent: it may have arrived.",
                next_step="It isn't sent again by itself. The notice stands under the bell all the same.",
            ) from error
        Notice.objects.filter(pk=notice.pk).update(mail=Notice.Mail.SENT, mail_error="")
    finally:
        connection.close()


def _message(notice: Notice) -> EmailMultiAlternatives:
    written = letter(notice)
    host = urlsplit(settings.BASE_URL).hostname or "localhost"
    message = EmailMultiAlternatives(
        written.subject, written.text, settings.DEFAULT_FROM_EMAIL, [notice.address],
        headers={"Message-ID": f"<notice-{notice.pk}.{notice.created.timestamp():.0f}@{host}>",
                 "Auto-Submitted": "auto-generated"},
    )  # fmt: skip
    message.attach_alternative(written.html, "text/html")
    return message


def _refused(work: Work, notice: Notice, error: smtplib.SMTPException) -> None:
    """The server took nothing: with a 4xx code it may later, otherwise it never will."""
    answers = error.recipients.values() if isinstance(error, smtplib.SMTPRecipientsRefused) else ()
    codes = [answer[0] for answer in answers] or [getattr(error, "smtp_code", 500)]
    if all(400 <= code < 500 for code in codes):
        Notice.objects.filter(pk=notice.pk).update(mail=Notice.Mail.WAITING)
        _try_again(work, notice, f"The mail server put it off: {_short(error)}")
        return
    Notice.objects.filter(pk=notice.pk).update(mail=Notice.Mail.FAILED, mail_error=_short(error))
    raise EngineError(
        f"The mail server refused an e-mail to {notice.address}: {_short(error)}",
        next_step="Look at the person's address, and at EMAIL_FROM.",
    )


def _try_again(work: Work, notice: Notice, reason: str) -> None:
    """Put a mail off, at most five times."""
    tries = work.job.subject.get("tries", 0)
    if tries >= len(TRY_AGAIN_AFTER):
        Notice.objects.filter(pk=notice.pk).update(mail=Notice.Mail.FAILED, mail_error=reason[:300])
        raise EngineError(reason, next_step="Look at EMAIL_HOST and the variables beside it.")
    with work.effect():
        Notice.objects.filter(pk=notice.pk).update(mail_error=reason[:300])
        notices.submit_mail(notice, tries=tries + 1, due=timezone.now() + TRY_AGAIN_AFTER[tries])


def _short(error: BaseException) -> str:
    return " ".join(str(error).split())[:300]
