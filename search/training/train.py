"""Trains the starter CLIP on drawn pictures and the captions that are written for them as it goes."""

from __future__ import annotations

import math
import random
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from media_processing.training.course import Course, Every, cosine
from search.engines.words import PAD, Words
from search.training.captions import Lexicon, choose, choose_pair, nameable, write
from search.training.model import Shape, build
from search.training.pictures import Pictures, Places, moved, shuffled, vary

MEAN = (0.55, 0.58, 0.58)
STD = (0.27, 0.26, 0.28)
CAPTIONS = 2
"""Of each picture and batch."""
EMBEDDING = "token_embedding.weight"
"""The weight with a row for each word."""


@dataclass(frozen=True)
class Plan(Course):
    """How long and how hard to train."""

    steps: int = 3517
    batch: int = 128
    rate: float = 1.5e-3
    warm_up: int = 100
    related: float = 0.06
    """Share of lone objects that are named by a looser word."""
    labels: float = 1.0
    """First weight of what is taught beside the contrast: which facets, and which object in which cell. It falls to a
    fifth of it."""


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
    *, watch: Watcher | None = None, checkpoint: Path | None = None, further: Path | None = None,
) -> Trained:
    """Train from nothing, or from a checkpoint `further` (SGDR, Loshchilov & Hutter, 2017: a warm restart).

    With `checkpoint`, the weights and their vocabulary are written there every five minutes. `further` may come from
    another vocabulary: each known word keeps what was learned for it, a new one starts from nothing.
    """
    import torch

    torch.manual_seed(plan.seed)
    torch.set_num_threads(1)
    rng, choice = np.random.default_rng(plan.seed), random.Random(plan.seed)
    model = build(shape, words.size).to(memory_format=torch.channels_last).train()
    if further:
        resume(model, words, further)
    bits = FacetBits([labels(facets) for facets in pictures.facets])
    anchors, places = _anchors(list(bits.columns), shape.dimensions), Places(pictures)
    towers = _Towers(model, shape, words, pictures, places)
    weights = [*model.parameters(), *anchors.parameters(), *towers.cells.parameters()]
    optimizer = plan.optimizer(weights)
    trained, start, saving = Trained(model, words, shape), time.monotonic(), Every(300)
    batches = shuffled(len(pictures), min(plan.batch, len(pictures)), rng)
    with plan.pool() as pool:
        for step, share in plan.walk(optimizer):
            numbers = next(batches)
            texts, named = _captions(choice, [pictures.facets[number] for number in numbers], lexicon, plan)
            weight = plan.labels * (0.2 + 0.8 * cosine(share))
            rows = np.array_split(np.arange(len(numbers)), plan.threads)
            shares = [
                (numbers[own], texts[CAPTIONS * own[0] : CAPTIONS * (own[-1] + 1)], int(rng.integers(2**31)))
                for own in rows
            ]
            parts = list(pool.map(towers.forward, shares))
            seen, read = (torch.cat([part[side].detach() for part in parts]).requires_grad_() for side in (0, 1))
            loss = _contrast(seen, read, model.logit_scale.exp(), bits.hits(named, numbers))
            held, said = bits.rows[numbers], bits.bits([labels(facets) for facets in named])
            loss = loss + weight * (anchors(seen, held) + anchors(read, said)) / 2
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            sides: tuple[Any, Any] = (seen.grad, read.grad)
            to_seen, to_read = (side.split([len(part[at]) for part in parts]) for at, side in enumerate(sides))
            pulls = [(*one, weight / len(parts)) for one in zip(parts, to_seen, to_read, strict=True)]
            for found in pool.map(towers.backward, pulls):
                for parameter, gradient in zip(towers.weights, found, strict=True):
                    if gradient is not None:
                        parameter.grad = gradient if parameter.grad is None else parameter.grad + gradient
            torch.nn.utils.clip_grad_norm_(weights, 1.0)
            optimizer.step()
            with torch.no_grad():
                model.logit_scale.clamp_(0, math.log(100))
            trained.losses.append(float(loss.detach()))
            if watch:
                watch(step, share, trained.losses[-1])
            if checkpoint and saving.due():
                keep(model, words, checkpoint)
    trained.minutes = (time.monotonic() - start) / 60
    model.eval()
    if checkpoint:
        keep(model, words, checkpoint)
    return trained


def keep(model: Any, words: Words, file: Path) -> None:
    """Write a checkpoint: the weights, and the words that the rows of the text tower's embedding stand for."""
    import torch

    torch.save({"words": list(words.words), "weights": model.state_dict()}, file)


def unknown(words: Words, file: Path) -> tuple[str, ...]:
    """The words that a checkpoint holds nothing about."""
    return tuple(sorted(set(words.words) - set(_checkpoint(file)[0])))


def resume(model: Any, words: Words, file: Path) -> None:
    """Load a checkpoint into a model of the same shape, each row of the embedding by its word.

    Raises ValueError where the file is no checkpoint of `keep`, RuntimeError where the shapes differ.
    """
    import torch

    known, weights = _checkpoint(file)
    learned, rows = weights.pop(EMBEDDING), model.state_dict()[EMBEDDING].clone()
    if len(learned) != len(known) + 2:
        raise ValueError(f"{file} has {len(learned)} rows for {len(known)} words.")
    numbers = {word: number for number, word in enumerate(known, start=1)}
    pairs = [(PAD, PAD), (words.end, len(known) + 1)]
    pairs += [(number, numbers[word]) for number, word in enumerate(words.words, start=1) if word in numbers]
    ours, theirs = torch.tensor(pairs).T
    rows[ours] = learned[theirs]
    model.load_state_dict({**weights, EMBEDDING: rows})


