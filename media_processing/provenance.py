"""What a file says of where it comes from: Content Credentials (C2PA), written and read.

A manifest is bound to the bytes: whoever encodes a picture again drops it, so files are signed last, when they are
published. The claim names what was done (actions) and of what (ingredients), and keeps the manifests that ingredients
brought. Specification: C2PA Technical Specification 2.2 (c2pa.org).
"""

from __future__ import annotations

import json
import os
import secrets
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import Any, Literal

from c2pa import Builder, C2paError, C2paSignerInfo, Context, Reader, Signer
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives import serialization as storing
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from media_processing.decoding import MediaError
from media_processing.engine import EngineError
from media_processing.xmp import SOURCE_TYPES, source_type_of, with_source_type

SIGNED = ("image/jpeg", "image/png", "image/webp", "video/mp4", "audio/wav", "audio/mpeg")
"""What can carry a manifest here."""
ENGINES_LABEL = "org.storyloom.engines"
"""The assertion of ours: which engines wrote, drew and spoke."""
VALID_FOR = timedelta(days=3650)
MOST_INGREDIENTS = 40

_ORGANIZATION = "Storyloom"
_NO_THUMBNAILS = {"builder": {"thumbnail": {"enabled": False}}}
"""A thumbnail adds half a megabyte to a picture; only a context of its own switches it off."""


@dataclass(frozen=True)
class Identity:
    """Whose claims they are: a certificate chain and its key, PEM."""

    chain: str
    key: str = field(repr=False)
    algorithm: str
    self_made: bool

    @property
    def leaf(self) -> x509.Certificate:
        return x509.load_pem_x509_certificates(self.chain.encode())[0]

    @property
    def name(self) -> str:
        """Whose certificate it is, as readers see it."""
        return ", ".join(str(each.value) for each in self.leaf.subject)

    @property
    def valid_until(self) -> datetime:
        return self.leaf.not_valid_after_utc

    @property
    def fingerprint(self) -> str:
        """sha256 of the certificate that signs."""
        return self.leaf.fingerprint(hashes.SHA256()).hex()


@dataclass(frozen=True)
class Ingredient:
    """A file that another was made of."""

    path: Path
    content_type: str
    title: str


@dataclass(frozen=True)
class Claim:
    """What is said of a file. `source_type` is a name of IPTC's: "compositeWithTrainedAlgorithmicMedia" ..."""

    title: str
    source_type: str
    engines: Mapping[str, Any] = field(default_factory=dict)
    """What made it, JSON: {"text": "extractive", "pictures": ["illustrator"]}."""
    ingredients: tuple[Ingredient, ...] = ()
    watermarked: bool = False


Verdict = Literal["none", "invalid", "untrusted", "trusted"]


@dataclass(frozen=True)
class Finding:
    """What a file says of itself, and whether that holds.

    none: it says nothing; invalid: it was changed after it was signed, or the signature is broken; untrusted:
    unchanged, signed by somebody whom nobody here vouches for; trusted: unchanged, signed by this installation.
    """

    verdict: Verdict
    title: str = ""
    signer: str = ""
    signed: str = ""
    """When, where a time authority said so (ISO 8601)."""
    source_type: str = ""
    actions: tuple[str, ...] = ()
    ingredients: tuple[tuple[str, str], ...] = ()
    """Title and verdict of each."""
    engines: Mapping[str, Any] = field(default_factory=dict)
    problems: tuple[str, ...] = ()
    """Codes of the specification: "assertion.dataHash.mismatch"."""


# Who signs ------------------------------------------------------------------------------------------------------------
def identity(folder: Path, certificate: str = "", key: str = "") -> Identity:
    """The identity of this installation: from two PEM files, else one that is made in `folder` at the first call.

    A self-made certificate shows that a file is unchanged, but not who signed it: others see it as untrusted.
    Raises EngineError for files that can't be used.
    """
    if not certificate and not key:
        return _own(folder)
    try:
        chain, secret = Path(certificate).read_text(), Path(key).read_text()
        public = x509.load_pem_x509_certificates(chain.encode())[0].public_key()
        private = storing.load_pem_private_key(secret.encode(), None)
        algorithm = _algorithm(private)
        if public.public_bytes(*_SPKI) != private.public_key().public_bytes(*_SPKI):
            raise ValueError("they don't belong together")
    except (OSError, ValueError, TypeError, IndexError) as error:
        raise EngineError(
            f"The certificate that signs what is published can't be used: {error}.",
            next_step="PROVENANCE_CERTIFICATE names a chain (PEM, the signing certificate first), PROVENANCE_KEY its "
            "key without a password.",
        ) from error
    return Identity(chain, secret, algorithm, self_made=False)


