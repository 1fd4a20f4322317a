"""An OpenID Connect provider on loopback: discovery, the code grant with PKCE, signed ID tokens, userinfo.

It is as strict as the specifications ask (OpenID Connect Core 1.0, RFC 6749, RFC 7636): a code is good once, for the
client, the address and the verifier that it was asked for with.
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

CLIENT, SECRET = "storyloom", "a secret of both"


@dataclass
class Asked:
    """What a code was given for."""

    redirect: str
    challenge: str


@dataclass
class Person:
    """Whom the provider says it is."""

    sub: str = "person-1"
    email: str = "grace@example.org"
    email_verified: bool = True
    name: str = "Grace"
    claims: dict[str, Any] = field(default_factory=dict)
    """Of the ID token, in place of its own."""


class Provider(ThreadingHTTPServer):
    """`person` is who signs in there; `refused` the errors that it answered with."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.person = Person()
        self.codes: dict[str, Asked] = {}
        self.tokens: set[str] = set()
        self.refused: list[str] = []
        self.key = rsa.generate_private_key(public_exponent=65537, key_size=2048)

    @property
    def issuer(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def consent(self, location: str) -> dict[str, str]:
        """What the person's browser brings back from the page at `location`: {"code", "state"}."""
        parts = urlsplit(location)
        asked = {name: values[0] for name, values in parse_qs(parts.query).items()}
        assert f"{parts.scheme}://{parts.netloc}{parts.path}" == f"{self.issuer}/authorize"
        assert (asked["client_id"], asked["response_type"]) == (CLIENT, "code")
        assert asked["code_challenge_method"] == "S256"
        assert "openid" in asked["scope"].split()
        code = secrets.token_urlsafe()
        self.codes[code] = Asked(asked["redirect_uri"], asked["code_challenge"])
        return {"code": code, "state": asked["state"]}

    def configuration(self) -> dict[str, Any]:
        there = {name: f"{self.issuer}/{name.split('_')[0]}" for name in
                 ("authorization_endpoint", "token_endpoint", "userinfo_endpoint", "jwks_uri")}  # fmt: skip
        there["authorization_endpoint"] = f"{self.issuer}/authorize"
        return {"issuer": self.issuer, "token_endpoint_auth_methods_supported": ["client_secret_post"], **there}

    def exchanged(self, form: dict[str, str]) -> tuple[int, dict[str, Any]]:
        """Status and answer of the token endpoint."""
        asked = self.codes.pop(form.get("code", ""), None)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(form.get("code_verifier", "").encode()).digest())
        if (form.get("client_id"), form.get("client_secret")) != (CLIENT, SECRET):
            return self._refused(401, "invalid_client")
        if asked is None or asked.redirect != form.get("redirect_uri"):
            return self._refused(400, "invalid_grant")
        if asked.challenge != challenge.decode().rstrip("="):
            return self._refused(400, "invalid_grant")
        token, now = secrets.token_urlsafe(), int(time.time())
        self.tokens.add(token)
        claims = {"iss": self.issuer, "aud": CLIENT, "sub": self.person.sub, "iat": now, "exp": now + 300}
        signed = jwt.encode({**claims, **self.person.claims}, self.key, algorithm="RS256", headers={"kid": "one"})
        return 200, {"access_token": token, "token_type": "Bearer", "expires_in": 300, "id_token": signed}

    def _refused(self, status: int, error: str) -> tuple[int, dict[str, Any]]:
        self.refused.append(error)
        return status, {"error": error}

    def userinfo(self, header: str) -> tuple[int, dict[str, Any]]:
        if header.removeprefix("Bearer ") not in self.tokens:
            return self._refused(401, "invalid_token")
        person = self.person
        return 200, {"sub": person.sub, "email": person.email, "email_verified": person.email_verified,
                     "name": person.name, "preferred_username": person.name.lower()}  # fmt: skip

    def keys(self) -> dict[str, Any]:
        public = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(self.key.public_key()))
        return {"keys": [{**public, "kid": "one", "alg": "RS256", "use": "sig"}]}


class _Handler(BaseHTTPRequestHandler):
    server: Provider

    def log_message(self, *_args: object) -> None:
        pass

    def do_GET(self) -> None:
        if self.path == "/.well-known/openid-configuration":
            self._answer(200, self.server.configuration())
        elif self.path == "/jwks":
            self._answer(200, self.server.keys())
        elif self.path == "/userinfo":
            self._answer(*self.server.userinfo(self.headers.get("Authorization", "")))
        else:
            self._answer(404, {})

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        self._answer(*self.server.exchanged({name: values[0] for name, values in parse_qs(body).items()}))

    def _answer(self, status: int, said: dict[str, Any]) -> None:
        content = json.dumps(said).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


@contextmanager
def providing() -> Iterator[Provider]:
    """A provider for as long as the block runs."""
    server = Provider()
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)
