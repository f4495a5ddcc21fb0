"""An app in a real browser, served by a real Voila with the network of other hosts forbidden."""

from __future__ import annotations

import importlib.util
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
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from modelcompose import samples
from modelcompose.publish import report, serve_command, write_app, write_page
from modelcompose.publish.frozen import SCRIPT
from modelcompose.widgets import whatif

CHROMIUM = Path(os.environ.get("CHROMIUM", "/usr/bin/chromium"))
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
SENTENCE = ".jp-modelcompose-WhatIf-sentence"
CANARY = "canary-4711"


def need(found: bool, what: str) -> None:
    """Skip where something is not installed, but never in continuous integration."""
    if not found and os.environ.get("CI") == "true":
        pytest.fail(what)
    if not found:
        pytest.skip(what)


@pytest.fixture(scope="module")
def executed(tmp_path_factory) -> tuple[dict[str, Any], Path]:
    """The simple workflow, run with few draws by papermill in a process of its own."""
    folder = tmp_path_factory.mktemp("run")
    workflow = Path(__file__).parents[2] / "workflows" / "simple.ipynb"
    few = ["-p", "draws", "300", "-p", "tune", "400", "-p", "on_fail", "warn"]
    subprocess.run(
        [sys.executable, "-m", "papermill", str(workflow), "out.ipynb", "--no-progress-bar", *few],
        cwd=folder,
        env={**os.environ, "MODELCOMPOSE_RUN_FOLDER": str(folder)},
        check=True,
        capture_output=True,
    )
    nb = json.loads((folder / "out.ipynb").read_text("utf-8"))
    _soften(nb)
    return nb, folder


def _soften(nb: dict[str, Any]) -> None:
    """Few draws may fail a check; here the app is tested, so a failure counts as a warning."""
    for cell in nb["cells"]:
        for output in cell.get("outputs", []):
            verdict = output.get("data", {}).get("application/vnd.modelcompose.verdict.v1+json")
            if verdict and verdict["status"] == "fail":
                verdict["status"] = "warn"


@dataclass
class Served:
    url: str
    app: Path


@pytest.fixture(scope="module")
def served(executed, tmp_path_factory) -> Iterator[Served]:
    nb, folder = executed
    need((whatif.STATIC / "whatif.js").is_file(), "the widget's front end is missing: run jlpm build in extension")
    app = write_app(
        nb,
        tmp_path_factory.mktemp("apps") / "one",
        data=samples.path("sleepstudy"),
        posterior=folder / "posterior.nc",
        title="Sleep <script>alert(1)</script> & $x$",
    )
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {**os.environ, "JUPYTERHUB_API_TOKEN": CANARY, "MY_SECRET": CANARY}  # the command itself cleans it
    log = (app.parent.parent / "voila.log").open("w")
    server = subprocess.Popen(serve_command(app, port=port), env=environment, stdout=log, stderr=subprocess.STDOUT)
    try:
        _await(port, server)
        yield Served(f"http://127.0.0.1:{port}/", app)
    finally:
        server.terminate()
        server.wait(20)
        log.close()


def _await(port: int, server: subprocess.Popen[bytes]) -> None:
    for _ in range(200):
        try:
            socket.create_connection(("127.0.0.1", port), 0.5).close()
            return
        except OSError:
            assert server.poll() is None, "Voila ended at once"
            time.sleep(0.2)
    raise AssertionError("Voila did not listen")


def fetch(url: str) -> Any:
    return urllib.request.urlopen(url, timeout=120)  # noqa: S310  the server of this test


def foreign(html: str) -> list[str]:
    """The addresses of other hosts that a page would load something from."""
    return re.findall(r"""(?:src|href)=["']?(?:https?:)?//[^"'> ]+|@import|import\(["']https?:""", html)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    need(importlib.util.find_spec("playwright") is not None, "playwright is missing: pip install playwright")
    need(CHROMIUM.exists(), "chromium is missing: apt-get install chromium, or name it in CHROMIUM")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=str(CHROMIUM), args=ARGUMENTS)
        yield found
        found.close()


@pytest.fixture(scope="module")
def page(browser, served: Served) -> Iterator[Any]:
    """The app, opened once, with every address it asked for."""
    opened = browser.new_page()
    opened.asked, opened.refused, opened.dialogs = [], [], []
    opened.on("request", lambda request: opened.asked.append(request.url))
    opened.on("websocket", lambda websocket: opened.asked.append(websocket.url))
    opened.on("dialog", lambda dialog: (opened.dialogs.append(dialog.message), dialog.dismiss()))
    opened.on("console", lambda line: opened.refused.append(line.text) if "Content Security" in line.text else None)
    opened.goto(served.url, wait_until="commit", timeout=120_000)
    opened.wait_for_selector(SENTENCE, timeout=120_000)
    yield opened
    opened.close()


