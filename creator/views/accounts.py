"""A person's account with its ways in, the people of a workspace, and the invitations that let more of them in."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from allauth.account import views as allauth
from allauth.account.adapter import get_adapter
from allauth.account.decorators import reauthentication_required
from allauth.account.models import EmailAddress
from allauth.mfa.base import views as factors
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes import views as codes
from allauth.mfa.totp import views as totp
from allauth.socialaccount import views as social
from allauth.socialaccount.providers.openid_connect import views as oidc
from allauth.usersessions.models import UserSession
from django import forms
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import login as sign_in
from django.contrib.auth.decorators import login_required
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import path, re_path
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from creator.access import may, workspace_for
from creator.models import Invitation, Membership, User
from creator.services import people, privacy, security
from creator.views.people import person_of
from media_processing.engine import EngineError

WAYS_IN = [
    path("new/", allauth.signup, name="account_signup"),
    path("inactive/", allauth.account_inactive, name="account_inactive"),
    path("again/", allauth.reauthenticate, name="account_reauthenticate"),
    path("code/", allauth.confirm_login_code, name="account_confirm_login_code"),
    path("e-mail/", allauth.email, name="account_email"),
    path("e-mail/sent/", allauth.email_verification_sent, name="account_email_verification_sent"),
    re_path(r"^e-mail/(?P<key>[-:\w]+)/$", allauth.confirm_email, name="account_confirm_email"),
    path("password/", allauth.password_change, name="account_change_password"),
    path("password/set/", allauth.password_set, name="account_set_password"),
    path("password/reset/", allauth.password_reset, name="account_reset_password"),
    path("password/reset/sent/", allauth.password_reset_done, name="account_reset_password_done"),
    path("password/reset/done/", allauth.password_reset_from_key_done, name="account_reset_password_from_key_done"),
    re_path(
        r"^password/reset/(?P<uidb36>[0-9A-Za-z]+)-(?P<key>.+)/$",
        allauth.password_reset_from_key,
        name="account_reset_password_from_key",
    ),
    path("factors/", factors.index, name="mfa_index"),
    path("factors/ask/", factors.authenticate, name="mfa_authenticate"),
    path("factors/again/", factors.reauthenticate, name="mfa_reauthenticate"),
    path("factors/authenticator/", totp.activate_totp, name="mfa_activate_totp"),
    path("factors/authenticator/remove/", totp.deactivate_totp, name="mfa_deactivate_totp"),
    path("factors/codes/", codes.view_recovery_codes, name="mfa_view_recovery_codes"),
    path("factors/codes/new/", codes.generate_recovery_codes, name="mfa_generate_recovery_codes"),
    path("factors/codes/file/", codes.download_recovery_codes, name="mfa_download_recovery_codes"),
    path("oidc/", social.connections, name="socialaccount_connections"),
    path("oidc/cancelled/", social.login_cancelled, name="socialaccount_login_cancelled"),
    path("oidc/error/", social.login_error, name="socialaccount_login_error"),
    path("oidc/new/", social.signup, name="socialaccount_signup"),
    path("oidc/<slug:provider_id>/login/", oidc.login, name="openid_connect_login"),
    path("oidc/<slug:provider_id>/login/callback/", oidc.callback, name="openid_connect_callback"),
]
"""The pages of allauth that are in use; their templates are templates/allauth/ and templates/account/."""


class MeForm(forms.Form):
    """What a person says of themselves."""

    first_name = forms.CharField(max_length=150, label=_("First name"), required=False)
    last_name = forms.CharField(max_length=150, label=_("Last name"), required=False)
    language = forms.ChoiceField(
        choices=[("", _("As the browser asks")), *settings.LANGUAGES], label=_("Language"), required=False
    )


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def account(request: HttpRequest) -> HttpResponse:
    """One's own name and language, ways in, sessions and workspaces."""
    workspace_for(request.user)
    person = person_of(request)
    initial = {"first_name": person.first_name, "last_name": person.last_name, "language": person.language}
    asked = request.POST.get("do", "")
    form = MeForm(request.POST if asked == "keep" else None, initial=initial)
    verified = EmailAddress.objects.filter(user=person, primary=True, verified=True).exists()
    if asked == "keep" and form.is_valid():
        for name, value in form.cleaned_data.items():
            setattr(person, name, value)
        person.save(update_fields=list(form.cleaned_data))
        messages.success(request, gettext("Kept."))
        return redirect("account")
    if asked == "code-off" or (asked == "code-on" and verified):
        person.mail_code = asked == "code-on"
        person.save(update_fields=["mail_code"])
        security.note("factor.add" if person.mail_code else "factor.remove", person, kind="mail")
        return redirect("account")
    context = {
        "form": form,
        "tab": "account",
        "totp": Authenticator.objects.filter(user=person, type=Authenticator.Type.TOTP).exists(),
        "verified": verified,
        "sessions": security.sessions_of(person),
        "here": request.session.session_key,
        "workspaces": person.memberships.select_related("workspace").order_by("workspace__name"),
    }
    return render(request, "people/account.html", context, status=400 if asked else 200)