_SPKI = (storing.Encoding.PEM, storing.PublicFormat.SubjectPublicKeyInfo)
_CURVES = {"secp256r1": "es256", "secp384r1": "es384", "secp521r1": "es512"}


def _algorithm(key: Any) -> str:
    if isinstance(key, ec.EllipticCurvePrivateKey) and key.curve.name in _CURVES:
        return _CURVES[key.curve.name]
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return "ed25519"
    if isinstance(key, rsa.RSAPrivateKey) and key.key_size >= 2048:
        return "ps256"
    raise ValueError("this kind of key doesn't sign Content Credentials")


def _own(folder: Path) -> Identity:
    chain, key = folder / "chain.pem", folder / "key.pem"
    if not key.exists():
        _make(folder)
    return Identity(chain.read_text(), key.read_text(), "es256", self_made=True)


def _make(folder: Path) -> None:
    """Make a root, a certificate under it and its key; the root's own key is not kept.

    They appear together: whoever comes second uses those of the first.
    """
    part = folder.with_name(f".{folder.name}.{secrets.token_hex(4)}")
    part.mkdir(parents=True, mode=0o700)
    root_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    root = _certificate("Storyloom root of this installation", root_key, "", root_key)
    leaf = _certificate("Storyloom, self-made", key, "Storyloom root of this installation", root_key)
    stored = key.private_bytes(storing.Encoding.PEM, storing.PrivateFormat.PKCS8, storing.NoEncryption())
    _write(part / "key.pem", stored, 0o600)
    _write(part / "chain.pem", b"".join(each.public_bytes(storing.Encoding.PEM) for each in (leaf, root)), 0o644)
    try:
        part.rename(folder)
    except OSError:  # another process was first
        for each in part.iterdir():
            each.unlink()
        part.rmdir()


def _write(path: Path, content: bytes, mode: int) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(handle, "wb") as file:
        file.write(content)
        os.fsync(file.fileno())


def _certificate(
    name: str, key: ec.EllipticCurvePrivateKey, issuer: str, issuer_key: ec.EllipticCurvePrivateKey
) -> x509.Certificate:
    root, now = not issuer, datetime.now(UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(_name(name))
        .issuer_name(_name(issuer or name))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + VALID_FOR)
        .add_extension(x509.BasicConstraints(root, None), critical=True)
        .add_extension(x509.KeyUsage(not root, False, False, False, False, root, root, False, False), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), critical=False)
    )
    if not root:
        builder = builder.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION]), critical=False)
    return builder.sign(issuer_key, hashes.SHA256())


def _name(common: str) -> x509.Name:
    return x509.Name([
        x509.NameAttribute(NameOID.ORGANIZATION_NAME, _ORGANIZATION), x509.NameAttribute(NameOID.COMMON_NAME, common)
    ])  # fmt: skip


# Signing --------------------------------------------------------------------------------------------------------------
def sign(content: bytes, content_type: str, claim: Claim, by: Identity) -> bytes:
    """The file with its source type as XMP and a manifest, about 4 KB together. Raises EngineError.

    What was signed is read again before it is returned: a file that wouldn't verify is an error here.
    """
    if content_type not in SIGNED:
        raise EngineError(f"{content_type} can't carry Content Credentials.", next_step="Publish it in another form.")
    try:
        marked = with_source_type(content, content_type, claim.source_type)
        builder = Builder(_manifest(content_type, claim), context=Context.from_dict(_NO_THUMBNAILS))
        for number, each in enumerate(claim.ingredients[:MOST_INGREDIENTS]):
            with each.path.open("rb") as file:
                builder.add_ingredient(
                    {"title": each.title[:200], "relationship": "componentOf", "label": f"ingredient {number}"},
                    each.content_type, file,
                )  # fmt: skip
        signer = Signer.from_info(C2paSignerInfo(by.algorithm.encode(), by.chain.encode(), by.key.encode(), None))
        target = BytesIO()
        builder.sign(signer, content_type, BytesIO(marked), target)
    except (C2paError, OSError, ValueError, struct.error, IndexError) as error:
        raise EngineError(
            f"The file can't be signed: {str(error)[:200]}.",
            next_step="Render it again. If it happens again, look at the certificate's page under Verify.",
        ) from error
    signed = target.getvalue()
    found = verify(signed, content_type, trusted=by)
    if found.verdict not in ("trusted", "untrusted"):
        raise EngineError(
            f"What was signed doesn't verify: {', '.join(found.problems)[:200]}.", next_step="Look at the certificate."
        )
    return signed


