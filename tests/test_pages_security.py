"""Headers, cookies and markup of every page that there is: what an injected line of HTML would meet."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from http.cookies import Morsel
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from django.conf import settings
from django.http import HttpResponse
from django.test import Client

from tests.conftest import Cast
from tests.media_processing.makers import clip
from tests.test_permissions import READ, WHO, ask
from tests.world import World, address, build, clients

OURS = {"", "testserver", "127.0.0.1:8000"}
LOADING = {
    "script": ("src",), "link": ("href",), "img": ("src", "srcset"), "video": ("src", "poster"), "audio": ("src",),
    "source": ("src", "srcset"), "track": ("src",), "iframe": ("src",), "object": ("data",), "embed": ("src",),
    "form": ("action",), "base": ("href",), "use": ("href", "xlink:href"),
}  # fmt: skip
"""Elements that load something or send something somewhere, by the attributes that say from where."""


@pytest.fixture
def world(cast: Cast, tmp_path: Path) -> World:
    return build(cast, clip(tmp_path / "clip.mp4", seconds=0.4).read_bytes())


def pages(world: World) -> dict[str, HttpResponse]:
    """Every GET that the owner, and somebody without a session, gets a whole answer to."""
    asking = clients(world)
    found = {}
    for who in ("owner", "anonymous", "moderator"):
        for route, line in READ.items():
            status = dict(zip(WHO, line.split(), strict=True))[who]
            if route != "events/" and (who == "owner" or (status in ("200", "403") and route.startswith("sign-in"))):
                found[f"{who} /{route}"] = ask(asking[who], "get", address(route, world))
    found["moderator /admin/review/"] = ask(asking["moderator"], "get", "/admin/review/")
    found["owner /no-such-page"] = ask(asking["owner"], "get", "/no-such-page")
    found["owner search"] = ask(asking["owner"], "get", '/library/?q="><script>alert(1)</script>')
    found["csrf failure"] = ask(Client(enforce_csrf_checks=True), "post", "/sign-in/", data={})
    return found


def policy(answer: HttpResponse) -> dict[str, list[str]]:
    parts = (part.split() for part in answer.get("Content-Security-Policy", "").split(";") if part.strip())
    return {name: values for name, *values in parts}


def is_html(answer: HttpResponse) -> bool:
    return answer.get("Content-Type", "").startswith("text/html")


class Markup(HTMLParser):
    """What a browser would run, load or send."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.faults: list[str] = []
        self.nonces: set[str] = set()
        self._inline = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.faults += [f"<{tag} {name}>" for name in given if name.startswith("on") or name == "style"]
        self.faults += [f"<{tag} {name}={value!r}>" for name, value in given.items() if "javascript:" in value.lower()]
        for name in LOADING.get(tag, ()):
            value = given.get(name, "")
            if not value.startswith(("data:", "blob:")) and urlsplit(value).netloc not in OURS:
                self.faults.append(f"<{tag} {name}={value!r}> is another host")
        if given.get("nonce"):
            self.nonces.add(given["nonce"])
        data = given.get("type") in ("application/json", "text/html", "importmap")
        if tag == "script" and "src" not in given and "nonce" not in given and not data:
            self.faults.append("an inline script without a nonce")
        if tag == "style" and "nonce" not in given:
            self.faults.append("an inline style sheet without a nonce")
        if given.get("target") == "_blank" and "noopener" not in given.get("rel", "noopener"):
            self.faults.append("a new window that can reach back")


@pytest.mark.slow
def test_every_page_is_closed(world: World) -> None:
    """One test for all pages and all rules: what is wrong is listed whole."""
    wrong = []
    for name, answer in pages(world).items():
        if answer.status_code in (301, 302, 405):
            continue
        said = policy(answer)
        wrong += [f"{name}: {fault}" for fault in (*header_faults(answer, said), *policy_faults(answer, said))]
        if is_html(answer):
            markup = Markup(answer.content.decode())
            wrong += [f"{name}: {fault}" for fault in dict.fromkeys(markup.faults)]
            allowed = {value[7:-1] for value in said.get("script-src", ()) if value.startswith("'nonce-")}
            if markup.nonces - allowed:
                wrong.append(f"{name}: a nonce that the policy doesn't know")
    assert not wrong, "\n".join(wrong)


def header_faults(answer: HttpResponse, said: dict[str, list[str]]) -> list[str]:
    wanted = {
        "X-Content-Type-Options": "nosniff", "Cross-Origin-Opener-Policy": "same-origin",
        "Referrer-Policy": "same-origin", "X-Frame-Options": "DENY",
    }  # fmt: skip
    faults = [f"{header} is {answer.get(header)}" for header, value in wanted.items() if answer.get(header) != value]
    if "microphone=(self)" not in answer.get("Permissions-Policy", ""):
        faults.append("no Permissions-Policy")
    if not said:
        faults.append("no Content-Security-Policy")
    if "Server" in answer or "X-Powered-By" in answer:
        faults.append("it says what it runs on")
    return faults