@login_required
@require_safe
@reauthentication_required  # type: ignore[untyped-decorator]
@never_cache
def my_data(request: HttpRequest) -> HttpResponse:
    """All that is kept of oneself, as a file."""
    person = person_of(request)
    workspace_for(person)
    name = f'attachment; filename="storyloom-{person.pk}.json"'
    said = privacy.as_json(privacy.document_of(person))
    return HttpResponse(said, content_type="application/json", headers={"Content-Disposition": name})


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
@reauthentication_required  # type: ignore[untyped-decorator]
@never_cache
def delete(request: HttpRequest) -> HttpResponse:
    """Delete one's own account, once its name is typed."""
    person = person_of(request)
    workspace_for(person)
    problem = ""
    if request.method == "POST":
        if request.POST.get("name", "").strip() == person.username:
            try:
                privacy.forget(person, by=person)
            except EngineError as error:
                problem = f"{error.message} {error.next_step}"
            else:
                request.session.flush()
                messages.success(request, gettext("Your account is deleted."))
                return redirect("account_login")
        else:
            problem = gettext("Type your user name exactly: %s") % person.username
    context = {"tab": "account", "problem": problem}
    return render(request, "people/delete.html", context, status=400 if problem else 200)


@login_required
@require_POST
def end_session(request: HttpRequest, session_id: int) -> HttpResponse:
    """Sign another browser of one's own out."""
    person = person_of(request)
    workspace_for(person)
    session = get_object_or_404(UserSession, pk=session_id, user=person)
    security.end_session(session, by=person)
    messages.success(request, gettext("That session is over."))
    return redirect("account")


@login_required
@require_POST
def open_workspace(request: HttpRequest, workspace_id: int) -> HttpResponse:
    """Look at another of one's workspaces."""
    person = person_of(request)
    membership = get_object_or_404(person.memberships, workspace_id=workspace_id)
    person.workspace = membership.workspace
    person.save(update_fields=["workspace"])
    return redirect("stories")


# People ---------------------------------------------------------------------------------------------------------------
class InviteForm(forms.Form):
    """Who is asked in, and as what."""

    address = forms.EmailField(
        required=False, label=_("E-mail"), help_text=_("Without an address you get a link to hand over.")
    )
    role = forms.ChoiceField(choices=Membership.Role.choices, label=_("Role"))


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def people_page(request: HttpRequest) -> HttpResponse:
    """The members of the workspace and the open invitations; a POST invites. A link is on this one answer only."""
    workspace = workspace_for(request.user, to="manage" if request.method == "POST" else "see")
    form = InviteForm(request.POST or None)
    new_link = ""
    if request.method == "POST" and form.is_valid():
        said = form.cleaned_data
        try:
            made = people.invite(workspace, role=said["role"], address=said["address"], by=person_of(request))
        except EngineError as error:
            form.add_error(None if not said["address"] else "address", f"{error.message} {error.next_step}")
        else:
            if made.address:
                messages.success(request, gettext("An invitation goes to %s.") % made.address)
                return redirect("people")
            new_link, form = request.build_absolute_uri(made.path), InviteForm()
    can_manage = may(request.user, "manage")
    context = {
        "members": workspace.memberships.select_related("user").order_by("user__first_name", "user__username"),
        "invitations": workspace.invitations.open() if can_manage else (),
        "roles": Membership.Role.choices,
        "form": form,
        "new_link": new_link,
        "can_manage": can_manage,
        "tab": "people",
    }
    return render(request, "people/people.html", context, status=400 if form.errors else 200)