def _manifest(content_type: str, claim: Claim) -> dict[str, Any]:
    agent = {"name": _ORGANIZATION}
    ids = [f"ingredient {number}" for number in range(len(claim.ingredients[:MOST_INGREDIENTS]))]
    actions: list[dict[str, Any]] = [
        {"action": "c2pa.created", "digitalSourceType": SOURCE_TYPES + claim.source_type, "softwareAgent": agent}
    ]
    if ids:
        actions.append({"action": "c2pa.placed", "softwareAgent": agent, "parameters": {"ingredientIds": ids}})
    if claim.watermarked:
        actions.append({"action": "c2pa.watermarked.unbound", "softwareAgent": agent})
    assertions = [{"label": "c2pa.actions.v2", "data": {"actions": actions}}]
    if claim.engines:
        assertions.append({"label": ENGINES_LABEL, "data": dict(claim.engines)})
    return {
        "claim_generator_info": [agent], "title": claim.title[:200], "format": content_type, "assertions": assertions,
    }  # fmt: skip


# Reading --------------------------------------------------------------------------------------------------------------
def verify(content: bytes, content_type: str, *, trusted: Identity | None = None) -> Finding:
    """What a file says of where it comes from. Raises MediaError for a type that can't say anything."""
    if content_type not in Reader.get_supported_mime_types():
        raise MediaError(
            f"{content_type} files carry no Content Credentials.", reason="unknown",
            next_step="Drop a picture, a video or a sound.",
        )  # fmt: skip
    anchors = {"trust": {"trust_anchors": trusted.chain}} if trusted else {}
    try:
        reader = Reader.try_create(content_type, BytesIO(content), context=Context.from_dict(anchors))
    except C2paError as error:
        return Finding("invalid", problems=(str(error)[:200],))
    if reader is None:
        return Finding("none", source_type=source_type_of(content))
    told: dict[str, Any] = json.loads(reader.json())
    results: dict[str, Any] = told.get("validation_results", {}).get("activeManifest", {})
    problems = tuple(dict.fromkeys(str(each.get("code", "")) for each in results.get("failure", ())))
    state = reader.get_validation_state()
    verdict: Verdict = {"Trusted": "trusted", "Valid": "untrusted"}.get(state or "", "invalid")  # type: ignore[assignment]
    manifest = told.get("manifests", {}).get(told.get("active_manifest"), {})
    return _told(manifest, verdict, problems)


def _told(manifest: Mapping[str, Any], verdict: Verdict, problems: tuple[str, ...]) -> Finding:
    said = {each.get("label", ""): each.get("data", {}) for each in manifest.get("assertions", ())}
    actions = [each for label in said if label.startswith("c2pa.actions") for each in said[label].get("actions", ())]
    kinds = [str(each["digitalSourceType"]) for each in actions if each.get("digitalSourceType")]
    signature = manifest.get("signature_info", {})
    names = dict.fromkeys(filter(None, (signature.get("common_name"), signature.get("issuer"))))
    return Finding(
        verdict,
        title=str(manifest.get("title", "")),
        signer=", ".join(map(str, names)),
        signed=str(signature.get("time", "")),
        source_type=kinds[0].rpartition("/")[2] if kinds else "",
        actions=tuple(str(each.get("action", "")) for each in actions),
        ingredients=tuple((str(each.get("title", "")), _verdict_of(each)) for each in manifest.get("ingredients", ())),
        engines=said.get(ENGINES_LABEL, {}),
        problems=problems,
    )


def _verdict_of(ingredient: Mapping[str, Any]) -> Verdict:
    """How an ingredient stood when it was placed; others' certificates are never trusted here."""
    if "active_manifest" not in ingredient:
        return "none"
    failed = ingredient.get("validation_results", {}).get("activeManifest", {}).get("failure", ())
    return "invalid" if any(each.get("code") != "signingCredential.untrusted" for each in failed) else "untrusted"
