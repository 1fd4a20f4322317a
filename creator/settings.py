"""Django's settings. What may differ between machines comes from creator/environment.py."""

from __future__ import annotations

import ssl
from datetime import timedelta
from hashlib import sha256
from importlib.metadata import version
from typing import Any
from urllib.parse import unquote, urlsplit

from csp.constants import NONCE, NONE, SELF

from creator.environment import ROOT, Environment

environment = Environment()
DATA = environment.data.resolve()
MANAGE = ROOT / "manage.py"

SECRET_KEY = environment.signing_key()
DEBUG = environment.debug
ALLOWED_HOSTS = [host.strip() for host in environment.hosts.split(",") if host.strip()]
BASE_URL = environment.url or f"http://127.0.0.1:{environment.port}"
CSRF_TRUSTED_ORIGINS = [BASE_URL]

INSTALLED_APPS = [
    "creator.apps.CreatorConfig",
    "search",
    "generation",
    "media_processing",
    "moderation",
    "creator.apps.AdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.openid_connect",
    "allauth.usersessions",
    "axes",
    "django_htmx",
    "lucide",
    "ninja",
    "csp",
]
MIDDLEWARE = [
    "creator.statics.Statics",
    "creator.logs.RequestIds",
    "creator.services.metrics.Watched",
    "django.middleware.security.SecurityMiddleware",
    "csp.middleware.CSPMiddleware",
    "django_permissions_policy.PermissionsPolicyMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "creator.api.middleware.ProblemDocuments",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "creator.languages.chosen_language",
    "django.contrib.messages.middleware.MessageMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "axes.middleware.AxesMiddleware",
    "creator.views.errors.form_only",
]
ROOT_URLCONF = "creator.urls"
ASGI_APPLICATION = "creator.asgi.application"
WSGI_APPLICATION = "creator.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [ROOT / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "csp.context_processors.nonce",
                "creator.views.context.frame",
            ],
        },
    }
]


CONNECTION_SECONDS = 600
"""How long a thread keeps its connection to the database."""


def _database(url: str) -> dict[str, Any]:
    if not url:
        return {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": DATA / "db.sqlite3",
            "CONN_MAX_AGE": CONNECTION_SECONDS,
            # Four writers on Django's defaults gave 789 locked errors in 6 s, with these none.
            "OPTIONS": {
                "timeout": 20,
                "transaction_mode": "IMMEDIATE",
                "init_command": "PRAGMA journal_mode=WAL;PRAGMA synchronous=NORMAL;",
            },
        }
    parts = urlsplit(url)
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": parts.path.lstrip("/"),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": parts.hostname or "",
        "PORT": parts.port or "",
        "CONN_MAX_AGE": CONNECTION_SECONDS,
        "CONN_HEALTH_CHECKS": True,
    }


DATABASES = {"default": _database(environment.database_url)}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
AUTH_USER_MODEL = "creator.User"
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",  # first: it holds off who tried too often
    "django.contrib.auth.backends.ModelBackend",
    "allauth.account.auth_backends.AuthenticationBackend",
    "sesame.backends.ModelBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "stories"
LOGOUT_REDIRECT_URL = "account_login"
# One-time sign-in links: gone after their first use or a day.
SESAME_ONE_TIME = True
SESAME_MAX_AGE = 24 * 3600
ACCOUNT_ADAPTER = "creator.accounts.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"username", "email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*", "password2*"]
ACCOUNT_EMAIL_VERIFICATION = "optional"
ACCOUNT_EMAIL_NOTIFICATIONS = True
ACCOUNT_REAUTHENTICATION_REQUIRED = True
ACCOUNT_SESSION_REMEMBER = True
ACCOUNT_RATE_LIMITS = {"login_failed": "30/m/ip"}  # wrong passwords for one name are held off by axes
ACCOUNT_LOGIN_BY_CODE_TIMEOUT = 10 * 60
ALLAUTH_TRUSTED_PROXY_COUNT = environment.proxies
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes"]
MFA_TOTP_ISSUER = "Storyloom"
AXES_FAILURE_LIMIT = 5
AXES_COOLOFF_TIME = timedelta(minutes=15)
# A name from one address: so nobody can lock others out of their accounts.
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_RESET_ON_SUCCESS = True
AXES_DISABLE_ACCESS_LOG = True
AXES_ENABLE_ADMIN = False
AXES_VERBOSE = False
AXES_USERNAME_CALLABLE = "creator.services.security.name_tried"
AXES_WHITELIST_CALLABLE = "creator.services.security.is_link"
AXES_CLIENT_IP_CALLABLE = "creator.services.security.address_of"
AXES_LOCKOUT_CALLABLE = "creator.accounts.locked_out"
SOCIALACCOUNT_ADAPTER = "creator.accounts.SocialAdapter"
# The provider is this installation's own: what it verified counts, and joins the account of that address.
SOCIALACCOUNT_EMAIL_AUTHENTICATION = SOCIALACCOUNT_EMAIL_AUTHENTICATION_AUTO_CONNECT = True
SOCIALACCOUNT_PROVIDERS = {
    "openid_connect": {
        "APPS": [
            {
                "provider_id": "sso", "name": environment.oidc_name, "client_id": environment.oidc_client_id,
                "secret": environment.oidc_client_secret, "settings": {"server_url": environment.oidc_issuer},
            }
        ]
        if environment.oidc_issuer
        else [],
        "OAUTH_PKCE_ENABLED": True,
    }
}
_oidc_origin = [f"{urlsplit(url).scheme}://{urlsplit(url).netloc}" for url in (environment.oidc_issuer,) if url]

