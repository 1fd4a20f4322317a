"""What concerns the safety of accounts, written to the audit log; and who is held off after too many failures.

The libraries of accounts say what happens by signals of theirs: here they are heard. Nothing of what somebody typed is
kept: a failed sign-in names the account that it was meant for, if there is one.
"""

from __future__ import annotations

from typing import Any

from allauth.account import signals as account
from allauth.account.adapter import get_adapter
from allauth.mfa import signals as factors
from allauth.usersessions.models import UserSession
from axes.signals import user_locked_out
from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.http import HttpRequest

from creator.models import User
from creator.services import audit


def connect() -> None:
    """Hear what the libraries say; called once, when the application is ready."""
    user_logged_in.connect(_signed_in, dispatch_uid="security")
    user_logged_out.connect(_signed_out, dispatch_uid="security")
    user_login_failed.connect(_failed, dispatch_uid="security")
    user_locked_out.connect(_locked, dispatch_uid="security")
    for signal, action in (
        (account.password_set, "password.set"),
        (account.password_changed, "password.change"),
        (account.password_reset, "password.reset"),
        (account.email_changed, "address.change"),
        (factors.authenticator_added, "factor.add"),
        (factors.authenticator_removed, "factor.remove"),
        (factors.authenticator_reset, "factor.reset"),
    ):
        signal.connect(_recorder(action), weak=False, dispatch_uid=f"security {action}")


def _recorder(action: str) -> Any:
    def record(sender: Any, user: User, **said: Any) -> None:
        kind = getattr(said.get("authenticator"), "type", "")
        note(action, user, **({"kind": str(kind)} if kind else {}))

    return record


def note(action: str, user: User, **detail: Any) -> None:
    """Record what a person did to their own account, in the log of the workspace that they look at."""
    audit.record(action, f"user:{user.pk}", by=user, workspace=_workspace_of(user), detail=detail)


def _workspace_of(user: User | None) -> int | None:
    if user is None:
        return None
    found = user.memberships.order_by("id").values_list("workspace", flat=True).first()
    return user.workspace_id or found


def _signed_in(sender: Any, request: HttpRequest | None, user: User, **_said: Any) -> None:
    if request is not None and request.session.session_key:
        UserSession.objects.get_or_create(
            session_key=request.session.session_key,
            defaults={
                "user": user, "ip": address_of(request),
                "user_agent": request.headers.get("User-Agent", "")[:200],
            },
        )  # fmt: skip
    note("session.start", user, way=str(getattr(user, "backend", "")).rsplit(".", 2)[0])


def _signed_out(sender: Any, request: HttpRequest, user: User | None, **_said: Any) -> None:
    if user is not None:
        note("session.end", user)


def _failed(sender: Any, credentials: dict[str, Any], request: HttpRequest | None = None, **_said: Any) -> None:
    if getattr(request, "axes_locked_out", False):
        return  # who is locked out can't fill the log
    meant = account_named(name_tried(request, credentials))
    audit.record("session.refuse", f"user:{meant.pk}" if meant else "sign-in", by=None, workspace=_workspace_of(meant))


def _locked(sender: Any, username: str | None = None, **_said: Any) -> None:
    meant = account_named(username or "")
    audit.record("session.lock", f"user:{meant.pk}" if meant else "sign-in", by=None, workspace=_workspace_of(meant))


def account_named(name: str) -> User | None:
    """The account of a user name or an e-mail address."""
    field = "email__iexact" if "@" in name else "username"
    return User.objects.filter(**{field: name}).order_by("pk").first() if name else None


def name_tried(request: HttpRequest | None, credentials: dict[str, Any] | None = None) -> str:
    """The name that a sign-in was tried with, in one spelling. For axes."""
    said = credentials or {}
    posted = request.POST.get("login", "") if request is not None else ""
    return str(said.get("username") or said.get("email") or posted)[:150].strip().lower()


def is_link(request: HttpRequest, credentials: dict[str, Any] | None = None) -> bool:
    """Whether somebody came with a one-time link: those can't be guessed, so failures hold nobody off. For axes."""
    return "sesame" in (credentials or {})


def address_of(request: HttpRequest) -> str:
    """Where a request comes from, past as many proxies as the settings name; this machine for who is at its console."""
    return str(get_adapter().get_client_ip(request)) if request.META.get("REMOTE_ADDR") else "127.0.0.1"


def sessions_of(user: User) -> list[UserSession]:
    """Where a person is signed in, the newest first; those that ended are forgotten."""
    found: list[UserSession] = UserSession.objects.purge_and_list(user)
    return sorted(found, key=lambda session: session.created_at, reverse=True)


def end_session(session: UserSession, *, by: User) -> None:
    """Sign a browser out from elsewhere."""
    session.end()
    note("session.end", by, elsewhere=True)
