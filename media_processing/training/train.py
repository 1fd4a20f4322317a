"""Trains a small Whisper on spoken sentences whose word times are known, and writes it as openai-whisper's weights.

Three things make minutes enough where Whisper took GPU years: the encoder is also told which word is spoken at each
moment, the decoder's last attention is told where the word is that it writes next (Tachibana et al., "Efficiently
Trainable Text-to-Speech System Based on Deep Convolutional Networks with Guided Attention", 2017, the other way round;
it is also what `transcribe` reads word times from), and most windows are a few seconds, not thirty.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from media_processing.engines.base import Word
from media_processing.training.course import Course, Every, apply, cosine
from media_processing.training.sentences import WORDS
from media_processing.training.speech import POSITIONS, Spoken, Window, batched, vary, window

_SECONDS = 0.02
"""Of one of the encoder's positions, and from one of Whisper's time tokens to the next."""
_IGNORED = -100


@dataclass(frozen=True)
class Stage:
    """How windows look from a share of the training on."""

    share: float
    seconds: float
    batch: int


@dataclass(frozen=True)
class Plan(Course):
    """How long and how hard to train; `stages` say the size of a batch."""

    steps: int = 10**9
    minutes: float = 45.0
    rate: float = 2e-3
    warm_up: int = 150
    decay: float = 0.01
    stages: tuple[Stage, ...] = (Stage(0.0, 4.0, 24), Stage(0.3, 8.0, 16))
    whole: float = 0.3
    """Share of the steps in the last stage that hear windows of 30 seconds."""
    whole_from: float = 0.5


@dataclass
class Trained:
    """A trained model with the loss of every step."""

    model: Any
    losses: list[float] = field(default_factory=list)
    minutes: float = 0.0


Watcher = Callable[[int, float, dict[str, float]], None]
"""Called after a step with its number, the share of the training that is done, and its losses by name."""


def dimensions() -> Any:
    """A Whisper of 5.5 MB in half precision: nine tenths of it are the rows of the vocabulary."""
    from whisper.model import ModelDimensions

    return ModelDimensions(
        n_mels=80, n_audio_ctx=POSITIONS, n_audio_state=48, n_audio_head=3, n_audio_layer=3,
        n_vocab=51865, n_text_ctx=224, n_text_state=48, n_text_head=3, n_text_layer=2,
    )  # fmt: skip


def train(spoken: Sequence[Spoken], plan: Plan, *, watch: Watcher | None = None, keep: Path | None = None) -> Trained:
    """Train from nothing on `spoken`; with `keep`, the weights are written there every few minutes."""
    import torch

    torch.manual_seed(plan.seed)
    torch.set_num_threads(1)
    rng = np.random.default_rng(plan.seed)
    learner = _Learner(spoken)
    weights = learner.weights
    optimizer = plan.optimizer(weights)
    trained, start, saving = Trained(learner.model), time.monotonic(), Every(240)
    with plan.pool() as pool:
        for step, share in plan.walk(optimizer):
            stage = [stage for stage in plan.stages if share >= stage.share][-1]
            if share >= plan.whole_from and rng.random() < plan.whole:
                stage = Stage(share, POSITIONS * _SECONDS, 4)
            help_left = max(0.1, cosine(share))
            shares = [
                (stage.seconds, stage.batch // plan.threads, help_left, int(rng.integers(2**31)))
                for _thread in range(plan.threads)
            ]
            results = list(pool.map(learner.learn, shares))
            apply(optimizer, weights, [gradients for gradients, _told in results])
            told = {name: float(np.mean([one[name] for _g, one in results])) for name in results[0][1]}
            trained.losses.append(told["text"])
            if watch:
                watch(step, share, told)
            if keep and saving.due():
                learner.write(keep)
    trained.minutes = (time.monotonic() - start) / 60
    if keep:
        learner.write(keep)
    return trained


class _Learner:
    """The model with what is only there while it learns."""

    def __init__(self, spoken: Sequence[Spoken]) -> None:
        import torch
        from whisper.model import Whisper
        from whisper.tokenizer import get_tokenizer

        self.spoken = spoken
        self.model: Any = Whisper(dimensions()).train()
        state = self.model.dims.n_text_state
        torch.nn.init.normal_(self.model.decoder.positional_embedding, std=0.02)
        for block in self.model.encoder.blocks:
            _look_around(block.attn)
        tokens = get_tokenizer(multilingual=True, language="en", task="transcribe")
        self.begin = [tokens.sot, *tokens.sot_sequence[1:]]
        self.previous, self.end, self.untimed = tokens.sot_prev, tokens.eot, tokens.no_timestamps
        self.nothing, self.times = tokens.no_speech, tokens.timestamp_begin
        self.ids = {word: tokens.encode(" " + word)[0] for word in WORDS}
        used = [*self.ids.values(), *self.begin, self.previous, self.end, self.untimed, self.nothing]
        self.used = used
        self.rows = {token: row for row, token in enumerate(used)}
        # One row stands for all tokens that are never said, and one map makes the rows of all 1501 times.
        self.plain = torch.nn.Parameter(torch.randn(len(used) + 1, state) * 0.1)
        self.clock = torch.nn.Linear(state, state)
        self.unused = self.model.dims.n_vocab - len(used) - (POSITIONS + 1)
        from whisper.model import sinusoids

        self.sinusoids = sinusoids(POSITIONS + 1, state)
        self.word_at = torch.nn.Linear(state, len(WORDS) + 1)
        rest = [weight for name, weight in self.model.named_parameters() if "token_embedding" not in name]
        self.weights: list[Any] = [*rest, self.plain, *self.clock.parameters(), *self.word_at.parameters()]

    def table(self) -> Any:
        """Rows (tokens in use, one for all others, 1501 times) of the vocabulary."""
        import torch

        return torch.cat([self.plain, self.clock(self.sinusoids)])

    def _row(self, token: int) -> int:
        return len(self.used) + 1 + token - self.times if token >= self.times else self.rows[token]

    def learn(self, share: tuple[float, int, float, int]) -> tuple[list[Any], dict[str, float]]:
        """Gradients of `weights` for a new batch of windows, and its losses."""
        import torch
        from torch.nn import functional

        seconds, batch, help_left, seed = share
        rng = np.random.default_rng(seed)
        positions = round(seconds / _SECONDS)
        windows = [self._window(seconds, rng) for _number in range(batch)]
        longest = max(one.mel.shape[1] for one in windows) // 2 + 1
        positions = min(positions, longest + int(rng.choice([0, 50])))
        offset = int(rng.integers(0, POSITIONS - positions + 1)) if rng.random() < 0.4 else 0
        scripts = [self._script(one, offset, rng) for one in windows]
        heard = self._listen(batched(windows, positions), offset)
        spoken_at = functional.cross_entropy(
            self.word_at(heard).flatten(0, 1), torch.from_numpy(_labels(windows, positions)).flatten()
        )
        length = max(len(script) for script in scripts)
        rows = np.full((batch, length), self._row(self.end), np.int64)
        targets = np.full((batch, length), _IGNORED, np.int64)
        where = np.full((batch, length, 2), 0.0, np.float32)
        for number, script in enumerate(scripts):
            for at, (token, target, word) in enumerate(script):
                rows[number, at] = self._row(token)
                if target is not None:
                    targets[number, at] = self._row(target)
                if word:
                    where[number, at] = (word.start / _SECONDS - 1, word.end / _SECONDS + 1)
        table = self.table()
        written, attention = self._write(table[torch.from_numpy(rows)], heard)
        said = targets != _IGNORED
        logits = written[torch.from_numpy(said)] @ table.T
        logits[:, len(self.used)] += math.log(self.unused)
        text = functional.cross_entropy(logits, self._soft(targets[said], table.shape[0]))
        guided = _astray(attention, where)
        loss = text + help_left * (spoken_at + 0.3 * guided)
        told = {"text": float(text.detach()), "frames": float(spoken_at.detach()), "astray": float(guided.detach())}
        return list(torch.autograd.grad(loss, self.weights, allow_unused=True)), told

    def _window(self, seconds: float, rng: np.random.Generator) -> Window:
        if rng.random() < 0.03:
            return window((), seconds, rng)
        most = max(1, round(seconds / 2.2))
        count = 1 if rng.random() < 0.3 else int(rng.integers(1, most + 1))
        while True:
            chosen = [vary(self.spoken[number], rng) for number in rng.integers(0, len(self.spoken), count)]
            found = window(chosen, seconds, rng)
            if found.sentences:
                return found

    def _script(self, one: Window, offset: int, rng: np.random.Generator) -> list[tuple[int, int | None, Word | None]]:
        """Token, the next one (None: not judged), and which word that is."""
        tokens: list[tuple[int, Word | None]] = []
        timed = rng.random() < 0.6
        for sentence in one.sentences:
            if timed:
                tokens.append((self._time(sentence[0].start, offset), None))
            tokens += [(self.ids[word.text], word) for word in sentence]
            if timed:
                tokens.append((self._time(sentence[-1].end, offset), None))
        if timed and not tokens:
            tokens.append((self.times, None))
        begin = self.begin if timed else [*self.begin, self.untimed]
        prompt: list[int] = []
        if rng.random() < 0.25:
            words = [self.ids[word] for word in rng.choice(WORDS, int(rng.integers(1, 40)))]
            prompt = [self.previous, *words]
        body = [*((token, None) for token in begin), *tokens, (self.end, None)]
        script: list[tuple[int, int | None, Word | None]] = [(token, None, None) for token in prompt]
        for at, ((token, _word), (following, word)) in enumerate(pairwise(body)):
            target = self.nothing if at == 0 and not one.sentences else following
            script.append((token, target, word))
        return script[: self.model.dims.n_text_ctx]

    def _time(self, seconds: float, offset: int) -> int:
        return int(self.times) + min(POSITIONS, round(seconds / _SECONDS) + offset)

    def _soft(self, rows: NDArray[np.int64], size: int) -> Any:
        """Targets (n, size): a time shares its weight with its neighbours, since 20 ms earlier is nearly as right."""
        import torch

        first = len(self.used) + 1
        targets = np.zeros((len(rows), size), np.float32)
        for step, weight in ((0, 0.5), (-1, 0.2), (1, 0.2), (-2, 0.05), (2, 0.05)):
            near = np.where(rows >= first, np.clip(rows + step, first, size - 1), rows)
            targets[np.arange(len(rows)), near] += weight
        return torch.from_numpy(targets)

    def _listen(self, mel: Any, offset: int) -> Any:
        """What the encoder makes of a window that is only a part of thirty seconds, from position `offset` on."""
        from torch.nn import functional

        encoder = self.model.encoder
        x = functional.gelu(encoder.conv1(mel))
        x = functional.gelu(encoder.conv2(x)).permute(0, 2, 1)
        x = x + encoder.positional_embedding[offset : offset + x.shape[1]]
        for block in encoder.blocks:
            x = block(x)
        return encoder.ln_post(x)

    def _write(self, x: Any, heard: Any) -> tuple[Any, Any]:
        """The decoder's states, and the attention (n, heads, tokens, positions) of its last layer as logarithms."""
        decoder = self.model.decoder
        x = x + decoder.positional_embedding[: x.shape[1]]
        *first, last = decoder.blocks
        for block in first:
            x = block(x, heard, mask=decoder.mask)
        x = x + last.attn(last.attn_ln(x), mask=decoder.mask)[0]
        asked, cross = last.cross_attn_ln(x), last.cross_attn
        query, key = (
            side.view(*side.shape[:2], cross.n_head, -1).transpose(1, 2)
            for side in (cross.query(asked), cross.key(heard))
        )
        attention = (query @ key.transpose(-1, -2) / math.sqrt(query.shape[-1])).log_softmax(-1)
        x = x + cross(asked, heard)[0]
        x = x + last.mlp(last.mlp_ln(x))
        return decoder.ln(x), attention

    def write(self, path: Path) -> None:
        """The weights as openai-whisper's own files hold them, in half precision."""
        import torch

        with torch.no_grad():
            table = self.table()
            rows = self.model.decoder.token_embedding.weight
            rows[:] = table[len(self.used)]
            rows[self.used] = table[: len(self.used)]
            rows[self.times :] = table[len(self.used) + 1 :]
        state = {name: value.half() for name, value in self.model.state_dict().items()}
        partial = path.with_suffix(".partial")
        torch.save({"dims": asdict(self.model.dims), "model_state_dict": state}, partial)
        partial.replace(path)


