"""What holds for every route: how it declares its answers, what it refuses, and what the OpenAPI document says of it.

A route of ours looks like this, and the rest comes by itself (the key's scope and rate, unknown parameters, problem
documents, Idempotency-Key on a POST, what the document says of all of them):

    router = Router(tags=["things"])

    @router.post("", auth=ChannelKey("things:write"), response=answers(Thing, status=201), summary="Make a thing")
    def make_thing(request: HttpRequest, wish: Wish) -> HttpResponse:
        key = key_of(request)  # key.channel, key.channel.workspace, key.person
        return sent(Thing(...), status=201)

`Wish` is a `Wanted`: it refuses fields that it doesn't know. A scope needs a line in creator/services/keys.py, a route
one in tests/permissions.toml, and `manage.py openapi` writes the document anew.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from functools import wraps
from typing import Annotated, Any

from django.http import HttpRequest, HttpResponseBase, JsonResponse
from ninja import NinjaAPI, Schema
from ninja.openapi.schema import OpenAPISchema
from ninja.operation import Operation
from pydantic import AfterValidator, AwareDatetime, BeforeValidator, ConfigDict

from creator.api import deprecations, idempotency
from creator.api.errors import MEDIA_TYPE, Problem, problem

FAILURES = {
    400: "The request can't be read", 401: "No valid key", 403: "The key may not do this", 404: "Not there",
    405: "Not done here", 409: "Not as things stand", 410: "Withdrawn", 411: "No Content-Length",
    412: "It was changed in the meantime", 413: "Too large", 422: "Not as the documentation asks",
    428: "If-Match is missing", 429: "Too many requests",
}  # fmt: skip
USUAL = (400, 401, 403, 404, 413, 422, 429)
POSTED = (409, 411)


def answers(schema: Any, *, status: int = 200, also: Iterable[int] = (), files: bool = False) -> dict[Any, Any]:
    """The declared answers of a route: `schema` with `status`, the usual failures, and those in `also`.

    With `files` the answer is bytes, which may be asked for in part.
    """
    good: dict[Any, Any] = dict.fromkeys((200, 206), None) if files else {status: schema}
    return {**good, **dict.fromkeys(sorted({*USUAL, *also}), Problem)}


class Wanted(Schema):
    """What a body may hold; another field is refused, and so is a number in quotes."""

    model_config = ConfigDict(extra="forbid", strict=True)


def _with_a_time(value: Any) -> Any:
    """Numbers would be read as seconds since 1970, which isn't documented."""
    if isinstance(value, datetime) or (isinstance(value, str) and "T" in value.upper()):
        return value
    raise ValueError("a date and time as of RFC 3339")


def _in_the_calendar(value: datetime) -> datetime:
    """In UTC, within years that databases know."""
    low, high = datetime(1970, 1, 1, tzinfo=UTC), datetime(9000, 1, 1, tzinfo=UTC)
    return low if value.year < 1971 else high if value.year > 8999 else value.astimezone(UTC)


def whole(value: Any) -> Any:
    """JSON knows one kind of number: 20.0 is 20."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


Whole = Annotated[int, BeforeValidator(whole)]
"""An integer of a body. One that may be null names its bounds before `whole`, or the document would lack them."""
Moment = Annotated[AwareDatetime, BeforeValidator(_with_a_time), AfterValidator(_in_the_calendar)]
"""A point in time as of RFC 3339, with its zone."""


def sent(
    body: Schema | Mapping[str, Any], *, status: int = 200, headers: Mapping[str, str] | None = None
) -> JsonResponse:
    """An answer in JSON that nobody may keep."""
    content = body.model_dump(mode="json") if isinstance(body, Schema) else body
    return JsonResponse(content, status=status, headers={"Cache-Control": "private, no-store", **(headers or {})})


def guarded(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """Around every route: unknown parameters are refused, a POST with a name is done once."""
    known = parameters_of(view)

    @wraps(view)
    def guarding(request: HttpRequest, **values: Any) -> HttpResponseBase:
        unknown = sorted(set(request.GET) - known)
        if unknown:
            there = ", ".join(sorted(known)) or "none"
            return problem(422, f"Unknown parameters: {', '.join(unknown)[:200]}. Known are: {there}.")
        if request.method == "POST":
            return idempotency.once(request, lambda: view(request, **values))  # type: ignore[arg-type, return-value]
        return view(request, **values)

    return guarding


def telling_ends(run: Any) -> Callable[..., HttpResponseBase]:
    """Around all that a route answers, what keys and parameters are refused with too: headers of what will go."""

    @wraps(run)
    def told(request: HttpRequest, **values: Any) -> HttpResponseBase:
        answer: HttpResponseBase = run(request, **values)
        deprecations.tell(answer, run.__self__.view_func.__name__, request.GET)
        return answer

    return told


def parameters_of(view: Any) -> set[str]:
    """The names of the query parameters that a route takes."""
    models = [model for model in view._ninja_operation.models if model.__ninja_param_source__ == "query"]
    return {name for model in models for name in model.__ninja_flatten_map__}


class ContentAPI(NinjaAPI):
    """ninja's, whose OpenAPI document tells what `guarded` and the keys do."""

    def get_openapi_operation_id(self, operation: Operation) -> str:
        """The route's own name: what the methods of generated clients are called."""
        return str(operation.view_func.__name__)

    def get_openapi_schema(self, **options: Any) -> OpenAPISchema:
        document = super().get_openapi_schema(**options)
        for routes in document["paths"].values():
            for method, route in routes.items():
                _tell(method, route)
        document["components"]["headers"] = HEADERS
        document["components"]["securitySchemes"]["ChannelKey"]["description"] = KEYS
        return document


