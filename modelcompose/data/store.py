"""Stored versions of datasets: never changed, named by their content, readable without ModelCompose.

A store is a folder, or a prefix of an object store such as ``s3://bucket/data``:

    objects/3f/3f2a….parquet            the content of versions, named by its digest
    names/sales/versions/000002.json    what a version is: its columns, where it came from, what was declared
    names/sales/removed/000001.json     that a version was removed; numbers are never used again
    names/sales/heads/000003.json       which version was current, and since when; the last one counts
    names/sales/contracts/000001.json   what versions must look like

Every file is written once, whole or not at all, and only where none stands, so that writers cannot harm each other: who
comes second takes the next number. Rolling back adds a head. Nothing is ever written over but an object that was
damaged, by the same content.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
import re
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import BaseModel, ConfigDict, JsonValue, ValidationError

from modelcompose.data.digest import digest
from modelcompose.errors import Conflict, InvalidData, InvalidInput, NotFound

__all__ = ["DatasetStore", "Problem", "Version", "VersionColumn", "parse_reference"]

PLACE = "MODELCOMPOSE_DATASETS"
FOLDER = Path(".modelcompose") / "datasets"
NAME = re.compile(r"[^\W_][\w.-]{0,79}")
REFERENCE = re.compile(r"(?P<name>[^\W_][\w.-]{0,79})@(?P<version>[0-9a-f]{1,64})")
RESERVED = frozenset(
    {"con", "prn", "aux", "nul", *(f"{port}{number}" for port in ("com", "lpt") for number in range(10))}
)
DAY = 86_400
FORMULA = ("=", "+", "-", "@", "\t", "\r")


class VersionColumn(BaseModel):
    """One column of a stored version."""

    model_config = ConfigDict(frozen=True)

    name: str
    dtype: str
    kind: str
    reason: str = ""


class Version(BaseModel):
    """What is known of one stored version; its manifest."""

    model_config = ConfigDict(frozen=True)

    name: str
    number: int
    sha256: str
    created: str
    rows: int
    columns: tuple[VersionColumn, ...]
    units: dict[str, str] = {}
    variables: dict[str, dict[str, JsonValue]] = {}
    source: str = ""
    source_sha256: str = ""
    notes: tuple[str, ...] = ()
    recipe: tuple[dict[str, JsonValue], ...] = ()
    message: str = ""
    parent: int | None = None
    bytes_sha256: str = ""

    @property
    def reference(self) -> str:
        """How an analysis names it: ``sales@3``."""
        return f"{self.name}@{self.number}"

    @property
    def kinds(self) -> dict[str, str]:
        """The kind of each column."""
        return {column.name: column.kind for column in self.columns}


class Problem(BaseModel):
    """What is wrong with a stored version, and what helps."""

    model_config = ConfigDict(frozen=True)

    name: str
    number: int
    problem: str
    remedy: str


class _Head(BaseModel):
    number: int
    at: str
    why: str


class DatasetStore:
    """The stored datasets of a workspace.

    Parameters
    ----------
    root
        A folder, made when first written to, or an address such as ``s3://bucket/data``.
    """

    def __init__(self, root: str | Path) -> None:
        self.root = str(root)
        self._files = _remote(self.root) if "://" in self.root else _Folder(Path(self.root))

    @classmethod
    def find(cls, folder: Path) -> DatasetStore:
        """Open the store that holds for a folder.

        That is the one the environment variable ``MODELCOMPOSE_DATASETS`` names, else the nearest
        ``.modelcompose/datasets`` in the folder or above it, else a new one in the folder.
        """
        if place := os.environ.get(PLACE):
            return cls(place)
        for candidate in (folder, *folder.resolve().parents):
            if (candidate / FOLDER).is_dir():
                return cls(candidate / FOLDER)
        return cls(folder / FOLDER)

    # -- what is there -----------------------------------------------------------------------------------------

    def names(self) -> list[str]:
        """List the names of all datasets that have a version."""
        return [name for name in sorted(self._files.folders("names")) if self._numbers(name)]

    def versions(self, name: str) -> list[Version]:
        """List the versions of a dataset, oldest first.

        Raises
        ------
        NotFound
            When there is no such dataset.
        """
        numbers = self._numbers(name)
        if not numbers:
            raise self._unknown(name)
        return [self._manifest(name, number) for number in numbers]

    def current(self, name: str) -> Version:
        """Return the version that the name alone stands for."""
        return self.get(name)

    def get(self, name: str, version: int | str | None = None) -> Version:
        """Return a version.

        Parameters
        ----------
        name
            The dataset.
        version
            Its number, a beginning of its SHA-256, or None for the current one.

        Raises
        ------
        NotFound
            When there is no such dataset or version, or the beginning fits several.
        """
        numbers = self._numbers(name)
        if not numbers:
            raise self._unknown(name)
        if version is None:
            return self._manifest(name, self._current(name, numbers))
        text = str(version)
        if text.isdecimal() and int(text) in numbers:
            return self._manifest(name, int(text))
        alike = [one for one in self.versions(name) if len(text) >= 6 and one.sha256.startswith(text)]
        if len({one.sha256 for one in alike}) == 1:
            return alike[-1]
        raise NotFound(
            f"“{name}” has {'several versions' if alike else 'no version'} {text}",
            where=f"{name}@{text}",
            remedy=f"Its versions are {', '.join(map(str, numbers))}.",
        )

    def read(self, version: Version) -> pd.DataFrame:
        """Read the table of a version, and make sure that it is the one that was stored.

        Raises
        ------
        InvalidData
            When the stored content is missing or damaged.
        """
        try:
            frame = _from_parquet(self._files.read(_object(version.sha256)), version)
            intact = digest(frame) == version.sha256
        except (FileNotFoundError, pa.ArrowException, OSError, KeyError, TypeError, ValueError):
            intact = False
        if not intact:
            raise InvalidData(
                f"the stored content of {version.reference} is missing or damaged",
                where=self.root,
                remedy="Add the same table again, which puts it in order, or roll back to another version.",
            )
        return frame

    def packed(self, version: Version) -> dict[str, bytes]:
        """Return the files of a store that holds this version alone, under its number, by their place in it.

        Raises
        ------
        InvalidData
            When the stored content is missing or damaged.
        """
        self.read(version)
        head = _Head(number=version.number, at=_now(), why="packed")
        return {
            _object(version.sha256): self._files.read(_object(version.sha256)),
            f"names/{version.name}/versions/{version.number:06}.json": _as_json(version),
            f"names/{version.name}/heads/000001.json": _as_json(head),
        }

    # -- what changes ------------------------------------------------------------------------------------------

    def add(
        self,
        name: str,
        frame: pd.DataFrame,
        *,
        columns: Sequence[VersionColumn],
        units: Mapping[str, str] | None = None,
        variables: Mapping[str, Mapping[str, Any]] | None = None,
        source: str = "",
        source_sha256: str = "",
        notes: Sequence[str] = (),
        recipe: Sequence[Mapping[str, Any]] = (),
        message: str = "",
    ) -> tuple[Version, bool]:
        """Store a table as the next version of a dataset, and make it the current one.

        Parameters
        ----------
        name
            Letters, digits, ``-``, ``_`` and ``.``; new names begin a dataset.
        frame
            The typed table.
        columns
            Name, type and kind of each column.
        units, variables
            What else is declared of columns.
        source, source_sha256, notes, recipe, message
            Where it came from and how it was prepared.

        Returns
        -------
        tuple of Version and bool
            The version, and whether it is new: the content and declarations of the current one are not stored twice.

        Raises
        ------
        InvalidInput
            When the name cannot be one.
        """
        self._check_name(name)
        numbers = self._numbers(name)
        parent = self._current(name, numbers) if numbers else None
        content = _to_parquet(frame)
        new = Version(
            name=name,
            number=0,
            sha256=digest(frame),
            created=_now(),
            rows=len(frame),
            columns=tuple(columns),
            units=dict(units or {}),
            variables={column: dict(declared) for column, declared in (variables or {}).items()},
            source=source,
            source_sha256=source_sha256,
            notes=tuple(notes),
            recipe=tuple(dict(step) for step in recipe),
            message=message,
            parent=parent,
            bytes_sha256=hashlib.sha256(content).hexdigest(),
        )
        self._keep(new.sha256, content, new)
        if parent is not None and _same(self._manifest(name, parent), new):
            return self._manifest(name, parent), False
        number = self._next(
            f"names/{name}/versions",
            lambda number: _as_json(new.model_copy(update={"number": number})),
            lowest=max(self._all_numbers(name), default=0) + 1,
        )
        added = new.model_copy(update={"number": number})
        self._keep(new.sha256, content, added)  # somebody may have removed the last other version meanwhile
        self._point(name, number, "added")
        self._files.tidy()
        return added, True

    def roll_back(self, name: str, version: int | str) -> Version:
        """Make an earlier version the current one; the later ones stay."""
        chosen = self.get(name, version)
        if chosen.number != self.current(name).number:
            self._point(name, chosen.number, "rolled back")
        return chosen

    def remove(self, name: str, version: int | str | None = None) -> list[int]:
        """Remove a version, or the whole dataset when none is given; numbers are not used again.

        Returns
        -------
        list of int
            The numbers removed.

        Raises
        ------
        Conflict
            When the version is the current one of several.
        """
        doomed = self.versions(name) if version is None else [self.get(name, version)]
        if version is not None and len(self._numbers(name)) > 1 and doomed[0].number == self.current(name).number:
            raise Conflict(
                f"{doomed[0].reference} is the current version",
                where=name,
                remedy="Roll back to another version first, or remove the whole dataset.",
            )
        for one in doomed:
            self._files.put(f"names/{name}/removed/{one.number:06}.json", b'{"at": "%s"}\n' % _now().encode())
        for sha256 in {one.sha256 for one in doomed}:
            self._drop(sha256)
        return [one.number for one in doomed]

    def verify(self, name: str | None = None) -> tuple[int, list[Problem]]:
        """Hash the content of every version again.

        Returns
        -------
        tuple of int and list of Problem
            How many versions were looked at, and what is wrong.
        """
        found, checked = [], 0
        state: dict[str, str] = {}
        for one in [name] if name else self.names():
            for number in self._numbers(one):
                checked += 1
                problem = self._problem(one, number, state)
                if problem:
                    remedy = "Add the same table again, or remove the version."
                    found.append(Problem(name=one, number=number, problem=problem, remedy=remedy))
        return checked, found

    def _problem(self, name: str, number: int, state: dict[str, str]) -> str:
        try:
            version = self._manifest(name, number)
        except InvalidData as error:
            return error.message
        if version.sha256 not in state:
            try:
                self.read(version)
                state[version.sha256] = ""
            except InvalidData as error:
                state[version.sha256] = error.message
        return state[version.sha256]

    # -- contracts: kept here, understood in modelcompose.data.contract -----------------------------------------

    def contract(self, name: str) -> tuple[int, str] | None:
        """Return number and text of the contract in force for a dataset, or None."""
        numbers = self._listed(f"names/{name}/contracts")
        if not numbers:
            return None
        return numbers[-1], self._files.read(f"names/{name}/contracts/{numbers[-1]:06}.json").decode()

    def put_contract(self, name: str, text: str) -> int:
        """Put a contract in force for a dataset, and return its number."""
        if not self._numbers(name):
            raise self._unknown(name)
        return self._next(f"names/{name}/contracts", lambda _: text.encode())

    # -- files -------------------------------------------------------------------------------------------------

    def _check_name(self, name: str) -> None:
        if not NAME.fullmatch(name) or name.endswith(".") or name.split(".")[0].lower() in RESERVED:
            raise InvalidInput(
                f"{name!r} cannot be the name of a dataset",
                where="name",
                remedy="Use letters, digits, - and _, beginning with a letter or digit; 80 at most.",
            )
        alike = [one for one in self._files.folders("names") if one != name and one.casefold() == name.casefold()]
        if alike:
            raise InvalidInput(
                f"there is already a dataset named {alike[0]!r}", where="name", remedy="Use that name, or another."
            )

    def _unknown(self, name: str) -> NotFound:
        known = ", ".join(self.names()) or "none yet"
        return NotFound(f"there is no dataset “{name}”", where=self.root, remedy=f"Stored datasets: {known}.")

    def _listed(self, folder: str) -> list[int]:
        names = (name.removesuffix(".json") for name in self._files.files(folder) if name.endswith(".json"))
        return sorted(int(name) for name in names if name.isdecimal())

    def _all_numbers(self, name: str) -> list[int]:
        return self._listed(f"names/{name}/versions") if NAME.fullmatch(name) else []

    def _numbers(self, name: str) -> list[int]:
        numbers = self._all_numbers(name)
        removed = set(self._listed(f"names/{name}/removed")) if numbers else set()
        return [number for number in numbers if number not in removed]

    def _current(self, name: str, numbers: Sequence[int]) -> int:
        for head in reversed(self._listed(f"names/{name}/heads")):
            number = _Head.model_validate_json(self._files.read(f"names/{name}/heads/{head:06}.json")).number
            if number in numbers:
                return number
        return numbers[-1]

    def _manifest(self, name: str, number: int) -> Version:
        try:
            return Version.model_validate_json(self._files.read(f"names/{name}/versions/{number:06}.json"))
        except (ValidationError, FileNotFoundError, UnicodeDecodeError) as error:
            raise InvalidData(
                f"the manifest of {name}@{number} is missing or damaged", where=self.root, remedy="Remove the version."
            ) from error

    def _point(self, name: str, number: int, why: str) -> None:
        head = _Head(number=number, at=_now(), why=why)
        self._next(f"names/{name}/heads", lambda _: _as_json(head))

    def _next(self, folder: str, content: Callable[[int], bytes], lowest: int = 1) -> int:
        """Write a file under the next free number; whoever is faster takes a number, we take the one after."""
        number = max([lowest - 1, *self._listed(folder)]) + 1
        while not self._files.put(f"{folder}/{number:06}.json", content(number)):
            number += 1
        return number

    def _keep(self, sha256: str, content: bytes, version: Version) -> None:
        """Make sure that an object is there and intact."""
        if self._files.put(_object(sha256), content):
            return
        try:
            self.read(version)
        except InvalidData:
            self._files.replace(_object(sha256), content)

    def _drop(self, sha256: str) -> None:
        """Delete an object that no version refers to any more; put it back if one does since."""
        if self._used(sha256):
            return
        with contextlib.suppress(FileNotFoundError):
            content = self._files.read(_object(sha256))
            self._files.delete(_object(sha256))
            if self._used(sha256):
                self._files.put(_object(sha256), content)

    def _used(self, sha256: str) -> bool:
        return any(version.sha256 == sha256 for name in self.names() for version in self._readable(name))

    def _readable(self, name: str) -> Iterator[Version]:
        for number in self._numbers(name):
            with contextlib.suppress(InvalidData):
                yield self._manifest(name, number)


def parse_reference(text: str) -> tuple[str, str] | None:
    """Split ``sales@3`` or ``sales@3f2a9c`` into name and version; None when the text is no such reference."""
    found = REFERENCE.fullmatch(text)
    return (found["name"], found["version"]) if found else None


def export(frame: pd.DataFrame, path: Path) -> list[str]:
    """Write a table to a file of the format that its ending tells, whole or not at all.

    In text formats that spreadsheet programs open, cells of text that such a program would take for a formula get an
    apostrophe in front.

    Returns
    -------
    list of str
        Notes for the user.

    Raises
    ------
    InvalidInput
        When the ending is none of ``.csv``, ``.tsv``, ``.json``, ``.parquet``, ``.feather`` and ``.xlsx``.
    """
    writers: dict[str, Callable[[pd.DataFrame, Path], Any]] = {
        ".csv": lambda table, to: table.to_csv(to, index=False),
        ".tsv": lambda table, to: table.to_csv(to, index=False, sep="\t"),
        ".json": lambda table, to: table.to_json(to, orient="records", date_format="iso", force_ascii=False),
        ".parquet": lambda table, to: to.write_bytes(_to_parquet(table)),
        ".feather": lambda table, to: table.to_feather(to),
        ".xlsx": lambda table, to: table.to_excel(to, index=False),
    }
    suffix = path.suffix.lower()
    if suffix not in writers:
        raise InvalidInput(
            f"tables are not written as “{suffix or path.name}”",
            where="path",
            remedy=f"End it in {', '.join(writers)}.",
        )
    guarded, notes = _guarded(frame) if suffix in (".csv", ".tsv", ".xlsx") else (frame, [])
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{uuid.uuid4().hex}{suffix}")
    try:
        writers[suffix](guarded, temporary)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    return notes


def _guarded(frame: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    """Put an apostrophe before text that a spreadsheet program would run as a formula."""
    safe, count = frame.copy(), 0
    for name in frame.columns:
        if isinstance(frame[name].dtype, pd.StringDtype):
            risky = frame[name].str.startswith(FORMULA).fillna(False).astype(bool)
            safe[name] = frame[name].where(~risky, "'" + frame[name])
            count += int(risky.sum())
    safe.columns = pd.Index([f"'{name}" if str(name).startswith(FORMULA) else name for name in frame.columns])
    return safe, [f"{count} cells that look like formulas got an apostrophe in front."] if count else []


def _object(sha256: str) -> str:
    return f"objects/{sha256[:2]}/{sha256}.parquet"


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _as_json(model: BaseModel) -> bytes:
    return (model.model_dump_json(indent=2) + "\n").encode()


def _same(old: Version, new: Version) -> bool:
    """Tell whether content and declarations are the same; where it came from and when does not matter."""
    return all(getattr(old, part) == getattr(new, part) for part in ("sha256", "kinds", "units", "variables"))


def _to_parquet(frame: pd.DataFrame) -> bytes:
    arrays = [pa.array(frame.iloc[:, at], from_pandas=True) for at in range(frame.shape[1])]
    table = pa.Table.from_arrays(arrays, names=[str(name) for name in frame.columns])
    sink = io.BytesIO()
    pq.write_table(table, sink, compression="zstd")
    return sink.getvalue()


def _from_parquet(content: bytes, version: Version) -> pd.DataFrame:
    table = pq.read_table(pa.BufferReader(content))
    types = {column.name: column.dtype for column in version.columns}
    columns = {}
    for name in table.column_names:
        cells = table.column(name)
        dtype = types[name]
        if dtype in ("int64", "float64", "datetime64[us]"):
            columns[name] = pd.Series(cells.to_numpy(zero_copy_only=False), dtype=dtype)
        elif dtype == "str":
            columns[name] = pd.Series(pd.array(cells.cast(pa.large_string()), dtype="str"))
        else:
            columns[name] = pd.Series(cells.to_pylist(), dtype=dtype)
    return pd.DataFrame(columns)


# -- where files lie ---------------------------------------------------------------------------------------------


class _Folder:
    """Files in a folder of this machine: written beside their place, then linked into it if none is there."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def put(self, path: str, content: bytes) -> bool:
        """Write a file whole, unless there is one; say whether it was written."""
        target = self._root / path
        if target.exists():
            return False
        with self._beside(target, content) as temporary:
            try:
                os.link(temporary, target)
            except FileExistsError:
                return False
            except OSError:  # a file system without links
                return self._exclusively(target, content)
            _settled(target.parent)
            return True

    def replace(self, path: str, content: bytes) -> None:
        target = self._root / path
        with self._beside(target, content) as temporary:
            temporary.replace(target)
            _settled(target.parent)

    @contextlib.contextmanager
    def _beside(self, target: Path, content: bytes) -> Iterator[Path]:
        target.parent.mkdir(parents=True, exist_ok=True)
        place = self._root / "unfinished"
        place.mkdir(exist_ok=True)
        temporary = place / uuid.uuid4().hex
        try:
            with temporary.open("xb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            yield temporary
        finally:
            temporary.unlink(missing_ok=True)

    @staticmethod
    def _exclusively(target: Path, content: bytes) -> bool:
        try:
            with target.open("xb") as file:
                file.write(content)
        except FileExistsError:
            return False
        return True

    def read(self, path: str) -> bytes:
        return (self._root / path).read_bytes()

    def delete(self, path: str) -> None:
        (self._root / path).unlink()

    def files(self, folder: str) -> list[str]:
        return self._entries(folder, Path.is_file)

    def folders(self, folder: str) -> list[str]:
        return self._entries(folder, Path.is_dir)

    def _entries(self, folder: str, wanted: Callable[[Path], bool]) -> list[str]:
        try:
            return [entry.name for entry in (self._root / folder).iterdir() if wanted(entry)]
        except (FileNotFoundError, NotADirectoryError):
            return []

    def tidy(self) -> None:
        """Delete what interrupted writers left more than a day ago."""
        for left in (self._root / "unfinished").glob("*"):
            with contextlib.suppress(FileNotFoundError):
                if left.stat().st_mtime < time.time() - DAY:
                    left.unlink()


def _settled(folder: Path) -> None:
    """Make a new entry of a folder survive a power cut."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


class _Objects:
    """Files in an object store, which writes them whole and, if asked, only where none is."""

    def __init__(self, files: Any, root: str) -> None:
        self._files = files
        self._root = root.rstrip("/")

    def put(self, path: str, content: bytes) -> bool:
        target = f"{self._root}/{path}"
        if self._files.exists(target):
            return False
        try:
            self._files.pipe_file(target, content, mode="create")
        except FileExistsError:
            return False
        except OSError as error:
            if "PreconditionFailed" in str(error) or "pre-conditions" in str(error):
                return False
            raise
        self._files.invalidate_cache()
        return True

    def replace(self, path: str, content: bytes) -> None:
        self._files.pipe_file(f"{self._root}/{path}", content)

    def read(self, path: str) -> bytes:
        return bytes(self._files.cat_file(f"{self._root}/{path}"))

    def delete(self, path: str) -> None:
        self._files.rm_file(f"{self._root}/{path}")
        self._files.invalidate_cache()

    def files(self, folder: str) -> list[str]:
        return self._entries(folder, "file")

    def folders(self, folder: str) -> list[str]:
        return self._entries(folder, "directory")

    def _entries(self, folder: str, wanted: str) -> list[str]:
        self._files.invalidate_cache()
        try:
            found = self._files.ls(f"{self._root}/{folder}", detail=True)
        except FileNotFoundError:
            return []
        return [entry["name"].rstrip("/").rpartition("/")[2] for entry in found if entry["type"] == wanted]

    def tidy(self) -> None:
        """Nothing is left unfinished in an object store."""


def _remote(address: str) -> _Objects:
    import fsspec

    try:
        files, root = fsspec.core.url_to_fs(address)
    except ImportError as error:
        raise InvalidInput(
            f"{address.partition('://')[0]} addresses need a package that is not installed",
            where=PLACE,
            remedy='Install it with: pip install "modelcompose[s3]"',
        ) from error
    except ValueError as error:
        raise InvalidInput(f"this is no address of a store: {error}", where=PLACE) from error
    return _Objects(files, root)
