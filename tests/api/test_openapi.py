"""The OpenAPI document in the repository is what the API does; the page that shows it asks no other host."""

from __future__ import annotations

import io
import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.templatetags.static import static
from django.test import Client

from creator.api import api, deprecations
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
    assert static("ninja/swagger-ui-bundle.js") in text
    assert "script-src 'self'" in page["Content-Security-Policy"]
    assert json.loads(Client().get("/api/v1/openapi.json").content)["info"]["title"] == "Storyloom content API"


def test_scopes_in_the_document_are_there() -> None:
    said = " ".join(str(route.get("description")) for _, _, route in ROUTES)
    named = {word.strip(".,();") for word in said.split() if ":" in word and word.strip(".,();") in keys.SCOPES}
    assert named >= {"stories:read", "stories:write", "stories:publish", "reviews:write", "assets:read", "jobs:read"}


def test_nothing_goes_without_a_years_notice() -> None:
    for name in deprecations.ENDINGS:
        operation, _, parameter = name.partition(".")
        route = next(route for _, _, route in ROUTES if route["operationId"] == operation)
        assert not parameter or parameter in [each["name"] for each in route["parameters"]]
    with pytest.raises(ValueError, match="365"):
        deprecations.Ending(date(2026, 11, 1), date(2027, 3, 1), "GET /stories")


def test_what_goes_says_so_in_headers_and_document(reader: App, monkeypatch: pytest.MonkeyPatch) -> None:
    route = deprecations.Ending(date(2026, 11, 1), date(2028, 11, 1), "GET /stories/{id}")
    parameter = deprecations.Ending(date(2026, 11, 1), date(2027, 11, 1), "use aspect.")
    monkeypatch.setattr(deprecations, "ENDINGS", {"list_stories": route, "list_stories.kind": parameter})
    plain, narrowed = (reader.get(f"/stories{query}") for query in ("", "?kind=video"))
    assert (plain["Deprecation"], plain["Sunset"]) == ("@1793491200", "Wed, 01 Nov 2028 00:00:00 GMT")
    assert narrowed["Sunset"] == "Mon, 01 Nov 2027 00:00:00 GMT"
    assert 'rel="deprecation"' in plain["Link"]
    assert "Deprecation" not in reader.get("/channels")
    refused = reader.get("/stories?kind=song"), reader.get("/stories?sort=size"), App("").get("/stories")
    assert [answer.status_code for answer in refused] == [422, 422, 401]
    assert [answer["Sunset"][12:16] for answer in refused] == ["2027", "2028", "2028"]
    document = api.get_openapi_schema()
    said = document["paths"]["/api/v1/stories"]["get"]
    assert said["deprecated"]
    assert "GET /stories/{id}" in said["description"]
    assert all({"Deprecation", "Sunset"} <= set(each["headers"]) for each in said["responses"].values())
    assert [each["name"] for each in said["parameters"] if each.get("deprecated")] == ["kind"]
    assert "deprecated" not in document["paths"]["/api/v1/channels"]["get"]
