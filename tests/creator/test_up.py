"""`up`: a page in seconds, a link that works once, and nothing left behind."""

from __future__ import annotations

import re
import signal
from http.client import HTTPConnection
from pathlib import Path

import pytest

from tests.processes import alive_with, free_port, running, start, until


def status_of(port: int, path: str) -> tuple[int, dict[str, str]]:
    connection = HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}
    except OSError:
        return 0, {}
    finally:
        connection.close()


@pytest.mark.slow
@pytest.mark.timeout(120)
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_it_answers_signs_in_and_stops_cleanly(tmp_path: Path, how: signal.Signals) -> None:
    port = free_port()
    process = start(tmp_path, "up", "--port", str(port))
    try:
        assert until(lambda: status_of(port, "/healthz")[0] == 200, seconds=40)
        log = tmp_path / "up.log"
        assert until(lambda: "sesame=" in log.read_text(), seconds=20)
        link = re.search(r"(/sign-in/link/\S+)", log.read_text())
        assert link
        first, headers = status_of(port, link[1])
        assert first == 302
        assert "storyloom=" in headers["set-cookie"]
        assert "storyloom=" not in status_of(port, link[1])[1].get("set-cookie", "")
        process.send_signal(how)
        assert process.wait(timeout=25) == 0
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
    assert until(lambda: not alive_with(tmp_path), seconds=3), alive_with(tmp_path)


@pytest.mark.slow
@pytest.mark.timeout(90)
def test_a_killed_up_leaves_nothing_behind(tmp_path: Path) -> None:
    port = free_port()
    with running(tmp_path, "up", "--port", str(port)) as process:
        assert until(lambda: status_of(port, "/healthz")[0] == 200, seconds=40)
        process.kill()
        process.wait()
        assert until(lambda: not alive_with(tmp_path), seconds=20), alive_with(tmp_path)


@pytest.mark.slow
def test_a_taken_port_is_said_with_the_way_out(tmp_path: Path) -> None:
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        process = start(tmp_path, "up", "--port", str(taken.getsockname()[1]))
        assert process.wait(timeout=30) == 1
    assert "STORYLOOM_PORT=" in (tmp_path / "up.log").read_text()
