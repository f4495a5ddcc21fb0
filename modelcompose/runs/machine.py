"""Where a run is executed: the machine, the Python environment, and the commit that the workspace stands at.

What is told here goes on record and may travel with it to other people: it holds no secrets.
"""

from __future__ import annotations

import hashlib
import os
import platform
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

__all__ = ["environment", "git_state", "git_tags", "hardware", "without_secrets"]

THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS", "CUDA_VISIBLE_DEVICES")
DIFF_BYTES = 200_000
MOST_NAMED = 200
LEFT_OUT = "[left out: looks like a secret]"
SECRETIVE = r"(?:password|passwd|pwd|passphrase|secret|token|api[_-]?key|access[_-]?key|private[_-]?key|credential)"
SECRET_FILE = re.compile(
    rf"(?:^|/)(?:[^/]*\.env(?:\.[^/]*)?|\.netrc|\.pgpass|\.npmrc|\.pypirc|id_[^/]*|[^/]*\.(?:pem|key|p12|pfx|jks|keystore|kdbx)"
    rf"|[^/]*{SECRETIVE}[^/]*)$",
    re.IGNORECASE,
)
SECRETS = (
    re.compile(rf"""([\w.-]*{SECRETIVE}[\w.-]*["']?\s*(?:=|:|=>)\s*).+""", re.IGNORECASE),
    re.compile(r"(\bauthorization\s*[:=]\s*).+", re.IGNORECASE),
    re.compile(r"(://)[^/\s:@]*:[^/\s@]+(?=@)"),
    re.compile(r"()-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)"),
    re.compile(r"()\b(?:AKIA|ASIA)[0-9A-Z]{16}\b"),
    re.compile(r"()\b(?:gh[pousr]_|github_pat_|glpat-|xox[abprs]-|sk-|hf_)[\w-]{16,}"),
    re.compile(r"()\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*"),
)
PLACEHOLDER = re.compile(r"\$\{\w+\}|os\.environ|getenv")
SHORTEST = 8
GIT_SECONDS = 5


def environment() -> dict[str, Any]:
    """Name the Python and every installed distribution with its version, from the names of their folders."""
    packages: dict[str, str] = {}
    for folder in reversed(sys.path):
        for name, version in _distributions(Path(folder or ".")):
            packages[name] = version
    return {
        "python": platform.python_version(),
        "implementation": platform.python_implementation(),
        "platform": platform.platform(),
        "packages": dict(sorted(packages.items())),
    }


def _distributions(folder: Path) -> Iterator[tuple[str, str]]:
    try:
        names = [one.name for one in folder.iterdir() if one.suffix in (".dist-info", ".egg-info")]
    except OSError:
        return
    for name in names:
        distribution, _, version = name.rpartition(".")[0].partition("-")
        yield re.sub(r"[-_.]+", "-", distribution).lower(), version.partition("-py")[0]


def hardware() -> dict[str, Any]:
    """Describe what the numbers were computed on."""
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return {
        "cpu": _cpu(),
        "architecture": platform.machine(),
        "cores": os.cpu_count(),
        "usable_cores": usable,
        "memory_bytes": _memory(),
        "blas": _blas(),
        "gpus": _gpus(),
        "threads": {name: os.environ[name] for name in THREADS if name in os.environ},
    }


def _cpu() -> str:
    try:
        told = Path("/proc/cpuinfo").read_text("utf-8", "replace")
    except OSError:
        told = ""
    if found := re.search(r"^model name\s*:\s*(.+)$", told, re.MULTILINE):
        return found[1].strip()
    if sys.platform == "darwin":
        asked = subprocess.run(
            ["sysctl", "-n", "machdep.cpu.brand_string"], capture_output=True, text=True, check=False
        )
        return asked.stdout.strip() or platform.processor()
    return platform.processor() or platform.machine()


