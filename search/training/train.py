"""Trains the starter CLIP on drawn pictures and the captions that are written for them as it goes."""

from __future__ import annotations

import math
import random
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from search.engines.words import PAD, Words
from search.training.captions import Lexicon, choose, nameable, write
from search.training.model import Shape, build
from search.training.pictures import Pictures, shuffled, vary

MEAN = (0.55, 0.58, 0.58)
STD = (0.27, 0.26, 0.28)


@dataclass(frozen=True)
class Plan:
    """How long and how hard to train. It ends at `steps` or after `minutes`, whichever comes first."""

    steps: int = 100_000
    minutes: float = 40.0
    batch: int = 128
    captions: int = 3
    """Of each picture and batch: one facet, two or three, many."""
    rate: float = 1.5e-3
    warm_up: int = 100
    """Steps."""
    decay: float = 0.05
    related: float = 0.08
    """Share of lone objects that are named by a looser word."""
    anchors: float = 1.0
    """First weight of the second loss, which teaches both towers the plain facets; it falls to a fifth of it."""
    seed: int = 1
    threads: int = 2


@dataclass
class Trained:
    """A trained model with the loss of every step."""

    model: Any
    words: Words
    shape: Shape
    losses: list[float] = field(default_factory=list)
    minutes: float = 0.0


Watcher = Callable[[int, float, float], None]
"""Called after a step with its number, the share of the training that is done, and the loss."""


def train(
    pictures: Pictures, lexicon: Lexicon, words: Words, shape: Shape, plan: Plan,
    *, watch: Watcher | None = None, checkpoint: Path | None = None,
) -> Trained:
    """Train from nothing. With `checkpoint`, the weights are written there every five minutes."""
    import torch

    torch.set_num_threads(plan.threads)
    torch.manual_seed(plan.seed)
    rng, choice = np.random.default_rng(plan.seed), random.Random(plan.seed)
    model = build(shape, words.size).to(memory_format=torch.channels_last).train()
    bits, plain = FacetBits(pictures.facets), FacetBits([_plain(facets) for facets in pictures.facets])
    anchors = _anchors(len(plain.columns), shape.dimensions)
    optimizer = _optimizer([*model.parameters(), *anchors.parameters()], plan)
    trained, start, saved = Trained(model, words, shape), time.monotonic(), time.monotonic()
    batches = shuffled(len(pictures), min(plan.batch, len(pictures)), rng)
    for step in range(plan.steps):
        share = max(step / plan.steps, (time.monotonic() - start) / 60 / plan.minutes)
        if share >= 1:
            break
        for group in optimizer.param_groups:
            group["lr"] = plan.rate * min(1.0, (step + 1) / plan.warm_up) * (0.01 + 0.99 * _cosine(share))
        numbers = next(batches)
        texts, named = _captions(choice, [pictures.facets[number] for number in numbers], lexicon, plan)
        seen, read = _vectors(model, _tensor(pictures.pixels[numbers], rng), words.encode(texts))
        loss = _contrast(seen, read, model.logit_scale.exp(), bits.hits(named, numbers))
        if plan.anchors:
            held, said = plain.rows[numbers], plain.bits([_plain(facets) for facets in named])
            weight = plan.anchors * (0.2 + 0.8 * _cosine(share))
            loss = loss + weight * (anchors(seen, held) + anchors(read, said)) / 2
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        with torch.no_grad():
            model.logit_scale.clamp_(0, math.log(100))
        trained.losses.append(float(loss.detach()))
        if watch:
            watch(step, share, trained.losses[-1])
        if checkpoint and time.monotonic() - saved > 300:
            saved = time.monotonic()
            torch.save(model.state_dict(), checkpoint)
    trained.minutes = (time.monotonic() - start) / 60
    model.eval()
    if checkpoint:
        torch.save(model.state_dict(), checkpoint)
    return trained


class FacetBits:
    """Facet sets as rows of zeros and ones, to see quickly which pictures hold all that a caption names."""

    def __init__(self, shown: Sequence[frozenset[str]]) -> None:
        shown = [nameable(facets) for facets in shown]
        self.columns = {facet: column for column, facet in enumerate(sorted(set().union(*shown)))}
        self.rows = self.bits(shown)

    def bits(self, sets: Sequence[frozenset[str]]) -> NDArray[np.uint8]:
        rows = np.zeros((len(sets), len(self.columns)), dtype=np.uint8)
        for row, facets in zip(rows, sets, strict=True):
            row[[self.columns[facet] for facet in facets]] = 1
        return rows

    def hits(self, named: Sequence[frozenset[str]], numbers: NDArray[np.int64]) -> NDArray[np.float32]:
        """(captions, pictures): 1 where the picture holds every facet that the caption names."""
        wanted = self.bits(named).astype(np.float32)
        held = wanted @ self.rows[numbers].astype(np.float32).T
        hits: NDArray[np.float32] = (held >= wanted.sum(1, keepdims=True)).astype(np.float32)
        return hits


