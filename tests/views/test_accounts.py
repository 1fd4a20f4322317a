"""Ways into an account and their guards: passwords, lock, second factors, sessions, invitations; Settings > People."""

from __future__ import annotations

import re
import time
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal import auth as totp
from allauth.usersessions.models import UserSession
from django.core import mail
from django.core.cache import cache
from django.test import Client

from creator.models import AuditEntry, Invitation, Membership, User
from creator.services import people, setup
from creator.templatetags.storyloom import device
from tests.conftest import Cast
from tests.views.conftest import browser_of

PASSWORD = "alice-has-a-long-password"


@pytest.mark.parametrize(
    ("said", "read"),
    [
        ("Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/156.0.0.0 Safari/537.36 Edg/156.0",
         "Edge 156, Windows"),
        ("Mozilla/5.0 (X11; Linux x86_64; rv:151.0) Gecko/20100101 Firefox/151.0", "Firefox 151, Linux"),
        ("Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 Chrome/156.0.0.0 Mobile Safari/537.36",
         "Chrome 156, Android"),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.1 "
         "Safari/605.1.15", "Safari 26, macOS"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 18_7 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.1 "
         "Mobile/15E148 Safari/604.1", "Safari 26, iPhone"),
        ("Mozilla/5.0 (iPad; CPU OS 18_7 like Mac OS X) AppleWebKit/605.1.15 CriOS/156.0 Mobile/15E148 Safari/604.1",
         "Chrome 156, iPad"),
        ("curl/8.5.0", "curl/8.5.0"),
        ("<b>who knows</b>", "<b>who knows</b>"),
        ("", "Unknown program"),
    ],
)  # fmt: skip
def test_browsers_are_called_by_their_names(said: str, read: str) -> None:
    assert device(said) == read


def test_an_address_for_forms_leads_back(cast: Cast) -> None:
    """Who signed in again in the middle of an import lands on an address that has nothing to show."""
    author = browser_of(cast.alice)
    page = author.get("/library/import/", headers={"Accept": "text/html"})
    assert (page.status_code, page["Allow"]) == (405, "POST")
    assert 'href="/library/"' in page.content.decode()
    assert author.get("/library/import/", headers={"Accept": "application/json"}).content == b""


@pytest.fixture(autouse=True)
def no_limits_from_other_tests() -> None:
    cache.clear()


def sign_in(client: Client, name: str = "alice", password: str = PASSWORD) -> Any:
    return client.post("/sign-in/", {"login": name, "password": password})


def actions() -> list[str]:
    return list(AuditEntry.objects.order_by("number").values_list("action", flat=True))


def with_address(user: User, *, verified: bool = True) -> None:
    User.objects.filter(pk=user.pk).update(email=f"{user.username}@example.org")
    EmailAddress.objects.create(user=user, email=f"{user.username}@example.org", primary=True, verified=verified)


