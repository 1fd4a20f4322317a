"""The helper process in which eSpeak NG runs: its library keeps global state and parses whatever text it is given.

Started as `python -m generation.engines.espeak_process LIBRARY DATA`. Imports the standard library only.

Protocol, over stdin and stdout: a request is one line of JSON; an answer is one line of JSON, followed by as many bytes
of 16-bit mono sound as its "bytes" says. It ends when stdin closes, and dies with its parent.
"""

from __future__ import annotations

import ctypes
import json
import os
import sys
from typing import Any, BinaryIO

_RETRIEVAL = 1  # AUDIO_OUTPUT_RETRIEVAL: hand the samples to the callback
_SYNCHRONOUS_FLAGS = 1  # espeakCHARS_UTF8
_DONT_EXIT = 0x8000  # espeakINITIALIZE_DONT_EXIT
_RATE, _PITCH, _RANGE, _WORDGAP = 1, 3, 4, 7
_END_OF_LIST, _WORD, _SENTENCE, _CLAUSE_END = 0, 1, 2, 5
_PR_SET_PDEATHSIG, _SIGKILL = 1, 9


class _Id(ctypes.Union):
    _fields_ = (("number", ctypes.c_int), ("name", ctypes.c_char_p), ("string", ctypes.c_char * 8))


class _Event(ctypes.Structure):
    _fields_ = (
        ("type", ctypes.c_int),
        ("unique_identifier", ctypes.c_uint),
        ("text_position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("audio_position", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("id", _Id),
    )


class _VoiceSpec(ctypes.Structure):
    _fields_ = (
        ("name", ctypes.c_char_p),
        ("languages", ctypes.c_char_p),
        ("identifier", ctypes.c_char_p),
        ("gender", ctypes.c_ubyte),
        ("age", ctypes.c_ubyte),
        ("variant", ctypes.c_ubyte),
        ("xx1", ctypes.c_ubyte),
        ("score", ctypes.c_int),
        ("spare", ctypes.c_void_p),
    )


_Callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event))


class Speaker:
    """eSpeak NG's library, loaded and initialised."""

    def __init__(self, library: str, data: str) -> None:
        self.lib = ctypes.CDLL(library)
        self.lib.espeak_Initialize.argtypes = (ctypes.c_int, ctypes.c_int, ctypes.c_char_p, ctypes.c_int)
        self.lib.espeak_SetVoiceByName.argtypes = (ctypes.c_char_p,)
        self.lib.espeak_SetParameter.argtypes = (ctypes.c_int, ctypes.c_int, ctypes.c_int)
        self.lib.espeak_Synth.argtypes = (
            ctypes.c_char_p,
            ctypes.c_size_t,
            ctypes.c_uint,
            ctypes.c_int,
            ctypes.c_uint,
            ctypes.c_uint,
            ctypes.c_void_p,
            ctypes.c_void_p,
        )
        self.lib.espeak_ListVoices.restype = ctypes.POINTER(ctypes.POINTER(_VoiceSpec))
        self.lib.espeak_ListVoices.argtypes = (ctypes.c_void_p,)
        self.lib.espeak_Info.restype = ctypes.c_char_p
        self.lib.espeak_Info.argtypes = (ctypes.c_void_p,)
        self.hertz: int = self.lib.espeak_Initialize(_RETRIEVAL, 0, os.fsencode(data), _DONT_EXIT)
        if self.hertz <= 0:
            raise OSError("eSpeak NG's data could not be read")
        self.sound = bytearray()
        self.events: list[tuple[int, int, int]] = []
        self._callback = _Callback(self._collect)  # kept: the library holds only a pointer to it
        self.lib.espeak_SetSynthCallback(self._callback)

    def _collect(self, samples: Any, count: int, events: Any) -> int:
        if samples and count:
            self.sound += ctypes.string_at(samples, count * 2)
        at = 0
        while events[at].type != _END_OF_LIST:
            event = events[at]
            if event.type in (_WORD, _SENTENCE, _CLAUSE_END):
                self.events.append((event.type, event.text_position, event.sample))
            at += 1
        return 0

    def info(self) -> dict[str, Any]:
        return {"hertz": self.hertz, "version": (self.lib.espeak_Info(None) or b"").decode()}

    def voices(self) -> dict[str, Any]:
        """Every voice as [identifier, name, its languages, best first]."""
        found = []
        listed = self.lib.espeak_ListVoices(None)
        at = 0
        while listed[at]:
            spec = listed[at].contents
            # `languages` is a list of (priority byte, code, NUL), ended by a NUL priority.
            address = ctypes.cast(
                ctypes.addressof(spec) + _VoiceSpec.languages.offset, ctypes.POINTER(ctypes.c_void_p)
            )[0]
            found.append([(spec.identifier or b"").decode(), (spec.name or b"").decode(), _codes(address)])
            at += 1
        return {"voices": found}

    def speak(self, text: str, voice: str, rate: int, pitch: int, tone: int, gap: int) -> dict[str, Any]:
        """Speak; the answer's events are (type, position in characters from 1, sample)."""
        self.sound = bytearray()
        self.events = []
        if self.lib.espeak_SetVoiceByName(voice.encode()) != 0:
            return {"error": f"eSpeak NG has no voice {voice!r}."}
        for parameter, value in ((_RATE, rate), (_PITCH, pitch), (_RANGE, tone), (_WORDGAP, gap)):
            self.lib.espeak_SetParameter(parameter, value, 0)
        encoded = text.encode()
        failed = self.lib.espeak_Synth(encoded, len(encoded) + 1, 0, 1, 0, _SYNCHRONOUS_FLAGS, None, None)
        self.lib.espeak_Synchronize()
        return {"error": f"eSpeak NG failed ({failed})."} if failed else {"events": self.events, "hertz": self.hertz}


def _codes(address: int | None) -> list[str]:
    codes: list[str] = []
    while address and ctypes.string_at(address, 1) != b"\0":
        code = ctypes.string_at(address + 1)
        codes.append(code.decode("ascii", "replace"))
        address += len(code) + 2
    return codes


def die_with_parent() -> None:
    """Ask Linux for SIGKILL when the parent ends; elsewhere the closing of stdin has to do."""
    if not sys.platform.startswith("linux"):
        return
    parent = os.getppid()
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, _SIGKILL)
    if os.getppid() != parent:  # it died in between
        os._exit(0)


def serve(speaker: Speaker, requests: BinaryIO, answers: BinaryIO) -> None:
    """Answer requests until they end."""
    for line in requests:
        request: dict[str, Any] = json.loads(line)
        action = request.pop("action")
        sound = b""
        if action == "speak":
            answer = speaker.speak(**request)
            sound = bytes(speaker.sound)
        else:
            answer = speaker.voices() if action == "voices" else speaker.info()
        answers.write(json.dumps({**answer, "bytes": len(sound)}).encode() + b"\n" + sound)
        answers.flush()


def main() -> None:
    die_with_parent()
    # The library prints to stdout now and then: keep the answers' pipe to ourselves.
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    serve(Speaker(sys.argv[1], sys.argv[2]), sys.stdin.buffer, answers)


if __name__ == "__main__":
    main()