def _captions(
    rng: random.Random, shown: Sequence[frozenset[str]], lexicon: Lexicon, plan: Plan
) -> tuple[list[str], list[frozenset[str]]]:
    texts, named = [], []
    for facets in shown:
        for number in range(plan.captions):
            count = (1, rng.choice((2, 3)), rng.choice((3, 4, 5, 6, 8)))[number % 3]
            chosen = choose(rng, facets, count, lexicon)
            texts.append(write(rng, chosen, lexicon, related=plan.related))
            named.append(chosen)
    return texts, named


def _tensor(pixels: NDArray[np.uint8], rng: np.random.Generator) -> Any:
    """(n, 3, side, side), normalised."""
    import torch

    varied = (vary(pixels, rng) - np.asarray(MEAN, np.float32)) / np.asarray(STD, np.float32)
    return torch.from_numpy(varied).permute(0, 3, 1, 2)


def _vectors(model: Any, pictures: Any, numbers: NDArray[np.int64]) -> tuple[Any, Any]:
    """Unit vectors (n, dimensions) of pictures and of texts."""
    import torch
    from torch.nn import functional

    with torch.autocast("cpu", dtype=torch.bfloat16):
        seen = model.encode_image(pictures)
        read = _read(model, numbers)
    return functional.normalize(seen.float(), dim=-1), functional.normalize(read.float(), dim=-1)


def _contrast(seen: Any, read: Any, scale: Any, hits: NDArray[np.float32]) -> Any:
    """CLIP's symmetric cross-entropy with several right answers: every picture in the batch that a caption fits is one.

    The targets of a row are shared equally among its right answers (as in Khosla et al., "Supervised Contrastive
    Learning", 2020), so that a second red car is not taught to be wrong.
    """
    import torch
    from torch.nn import functional

    logits = scale * read @ seen.T
    right = torch.from_numpy(hits)
    to_pictures = functional.cross_entropy(logits, right / right.sum(1, keepdim=True))
    to_captions = functional.cross_entropy(logits.T, (right / right.sum(0, keepdim=True)).T)
    return (to_pictures + to_captions) / 2


def _read(model: Any, numbers: NDArray[np.int64]) -> Any:
    """Text vectors as `model.encode_text` gives them, in three groups by length, each without its common padding.

    The causal mask keeps what follows a text's end from having any effect on it, so this is exact.
    """
    import torch

    lengths = (numbers != PAD).sum(1)
    order = np.argsort(lengths, kind="stable")
    parts = []
    for rows in np.array_split(order, 3):
        most = int(lengths[rows].max(initial=1))
        part = torch.from_numpy(numbers[rows, :most])
        values = model.token_embedding(part) + model.positional_embedding[:most]
        values = model.ln_final(model.transformer(values, attn_mask=model.attn_mask[:most, :most]))
        parts.append(values[torch.arange(len(rows)), part.argmax(1)] @ model.text_projection)
    return torch.cat(parts)[torch.from_numpy(np.argsort(order, kind="stable"))]


def _plain(facets: Iterable[str]) -> frozenset[str]:
    """Facets without who has them: a red car and a dog are "object:car", "object:dog" and "colour::red"."""
    parts = [facet.split(":") for facet in facets if not facet.startswith(("count:", "relation:"))]
    return frozenset(f"colour::{part[2]}" if part[0] == "colour" else ":".join(part) for part in parts)


def _anchors(count: int, dimensions: int) -> Any:
    """One learned vector for each plain facet, which the towers' vectors should lean to where they hold it.

    A sigmoid loss over all facets, as in Zhai et al., "Sigmoid Loss for Language Image Pre-Training" (2023). It tells
    the picture tower what is there from the first step on, while the contrast only tells whole captions apart. The
    anchors are thrown away after training.
    """
    import torch
    from torch.nn import functional

    class Anchors(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.table = torch.nn.Parameter(torch.randn(count, dimensions) * dimensions**-0.5)
            self.scale = torch.nn.Parameter(torch.tensor(math.log(10.0)))
            self.shift = torch.nn.Parameter(torch.tensor(-4.0))

        def forward(self, vectors: Any, held: NDArray[np.uint8]) -> Any:
            table = functional.normalize(self.table, dim=-1)
            logits = self.scale.exp() * vectors @ table.T + self.shift
            right = torch.from_numpy(held).float()
            return functional.binary_cross_entropy_with_logits(logits, right, reduction="sum") / (5 * len(right))

    return Anchors()


def _optimizer(weights: Sequence[Any], plan: Plan) -> Any:
    import torch

    plain = [weight for weight in weights if weight.ndim < 2]
    decayed = [weight for weight in weights if weight.ndim >= 2]
    groups = [{"params": plain, "weight_decay": 0.0}, {"params": decayed, "weight_decay": plan.decay}]
    return torch.optim.AdamW(groups, lr=plan.rate, betas=(0.9, 0.98), eps=1e-6)


def _cosine(share: float) -> float:
    return (1 + math.cos(math.pi * min(1.0, share))) / 2
