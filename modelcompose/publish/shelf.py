"""What has been published: a small file for each report, page and app, which says what it was made of.

A publication is known by its path in the workspace. Taking one away removes the files that were written for it and
nothing else, whatever somebody may have put beside them.
"""

from __future__ import annotations

import hashlib
import json
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from modelcompose.publish.report import installed
from modelcompose.workflow.notebook import source_of

__all__ = ["MODES", "Mode", "Publication", "Shelf", "changed", "code_of", "now"]

Mode = Literal["report", "page", "app"]
MODES: tuple[Mode, ...] = ("report", "page", "app")
CHOICES = frozenset({"parameters", "injected-parameters"})
PATIENCE = 0.2


class Publication(BaseModel):
    """One report, page or app, and what it was made of."""

    model_config = ConfigDict(frozen=True)

    path: str = Field(description="The file that opens it, relative to the workspace.")
    mode: Mode
    format: str = "html"
    files: tuple[str, ...] = Field(description="Every file that was written for it, relative to the workspace.")
    run: str = Field(description="The id of the run.")
    name: str = Field("", description="What the run is called.")
    notebook: str = ""
    when: str = Field("", description="When it was published, ISO time with offset.")
    choices: dict[str, Any] = Field(default_factory=dict, description="The choices of the run.")
    sources: list[dict[str, Any]] = Field(
        default_factory=list, description="The data and other files that the choices name, with their SHA-256."
    )
    code: dict[str, str] = Field(default_factory=dict, description="The notebook when it was published; see code_of.")
    versions: dict[str, str] = Field(default_factory=dict, description="The libraries that computed it.")


class Shelf:
    """The publications of one workspace.

    Parameters
    ----------
    workspace
        The folder of the workspace; what is internal lies in its ``.modelcompose``.
    """

    def __init__(self, workspace: Path) -> None:
        self._workspace = Path(workspace)
        self._home = self._workspace / ".modelcompose" / "published"

    def put(self, one: Publication) -> Publication:
        """Note a publication; an earlier one of the same path is replaced."""
        self._home.mkdir(parents=True, exist_ok=True)
        note = self._note(one.path)
        part = note.with_suffix(".part")
        part.write_text(one.model_dump_json(indent=1), "utf-8")
        part.replace(note)
        return one

    def all(self) -> list[Publication]:
        """List what is published and still there, the newest first."""
        return sorted(self._there(), key=lambda one: one.when, reverse=True)

    def _there(self) -> Iterator[Publication]:
        for note in self._home.glob("*.json"):
            with suppress(OSError, ValidationError):
                one = Publication.model_validate_json(note.read_text("utf-8"))
                if (self._workspace / one.path).is_file():
                    yield one

    def take(self, one: Publication) -> None:
        """Remove a publication: the files that were written for it, and the folders that are empty then."""
        paths = [self._workspace / file for file in one.files]
        for path in paths:
            if path.resolve().is_relative_to(self._workspace.resolve()):
                path.unlink(missing_ok=True)
        for folder in sorted({path.parent for path in paths}, key=lambda path: len(path.parts), reverse=True):
            if folder != self._workspace:
                with suppress(OSError):
                    folder.rmdir()
        self._note(one.path).unlink(missing_ok=True)

    def _note(self, path: str) -> Path:
        return self._home / f"{hashlib.sha256(path.encode()).hexdigest()[:20]}.json"

    # -- apps that are served ------------------------------------------------------------------------------------

    @contextmanager
    def served(self, path: str, url: str, port: int) -> Iterator[None]:
        """Note that an app is served, for as long as it is."""
        self._home.mkdir(parents=True, exist_ok=True)
        note = self._home / f"served-{port}.txt"
        note.write_text(json.dumps({"path": path, "url": url, "port": port}), "utf-8")
        try:
            yield
        finally:
            note.unlink(missing_ok=True)

    def urls(self) -> dict[str, str]:
        """Return where apps are served on this machine, by their path; one that does not answer is not named."""
        found = {}
        for note in self._home.glob("served-*.txt"):
            with suppress(OSError, ValueError, KeyError, TypeError):
                told = json.loads(note.read_text("utf-8"))
                socket.create_connection(("127.0.0.1", int(told["port"])), PATIENCE).close()
                found[str(told["path"])] = str(told["url"])
        return found


def code_of(nb: Mapping[str, Any]) -> dict[str, str]:
    """Return what tells whether a notebook has changed: the digest of its ``choices``, and of its other ``code``."""
    parts: dict[str, list[str]] = {"choices": [], "code": []}
    for cell in nb.get("cells", []):
        if cell.get("cell_type") == "code":
            tags = set(cell.get("metadata", {}).get("tags") or [])
            parts["choices" if tags & CHOICES else "code"].append(source_of(cell).strip())
    return {name: hashlib.sha256(json.dumps(texts).encode()).hexdigest() for name, texts in parts.items()}


def changed(one: Publication, nb: Mapping[str, Any] | None) -> list[str]:
    """Say what of the notebook and the libraries is no longer as it was when something was published.

    Parameters
    ----------
    one
        What was published.
    nb
        Its notebook as it is now; None when it is gone.
    """
    said = []
    if one.code and nb is None:
        said.append(f"the notebook {one.notebook!r} is not there any more")
    now = code_of(nb) if nb is not None else {}
    words = {"choices": "choices", "code": "code"}
    said += [
        f"the {words[name]} of the notebook {one.notebook!r} changed"
        for name, digest in one.code.items()
        if name in words and now and now[name] != digest
    ]
    for name, before in one.versions.items():
        after = installed(name)
        if after and after != before:
            said.append(f"{name} {after} is installed, and {before} computed it")
    return said


def now() -> str:
    """Return the time, as ISO text with offset."""
    return datetime.now(UTC).isoformat(timespec="seconds")
