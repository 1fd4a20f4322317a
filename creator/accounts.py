"""How django-allauth behaves here: nobody comes in uninvited, and its e-mails and second factor are ours."""

from __future__ import annotations

import logging
import smtplib
from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from django.contrib import messages
from django.core.mail import EmailMultiAlternatives
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from creator.models import Invitation, User
from creator.services import mails, people

log = logging.getLogger(__name__)

CHANGES = {
    "password_changed": _("Your password was changed"),
    "password_reset": _("Your password was reset"),
    "password_set": _("A password was set for your account"),
    "email_changed": _("The e-mail address of your account was changed"),
    "email_confirm": _("An e-mail address of your account was confirmed"),
    "email_deleted": _("An e-mail address of your account was removed"),
    "totp_activated": _("An authenticator app was added to your account"),
    "totp_deactivated": _("The authenticator app of your account was removed"),
    "recovery_codes_generated": _("New recovery codes were made for your account"),
    "account_connected": _("Another way to sign in was added to your account"),
    "account_disconnected": _("A way to sign in was removed from your account"),
}
"""The e-mails that only say what was done, by allauth's names for them."""
LETTERS = {
    "password_reset_key": ("password_reset", "password_reset_url"),
    "login_code": ("login_code", ""),
    "email_confirmation": ("email_confirmation", "activate_url"),
    "email_confirmation_signup": ("email_confirmation", "activate_url"),
    "unknown_account": ("unknown_account", ""),
    "account_already_exists": ("unknown_account", ""),
}
"""allauth's name of an e-mail -> our template, and which of its facts is the link."""


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]  # allauth has no types
    """Accounts with a password."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False  # only through an invitation, which has a page of its own

    def is_login_by_code_required(self, login: Any) -> bool:
        """A code by e-mail follows the password for those who chose so and have no authenticator."""
        user = login.user
        return bool(
            user
            and user.mail_code
            and not Authenticator.objects.filter(user=user, type=Authenticator.Type.TOTP).exists()
            and EmailAddress.objects.filter(user=user, verified=True, primary=True).exists()
            and not login.signup
        )

    def get_password_change_redirect_url(self, request: HttpRequest) -> str:
        return reverse("account")

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """Send at once: these hold secrets, which no row of a queue should."""
        name = template_prefix.rsplit("/", 1)[-1]
        template, link = LETTERS.get(name, ("security", ""))
        facts = {
            "what": CHANGES.get(name, gettext("Your account was changed")), "quoted": context.get("code", ""),
            "link": context.get(link, "") if link else self.request.build_absolute_uri(reverse("account")),
            "username": str(context.get("user") or context.get("username") or ""), "ip": context.get("ip", ""),
        }  # fmt: skip
        if template in ("login_code", "unknown_account"):
            facts["link"] = ""
        written = mails.compose(template, facts)
        message = EmailMultiAlternatives(written.subject, written.text, self.get_from_email(), [email])
        message.attach_alternative(written.html, "text/html")
        try:
            message.send()
        except (OSError, smtplib.SMTPException):
            log.exception("An e-mail about an account could not be sent.")
            if self.request.user.is_authenticated:
                messages.error(self.request, gettext("The e-mail could not be sent. Try again later."))


class SocialAdapter(DefaultSocialAccountAdapter):  # type: ignore[misc]  # allauth has no types
    """Accounts of an identity provider. It must have verified the address of whoever comes."""

    def is_open_for_signup(self, request: HttpRequest, sociallogin: Any) -> bool:
        return bool(_invitations(sociallogin))

    def save_user(self, request: HttpRequest, sociallogin: Any, form: Any = None) -> User:
        user: User = super().save_user(request, sociallogin, form)
        for invitation in _invitations(sociallogin):
            people.accept(invitation, user)
        return user


def _invitations(sociallogin: Any) -> list[Invitation]:
    """The open invitations of the addresses that the provider verified."""
    verified = [each.email.lower() for each in sociallogin.email_addresses if each.verified]
    return list(Invitation.objects.open().filter(address__in=verified))


def locked_out(request: HttpRequest, _response: HttpResponse | None, _credentials: Any) -> HttpResponse:
    """The page for who tried too many passwords. For axes."""
    from allauth.account.forms import LoginForm
    from django.conf import settings

    minutes = int(settings.AXES_COOLOFF_TIME.total_seconds() // 60)
    context = {"form": LoginForm(request=request), "locked": True, "minutes": minutes}
    return render(request, "account/login.html", context, status=429)
