"""Real Redis and PostgreSQL on free ports, started for a test and ended after it."""

from __future__ import annotations

import os
import pwd
import signal
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tests.processes import free_port, until


def _answers(*command: str) -> bool:
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


@contextmanager
def _server(command: Sequence[str], ready: Sequence[str], log: Path, user: str | None = None) -> Iterator[None]:
    with log.open("ab") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output, user=user, cwd=log.parent)
    try:
        assert until(lambda: process.poll() is not None or _answers(*ready), seconds=30), log.read_text()
        assert process.poll() is None, log.read_text()
        yield
    finally:
        process.terminate()
        try:
            process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextmanager
def redis(folder: Path, command: Sequence[str] = ("redis-server",), *, port: int = 0) -> Iterator[int]:
    """A Redis, its port: `port`, or a free one."""
    port = port or free_port()
    folder.mkdir(parents=True, exist_ok=True)
    whole = [*command, "--port", str(port), "--bind", "127.0.0.1", "--dir", str(folder)]
    with _server(whole, ["redis-cli", "-p", str(port), "ping"], folder / "redis.log"):
        yield port


def kill_redis(port: int) -> None:
    """kill -9 of the Redis of a port."""
    said = _said("-p", str(port), "info", "server")
    os.kill(int(said.partition("process_id:")[2].split()[0]), signal.SIGKILL)


@contextmanager
def sentinel(folder: Path, *, name: str = "storyloom", patience: float = 1) -> Iterator[tuple[int, int, int]]:
    """A Redis, its replica, and a Sentinel that makes the replica master when the first is gone for `patience` seconds:
    their ports."""
    with ExitStack() as stack:
        master = stack.enter_context(redis(folder / "redis"))
        follow = ["redis-server", "--replicaof", "127.0.0.1", str(master)]
        replica = stack.enter_context(redis(folder / "replica", follow))
        assert until(lambda: "master_link_status:up" in _said("-p", str(replica), "info", "replication"), seconds=30)
        conf = folder / "sentinel.conf"
        conf.write_text(
            f"sentinel monitor {name} 127.0.0.1 {master} 1\n"
            f"sentinel down-after-milliseconds {name} {1000 * patience:.0f}\nsentinel failover-timeout {name} 5000\n"
        )
        watcher = stack.enter_context(redis(folder / "sentinel", ["redis-server", str(conf), "--sentinel"]))
        assert until(lambda: "slaves=1" in _said("-p", str(watcher), "info", "sentinel"), seconds=30)
        yield master, replica, watcher


def master_of(watcher: int, *, name: str = "storyloom") -> int:
    """The port of the Redis that a Sentinel calls master."""
    return int(_said("-p", str(watcher), "sentinel", "get-master-addr-by-name", name).split()[1])


def _said(*args: str) -> str:
    return subprocess.run(["redis-cli", *args], check=True, capture_output=True, text=True).stdout


def postgres_programs() -> Path:
    """Where Debian keeps initdb and postgres, newest version first."""
    return sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: -int(path.parent.name))[0]


@contextmanager
def postgres(folder: Path, *, user: str = "storyloom", password: str = "river") -> Iterator[int]:
    """A PostgreSQL with a superuser and a database of that name, its port. As root, Debian's `postgres` runs it."""
    owner = "postgres" if os.geteuid() == 0 else None
    port = free_port()
    folder.mkdir(parents=True, exist_ok=True)
    secret = folder / "password"
    secret.write_text(password)
    if owner:
        entry = pwd.getpwnam(owner)
        for path in (folder, secret):
            os.chown(path, entry.pw_uid, entry.pw_gid)
        for parent in folder.parents:  # pytest's folders are closed to others
            if parent.stat().st_uid == 0 and str(parent).startswith("/tmp/"):
                parent.chmod(0o755)
    programs = postgres_programs()
    data = folder / "data"
    made = [str(programs / "initdb"), "-D", str(data), "-U", user, "--pwfile", str(secret), "-A", "scram-sha-256"]
    subprocess.run(made, check=True, capture_output=True, user=owner, cwd=folder)
    command = [str(programs / "postgres"), "-D", str(data), "-p", str(port), "-h", "127.0.0.1", "-k", str(folder)]
    ready = ["pg_isready", "-h", "127.0.0.1", "-p", str(port)]
    environment = {**os.environ, "PGPASSWORD": password}
    with _server(command, ready, folder / "postgres.log", owner):
        createdb = ["createdb", "-h", "127.0.0.1", "-p", str(port), "-U", user, user]
        subprocess.run(createdb, check=True, capture_output=True, env=environment)
        yield port
