"""The record of a run: everything it was made of, so that somebody else can judge it and make it again.

It is written in two parts. What may change under a run is noted by the process that executes it, as it begins: the
environment, the machine, the commit, and the content of every file that its choices name. The rest is put beside it
when the run ends. No secret is in it, and no path of the machine.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from modelcompose import __version__
from modelcompose.analysis import Analysis, paths_from
from modelcompose.errors import ModelComposeError
from modelcompose.runs.events import EventLog
from modelcompose.runs.files import read_json, write_json
from modelcompose.runs.keys import SAMPLE, code_digest
from modelcompose.runs.machine import environment, git_state, hardware, without_secrets
from modelcompose.runs.notebook import SOURCE
from modelcompose.verdict import Verdict

__all__ = ["RECORD", "begin", "complete", "ingredients", "read", "seconds_by_step", "sentences", "tags"]

RECORD = "record.json"
BEGUN = "begun.json"
FORMAT = 1
SAMPLING = ("sampler", "draws", "tune", "chains", "target_accept", "metric")
ENDS = ("done", "failed")


def ingredients(analysis: Analysis, folder: Path) -> list[dict[str, Any]]:
    """List whatever the choices name beside the notebook, with the hash of its content as it is now.

    Parameters
    ----------
    analysis
        The choices.
    folder
        Where their paths begin: the notebook's folder.

    Returns
    -------
    list of dict
        ``role``, the choice that names it, and ``name``, how that spells it; ``path`` of a file as seen from the
        folder, ``""`` for a stored version, a sample, an address or a database; ``sha256`` of its content, ``""`` where
        nobody knows before it is read; ``bytes``; ``version`` where it is a stored one.
    """
    return [_ingredient(role, name, folder) for role, name in dict.fromkeys(_named(analysis, folder))]


def _named(analysis: Analysis, folder: Path) -> Iterator[tuple[str, str]]:
    joined = [str(step["data"]) for step in analysis.recipe if isinstance(step.get("data"), str)]
    for role, names in {"data": [analysis.data], "recipe": joined, "new_rows": [analysis.new_rows]}.items():
        yield from ((role, name) for name in names if name)
    if analysis.model.endswith(".py"):
        own = folder / analysis.model
        yield "model", analysis.model
        beside = sorted(one.name for one in own.parent.glob("*.py") if one.name != own.name)
        yield from (("module", (Path(analysis.model).parent / name).as_posix()) for name in beside)
    yield from ((role, name) for role, name in {"plan": analysis.plan, "policy": analysis.policy}.items() if name)


def _ingredient(role: str, name: str, folder: Path) -> dict[str, Any]:
    from modelcompose import samples
    from modelcompose.data.dataset import stored
    from modelcompose.data.readers import local_path

    found: dict[str, Any] = {
        "role": role,
        "name": without_secrets(name),
        "path": "",
        "sha256": "",
        "bytes": None,
        "version": "",
    }
    try:
        if role in {"data", "recipe", "new_rows"}:
            if name.startswith(SAMPLE):
                return found | _content(samples.path(name.removeprefix(SAMPLE)))
            if (version := stored(name, folder)) is not None:
                return found | {"sha256": version.sha256, "version": version.reference}
            file = local_path(name, folder)
        else:
            file = folder / name
        if file is not None and file.is_file():
            part = name.partition("#")[0] if not (folder / name).is_file() else name
            return found | {"path": part} | _content(file)
    except (ModelComposeError, OSError, ValueError):
        pass
    return found


def _content(file: Path) -> dict[str, Any]:
    with file.open("rb") as opened:
        return {"sha256": hashlib.file_digest(opened, "sha256").hexdigest(), "bytes": file.stat().st_size}


def begin(folder: Path, workspace: Path, notebook: str) -> None:
    """Note what may change under a run while it lasts.

    Parameters
    ----------
    folder
        The run's folder, which holds its source.
    workspace
        The workspace.
    notebook
        The notebook that the run was made from, relative to the workspace.
    """
    at = (workspace / notebook).parent
    nb = json.loads((folder / SOURCE).read_text("utf-8"))
    begun = {
        "modelcompose": {"version": __version__, "code": code_digest()},
        "environment": environment() | {"kernel": nb.get("metadata", {}).get("kernelspec", {}).get("name", "")},
        "hardware": hardware(),
        "git": git_state(workspace),
        "files": _files(nb, at),
        "policy": _policy(nb, at),
        "cells": list(_cells(nb)),
    }
    write_json(folder / BEGUN, begun)


def _files(nb: Mapping[str, Any], at: Path) -> list[dict[str, Any]]:
    try:
        return ingredients(Analysis.read(nb), at)
    except ModelComposeError:
        return []


def _policy(nb: Mapping[str, Any], at: Path) -> dict[str, str]:
    from modelcompose.workflow.policy import policy_of

    try:
        with paths_from(at):
            policy = policy_of(Analysis.read(nb))
    except ModelComposeError:
        return {}
    return {"name": policy.name, "version": str(policy.version), "digest": policy.digest}


def _cells(nb: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    from modelcompose.workflow.notebook import edited, source_of, step_of

    for cell in nb.get("cells", []):
        if cell["cell_type"] == "code":
            yield {
                "id": str(cell.get("id", "")),
                "step": step_of(cell),
                "sha256": hashlib.sha256(source_of(cell).encode()).hexdigest(),
                "edited": edited(cell),
            }


def complete(
    folder: Path, run: Mapping[str, Any], choices: Mapping[str, Any], verdicts: Sequence[Verdict]
) -> dict[str, Any]:
    """Write the whole record of a run that ends now, and return it.

    Parameters
    ----------
    folder
        The run's folder.
    run
        What identifies it: ``id``, ``name``, ``notebook``, ``status`` and, where there are such, the runs before it.
    choices
        Its choices as JSON values.
    verdicts
        What its steps found.
    """
    begun = read(folder / BEGUN)
    files = begun.pop("files", [])
    details = {one.step: one.details for one in verdicts}
    events = EventLog(folder).read()
    record: dict[str, Any] = {
        "format": FORMAT,
        "run": dict(run),
        "data": _data(files, details.get("data", {})),
        "files": files,
        "recipe": choices.get("recipe", []),
        "choices": dict(choices),
        "seeds": {"random_seed": choices.get("random_seed")},
        "sampler": {name: choices.get(name) for name in SAMPLING} | {"made": details.get("fit", {})},
        "timings": timings(events),
        **begun,
    }
    record = _without_secrets(record)
    write_json(folder / RECORD, record)
    return record


def _data(files: Sequence[Mapping[str, Any]], found: Mapping[str, Any]) -> dict[str, Any]:
    """Say which table it was: by the hash that the data step found, and of its file where there is one."""
    main = next((one for one in files if one["role"] == "data"), {})
    return {
        "source": main.get("name", ""),
        "version": main.get("version", ""),
        "sha256": found.get("sha256") or main.get("sha256", ""),
        "rows": found.get("rows"),
        "dropped": found.get("dropped"),
    }


def timings(events: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Say how long each step took, in seconds; one that ran again counts once, as it ran last.

    A step that was taken over took no time, unless it was this run that had finished it before it was interrupted.
    """
    began: dict[str, datetime] = {}
    steps: dict[str, dict[str, Any]] = {}
    for event in events:
        if event["type"] != "step" or "round" in event:
            continue
        name, state, when = event["step"], event["state"], datetime.fromisoformat(event["time"])
        if state == "started":
            began[name] = when
        elif state == "cached":
            steps.setdefault(name, {"step": name, "state": state, "seconds": 0.0})
        elif state in ENDS:
            since = began.get(name, when)
            steps[name] = {"step": name, "state": state, "seconds": round((when - since).total_seconds(), 3)}
    times = [datetime.fromisoformat(event["time"]) for event in events]
    total = (times[-1] - times[0]).total_seconds() if times else 0.0
    return {"steps": list(steps.values()), "seconds": round(total, 3)}


