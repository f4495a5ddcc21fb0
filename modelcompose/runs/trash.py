"""The trash: runs that are out of sight but whole, brought back or deleted for good."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from modelcompose.errors import Conflict, NotFound
from modelcompose.runs.filters import quoted
from modelcompose.runs.run import ENDED, Run

if TYPE_CHECKING:
    from mlflow.entities import Run as Record

    from modelcompose.runs.store import RunStore

__all__ = ["delete", "restore", "trash"]

PARENT = "modelcompose.parent"


def trash(store: RunStore, ids: Sequence[str]) -> list[Run]:
    """Put runs, with those that belong to them, into the trash; nothing of them is removed.

    Raises
    ------
    NotFound
        When there is no such run.
    Conflict
        When one has not ended, or a registered model was made from it; then none is put there.
    """
    found: dict[str, Run] = {}
    for one in ids:
        run = store.get(one)
        for each in (run, *store.children(run.id)):
            found[each.id] = each
    for run in found.values():
        if run.status not in ENDED:
            raise Conflict(f"run {run.name!r} has not ended ({run.status})", remedy="Stop or cancel it first.")
        _require_unregistered(store, run.id, run.name)
    for run in found.values():
        store.tracking.client.delete_run(run.id)
    return list(found.values())


def restore(store: RunStore, ids: Sequence[str]) -> list[Run]:
    """Bring runs, with those that belong to them, back from the trash.

    Raises
    ------
    NotFound
        When there is no such run in the trash.
    """
    found = list(_trashed(store, ids))
    for record in found:
        store.tracking.client.restore_run(record.info.run_id)
    return [store.get(record.info.run_id) for record in found]


def delete(store: RunStore, ids: Sequence[str] = ()) -> list[dict[str, Any]]:
    """Delete runs that are in the trash for good: records, draws, notebooks and all other files.

    Reports and apps that were published from them stay: they stand by themselves.

    Parameters
    ----------
    ids
        The runs; all that are in the trash when none is named.

    Returns
    -------
    list of dict
        For each run its ``id``, ``name``, the ``bytes`` of its files, and what of it was ``kept``.

    Raises
    ------
    NotFound
        When there is no such run in the trash.
    Conflict
        When the MLflow server alone may do so, or a registered model was made from one; then none is deleted.
    """
    found = list(_trashed(store, ids) if ids else store.tracking.newest(trash=True))
    remove = getattr(store.tracking.client._tracking_client.store, "_hard_delete_run", None)
    if found and remove is None:
        raise Conflict(
            "an MLflow server deletes nothing for good that others ask it to",
            where=re.sub(r"://[^/@]*@", "://…@", store.tracking.uri),
            remedy="Run “mlflow gc” where the server runs; the runs stay in its trash until then.",
        )
    for record in found:
        _require_unregistered(store, record.info.run_id, record.info.run_name or "")
    told = []
    for record in found:
        told.append(_told(record, _remove_files(store, record)))
        assert remove is not None  # noqa: S101
        remove(record.info.run_id)
    return told


def _trashed(store: RunStore, ids: Sequence[str]) -> Iterator[Record]:
    """Find runs in the trash by id, a unique beginning of it, or name, each followed by those that belong to it."""
    seen = set()
    for one in ids:
        named = _named(store, one)
        belongs = store.tracking.newest(where=f"tags.`{PARENT}` = '{named.info.run_id}'", trash=True)
        for record in (named, *belongs):
            if record.info.run_id not in seen:
                seen.add(record.info.run_id)
                yield record


def _named(store: RunStore, text: str) -> Record:
    wheres = [f"attributes.run_name = {quoted(text)}"] if text else []
    if re.fullmatch("[0-9a-f]{1,32}", text):
        wheres.insert(0, f"attributes.run_id LIKE '{text}%'")
    for where in wheres:
        found = list(store.tracking.newest(2, where, trash=True))
        if len(found) == 1 or (found and where.startswith("attributes.run_name")):
            return found[0]
    raise NotFound(f"there is no run {text!r} in the trash", remedy="List the trash to see what is there.")


def _require_unregistered(store: RunStore, id: str, name: str) -> None:  # noqa: A002
    for version in store.tracking.client.search_model_versions(f"run_id='{id}'", max_results=1):
        raise Conflict(
            f"run {name!r} is what version {version.version} of the registered model {version.name!r} was made from",
            remedy="It is kept as long as that is registered.",
        )


def _remove_files(store: RunStore, record: Record) -> int:
    """Remove the files of a run, and return how many bytes they had."""
    run_id = record.info.run_id
    shown = record.data.tags.get("modelcompose.executed")
    executed = (store.workspace / shown).resolve() if shown else None
    size = 0
    if executed is not None and executed.is_relative_to(store.workspace) and executed.is_file():
        size += executed.stat().st_size
        executed.unlink()
    size += _remove_artifacts(record)
    folder = store.folder(run_id)
    size += sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
    shutil.rmtree(folder, ignore_errors=True)
    return size


def _remove_artifacts(record: Record) -> int:
    from mlflow.exceptions import MlflowException
    from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository
    from mlflow.utils.file_utils import local_file_uri_to_path
    from mlflow.utils.uri import is_local_uri

    repository = get_artifact_repository(record.info.artifact_uri)

    def size(path: str | None = None) -> int:
        return sum(size(one.path) if one.is_dir else one.file_size or 0 for one in repository.list_artifacts(path))

    try:
        found = size()
        repository.delete_artifacts()  # type: ignore[no-untyped-call]
    except (MlflowException, OSError):  # a run that left none
        return 0
    if is_local_uri(record.info.artifact_uri):  # type: ignore[no-untyped-call]
        with suppress(OSError):
            here = local_file_uri_to_path(record.info.artifact_uri)  # type: ignore[no-untyped-call]
            Path(here).parent.rmdir()
    return found


def _told(record: Record, size: int) -> dict[str, Any]:
    tags = record.data.tags
    kept = [tags[name] for name in ("modelcompose.report", "modelcompose.page", "modelcompose.app") if name in tags]
    return {"id": record.info.run_id, "name": record.info.run_name or "", "bytes": size, "kept": kept}
