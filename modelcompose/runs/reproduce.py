"""Made again: what a run needs so that it can be, and how the new one compares with the one before."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from modelcompose.errors import Conflict, NotFound
from modelcompose.runs.checkpoints import POSTERIOR
from modelcompose.runs.files import read_json, write_json
from modelcompose.runs.notebook import EXECUTED, SOURCE, read_executed
from modelcompose.runs.record import ingredients
from modelcompose.runs.run import verdicts_in

if TYPE_CHECKING:
    from modelcompose.analysis import Analysis
    from modelcompose.runs.store import RunStore
    from modelcompose.workflow.reproduction import Changed, Reproduction, Result

__all__ = ["REPRODUCTION", "changed_ingredients", "graded", "pinned", "source_of"]

REPRODUCTION = "reproduction.json"
ROLES = {
    "data": "the table",
    "recipe": "a joined table",
    "new_rows": "the new rows",
    "model": "the model",
    "module": "a module beside the model",
    "plan": "the plan",
    "policy": "the policy",
}


def source_of(store: RunStore, id: str) -> dict[str, Any]:  # noqa: A002
    """Return the notebook that a run executed, without what it showed.

    Raises
    ------
    Conflict
        When the run has left none.
    """
    for name in (SOURCE, EXECUTED):
        try:
            nb: dict[str, Any] = json.loads(store.artifact(id, name).read_text("utf-8"))
        except (NotFound, OSError, ValueError):
            continue
        for cell in nb["cells"]:
            if cell["cell_type"] == "code":
                cell |= {"outputs": [], "execution_count": None}
        return nb
    raise Conflict(
        f"run {id[:8]} has left no notebook", remedy="Open the file that it was exported to, if there is one."
    )


def pinned(record: Mapping[str, Any], analysis: Analysis) -> dict[str, str]:
    """Return the changes of choices that name the very versions that a run has used, where it named a dataset alone."""
    return {
        one["role"]: one["version"]
        for one in record.get("files", [])
        if one["role"] in {"data", "new_rows"} and one["version"] and one["name"] == getattr(analysis, one["role"])
    }


def changed_ingredients(record: Mapping[str, Any], analysis: Analysis, folder: Path) -> list[str]:
    """Say of everything that a run was made of, and that is not there as it was, what is different.

    What nobody can know before it is read, such as a database, is not named.

    Parameters
    ----------
    record
        The run's record.
    analysis
        Its choices.
    folder
        The folder of its notebook.
    """
    now = {(one["role"], one["name"]): one for one in ingredients(analysis, folder)}
    by_name = {one["name"]: one for one in now.values()}
    return [
        _said(before, after["sha256"] if after else "")
        for before in record.get("files", [])
        if before["sha256"]
        for after in [now.get((before["role"], before["name"])) or by_name.get(before["version"] or before["name"])]
        if after is None or after["sha256"] != before["sha256"]
    ]


def _said(before: Mapping[str, Any], sha256: str) -> str:
    what = f"{ROLES.get(before['role'], before['role'])} {before['name']!r}"
    if not sha256:
        return f"{what} is not there any more (SHA-256 {before['sha256'][:12]})"
    return f"{what} has changed (SHA-256 {before['sha256'][:12]} then, {sha256[:12]} now)"


def graded(store: RunStore, id: str, before: str) -> Reproduction:  # noqa: A002
    """Hold a run that has just been executed against the one that it makes again, and keep the result beside it.

    Parameters
    ----------
    store
        The store of both.
    id
        The new run.
    before
        The whole id of the one before.
    """
    from modelcompose.workflow.reproduction import Result, grade

    folder = store.folder(id)
    posterior = folder / POSTERIOR
    now = Result(_read_posterior(posterior) if posterior.is_file() else None, verdicts_in(read_executed(folder)))
    found = grade(
        _result(store, before), now, list(_circumstances(store.record(before), read_json(folder / "begun.json")))
    )
    write_json(folder / REPRODUCTION, {"of": before, **found.model_dump(mode="json")})
    return found


def _result(store: RunStore, id: str) -> Result:  # noqa: A002
    from modelcompose.verdict import Verdict
    from modelcompose.workflow.reproduction import Result

    try:
        posterior = _read_posterior(store.artifact(id, POSTERIOR))
    except NotFound:
        posterior = None
    told = json.loads(store.artifact(id, "verdicts.json").read_text("utf-8"))
    return Result(posterior, [Verdict.model_validate(one) for one in told])


def _read_posterior(file: Path) -> Any:
    import xarray as xr

    with xr.open_datatree(file, engine="h5netcdf") as opened:
        return opened.load()


def _circumstances(before: Mapping[str, Any], after: Mapping[str, Any] | None) -> Iterator[Changed]:
    """List what differs between what two runs were made of and made on."""
    from modelcompose.workflow.reproduction import Changed

    sides = [_flat(before), _flat(after or {})]
    for name in dict.fromkeys([*sides[0], *sides[1]]):
        told = [side.get(name, "none") for side in sides]
        if told[0] != told[1]:
            yield Changed(name=name, before=told[0], after=told[1])


def _flat(record: Mapping[str, Any]) -> dict[str, str]:
    """Name what may explain a difference: versions, code, machine, commit and content."""
    environment, machine, git = (record.get(name, {}) for name in ("environment", "hardware", "git"))
    told = {
        "modelcompose": record.get("modelcompose", {}).get("version"),
        "code of modelcompose": str(record.get("modelcompose", {}).get("code", ""))[:12],
        "Python": environment.get("python"),
        "platform": environment.get("platform"),
        **{name: machine.get(name) for name in ("cpu", "usable_cores", "blas", "gpus", "threads")},
        "git commit": git.get("commit"),
        "uncommitted changes": str(git.get("diff_sha256", ""))[:12],
        "policy": record.get("policy", {}).get("digest"),
        **{f"{one['role']} {one['name']}": one["sha256"][:12] for one in record.get("files", [])},
        **environment.get("packages", {}),
    }
    return {name: str(value) for name, value in told.items() if value not in (None, "", [], {})}
