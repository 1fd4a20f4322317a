"""A painter behind any endpoint that speaks OpenAI's protocol for pictures."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import time
import tomllib
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from PIL import Image
from pydantic import BaseModel, ValidationError

from generation.engines.canvas import around, blended, fitted, png
from generation.engines.metering import Forecast
from generation.engines.painting import Painter, Picture, Wanted
from media_processing.decoding import MediaError, open_picture
from media_processing.endpoint import AtEndpoint, Endpoint
from media_processing.engine import EngineError
from media_processing.fetching import Rules, fetch

_MODELS = Path(__file__).resolve().parents[1] / "image_models.toml"
_MOST_BYTES = 60_000_000
_PICTURE_TOKENS = 8_000
"""More than a picture of 1536 x 1024 that is handed in takes at the highest fidelity."""


class _Made(BaseModel):
    b64_json: str | None = None
    url: str | None = None
    revised_prompt: str | None = None


class _Seen(BaseModel):
    image_tokens: int = 0


class _Usage(BaseModel):
    input_tokens: int = 0
    output_tokens: int = 0
    input_tokens_details: _Seen | None = None


class _Answer(BaseModel):
    """What of an answer is read."""

    data: list[_Made]
    usage: _Usage | None = None


class OpenAIPainter(AtEndpoint, Painter):
    """Draws with a model of OpenAI's or of a server of one's own. It has no seeds: no picture comes twice.

    `quality` is one of the model's (low, medium, high; empty where it has none). `timeout` holds for a picture, `stall`
    for a silence, both in seconds; models take a minute or two and are silent until they have drawn. A picture that was
    asked for is paid, so a cancelled work ends when it has come. `rules` says where addresses of pictures may lead.
    """

    title = "OpenAI-compatible painter"
    can_redraw = True
    can_fill = True
    repeats = False
    heeds_strength = False

    def __init__(
        self,
        name: str = "",
        *,
        model: str = "gpt-image-2",
        api_key: str = "",
        base_url: str = "",
        quality: str = "medium",
        timeout: float = 300.0,
        stall: float = 300.0,
        max_retries: int = 2,
        rules: Rules | None = None,
    ) -> None:
        super().__init__(name)
        self._endpoint = Endpoint(
            "painter", "OPENAI_PAINTER_MODEL", model, api_key, base_url, timeout, stall, max_retries,
            demand="it must draw", too_long="The words are too long for {model}.", shorter="Shorten them.",
        )  # fmt: skip
        self._wished, self._rules = quality, rules

    def problems(self) -> list[EngineError]:
        found = super().problems()
        known = [each for each in self._card["tokens"] if each]
        if known and self._wished not in known:
            found.append(
                EngineError(
                    f"{self.model} has no quality {self._wished!r}.",
                    next_step=f"Set OPENAI_PAINTER_QUALITY to one of {', '.join(known)}.", permanent=True,
                )
            )  # fmt: skip
        return found

    @cached_property
    def _card(self) -> Mapping[str, Any]:
        """What the model takes."""
        cards: list[dict[str, Any]] = tomllib.loads(_MODELS.read_text(encoding="utf-8"))["model"]
        return max((card for card in cards if self.model.startswith(card["name"])), key=lambda card: len(card["name"]))

    @property
    def _quality(self) -> str:
        return self._wished if self._wished in self._card["tokens"] else ""

    def forecast(self, verb: str, characters: int) -> Forecast:
        """A picture's tokens are bounded by its size and quality, those of words by their bytes."""
        drawn = int(self._card["tokens"].get(self._quality, 0))
        seen = _PICTURE_TOKENS if verb in ("redraw", "fill") else 0
        return Forecast(
            prompt=characters // 4 + seen // 2, completion=drawn // 2, most_prompt=4 * characters + 100 + seen,
            most_completion=drawn, pictures=1, picture_tokens=seen,
        )  # fmt: skip

    # Drawing --------------------------------------------------------------------------------------------------------

    def _draw(self, wanted: Wanted) -> Picture:
        image, details = self._ask("draw", wanted, self._size(wanted.width, wanted.height))
        return self._kept(wanted, fitted(image, wanted.width, wanted.height), details)

    def _redraw(self, wanted: Wanted, picture: Image.Image, strength: float) -> Picture:
        size = self._size(*picture.size)
        image, details = self._ask("redraw", wanted, size, image=_part(picture, size))
        return self._kept(wanted, image.resize(picture.size, Image.Resampling.LANCZOS), details)

    def _fill(self, wanted: Wanted, picture: Image.Image, mask: Image.Image) -> Picture:
        """The mask and what is around it are sent; what comes back counts inside of the mask only."""
        box = around(mask, 512)
        part, hole = picture.crop(box), mask.crop(box)
        size = self._size(*part.size)
        sent = _part(part, size)
        open_ = hole.resize(size, Image.Resampling.BILINEAR).point(lambda value: 0 if value >= 128 else 255)
        kept = sent.copy()
        kept.putalpha(open_)  # the protocol has what is to be drawn transparent
        image, details = self._ask("fill", wanted, size, image=sent, mask=kept)
        filled = picture.copy()
        filled.paste(blended(part, image, hole), box)
        return self._kept(wanted, filled, {**details, "box": list(box)})

    def _kept(self, wanted: Wanted, image: Image.Image, details: Mapping[str, Any]) -> Picture:
        made_by = self.made_by(words=wanted.words, style=wanted.style, quality=self._quality, **details)
        return Picture(
            png(image.convert("RGB")), "image", ".png", image.width, image.height, alt=wanted.words, made_by=made_by
        )

    def _size(self, width: int, height: int) -> tuple[int, int]:
        """What the model draws that is nearest to a shape."""
        if "sizes" in self._card:
            sizes = [(int(wide), int(high)) for wide, _, high in (each.partition("x") for each in self._card["sizes"])]
            return min(sizes, key=lambda size: abs(size[0] * height - size[1] * width) / (size[0] * height))
        step, ratio = self._card["step"], min(2.9, max(1 / 2.9, width / height))  # 3 to 1, less what rounding adds
        wide = (self._card["pixels"] * ratio) ** 0.5
        return round(wide / step) * step, round(wide / ratio / step) * step

    # Asking ---------------------------------------------------------------------------------------------------------

    def _ask(
        self, verb: str, wanted: Wanted, size: tuple[int, int], **pictures: Image.Image
    ) -> tuple[Image.Image, dict[str, Any]]:
        """The drawn picture, and how it was made. Raises EngineError."""
        if pictures and not self._card.get("edits", True):
            raise EngineError(
                f"{self.model} only draws from words.", next_step="Set OPENAI_PAINTER_MODEL to one that edits.",
                permanent=True,
            )  # fmt: skip
        wanted.progress(0.0)
        request: dict[str, Any] = {"model": self.model, "prompt": wanted.said, "size": f"{size[0]}x{size[1]}", "n": 1}
        if self._quality:
            request["quality"] = self._quality
        if "format" in self._card:
            request["response_format"] = self._card["format"]
        files = {name: (f"{name}.png", png(image), "image/png") for name, image in pictures.items()}
        body = self._paid(verb, request, files, wanted)
        answer = self._read(body)
        image = self._opened(answer.data[0])
        wanted.progress(1.0)
        details: dict[str, Any] = {"verb": verb, "drawn": list(image.size)}
        if answer.data[0].revised_prompt:
            details["revised_words"] = answer.data[0].revised_prompt[:2000]
        if answer.usage:
            details |= {"prompt_tokens": answer.usage.input_tokens, "completion_tokens": answer.usage.output_tokens}
        return image, details

    def _paid(self, verb: str, request: dict[str, Any], files: Mapping[str, Any], wanted: Wanted) -> bytes:
        """The body of an answer: what an earlier try has paid for, else the endpoint's. What was begun counts."""
        sums = {name: hashlib.sha256(content).hexdigest() for name, (_name, content, _type) in files.items()}
        digest = hashlib.sha256(json.dumps([verb, request, sums], sort_keys=True).encode()).hexdigest()
        kept = wanted.meter.kept(digest)
        if kept is not None:
            return kept.encode()
        forecast = self.forecast(verb, len(wanted.said))
        begun = finished = False

        def begin(request_id: str) -> None:
            nonlocal begun
            begun = True
            wanted.meter.answering(request_id or wanted.meter.call_key)

        try:
            body = self._body(request, files, wanted.meter.call_key, begin)
            finished = True
        finally:
            if begun and not finished:
                wanted.meter.broke_off(prompt_tokens=forecast.prompt, completion_tokens=forecast.completion, pictures=1)
        used = _usage(body)
        wanted.meter.answered(
            digest, body.decode("utf-8", "replace"), pictures=1, reported=used is not None,
            prompt_tokens=used.input_tokens if used else forecast.prompt,
            completion_tokens=used.output_tokens if used else forecast.completion,
            picture_tokens=used.input_tokens_details.image_tokens if used and used.input_tokens_details else 0,
        )  # fmt: skip
        return body

    def _body(self, request: dict[str, Any], files: Mapping[str, Any], key: str, begin: Any) -> bytes:
        images = self._client.images.with_streaming_response
        until = time.monotonic() + self._endpoint.timeout
        with self._endpoint.explaining(), (images.edit if files else images.generate)(
            **request, **files, extra_headers={"Idempotency-Key": key} if key else None
        ) as answer:  # fmt: skip
            begin(answer.headers.get("x-request-id", ""))
            body = io.BytesIO()
            for part in answer.iter_bytes(65_536):
                body.write(part)
                if time.monotonic() > until:
                    raise self._endpoint.too_slow()
                if body.tell() > _MOST_BYTES:
                    raise self._unusable("more than a picture has")
            return body.getvalue()

    def _read(self, body: bytes) -> _Answer:
        try:
            answer = _Answer.model_validate_json(body)
        except ValidationError as error:
            raise self._unusable("something else than a picture") from error
        if not answer.data:
            raise self._unusable("no picture")
        return answer

    def _opened(self, made: _Made) -> Image.Image:
        """The picture of an answer, in it or at an address. Raises EngineError."""
        try:
            if made.b64_json:
                content = base64.b64decode(made.b64_json, validate=True)
            elif made.url:
                content = fetch(
                    made.url, max_bytes=_MOST_BYTES, content_types=("image/",), timeout=60, rules=self._rules
                ).content
            else:
                raise self._unusable("no picture")
            return open_picture(content, name="The picture").convert("RGB")
        except MediaError as error:
            raise self._unusable(f"a file that can't be used ({error.message})") from error
        except ValueError as error:
            raise self._unusable("something else than a picture") from error

    def _unusable(self, what: str) -> EngineError:
        return EngineError(
            f"{self._endpoint.where} answered with {what}.",
            next_step="Try again, or check OPENAI_PAINTER_MODEL: it must draw.",
        )


def _part(picture: Image.Image, size: tuple[int, int]) -> Image.Image:
    """A picture in a size of the model's, a little squeezed where the shapes differ: nothing of it is cut away."""
    return picture.resize(size, Image.Resampling.LANCZOS)


def _usage(body: bytes) -> _Usage | None:
    """What an answer says that it took; None where it doesn't say."""
    try:
        used = _Answer.model_validate_json(body).usage
    except ValidationError:
        return None
    return used if used and used.output_tokens else None
