"""JupyterLab as a user has it: started with ``modelcompose lab``, driven through its page."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import modelcompose

TOKEN = "browser-test"  # noqa: S105  a server of this test, on this machine
FRONT_END = Path(modelcompose.__file__).parent / "labextensions"
MINUTE = 60_000

# The notebook in front, through the model that co-editors share: what the page holds, not what is on disk.
NOTEBOOK = "const cells = jupyterapp.shell.currentWidget.content.model.sharedModel.cells;"
FIND = NOTEBOOK + "const find = name => cells.find(cell => cell.id === name);"


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """Start JupyterLab on an empty workspace and say where it answers."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    places = {f"JUPYTER_{name}_DIR": str(folder / name) for name in ("CONFIG", "DATA", "RUNTIME")}
    options = [f"--port={port}", f"--IdentityProvider.token={TOKEN}", "--no-browser", "--expose-app-in-browser"]
    if FRONT_END.is_dir():
        options.append(f"--LabApp.extra_labextensions_path={FRONT_END}")
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        options.append("--allow-root")
    log = (folder / "lab.log").open("w")
    server = subprocess.Popen(
        [sys.executable, "-m", "modelcompose.cli", "lab", str(folder / "workspace"), *options],
        env={**os.environ, **places},
        stdout=log,
        stderr=subprocess.STDOUT,
    )
    url = f"http://127.0.0.1:{port}/"
    try:
        _await(url, server, folder / "lab.log")
        yield url
    finally:
        server.terminate()
        server.wait(30)
        log.close()


