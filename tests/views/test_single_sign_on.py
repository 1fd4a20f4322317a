"""Signing in through an OpenID Connect provider, which runs on loopback: who gets in, as whom, and who doesn't."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from allauth.socialaccount.models import SocialAccount
from django.conf import LazySettings
from django.core.cache import cache
from django.test import Client

from creator.models import Membership, User
from creator.services import people
from tests.conftest import Cast
from tests.identity_provider import CLIENT, SECRET, Provider, providing

BACK = "/account/oidc/sso/login/callback/"


@pytest.fixture
def provider(settings: LazySettings, cast: Cast) -> Iterator[Provider]:
    cache.clear()
    with providing() as found:
        app = {"provider_id": "sso", "name": "Work", "client_id": CLIENT, "secret": SECRET,
               "settings": {"server_url": found.issuer}}  # fmt: skip
        settings.SOCIALACCOUNT_PROVIDERS = {"openid_connect": {"APPS": [app], "OAUTH_PKCE_ENABLED": True}}
        yield found


def go_there(client: Client) -> str:
    """Where the button leads."""
    answer = client.post("/account/oidc/sso/login/")
    assert answer.status_code == 302, answer.content[:500]
    return str(answer["Location"])


def sign_in(client: Client, provider: Provider) -> Any:
    return client.get(BACK, provider.consent(go_there(client)))


def signed_in_as(client: Client) -> User | None:
    return User.objects.filter(pk=client.session.get("_auth_user_id")).first()


def test_the_page_offers_the_provider_by_its_name(provider: Provider) -> None:
    assert "Work" in Client().get("/sign-in/").content.decode()


def test_who_is_invited_gets_an_account_and_their_place(provider: Provider, cast: Cast) -> None:
    people.invite(cast.workspace, role="editor", by=cast.ada, address=provider.person.email)
    client = Client()
    assert sign_in(client, provider)["Location"] == "/"
    user = signed_in_as(client)
    assert user is not None
    assert user.email == provider.person.email
    assert Membership.objects.get(user=user).workspace == cast.workspace
    assert EmailAddress.objects.get(user=user).verified
    assert client.get("/").status_code == 200
    again = Client()
    sign_in(again, provider)
    assert signed_in_as(again) == user


def test_who_has_an_account_with_that_address_is_that_person(provider: Provider, cast: Cast) -> None:
    User.objects.filter(pk=cast.alice.pk).update(email=provider.person.email)
    EmailAddress.objects.create(user=cast.alice, email=provider.person.email, primary=True, verified=True)
    client = Client()
    sign_in(client, provider)
    assert signed_in_as(client) == cast.alice
    assert SocialAccount.objects.get().user == cast.alice


def test_who_is_not_invited_stays_outside(provider: Provider, cast: Cast) -> None:
    people_before = User.objects.count()
    client = Client()
    sign_in(client, provider)
    assert signed_in_as(client) is None
    assert User.objects.count() == people_before


def test_an_address_that_nobody_verified_opens_nothing(provider: Provider, cast: Cast) -> None:
    people.invite(cast.workspace, role="admin", by=cast.ada, address=provider.person.email)
    EmailAddress.objects.create(user=cast.alice, email="alice@example.org", primary=True, verified=True)
    User.objects.filter(pk=cast.alice.pk).update(email="alice@example.org")
    for address in (provider.person.email, "alice@example.org"):
        provider.person.email, provider.person.email_verified = address, False
        client = Client()
        sign_in(client, provider)
        assert signed_in_as(client) is None, address
    assert not SocialAccount.objects.exists()


def test_a_code_is_good_once_and_in_the_browser_that_asked(provider: Provider, cast: Cast) -> None:
    people.invite(cast.workspace, role="editor", by=cast.ada, address=provider.person.email)
    client, other = Client(), Client()
    brought = provider.consent(go_there(client))
    go_there(other)
    other.get(BACK, brought)
    assert signed_in_as(other) is None, "a state of another browser"
    client.get(BACK, {**brought, "state": "made-up"})
    assert signed_in_as(client) is None
    client = Client()
    brought = provider.consent(go_there(client))
    client.get(BACK, brought)
    assert signed_in_as(client)
    client.logout()
    client.get(BACK, brought)
    assert signed_in_as(client) is None


@pytest.mark.parametrize(
    "claims", [{"aud": "another-app"}, {"iss": "https://evil.example"}, {"exp": int(time.time()) - 3600}],
    ids=["audience", "issuer", "expired"],
)  # fmt: skip
def test_a_token_for_somebody_else_is_refused(provider: Provider, cast: Cast, claims: dict[str, Any]) -> None:
    people.invite(cast.workspace, role="editor", by=cast.ada, address=provider.person.email)
    provider.person.claims = claims
    client = Client()
    answer = sign_in(client, provider)
    assert answer.status_code in (200, 302, 401)
    assert signed_in_as(client) is None


def test_a_provider_that_is_away_or_says_no_is_a_page(provider: Provider, cast: Cast) -> None:
    client = Client()
    go_there(client)
    answer = client.get(BACK, {"error": "access_denied", "state": "x"}, follow=True)
    assert answer.status_code in (200, 401)
    assert signed_in_as(client) is None
    client = Client(raise_request_exception=False)
    location = go_there(client)
    brought = provider.consent(location)
    provider.codes.clear()
    assert client.get(BACK, brought).status_code < 500
    assert provider.refused == ["invalid_grant"]
    assert signed_in_as(client) is None