def _look_around(attention: Any, reach: int = 8) -> None:
    """Let the heads begin by looking at the moment itself, at what was `reach` positions before and will be after.

    A sinusoid at another position is a rotation of itself (Vaswani et al., "Attention Is All You Need", 2017, 3.5), so
    a query that is turned by as much meets the key there. After 600 steps it hears as well as otherwise after 800.
    """
    import torch

    state, heads = attention.query.weight.shape[0], attention.n_head
    width, half = state // heads, state // 2
    speeds = np.exp(-math.log(10000) / (half - 1) * np.arange(half))
    with torch.no_grad():
        for weight in (attention.query.weight, attention.key.weight):
            weight *= 0.3
        for head in range(heads):
            turn = (head - heads // 2) * reach
            for pair in range(width // 2):
                sine, cosine = head * width + 2 * pair, head * width + 2 * pair + 1
                away = speeds[pair] * turn
                attention.key.weight[sine, pair] += 1.4
                attention.key.weight[cosine, half + pair] += 1.4
                attention.query.weight[sine, pair] += 1.4 * math.cos(away)
                attention.query.weight[sine, half + pair] += 1.4 * math.sin(away)
                attention.query.weight[cosine, half + pair] += 1.4 * math.cos(away)
                attention.query.weight[cosine, pair] -= 1.4 * math.sin(away)


def _labels(windows: Sequence[Window], positions: int) -> NDArray[np.int64]:
    """(n, positions): which word is spoken; the last number is none."""
    labels = np.full((len(windows), positions), len(WORDS), np.int64)
    for row, one in zip(labels, windows, strict=True):
        for word in (word for sentence in one.sentences for word in sentence):
            row[round(word.start / _SECONDS) : round(word.end / _SECONDS)] = WORDS.index(word.text)
    return labels


def _astray(attention: Any, where: NDArray[np.float32]) -> Any:
    """How much of the attention lies outside the word that is written next: minus the logarithm of what is inside."""
    import torch

    batch, token = np.nonzero(where[..., 1])
    at = torch.arange(attention.shape[-1])
    bounds = torch.from_numpy(where[batch, token])
    inside = (at >= bounds[:, :1]) & (at <= bounds[:, 1:])
    chosen = attention[torch.from_numpy(batch), :, torch.from_numpy(token)]
    return -chosen.masked_fill(~inside[:, None], -1e4).logsumexp(-1).mean()
