"""Asking an endpoint that speaks OpenAI's Chat Completions for JSON of a given form."""

from __future__ import annotations

import hashlib
import json
import re
import secrets
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import from_json

from generation.engines.writing import Watch
from media_processing.endpoint import Endpoint
from media_processing.engine import EngineError

if TYPE_CHECKING:
    from openai import OpenAI

TELL_EVERY = 0.4
"""Seconds between two looks of those who read along."""
_RUN = 9
"""So many words in a row of the instructions are no accident."""
_SECRET = 8
"""A shorter key is a placeholder ("none"), which may stand in any text."""
_SHOWN_LENGTH = 4000


class Form(BaseModel):
    """What a model must answer; its JSON schema goes with the request."""

    model_config = ConfigDict(extra="forbid")

    told: ClassVar[tuple[str, ...]] = ()
    """Names of the fields that people read while they are written."""


F = TypeVar("F", bound=Form)


@dataclass(frozen=True)
class Question:
    """One prompt, and the texts that it is about."""

    prompt: str
    """Name of a template in templates/prompts/."""
    values: Mapping[str, object]
    data: Mapping[str, str]
    """Name -> text: what stands in fences. Never an instruction."""


class Chat:
    """A model behind an endpoint. What it is asked, what it took and what went wrong are told in our own words."""

    def __init__(
        self,
        *,
        model: str,
        api_key: str,
        base_url: str,
        prompts: Path,
        timeout: float,
        stall: float,
        max_retries: int,
        max_tokens: int,
    ) -> None:
        self.model, self.api_key = model, api_key
        self._prompts, self._timeout, self._max_tokens = Path(prompts), timeout, max_tokens
        self._endpoint = Endpoint(
            "writer", "WRITER_MODEL", model, api_key, base_url, timeout, stall, max_retries,
            demand="it must answer in JSON by a schema", too_long="The article is too long for {model}.",
            shorter="Paste a part of it, or choose a model that reads more.",
        )  # fmt: skip
        self._client: OpenAI | None = None

    @property
    def host(self) -> str:
        """The host that is asked."""
        return self._endpoint.host

    def problems(self) -> list[EngineError]:
        """What is missing in the settings."""
        return self._endpoint.problems()

    def load(self) -> None:
        """Make the client. Raises EngineError where a setting is missing."""
        self._client = self._endpoint.client()

    def ask(self, form: type[F], question: Question, watch: Watch) -> F:
        """An answer of that form, with one more try where the first can't be used. Raises EngineError."""
        messages = self._messages(question, watch)
        instructions = messages[0]["content"]
        problems = ""
        for _try in range(2):
            text = self._answer(form, messages, watch)
            answer, problems = _read(form, text)
            if answer is not None:
                self._refuse_leaks(answer, instructions, question)
                return answer
            repair = self._template("repair", {"problems": problems})
            messages = [*messages, {"role": "assistant", "content": text}, {"role": "user", "content": repair}]
        raise EngineError(
            f"{self.model} answered twice in a form that can't be used ({problems}).",
            next_step="Try again, or choose another model or writer.",
        )

    # What is sent -------------------------------------------------------------------------------------------------

    def _messages(self, question: Question, watch: Watch) -> list[dict[str, str]]:
        # A fence that the data can't know, so that no text in it can close it. For a piece of work that may be tried
        # again it is the same every time, or else the answers that are paid for would not be found.
        seed = json.dumps([watch.meter.key, question.data]) if watch.meter.key else secrets.token_hex(32)
        fence = hashlib.sha256(seed.encode("utf-8", "replace")).hexdigest()[:24]
        names = ", ".join(f"<{name}-{fence}>" for name in question.data)
        rules = self._template("rules", {"fences": names})
        system = f"{self._template(question.prompt, question.values)}\n{rules}"
        data = "\n".join(f"<{name}-{fence}>\n{text}\n</{name}-{fence}>" for name, text in question.data.items())
        return [{"role": "system", "content": system}, {"role": "user", "content": data}]

    def _template(self, name: str, values: Mapping[str, object]) -> str:
        try:
            template = (self._prompts / f"{name}.txt").read_text(encoding="utf-8")
        except FileNotFoundError:
            raise EngineError(
                f"The prompt {name}.txt is missing.", next_step=f"Restore it in {self._prompts}.", permanent=True
            ) from None
        return Template(template).substitute(values)

    # What comes back ----------------------------------------------------------------------------------------------

    def _answer(self, form: type[Form], messages: list[dict[str, str]], watch: Watch) -> str:
        """The text of one answer: what an earlier try has paid for, else the endpoint's."""
        schema = {"name": form.__name__.strip("_"), "strict": True, "schema": strict(form.model_json_schema())}
        request: dict[str, Any] = {
            "model": self.model,
            "messages": messages,
            "response_format": {"type": "json_schema", "json_schema": schema},
            "max_completion_tokens": self._max_tokens,
        }
        digest = hashlib.sha256(json.dumps(request, sort_keys=True).encode("utf-8", "replace")).hexdigest()
        kept = watch.meter.kept(digest)
        if kept is not None:
            return kept
        heard = _Heard(form, watch)
        asked = _tokens(json.dumps(messages, ensure_ascii=False))
        finished = False
        try:
            self._stream(request, heard)
            finished = True
        finally:
            if not finished and heard.begun:
                watch.meter.broke_off(prompt_tokens=asked, completion_tokens=_tokens(heard.text))
        used = heard.used or (asked, _tokens(heard.text))
        watch.meter.answered(
            digest, heard.text, prompt_tokens=used[0], completion_tokens=used[1], reported=heard.used is not None
        )
        self._refuse_unfinished(heard)
        return heard.text

    def _stream(self, request: dict[str, Any], heard: _Heard) -> None:
        import httpx2

        if self._client is None:
            raise RuntimeError("The endpoint is asked before the client is made.")
        key = heard.watch.meter.call_key
        until = time.monotonic() + self._timeout
        try:
            with self._endpoint.explaining(), self._client.chat.completions.create(
                **request, stream=True, stream_options={"include_usage": True},
                extra_headers={"Idempotency-Key": key} if key else None,
            ) as stream:  # fmt: skip
                heard.begin(stream.response.headers.get("x-request-id", ""))
                for chunk in stream:
                    heard.hear(chunk)
                    if time.monotonic() > until:
                        raise httpx2.ReadTimeout("the answer takes too long")
        except ValueError as error:  # what came is no event
            raise self._endpoint.broke_off() from error

    def _refuse_unfinished(self, heard: _Heard) -> None:
        if not heard.answered:
            raise EngineError(f"{self.model} gave no answer.", next_step="Try again.")
        if heard.refused:
            raise EngineError(
                f"{self.model} refused to write this.", next_step="Choose another writer.", permanent=True
            )
        if heard.finish == "length":
            raise EngineError(f"{self.model} broke off in the middle.", next_step="Ask for a shorter script.")
        if heard.finish == "content_filter":
            raise EngineError(
                f"{self._endpoint.where} stopped the answer by its own content filter.",
                next_step="Choose another writer.",
                permanent=True,
            )
        if not heard.finish:
            raise self._endpoint.broke_off()

    def _refuse_leaks(self, answer: Form, instructions: str, question: Question) -> None:
        """An answer that recites its instructions was written for somebody else than the editor."""
        text = "\n".join(_strings(answer.model_dump()))
        recited = _runs(text) & (_runs(instructions) - _runs("\n".join(question.data.values())))
        fence = re.search(r"-([0-9a-f]{24})>", instructions)
        if recited or (fence and fence[1] in text) or (len(self.api_key) >= _SECRET and self.api_key in text):
            raise EngineError(
                f"{self.model} recited its instructions instead of writing.",
                next_step="The article may hold orders to the writer: look for them, then try again.",
            )