def code_now(secret: str) -> str:
    return str(totp.format_hotp_value(totp.hotp_value(secret, int(time.time()) // 30)))


# Passwords -----------------------------------------------------------------------------------------------------------
def test_a_name_or_an_address_signs_in(cast: Cast) -> None:
    with_address(cast.alice)
    for name in ("alice", "alice@example.org", "ALICE@example.org"):
        client = Client()
        assert sign_in(client, name)["Location"] == "/"
        assert client.get("/").status_code == 200


def test_five_wrong_passwords_hold_the_name_off_for_that_address(cast: Cast) -> None:
    client = Client()
    for _ in range(5):
        answer = sign_in(client, password="guess")
    assert answer.status_code == 429
    assert "Too many wrong passwords" in answer.content.decode()
    locked = sign_in(client)  # with the right one
    assert locked.status_code == 429
    assert client.get("/").status_code == 302
    assert "session.lock" in actions()
    # Somebody elsewhere, and another account here, are not held off.
    elsewhere = Client(REMOTE_ADDR="192.0.2.7")
    assert sign_in(elsewhere).status_code == 302
    assert sign_in(client, "bob", "bob-has-a-long-password").status_code == 302


def test_the_log_of_failures_has_an_end(cast: Cast) -> None:
    client = Client()
    for _ in range(12):
        sign_in(client, password="guess")
    assert actions().count("session.refuse") <= 5


def test_an_unknown_name_answers_like_a_wrong_password(cast: Cast) -> None:
    def said(answer: Any) -> str:
        return re.sub(r'nonce="[^"]+"|value="[^"]*"|"X-CSRFToken": "\w+"|data-csrf="\w+"', "", answer.content.decode())

    assert said(sign_in(Client(), password="guess")) == said(sign_in(Client(), "nobody", "guess"))


@pytest.mark.parametrize("weak", ["short", "password1234", "1234567890"])
def test_a_weak_password_is_refused(cast: Cast, weak: str) -> None:
    client = Client()
    sign_in(client)
    client.post("/account/password/", {"oldpassword": PASSWORD, "password1": weak, "password2": weak})
    cast.alice.refresh_from_db()
    assert cast.alice.check_password(PASSWORD)
    assert "password.change" not in actions()


def test_a_password_is_changed_and_said_by_email(cast: Cast) -> None:
    with_address(cast.alice)
    client = Client()
    sign_in(client)
    new = "a-river-runs-under-the-bridge"
    answer = client.post("/account/password/", {"oldpassword": PASSWORD, "password1": new, "password2": new})
    assert answer["Location"] == "/settings/account/"
    assert "password.change" in actions()
    assert [each.subject for each in mail.outbox] == ["Your password was changed"]
    assert sign_in(Client(), password=new).status_code == 302


def test_a_forgotten_password_is_reset_by_a_link_that_works_once(cast: Cast) -> None:
    with_address(cast.alice)
    Client().post("/account/password/reset/", {"email": "alice@example.org"})
    (letter,) = mail.outbox
    assert letter.subject == "A new password for Storyloom"
    found = re.search(r"http://testserver(/account/password/reset/\S+)", str(letter.body))
    assert found
    client, new = Client(), "a-river-runs-under-the-bridge"
    page = client.get(found.group(1), follow=True)
    answer = client.post(page.request["PATH_INFO"], {"password1": new, "password2": new})
    assert answer.status_code == 302
    assert sign_in(Client(), password=new).status_code == 302
    again = Client().get(found.group(1), follow=True)
    assert 'name="password1"' not in again.content.decode()


def test_resetting_tells_nobody_which_addresses_exist(cast: Cast) -> None:
    with_address(cast.alice)
    known = Client().post("/account/password/reset/", {"email": "alice@example.org"})
    unknown = Client().post("/account/password/reset/", {"email": "nobody@example.org"})
    assert (known.status_code, known["Location"]) == (unknown.status_code, unknown["Location"])


def test_nobody_makes_an_account_uninvited(cast: Cast) -> None:
    before = User.objects.count()
    said = {"email": "x@example.org", "password1": "a-river-runs-here", "password2": "a-river-runs-here"}
    Client().post("/account/new/", said)
    assert User.objects.count() == before


# Second factors ------------------------------------------------------------------------------------------------------
def turn_authenticator_on(client: Client) -> str:
    client.post("/account/again/", {"password": PASSWORD})
    page = client.get("/account/factors/authenticator/")
    secret = str(page.context["form"].secret)
    answer = client.post("/account/factors/authenticator/", {"code": code_now(secret)})
    assert answer.status_code == 302, answer.content.decode()
    return secret


def test_an_authenticator_is_asked_for_after_the_password(
    cast: Cast, django_capture_on_commit_callbacks: Any
) -> None:
    with_address(cast.alice)
    first = Client()
    sign_in(first)
    with django_capture_on_commit_callbacks(execute=True):
        secret = turn_authenticator_on(first)
    assert "factor.add" in actions()
    assert "An authenticator app was added to your account" in [each.subject for each in mail.outbox]
    cache.clear()  # a code counts once
    client = Client()
    assert sign_in(client)["Location"].startswith("/account/factors/ask/")
    assert client.get("/").status_code == 302
    assert client.post("/account/factors/ask/", {"code": "000000"}).status_code == 200
    assert client.get("/").status_code == 302
    assert client.post("/account/factors/ask/", {"code": code_now(secret)}).status_code == 302
    assert client.get("/").status_code == 200


def test_a_recovery_code_works_once(cast: Cast) -> None:
    first = Client()
    sign_in(first)
    turn_authenticator_on(first)
    codes = Authenticator.objects.get(user=cast.alice, type="recovery_codes").wrap().get_unused_codes()
    for expected in (302, 200):
        client = Client()
        sign_in(client)
        assert client.post("/account/factors/ask/", {"code": codes[0]}).status_code == expected


def test_a_code_by_email_is_asked_for_where_it_was_chosen(cast: Cast) -> None:
    with_address(cast.alice)
    browser_of(cast.alice).post("/settings/account/", {"do": "code-on"})
    client = Client()
    assert sign_in(client)["Location"].startswith("/account/code/")
    assert client.get("/").status_code == 302
    (letter,) = mail.outbox
    assert letter.subject == "Your sign-in code"
    code = str(letter.body).split("few minutes.")[1].split("--")[0].strip()
    assert client.post("/account/code/", {"code": "WRONG1"}).status_code == 200
    assert client.post("/account/code/", {"code": code}).status_code == 302
    assert client.get("/").status_code == 200


def test_a_code_by_email_needs_a_confirmed_address(cast: Cast) -> None:
    with_address(cast.alice, verified=False)
    client = browser_of(cast.alice)
    assert client.post("/settings/account/", {"do": "code-on"}).status_code == 400
    cast.alice.refresh_from_db()
    assert not cast.alice.mail_code


def test_the_admin_site_has_no_door_of_its_own(cast: Cast) -> None:
    said = {"username": "ada", "password": "ada-has-a-long-password", "next": "/admin/"}
    client = Client()
    assert client.post("/admin/login/", said)["Location"].startswith("/sign-in/?next=")
    assert client.get("/admin/").status_code == 302
    assert browser_of(cast.alice).get("/admin/login/?next=/admin/").status_code == 404


# Sessions ------------------------------------------------------------------------------------------------------------
def test_each_sign_in_is_listed_and_can_be_ended_from_elsewhere(cast: Cast) -> None:
    here, there = Client(headers={"User-Agent": "Desk"}), Client(headers={"User-Agent": "Phone"})
    sign_in(here)
    cast.alice.refresh_from_db()
    link = setup.sign_in_link(cast.alice).split("://", 1)[1].split("/", 1)[1]
    there.get(f"/{link}")
    page = here.get("/settings/account/").content.decode()
    assert "Desk" in page
    assert "Phone" in page
    assert page.count("End this one") == 1
    other = UserSession.objects.get(user=cast.alice, user_agent="Phone")
    assert browser_of(cast.bob).post(f"/settings/account/sessions/{other.pk}/end/").status_code == 404
    assert there.get("/").status_code == 200
    here.post(f"/settings/account/sessions/{other.pk}/end/")
    assert there.get("/").status_code == 302
    assert here.get("/").status_code == 200
    hers = AuditEntry.objects.filter(subject=f"user:{cast.alice.pk}").values_list("action", flat=True)
    assert list(hers) == ["session.start", "session.start", "session.end"]


def test_names_and_language_are_kept(cast: Cast) -> None:
    client = browser_of(cast.alice)
    client.post("/settings/account/", {"do": "keep", "first_name": "Alicia", "last_name": "", "language": "de"})
    cast.alice.refresh_from_db()
    assert (cast.alice.first_name, cast.alice.language) == ("Alicia", "de")
    assert 'lang="de"' in client.get("/").content.decode()
    assert 'lang="en"' in browser_of(cast.bob).get("/").content.decode()
    assert 'lang="de"' in Client().get("/sign-in/", headers={"Accept-Language": "de-AT"}).content.decode()
    refused = client.post("/settings/account/", {"do": "keep", "first_name": "", "last_name": "", "language": "xx"})
    assert refused.status_code == 400


def test_a_person_in_two_workspaces_opens_one_at_a_time(cast: Cast) -> None:
    Membership.objects.create(workspace=cast.other, user=cast.alice, role="editor")
    client = browser_of(cast.alice)
    assert "River desk" in client.get("/").content.decode()
    client.post(f"/settings/account/workspaces/{cast.other.pk}/open/")
    page = client.get("/").content.decode()
    assert "Hill desk" in page
    assert browser_of(cast.bob).post(f"/settings/account/workspaces/{cast.other.pk}/open/").status_code == 404


# People --------------------------------------------------------------------------------------------------------------
def test_a_link_makes_an_account_with_its_role(cast: Cast, admin: Client) -> None:
    page = admin.post("/settings/people/", {"role": "moderator"}).content.decode()
    found = re.search(r"http://testserver(/invitation/[^<]+)", page)
    assert found
    assert found.group(1) not in admin.get("/settings/people/").content.decode()
    client = Client()
    assert "Join River desk" in client.get(found.group(1)).content.decode()
    weak = {"first_name": "Nora", "email": "nora@example.org", "password": "short"}
    assert client.post(found.group(1), weak).status_code == 400
    answer = client.post(found.group(1), {**weak, "password": "a-river-runs-under-the-bridge"})
    assert answer["Location"] == "/"
    assert client.get("/").status_code == 200
    nora = User.objects.get(email="nora@example.org")
    assert nora.memberships.get().role == "moderator"
    assert not EmailAddress.objects.get(user=nora).verified
    over = Client().get(found.group(1))
    assert over.status_code == 404
    assert "This invitation is over" in over.content.decode()


def test_an_emailed_invitation_is_for_its_address_alone(cast: Cast) -> None:
    invitation = people.invite(cast.workspace, role="editor", by=cast.ada, address="nora@example.org")
    said = {"first_name": "Nora", "email": "other@example.org", "password": "a-river-runs-under-the-bridge"}
    Client().post(invitation.path, said)
    assert EmailAddress.objects.get(email="nora@example.org").verified
    assert not User.objects.filter(email="other@example.org").exists()


def test_who_has_an_account_joins_with_it(cast: Cast) -> None:
    invitation = people.invite(cast.workspace, role="editor", by=cast.ada)
    client = browser_of(cast.charlie)
    assert "Join as charlie" in client.get(invitation.path).content.decode()
    assert not Membership.objects.filter(workspace=cast.workspace, user=cast.charlie).exists()
    client.post(invitation.path)
    assert "River desk" in client.get("/").content.decode()


def test_an_address_with_an_account_is_led_to_sign_in(cast: Cast) -> None:
    User.objects.filter(pk=cast.charlie.pk).update(email="charlie@example.org")
    invitation = people.invite(cast.workspace, role="editor", by=cast.ada)
    said = {"first_name": "C", "email": "Charlie@example.org", "password": "a-river-runs-under-the-bridge"}
    answer = Client().post(invitation.path, said)
    assert answer.status_code == 400
    assert Invitation.objects.open().filter(pk=invitation.pk).exists()


def test_admins_manage_and_others_look(cast: Cast, admin: Client, author: Client) -> None:
    bob = Membership.objects.get(workspace=cast.workspace, user=cast.bob)
    page = author.get("/settings/people/").content.decode()
    assert "bob" in page
    assert "Invite somebody" not in page
    admin.post(f"/settings/people/{bob.pk}/role/", {"role": "moderator"})
    bob.refresh_from_db()
    assert bob.role == "moderator"
    admin.post(f"/settings/people/{bob.pk}/remove/")
    assert not Membership.objects.filter(pk=bob.pk).exists()
    ada = Membership.objects.get(workspace=cast.workspace, user=cast.ada)
    answer = admin.post(f"/settings/people/{ada.pk}/remove/", follow=True)
    assert "This is the last admin" in answer.content.decode()
