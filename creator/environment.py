"""Every environment variable that Storyloom reads, with its default and what it does."""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from typing import Literal
from urllib.parse import unquote, urlsplit

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

ROOT = Path(__file__).resolve().parent.parent
KEYS = Path(os.environ.get("STORYLOOM_DATA") or ROOT / "data") / "keys.env"
"""What may be set while the program runs, as NAME=value a line: keys, endpoints, models. The environment wins."""


class Environment(BaseSettings):
    """Read once by settings.py. A value that makes no sense stops the start with the variable's name."""

    model_config = SettingsConfigDict(env_file=KEYS, env_ignore_empty=True, extra="ignore", populate_by_name=True)

    data: Path = Field(default=ROOT / "data", alias="STORYLOOM_DATA", description="Where all state lives.")
    debug: bool = Field(default=False, alias="STORYLOOM_DEBUG", description="Django's debug pages. Never on a server.")
    hosts: str = Field(
        default="127.0.0.1,localhost,[::1]",
        alias="STORYLOOM_HOSTS",
        description="Host names that are answered, with commas.",
    )
    url: str = Field(
        default="", alias="STORYLOOM_URL", description="The address that people see, for links and webhooks."
    )
    port: int = Field(default=8000, alias="STORYLOOM_PORT", description="Port of the web server.", ge=1, le=65535)
    bind: str = Field(
        default="127.0.0.1", alias="STORYLOOM_BIND", description="Address that the web server listens on."
    )
    secret_key: str = Field(
        default="", alias="STORYLOOM_SECRET_KEY", description="Signing key; made at set-up if missing."
    )
    secure: bool = Field(default=False, alias="STORYLOOM_SECURE", description="Behind HTTPS: secure cookies and HSTS.")
    offline: bool = Field(
        default=False,
        alias="STORYLOOM_OFFLINE",
        description="Refuse every connection to the public internet, whichever engine or library asks for it.",
    )
    webhook_addresses: str = Field(
        default="",
        alias="STORYLOOM_WEBHOOK_ADDRESSES",
        description="Addresses inside your network that webhooks may reach: 10.0.0.5:8080, with commas.",
    )
    provenance_certificate: str = Field(
        default="",
        alias="PROVENANCE_CERTIFICATE",
        description="A certificate chain (PEM) that signs what is published; a self-made one without it.",
    )
    provenance_key: str = Field(default="", alias="PROVENANCE_KEY", description="Its private key (PEM).")
    watch: str = Field(
        default="", alias="STORYLOOM_WATCH", description="A folder whose new files come into the library by themselves."
    )
    log: Literal["text", "json"] = Field(
        default="text", alias="STORYLOOM_LOG", description="text: lines for people; json: an object a line."
    )
    metrics_token: str = Field(
        default="", alias="STORYLOOM_METRICS_TOKEN", description="What Prometheus says as bearer to read /metrics."
    )
    backups: Path | None = Field(
        default=None, alias="STORYLOOM_BACKUPS", description="A folder for a backup each night, of which 14 stay."
    )
    processes: int = Field(
        default=1, alias="STORYLOOM_PROCESSES", description="Processes of the web server.", ge=1, le=64
    )
    queues: str = Field(
        default="",
        alias="STORYLOOM_QUEUES",
        description="What a worker of this machine does, with commas: io, cpu, gpu, render; all without it.",
        pattern=r"^((io|cpu|gpu|render)(,(io|cpu|gpu|render))*)?$",
    )
    threads: int = Field(
        default=2, alias="STORYLOOM_THREADS", description="Jobs that a worker does at a time.", ge=1, le=64
    )
    lease: float = Field(
        default=15.0,
        alias="STORYLOOM_LEASE",
        description="Seconds after which a lost worker's job is taken up.",
        ge=1,
        le=600,
    )
    database_url: str = Field(
        default="", alias="DATABASE_URL", description="postgresql://user:password@host:5432/name; SQLite without it."
    )
    broker_url: str = Field(
        default="",
        alias="CELERY_BROKER_URL",
        description="redis://, rediss:// (TLS) or sentinel://host:26379;sentinel://other:26379; no broker without it.",
        pattern=r"^((redis|rediss|sentinel)://.+)?$",
    )
    redis_master: str = Field(
        default="storyloom", alias="REDIS_MASTER", description="Name under which Redis Sentinel watches the master."
    )
    redis_ca: str = Field(
        default="",
        alias="REDIS_CA",
        description="Certificates (PEM) that Redis' own is held against; the system's without it.",
    )
    sentinel_password: str = Field(
        default="",
        alias="SENTINEL_PASSWORD",
        description="Of Redis Sentinel itself; Redis' own is in the address: sentinel://:password@host.",
    )
    s3_bucket: str = Field(
        default="", alias="S3_BUCKET", description="A bucket where media are kept; on this machine's disk without it."
    )
    s3_endpoint: str = Field(
        default="", alias="S3_ENDPOINT", description="Address of an S3-compatible server; AWS without it."
    )
    s3_region: str = Field(default="", alias="S3_REGION", description="Its region.")
    s3_access_key: str = Field(
        default="", alias="S3_ACCESS_KEY", description="Who asks; without it the machine's role."
    )
    s3_secret_key: str = Field(default="", alias="S3_SECRET_KEY", description="And the secret of that.")
    keep_drafts: int = Field(
        default=0,
        alias="STORYLOOM_KEEP_DRAFTS",
        description="Days after which a story that nobody published or touched goes; 0: never.",
        ge=0,
    )
    keep_renditions: int = Field(
        default=0,
        alias="STORYLOOM_KEEP_RENDITIONS",
        description="Days after which rendered files that nothing published needs go; 0: never.",
        ge=0,
    )
    otlp: str = Field(
        default="",
        alias="OTEL_EXPORTER_OTLP_ENDPOINT",
        description="A collector of OpenTelemetry, with pip install '.[otel]': http://host:4318.",
    )

    proxies: int = Field(
        default=0, alias="STORYLOOM_PROXIES", description="Proxies before the web server, for people's addresses.",
        ge=0, le=10,
    )  # fmt: skip
    oidc_issuer: str = Field(
        default="", alias="OIDC_ISSUER", description="An OpenID Connect provider that people may sign in with."
    )
    oidc_name: str = Field(default="your organisation", alias="OIDC_NAME", description="Its name on the page.")
    oidc_client_id: str = Field(default="", alias="OIDC_CLIENT_ID", description="What it calls this installation.")
    oidc_client_secret: str = Field(default="", alias="OIDC_CLIENT_SECRET", description="And the secret of that.")
    mail_host: str = Field(
        default="", alias="EMAIL_HOST", description="An SMTP server; without it e-mails are files in data/mail."
    )
    mail_port: int = Field(default=587, alias="EMAIL_PORT", description="Its port.", ge=1, le=65535)
    mail_security: Literal["starttls", "tls", "none"] = Field(
        default="starttls", alias="EMAIL_SECURITY", description="starttls, tls (port 465) or none."
    )
    mail_user: str = Field(default="", alias="EMAIL_USER", description="Who signs in there, if it asks.")
    mail_password: str = Field(default="", alias="EMAIL_PASSWORD", description="Their password.")
    mail_from: str = Field(default="storyloom@localhost", alias="EMAIL_FROM", description="The sender of e-mails.")

    writer: str = Field(default="extractive", alias="WRITER", description="Default writer.")
    painter: str = Field(default="illustrator", alias="PAINTER", description="Default painter.")
    voice: str = Field(default="espeak", alias="VOICE", description="Default voice.")
    transcriber: str = Field(default="pocketsphinx", alias="TRANSCRIBER", description="Default transcriber.")
    aligner: str = Field(default="pocketsphinx", alias="ALIGNER", description="Default aligner.")
    embedder: str = Field(default="onnx", alias="EMBEDDER", description="Default embedder.")
    index: str = Field(default="faiss", alias="INDEX", description="Default index.")
    renderer: str = Field(default="filtergraph", alias="RENDERER", description="Default renderer.")
    segmenter: str = Field(default="grabcut", alias="SEGMENTER", description="Who tells what is in front in a picture.")
    upscaler: str = Field(default="lanczos", alias="UPSCALER", description="Who gives a picture more pixels.")
    denoiser: str = Field(default="nlmeans", alias="DENOISER", description="Who takes the grain out of a picture.")
    segmenter_model: str = Field(default="", alias="SEGMENTER_MODEL", description="Its .onnx file, for engine onnx.")
    upscaler_model: str = Field(default="", alias="UPSCALER_MODEL", description="Its .onnx file, for the engine onnx.")
    denoiser_model: str = Field(default="", alias="DENOISER_MODEL", description="Its .onnx file, for the engine onnx.")

    text_judges: str = Field(
        default="rules,personal",
        alias="TEXT_JUDGES",
        description="Who judges texts, with commas: rules, personal, openai. All run.",
        pattern=r"^(rules|personal|openai)(,(rules|personal|openai))*$",
    )
    picture_judges: str = Field(
        default="hashes",
        alias="PICTURE_JUDGES",
        description="Who judges pictures, with commas: hashes, clip, nudenet, openai. All run.",
        pattern=r"^(hashes|clip|nudenet|openai)(,(hashes|clip|nudenet|openai))*$",
    )
    openai_moderation_model: str = Field(
        default="omni-moderation-2024-09-26",
        alias="OPENAI_MODERATION_MODEL",
        description="Model of the openai judges; it ends in its date.",
    )
    nudenet_model: str = Field(
        default="", alias="NUDENET_MODEL", description="A NudeNet 3 detector; without it that of the package nudenet."
    )

    prices: str = Field(
        default="", alias="STORYLOOM_PRICES", description="A price table of your own (TOML), read before ours."
    )
    openai_api_key: str = Field(
        default="", alias="OPENAI_API_KEY", description="Key of the OpenAI-compatible endpoint."
    )
    openai_base_url: str = Field(
        default="", alias="OPENAI_BASE_URL", description="Endpoint: GPT, vLLM, Ollama, llama.cpp."
    )
    writer_model: str = Field(default="gpt-5-mini", alias="WRITER_MODEL", description="Model of the openai writer.")
    painter_model: str = Field(
        default="",
        alias="PAINTER_MODEL",
        description="Stable-Diffusion-family checkpoint: a folder, a .safetensors file, a name in the local hub cache.",
    )
    painter_config: str = Field(
        default="", alias="PAINTER_CONFIG", description="Folder with the configurations of a single-file checkpoint."
    )
    painter_lora: str = Field(
        default="", alias="PAINTER_LORA", description="LoRAs with their weights: folder:0.8, with commas."
    )
    painter_scheduler: str = Field(
        default="", alias="PAINTER_SCHEDULER", description="A scheduler of generation/schedulers.toml."
    )
    painter_steps: int = Field(default=25, alias="PAINTER_STEPS", description="Steps of a picture.", ge=1, le=150)
    painter_guidance: float = Field(
        default=7.0, alias="PAINTER_GUIDANCE", description="How closely words are followed.", ge=0, le=30
    )
    painter_negative: str = Field(
        default="", alias="PAINTER_NEGATIVE", description="What no picture should show, where nothing else is said."
    )
    painter_memory: str = Field(
        default="", alias="PAINTER_MEMORY", description="Ways of saving graphics memory, with commas."
    )
    painter_dtype: str = Field(
        default="", alias="PAINTER_DTYPE", description="float16, bfloat16 or float32; by the device without it."
    )
    painter_device: str = Field(default="", alias="PAINTER_DEVICE", description="cuda, cuda:1, mps or cpu.")
    voice_model: str = Field(default="", alias="VOICE_MODEL", description="Folder of a Coqui voice.")
    coqui_licence: str = Field(
        default="", alias="COQUI_LICENCE", description="accepted: your use of XTTS is non-commercial, as it asks."
    )
    openai_painter_model: str = Field(
        default="gpt-image-2", alias="OPENAI_PAINTER_MODEL", description="Model of the openai painter."
    )
    openai_painter_quality: str = Field(
        default="medium", alias="OPENAI_PAINTER_QUALITY", description="low, medium or high, where the model has them."
    )
    openai_voice_model: str = Field(
        default="gpt-4o-mini-tts", alias="OPENAI_VOICE_MODEL", description="Model of the openai voice."
    )
    openai_voices: str = Field(
        default="", alias="OPENAI_VOICES", description="Its voices, with commas; OpenAI's own without it."
    )
    faces_model: str = Field(
        default="", alias="FACES_MODEL", description="A YuNet model (ONNX): smart crops then keep faces whole."
    )
    whisper_model: str = Field(default="", alias="WHISPER_MODEL", description="Whisper model: a .pt file.")
    qdrant_url: str = Field(default="", alias="QDRANT_URL", description="Address of a Qdrant server, for INDEX=qdrant.")
    qdrant_api_key: str = Field(default="", alias="QDRANT_API_KEY", description="Its key, where it asks for one.")
    qdrant_shards: int = Field(
        default=1, alias="QDRANT_SHARDS", description="Shards of a collection that is made from now on.", ge=1, le=1000
    )
    clip_model: str = Field(
        default="", alias="CLIP_MODEL", description="open_clip architecture for the openclip embedder."
    )
    clip_weights: str = Field(default="", alias="CLIP_WEIGHTS", description="Its weights: a file or a pretrained tag.")
    clip_folder: str = Field(default="", alias="CLIP_FOLDER", description="Folder of an exported ONNX model.")
    clip_precision: str = Field(
        default="", alias="CLIP_PRECISION", description="fp32 or int8 for onnx, fp32 or bf16 for openclip."
    )
    clip_threads: int = Field(
        default=1, alias="CLIP_THREADS", description="Threads of an ONNX search model; 0 takes every core.", ge=0, le=64
    )

    def secrets(self) -> list[str]:
        """The values that no log may show."""
        hidden = [value for name, value in self if name.endswith(("_key", "_password", "_secret", "_token"))]
        addresses = [self.database_url, *self.broker_url.split(";")]
        return [*filter(None, hidden), *(unquote(urlsplit(each).password or "") for each in addresses)]

    def signing_key(self) -> str:
        """The secret key: from the environment, else a file made at the first start with mode 600."""
        if self.secret_key:
            return self.secret_key
        path = self.data / "secret_key"
        try:
            return path.read_text().strip()
        except FileNotFoundError:
            self.data.mkdir(parents=True, exist_ok=True)
            key = secrets.token_urlsafe(48)
            partial = self.data / f"secret_key.{secrets.token_hex(4)}"
            partial.touch(mode=0o600)
            partial.write_text(key)
            try:
                path.hardlink_to(partial)  # fails if another process was first: then its key is the key
            except FileExistsError:
                key = path.read_text().strip()
            partial.unlink()
            return key