def test_only_this_machine_is_asked_for_anything(page):
    page.wait_for_timeout(2000)
    hosts = {urlsplit(url).hostname for url in page.asked if urlsplit(url).scheme in ("http", "https", "ws", "wss")}
    assert hosts == {"127.0.0.1"}
    assert page.refused == []  # the policy had nothing to forbid: nothing even tried


def test_moving_a_slider_changes_the_sentence(page):
    before = page.inner_text(SENTENCE)
    assert "The average of Reaction" in before
    page.locator(".jp-modelcompose-WhatIf input[type=range]").first.fill("9")
    page.wait_for_function(
        "([sentence, before]) => document.querySelector(sentence).innerText !== before",
        arg=[SENTENCE, before],
        timeout=20_000,
    )
    assert "Days = 9" in page.inner_text(SENTENCE)
    assert page.locator("svg.jp-modelcompose-Picture").count() == 1


def test_the_answer_and_the_checks_are_shown_and_text_stays_text(page):
    text = page.inner_text("body")
    assert "Sleep <script>alert(1)</script> & $x$" in text
    for heading in ("The answer", "What if?", "How far it can be trusted", "How this was made"):
        assert heading in text
    assert page.locator("details.mc-card").count() == 7
    assert page.dialogs == []
    assert not page.locator(".mc-waiting").is_visible()


def test_no_source_reaches_the_browser(served: Served, page):
    html = fetch(served.url).read().decode()
    for source in ("mc.build", "mc.load", "open_datatree", "import modelcompose", "%%capture", "random_seed ="):
        assert source not in html
        assert source not in page.content()
    assert foreign(html) == []


@pytest.mark.parametrize(
    "path",
    [
        *(
            f"{place}{name}"
            for place in ("", "voila/files/")
            for name in ("app.ipynb", "sleepstudy.csv", "posterior.nc")
        ),
        "voila/files/%2e%2e/app.ipynb",
        "voila/static/..%2fapp.ipynb",
        "voila/templates/modelcompose/static/app.ipynb",
        "voila/tree",
        "voila/api/contents/app.ipynb",
        "voila/labextensions/%2e%2e/%2e%2e/app.ipynb",
        "voila/api/themes/..%2f..%2fapp.ipynb",
        "voila/render/app.ipynb",
        *(f"api/{name}" for name in ("contents/app.ipynb", "contents", "kernels", "sessions", "terminals", "me")),
        *("files/app.ipynb", "nbconvert/html/app.ipynb", "lab", "tree", "login", "metrics", "modelcompose/api/schema"),
    ],
)
def test_no_file_of_the_app_is_handed_out(served: Served, path: str):
    with pytest.raises(urllib.error.HTTPError) as refused:
        fetch(served.url + path)
    assert refused.value.code in (403, 404)
    assert foreign(refused.value.read().decode()) == []


ATTACK = """async ([kernel, code]) => {
  const socket = new WebSocket(`ws://${location.host}/api/kernels/${kernel}/channels?session_id=me`);
  const seen = [];
  const ask = (msg_type, content, channel) => socket.send(JSON.stringify({
    channel, content, parent_header: {}, metadata: {}, buffers: [],
    header: { msg_type, msg_id: crypto.randomUUID(), session: 'me', username: 'me', version: '5.3', date: '' }
  }));
  await new Promise(opened => socket.addEventListener('open', opened));
  socket.binaryType = 'arraybuffer';
  const answered = new Promise(done => socket.addEventListener('message', event => {
    const text = typeof event.data === 'string' ? event.data : new TextDecoder('latin1').decode(event.data);
    seen.push(text);
    if (text.includes('kernel_info_reply')) { setTimeout(done, 3000); }
  }));
  const run = { code, silent: false, store_history: false, user_expressions: {}, allow_stdin: false };
  ask('execute_request', run, 'shell');
  ask('execute_request', run, 'control');
  ask('inspect_request', { code: 'analysis', cursor_pos: 8, detail_level: 1 }, 'shell');
  ask('complete_request', { code: 'ana', cursor_pos: 3 }, 'shell');
  ask('history_request', { output: true, raw: true, hist_access_type: 'tail', n: 99 }, 'shell');
  ask('kernel_info_request', {}, 'shell');
  await answered;
  socket.close();
  return seen;
}"""


def test_a_reader_can_neither_run_nor_read_code_through_the_kernel(served: Served, page, tmp_path: Path):
    (kernel,) = set(re.findall(r'kernelId"?: "([0-9a-f-]{36})"', page.content()))
    code = f"open({str(tmp_path / 'broken-in')!r}, 'w').write('x')"
    seen = "".join(page.evaluate(ATTACK, [kernel, code]))
    assert "kernel_info_reply" in seen
    for answer in ("execute_reply", "inspect_reply", "complete_reply", "history_reply", "execute_input"):
        assert answer not in seen
    assert not (tmp_path / "broken-in").exists()