# E-mail: files beside the database until a server is named.
EMAIL_BACKEND = f"django.core.mail.backends.{'smtp' if environment.mail_host else 'filebased'}.EmailBackend"
EMAIL_FILE_PATH = DATA / "mail"
EMAIL_HOST, EMAIL_PORT = environment.mail_host, environment.mail_port
EMAIL_HOST_USER, EMAIL_HOST_PASSWORD = environment.mail_user, environment.mail_password
EMAIL_USE_TLS = environment.mail_security == "starttls"
EMAIL_USE_SSL = environment.mail_security == "tls"
EMAIL_TIMEOUT = 20
DEFAULT_FROM_EMAIL = SERVER_EMAIL = environment.mail_from

LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("de", "Deutsch")]
"""Of the pages, each by its own name. What stories are written in is another matter."""
LOCALE_PATHS = [ROOT / "locale"]
TIME_ZONE = "UTC"
USE_TZ = True



def _edition() -> str:
    """Changes with any static file, ours or a package's: what browsers keep for ever is asked for anew then."""
    digest = sha256(" ".join(version(each) for each in ("django", "django-htmx", "django-ninja")).encode())
    for path in sorted((ROOT / "static").rglob("*.*")):
        digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()[:12]


STATIC_URL = f"static/{_edition()}/"
STATIC_ROOT = DATA / "static"
STATICFILES_DIRS = [ROOT / "static"]
STATIC_ROOT.mkdir(parents=True, exist_ok=True)
SERVESTATIC_USE_FINDERS = True
SERVESTATIC_AUTOREFRESH = DEBUG
MEDIA_ROOT = DATA / "media"
# With a bucket, that is where media are kept, and MEDIA_ROOT holds copies of what this machine had to do with.
STORAGES: dict[str, dict[str, Any]] = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
if environment.s3_bucket:
    STORAGES["media"] = {
        "BACKEND": "storages.backends.s3.S3Storage",
        "OPTIONS": {
            "bucket_name": environment.s3_bucket, "endpoint_url": environment.s3_endpoint or None,
            "region_name": environment.s3_region or None, "access_key": environment.s3_access_key or None,
            "secret_key": environment.s3_secret_key or None, "file_overwrite": True,
            "max_memory_size": 16 * 2**20,  # what is larger goes through a temporary file
        },
    }
INDEX_ROOT = DATA / "index"
BACKUPS = environment.backups
METRICS_TOKEN = environment.metrics_token
CACHE_ROOT = DATA / "cache"
FACES_MODEL = environment.faces_model
CLIP_ROOT = DATA / "models" / "clip"
FILE_UPLOAD_MAX_MEMORY_SIZE = 2 * 1024 * 1024
FILE_UPLOAD_TEMP_DIR = None
DATA_UPLOAD_MAX_MEMORY_SIZE = 5 * 1024 * 1024
# One more than an import takes, so that the page and not the parser says what the most is.
DATA_UPLOAD_MAX_NUMBER_FILES = 501

_redis_tls = {"ssl_cert_reqs": "required", **({"ssl_ca_certs": environment.redis_ca} if environment.redis_ca else {})}
_redis_options: dict[str, Any] = {}
if environment.broker_url.startswith("sentinel://"):
    _redis_options = {
        "pool_class": "creator.sentinel.SentinelPool", "master": environment.redis_master,
        "sentinel_password": environment.sentinel_password or None,
    }
