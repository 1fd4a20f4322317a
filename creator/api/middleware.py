"""Around all that is under /api/: what Django itself refuses is a problem document too."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest
from django.http.response import HttpResponseBase

from creator.api.errors import MEDIA_TYPE, problem

DETAILS = {
    400: "The request can't be read.", 404: "There is no such address. The routes are listed at /api/v1/docs.",
    500: "Something broke on our side; the log has the details.",
}  # fmt: skip


class ProblemDocuments:
    """404, 405 and whatever else isn't a route's own answer; and the RateLimit headers of every answer."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if not request.path_info.startswith("/api/"):
            return self.get_response(request)
        if "Transfer-Encoding" in request.headers:  # the limit on bodies goes by their length
            return problem(411, "Say how long the body is: Content-Length.")
        response = self.get_response(request)
        if response.status_code >= 400 and response.get("Content-Type") != MEDIA_TYPE:
            response = self._told(request, response)
        allowance = getattr(request, "allowance", None)
        if allowance is not None:
            for name, value in allowance.headers().items():
                response[name] = value
        return response

    def _told(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        status = response.status_code
        if status == 405:
            allow = response["Allow"]
            return problem(405, f"{request.method} isn't done here, but {allow}.", headers={"Allow": allow})
        return problem(status, DETAILS.get(status, ""))
