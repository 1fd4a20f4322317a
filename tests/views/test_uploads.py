"""Files in pieces: what tus 1.0 asks of a server, whose bytes they are, and what becomes of them."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import http.client
import shutil
import socket
from pathlib import Path
from typing import Any
from unittest.mock import patch
from urllib.parse import urlsplit

import pytest
from django.conf import settings
from django.http import UnreadablePostError
from django.test import Client

from creator import pieces
from creator.models import Job, Upload
from creator.services import importing, sweeping, uploading
from tests.conftest import Cast
from tests.media_processing.makers import picture_bytes

TUS = {"Tus-Resumable": "1.0.0"}


def told(name: str = "a.png", **said: str) -> str:
    pairs = {"filename": name, "licence": "CC0 1.0", **said}
    return ",".join(f"{key} {base64.b64encode(value.encode()).decode()}" for key, value in pairs.items())


def begin(client: Client, size: int, *, name: str = "a.png", **said: str) -> Any:
    headers = {**TUS, "Upload-Length": str(size), "Upload-Metadata": told(name, **said)}
    return client.post("/library/uploads/", headers=headers)


def more(client: Client, where: str, offset: int, piece: bytes, **headers: str) -> Any:
    return client.patch(
        where, piece, content_type="application/offset+octet-stream",
        headers={**TUS, "Upload-Offset": str(offset), **headers},
    )  # fmt: skip


def checksum(piece: bytes, name: str = "sha1") -> str:
    return f"{name} {base64.b64encode(hashlib.new(name, piece).digest()).decode()}"


def test_options_tell_what_there_is(author: Client) -> None:
    answer = author.options("/library/uploads/")
    assert answer.status_code == 204
    assert answer["Tus-Version"] == answer["Tus-Resumable"] == "1.0.0"
    assert answer["Tus-Max-Size"] == str(2 * 1024**3)
    assert {"creation", "termination", "checksum"} <= set(answer["Tus-Extension"].split(","))
    assert "sha1" in answer["Tus-Checksum-Algorithm"].split(",")


def test_a_file_in_pieces_is_imported_when_it_is_whole(author: Client, cast: Cast) -> None:
    content = picture_bytes()
    half = len(content) // 2
    answer = begin(author, len(content), name="C:\\photos\\river.png", credit="Ada", tags="river, trees")
    assert answer.status_code == 201
    where = answer["Location"]
    assert more(author, where, 0, content[:half])["Upload-Offset"] == str(half)
    assert not Job.objects.exists()
    stands = author.head(where, headers=TUS)
    assert (stands["Upload-Offset"], stands["Upload-Length"]) == (str(half), str(len(content)))
    assert stands["Cache-Control"] == "no-store"
    assert more(author, where, half, content[half:]).status_code == 204
    job = Job.objects.get()
    assert (job.person, job.kind) == (cast.alice, "import_assets")
    assert (job.subject["licence"], job.subject["credit"], job.subject["tags"]) == (
        "CC0 1.0",
        "Ada",
        ["river", "trees"],
    )
    file = job.subject["files"][0]
    assert file["name"] == "river.png"
    assert Path(file["path"]).read_bytes() == content


def test_what_arrives_together_is_imported_together(author: Client, colleague: Client) -> None:
    content = picture_bytes()
    for client in (author, author, colleague):
        more(client, begin(client, len(content))["Location"], 0, content)
    more(author, begin(author, len(content), licence="CC BY 4.0")["Location"], 0, content)
    assert sorted(len(job.subject["files"]) for job in Job.objects.all()) == [1, 1, 2]


def test_the_first_bytes_may_come_with_the_beginning(author: Client) -> None:
    content = picture_bytes()
    headers = {"Upload-Length": str(len(content)), "Upload-Metadata": told(), "Upload-Checksum": checksum(content)}
    answer = author.post(
        "/library/uploads/", content, content_type="application/offset+octet-stream", headers={**TUS, **headers}
    )
    assert (answer.status_code, answer["Upload-Offset"]) == (201, str(len(content)))
    assert Job.objects.count() == 1


@pytest.mark.parametrize(
    ("size", "name", "status"),
    [(3 * 1024**3, "a.mp4", 413), (10, "a.txt", 415), (10, "a.exe", 415), (0, "a.png", 400), (10, "noname", 201)],
)
def test_what_could_never_be_imported_is_refused_before_its_first_byte(
    author: Client, size: int, name: str, status: int
) -> None:
    answer = begin(author, size, name=name)
    assert answer.status_code == status
    if status != 201:
        assert answer.json()["message"]
        assert not Upload.objects.exists()


def test_a_full_disk_is_told_before_the_first_byte(author: Client) -> None:
    with patch("shutil.disk_usage", return_value=shutil._ntuple_diskusage(10**9, 10**9, 1000)):
        assert begin(author, 100).status_code == 507


def test_another_kind_of_file_is_found_out_by_its_first_bytes(author: Client) -> None:
    where = begin(author, 5000, name="a.png")["Location"]
    answer = more(author, where, 0, b"<!doctype html><p>" + b"x" * 100)
    assert answer.status_code == 415
    assert "web page" in answer.json()["message"]
    assert not Upload.objects.exists()
    assert author.head(where, headers=TUS).status_code == 404


def test_a_wrong_checksum_leaves_what_was_there(author: Client) -> None:
    content = picture_bytes()
    where = begin(author, len(content))["Location"]
    more(author, where, 0, content[:70])
    bent = more(author, where, 70, content[70:], **{"Upload-Checksum": checksum(b"other")})
    assert bent.status_code == 460
    assert author.head(where, headers=TUS)["Upload-Offset"] == "70"
    assert more(author, where, 70, content[70:], **{"Upload-Checksum": "crc9 AAAA"}).status_code == 400
    fits = checksum(content[70:], "sha256")
    assert more(author, where, 70, content[70:], **{"Upload-Checksum": fits}).status_code == 204


def test_pieces_out_of_place_and_too_many_bytes_are_refused(author: Client) -> None:
    content = picture_bytes()
    where = begin(author, len(content))["Location"]
    assert more(author, where, 5, content).status_code == 409
    assert more(author, where, 0, content + b"more").status_code == 413
    assert author.head(where, headers=TUS)["Upload-Offset"] == "0"
    assert (
        author.patch(where, content, content_type="text/plain", headers={**TUS, "Upload-Offset": "0"}).status_code
        == 415
    )
    assert more(author, where, 0, content).status_code == 204
    assert more(author, where, len(content), b"again").status_code == 409


def test_what_came_before_the_connection_broke_is_kept(author: Client) -> None:
    content = picture_bytes() + b"\x00" * 400_000
    begin(author, len(content))
    upload = Upload.objects.get()
    given = iter((content[:300_000],))

    def read(_most: int) -> bytes:
        for piece in given:
            return piece
        raise UnreadablePostError

    with pytest.raises(UnreadablePostError):
        uploading.append(upload, 0, read)
    upload.refresh_from_db()
    assert upload.offset == 300_000
    checked = iter((content[300_000:350_000],))
    given = checked
    with pytest.raises(UnreadablePostError):  # with a checksum nothing counts before all of it is there
        uploading.append(upload, 300_000, read, checksum=checksum(content[300_000:]))
    upload.refresh_from_db()
    assert upload.offset == 300_000


def test_only_its_sender_sees_an_upload(author: Client, colleague: Client, stranger: Client, moderator: Client) -> None:
    where = begin(author, 100)["Location"]
    for client in (colleague, stranger, moderator):
        assert client.head(where, headers=TUS).status_code == 404
        assert more(client, where, 0, b"x").status_code == 404
        assert client.delete(where, headers=TUS).status_code == 404
    assert begin(moderator, 100).status_code == 404
    assert [each["name"] for each in author.get("/library/uploads/").json()["uploads"]] == ["a.png"]
    assert colleague.get("/library/uploads/").json()["uploads"] == []


def test_ending_one_removes_its_bytes(author: Client) -> None:
    where = begin(author, 100)["Location"]
    folder = Upload.objects.get().path.parent
    assert folder.is_dir()
    assert author.delete(where, headers=TUS).status_code == 204
    assert not folder.exists()
    assert author.head(where, headers=TUS).status_code == 404


def test_another_version_and_broken_headers_are_told(author: Client) -> None:
    assert author.post("/library/uploads/", headers={"Tus-Resumable": "0.2.0"}).status_code == 412
    for length in ("", "-1", "many", "9" * 30, "١٢"):
        headers = {**TUS, "Upload-Length": length.encode().decode("latin-1"), "Upload-Metadata": "filename !!!,x"}
        assert author.post("/library/uploads/", headers=headers).status_code == 400
    where = begin(author, 100)["Location"]
    override = {**TUS, "X-HTTP-Method-Override": "DELETE"}
    assert author.post(where, headers=override).status_code == 204


def test_a_page_learns_what_became_of_each(author: Client) -> None:
    content = picture_bytes()
    where = begin(author, len(content))["Location"]
    more(author, where, 0, content)
    job = Job.objects.get()
    job.subject["results"] = [importing.Imported("a.png", error="It is damaged.", next_step="Export it again.").told()]
    job.save()
    row = author.get("/library/uploads/", {"id": [where.split("/")[-2], "no-uuid"]}).json()["uploads"][0]
    assert row["result"]["error"] == "It is damaged."


def test_files_wait_for_a_worker_however_long_it_takes(author: Client) -> None:
    import os

    content = picture_bytes()
    more(author, begin(author, len(content))["Location"], 0, content)
    begin(author, 100, name="left.png")
    waiting, left = Upload.objects.all()
    for folder in (Path(settings.DATA) / "uploads").iterdir():
        os.utime(folder, (0, 0))
    Upload.objects.update(changed="2020-01-01T00:00Z")
    sweeping.sweep()
    assert waiting.path.read_bytes() == content
    assert not left.path.exists()
    assert not Upload.objects.exists()


# Long bodies -------------------------------------------------------------------------------------------------------


def asked(chunks: list[bytes], *, gone: bool = False) -> tuple[list[tuple[int, bytes]], list[dict[str, Any]]]:
    """What a view got of a PATCH whose body comes in these chunks, and what the client got."""
    scope = {
        "type": "http", "method": "PATCH", "path": "/library/uploads/7b0e2d0c-4b0d-4d2e-9d0a-111111111111/",
        "headers": [(b"upload-offset", b"100"), (b"content-length", b"99"), (b"cookie", b"a=b")],
    }  # fmt: skip
    messages = [{"type": "http.request", "body": each, "more_body": True} for each in chunks]
    if gone:
        messages.append({"type": "http.disconnect"})
    else:
        messages[-1]["more_body"] = False
    got: list[tuple[int, bytes]] = []
    sent: list[dict[str, Any]] = []
    left = iter(messages)

    async def receive() -> dict[str, Any]:
        return next(left)

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    async def view(scope: Any, receive: Any, send: Any) -> None:
        headers = dict(scope["headers"])
        body = (await receive())["body"]
        assert headers[b"cookie"] == b"a=b"
        assert int(headers[b"content-length"]) == len(body)
        got.append((int(headers[b"upload-offset"]), body))
        status = 409 if body.startswith(b"refuse") else 204
        await send({"type": "http.response.start", "status": status, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    assert pieces.are_wanted(scope)
    asyncio.run(pieces.hand_over(view, scope, receive, send))
    return got, sent


def test_a_long_body_reaches_the_view_in_pieces() -> None:
    with patch.object(pieces, "PIECE", 10):
        got, sent = asked([b"abcdef", b"ghijkl", b"mnopqr", b"st"])
    assert got == [(100, b"abcdefghijkl"), (112, b"mnopqrst")]
    assert [each.get("status") for each in sent] == [204, None]


def test_a_body_that_breaks_off_is_kept_so_far() -> None:
    with patch.object(pieces, "PIECE", 10):
        got, _ = asked([b"abcdefghijkl", b"mno"], gone=True)
    assert got == [(100, b"abcdefghijkl"), (112, b"mno")]


def test_the_first_refusal_ends_it() -> None:
    with patch.object(pieces, "PIECE", 10):
        got, sent = asked([b"refuse this", b"and never see that"])
    assert len(got) == 1
    assert sent[0]["status"] == 409


def test_other_requests_are_left_alone() -> None:
    path = "/library/uploads/7b0e2d0c-4b0d-4d2e-9d0a-111111111111/"
    offset = (b"upload-offset", b"0")
    for scope in (
        {"method": "POST", "path": path, "headers": [offset]}, {"method": "PATCH", "path": "/x/", "headers": [offset]},
        {"method": "PATCH", "path": path, "headers": []},
        {"method": "PATCH", "path": path, "headers": [(b"upload-offset", b"-1")]},
        {"method": "PATCH", "path": path, "headers": [offset, (b"upload-checksum", b"sha1 x")]},
    ):  # fmt: skip
        assert not pieces.are_wanted(scope)


@pytest.mark.slow
def test_any_client_resumes_after_a_connection_that_broke(tmp_path: Path) -> None:
    """A real server, a raw socket that goes away in the middle of a long PATCH, and tuspy, which sends the rest."""
    from tusclient.client import TusClient

    from tests.processes import free_port, manage, running, until

    data, port = tmp_path / "data", free_port()
    env = {"STORYLOOM_PORT": str(port)}
    manage(data, "set_up", "--no-samples", timeout=120, **env)
    base = f"http://127.0.0.1:{port}"
    content = picture_bytes() + bytes(9_000_000)
    film = tmp_path / "film.png"
    film.write_bytes(content)
    with running(data, "web", "--port", str(port), **env):
        assert until(lambda: _answers(port), seconds=60)
        headers = _signed_in(data, port, env)
        client = TusClient(f"{base}/library/uploads/", headers=headers)
        uploader = client.uploader(str(film), metadata={"filename": "film.png", "licence": "CC0"}, chunk_size=6_000_000)
        uploader.set_url(uploader.create_url())
        where = urlsplit(str(uploader.url)).path
        with socket.create_connection(("127.0.0.1", port)) as line:
            lines = [f"PATCH {where} HTTP/1.1", f"Host: 127.0.0.1:{port}", "Upload-Offset: 0",
                     "Content-Type: application/offset+octet-stream", f"Content-Length: {len(content)}",
                     "Tus-Resumable: 1.0.0", *(f"{name}: {value}" for name, value in headers.items())]  # fmt: skip
            line.sendall("\r\n".join(lines).encode() + b"\r\n\r\n" + content[:5_000_000])
        assert until(lambda: uploader.get_offset() >= 4_000_000, seconds=20), uploader.get_offset()
        uploader.offset = uploader.get_offset()
        uploader.upload()
        assert uploader.get_offset() == len(content)
    files = list((data / "uploads").glob("*/bytes"))
    assert [hashlib.sha256(path.read_bytes()).hexdigest() for path in files] == [hashlib.sha256(content).hexdigest()]


def _answers(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1):
            return True
    except OSError:
        return False


def _signed_in(data: Path, port: int, env: dict[str, str]) -> dict[str, str]:
    """The headers of a browser that followed a sign-in link."""
    import json
    import re

    from tests.processes import manage

    link = urlsplit(json.loads(manage(data, "sign_in_link", "owner", "--json", timeout=120, **env).stdout)["link"])
    line = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    line.request("GET", f"{link.path}?{link.query}")
    answer = line.getresponse()
    answer.read()
    cookies = "; ".join(each.partition(";")[0] for each in answer.headers.get_all("Set-Cookie") or [])
    line.request("GET", "/", headers={"Cookie": cookies})
    answer = line.getresponse()
    page = answer.read().decode()
    cookies += "; " + "; ".join(each.partition(";")[0] for each in answer.headers.get_all("Set-Cookie") or [])
    token = re.search(r'data-csrf="([^"]+)"', page)
    assert token is not None
    return {"Cookie": cookies, "X-CSRFToken": token[1]}