elif environment.broker_url.startswith("rediss://"):
    _redis_options = _redis_tls
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": [environment.broker_url],  # a list, since a string would be cut at each semicolon
        "OPTIONS": _redis_options,
    }
    if environment.broker_url
    else {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}
}

# Security ------------------------------------------------------------------------------------------------------------
X_FRAME_OPTIONS = "DENY"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
SECURE_REFERRER_POLICY = "same-origin"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = environment.secure
SESSION_COOKIE_HTTPONLY = True
# What pages may ask a browser for: the microphone, for people's own recordings, and of the rest nothing.
PERMISSIONS_POLICY: dict[str, list[str]] = {
    "microphone": ["self"],
    **{
        name: []
        for name in (
            "accelerometer", "browsing-topics", "camera", "display-capture", "geolocation", "gyroscope",
            "hid", "idle-detection", "local-fonts", "magnetometer", "midi", "payment", "screen-wake-lock", "serial",
            "usb", "xr-spatial-tracking",
        )
    },
}
SESSION_COOKIE_NAME = "storyloom"
CSRF_FAILURE_VIEW = "creator.views.errors.csrf_failure"
SECURE_HSTS_SECONDS = 31_536_000 if environment.secure else 0
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if environment.secure else None


def _secured(headers: Any, _path: str, _url: str) -> None:
    """What SecurityMiddleware says of a page, for static files, which are served before it."""
    headers["X-Content-Type-Options"] = "nosniff"
    headers["Cross-Origin-Opener-Policy"] = SECURE_CROSS_ORIGIN_OPENER_POLICY
    headers["Referrer-Policy"] = SECURE_REFERRER_POLICY
    if SECURE_HSTS_SECONDS:
        headers["Strict-Transport-Security"] = f"max-age={SECURE_HSTS_SECONDS}"


SERVESTATIC_ADD_HEADERS_FUNCTION = _secured
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF, NONCE],
        "style-src": [SELF, NONCE],
        "img-src": [SELF, "data:", "blob:"],
        "media-src": [SELF, "blob:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF, *_oidc_origin],  # signing in leads there
        "frame-ancestors": [NONE],
        "base-uri": [NONE],
        "manifest-src": [SELF],
    }
}

# Engines: role -> name -> BACKEND and OPTIONS; the first of a role is its default -------------------------------------
BUILT_IN_EMBEDDERS = ("onnx", "openclip")


def _exported() -> dict[str, dict[str, Any]]:
    """Each model that export_clip wrote is an embedder of its folder's name; its 8-bit graphs are another."""
    found = {}
    for folder in sorted(CLIP_ROOT.iterdir()) if CLIP_ROOT.is_dir() else ():
        if folder.name.startswith(".") or not folder.is_dir() or folder.name in BUILT_IN_EMBEDDERS:
            continue
        for name, precision in ((folder.name, "fp32"), (f"{folder.name}-int8", "int8")):
            if precision == "fp32" or (folder / "text.int8.onnx").is_file():
                found[name] = {
                    "BACKEND": "search.engines.onnx.OnnxEmbedder",
                    "OPTIONS": {
                        "folder": folder, "precision": precision, "threads": environment.clip_threads, "title": name
                    },
                }
    return found


def _weights(kind: str, said: str) -> str:
    """The weights that a variable names, else what lies in the folder of models of that kind."""
    folder = DATA / "models" / kind
    files = [path for path in sorted(folder.iterdir()) if not path.name.startswith(".")] if folder.is_dir() else []
    if said or not files:
        return said
    return str(files[0] if len(files) == 1 else folder)


