"""Trains a small Stable Diffusion pipeline: the autoencoder, then the words, then the UNet with them."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from generation.training.model import Parts
from generation.training.pictures import COLOURS, LIGHTS, OBJECTS, SETTINGS, Pictures, caption, phrase, some_of
from media_processing.training.course import Course, Every, apply

SOFTNESS = 1e-6
"""Weight of the autoencoder's divergence from a normal distribution, beside the mean error of a pixel. A larger one
cost the colours: they differ less than what is light and dark."""
WORDLESS = 0.1
"""Share of empty captions: guidance leads away from them (Ho & Salimans, "Classifier-Free Guidance", 2022)."""
READERS_RATE = 0.25
"""How fast what reads the words learns while the rest learns to paint: it comes with what `train_words` taught it."""
FACTS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("setting", SETTINGS), ("light", tuple(LIGHTS)), ("object", OBJECTS), ("colour", COLOURS),
)  # fmt: skip


@dataclass(frozen=True)
class Plan(Course):
    """How long and how hard to train one part."""

    decay: float = 0.01
    device: str = "cpu"


@dataclass
class Run:
    """The loss of every step, and how long they took."""

    losses: list[float] = field(default_factory=list)
    minutes: float = 0.0


Watcher = Callable[[str, int, float, float], None]
"""Called after a step with what is trained, its number, the share of the training that is done, and the loss."""
Loss = Callable[[NDArray[np.int64], int], Any]
"""The loss of some pictures, by number, with a seed for everything random in it."""


def train_autoencoder(parts: Parts, pictures: Pictures, plan: Plan, watch: Watcher) -> Run:
    """Teach the autoencoder to give back the pictures; afterwards its latents have about unit variance."""
    import torch
    from torch.nn import functional

    torch.manual_seed(plan.seed)
    model = parts.autoencoder.to(plan.device, memory_format=torch.channels_last).train()

    def loss(numbers: NDArray[np.int64], seed: int) -> Any:
        noise = torch.Generator().manual_seed(seed)
        wanted = _normal(pictures.pixels[numbers], plan.device, flipped=bool(seed % 2))
        with torch.autocast(plan.device, dtype=torch.bfloat16):
            latents = model.encode(wanted).latent_dist
            drawn = torch.randn(latents.mean.shape, generator=noise).to(plan.device)
            given = model.decode(latents.mean + latents.std * drawn).sample.float()
        edges = sum(functional.l1_loss(given.diff(dim=axis), wanted.diff(dim=axis)) for axis in (2, 3)) / 2
        errors = functional.l1_loss(given, wanted) + 2 * functional.mse_loss(given, wanted) + edges
        return errors + SOFTNESS * latents.kl().mean() / latents.mean[0].numel()

    run = _fit("autoencoder", list(model.parameters()), loss, len(pictures.shown), plan, watch)
    model.eval().requires_grad_(False)
    model.register_to_config(scaling_factor=round(1 / float(_latents(parts, pictures.pixels[:512], plan).std()), 4))
    return run


def train_words(parts: Parts, pictures: Pictures, plan: Plan, watch: Watcher) -> Run:
    """Teach what reads the words to tell them apart, before anything is painted.

    Which of two colours was asked for is a small part of a painter's error, so it would be learned late. Here the
    readers are asked for nothing else: a layer for each kind of fact guesses it, or that nothing was said of it, from
    what the UNet is going to hear. Those layers are thrown away afterwards.
    """
    import torch
    from torch.nn import functional

    torch.manual_seed(plan.seed)
    text_encoder, hearing = (part.to(plan.device).train() for part in (parts.text_encoder, parts.unet.add_embedding))
    numbers_of = {kind: {value: number for number, value in enumerate(("", *values))} for kind, values in FACTS}
    width = parts.unet.config.block_out_channels[0] * 4
    layers = torch.nn.ModuleDict({kind: torch.nn.Linear(width, len(of)) for kind, of in numbers_of.items()})
    layers.to(plan.device)

    def loss(numbers: NDArray[np.int64], seed: int) -> Any:
        rng = random.Random(seed)
        said = [some_of(rng, pictures.shown[number]) for number in numbers]
        heard = hearing(text_encoder(_tokens(parts, [phrase(rng, one) for one in said], plan))[0])
        wrong = [
            functional.cross_entropy(
                layers[kind](heard), torch.tensor([of[getattr(one, kind)] for one in said], device=plan.device)
            )
            for kind, of in numbers_of.items()
        ]
        return sum(wrong) / len(wrong)

    weights = [*text_encoder.parameters(), *hearing.parameters(), *layers.parameters()]
    return _fit("words", weights, loss, len(pictures.shown), plan, watch)


def train_denoiser(
    parts: Parts, pictures: Pictures, plan: Plan, watch: Watcher, *, every: Callable[[], None] | None = None
) -> Run:
    """Teach the UNet and the text encoder to paint what captions say; they end with their averaged weights.

    `every` is called each five minutes, while the parts hold the averages so far.
    """
    import torch
    from torch.nn import functional

    torch.manual_seed(plan.seed)
    unet = parts.unet.to(plan.device, memory_format=torch.channels_last).train()
    text_encoder = parts.text_encoder.to(plan.device).train()
    scale = parts.autoencoder.config.scaling_factor
    parts.autoencoder.to(plan.device, memory_format=torch.channels_last)
    latents = _latents(parts, pictures.pixels, plan) * scale

    def loss(numbers: NDArray[np.int64], seed: int) -> Any:
        rng, chance = random.Random(seed), torch.Generator().manual_seed(seed)
        texts = ["" if rng.random() < WORDLESS else caption(rng, pictures.shown[number]) for number in numbers]
        tokens = _tokens(parts, texts, plan)
        clean = latents[torch.from_numpy(numbers)].to(plan.device)
        noise = torch.randn(clean.shape, generator=chance).to(plan.device)
        # Words matter where there is much noise yet, so those times come more often.
        share = 1 - torch.rand(len(numbers), generator=chance) ** 2
        times = (share * parts.scheduler.config.num_train_timesteps).long().clamp(max=999).to(plan.device)
        noisy, wanted = (mix(clean, noise, times) for mix in (parts.scheduler.add_noise, parts.scheduler.get_velocity))
        with torch.autocast(plan.device, dtype=torch.bfloat16):
            words = text_encoder(tokens)[0]
            given = unet(noisy.contiguous(memory_format=torch.channels_last), times, words).sample
        return functional.mse_loss(given.float(), wanted)

    readers = [*text_encoder.parameters(), *unet.add_embedding.parameters()]
    weights = [*readers, *(weight for name, weight in unet.named_parameters() if not name.startswith("add_embedding"))]
    average = _Average(weights, every)
    run = _fit("painter", weights, loss, len(pictures.shown), plan, watch, average.add, readers=len(readers))
    average.swap()
    for model in (unet, text_encoder):
        model.eval().requires_grad_(False)
    return run


class _Average:
    """A running average of weights, slower as it goes (as in Karras et al., 2024, a share of all steps so far)."""

    def __init__(self, weights: list[Any], every: Callable[[], None] | None) -> None:
        self._weights, self._every, self._steps, self._telling = weights, every, 0, Every(300)
        self._average = [weight.detach().clone() for weight in weights]

    def add(self) -> None:
        import torch

        self._steps += 1
        with torch.no_grad():
            new = max(10 / (9 + self._steps), 0.003)
            for average, weight in zip(self._average, self._weights, strict=True):
                average.lerp_(weight, new)
        if self._every and self._telling.due():
            self.swap()
            self._every()
            self.swap()

    def swap(self) -> None:
        import torch

        with torch.no_grad():
            for average, weight in zip(self._average, self._weights, strict=True):
                kept = weight.clone()
                weight.copy_(average)
                average.copy_(kept)


def _fit(
    name: str, weights: list[Any], loss: Loss, count: int, plan: Plan, watch: Watcher,
    after: Callable[[], None] | None = None, *, readers: int = 0,
) -> Run:  # fmt: skip
    """One course over shuffled batches of `count` pictures.

    The first `readers` weights learn READERS_RATE times as fast.
    """
    import torch

    plan = plan if plan.device == "cpu" else replace(plan, threads=1)
    own_threads = torch.get_num_threads()
    torch.set_num_threads(1)
    optimizer = plan.optimizer(weights[readers:], slow=weights[:readers], factor=READERS_RATE)
    rng, run, start = np.random.default_rng(plan.seed), Run(), time.monotonic()
    batches = _batches(count, min(plan.batch, count), rng)

    def gradients(share: tuple[NDArray[np.int64], int]) -> tuple[float, Any]:
        found = loss(*share)
        return float(found.detach()), torch.autograd.grad(found, weights, allow_unused=True)

    with plan.pool() as pool:
        for step, done in plan.walk(optimizer):
            shares = [(part, int(rng.integers(2**31))) for part in np.array_split(next(batches), plan.threads)]
            found = list(pool.map(gradients, shares))
            apply(optimizer, weights, [each for _, each in found])
            run.losses.append(sum(value for value, _ in found) / len(found))
            watch(name, step, done, run.losses[-1])
            if after:
                after()
    torch.set_num_threads(own_threads)
    run.minutes = (time.monotonic() - start) / 60
    return run


def _batches(count: int, batch: int, rng: np.random.Generator) -> Iterator[NDArray[np.int64]]:
    """Numbers of pictures in batches without end, each epoch in another order."""
    while True:
        order = rng.permutation(count)
        for start in range(0, count - batch + 1, batch):
            yield order[start : start + batch]


def _tokens(parts: Parts, texts: list[str], plan: Plan) -> Any:
    """(n, context) numbers of tokens."""
    read = parts.tokenizer(
        texts, padding="max_length", truncation=True, max_length=parts.tokenizer.model_max_length, return_tensors="pt"
    )
    return read.input_ids.to(plan.device)


def _normal(pixels: NDArray[np.uint8], device: str, *, flipped: bool = False) -> Any:
    """(n, side, side, 3) bytes as a tensor (n, 3, side, side) of -1 to 1."""
    import torch

    values = torch.from_numpy(pixels).to(device).permute(0, 3, 1, 2).float() / 127.5 - 1
    return (values.flip(3) if flipped else values).contiguous(memory_format=torch.channels_last)


def _latents(parts: Parts, pixels: NDArray[np.uint8], plan: Plan) -> Any:
    """(n, channels, side, side) latents of pictures as the autoencoder gives them."""
    import torch

    with torch.inference_mode(), torch.autocast(plan.device, dtype=torch.bfloat16):
        found = [
            parts.autoencoder.encode(_normal(pixels[start : start + 256], plan.device)).latent_dist.mean
            for start in range(0, len(pixels), 256)
        ]
    return torch.cat(found).float().cpu().clone()
