"""Runs carried elsewhere: as one file that opens in another workspace, or from one MLflow store to another.

A run's file is a ZIP archive:

    manifest.json       what the run is, and the SHA-256 and size of every other file
    run/…               what the run left: notebooks, posterior, verdicts, choices, record, events
    workspace/…         what it was made of, each where it lay in its workspace: table, own model, plan, policy
    workspace/…/.modelcompose/datasets/…    stored versions, as a store of datasets beside its notebook

Opened, it gets a folder of its own, so that nothing is written over and every path in its notebook leads where it did.
A file is taken for what it says only after its declared sizes were added up and its hashes compared.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory, mkdtemp
from typing import TYPE_CHECKING, Any

from modelcompose import __version__
from modelcompose.analysis import Analysis
from modelcompose.errors import Conflict, InvalidInput, ModelComposeError, NotFound
from modelcompose.runs.queue import WHOLE
from modelcompose.runs.record import ingredients
from modelcompose.runs.reproduce import source_of
from modelcompose.runs.run import ENDED, Run
from modelcompose.runs.tracking import ORIGINAL, Tracking

if TYPE_CHECKING:
    from modelcompose.runs.store import RunStore

__all__ = ["SUFFIX", "copy_runs", "export", "open_file"]

SUFFIX = ".modelcompose"
FORMAT = 1
MANIFEST = "manifest.json"
RUN, WORKSPACE = "run", "workspace"
OPENED = "opened"
EVENTS = "events.jsonl"
DATASETS = ".modelcompose/datasets"
LARGEST = 20_000_000_000
LARGEST_MANIFEST = 20_000_000
MOST_FILES = 10_000
CHUNK = 1 << 20
WHERE = ("modelcompose.home", "modelcompose.executed", "modelcompose.report", "modelcompose.page", "modelcompose.app")
"""Tags that say where something lies in the workspace that a run comes from."""
RELATIVES = ("mlflow.parentRunId", "modelcompose.parent", "modelcompose.reproduces")


# -- one file ------------------------------------------------------------------------------------------------------


def export(store: RunStore, run: Run, target: Path) -> list[str]:
    """Write a run that has ended to one file, whole or not at all.

    Returns
    -------
    list of str
        What is not in the file, each with the reason; without it the run can be read but not made again.
    """
    missing: list[str] = []
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f".{target.name}.part")
    try:
        with zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED, allowZip64=True) as archive:
            files: dict[str, dict[str, Any]] = {}
            for name, content in (*_left(store, run), *_made_of(store, run, missing)):
                if name not in files:
                    files[name] = _added(archive, name, content)
            manifest = {
                "format": FORMAT,
                "modelcompose": __version__,
                "run": store.tracking.told(run.id),
                "missing": missing,
                "files": files,
            }
            archive.writestr(MANIFEST, json.dumps(manifest, ensure_ascii=False, indent=1))
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)
    return missing


def _added(archive: zipfile.ZipFile, name: str, content: Path | bytes) -> dict[str, Any]:
    if isinstance(content, bytes):
        archive.writestr(name, content)
        return {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}
    archive.write(content, name)
    with content.open("rb") as opened:
        return {"sha256": hashlib.file_digest(opened, "sha256").hexdigest(), "bytes": content.stat().st_size}


def _left(store: RunStore, run: Run) -> Iterator[tuple[str, Path]]:
    for name in (*store.files, EVENTS):
        try:
            yield f"{RUN}/{name}", store.artifact(run.id, name)
        except NotFound:
            continue


def _made_of(store: RunStore, run: Run, missing: list[str]) -> Iterator[tuple[str, Path | bytes]]:
    """Yield what a run was made of, as it was; what is not there as it was is named in ``missing``."""
    from modelcompose.data.dataset import stored
    from modelcompose.data.store import DatasetStore

    notebook = PurePosixPath(run.notebook)
    folder = (store.workspace / run.notebook).parent
    yield f"{WORKSPACE}/{notebook}", json.dumps(source_of(store, run.id), ensure_ascii=False, indent=1).encode()
    then = {(one["role"], one["name"]): one["sha256"] for one in store.record(run.id).get("files", [])}
    for one in ingredients(_choices(store, run), folder):
        before = then.get((one["role"], one["name"]))
        if before and before != one["sha256"]:
            missing.append(f"{one['name']}: it is not what the run has used any more")
        elif one["version"]:
            version = stored(one["name"], folder)
            assert version is not None  # noqa: S101
            for path, content in DatasetStore.find(folder).packed(version).items():
                yield str(PurePosixPath(WORKSPACE, notebook.parent, DATASETS, path)), content
        elif one["path"]:
            file = (folder / one["path"]).resolve()
            if file.is_relative_to(store.workspace):
                yield f"{WORKSPACE}/{file.relative_to(store.workspace).as_posix()}", file
            else:
                missing.append(f"{one['name']}: it lies outside the workspace")
        elif not one["sha256"]:
            missing.append(f"{one['name']}: it is read from elsewhere")


def _choices(store: RunStore, run: Run) -> Analysis:
    try:
        return Analysis.read(source_of(store, run.id))
    except ModelComposeError:
        return Analysis()


def open_file(store: RunStore, file: Path) -> tuple[str, str, list[str]]:
    """Put the run of a file into this workspace, in a folder of its own.

    Returns
    -------
    tuple of str, str and list of str
        The run's new id, its folder, relative to the workspace, and what the file did not hold.

    Raises
    ------
    InvalidInput
        When it is no such file, is damaged, or holds what it does not declare.
    Conflict
        When the run is here already.
    """
    store.make_home()
    try:
        with zipfile.ZipFile(file) as archive, _scratch(store) as unpacked:
            manifest = _manifest(archive, file.name)
            told = manifest["run"]
            original = told["tags"].get(ORIGINAL, told["id"])
            _require_new(store, original)
            for name, declared in manifest["files"].items():
                _unpack(archive, name, declared, unpacked / PurePosixPath(name), file.name)
            return _settled(store, manifest, unpacked, original)
    except (zipfile.BadZipFile, NotImplementedError, EOFError, RuntimeError) as error:
        raise _damaged(file.name, str(error)) from None


class _scratch(TemporaryDirectory[str]):  # noqa: N801 - used as a function
    def __init__(self, store: RunStore) -> None:
        super().__init__(prefix="opening-", dir=store.home)

    def __enter__(self) -> Path:  # type: ignore[override]
        return Path(super().__enter__())


def _require_new(store: RunStore, original: str) -> None:
    found = store.tracking.find(original) or store.tracking.brought(original)
    if found is not None:
        raise Conflict(f"run {original[:8]} is here already", where=str(found.info.run_id), remedy="Use that one.")


def _manifest(archive: zipfile.ZipFile, where: str) -> dict[str, Any]:
    """Read what a file declares, and refuse one that is too large or holds anything else."""
    members = {one.filename: one for one in archive.infolist()}
    if len(members) != len(archive.infolist()):
        raise _damaged(where, "it holds two files of one name")
    if MANIFEST not in members or members[MANIFEST].file_size > LARGEST_MANIFEST or len(members) > MOST_FILES:
        raise _damaged(where, "it has no manifest, or more files than a run has")
    try:
        manifest: dict[str, Any] = json.loads(archive.read(MANIFEST))
        files, run = manifest["files"], manifest["run"]
        texts = [run["id"], run["name"], run["status"], *run["tags"].values(), *run["params"].values()]
        whole = manifest["format"] == FORMAT and all(isinstance(one, str) for one in texts)
        whole = whole and WHOLE.fullmatch(run["tags"].get(ORIGINAL, run["id"])) is not None
        sizes = {name: int(one["bytes"]) for name, one in files.items()}
        notebook = run["tags"]["modelcompose.notebook"]
    except (ValueError, KeyError, TypeError, AttributeError):
        whole, sizes, notebook = False, {}, ""
    if not whole:
        raise _damaged(where, "its manifest is of another form; it may have been written by a later version")
    if sizes.keys() != members.keys() - {MANIFEST} or any(
        members[name].file_size != size for name, size in sizes.items()
    ):
        raise _damaged(where, "it does not hold the files that it declares")
    if sum(sizes.values()) > LARGEST:
        raise InvalidInput(f"{where} would unpack to more than {LARGEST:,} bytes", where=where)
    for name in (*sizes, f"{WORKSPACE}/{notebook}"):
        if not _is_contained(name):
            raise InvalidInput(f"{where} holds a file that would leave its folder: {name!r}", where=where)
    return manifest


def _is_contained(name: str) -> bool:
    parts = name.split("/")
    plain = all(part not in ("", ".", "..") and not part.endswith((" ", ".")) for part in parts)
    return plain and parts[0] in (RUN, WORKSPACE) and len(parts) > 1 and not set(name) & set('\\:\0*?"<>|')


def _unpack(archive: zipfile.ZipFile, name: str, declared: Mapping[str, Any], target: Path, where: str) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    digest, left = hashlib.sha256(), int(declared["bytes"])
    with archive.open(name) as packed, target.open("xb") as file:
        while chunk := packed.read(CHUNK):
            left -= len(chunk)
            if left < 0:
                raise _damaged(where, f"{name} is larger than declared")
            digest.update(chunk)
            file.write(chunk)
    if left or digest.hexdigest() != declared["sha256"]:
        raise _damaged(where, f"{name} is not what was exported")


def _damaged(where: str, why: str) -> InvalidInput:
    return InvalidInput(
        f"this is no run that was exported, or it is damaged: {why}", where=where, remedy="Export the run again."
    )


def _settled(store: RunStore, manifest: Mapping[str, Any], unpacked: Path, original: str) -> tuple[str, str, list[str]]:
    """Move what was unpacked to its places, and record the run."""
    told = manifest["run"]
    (store.workspace / OPENED).mkdir(exist_ok=True)
    stem = "".join(one if one.isalnum() or one in "-_" else "-" for one in told["name"])[:40] or "run"
    place = Path(mkdtemp(prefix=f"{stem}-{original[:8]}-", dir=store.workspace / OPENED))
    place.chmod(0o755)
    if (unpacked / WORKSPACE).is_dir():
        shutil.copytree(unpacked / WORKSPACE, place, dirs_exist_ok=True)
    notebook = f"{place.relative_to(store.workspace).as_posix()}/{told['tags']['modelcompose.notebook']}"
    (store.workspace / notebook).parent.mkdir(parents=True, exist_ok=True)
    tags = {name: value for name, value in told["tags"].items() if name not in (*WHERE, *RELATIVES)}
    tags |= {"modelcompose.notebook": notebook, "mlflow.source.name": notebook, ORIGINAL: original}
    files = unpacked / RUN
    files.mkdir(exist_ok=True)
    id_ = store.tracking.adopt({**told, "tags": tags}, files)
    shutil.copytree(files, store.folder(id_), dirs_exist_ok=True)
    store.show(id_)
    return id_, place.relative_to(store.workspace).as_posix(), list(manifest.get("missing", []))


# -- from store to store -------------------------------------------------------------------------------------------


def copy_runs(store: RunStore, target: Tracking, ids: Sequence[str] = ()) -> dict[str, list[dict[str, str]]]:
    """Copy runs that have ended to another MLflow store, with everything that is recorded of them.

    A run that is there already is left as it is, so that a second copy copies nothing; what an interrupted copy left
    half done is done again. The id that a run bore where it was executed stays with it as a tag.

    Parameters
    ----------
    target
        The other store.
    ids
        The runs; all when none is named.

    Returns
    -------
    dict
        ``copied``, ``present`` and ``left_out``, each a list with the ``id`` here and that ``there``, or ``why`` it was
        left out.
    """
    found: dict[str, list[dict[str, str]]] = {"copied": [], "present": [], "left_out": []}
    there: dict[str, str] = {}
    for run in _oldest_first(store, ids):
        if run.status not in ENDED:
            found["left_out"].append({"id": run.id, "why": f"it is {run.status}"})
            continue
        told = store.tracking.told(run.id)
        original = told["tags"].get(ORIGINAL, run.id)
        present = target.brought(original) or target.find(original)
        if present is not None:
            there[run.id] = str(present.info.run_id)
            found["present"].append({"id": run.id, "there": there[run.id]})
            continue
        relatives = {
            name: there.get(told["tags"][name], told["tags"][name]) for name in RELATIVES if name in told["tags"]
        }
        with TemporaryDirectory(prefix="copying-") as folder:
            files = Path(store.tracking.client.download_artifacts(run.id, "", folder))
            there[run.id] = target.adopt({**told, "tags": told["tags"] | relatives | {ORIGINAL: original}}, files)
        found["copied"].append({"id": run.id, "there": there[run.id]})
    return found


def _oldest_first(store: RunStore, ids: Sequence[str]) -> Iterable[Run]:
    runs = {run.id: run for run in (map(store.get, ids) if ids else store.list(1_000_000))}
    return sorted(runs.values(), key=lambda run: run.started)