def seconds_by_step(events: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """Say how long each step of a run took, in seconds, without those that it has taken over."""
    return {one["step"]: one["seconds"] for one in timings(events)["steps"] if one["state"] != "cached"}


def tags(record: Mapping[str, Any]) -> dict[str, str]:
    """Return the few things of a record by which runs are searched for."""
    packages = json.dumps(record.get("environment", {}).get("packages", {}), sort_keys=True)
    found = {
        "modelcompose.environment": hashlib.sha256(packages.encode()).hexdigest()[:16],
        "modelcompose.code": record.get("modelcompose", {}).get("code", "")[:16],
        "modelcompose.git.diff": record.get("git", {}).get("diff_sha256", "")[:16],
    }
    return {name: value for name, value in found.items() if value}


def read(file: Path) -> dict[str, Any]:
    """Read a record; empty where there is none that can be read."""
    found = read_json(file)
    return found if isinstance(found, dict) else {}


def _without_secrets(value: Any) -> Any:
    if isinstance(value, str):
        return without_secrets(value)
    if isinstance(value, Mapping):
        return {name: _without_secrets(item) for name, item in value.items()}
    return [_without_secrets(item) for item in value] if isinstance(value, list | tuple) else value


# -- in plain words ------------------------------------------------------------------------------------------------

SHORT = 12
GIGABYTE = 1 << 30


def sentences(record: Mapping[str, Any]) -> list[str]:
    """Say a record in plain words, the most important first."""
    parts = (_said_of_data, _said_of_notebook, _said_of_sampling, _said_of_code, _said_of_machine, _said_of_time)
    return [said for part in parts for said in part(record) if said]


def _said_of_data(record: Mapping[str, Any]) -> Iterator[str]:
    data = record.get("data", {})
    if data.get("source"):
        version = f", version {data['version']}" if data.get("version") else ""
        rows = f", {data['rows']} rows used" if data.get("rows") is not None else ""
        digest = f", SHA-256 {data['sha256'][:SHORT]}" if data.get("sha256") else ", of unknown content"
        yield f"Data: {data['source']}{version}{rows}{digest}."
    if steps := record.get("recipe"):
        yield f"Prepared in {len(steps)} step{_s(steps)}: {', '.join(str(one.get('do', '?')) for one in steps)}."
    for one in record.get("files", []):
        if one["role"] != "data":
            yield f"Also used: {one['name']} ({one['role']}), SHA-256 {one['sha256'][:SHORT] or 'unknown'}."


def _said_of_notebook(record: Mapping[str, Any]) -> Iterator[str]:
    cells = record.get("cells", [])
    edited = [one["step"] for one in cells if one["edited"]]
    by_hand = f"; edited by hand: {', '.join(edited)}" if edited else ""
    yield f"Notebook: {record['run']['notebook']}, {len(cells)} code cells{by_hand}."
    if before := record["run"].get("reproduces"):
        graded = record["run"].get("reproduction", {})
        yield f"It makes run {before[:8]} again{': ' + graded['grade'] if graded else ''}. {graded.get('sentence', '')}"
    if original := record["run"].get("original"):
        yield f"It was executed elsewhere, as run {original[:8]}, and brought here."


def _said_of_sampling(record: Mapping[str, Any]) -> Iterator[str]:
    sampler = record.get("sampler", {})
    if sampler.get("sampler"):
        yield (
            f"Sampler: {sampler['sampler']}, {sampler['chains']} chains of {sampler['draws']} draws after "
            f"{sampler['tune']} of warm-up, target_accept {sampler['target_accept']}, metric {sampler['metric']}, seed "
            f"{record.get('seeds', {}).get('random_seed')}."
        )


def _said_of_code(record: Mapping[str, Any]) -> Iterator[str]:
    git, environment = record.get("git", {}), record.get("environment", {})
    if git:
        dirty = f", with {git['changed_count']} files changed or new" if git["changed_count"] else ""
        yield f"Code: commit {git['commit'][:SHORT]} on {git['branch']}{dirty}."
    else:
        yield "Code: the workspace is not under git."
    if environment:
        packages = environment["packages"]
        known = [
            f"{name} {packages[name]}" for name in ("pymc", "bambi", "arviz", "nutpie", "numpy") if name in packages
        ]
        yield (
            f"Environment: ModelCompose {record['modelcompose']['version']}, Python {environment['python']}, "
            f"{', '.join(known)}; {len(packages)} packages in all."
        )
    if policy := record.get("policy"):
        yield f"Thresholds: {policy['name']}, version {policy['version']} ({policy['digest'][:8]})."


def _said_of_machine(record: Mapping[str, Any]) -> Iterator[str]:
    machine = record.get("hardware")
    if machine:
        memory = f", {machine['memory_bytes'] / GIGABYTE:.0f} GB of memory" if machine.get("memory_bytes") else ""
        gpus = f", {', '.join(machine['gpus'])}" if machine.get("gpus") else ""
        yield f"Machine: {machine['cpu']}, {machine['usable_cores']} cores{memory}, {machine['blas']}{gpus}."


def _said_of_time(record: Mapping[str, Any]) -> Iterator[str]:
    found = record.get("timings", {})
    if found.get("steps"):
        each = ", ".join(
            f"{one['step']} {'taken over' if one['state'] == 'cached' else format(one['seconds'], '.1f') + ' s'}"
            for one in found["steps"]
        )
        yield f"Time: {found['seconds']:.1f} s from the request to the end; {each}."


def _s(many: Sequence[Any]) -> str:
    return "" if len(many) == 1 else "s"
