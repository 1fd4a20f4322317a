"""The OpenAPI document in the repository is what the API does; the page that shows it asks no other host."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from creator.management.commands import openapi
from creator.services import keys
from tests.api.conftest import App

DOCUMENT = json.loads(openapi.WHERE.read_text())
ROUTES = [(path, method, route) for path, routes in DOCUMENT["paths"].items() for method, route in routes.items()]


def test_the_document_in_the_repository_is_what_the_api_does() -> None:
    """After a change that is meant: python manage.py openapi."""
    call_command("openapi", check=True)


def test_a_document_of_yesterday_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old = tmp_path / "openapi.json"
    old.write_text(openapi.WHERE.read_text().replace("Storyloom", "Storyboard"))
    monkeypatch.setattr(openapi, "WHERE", old)
    with pytest.raises(CommandError, match="openapi"):
        call_command("openapi", check=True)
    call_command("openapi", stdout=io.StringIO())
    call_command("openapi", check=True)


def test_every_bound_of_a_number_is_told() -> None:
    """pydantic's own names for bounds in the document are bounds that got lost."""
    text = json.dumps(DOCUMENT)
    assert not [name for name in ("ge", "le", "gt", "lt", "min_length") if f'"{name}": ' in text]


def test_it_is_of_version_3_1_with_names_of_its_own() -> None:
    assert DOCUMENT["openapi"].startswith("3.1")
    names = [route["operationId"] for _, _, route in ROUTES]
    assert len(names) == len(set(names))


@pytest.mark.parametrize(("path", "method", "route"), ROUTES, ids=lambda each: each if isinstance(each, str) else "")
def test_every_route_declares_what_it_may_answer(path: str, method: str, route: dict[str, Any]) -> None:
    wanted = {"400", "401", "403", "404", "413", "422", "429"} | ({"409", "411"} if method == "post" else set())
    if not route.get("security"):
        wanted -= {"401", "403"}
    assert wanted <= set(route["responses"])
    for status, answer in route["responses"].items():
        assert answer["description"]
        if status >= "400":
            assert list(answer["content"]) == ["application/problem+json"]
    names = [each["name"] for each in route.get("parameters", ())]
    assert len(names) == len(set(names))
    assert method != "post" or "Idempotency-Key" in names
    assert route["summary"]


def test_the_page_of_the_document_keeps_to_our_host(db: None) -> None:
    page = Client().get("/api/v1/docs")
    text = page.content.decode()
    assert page.status_code == 200
    assert "//" not in text.replace("<!--", "").replace("//--", "")
    assert "/static/ninja/swagger-ui-bundle.js" in text
    assert "script-src 'self'" in page["Content-Security-Policy"]
    assert json.loads(Client().get("/api/v1/openapi.json").content)["info"]["title"] == "Storyloom content API"


def test_scopes_in_the_document_are_there() -> None:
    said = " ".join(str(route.get("description")) for _, _, route in ROUTES)
    named = {word.strip(".,();") for word in said.split() if ":" in word and word.strip(".,();") in keys.SCOPES}
    assert named >= {"stories:read", "stories:write", "stories:publish", "reviews:write", "assets:read", "jobs:read"}


def test_a_deprecated_route_says_since_when(reader: App) -> None:
    """None is deprecated yet: the headers are tested on a route of their own."""
    from creator.api.contract import deprecated

    class Answer(dict[str, str]):
        pass

    told = deprecated(since="2026-11-01", until="2027-11-01")(lambda: Answer())()
    assert told["Deprecation"] == "@1793491200"
    assert told["Sunset"] == "Mon, 01 Nov 2027 00:00:00 GMT"
