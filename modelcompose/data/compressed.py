"""Unpack compressed files, never beyond a limit: a small archive may unpack to a thousand times its size."""

from __future__ import annotations

import bz2
import gzip
import lzma
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

import pyarrow as pa

from modelcompose.data.cells import LIMIT
from modelcompose.errors import InvalidData, NotFound

__all__ = ["PACKED", "unpack"]

CHUNK = 1 << 20
OPENERS: dict[str, Callable[[Path], Any]] = {
    ".gz": gzip.GzipFile,
    ".bz2": bz2.BZ2File,
    ".xz": lzma.LZMAFile,
    ".zst": lambda path: pa.CompressedInputStream(pa.OSFile(str(path), "rb"), "zstd"),
}
PACKED = (*OPENERS, ".zip")
ARCHIVES = (".tar", ".tgz", ".7z", ".rar")


def unpack(path: Path, folder: Path, choice: str) -> tuple[Path, str, str]:
    """Unpack the table of a compressed file.

    Parameters
    ----------
    path
        A file whose ending is one of `PACKED`.
    folder
        Where to put it.
    choice
        For a ZIP archive of several files, which one; for others, what to choose in the table.

    Returns
    -------
    tuple of Path, str and str
        The table, what is left to choose in it, and a note.

    Raises
    ------
    InvalidData
        When the file is damaged, too large, or holds no table or several.
    """
    if path.suffix.lower() == ".zip":
        return _from_archive(path, folder, choice)
    name = path.name[: -len(path.suffix)]
    if Path(name).suffix.lower() in (*PACKED, *ARCHIVES):
        raise _nested(path)
    target = folder / name
    try:
        with OPENERS[path.suffix.lower()](path) as packed:
            _copied(packed, target, path.name)
    except (OSError, EOFError, lzma.LZMAError, pa.ArrowException, ValueError) as error:
        raise _damaged(path) from error
    return target, choice, f"Unpacked from {path.name}."


def _from_archive(path: Path, folder: Path, choice: str) -> tuple[Path, str, str]:
    try:
        with zipfile.ZipFile(path) as archive:
            member, rest = _member(archive, path, choice)
            if member.flag_bits & 1:
                raise InvalidData("The archive is locked by a password.", where=path.name, remedy="Unpack it first.")
            if member.file_size > LIMIT:
                raise _too_large(path.name)
            target = folder / Path(member.filename).name
            if target.suffix.lower() in (*PACKED, *ARCHIVES):
                raise _nested(path)
            with archive.open(member) as packed:
                _copied(packed, target, path.name)
    except (zipfile.BadZipFile, NotImplementedError, OSError, EOFError, ValueError, RuntimeError) as error:
        raise _damaged(path) from error
    return target, rest, f"“{member.filename}” in {path.name} was read."


def _member(archive: zipfile.ZipFile, path: Path, choice: str) -> tuple[zipfile.ZipInfo, str]:
    files = [
        one
        for one in archive.infolist()
        if not one.is_dir() and not Path(one.filename).name.startswith(".") and "__MACOSX" not in one.filename
    ]
    by_name = {one.filename: one for one in files}
    name, _, rest = choice.partition("#")
    if name in by_name:
        return by_name[name], rest
    listed = ", ".join(f"“{one}”" for one in list(by_name)[:10]) + (" …" if len(by_name) > 10 else "")
    if not files:
        raise InvalidData("The archive holds no file.", where=path.name, remedy="Choose another.")
    if len(files) > 1:
        example = next(iter(by_name))
        message = f"The archive has no file “{name}”." if name else f"The archive holds {len(files)} files: {listed}."
        raise (NotFound if name else InvalidData)(
            message, where=path.name, remedy=f"Say which one: {path.name}#{example}. It holds {listed}."
        )
    return files[0], choice


def _copied(packed: IO[bytes], target: Path, name: str) -> None:
    size = 0
    with target.open("wb") as file:
        while chunk := packed.read(CHUNK):
            size += len(chunk)
            if size > LIMIT:
                raise _too_large(name)
            file.write(chunk)


def _nested(path: Path) -> InvalidData:
    return InvalidData("The file is an archive inside another.", where=path.name, remedy="Unpack it first.")


def _too_large(name: str) -> InvalidData:
    return InvalidData(
        f"The file unpacks to more than {LIMIT:,} bytes.",
        where=name,
        remedy="Unpack it, and keep the columns and rows that the question needs.",
    )


def _damaged(path: Path) -> InvalidData:
    return InvalidData(
        "The compressed file is damaged or incomplete, or its ending is wrong.",
        where=path.name,
        remedy="Write or download it again.",
    )