_openai = {"api_key": environment.openai_api_key, "base_url": environment.openai_base_url}
_ENGINES: dict[str, dict[str, dict[str, Any]]] = {
    "writer": {
        "extractive": {"BACKEND": "generation.engines.extractive.ExtractiveWriter"},
        "openai": {
            "BACKEND": "generation.engines.openai.OpenAIWriter",
            "OPTIONS": {**_openai, "model": environment.writer_model, "prompts": ROOT / "templates" / "prompts"},
        },
    },
    "painter": {
        "illustrator": {"BACKEND": "generation.engines.illustrator.IllustratorPainter"},
        "diffusers": {
            "BACKEND": "generation.engines.diffusers.DiffusersPainter",
            "OPTIONS": {
                "folder": _weights("painter", environment.painter_model), "config": environment.painter_config,
                "lora": environment.painter_lora, "scheduler": environment.painter_scheduler,
                "steps": environment.painter_steps, "guidance": environment.painter_guidance,
                "negative": environment.painter_negative, "memory": environment.painter_memory,
                "dtype": environment.painter_dtype, "device": environment.painter_device,
            },
        },
        "openai": {
            "BACKEND": "generation.engines.openai_images.OpenAIPainter",
            "OPTIONS": {
                **_openai, "model": environment.openai_painter_model, "quality": environment.openai_painter_quality
            },
        },
    },
    "voice": {
        "espeak": {"BACKEND": "generation.engines.espeak.ESpeakVoice"},
        "coqui": {
            "BACKEND": "generation.engines.coqui.CoquiVoice",
            "OPTIONS": {
                "folder": _weights("voice", environment.voice_model), "licence": environment.coqui_licence
            },
        },
        "openai": {
            "BACKEND": "generation.engines.openai_speech.OpenAIVoice",
            "OPTIONS": {
                **_openai, "model": environment.openai_voice_model,
                "speakers": tuple(filter(None, map(str.strip, environment.openai_voices.split(",")))),
            },
        },
    },
    "transcriber": {
        "pocketsphinx": {"BACKEND": "media_processing.engines.pocketsphinx.PocketSphinxTranscriber"},
        "whisper": {
            "BACKEND": "media_processing.engines.whisper.WhisperTranscriber",
            "OPTIONS": {"weights": _weights("whisper", environment.whisper_model)},
        },
    },
    "aligner": {
        "pocketsphinx": {"BACKEND": "media_processing.engines.pocketsphinx.PocketSphinxAligner"},
        "whisper": {
            "BACKEND": "media_processing.engines.whisper.WhisperAligner",
            "OPTIONS": {"weights": _weights("whisper", environment.whisper_model)},
        },
    },
    "reader": {"tesseract": {"BACKEND": "media_processing.engines.tesseract.TesseractReader"}},
    "embedder": {
        "onnx": {
            "BACKEND": "search.engines.onnx.OnnxEmbedder",
            "OPTIONS": {
                "threads": environment.clip_threads,
                **({"folder": environment.clip_folder} if environment.clip_folder else {}),
                **({"precision": environment.clip_precision} if environment.clip_precision else {}),
            },
        },
        "openclip": {
            "BACKEND": "search.engines.openclip.OpenClipEmbedder",
            "OPTIONS": {
                "model": environment.clip_model, "weights": environment.clip_weights,
                "precision": environment.clip_precision,
            },
        },
        **_exported(),
    },
    "index": {
        "faiss": {"BACKEND": "search.engines.faiss.FaissIndex", "OPTIONS": {"folder": INDEX_ROOT}},
        "qdrant": {
            "BACKEND": "search.engines.qdrant.QdrantIndex",
            "OPTIONS": {
                "url": environment.qdrant_url,
                "api_key": environment.qdrant_api_key,
                "shards": environment.qdrant_shards,
            },
        },
    },
    "renderer": {
        "filtergraph": {"BACKEND": "media_processing.engines.filtergraph.FiltergraphRenderer"},
        "moviepy": {"BACKEND": "media_processing.engines.moviepy.MoviePyRenderer"},
    },
    "segmenter": {
        "grabcut": {"BACKEND": "media_processing.engines.classical.GrabCutSegmenter"},
        "onnx": {
            "BACKEND": "media_processing.engines.onnx.OnnxSegmenter", "OPTIONS": {"file": environment.segmenter_model}
        },
    },
    "upscaler": {
        "lanczos": {"BACKEND": "media_processing.engines.classical.LanczosUpscaler"},
        "onnx": {
            "BACKEND": "media_processing.engines.onnx.OnnxUpscaler", "OPTIONS": {"file": environment.upscaler_model}
        },
    },
    "denoiser": {
        "nlmeans": {"BACKEND": "media_processing.engines.classical.NonLocalMeansDenoiser"},
        "onnx": {
            "BACKEND": "media_processing.engines.onnx.OnnxDenoiser", "OPTIONS": {"file": environment.denoiser_model}
        },
    },
    "text_judge": {
        "rules": {"BACKEND": "moderation.engines.rules.RulesJudge"},
        "personal": {"BACKEND": "moderation.engines.personal.PersonalJudge"},
        "openai": {
            "BACKEND": "moderation.engines.openai.OpenAITextJudge",
            "OPTIONS": {**_openai, "model": environment.openai_moderation_model},
        },
    },
    "picture_judge": {
        "hashes": {"BACKEND": "moderation.engines.hashes.HashesJudge"},
        "clip": {"BACKEND": "moderation.engines.clip.ClipJudge"},
        "nudenet": {
            "BACKEND": "moderation.engines.nudenet.NudeNetJudge", "OPTIONS": {"weights": environment.nudenet_model}
        },
        "openai": {
            "BACKEND": "moderation.engines.openai.OpenAIPictureJudge",
            "OPTIONS": {**_openai, "model": environment.openai_moderation_model},
        },
    },
}
# All judges of a role run, and one that can't work is a missing signal: only those that were asked for are there.
for _role, _wanted in (("text_judge", environment.text_judges), ("picture_judge", environment.picture_judges)):
    _ENGINES[_role] = {_name: _ENGINES[_role][_name] for _name in _wanted.split(",")}
