"""A live app: the stored answer and checks, and sliders over the stored draws, served by Voila.

An app is a folder of its own, so that nothing else lies beside it. Voila runs in a process
with a cleaned environment, since the app's kernel inherits it, and with our own page, which loads nothing from other
hosts.
"""

from __future__ import annotations

import ast
import json
import os
import shutil
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import modelcompose
from modelcompose.analysis import literal
from modelcompose.errors import NotFound
from modelcompose.publish.story import Story, environment, read
from modelcompose.workflow.notebook import source_of, step_of

__all__ = ["clean_environment", "refusal", "serve_command", "write_app"]

SHARE = Path(__file__).parent / "share"
APP = "app.ipynb"
POSTERIOR = "posterior.nc"

ALLOWED = frozenset(
    {
        *("PATH", "HOME", "LANG", "LANGUAGE", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR", "TEMP", "TMP"),
        *("PYTHONPATH", "VIRTUAL_ENV", "CONDA_PREFIX", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH"),
        *("XDG_CACHE_HOME", "XDG_RUNTIME_DIR", "MPLCONFIGDIR", "NUMBA_CACHE_DIR", "PYTENSOR_FLAGS"),
        "MODELCOMPOSE_CACHE_DIR",
        *("NUMBA_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"),
        *("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR"),
        *("SYSTEMROOT", "SYSTEMDRIVE", "COMSPEC", "PATHEXT", "USERPROFILE", "APPDATA", "LOCALAPPDATA", "PROGRAMDATA"),
    }
)

# 'unsafe-eval' is for JupyterLab's settings schemas and blob: for the module of a widget.
POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self' blob:; object-src 'none'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
)
EXTENSIONS = ["@voila-dashboards/widgets-manager8", "@jupyter-widgets/jupyterlab-manager", "anywidget"]
IDLE_SECONDS = 1800


def write_app(
    nb: Mapping[str, Any],
    folder: Path,
    *,
    data: Path,
    posterior: Path,
    model: Path | None = None,
    title: str | None = None,
    run: Mapping[str, Any] | None = None,
) -> Path:
    """Write the app of an executed notebook into a folder of its own.

    Parameters
    ----------
    nb
        A notebook in nbformat 4's form, with its outputs.
    folder
        Where to write; what an earlier app left there is replaced.
    data, posterior
        The table that the notebook read, and the posterior that its run saved as netCDF; both are copied.
    model
        The file of a model of one's own, which is copied too.
    title, run
        As for a report.

    Returns
    -------
    pathlib.Path
        The app's notebook.

    Raises
    ------
    InvalidInput
        When the notebook has no choices that can be read, or has not been run.
    NotFound
        When data or posterior do not exist.
    """
    for file in filter(None, (Path(data), Path(posterior), model)):
        if not file.is_file():
            raise NotFound(f"there is no file {file.name!r}", where=str(file.parent), remedy="Run the notebook again.")
    story = read(nb, title=title, run=run)
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    table = Path(data).name if Path(data).name not in (APP, POSTERIOR) else f"data-{Path(data).name}"
    _copy(Path(data), folder / table)
    _copy(Path(posterior), folder / POSTERIOR)
    if model:
        _copy(model, folder / model.name)
    app = {
        "cells": list(_numbered(_cells(nb, story, {"data": table, **({"model": model.name} if model else {})}))),
        "metadata": {
            "title": story.title,
            "kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"},
            "language_info": {"name": "python"},
        },
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    part = folder / f".{APP}.part"
    part.write_text(json.dumps(app, ensure_ascii=False, indent=1), "utf-8")
    return part.replace(folder / APP)


def _copy(source: Path, target: Path) -> None:
    if not target.exists() or not source.samefile(target):
        shutil.copyfile(source, target)


def _numbered(cells: Iterator[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for at, cell in enumerate(cells):
        yield {"id": f"app-{at}", "metadata": {}, **cell}


def _cells(nb: Mapping[str, Any], story: Story, files: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    reason = refusal(story)
    if not reason:
        yield _code(DATED)
    yield _markdown("app_top.html.j2", story, reason)
    if not reason:
        yield from (_code(f"%%capture\n{source}") for source in _rebuilding(nb, files) if source.strip())
        yield _code(WIDGET)
    yield _markdown("app_rest.html.j2", story, reason)


DATED = """\
from modelcompose.widgets import tell_if_outdated

tell_if_outdated()"""
WIDGET = f"""\
import xarray as xr

from modelcompose.widgets import WhatIf

dt = xr.open_datatree("{POSTERIOR}")
WhatIf(analysis, table, model, dt)"""


def refusal(story: Story) -> str:
    """Say why there are no sliders, or nothing when there can be."""
    if story.computation_failed:
        return "There is nothing to try out: the computation failed its checks, so its numbers mean nothing."
    if story.outdated:
        return "There is nothing to try out: the notebook changed after the model was fitted. Run it again."
    if story.chapter("model") is None or story.chapter("data") is None:
        return "There is nothing to try out: the notebook does not say which cells build the model."
    return ""


def _rebuilding(nb: Mapping[str, Any], files: Mapping[str, str]) -> Iterator[str]:
    """Yield the notebook's own code up to the model, without its checks, reading the copied files."""
    code = [cell for cell in nb["cells"] if cell["cell_type"] == "code" and source_of(cell).strip()]
    choices = [at for at, cell in enumerate(code) if _is_choices(cell)]
    last = max(at for at, cell in enumerate(code) if step_of(cell) == "model")
    for at, cell in enumerate(code[: last + 1]):
        yield _without_checks(source_of(cell))
        if at == choices[-1]:
            yield "\n".join([*(f"{name} = {literal(file)}" for name, file in files.items()), 'on_fail = "warn"'])


def _is_choices(cell: Mapping[str, Any]) -> bool:
    return bool({"parameters", "injected-parameters"} & set(cell.get("metadata", {}).get("tags") or []))


def _without_checks(source: str) -> str:
    """Leave out the statements that judge; an app shows what was judged in the run."""
    try:
        body = ast.parse(source).body
    except SyntaxError:  # a cell with a magic
        return source
    lines = source.splitlines()
    for statement in reversed(body):
        if _is_check(statement):
            del lines[statement.lineno - 1 : statement.end_lineno]
    return "\n".join(lines)


def _is_check(statement: ast.stmt) -> bool:
    """Recognise ``mc.check.<step>(...)`` standing alone on its lines."""
    call = statement.value if isinstance(statement, ast.Expr) else None
    if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Attribute):
        return False
    owner = call.func.value
    return isinstance(owner, ast.Attribute) and owner.attr == "check"


def _code(source: str) -> dict[str, Any]:
    return {"cell_type": "code", "source": source, "outputs": [], "execution_count": None}


def _markdown(template: str, story: Story, reason: str) -> dict[str, Any]:
    """Return a cell of one HTML block: it has no empty line, after which Markdown would begin anew."""
    page = environment().get_template(template).render(story=story, refusal=reason, version=modelcompose.__version__)
    lines = (line.strip() for line in page.splitlines())
    source = "\n".join(line for line in lines if line)
    return {"cell_type": "markdown", "source": source.replace("$", "&#36;").replace("\\", "&#92;")}


def serve_command(app: Path, *, ip: str = "127.0.0.1", port: int = 8866, base_url: str = "/") -> list[str]:
    """Return the command that serves an app, in whatever environment it is run.

    It throws away all of the environment but what ``clean_environment`` keeps. Sources are stripped, no file of the
    app's folder is handed out, neither template nor theme can be changed from the address, kernels that idle for half
    an hour are ended, and the page may load nothing from another host.

    Parameters
    ----------
    app
        The app's notebook.
    ip, port, base_url
        Where to listen, and the path in front of it.
    """
    options: dict[str, object] = {
        "Voila.ip": ip,
        "Voila.port": port,
        "Voila.base_url": base_url,
        "Voila.open_browser": False,
        "Voila.tornado_settings": {"headers": {"Content-Security-Policy": POLICY, "Referrer-Policy": "same-origin"}},
        "VoilaConfiguration.template": "modelcompose",
        "VoilaConfiguration.theme": "light",
        "VoilaConfiguration.allow_template_override": "NO",
        "VoilaConfiguration.allow_theme_override": "NO",
        "VoilaConfiguration.strip_sources": True,
        "VoilaConfiguration.show_tracebacks": False,
        "VoilaConfiguration.file_allowlist": [],
        "VoilaConfiguration.file_denylist": [".*"],
        "VoilaConfiguration.extension_allowlist": EXTENSIONS,
        "VoilaConfiguration.http_header_envs": [],
        "VoilaExecutor.cell_error_instruction": "The sliders cannot be shown; the stored answer above stands.",
        "MappingKernelManager.cull_idle_timeout": IDLE_SECONDS,
        "MappingKernelManager.cull_interval": 60,
        "MappingKernelManager.cull_connected": True,
    }
    spelt = [f"--{name}={value}" for name, value in options.items()]
    return [sys.executable, "-m", "modelcompose.publish.serve", *spelt, str(Path(app).resolve())]


def clean_environment(environ: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the environment for an app's server: what Python and Jupyter need, and nothing that could be a secret.

    Parameters
    ----------
    environ
        The environment to clean; by default this process's.
    """
    found = os.environ if environ is None else environ
    kept = {name: value for name, value in found.items() if name in ALLOWED}
    paths = [str(SHARE), *filter(None, [found.get("JUPYTER_PATH")])]
    return {**kept, "JUPYTER_PATH": os.pathsep.join(paths), "PYTHONUNBUFFERED": "1"}