@pytest.mark.parametrize("query", ["?template=classic&voila-template=classic&theme=dark"])
def test_the_address_cannot_change_the_template(served: Served, query: str):
    with fetch(served.url + query) as answer:
        assert "connect-src 'self'" in answer.headers["Content-Security-Policy"]
        assert foreign(answer.read().decode()) == []


def test_neither_server_nor_kernel_inherits_secrets(served: Served, page):
    seen = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if (
                "ipykernel" in (process / "cmdline").read_text()
                and process.joinpath("cwd").resolve() == served.app.parent
            ):
                seen.append((process / "environ").read_text())
        except OSError:
            continue
    if not Path("/proc/self/environ").exists():
        pytest.skip("this system does not show the environment of processes")
    assert len(seen) >= 2
    assert CANARY not in "".join(seen)


@pytest.mark.parametrize("depth", ["decision-maker", "analyst", "statistician"])
def test_a_reader_chooses_the_depth_of_a_report_by_keyboard_without_scripts(browser, executed, tmp_path, depth):
    path = tmp_path / "report.html"
    path.write_text(report(executed[0]), "utf-8")
    context = browser.new_context(java_script_enabled=False, offline=True)
    opened = context.new_page()
    opened.goto(path.as_uri())
    opened.focus("#depth-decision-maker")
    opened.keyboard.press("Space")
    for _ in range(["decision-maker", "analyst", "statistician"].index(depth)):
        opened.keyboard.press("ArrowRight")
    assert opened.is_checked(f"#depth-{depth}")
    assert opened.is_visible(".mc-answer")
    shown = [opened.locator(f".{name} >> visible=true").count() > 0 for name in ("mc-analyst", "mc-statistician")]
    assert shown == [depth != "decision-maker", depth == "statistician"]
    context.close()


def test_a_frozen_page_answers_from_a_folder_with_the_network_off(browser, executed, tmp_path):
    import xarray as xr

    from modelcompose import catalog
    from modelcompose.analysis import Analysis
    from modelcompose.data import load
    from modelcompose.publish.whatif import Scenarios

    nb, folder = executed
    need(SCRIPT.is_file(), "the page's script is missing: run jlpm build in extension")
    analysis = Analysis.read(nb).changed({"data": str(samples.path("sleepstudy"))})
    dataset = load(analysis.data, analysis.kinds)
    analysis = catalog.complete(analysis, dataset)
    table = dataset.complete_rows(analysis.columns)
    with xr.open_datatree(folder / "posterior.nc", engine="h5netcdf") as dt:
        frozen = Scenarios(analysis, table, catalog.build(analysis, table), dt.load()).frozen()
    path = write_page(nb, tmp_path / "page.html", lambda: frozen, title="Sleep <script>alert(1)</script>")
    assert path.stat().st_size < 1_000_000
    context = browser.new_context(offline=True)
    opened = context.new_page()
    asked, told = [], []
    opened.on("request", lambda request: asked.append(request.url))
    opened.on("dialog", lambda dialog: (told.append(dialog.message), dialog.dismiss()))
    opened.on("console", lambda line: told.append(line.text) if line.type == "error" else None)
    opened.goto(path.as_uri())
    opened.wait_for_selector(SENTENCE)
    before = opened.inner_text(SENTENCE)
    opened.locator(".jp-modelcompose-WhatIf input[type=range]").first.fill("9")
    after = opened.inner_text(SENTENCE)
    assert "Days = 9" in after
    assert after != before
    opened.locator(".jp-modelcompose-WhatIf select").first.select_option("308")
    assert "in Subject 308" in opened.inner_text(SENTENCE)
    assert told == []
    assert [url for url in asked if not url.startswith(("file:", "data:"))] == []
    context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1100])
def test_a_report_runs_nothing_fetches_nothing_and_fits_the_screen(browser, executed, tmp_path, scheme, width):
    nb, _ = executed
    path = tmp_path / "report.html"
    path.write_text(report(nb, title="<script>alert(1)</script>"), "utf-8")
    opened = browser.new_page(viewport={"width": width, "height": 800}, color_scheme=scheme)
    asked: list[str] = []
    opened.on("request", lambda request: asked.append(request.url))
    opened.goto(path.as_uri())
    assert [url for url in asked if not url.startswith(("file:", "data:"))] == []
    assert opened.evaluate("document.documentElement.scrollWidth") <= width
    broken = "[...document.images].filter(image => !image.complete || !image.naturalWidth).length"
    assert opened.evaluate(broken) == 0
    assert opened.evaluate("document.images.length") == 8
    opened.close()