def policy_faults(answer: HttpResponse, said: dict[str, list[str]]) -> list[str]:
    if "sandbox" in said:  # a file: nothing in it may run
        return [] if "script-src" not in said and "allow-scripts" not in said["sandbox"] else ["a file that may run"]
    faults = []
    if said.get("default-src") != ["'none'"]:
        faults.append(f"default-src is {said.get('default-src')}")
    if said.get("frame-ancestors") != ["'none'"]:
        faults.append("it can be framed")
    for directive, values in said.items():
        loose = {"'unsafe-inline'", "'unsafe-eval'", "'unsafe-hashes'", "*", "http:", "https:", "'strict-dynamic'"}
        faults += [f"{directive} allows {value}" for value in values if value in loose or "://" in value]
    if is_html(answer) and not {"base-uri", "form-action", "script-src"} <= set(said):
        faults.append("base-uri, form-action or script-src is open")
    if "data:" in said.get("script-src", ()):
        faults.append("scripts from data:")
    return faults


def test_a_nonce_is_new_with_every_answer(cast: Cast) -> None:
    def nonce() -> str:
        found = re.search(r"nonce-([\w+/=-]+)", Client().get("/sign-in/")["Content-Security-Policy"])
        return found.group(1) if found else ""

    first, second = nonce(), nonce()
    assert first
    assert first != second
    assert len(first) >= 16


MARKUP = ("<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "{{ 7*7 }}", "</script>")


@pytest.mark.parametrize("text", MARKUP)
@pytest.mark.slow
def test_words_of_people_are_never_markup(world: World, text: str) -> None:
    """Titles, tags, names and notes with markup in them, on every page."""
    world.cast.alice.first_name = text[:140]
    world.cast.alice.save()
    for story in (world.draft, world.submitted, world.live):
        type(story).objects.filter(pk=story.pk).update(title=text, summary=text, hashtags=[text])
        story.scenes.update(narration=text, on_screen=text, alt=text, visual=text)
        type(story.brief).objects.filter(pk=story.brief_id).update(article=f"{text} {text}", title=text)
    type(world.asset).objects.update(title=text, alt=text, tags=[text], licence=text[:100], credit=text)
    type(world.failed).objects.update(error=text, next_step=text)
    type(world.channel).objects.update(name=text[:100])
    type(world.key).objects.update(name=text[:100])
    wrong = []
    for name, answer in pages(world).items():
        if is_html(answer) and answer.status_code == 200:
            content = answer.content.decode()
            wrong += [f"{name}: {fault}" for fault in dict.fromkeys(Markup(content).faults)]
            wrong += [f"{name}: as it was typed"] * (text in content and text not in ("{{ 7*7 }}", "</script>"))
            wrong += [f"{name}: evaluated"] * (text == "{{ 7*7 }}" and ">49<" in content)
    assert not wrong, "\n".join(wrong)


def test_cookies_cannot_be_read_by_scripts_or_sent_from_elsewhere(cast: Cast) -> None:
    client = Client()
    client.get("/sign-in/")
    client.post("/sign-in/", {"login": "alice", "password": "alice-has-a-long-password"})
    client.get("/")
    session: Morsel[str] = client.cookies[settings.SESSION_COOKIE_NAME]
    token: Morsel[str] = client.cookies["csrftoken"]
    assert session["httponly"]
    assert {session["samesite"], token["samesite"]} <= {"Lax", "Strict"}
    assert session["domain"] == token["domain"] == ""


def test_cookies_are_secure_behind_https() -> None:
    """The setting that a team's installation turns on, read anew in a process of its own."""
    import os
    import subprocess
    import sys

    code = (
        "import os; os.environ['DJANGO_SETTINGS_MODULE']='creator.settings'\n"
        "from django.conf import settings as s\n"
        "print(s.SESSION_COOKIE_SECURE, s.CSRF_COOKIE_SECURE, s.SECURE_HSTS_SECONDS > 0)"
    )
    given = {**os.environ, "STORYLOOM_SECURE": "yes", "STORYLOOM_DATA": str(settings.DATA)}
    done = subprocess.run([sys.executable, "-c", code], env=given, capture_output=True, text=True, timeout=60)
    assert done.stdout.split() == ["True", "True", "True"], done.stderr


def test_signing_in_makes_a_new_session(cast: Cast) -> None:
    client = Client()
    client.get("/sign-in/")
    client.session["planted"] = "yes"
    client.cookies[settings.SESSION_COOKIE_NAME] = "planted-by-somebody"
    client.post("/sign-in/", {"login": "alice", "password": "alice-has-a-long-password"})
    assert client.cookies[settings.SESSION_COOKIE_NAME].value != "planted-by-somebody"


@pytest.mark.parametrize("goal", ["https://evil.example/", "//evil.example/", "javascript:alert(1)", "/\\evil.example"])
def test_signing_in_never_leads_away(cast: Cast, goal: str) -> None:
    given = {"login": "alice", "password": "alice-has-a-long-password", "next": goal}
    assert Client().post("/sign-in/", given)["Location"] == "/"


def test_a_sign_in_link_works_once(cast: Cast) -> None:
    from creator.services.setup import sign_in_link

    path = sign_in_link(cast.alice).split("://", 1)[1].split("/", 1)[1]
    assert Client().get(f"/{path}").status_code == 302
    assert Client().get(f"/{path}").status_code == 403


def test_a_host_that_is_not_ours_is_refused(db: None) -> None:
    assert Client().get("/sign-in/", headers={"Host": "evil.example"}).status_code == 400