def _await(url: str, server: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(300):
        try:
            urllib.request.urlopen(f"{url}api/status?token={TOKEN}", timeout=5).close()  # noqa: S310
            return
        except (OSError, urllib.error.URLError):
            assert server.poll() is None, log.read_text()
            time.sleep(0.2)
    raise AssertionError("JupyterLab did not answer")


class Lab:
    """What a user sees of the guide and the notebook in front, and does with them."""

    def __init__(self, page: Any, workspace: Path) -> None:
        self.page, self.workspace = page, workspace
        self.guide = page.locator(".jp-modelcompose-Guide")

    # -- the guide ---------------------------------------------------------------------------------------------

    def tab(self, name: str) -> None:
        self.guide.locator(".jp-modelcompose-Tabs").get_by_text(name, exact=True).click()

    def press(self, name: str) -> None:
        self.guide.get_by_role("button", name=name, exact=True).click()

    def step(self, title: str) -> Any:
        return self.guide.locator(
            ".jp-modelcompose-Step", has=self.page.locator(".jp-modelcompose-Step-title", has_text=title)
        )

    def titles(self) -> list[str]:
        texts = self.guide.locator(".jp-modelcompose-Step-title").all_inner_texts()
        return [text.strip() for text in texts]

    def words(self) -> list[str]:
        return [text.strip() for text in self.guide.locator(".jp-modelcompose-Step-word").all_inner_texts()]

    def next(self) -> str:
        """Press "Next" and wait until its step is done; return what it then says."""
        button = self.guide.locator(".jp-modelcompose-Controls button.jp-mod-primary")
        title = button.inner_text().removeprefix("Next: ")
        button.click()
        return self.done(title)

    def done(self, title: str) -> str:
        """Wait until a step has been judged and the guide waits for the user."""
        word = self.step(title).locator(".jp-modelcompose-Step-word")
        self.page.wait_for_function(
            "word => !['To do', 'Running', 'Out of date'].includes(word.innerText.trim())"
            " && !document.querySelector('.jp-modelcompose-Workflow .jp-modelcompose-Busy')",
            arg=word.element_handle(),
            timeout=2 * MINUTE,
        )
        return str(word.inner_text()).strip()

    def wait(self, text: str, *, gone: bool = False, timeout: int = MINUTE) -> None:
        found = self.guide.get_by_text(text).first
        found.wait_for(state="hidden" if gone else "visible", timeout=timeout)

    # -- JupyterLab --------------------------------------------------------------------------------------------

    def command(self, name: str, **arguments: Any) -> None:
        self.page.evaluate(
            "async ([name, args]) => { await jupyterapp.commands.execute(name, args); }", [name, arguments]
        )

    def current(self) -> str:
        return str(self.page.evaluate("jupyterapp.shell.currentWidget?.context?.path ?? ''"))

    def open(self, path: str) -> None:
        self.command("docmanager:open", path=path)
        self.page.wait_for_function("path => jupyterapp.shell.currentWidget?.context?.path === path", arg=path)

    def source(self, cell: str) -> str:
        return str(self.page.evaluate(f"name => {{ {FIND} return find(name).getSource(); }}", cell))

    def write(self, cell: str, source: str) -> None:
        self.page.evaluate(f"([name, text]) => {{ {FIND} find(name).setSource(text); }}", [cell, source])

    def choose(self, **choices: Any) -> None:
        """Change the parameters cell as somebody would who types into it."""
        source = self.source("parameters")
        for name, value in choices.items():
            source, found = re.subn(rf"(?m)^{name} = .*$", f"{name} = {value!r}", source)
            assert found == 1, name
        self.write("parameters", source)

    def outputs(self) -> dict[str, dict[str, Any]]:
        """Return the data of the last output with a verdict, by step."""
        found = self.page.evaluate(f"(() => {{ {NOTEBOOK} return cells.map(cell => cell.toJSON()); }})()")
        mime = "application/vnd.modelcompose.verdict.v1+json"
        judged = [one["data"] for cell in found for one in cell.get("outputs", []) if mime in one.get("data", {})]
        return {data[mime]["step"]: {"verdict": data[mime], "html": text(data["text/html"])} for data in judged}

    def judged(self) -> dict[str, list[tuple[str, str, str]]]:
        """Return what each step found: the verdict and every finding with its value, but not how long it took."""
        return {
            step: [("", output["verdict"]["status"], re.sub(r" in [\d.]+ seconds", "", output["verdict"]["sentence"]))]
            + [(one["name"], one["status"], one["shown"]) for one in output["verdict"]["findings"]]
            for step, output in self.outputs().items()
        }

    def in_front(self, name: str) -> None:
        """Bring a sidebar panel to the front."""
        self.page.evaluate("name => jupyterapp.shell.activateById(name)", name)


def text(value: str | list[str]) -> str:
    """Return the text of HTML in nbformat's form, without its tags."""
    whole = value if isinstance(value, str) else "".join(value)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", whole))


def drop(page: Any, selector: str, name: str, content: str) -> None:
    """Drop a file on an element as from the desktop."""
    page.evaluate(
        """([selector, name, content]) => {
            const files = new DataTransfer();
            files.items.add(new File([content], name));
            const zone = document.querySelector(selector);
            for (const type of ['dragover', 'drop']) {
                zone.dispatchEvent(new DragEvent(type, {bubbles: true, cancelable: true, dataTransfer: files}));
            }
        }""",
        [selector, name, content],
    )


def contrasts(page: Any, selector: str) -> dict[str, float]:
    """Return WCAG's contrast of the text of each element against what lies behind it."""
    return json.loads(
        page.evaluate(
            """selector => {
                const canvas = document.createElement('canvas').getContext('2d', {willReadFrequently: true});
                const paint = color => {
                    canvas.fillStyle = color;
                    canvas.fillRect(0, 0, 1, 1);
                    return [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3);
                };
                const light = color => color
                    .map(one => one / 255)
                    .map(one => one <= 0.04045 ? one / 12.92 : ((one + 0.055) / 1.055) ** 2.4)
                    .reduce((sum, one, at) => sum + one * [0.2126, 0.7152, 0.0722][at], 0);
                const layers = element => element
                    ? [...layers(element.parentElement), getComputedStyle(element).backgroundColor] : ['white'];
                const ratio = element => {
                    const behind = light(layers(element).map(paint).at(-1));
                    const front = light(paint(getComputedStyle(element).color));
                    return (Math.max(front, behind) + 0.05) / (Math.min(front, behind) + 0.05);
                };
                const found = [...document.querySelectorAll(selector)].filter(one => one.offsetParent);
                return JSON.stringify(Object.fromEntries(found.map(one => [one.innerText, ratio(one)])));
            }""",
            selector,
        )
    )