def _checkpoint(file: Path) -> tuple[list[str], dict[str, Any]]:
    import torch

    stored = torch.load(file, weights_only=True)
    if not {"words", "weights"} <= set(stored):
        raise ValueError(f"{file} holds no words beside its weights: train from nothing, or from another checkpoint.")
    return stored["words"], dict(stored["weights"])


class _Towers:
    """The work of one thread in a step: a share of the batch forward, and the contrast's gradients back."""

    def __init__(self, model: Any, shape: Shape, words: Words, pictures: Pictures, places: Places) -> None:
        import torch

        self.model, self.words, self.pictures, self.places = model, words, pictures, places
        self.grid = shape.side // 16
        self.cells = torch.nn.Conv2d(shape.picture_width * 16, places.classes, 1)
        torch.nn.init.constant_(cast("torch.Tensor", self.cells.bias), -4.0)
        self.weights = [*model.parameters(), *self.cells.parameters()]
        model.visual.layer3.register_forward_hook(self._keep)
        self._features = threading.local()

    def _keep(self, _layer: Any, _inputs: Any, features: Any) -> None:
        self._features.last = features

    def forward(self, share: tuple[NDArray[np.int64], list[str], int]) -> tuple[Any, Any, Any]:
        """Unit vectors (n, dimensions) of pictures and of texts, and the loss of which class is in which cell.

        The loss is thrown away with its layer after training. It tells the picture tower where a thing is and which
        colour is there, which the vectors' own losses only tell of the picture as a whole.
        """
        import torch
        from torch.nn import functional

        numbers, texts, seed = share
        rng = np.random.default_rng(seed)
        moves = moved(len(numbers), rng)
        mean, std = (torch.tensor(values).view(3, 1, 1) for values in (MEAN, STD))
        pictures = (vary(self.pictures.pixels[numbers], moves, rng) - mean) / std
        with torch.autocast("cpu", dtype=torch.bfloat16):
            seen = self.model.encode_image(pictures.contiguous(memory_format=torch.channels_last))
            cells = self.cells(self._features.last)
            read = _read(self.model, self.words.encode(texts))
        there = torch.from_numpy(self.places.cells(numbers, moves, self.grid))
        missed = functional.binary_cross_entropy_with_logits(
            cells.float().flatten(2).transpose(1, 2), there, reduction="sum"
        ) / (len(numbers) * self.grid**2 / 2)
        return functional.normalize(seen.float(), dim=-1), functional.normalize(read.float(), dim=-1), missed

    def backward(self, pull: tuple[tuple[Any, Any, Any], Any, Any, float]) -> Any:
        """Gradients of all weights, from those of the vectors and the weight of the cells' loss."""
        import torch

        (seen, read, missed), to_seen, to_read, weight = pull
        return torch.autograd.grad(
            (seen, read, missed), self.weights, (to_seen, to_read, torch.tensor(weight)), allow_unused=True
        )


class FacetBits:
    """Facet sets as rows of zeros and ones, to see quickly which pictures hold all that a caption names."""

    def __init__(self, shown: Sequence[frozenset[str]]) -> None:
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
    """Two of each picture: one of few facets, one of more or of two objects with their colours."""
    texts, named = [], []
    for facets in shown:
        several = choose_pair(rng, facets) if rng.random() < 0.25 else frozenset()
        few, many = choose(rng, facets, rng.choice((1, 1, 2, 2, 3)), lexicon), rng.choice((2, 3, 3, 4, 5, 7))
        for chosen in (few, several or choose(rng, facets, many, lexicon)):
            texts.append(write(rng, chosen, lexicon, related=plan.related))
            named.append(chosen)
    return texts, named


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


def labels(facets: Iterable[str]) -> frozenset[str]:
    """Nameable facets, and each colour without its owner too: "colour:car:red" is also "colour::red"."""
    facets = nameable(facets)
    return facets | {f"colour::{facet.split(':')[2]}" for facet in facets if facet.startswith("colour:")}


def _anchors(facets: Sequence[str], dimensions: int) -> Any:
    """A vector for each facet, which the towers' vectors should lean to where they hold it.

    A sigmoid loss over all facets, as in Zhai et al., "Sigmoid Loss for Language Image Pre-Training" (2023). It tells
    the picture tower what is there from the first step on, while the contrast only tells whole captions apart. The
    vector of "colour:car:red" is the product of one learned for cars and one learned for being red (Plate,
    "Holographic Reduced Representations", 1995, binds alike), so a combination that never occurred has one too. They
    are thrown away after training.
    """
    import torch
    from torch.nn import functional

    parts = [facet.split(":") for facet in facets]
    owners = {name: number for number, name in enumerate(sorted({part[1] for part in parts}))}
    traits = {name: number for number, name in enumerate(sorted({_trait(part) for part in parts}))}

    class Anchors(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.owners = torch.nn.Parameter(torch.randn(len(owners), dimensions))
            self.traits = torch.nn.Parameter(torch.randn(len(traits), dimensions))
            self.scale = torch.nn.Parameter(torch.tensor(math.log(10.0)))
            self.shift = torch.nn.Parameter(torch.tensor(-5.0))
            self.whose = torch.tensor([owners[part[1]] for part in parts])
            self.what = torch.tensor([traits[_trait(part)] for part in parts])

        def forward(self, vectors: Any, held: NDArray[np.uint8]) -> Any:
            table = functional.normalize(self.owners[self.whose] * self.traits[self.what], dim=-1)
            logits = self.scale.exp() * vectors @ table.T + self.shift
            right = torch.from_numpy(held).float()
            return functional.binary_cross_entropy_with_logits(logits, right, reduction="sum") / (8 * len(right))

    return Anchors()


def _trait(part: Sequence[str]) -> str:
    """What an anchor says of its owner: that it is there, its colour, its number."""
    return ":".join((part[0], *part[2:]))
