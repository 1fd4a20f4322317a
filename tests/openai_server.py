"""A real endpoint that speaks Chat Completions, with a model so small that only the schema makes sense of it.

The model is a byte-level n-gram in numpy, fitted to a page of text: it writes something like English and understands
nothing. Decoding is constrained to the request's JSON schema by llguidance, as llama.cpp and vLLM do it, so every
answer has the form that was asked for, whatever the model had rather said.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import llguidance
import numpy as np

VOCABULARY = 257
END = 256
TEXT = """
The harbour got a new lighthouse on Friday. Fishers had asked for it for years, and the town paid for it. It can be
seen from afar. The ferry runs on batteries and makes no noise. It carried 120 cars and 360 passengers over the fjord.
The ship cost 31 million euros. Ticket prices stay the same for now. Engineers put a second battery on the quay.
"""


class Bytes:
    """A tokenizer whose tokens are the bytes."""

    def __init__(self) -> None:
        self.eos_token_id, self.bos_token_id = END, None
        self.tokens = [*(bytes([each]) for each in range(256)), b"<end>"]
        self.special_token_ids = [END]

    def __call__(self, text: bytes) -> list[int]:
        return list(text)


class NGrams:
    """The chance of the next byte after two others, counted in TEXT; everything else has a small one."""

    def __init__(self, seed: int) -> None:
        self._random = np.random.default_rng(seed)
        self._counts = np.full((256, 256, VOCABULARY), 0.001, np.float32)
        data = TEXT.encode()
        for first, second, third in zip(data, data[1:], data[2:], strict=False):
            self._counts[first, second, third] += 1

    def next(self, before: bytes, allowed: np.ndarray[Any, Any], in_string: int) -> int:
        """The next byte of those that the grammar allows. The longer a string is, the more a quote tempts."""
        chances = self._counts[before[-2], before[-1]].copy()
        chances[ord('"')] = max(0, in_string - 12) / 12
        chances[[ord("]"), ord("}"), END]] += 0.5
        chances[[ord(" "), ord("\n"), ord("\t"), ord("\r")]] *= 1.0 if in_string else 0.0
        chances[0x80:0x100] = 0
        if in_string == 1:  # a text begins with a letter
            chances[[each for each in range(VOCABULARY) if not chr(each).isalpha()]] = 0
        chances *= allowed
        if not chances.any():
            chances = allowed.astype(np.float32)
        return int(self._random.choice(VOCABULARY, p=chances / chances.sum()))


class Model:
    """Answers a request within its schema."""

    def __init__(self, seed: int = 0) -> None:
        self._tokenizer = llguidance.LLTokenizer(llguidance.TokenizerWrapper(Bytes()))
        self._ngrams = NGrams(seed)
        self._lock = threading.Lock()

    def answer(self, schema: dict[str, Any], most: int) -> Iterator[str]:
        """The answer a piece at a time, at most `most` bytes."""
        grammar = llguidance.LLMatcher.grammar_from_json_schema(json.dumps(schema))
        matcher = llguidance.LLMatcher(self._tokenizer, grammar)
        assert not matcher.is_error(), matcher.get_error()
        before, in_string = b". ", 0
        with self._lock:
            for _byte in range(most):
                mask = np.frombuffer(matcher.compute_bitmask(), np.uint8)
                allowed = np.unpackbits(mask, bitorder="little")[:VOCABULARY]
                token = self._ngrams.next(before, allowed, in_string)
                if token == END or not matcher.consume_token(token):
                    return
                if token == ord('"') and before[-1:] != b"\\":
                    in_string = int(not in_string)
                elif in_string:
                    in_string += 1
                before = (before + bytes([token]))[-2:]
                yield chr(token)
                if matcher.is_stopped():
                    return
            yield "\x00"  # cut off


@contextmanager
def openai_server(seed: int = 0) -> Iterator[str]:
    """The endpoint's base address, for as long as the block runs."""
    model = Model(seed)

    class Endpoint(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            form = request["response_format"]
            if self.path != "/v1/chat/completions" or form["type"] != "json_schema" or not request["stream"]:
                self.send_error(400)
                return
            self.send_response(200)
            self.send_header("Content-Type", "text/event-stream")
            self.end_headers()
            written, finish, piece = 0, "stop", ""
            for character in model.answer(form["json_schema"]["schema"], request["max_completion_tokens"]):
                if character == "\x00":
                    finish = "length"
                    break
                piece, written = piece + character, written + 1
                if len(piece) == 32:
                    self.event(request, {"content": piece}, None)
                    piece = ""
            self.event(request, {"content": piece}, None)
            self.event(request, {}, finish)
            prompt = sum(len(message["content"].encode()) for message in request["messages"])
            self.event(request, None, None, {"prompt_tokens": prompt, "completion_tokens": written, "total_tokens": 0})
            self.wfile.write(b"data: [DONE]\n\n")

        def event(self, request: dict[str, Any], delta: Any, finish: str | None, usage: Any = None) -> None:
            choices = [] if delta is None else [{"index": 0, "delta": delta, "finish_reason": finish}]
            chunk = {
                "id": f"chatcmpl-{id(request):x}", "object": "chat.completion.chunk", "created": 1,
                "model": request["model"], "choices": choices, "usage": usage,
            }  # fmt: skip
            self.wfile.write(b"data: " + json.dumps(chunk).encode() + b"\n\n")

        def log_message(self, *_args: Any) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Endpoint)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1"
    finally:
        server.shutdown()
        server.server_close()
