"""Short secrets that must be used again, and so can't be hashed, are encrypted before they are stored."""

from __future__ import annotations

import base64

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

from media_processing.engine import EngineError


def seal(secret: str) -> str:
    """The secret, encrypted under a key derived from SECRET_KEY, which is not in the database."""
    return _fernet().encrypt(secret.encode()).decode("ascii")


def unseal(sealed: str) -> str:
    """What was sealed, also under one of SECRET_KEY_FALLBACKS. Raises EngineError."""
    try:
        return _fernet().decrypt(sealed.encode("ascii")).decode()
    except InvalidToken as error:
        raise EngineError(
            "A stored secret can't be read: it was written under another signing key.",
            next_step="Put the former key into SECRET_KEY_FALLBACKS, or make a new secret.",
        ) from error


def _fernet() -> MultiFernet:
    keys = (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)
    return MultiFernet([Fernet(base64.urlsafe_b64encode(_derived(str(key)))) for key in keys])


def _derived(key: str) -> bytes:
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=b"storyloom sealed secrets").derive(key.encode())
