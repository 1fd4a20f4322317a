"""Ways in, and out."""

from __future__ import annotations

from django.test import Client
from sesame.utils import get_query_string

from tests.conftest import Cast


def test_a_password_signs_in_and_leads_back(cast: Cast) -> None:
    client = Client()
    said = {"login": "alice", "password": "alice-has-a-long-password", "next": "/library/"}
    answer = client.post("/sign-in/", said)
    assert (answer.status_code, answer["Location"]) == (302, "/library/")
    assert client.get("/").status_code == 200


def test_a_wrong_password_says_so(cast: Cast) -> None:
    answer = Client().post("/sign-in/", {"login": "alice", "password": "guess"})
    assert answer.status_code == 200
    assert "password you specified are not correct" in answer.content.decode()


def test_nobody_is_led_to_another_site(cast: Cast) -> None:
    said = {"login": "alice", "password": "alice-has-a-long-password", "next": "https://evil.example/"}
    assert Client().post("/sign-in/", said)["Location"] == "/"


def test_a_link_signs_in_once(cast: Cast) -> None:
    address = f"/sign-in/link/{get_query_string(cast.alice)}"
    client = Client()
    assert client.get(address)["Location"] == "/"
    assert client.get("/").status_code == 200
    second = Client().get(address)
    assert second.status_code == 403
    assert "no longer works" in second.content.decode()


def test_a_made_up_link_opens_nothing(cast: Cast) -> None:
    assert Client().get("/sign-in/link/?sesame=made-up").status_code == 403
    assert Client().get("/sign-in/link/").status_code == 403


def test_signing_out_takes_a_post(author: Client) -> None:
    assert author.get("/sign-out/").status_code == 405
    assert author.post("/sign-out/").status_code == 302
    assert author.get("/").status_code == 302
