"""Several hosts on one machine: PostgreSQL, Redis behind Sentinel or with TLS, a bucket, web and workers by queue.

Each host has a data folder of its own; what they share are the servers. Nothing is mocked but Amazon: moto serves S3.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from moto.server import ThreadedMotoServer

from tests.operations import servers
from tests.processes import alive_with, free_port, manage, running, until

pytestmark = [pytest.mark.servers, pytest.mark.timeout(500)]
SECRET = "a-secret-key-for-this-test-only-0123456789"
IMPORT = """
import json
from django.core.files.uploadedfile import SimpleUploadedFile
from creator.models import Workspace, User
from creator.services import importing
from tests.factories import drawn
workspace = Workspace.objects.order_by("id").first()
file = SimpleUploadedFile("boat.png", drawn("boat"))
job = importing.import_files(workspace, files=[file], by=User.objects.get(username="owner"))
print(job.pk)
"""
LOOK = """
import json
from creator.models import Job
from media_processing.models import Asset
job = Job.objects.get(pk={job})
found = Asset.objects.filter(pk__in=[each["asset"] for each in job.subject.get("results", ()) if each["asset"]])
print(json.dumps([job.state, job.error, [[asset.path, asset.file.is_file()] for asset in found]]))
"""


@pytest.fixture
def bucket() -> Iterator[dict[str, str]]:
    """An S3 server with a bucket, and the environment that leads there."""
    import boto3

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        given = {
            "S3_BUCKET": "media", "S3_ENDPOINT": f"http://{host}:{port}", "S3_REGION": "us-east-1",
            "S3_ACCESS_KEY": "a-key-of-the-test", "S3_SECRET_KEY": "a-secret-of-the-test",
        }  # fmt: skip
        client = boto3.client(
            "s3", endpoint_url=given["S3_ENDPOINT"], region_name="us-east-1",
            aws_access_key_id=given["S3_ACCESS_KEY"], aws_secret_access_key=given["S3_SECRET_KEY"],
        )  # fmt: skip
        client.create_bucket(Bucket="media")
        yield given
    finally:
        server.stop()


def last_line(said: str) -> Any:
    return json.loads(said.strip().splitlines()[-1])


def test_hosts_share_a_database_a_broker_and_a_bucket(tmp_path: Path, bucket: dict[str, str]) -> None:
    web, renders, rest = (tmp_path / name for name in ("web", "renders", "rest"))
    for folder in (web, renders, rest):
        folder.mkdir()
    with ExitStack() as stack:
        postgres = stack.enter_context(servers.postgres(tmp_path / "pg"))
        port = free_port()
        _master, _replica, watcher = stack.enter_context(servers.sentinel(tmp_path / "redis", patience=30))
        shared = {
            **bucket, "CELERY_BROKER_URL": f"sentinel://127.0.0.1:{watcher}/0", "STORYLOOM_PORT": str(port),
            "STORYLOOM_SECRET_KEY": SECRET,
            "DATABASE_URL": f"postgresql://storyloom:river@127.0.0.1:{postgres}/storyloom",
            "STORYLOOM_METRICS_TOKEN": "a-token-of-the-test",
        }  # fmt: skip
        manage(web, "set_up", timeout=400, **shared)
        server = stack.enter_context(running(web, "web", "--processes", "2", **shared))
        stack.enter_context(running(renders, "worker", "--queues", "render,gpu", **shared))
        stack.enter_context(running(rest, "worker", "--queues", "io,cpu", **shared))

        # What the web host takes in, another host imports; its files reach the first by the bucket.
        job = last_line(manage(web, "shell", "-c", IMPORT, **shared).stdout)
        told: list[Any] = []

        def imported() -> bool:
            told[:] = last_line(manage(web, "shell", "-c", LOOK.format(job=job), **shared).stdout)
            assert told[0] not in ("failed", "parked"), told
            return told[0] == "done"

        assert until(imported, seconds=200, every=1)
        ((path, here),) = told[2]
        assert here
        assert (rest / "media" / path).is_file()

        # Two processes answer, and either tells what both counted.
        address = f"http://127.0.0.1:{port}"
        assert until(lambda: _status(address) == 200, seconds=120, every=0.5)
        children = [pid for pid, line in alive_with(web).items() if "spawn_main" in line]
        assert len(children) == 2
        before = _counted(address)
        for _ in range(12):
            assert _status(address) == 200
        assert _counted(address) == before + 12
        server.kill()  # and its children with it: a port that nobody answers for would block the next one
        assert until(lambda: not alive_with(web), seconds=30)
    assert until(lambda: not any(alive_with(folder) for folder in (web, renders, rest)), seconds=30)


def _status(address: str) -> int:
    try:
        with urlopen(f"{address}/healthz", timeout=10) as answer:
            return int(answer.status)
    except OSError:
        return 0


def _counted(address: str) -> float:
    asked = Request(f"{address}/metrics", headers={"Authorization": "Bearer a-token-of-the-test"})
    with urlopen(asked, timeout=20) as answer:
        text = answer.read().decode()
    pattern = r'storyloom_http_seconds_count\{(?=[^}]*route="healthz")[^}]*status="200"[^}]*\} ([\d.e+]+)'
    return sum(float(each) for each in re.findall(pattern, text))


def certificate(folder: Path) -> tuple[Path, Path]:
    """A certificate for 127.0.0.1 that signs itself, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    pem, secret = folder / "redis.pem", folder / "redis.key"
    pem.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    secret.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return pem, secret


REACH = """
from django.core.cache import cache
from creator.celery import app
cache.set("boat", "afloat", 60)
print(cache.get("boat"), cache.incr("count") if cache.add("count", 1) else "")
with app.connection_for_write() as connection:
    connection.ensure_connection(max_retries=1, timeout=10)
    print("broker", connection.connected)
"""


def test_redis_with_tls_is_reached_only_with_its_certificate(tmp_path: Path) -> None:
    pem, key = certificate(tmp_path)
    port = free_port()
    secured = ["redis-server", "--tls-port", str(port), "--tls-cert-file", str(pem), "--tls-key-file", str(key),
               "--tls-ca-cert-file", str(pem), "--tls-auth-clients", "no"]  # fmt: skip
    data = tmp_path / "data"
    data.mkdir()
    with servers.redis(tmp_path / "redis", secured):
        given = {"CELERY_BROKER_URL": f"rediss://127.0.0.1:{port}/0", "STORYLOOM_SECRET_KEY": SECRET}
        said = manage(data, "shell", "-c", REACH, REDIS_CA=str(pem), **given).stdout
        assert "afloat 2" in said
        assert "broker True" in said
        with pytest.raises(AssertionError, match="CERTIFICATE_VERIFY_FAILED"):
            manage(data, "shell", "-c", REACH, **given)


def test_an_unknown_queue_is_named(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="There is no queue gpuu"):
        manage(tmp_path, "worker", "--queues", "io,gpuu")
