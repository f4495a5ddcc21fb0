"""Whoever wants to know that a run has ended is told once; what goes wrong with that harms nobody."""

from __future__ import annotations

import json
import socketserver
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from modelcompose.runs import notify

from .conftest import notebook


class Hook(BaseHTTPRequestHandler):
    """Takes what is posted, and is out of order the first time."""

    heard: list[dict[str, Any]]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.heard.append(json.loads(body))
        self.send_response(503 if len(self.heard) == 1 else 204)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        pass


class Mail(socketserver.StreamRequestHandler):
    """A mail server that takes one letter."""

    letters: list[str]

    def handle(self) -> None:
        self.wfile.write(b"220 here\r\n")
        lines: list[str] | None = None
        while line := self.rfile.readline().decode().rstrip("\r\n"):
            if line.upper() == "DATA":
                self.wfile.write(b"354 go on\r\n")
                lines = []
                while (part := self.rfile.readline().decode().rstrip("\r\n")) != ".":
                    lines.append(part)
                self.letters.append("\n".join(lines))
            self.wfile.write(b"221 bye\r\n" if line.upper() == "QUIT" else b"250 ok\r\n")


@pytest.fixture
def servers() -> Any:
    """A webhook and a mail server, and what they have heard."""
    hook = type("OneHook", (Hook,), {"heard": []})
    mail = type("OneMail", (Mail,), {"letters": []})
    both = [HTTPServer(("127.0.0.1", 0), hook), socketserver.ThreadingTCPServer(("127.0.0.1", 0), mail)]
    for one in both:
        threading.Thread(target=one.serve_forever, daemon=True).start()
    yield both[0].server_address[1], both[1].server_address[1], hook.heard, mail.letters
    for one in both:
        one.shutdown()
        one.server_close()


def test_the_end_of_a_run_is_told_once_by_every_way(
    store: Any, create: Any, servers: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    web, post, heard, letters = servers
    monkeypatch.setattr(notify, "PAUSES", (0.0, 0.0, 0.0))
    monkeypatch.setenv("MODELCOMPOSE_NOTIFY_WEBHOOK", f"http://127.0.0.1:{web}/hook")
    monkeypatch.setenv("MODELCOMPOSE_NOTIFY_EMAIL", "me@example.org, you@example.org")
    monkeypatch.setenv("MODELCOMPOSE_NOTIFY_SMTP", f"127.0.0.1:{post}")
    run = create(notebook(), name="told")
    notify.ended(store, run)
    assert (heard, letters) == ([], []), "it still waits"
    run = store.finish(run.id, status="warned", message="Few rows.")

    notify.ended(store, create(notebook(), parent=run.id))
    monkeypatch.setenv("MODELCOMPOSE_NOTIFY_PRIVATE", "true")
    for _ in range(2):
        notify.ended(store, run)
    assert [one["run"]["status"] for one in heard] == ["warned", "warned"], "once more, since it was out of order"
    assert heard[1]["text"] == f"Run told ({run.id[:8]}) has ended: warned. Few rows."
    assert len(letters) == 1
    assert "Subject: told: warned" in letters[0]
    assert "Few rows." in letters[0]
    assert caplog.text == ""


@pytest.mark.parametrize(
    ("address", "why"),
    [
        ("http://127.0.0.1:9/", "is an address of this machine or its network"),
        ("http://[::1]:9/", "is an address of this machine"),
        ("http://169.254.169.254/latest", "is an address of this machine"),
        ("file:///etc/passwd", "is not an address of the web"),
    ],
)
def test_addresses_that_are_not_for_everybody_are_refused(
    store: Any,
    create: Any,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    address: str,
    why: str,
) -> None:
    monkeypatch.setenv("MODELCOMPOSE_NOTIFY_WEBHOOK", address)
    run = store.finish(create(notebook()).id, status="passed", message="")
    notify.ended(store, run)
    assert why in caplog.text
    assert store.get(run.id).status == "passed"
