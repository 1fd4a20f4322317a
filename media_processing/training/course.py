"""The course that every training here takes: AdamW, a rate that rises and falls, an end, threads that share a batch."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Course:
    """How long and how hard to train. It ends at `steps` or after `minutes`, whichever comes first."""

    steps: int
    minutes: float = math.inf
    batch: int = 64
    rate: float = 1e-3
    """The highest one: it is reached after `warm_up` steps and falls as half a cosine to a hundredth."""
    warm_up: int = 50
    """Steps."""
    decay: float = 0.05
    """Of weights that are no scale and no bias."""
    seed: int = 1
    threads: int = 2
    """Each takes its share of a batch alone: on cores that others use too, that wastes far less than dividing every
    operation among the cores does, where all wait for the last."""

    def optimizer(self, weights: Sequence[Any], *, slow: Sequence[Any] = (), factor: float = 1.0) -> Any:
        """AdamW for `weights`, and for `slow` ones that learn `factor` times as fast."""
        import torch

        groups = [
            {"params": [weight for weight in some if weight.ndim >= 2], "weight_decay": self.decay, "factor": speed}
            for some, speed in ((slow, factor), (weights, 1.0))
        ]
        scales = [weight for weight in (*slow, *weights) if weight.ndim < 2]
        groups.append({"params": scales, "weight_decay": 0.0, "factor": 1.0})
        return torch.optim.AdamW(groups, lr=self.rate, betas=(0.9, 0.98), eps=1e-6, fused=True)

    def walk(self, optimizer: Any) -> Iterator[tuple[int, float]]:
        """Each step's number and the share of the course that is done, with the optimizer's rates set for it."""
        start = time.monotonic()
        for step in range(self.steps):
            share = max(step / self.steps, (time.monotonic() - start) / 60 / self.minutes)
            if share >= 1:
                return
            for group in optimizer.param_groups:
                rate = self.rate * min(1.0, (step + 1) / self.warm_up) * (0.01 + 0.99 * cosine(share))
                group["lr"] = group["factor"] * rate
            yield step, share

    def pool(self) -> ThreadPoolExecutor:
        """The threads, each of which computes alone."""
        import torch

        return ThreadPoolExecutor(self.threads, initializer=torch.set_num_threads, initargs=(1,))


def apply(optimizer: Any, weights: Sequence[Any], found: Sequence[Sequence[Any]]) -> None:
    """One step by the mean of the gradients that the threads found, None where a weight had no part in it."""
    import torch

    for weight, *parts in zip(weights, *found, strict=True):
        given = [part for part in parts if part is not None]
        weight.grad = sum(given) / len(found) if given else None
    torch.nn.utils.clip_grad_norm_(weights, 1.0)
    optimizer.step()


def cosine(share: float) -> float:
    """From 1 at the start to 0 at the end."""
    return (1 + math.cos(math.pi * min(1.0, share))) / 2


class Every:
    """Says when so many seconds are over since it last did."""

    def __init__(self, seconds: float) -> None:
        self._seconds, self._last = seconds, time.monotonic()

    def due(self) -> bool:
        """Whether it is time again."""
        if time.monotonic() - self._last < self._seconds:
            return False
        self._last = time.monotonic()
        return True