def _memory() -> int | None:
    try:
        return int(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    except (AttributeError, OSError, ValueError):
        return None


def _blas() -> str:
    import numpy as np

    told: Any = np.show_config(mode="dicts")
    found = (told or {}).get("Build Dependencies", {}).get("blas", {})
    return f"{found.get('name', 'unknown')} {found.get('version', '')}".strip()


def _gpus() -> list[str]:
    """Name the graphics processors whose driver tells of them in a file; asking the driver's tool takes a second."""
    found = []
    for file in sorted(Path("/proc/driver/nvidia/gpus").glob("*/information")):
        try:
            told = re.search(r"^Model:\s*(.+)$", file.read_text("utf-8", "replace"), re.MULTILINE)
        except OSError:
            continue
        found.append(told[1].strip() if told else "NVIDIA")
    return found


def git_state(folder: Path) -> dict[str, Any]:
    """Say which commit a folder stands at and what differs from it; empty outside git.

    Returns
    -------
    dict
        ``commit``, ``branch`` and ``changed`` files with git's two letters; ``diff``, the text of what differs in
        tracked files but notebooks, cut after 200,000 bytes, with its ``diff_sha256`` before anything was left out;
        ``left_out``, the files whose content is not shown because of their name.
    """
    commit = git(folder, "rev-parse", "HEAD")
    if not commit:
        return {}
    status = git(folder, "status", "--porcelain", "--no-renames", "-z", raw=True)
    changed = [line for line in status.split("\0") if line]
    tracked = [line[3:] for line in changed if not line.startswith("??")]
    hidden = sorted(name for name in tracked if SECRET_FILE.search(name))
    diff = _diff(folder, hidden) if tracked else ""
    return {
        "commit": commit,
        "branch": git(folder, "rev-parse", "--abbrev-ref", "HEAD"),
        "changed": changed[:MOST_NAMED],
        "changed_count": len(changed),
        "diff": without_secrets(diff.encode()[:DIFF_BYTES].decode("utf-8", "ignore")),
        "diff_bytes": len(diff.encode()),
        "diff_sha256": hashlib.sha256(diff.encode()).hexdigest() if diff else "",
        "left_out": hidden,
    }


def _diff(folder: Path, hidden: list[str]) -> str:
    without = [f":(top,exclude,literal){name}" for name in hidden]
    options = ("--no-color", "--no-ext-diff", "--no-textconv", "--no-renames")
    return git(folder, "diff", "HEAD", *options, "--", ":/", ":(top,exclude,glob)**/*.ipynb", *without, raw=True)


def without_secrets(text: str, environ: Mapping[str, str] = os.environ) -> str:
    """Leave out of a text what looks like a secret: by the name before it, by its form, or as it is in the environment.

    A value that is only a reference to the environment stays.
    """
    for name, value in environ.items():
        if len(value) >= SHORTEST and value in text and re.search(SECRETIVE, name, re.IGNORECASE):
            text = text.replace(value, LEFT_OUT)
    for pattern in SECRETS if len(text) >= SHORTEST else ():
        text = pattern.sub(_hidden, text)
    return text


def _hidden(found: re.Match[str]) -> str:
    return found[0] if found[1] and PLACEHOLDER.search(found[0]) else f"{found[1]}{LEFT_OUT}"


def git_tags(folder: Path) -> dict[str, str]:
    """Say which commit a folder stands at and whether tracked files differ from it; nothing outside git."""
    commit = git(folder, "rev-parse", "HEAD")
    if not commit:
        return {}
    changed = git(folder, "status", "--porcelain", "--untracked-files=no")
    return {"mlflow.source.git.commit": commit, "modelcompose.git.dirty": str(bool(changed)).lower()}


def git(folder: Path, *arguments: str, raw: bool = False) -> str:
    """Ask git about a folder; empty where there is no answer.

    Parameters
    ----------
    raw
        Whether the answer keeps its blanks and line ends.
    """
    try:
        told = subprocess.run(
            ["git", "-C", str(folder), *arguments],
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=GIT_SECONDS,
            check=False,
            env=os.environ | {"GIT_OPTIONAL_LOCKS": "0"},
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    if told.returncode != 0:
        return ""
    return told.stdout if raw else told.stdout.strip()
