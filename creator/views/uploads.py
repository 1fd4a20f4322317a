"""Files that come in pieces: tus 1.0 (https://tus.io/protocols/resumable-upload) with creation, creation-with-upload,
termination, checksum and expiration. Any tus client works that sends the session's cookie and its CSRF token.

Files of any size pass through in pieces; see creator/pieces.py for how long bodies get here.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.http import http_date

from creator.access import upload_for, workspace_for
from creator.models import Upload
from creator.services import refusals, uploading
from creator.services.importing import MAX_FILE_BYTES
from creator.services.uploading import UploadError
from creator.views.people import person_of
from media_processing.engine import EngineError

VERSION = "1.0.0"
EXTENSIONS = "creation,creation-with-upload,termination,checksum,expiration"
BYTES = "application/offset+octet-stream"
SHOWN = 600
"""Uploads that a page is told of at once."""

View = Callable[..., HttpResponse]


def tus(*methods: str) -> Callable[[View], View]:
    """What the protocol wants of every answer: its version, errors with their status, and OPTIONS answered."""

    def decorate(view: View) -> View:
        def answer(request: HttpRequest, **where: Any) -> HttpResponse:
            method = request.headers.get("X-HTTP-Method-Override", request.method or "").upper()
            if method == "OPTIONS":
                told = HttpResponse(status=204, headers={
                    "Tus-Version": VERSION, "Tus-Extension": EXTENSIONS, "Tus-Max-Size": str(MAX_FILE_BYTES),
                    "Tus-Checksum-Algorithm": ",".join(uploading.DIGESTS),
                })  # fmt: skip
            elif method not in methods:
                told = HttpResponse(status=405, headers={"Allow": ", ".join((*methods, "OPTIONS"))})
            elif method != "GET" and request.headers.get("Tus-Resumable") != VERSION:
                told = HttpResponse(status=412, headers={"Tus-Version": VERSION})
            else:
                try:
                    told = view(request, method, **where)
                except EngineError as error:
                    body = {"message": refusals.told(error.message), "next_step": refusals.told(error.next_step)}
                    told = JsonResponse(body, status=getattr(error, "status", 422))
            told["Tus-Resumable"] = VERSION
            told["Cache-Control"] = "no-store"
            return told

        return login_required(answer)

    return decorate


@tus("GET", "POST")
def uploads(request: HttpRequest, method: str) -> HttpResponse:
    """A POST begins an upload; a GET tells how far the person's own of today are, those named by `id` alone."""
    workspace, person = workspace_for(request.user, to="edit"), person_of(request)
    if method == "GET":
        wanted = Upload.objects.filter(workspace=workspace, person=person).select_related("job")
        if numbers := request.GET.getlist("id"):
            wanted = wanted.filter(pk__in=[number for number in map(_uuid, numbers[:SHOWN]) if number])
        return JsonResponse({"uploads": [uploading.told(upload) for upload in wanted.order_by("-created")[:SHOWN]]})
    said = _metadata(request.headers.get("Upload-Metadata", ""))
    size = _number(request, "Upload-Length")
    upload = uploading.begin(
        workspace, person, name=said.get("filename", said.get("name", "")), size=size, said=said,
        kind=said.get("filetype", said.get("type", "")),
    )  # fmt: skip
    if request.content_type == BYTES:
        upload = _append(request, upload, 0)
    return _stands(upload, 201, Location=reverse("upload", args=[upload.pk]))


@tus("HEAD", "PATCH", "DELETE")
def upload(request: HttpRequest, method: str, upload_id: UUID) -> HttpResponse:
    """How far one is, more of its bytes, or its end."""
    found = upload_for(request.user, upload_id)
    if method == "DELETE":
        uploading.discard(found)
        return HttpResponse(status=204)
    if method == "HEAD":
        return _stands(found, 200, **{"Upload-Length": str(found.size)})
    if request.content_type != BYTES:
        raise UploadError(f"The content type of a piece is {BYTES}.", status=415)
    return _stands(_append(request, found, _number(request, "Upload-Offset")), 204)


def _append(request: HttpRequest, upload: Upload, offset: int) -> Upload:
    checksum = request.headers.get("Upload-Checksum", "")
    return uploading.append(upload, offset, lambda most: bytes(request.read(most)), checksum=checksum)


def _stands(upload: Upload, status: int, **headers: str) -> HttpResponse:
    expires = http_date((timezone.now() + uploading.KEPT).timestamp())
    return HttpResponse(
        status=status, headers={"Upload-Offset": str(upload.offset), "Upload-Expires": expires, **headers}
    )


def _number(request: HttpRequest, header: str) -> int:
    said = request.headers.get(header, "")
    if not said.isdecimal() or not said.isascii() or len(said) > 15:
        raise UploadError(f"{header} has to be a number.", status=400)
    return int(said)


def _metadata(header: str) -> dict[str, str]:
    """ "filename d29ybGQ=,licence Q0Mw" as a dictionary; what isn't Base64 of UTF-8 isn't said."""
    said = {}
    for pair in header[:8000].split(","):
        name, _, value = pair.strip().partition(" ")
        try:
            said[name] = base64.b64decode(value, validate=True).decode().replace("\x00", "")
        except (binascii.Error, UnicodeDecodeError):
            continue
    return said


def _uuid(said: str) -> UUID | None:
    try:
        return UUID(said)
    except ValueError:
        return None
