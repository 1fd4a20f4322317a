"""The starter CLIP's two towers.

CLIP: Radford et al., "Learning Transferable Visual Models From Natural Language Supervision" (2021). The classes are
open_clip's: the paper's modified residual network for pictures, which learns faster from few pictures than a vision
transformer does, and a small transformer for texts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Shape:
    """Sizes of the towers."""

    side: int = 96
    """Pixels of a picture's side."""
    picture_width: int = 16
    picture_blocks: tuple[int, int, int, int] = (1, 2, 2, 2)
    dimensions: int = 256
    text_width: int = 128
    text_layers: int = 2
    context: int = 24
    """Most words of a text, its end included."""


def build(shape: Shape, vocabulary: int) -> Any:
    """An untrained open_clip.CLIP for texts of `vocabulary` different numbers."""
    from media_processing.compat import mend_torchvision

    mend_torchvision()
    from open_clip.model import CLIP, CLIPTextCfg, CLIPVisionCfg

    return CLIP(
        embed_dim=shape.dimensions,
        vision_cfg=CLIPVisionCfg(
            image_size=shape.side, layers=shape.picture_blocks, width=shape.picture_width, head_width=64
        ),
        text_cfg=CLIPTextCfg(
            context_length=shape.context, vocab_size=vocabulary, width=shape.text_width,
            heads=shape.text_width // 64, layers=shape.text_layers,
        ),
    )
