"""The parts of a small Stable Diffusion pipeline, and how they are written to a folder that diffusers opens.

Stable Diffusion: Rombach et al., "High-Resolution Image Synthesis with Latent Diffusion Models" (2022). The classes are
those of diffusers and transformers; only the sizes are ours.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterable
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Shape:
    """Sizes of the parts: about 3 million weights in all, which half precision stores in less than 8 MB."""

    side: int = 64
    """Pixels of a picture's side."""
    picture_channels: tuple[int, ...] = (16, 32, 48)
    """Of the autoencoder, which halves the sides between each two of them."""
    latent_channels: int = 4
    """As Stable Diffusion has them: pipelines for inpainting insist on it."""
    channels: tuple[int, ...] = (32, 96, 96)
    """Of the UNet, which attends to the words at its bottom, and has them added to the time everywhere."""
    text_width: int = 96
    text_layers: int = 2
    context: int = 16
    """Most tokens of a text, its start and its end included."""

    @property
    def latent_side(self) -> int:
        return int(self.side // 2 ** (len(self.picture_channels) - 1))


@dataclass
class Parts:
    """What a pipeline is made of."""

    autoencoder: Any
    unet: Any
    text_encoder: Any
    tokenizer: Any
    scheduler: Any


def build(shape: Shape, texts: Iterable[str]) -> Parts:
    """Untrained parts, with a vocabulary in which each word of `texts` is one token."""
    from media_processing.compat import mend_torch

    mend_torch()
    diffusers: Any = importlib.import_module("diffusers")
    transformers: Any = importlib.import_module("transformers")
    # A byte-pair vocabulary that may grow without a bound merges every word of its texts into one token.
    tokenizer = transformers.CLIPTokenizer().train_new_from_iterator(texts, vocab_size=10_000, show_progress=False)
    tokenizer.model_max_length = shape.context
    halvings = len(shape.picture_channels)
    autoencoder = diffusers.AutoencoderKL(
        block_out_channels=list(shape.picture_channels), latent_channels=shape.latent_channels, layers_per_block=1,
        down_block_types=["DownEncoderBlock2D"] * halvings, up_block_types=["UpDecoderBlock2D"] * halvings,
        norm_num_groups=8, sample_size=shape.side, mid_block_add_attention=False,
    )  # fmt: skip
    _quieten(autoencoder)
    unet = diffusers.UNet2DConditionModel(
        sample_size=shape.latent_side, in_channels=shape.latent_channels, out_channels=shape.latent_channels,
        block_out_channels=shape.channels, layers_per_block=1, cross_attention_dim=shape.text_width,
        down_block_types=["DownBlock2D"] * len(shape.channels), up_block_types=["UpBlock2D"] * len(shape.channels),
        attention_head_dim=4, norm_num_groups=16, resnet_time_scale_shift="scale_shift",
        addition_embed_type="text", addition_embed_type_num_heads=4,
    )  # fmt: skip
    text_encoder = transformers.CLIPTextModel(
        transformers.CLIPTextConfig(
            vocab_size=len(tokenizer), hidden_size=shape.text_width, intermediate_size=2 * shape.text_width,
            num_hidden_layers=shape.text_layers, num_attention_heads=shape.text_width // 32,
            max_position_embeddings=shape.context, bos_token_id=tokenizer.bos_token_id,
            eos_token_id=tokenizer.eos_token_id, pad_token_id=tokenizer.pad_token_id,
        )
    )  # fmt: skip
    # Lin et al., "Common Diffusion Noise Schedules and Sample Steps are Flawed" (2024): with noise alone at the end of
    # the schedule, dark and bright pictures come out dark and bright.
    scheduler = diffusers.DDIMScheduler(
        beta_schedule="scaled_linear", beta_start=0.00085, beta_end=0.012, prediction_type="v_prediction",
        rescale_betas_zero_snr=True, timestep_spacing="trailing", clip_sample=False, steps_offset=1,
    )  # fmt: skip
    return Parts(autoencoder, unet, text_encoder, tokenizer, scheduler)


def load(folder: Path) -> Parts:
    """The parts of a pipeline that `save` wrote, to train on."""
    from media_processing.compat import mend_torch

    mend_torch()
    import torch

    diffusers: Any = importlib.import_module("diffusers")
    held = diffusers.StableDiffusionPipeline.from_pretrained(folder, torch_dtype=torch.float32, local_files_only=True)
    return Parts(held.vae.requires_grad_(False).eval(), held.unet, held.text_encoder, held.tokenizer, held.scheduler)


def _quieten(autoencoder: Any) -> None:
    """Let the autoencoder begin with little noise on its latents, so that it learns from the first step on."""
    import torch

    with torch.no_grad():
        weight, bias = (values.chunk(2)[1] for values in (autoencoder.quant_conv.weight, autoencoder.quant_conv.bias))
        weight.zero_()
        bias.fill_(-5.0)


def save(parts: Parts, folder: Path) -> None:
    """Write a Stable Diffusion pipeline with half-precision safetensors; the parts stay as they are."""
    import torch

    diffusers: Any = importlib.import_module("diffusers")
    unet, autoencoder, text_encoder = (
        deepcopy(part).to("cpu", torch.float16) for part in (parts.unet, parts.autoencoder, parts.text_encoder)
    )
    for part in (unet, autoencoder):
        part.register_to_config(_name_or_path="")  # else the folder they were read from, on this machine
    diffusers.StableDiffusionPipeline(
        vae=autoencoder, unet=unet, text_encoder=text_encoder, tokenizer=parts.tokenizer, scheduler=parts.scheduler,
        safety_checker=None, feature_extractor=None, requires_safety_checker=False,
    ).save_pretrained(folder, safe_serialization=True)  # fmt: skip
