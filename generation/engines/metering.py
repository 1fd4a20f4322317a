"""What an engine tells of a call while it happens: who answers, how much was used, what came back."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Forecast:
    """How many tokens a call will use: what is likely, and what it can't exceed."""

    prompt: int = 0
    completion: int = 0
    most_prompt: int = 0
    most_completion: int = 0
    pictures: int = 0
    """Pictures that it makes."""
    picture_tokens: int = 0
    """Of the prompt's tokens, at most so many for pictures that are handed in."""

    def __add__(self, other: Forecast) -> Forecast:
        return Forecast(
            self.prompt + other.prompt, self.completion + other.completion,
            self.most_prompt + other.most_prompt, self.most_completion + other.most_completion,
            self.pictures + other.pictures, self.picture_tokens + other.picture_tokens,
        )  # fmt: skip

    def times(self, count: int) -> Forecast:
        """Of so many calls."""
        return sum([self] * (count - 1), self)


class Metered:
    """An engine whose calls are charged."""

    @property
    def provider(self) -> str:
        """The host that it asks; "" where it works inside the program."""
        return ""

    def forecast(self, verb: str, characters: int) -> Forecast:
        """How many tokens a verb takes for so many characters of source; none where nothing is counted."""
        return Forecast()


class Meter:
    """Counts what an engine uses in one piece of work, which may take several requests.

    This one only counts. The application's writes every word down before the engine goes on, so that a crash loses no
    provider's id, and gives back the answers that an earlier try of the same work has paid for.
    """

    key = ""
    """Of the piece of work, the same when it is tried again; "" where nobody keeps count."""

    def __init__(self) -> None:
        self.calls = 0
        self.prompt_tokens = 0
        self.completion_tokens = 0
        self.pictures = 0
        """That were made."""
        self.picture_tokens = 0
        """Of the prompt's tokens, those of pictures that were handed in."""
        self.seconds = 0.0
        """Wall time, loading left out."""
        self.reported = True
        """False once a provider didn't say what a request used, so that it had to be estimated."""

    @property
    def call_key(self) -> str:
        """The idempotency key of the next request."""
        return f"{self.key}.{self.calls + 1}" if self.key else ""

    def kept(self, request: str) -> str | None:
        """The answer to the next request, where an earlier try has it. `request` is the digest of what is asked."""
        return None

    def answering(self, provider_id: str) -> None:
        """The provider has begun to answer, under this id."""

    def answered(
        self, request: str, text: str, *, prompt_tokens: int, completion_tokens: int, pictures: int = 0,
        picture_tokens: int = 0, reported: bool = True,
    ) -> None:  # fmt: skip
        """A request is over. `reported` is False where the tokens are our own estimate."""
        self.calls += 1
        self.prompt_tokens += prompt_tokens
        self.completion_tokens += completion_tokens
        self.pictures += pictures
        self.picture_tokens += picture_tokens
        self.reported = self.reported and reported

    def broke_off(self, *, prompt_tokens: int, completion_tokens: int, pictures: int = 0) -> None:
        """An answer ended before its end; the tokens are our own estimate."""
        self.calls += 1
        self.prompt_tokens += prompt_tokens
        self.completion_tokens += completion_tokens
        self.pictures += pictures
        self.reported = False

    def usage(self) -> dict[str, int]:
        """For `made_by`."""
        return {
            "calls": self.calls,
            "prompt_tokens": self.prompt_tokens,
            "completion_tokens": self.completion_tokens,
        }
