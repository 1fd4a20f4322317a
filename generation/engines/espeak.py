"""The starter voice: eSpeak NG from its pip package, in a helper process of its own."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import threading
import weakref
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import Any

import espeakng_loader
import numpy as np

from generation.engines.metering import Meter
from generation.engines.speaking import Saying, Speaker, Voice
from generation.languages import is_spaceless
from generation.speech.joining import Utterance
from generation.speech.normalise import is_silent, spoken_tokens
from generation.speech.sounds import Samples, trim
from generation.speech.timing import group_silent, starts_of, words_from
from media_processing.engine import EngineError
from media_processing.engines.base import Word

_ALIASES = {
    "zh": "cmn",
    "zh-cn": "cmn",
    "zh-tw": "cmn",
    "zh-hk": "yue",
    "no": "nb",
    "iw": "he",
    "in": "id",
    "tl": "",
    "en": "en-us",
}
_LANGUAGES = """
af am an ar as az ba be bg bn bpy bs ca chr cmn cs cv cy da de el en eo es et eu fa fi fo fr ga gd gn grc gu hak haw
hbs he hi hr ht hu hy hyw ia id io is it ja jbo ka kaa kk kl kn ko kok ku ky la lb lfn lt ltg lv mi mk ml mr ms mt mto
my nb nci ne nl no nog om or pa pap piqd pl pt py qdb qu quc qya ro ru sd shn si sjn sk sl smj sq sr sv sw ta te th ti
tk tn tr tt ug uk ur uz vi xex yue zh
"""
_TIMBRES = {"": "", "+f2": "female", "+f5": "female, darker", "+m3": "male, deeper", "+m7": "male, rougher"}
"""Variants of a voice, and how people tell them apart."""
_VOICE = re.compile(r"^([A-Za-z0-9-]{2,24})(\+[A-Za-z0-9_-]{1,20})?$")
_OTHER_SCRIPTS = frozenset({"en-shaw"})
"""Voices that read another script than people of the language write."""
_WORDS_A_MINUTE, _PITCH, _TONE, _GAP = 155, 46, 58, 0
_WORD_EVENT = 1
_HAN = re.compile(r"[\u4e00-\u9fff\u3400-\u4dbf]")


class _HelperDiedError(Exception):
    """The helper process ended or hung while it was asked."""


class _Helper:
    """The running helper process; one request at a time."""

    def __init__(self, library: str, data: str) -> None:
        root = str(Path(__file__).resolve().parents[2])
        # It needs no secrets: only where to find Python's things.
        kept = {key: os.environ[key] for key in ("PATH", "LANG", "SYSTEMROOT", "VIRTUAL_ENV") if key in os.environ}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "generation.engines.espeak_process", library, data],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**kept, "PYTHONPATH": root},
        )

    def ask(self, request: dict[str, Any], timeout: float) -> tuple[dict[str, Any], bytes]:
        stdin, stdout = self.process.stdin, self.process.stdout
        if stdin is None or stdout is None:
            raise _HelperDiedError
        alarm = threading.Timer(timeout, self.process.kill)
        alarm.start()
        try:
            stdin.write(json.dumps(request).encode() + b"\n")
            stdin.flush()
            line = stdout.readline()
            if not line.endswith(b"\n"):
                raise _HelperDiedError
            answer: dict[str, Any] = json.loads(line)
            sound = stdout.read(answer["bytes"])
            if len(sound) != answer["bytes"]:
                raise _HelperDiedError
            return answer, sound
        except OSError as error:
            raise _HelperDiedError from error
        finally:
            alarm.cancel()

    def stop(self) -> None:
        self.process.kill()
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                try:
                    pipe.close()
                except OSError:  # what was still to be written has nobody to read it
                    continue
        self.process.wait()


class _Helpers:
    """Keeps one helper running. Its own thread starts and asks it: the parent-death signal follows that thread."""

    def __init__(self, library: str, data: str) -> None:
        self._paths = (library, data)
        self._helper: _Helper | None = None
        self._pid = os.getpid()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="espeak")

    def ask(self, request: dict[str, Any], timeout: float) -> tuple[dict[str, Any], bytes]:
        if self._pid != os.getpid():  # after a fork the thread is gone, and the pipes are the other process's
            self._pid, self._helper = os.getpid(), None
            self._thread = ThreadPoolExecutor(1, thread_name_prefix="espeak")
        return self._thread.submit(self._ask, request, timeout).result()

    def _ask(self, request: dict[str, Any], timeout: float) -> tuple[dict[str, Any], bytes]:
        for attempt in (1, 2):
            if self._helper is None:
                self._helper = _Helper(*self._paths)
            try:
                return self._helper.ask(request, timeout)
            except _HelperDiedError:
                self._helper.stop()
                self._helper = None
                if attempt == 2:
                    raise
        raise _HelperDiedError

    @property
    def pid(self) -> int | None:
        return self._helper.process.pid if self._helper else None

    def end(self) -> None:
        """Stop the helper; the next request starts another."""
        helper, self._helper = self._helper, None
        if helper is not None and self._pid == os.getpid():
            helper.stop()

    def stop(self) -> None:
        """Stop the helper for good."""
        self.end()
        self._thread.shutdown(wait=False)


class ESpeakVoice(Voice):
    """eSpeak NG: small, quick, more than a hundred languages, exact word times."""

    title = "eSpeak NG"
    leaves_the_machine = False
    starter = True
    gives_word_times = True
    languages = frozenset(_LANGUAGES.split())

    def __init__(self, name: str = "", *, voice: str = "", timeout: float = 60.0) -> None:
        super().__init__(name)
        self.default_voice = voice
        self.timeout = timeout
        self._helpers: _Helpers | None = None

    @property
    def model(self) -> str:
        # The package's version, which is known before the library is loaded: what is made is keyed by it.
        return f"eSpeak NG (espeakng-loader {version('espeakng-loader')})"

    @property
    def helper_pid(self) -> int | None:
        """The process id of the running helper."""
        return self._helpers.pid if self._helpers else None

    def problems(self) -> list[EngineError]:
        if Path(espeakng_loader.get_library_path()).exists():
            return []
        return [
            EngineError(
                "eSpeak NG's library isn't there for this system.",
                next_step="Run: pip install espeakng-loader",
                permanent=True,
            )
        ]

    def _load(self) -> None:
        self._helpers = _Helpers(espeakng_loader.get_library_path(), espeakng_loader.get_data_path())
        weakref.finalize(self, self._helpers.stop)
        self._ask({"action": "info"})  # a library that doesn't work here says so now

    def close(self) -> None:
        """End the helper process; the next use starts another."""
        if self._helpers is not None:
            self._helpers.end()

    def _ask(self, request: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
        if self._helpers is None:
            raise RuntimeError("ESpeakVoice is asked before it is loaded.")
        try:
            answer, sound = self._helpers.ask(request, self.timeout)
        except _HelperDiedError:
            raise EngineError("eSpeak NG stopped twice over this text.", next_step="Shorten it or try again.") from None
        if "error" in answer:
            raise EngineError(str(answer["error"]), next_step="Choose another voice.", permanent=True)
        return answer, sound

    @cached_property
    def _codes(self) -> dict[str, list[str]]:
        """Voice codes of each language, its most usual one first: {"en": ["en-us", "en-gb", ...]}."""
        self.load()
        found: dict[str, list[tuple[int, str]]] = {}
        for _identifier, _name, codes in self._listed:
            for rank, code in enumerate(codes):
                found.setdefault(code.split("-")[0], []).append((rank + (code != codes[0]), codes[0]))
        ordered = {base: list(dict.fromkeys(code for _rank, code in sorted(pairs))) for base, pairs in found.items()}
        ordered["en"].sort(key=lambda code: (code != "en-us", code != "en-gb"))
        return ordered

    @cached_property
    def _names(self) -> dict[str, str]:
        """Code -> what the library calls the voice: {"en-gb": "English (Great Britain)"}."""
        return {codes[0]: name for _identifier, name, codes in reversed(self._listed)}

    @cached_property
    def _listed(self) -> list[tuple[str, str, list[str]]]:
        """Each voice's identifier ("gmw/en-US"), its name and its language codes, the best first."""
        self.load()
        return [(identifier, name, codes) for identifier, name, codes in self._ask({"action": "voices"})[0]["voices"]]

    def _identifier(self, voice: str) -> str:
        """What the library calls a voice: only this name takes a timbre ("gmw/en+f2")."""
        code, plus, timbre = voice.partition("+")
        return next((each for each, _name, codes in self._listed if codes[0] == code.lower()), code) + plus + timbre

    def voices(self, language: str) -> Sequence[Speaker]:
        """Its voices for a language, each also with other timbres ("en-us+f2"); the default first."""
        return [
            Speaker(code + timbre, f"{self._names[code]}, {title}" if title else self._names[code], code)
            for code in self._voices_of(language)
            for timbre, title in _TIMBRES.items()
        ]

    def _voices_of(self, language: str) -> list[str]:
        short = language.split("-")[0].lower()
        codes = self._codes.get(_ALIASES.get(short, short) if short != "en" else "en") or self._codes.get(short, [])
        exact = [code for code in codes if code == language.lower()]
        return [code for code in dict.fromkeys([*exact, *codes]) if code not in _OTHER_SCRIPTS or code in exact]

    def _speaker(self, language: str, voice: str) -> str:
        chosen = voice or self.default_voice
        if chosen:
            match = _VOICE.match(chosen)
            if not match or not any(match[1].lower() in codes for codes in self._codes.values()):
                raise EngineError(
                    f"eSpeak NG has no voice {chosen!r}.", next_step="Choose one of its voices.", permanent=True
                )
            return chosen
        full = language.lower()
        return _ALIASES.get(full) or (self._voices_of(language) or [full])[0]

    def _say(self, text: str, saying: Saying, meter: Meter) -> Utterance:
        language = saying.language
        if language.split("-")[0] == "ja" and _HAN.search(text):
            raise EngineError(
                "eSpeak NG can't read Japanese kanji.",
                next_step="Write it in kana, or choose another voice.",
                permanent=True,
            )
        tokens = text.split()
        said = spoken_tokens(tokens, language, saying.pronunciations)
        answer, sound = self._ask(
            {
                "action": "speak",
                "text": " ".join(said),
                "voice": self._identifier(saying.voice),
                "pitch": _PITCH,
                "tone": _TONE,
                "gap": _GAP,
                "rate": round(min(400, max(80, _WORDS_A_MINUTE * saying.rate))),
            }
        )
        hertz = int(answer["hertz"])
        samples, cut = trim(np.frombuffer(sound, dtype="<i2").astype(np.int16), hertz)
        events = [(position - 1, sample) for kind, position, sample in answer["events"] if kind == _WORD_EVENT]
        words = self._words(tokens, said, events, samples, hertz=hertz, cut=cut, language=language)
        return Utterance(samples, hertz, words)

    def _words(
        self,
        tokens: list[str],
        said: list[str],
        events: list[tuple[int, int]],
        samples: Samples,
        *,
        hertz: int,
        cut: int,
        language: str,
    ) -> tuple[Word, ...]:
        if is_spaceless(language):
            # Without spaces a word is what eSpeak takes for one, with the punctuation after it.
            spoken = " ".join(said)
            places = sorted({max(0, position) for position, _sample in events} | {0}) if events else [0]
            texts = [spoken[a:b].strip() for a, b in zip(places, [*places[1:], len(spoken)], strict=True)]
            starts = starts_of(places, events, len(texts))
            kept = [at for at, piece in enumerate(texts) if piece]
            return words_from([texts[at] for at in kept], [starts[at] for at in kept], samples, hertz=hertz, cut=cut)
        groups = group_silent(tokens, [is_silent(token) for token in tokens])
        offsets, at = [], 0
        for token in said:
            offsets.append(at)
            at += len(token) + 1
        starts = starts_of([offsets[members[0]] for members in groups], events, len(groups))
        texts = [" ".join(tokens[number] for number in members) for members in groups]
        return words_from(texts, starts, samples, hertz=hertz, cut=cut)