class _Heard:
    """An answer as it arrives."""

    def __init__(self, form: type[Form], watch: Watch) -> None:
        self.watch, self._form = watch, form
        self.text, self.finish, self.refused, self.answered = "", "", False, False
        self.used: tuple[int, int] | None = None
        self.begun = False
        self._id, self._told = "", time.monotonic()

    def begin(self, request_id: str) -> None:
        """The endpoint has taken the request: from here on it may cost."""
        self.begun = True
        self._note(request_id or self.watch.meter.call_key)

    def _note(self, provider_id: str) -> None:
        if provider_id and provider_id != self._id:
            self._id = provider_id
            self.watch.meter.answering(provider_id)

    def hear(self, chunk: Any) -> None:
        """Take one event in."""
        if not self.answered:
            self._note(str(chunk.id or ""))
        if chunk.usage is not None:
            self.used = (chunk.usage.prompt_tokens or 0, chunk.usage.completion_tokens or 0)
        for choice in chunk.choices[:1]:
            self.answered = True
            self.text += choice.delta.content or ""
            self.refused = self.refused or bool(choice.delta.refusal)
            self.finish = choice.finish_reason or self.finish
        if time.monotonic() - self._told >= TELL_EVERY:
            self._told = time.monotonic()
            self._tell()

    def _tell(self) -> None:
        # How much is still to come isn't known: the bar nears its end without reaching it.
        self.watch.progress(0.8 * len(self.text) / (len(self.text) + 2000))
        if not self._form.told:
            return
        try:
            partial = from_json(self.text, allow_partial="trailing-strings")
        except ValueError:
            return
        shown = "\n".join(_strings(partial, only=self._form.told))
        if shown:
            self.watch.tell(shown[-_SHOWN_LENGTH:])


def _read(form: type[F], text: str) -> tuple[F | None, str]:
    """The answer, or what is wrong with it, without the model's own text in it."""
    try:
        return form.model_validate_json(text), ""
    except ValidationError as error:
        return None, "; ".join(
            f"{'.'.join(map(str, fault['loc'])) or 'answer'}: {fault['msg']}"
            for fault in error.errors(include_input=False)[:5]
        )


def _strings(value: Any, *, only: tuple[str, ...] | None = None, name: str = "") -> Iterator[str]:
    """The texts in an answer, in their order; `only` those of some fields."""
    if isinstance(value, str):
        if only is None or name in only:
            yield value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _strings(item, only=only, name=key)
    elif isinstance(value, list):
        for item in value:
            yield from _strings(item, only=only, name=name)


def _runs(text: str) -> set[tuple[str, ...]]:
    words = re.findall(r"\w+", text.lower())
    return {tuple(words[at : at + _RUN]) for at in range(len(words) - _RUN + 1)}


def _tokens(text: str) -> int:
    """About how many tokens a text is: four bytes each, as English has it."""
    return len(text.encode("utf-8", "replace")) // 4 + 1


def strict(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema without lengths of strings, which strict endpoints reject; pydantic checks them afterwards."""
    limits = {"minLength", "maxLength", "title", "description"}

    def clean(node: Any, *, names: bool = False) -> Any:
        if isinstance(node, dict):
            return {
                key: clean(value, names=key in {"properties", "$defs"})
                for key, value in node.items()
                if names or key not in limits
            }
        return [clean(item) for item in node] if isinstance(node, list) else node

    cleaned: dict[str, Any] = clean(schema)
    return cleaned
