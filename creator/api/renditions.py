"""The files of published stories, and the small ones of assets that a search found."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from django.db.models import Q
from django.http import HttpRequest, HttpResponseBase
from ninja import Query, Router, Schema
from ninja.errors import HttpError
from ninja.security import APIKeyQuery
from pydantic import Field

from creator.api.contract import answers
from creator.api.errors import problem
from creator.api.keys import ChannelKey
from creator.models import ApiKey, Publication
from creator.ranges import ranged
from creator.services import links
from creator.services.serving import untouched
from media_processing.models import Rendition

router = Router(tags=["renditions"])


class SignedLink(APIKeyQuery):
    """The address of a file as an answer of this API names it: it opens that file without a key, until it expires.
    A file of a public channel needs no signature."""

    param_name = "signature"

    def authenticate(self, request: HttpRequest, key: str | None) -> Any:
        channel, expires = (request.GET.get(name, "") for name in ("channel", "expires"))
        file = request.path.rpartition("/")[2]
        if not key:
            public = Publication.objects.live().filter(channel__public=True, renditions=UUID(file))
            return public.values_list("channel", flat=True).first()
        sound = all(each.isascii() and each.isdecimal() and len(each) < 16 for each in (channel, expires))
        if not sound or not links.is_signed(file, int(channel), int(expires), key):
            raise HttpError(403, "This address has expired, or was not made by this API: fetch the story again.")
        return int(channel)


class FileQuery(Schema):
    """What a signed address carries."""

    channel: Annotated[str, Field(max_length=20)] = ""
    expires: Annotated[str, Field(max_length=20)] = ""
    signature: Annotated[str, Field(max_length=100)] = ""


READS = ("stories:read", "search:read", "assets:read")


@router.get(
    "/{uuid:rendition_id}", auth=[ChannelKey(*READS), SignedLink()], response=answers(None, files=True, also=(410,)),
    summary="Download a file",
)  # fmt: skip
def get_rendition(request: HttpRequest, rendition_id: UUID, query: Query[FileQuery]) -> HttpResponseBase:
    """A file of a story that is live on the channel, by its signed address or a key (scope stories:read); or of an
    asset of the library (scope search:read or assets:read). Takes single byte ranges."""
    asking: ApiKey | int = request.auth  # type: ignore[attr-defined]
    file = Rendition.objects.filter(_open_to(asking), pk=rendition_id).first()
    if file is None:
        return problem(404, "There is no such file in this channel.")
    if not untouched(file):
        return problem(410, "This file is not what was approved, so it isn't served.")
    response = ranged(request, file.file, content_type=file.content_type, etag=file.digest)
    # Pages of other hosts show what was published.
    response["Cross-Origin-Resource-Policy"] = "cross-origin"
    return response


def _open_to(asking: ApiKey | int) -> Q:
    """The files that a key, or a signed address of a channel, opens."""
    if isinstance(asking, int):
        return Q(publications__in=Publication.objects.live().filter(channel=asking))
    allowed = Q(pk__in=[])
    if "stories:read" in asking.scopes:
        allowed |= Q(publications__in=Publication.objects.live().filter(channel=asking.channel_id))
    if {"search:read", "assets:read"} & set(asking.scopes):
        allowed |= Q(asset__workspace=asking.channel.workspace_id, asset__archived__isnull=True)
    return allowed
