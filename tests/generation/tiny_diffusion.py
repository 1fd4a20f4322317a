"""A Stable Diffusion checkpoint with tiny random weights, a single file of it and LoRAs: real formats, no download."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from media_processing.compat import mend_torch

LETTERS = "abcdefghijklmnopqrstuvwxyz"
WORDS = ["<|startoftext|>", "<|endoftext|>", "!", *LETTERS, *(f"{letter}</w>" for letter in LETTERS), "re</w>"]


def save_pipeline(folder: Path, *, channels: int = 4, full: bool = False) -> None:
    """Write a pipeline of 64 pixels; with 9 `channels` one that only fills, as inpainting checkpoints do.

    `full` makes it as large as Stable Diffusion 1.5: 512 pixels, a thousand million random weights.
    """
    mend_torch()
    import torch
    from diffusers import (
        AutoencoderKL,
        DDIMScheduler,
        StableDiffusionInpaintPipeline,
        StableDiffusionPipeline,
        UNet2DConditionModel,
    )
    from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

    torch.manual_seed(0)
    folder.mkdir(parents=True)
    vocab, merges = folder.parent / "vocab.json", folder.parent / "merges.txt"
    vocab.write_text(json.dumps({word: number for number, word in enumerate(WORDS)}))
    merges.write_text("#version: 0.2\nr e</w>\n")
    tokenizer = CLIPTokenizer(str(vocab), str(merges), model_max_length=77 if full else 16)
    ends = {"bos_token_id": 0, "eos_token_id": 1, "pad_token_id": 1}
    if full:
        text = CLIPTextConfig(
            hidden_size=768, intermediate_size=3072, num_hidden_layers=12, num_attention_heads=12, **ends
        )
        unet = UNet2DConditionModel(sample_size=64, in_channels=channels, cross_attention_dim=768)
    else:
        text = CLIPTextConfig(
            vocab_size=len(WORDS) + 8, hidden_size=32, intermediate_size=37, num_hidden_layers=2,
            num_attention_heads=4, max_position_embeddings=16, **ends,
        )  # fmt: skip
        unet = UNet2DConditionModel(
            block_out_channels=(32, 64), layers_per_block=1, sample_size=32, in_channels=channels, out_channels=4,
            down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
            up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"), cross_attention_dim=32, attention_head_dim=8,
        )  # fmt: skip
    widths = [128, 256, 512, 512] if full else [32, 64]
    vae = AutoencoderKL(
        block_out_channels=widths, layers_per_block=2 if full else 1, latent_channels=4,
        down_block_types=["DownEncoderBlock2D"] * len(widths), up_block_types=["UpDecoderBlock2D"] * len(widths),
    )  # fmt: skip
    kind: Any = StableDiffusionPipeline if channels == 4 else StableDiffusionInpaintPipeline
    kind(
        vae=vae, text_encoder=CLIPTextModel(text), tokenizer=tokenizer, unet=unet, scheduler=DDIMScheduler(),
        safety_checker=None, feature_extractor=None, requires_safety_checker=False,
    ).save_pretrained(folder, safe_serialization=True)  # fmt: skip


_UNET = {
    "time_embedding.linear_1": "time_embed.0", "time_embedding.linear_2": "time_embed.2",
    "conv_in": "input_blocks.0.0", "down_blocks.0.resnets.0": "input_blocks.1.0",
    "down_blocks.0.downsamplers.0.conv": "input_blocks.2.0.op", "down_blocks.1.resnets.0": "input_blocks.3.0",
    "down_blocks.1.attentions.0": "input_blocks.3.1", "mid_block.resnets.0": "middle_block.0",
    "mid_block.attentions.0": "middle_block.1", "mid_block.resnets.1": "middle_block.2",
    "up_blocks.0.resnets.0": "output_blocks.0.0", "up_blocks.0.attentions.0": "output_blocks.0.1",
    "up_blocks.0.resnets.1": "output_blocks.1.0", "up_blocks.0.attentions.1": "output_blocks.1.1",
    "up_blocks.0.upsamplers.0.conv": "output_blocks.1.2.conv", "up_blocks.1.resnets.0": "output_blocks.2.0",
    "up_blocks.1.resnets.1": "output_blocks.3.0", "conv_norm_out": "out.0", "conv_out": "out.2",
}  # fmt: skip
_RESNET = {
    "norm1": "in_layers.0", "conv1": "in_layers.2", "time_emb_proj": "emb_layers.1", "norm2": "out_layers.0",
    "conv2": "out_layers.3", "conv_shortcut": "skip_connection",
}  # fmt: skip
_VAE = [
    (r"down_blocks\.(\d)\.resnets", r"down.\1.block"), (r"down_blocks\.(\d)\.downsamplers\.0", r"down.\1.downsample"),
    (r"up_blocks\.0\.resnets", "up.1.block"), (r"up_blocks\.1\.resnets", "up.0.block"),
    (r"up_blocks\.0\.upsamplers\.0", "up.1.upsample"), (r"mid_block\.resnets\.0", "mid.block_1"),
    (r"mid_block\.resnets\.1", "mid.block_2"), (r"mid_block\.attentions\.0\.group_norm", "mid.attn_1.norm"),
    (r"mid_block\.attentions\.0\.to_([qkv])", r"mid.attn_1.\1"),
    (r"mid_block\.attentions\.0\.to_out\.0", "mid.attn_1.proj_out"), ("conv_norm_out", "norm_out"),
    ("conv_shortcut", "nin_shortcut"),
]  # fmt: skip


def save_single_file(folder: Path, file: Path) -> None:
    """The weights of a pipeline's folder in one file, under the names that Stable Diffusion's own code gives them."""
    from safetensors.torch import load_file, save_file

    unet, vae, text = (
        load_file(next((folder / part).glob("*.safetensors"))) for part in ("unet", "vae", "text_encoder")
    )
    held = {f"model.diffusion_model.{_own_name(name)}": each for name, each in unet.items()}
    for name, each in vae.items():
        for pattern, own in _VAE:
            name = re.sub(pattern, own, name)
        held[f"first_stage_model.{name}"] = each
    for name, each in text.items():
        held[f"cond_stage_model.transformer.text_model.{name.removeprefix('text_model.')}"] = each
    save_file(held, file)


def _own_name(name: str) -> str:
    start = max((each for each in _UNET if name.startswith(f"{each}.")), key=len)
    rest = name.removeprefix(start)
    if "resnets" in start:
        part = next(each for each in _RESNET if rest.startswith(f".{each}."))
        rest = rest.replace(part, _RESNET[part])
    return _UNET[start] + rest


def save_lora(folder: Path, *, target: str = "attn2.to_k", size: int = 32) -> Path:
    """A LoRA for the denoiser's attention, with random weights: the file."""
    import torch
    from safetensors.torch import save_file

    torch.manual_seed(1)
    place = f"unet.down_blocks.1.attentions.0.transformer_blocks.0.{target}"
    folder.mkdir()
    file = folder / "pytorch_lora_weights.safetensors"
    save_file(
        {f"{place}.lora_A.weight": torch.randn(4, size) * 3, f"{place}.lora_B.weight": torch.randn(64, 4) * 3}, file
    )
    return file
