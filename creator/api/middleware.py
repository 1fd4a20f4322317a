"""Around all that is under /api/: what Django itself refuses is a problem document too."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

from creator.api import origins
from creator.api.errors import MEDIA_TYPE, problem

DETAILS = {
    400: "The request can't be read.", 404: "There is no such address. The routes are listed at /api/v1/docs.",
    500: "Something broke on our side; the log has the details.",
}  # fmt: skip


class ProblemDocuments:
    """404, 405 and whatever else isn't a route's own answer; HEAD; headers for browsers and of the rate limit."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if not request.path_info.startswith("/api/"):
            return self.get_response(request)
        if "Transfer-Encoding" in request.headers:  # the limit on bodies goes by their length
            return problem(411, "Say how long the body is: Content-Length.")
        asked = origins.preflight(request)
        response = asked if asked is not None else self._answer(request)
        origins.tell(request, response)
        return response

    def _answer(self, request: HttpRequest) -> HttpResponseBase:
        bare = request.method == "HEAD"
        if bare:  # it is answered by the route of a GET
            request.method = "GET"
        response = self.get_response(request)
        if response.status_code >= 400 and response.get("Content-Type") != MEDIA_TYPE:
            response = self._told(request, response)
        if bare:
            request.method = "HEAD"
            response = _without_body(response)
        if response.status_code == 304:  # a length there would be that of the body which isn't sent (RFC 9110, 8.6)
            del response["Content-Length"]
        allowance = getattr(request, "allowance", None)
        if allowance is not None:
            for name, value in allowance.headers().items():
                response[name] = value
        return response

    def _told(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        status = response.status_code
        if status == 405:
            allow = response["Allow"].replace("GET", "GET, HEAD")
            return problem(405, f"{request.method} isn't done here, but {allow}.", headers={"Allow": allow})
        return problem(status, DETAILS.get(status, ""))


def _without_body(response: HttpResponseBase) -> HttpResponse:
    """The head of an answer; how long its body would be stands there."""
    bare = HttpResponse(status=response.status_code, headers=dict(response.items()))
    if isinstance(response, HttpResponse):
        bare["Content-Length"] = str(len(response.content))
    if "Content-Type" not in response:
        del bare["Content-Type"]
    return bare
