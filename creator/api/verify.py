"""What a file says of where it comes from."""

from __future__ import annotations

from typing import Any, Literal

from django.http import HttpRequest
from ninja import File, Router, Schema
from ninja.files import UploadedFile
from pydantic import Field

from creator.api.contract import answers, sent
from creator.api.errors import problem
from creator.api.keys import ChannelKey, key_of
from creator.services import marking
from media_processing.decoding import MediaError

router = Router(tags=["verify"], auth=ChannelKey("stories:read"))


class Part(Schema):
    """Something that the file was made of."""

    title: str
    verdict: str = Field(description="none, invalid or untrusted: how its own Content Credentials stood then.")


class Verified(Schema):
    """What a file says of where it comes from, and whether that holds."""

    content_type: str
    verdict: Literal["none", "invalid", "untrusted", "trusted"] = Field(
        description="none: it carries no Content Credentials; invalid: it was changed after it was signed; untrusted: "
        "unchanged, signed by somebody whom nobody here vouches for; trusted: unchanged, signed by this installation."
    )
    signer: str
    title: str
    digital_source_type: str = Field(description="A name of IPTC's: trainedAlgorithmicMedia, digitalCapture ...")
    actions: list[str]
    ingredients: list[Part]
    problems: list[str] = Field(description="Codes of the C2PA specification.")
    watermark: bool | None = Field(description="Whether a picture carries our watermark; null for other files.")


@router.post("", response=answers(Verified), summary="Look at a file")
def verify_file(request: HttpRequest, file: File[UploadedFile]) -> Any:
    """Send a picture, a video or a sound (multipart, at most 200 MB). Nothing of it is kept."""
    key_of(request)
    if (file.size or 0) > marking.MOST_BYTES:
        return problem(413, f"The file is larger than {marking.MOST_BYTES / 1e6:,.0f} MB.")
    try:
        told = marking.examine(file.read(), name=file.name or "")
    except MediaError as error:
        return problem(422, error.message, next_step=error.next_step)
    finding = told["finding"]
    return sent({
        "content_type": told["content_type"], "verdict": finding.verdict, "signer": finding.signer,
        "title": finding.title, "digital_source_type": finding.source_type, "actions": list(finding.actions),
        "ingredients": [{"title": title, "verdict": verdict} for title, verdict in finding.ingredients],
        "problems": list(finding.problems), "watermark": told["watermark"],
    })  # fmt: skip