KEYS = "A channel's key, made under Settings, Channels. Each route says which scope the key needs."
HEADERS = {
    name: {"description": said, "schema": {"type": "string"}}
    for name, said in {
        "RateLimit": 'Requests left and seconds until more: "key";r=599;t=42',
        "RateLimit-Policy": 'Requests in a window of seconds: "key";q=600;w=60',
        "Retry-After": "Seconds to wait.",
        "ETag": "Names this very answer, for If-None-Match and If-Match.",
        "Location": "Where it is.",
        "Deprecation": "Since when it is deprecated, in seconds since 1970: @1793491200 (RFC 9745).",
        "Sunset": "The day on which it goes (RFC 8594).",
    }.items()
}
PROBLEM = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
IDEMPOTENCY_KEY = {
    "in": "header", "name": "Idempotency-Key", "required": False,
    "schema": {"type": "string", "pattern": "^[\x21-\x7e]{1,200}$", "maxLength": 200, "minLength": 1},
    "description": "A name of your choice for this request: sent again within a day, it is done once.",
}  # fmt: skip
IF_NONE_MATCH = {
    "in": "header", "name": "If-None-Match", "required": False, "schema": {"type": "string"},
    "description": "The ETag of what you have: 304 without a body where it is still the same.",
}  # fmt: skip


def _tell(method: str, route: dict[str, Any]) -> None:
    """Complete what the document says of one route."""
    responses = route["responses"]
    ending = _endings(route)
    if method == "post":
        for status in POSTED:
            responses.setdefault(status, {})
        route["parameters"].append(IDEMPOTENCY_KEY)
    for status, answer in responses.items():
        if status in FAILURES:
            answer["description"] = FAILURES[status]
            answer["content"] = PROBLEM
        told = ["RateLimit", "RateLimit-Policy"] if status not in (401, 411, 413) else []
        told += {429: ["Retry-After"], 201: ["Location"]}.get(status, [])
        told += ["Deprecation", "Sunset"] if ending else []
        answer["headers"] = {**answer.get("headers", {}), **{name: _header(name) for name in told}}
    if method == "get" and "ETag" in responses.get(200, {}).get("headers", {}):
        route["parameters"].append(IF_NONE_MATCH)
        responses[304] = {"description": "Not changed", "headers": responses[200]["headers"]}
    for parameter in route["parameters"]:
        if parameter["in"] == "query" and parameter["schema"].get("type") == "array":
            parameter |= {"style": "form", "explode": False}
    route["responses"] = {str(status): responses[status] for status in sorted(responses)}


def _endings(route: dict[str, Any]) -> bool:
    """Say of a route and its parameters which of them will go; whether any will."""
    parts = {route["operationId"]: route}
    parts |= {f"{route['operationId']}.{each['name']}": each for each in route["parameters"] if each["in"] == "query"}
    going = deprecations.ENDINGS.keys() & parts.keys()
    for name in going:
        said = parts[name].get("description", "")
        parts[name] |= {"deprecated": True, "description": f"{said} {deprecations.ENDINGS[name].words}".strip()}
    return bool(going)


def _header(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/headers/{name}"}


IF_MATCH = {
    "in": "header", "name": "If-Match", "required": True,
    "schema": {"type": "string", "pattern": '^("[\x21\x23-\x7e]+"|[*])$'},
    "description": "The ETag of the draft that you change, so that nobody's work is overwritten unseen.",
}  # fmt: skip


def versioned(status: int = 200) -> dict[str, Any]:
    """`openapi_extra` of a route that changes a draft."""
    return {"parameters": [IF_MATCH], "responses": {status: {"headers": {"ETag": _header("ETag")}}}}


TAGGED = {"responses": {200: {"headers": {"ETag": _header("ETag")}}}}
"""`openapi_extra` of a route that answers with an ETag."""
