"""An endpoint that speaks OpenAI's protocol: its client, and what went wrong there in words for people."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import urlsplit

from media_processing.engine import Engine, EngineError

if TYPE_CHECKING:
    from openai import OpenAI

OPENAI = "api.openai.com"
_FILTERED = frozenset({"moderation_blocked", "content_policy_violation", "content_filter"})


@dataclass(frozen=True)
class Endpoint:
    """One model behind an endpoint, as an engine of a role uses it. Times are in seconds."""

    role: str
    """ "writer", "painter", "voice", "judge"."""
    setting: str
    """The variable that names the model."""
    model: str
    api_key: str
    base_url: str
    timeout: float
    """For a whole answer."""
    stall: float
    """For a silence within it."""
    max_retries: int
    demand: str = ""
    """What the model must be able to do, for who chose one that can't: "it must answer in JSON by a schema"."""
    too_long: str = "The text is too long for {model}."
    shorter: str = "Shorten it."
    otherwise: str = "choose another {role}"
    """What else helps where this one can't."""

    @property
    def host(self) -> str:
        """The host that is asked."""
        return urlsplit(self.base_url).hostname or OPENAI

    @property
    def where(self) -> str:
        """What people know it by."""
        return self.base_url or "OpenAI"

    def problems(self) -> list[EngineError]:
        """What is missing in the settings."""
        found = []
        if not self.api_key and not self.base_url:
            what = f"The {self.role} has no key for OpenAI."
            step = f"Set OPENAI_API_KEY (or OPENAI_BASE_URL for your own server), or {self._else}."
            found.append(EngineError(what, next_step=step, permanent=True))
        if not self.model:
            what = f"The {self.role} has no model."
            found.append(EngineError(what, next_step=f"Set {self.setting}.", permanent=True))
        return found

    @property
    def _else(self) -> str:
        return self.otherwise.format(role=self.role)

    def client(self) -> OpenAI:
        """A client. Raises EngineError where a setting is missing."""
        for problem in self.problems():
            raise problem
        import httpx2
        from openai import OpenAI

        # The library retries 408, 409, 429 and 5xx with growing, jittered pauses and waits as long as Retry-After
        # asks (in seconds or as a date), up to two minutes. The read timeout is for one silence, not for the answer.
        return OpenAI(
            api_key=self.api_key or "none", base_url=self.base_url or None, max_retries=self.max_retries,
            timeout=httpx2.Timeout(min(self.timeout, self.stall), connect=min(self.timeout, 10.0)),
        )  # fmt: skip

    @contextmanager
    def explaining(self) -> Iterator[None]:
        """What goes wrong with a request inside becomes an EngineError in words for the person who asked."""
        import httpx2
        from openai import OpenAIError

        try:
            yield
        except OpenAIError as error:
            raise self.explained(error) from error
        except httpx2.TimeoutException as error:
            raise self.too_slow() from error
        except httpx2.TransportError as error:
            raise self.broke_off() from error

    def too_slow(self) -> EngineError:
        return EngineError(
            f"{self.where} said nothing for {self.stall:.0f} seconds, or took longer than {self.timeout:.0f}.",
            next_step="Try again.",
        )

    def broke_off(self) -> EngineError:
        return EngineError(f"The connection to {self.where} broke off in the middle.", next_step="Try again.")

    def explained(self, error: Any) -> EngineError:
        """What went wrong, in words for the person who asked."""
        import openai

        where, code = self.where, str(getattr(error, "code", "") or "")
        if isinstance(error, openai.AuthenticationError | openai.PermissionDeniedError):
            return EngineError(f"{where} refused the key.", next_step="Check OPENAI_API_KEY.", permanent=True)
        if isinstance(error, openai.NotFoundError):
            return EngineError(
                f"{where} has no model {self.model!r}.", next_step=f"Check {self.setting}.", permanent=True
            )
        if code in ("insufficient_quota", "billing_hard_limit_reached"):
            return EngineError(
                f"The quota at {where} is used up.",
                next_step=f"Check the plan and the billing of the account there, or {self._else}.",
                permanent=True,
            )
        if code in _FILTERED:
            return EngineError(
                f"{where} refused this by its own filter.",
                next_step=f"Use other words or another picture, or {self._else}.", permanent=True,
            )  # fmt: skip
        if isinstance(error, openai.RateLimitError):
            return EngineError(f"{where} takes no more requests just now.", next_step="Try again in a minute.")
        if isinstance(error, openai.APITimeoutError):
            return self.too_slow()
        if isinstance(error.__cause__, EngineError):  # this installation is offline
            return error.__cause__
        if isinstance(error, openai.APIConnectionError):
            return EngineError(f"{where} can't be reached.", next_step="Check the network and OPENAI_BASE_URL.")
        if isinstance(error, openai.APIStatusError) and error.status_code < 500:
            if code == "context_length_exceeded" or error.status_code == 413:
                return EngineError(self.too_long.format(model=self.model), next_step=self.shorter, permanent=True)
            return EngineError(
                f"{where} didn't accept the request ({error.status_code}).",
                next_step=f"Check {self.setting}{': ' + self.demand if self.demand else ''}.",
                permanent=True,
            )
        return EngineError(f"{where} failed.", next_step=f"Try again, or {self._else}.")


class AtEndpoint(Engine):
    """What engines share whose model stands behind an endpoint: `_endpoint`, set where they are made."""

    leaves_the_machine: ClassVar[bool] = True
    _endpoint: Endpoint
    _made: OpenAI | None = None

    @property
    def model(self) -> str:
        return self._endpoint.model

    @property
    def provider(self) -> str:
        return self._endpoint.host

    def problems(self) -> list[EngineError]:
        return self._endpoint.problems()

    def _load(self) -> None:
        self._made = self._endpoint.client()

    @property
    def _client(self) -> OpenAI:
        if self._made is None:
            raise RuntimeError("The endpoint is asked before the client is made.")
        return self._made
