"""Tell people that a run has ended: by a webhook and by e-mail, as ``modelcompose.toml`` asks for; see ``settings``.

The panel in JupyterLab tells it by itself. What goes wrong here is logged and never changes how the run ended.
"""

from __future__ import annotations

import ipaddress
import logging
import os
import smtplib
import socket
import ssl
from collections.abc import Mapping
from email.message import EmailMessage
from time import sleep
from urllib.parse import urlsplit

from modelcompose.errors import Forbidden, InvalidInput
from modelcompose.runs.run import ENDED, Run
from modelcompose.runs.settings import OfNotices, Settings
from modelcompose.runs.store import RunStore

__all__ = ["ended"]

PASSWORD = "MODELCOMPOSE_NOTIFY_PASSWORD"  # noqa: S105
TOLD = "told"
SECONDS = 10.0
PAUSES = (0.0, 1.0, 5.0)
"""Seconds before each attempt."""

logger = logging.getLogger("modelcompose.runs.notify")


def ended(store: RunStore, run: Run) -> None:
    """Tell whoever wants to know that a run has ended; a round of autopilot or a run of a sweep is not worth a word.

    Every end is told once, whichever process notices it.
    """
    notices = Settings.of(store.workspace).notify
    if run.status not in ENDED or run.parent or not (notices.webhook or notices.email):
        return
    told = store.folder(run.id) / f"{TOLD}-{run.attempt}"
    try:
        told.touch(exist_ok=False)
    except OSError:
        return
    for way in (_by_webhook, _by_mail):
        try:
            way(notices, run)
        except Exception as error:
            logger.warning("The end of run %s could not be told: %s: %s", run.id[:8], type(error).__name__, error)


def _by_webhook(notices: OfNotices, run: Run) -> None:
    if not notices.webhook:
        return
    import httpx

    content = {
        "event": "run-ended",
        "text": _sentence(run),
        "run": run.model_dump(mode="json", exclude={"lineage", "verdicts"}),
    }
    address = _address(notices.webhook, private=notices.private)
    for at, pause in enumerate(PAUSES):
        sleep(pause)
        try:
            # Not followed elsewhere: a redirect could lead to an address that was not looked at.
            answer = httpx.post(address, json=content, timeout=SECONDS, follow_redirects=False)
            if answer.status_code < 500:
                answer.raise_for_status()
                return
        except httpx.TransportError:
            if at == len(PAUSES) - 1:
                raise
    raise OSError(f"{urlsplit(notices.webhook).hostname} answers {answer.status_code}")


def _address(url: str, *, private: bool) -> str:
    """Return the address if it may be called.

    Raises
    ------
    InvalidInput
        When it is none.
    Forbidden
        When it leads to this machine or its network although that is not allowed.
    """
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise InvalidInput(f"{url!r} is not an address of the web", where="notify.webhook")
    if private:
        return url
    for *_, place in socket.getaddrinfo(parts.hostname, parts.port or parts.scheme, type=socket.SOCK_STREAM):
        if not ipaddress.ip_address(str(place[0]).partition("%")[0]).is_global:
            raise Forbidden(
                f"{parts.hostname} is an address of this machine or its network",
                where="notify.webhook",
                remedy="Set private = true if that is meant.",
            )
    return url


def _by_mail(notices: OfNotices, run: Run, environment: Mapping[str, str] = os.environ) -> None:
    if not notices.email:
        return
    message = EmailMessage()
    message["Subject"] = f"{run.name}: {run.status}".replace("\n", " ").replace("\r", " ")
    message["From"] = notices.sender or notices.user or "modelcompose@localhost"
    message["To"] = notices.email
    facts = {"notebook": run.notebook, "model": run.model, "executed": run.executed or "", "run": run.id}
    lines = [_sentence(run), "", *(f"{name}: {value}" for name, value in facts.items() if value)]
    message.set_content("\n".join(lines))
    host, _, port = (notices.smtp or "localhost").partition(":")
    with smtplib.SMTP(host, int(port or 25), timeout=SECONDS) as server:
        server.ehlo()
        if server.has_extn("starttls"):
            server.starttls(context=ssl.create_default_context())
        if notices.user:
            server.login(notices.user, environment.get(PASSWORD, ""))
        server.send_message(message)


def _sentence(run: Run) -> str:
    return f"Run {run.name} ({run.id[:8]}) has ended: {run.status}. {run.message}".strip()