@login_required
@require_POST
def change_role(request: HttpRequest, membership_id: int) -> HttpResponse:
    """Make a member something else."""
    membership = _member(request, membership_id)
    try:
        people.change_role(membership, request.POST.get("role", ""), by=person_of(request))
    except EngineError as error:
        messages.error(request, f"{error.message} {error.next_step}")
    return redirect("people")


@login_required
@require_POST
def remove(request: HttpRequest, membership_id: int) -> HttpResponse:
    """Take a member out of the workspace."""
    membership = _member(request, membership_id)
    try:
        people.remove(membership, by=person_of(request))
    except EngineError as error:
        messages.error(request, f"{error.message} {error.next_step}")
    else:
        messages.success(request, gettext("%s is no member any more.") % membership.user)
    return redirect("people")


def _member(request: HttpRequest, membership_id: int) -> Membership:
    workspace = workspace_for(request.user, to="manage")
    return get_object_or_404(Membership.objects.select_related("user"), pk=membership_id, workspace=workspace)


@login_required
@require_POST
def withdraw(request: HttpRequest, invitation_id: UUID) -> HttpResponse:
    """End an open invitation."""
    workspace = workspace_for(request.user, to="manage")
    people.withdraw(get_object_or_404(workspace.invitations, pk=invitation_id), by=person_of(request))
    return redirect("people")


class NewAccountForm(forms.Form):
    """Somebody who was invited and has no account yet."""

    first_name = forms.CharField(
        max_length=150, label=_("First name"), widget=forms.TextInput(attrs={"autocomplete": "given-name"})
    )
    last_name = forms.CharField(
        max_length=150, required=False, label=_("Last name"),
        widget=forms.TextInput(attrs={"autocomplete": "family-name"}),
    )  # fmt: skip
    email = forms.EmailField(label=_("E-mail"), widget=forms.EmailInput(attrs={"autocomplete": "email"}))
    password = forms.CharField(
        label=_("Password"), strip=False, help_text=_("At least 10 characters. Long beats complicated."),
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )  # fmt: skip

    def __init__(self, *args: Any, invitation: Invitation, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if invitation.address:
            self.fields["email"].initial = invitation.address
            self.fields["email"].disabled = True  # whoever has the link has this address

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        if self.errors:
            return cleaned
        if User.objects.filter(email__iexact=cleaned["email"]).exists():
            self.add_error("email", gettext("There is an account with this address. Sign in with it to join."))
            return cleaned
        someone = User(first_name=cleaned["first_name"], last_name=cleaned["last_name"], email=cleaned["email"])
        try:
            validate_password(cleaned["password"], someone)
        except ValidationError as error:
            self.add_error("password", error)
        return cleaned


@sensitive_post_parameters("password")
@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def invitation(request: HttpRequest, token: str) -> HttpResponse:
    """The page of an invitation: who is signed in joins, who isn't makes an account."""
    found = Invitation.at(token)
    if found is None:
        return render(request, "people/invitation.html", {"invitation": None}, status=404)
    form = None
    if request.user.is_authenticated:
        if request.method == "POST":
            return _joined(request, found, lambda: person_of(request))
    else:
        form = NewAccountForm(request.POST or None, invitation=found)
        if request.method == "POST" and form.is_valid():
            said = form.cleaned_data
            return _joined(request, found, lambda: _make_account(said, found))
    context = {"invitation": found, "form": form}
    return render(request, "people/invitation.html", context, status=400 if form and form.errors else 200)


def _joined(request: HttpRequest, found: Invitation, account: Callable[[], User]) -> HttpResponse:
    """Let somebody in; an account that is made for it is only made if the invitation is still open."""
    try:
        with transaction.atomic():
            member = account()
            people.accept(found, member)
    except EngineError:
        return render(request, "people/invitation.html", {"invitation": None}, status=404)
    if not request.user.is_authenticated:
        sign_in(request, member, backend="django.contrib.auth.backends.ModelBackend")
    return redirect("stories")


def _make_account(said: dict[str, Any], found: Invitation) -> User:
    name = get_adapter().generate_unique_username([said["email"].split("@")[0], said["first_name"], "person"])
    made = User.objects.create_user(
        name, said["email"], said["password"], first_name=said["first_name"], last_name=said["last_name"]
    )
    # Where there is an address, the link went to it and to nobody else.
    EmailAddress.objects.create(user=made, email=said["email"], primary=True, verified=bool(found.address))
    return made