CHOSEN = {
    "writer": environment.writer,
    "painter": environment.painter,
    "voice": environment.voice,
    "transcriber": environment.transcriber,
    "aligner": environment.aligner,
    "embedder": environment.embedder,
    "index": environment.index,
    "renderer": environment.renderer,
    "segmenter": environment.segmenter,
    "upscaler": environment.upscaler,
    "denoiser": environment.denoiser,
}
# A name that ENGINES lacks is reported by the check creator.E001, not by a crash here.
ENGINES = {
    role: {name: named[name] for name in sorted(named, key=lambda name: name != CHOSEN.get(role))}
    for role, named in _ENGINES.items()
}

PRICES = environment.prices
"""A price table of this installation's own, read before generation/prices.toml."""

# Jobs: the ledger is the truth; Celery wakes workers and gives them threads -------------------------------------------
LEASE_SECONDS = environment.lease
DISPATCH_SECONDS = 0.25
CELERY_BROKER_URL = environment.broker_url or "memory://"
CELERY_BROKER_TRANSPORT_OPTIONS: dict[str, Any] = (
    {"visibility_timeout": 3600, "unacked_restore_interval": 5, "unacked_restore_throttle": 1}
    if environment.broker_url
    else {"polling_interval": 0.05}  # without it a wake-up takes a second
)
if environment.broker_url.startswith("sentinel://"):
    CELERY_BROKER_TRANSPORT_OPTIONS |= {
        "master_name": environment.redis_master, "sentinel_kwargs": {"password": environment.sentinel_password or None},
    }
if environment.broker_url.startswith("rediss://"):
    CELERY_BROKER_USE_SSL = {**_redis_tls, "ssl_cert_reqs": ssl.CERT_REQUIRED}
QUEUES = {
    "io": (
        "bring_in", "import_assets", "publish_scheduled", "deliver_webhooks", "send_mail", "back_up", "tidy", "retain",
    ),
    "cpu": (
        "find_pictures", "transcribe_asset", "take_narration", "use_tool", "fill_in", "draw_sample", "find_copies",
        "compare_engines", "reindex", "sweep", "offer_words", "write_drafts",
    ),
    "gpu": ("draw_pictures", "speak_reading"),
    "render": ("make_story", "cut_asset"),
}  # fmt: skip
"""What a task needs most -> its tasks. A worker takes all of them, or those of STORYLOOM_QUEUES."""
CELERY_TASK_ROUTES = {task: {"queue": need} for need, tasks in QUEUES.items() for task in tasks}
CELERY_TASK_DEFAULT_QUEUE = "io"
WORKER_QUEUES = tuple(environment.queues.split(",")) if environment.queues else tuple(QUEUES)
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_SERIALIZER = "json"
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
WORKER_THREADS = environment.threads
WATCH = environment.watch
PROVENANCE_CERTIFICATE, PROVENANCE_KEY = environment.provenance_certificate, environment.provenance_key
OFFLINE = environment.offline
WEBHOOK_ADDRESSES = [each.strip() for each in environment.webhook_addresses.split(",") if each.strip()]
WEB_BIND, WEB_PORT, WEB_PROCESSES = environment.bind, environment.port, environment.processes
KEEP_DRAFTS = timedelta(days=environment.keep_drafts)
KEEP_RENDITIONS = timedelta(days=environment.keep_renditions)
OTLP = environment.otlp

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        name: {"()": f"creator.logs.{form}", "secrets": [*environment.secrets(), SECRET_KEY]}
        for name, form in (("text", "Line"), ("json", "Json"))
    },
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": environment.log}},
    "root": {"handlers": ["console"], "level": "WARNING"},
    # kombu warns that an in-memory broker has no host name.
    "loggers": {"creator": {"level": "INFO"}, "kombu.connection": {"level": "ERROR"}},
}
