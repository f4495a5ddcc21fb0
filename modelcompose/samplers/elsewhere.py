"""Posteriors that were made elsewhere: read from files of other programs into the shape that samplers return.

    *.nc, *.netcdf      ArviZ, as its InferenceData (0.x) or a DataTree (1.x) was saved: a group for each kind of values
    *.zarr              the same as a folder, or as a ZIP archive of one
    *.csv               CmdStan, a file for each chain

Nothing in such a file is executed: no pickle is opened, and no link that leads out of the file is followed.
"""

from __future__ import annotations

import json
import math
import re
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from modelcompose.errors import InvalidData, NotFound

__all__ = ["read_posterior"]

LARGEST = 8_000_000_000
GROUPS = ("posterior", "sample_stats", "posterior_predictive", "log_likelihood", "observed_data", "constant_data")
STATISTICS = {
    "lp__": "lp",
    "accept_stat__": "acceptance_rate",
    "stepsize__": "step_size",
    "treedepth__": "tree_depth",
    "n_leapfrog__": "n_steps",
    "divergent__": "diverging",
    "energy__": "energy",
}
ELSEWHERE = {"log_lik": "log_likelihood", "y_rep": "posterior_predictive", "y_hat": "posterior_predictive"}
"""Generated quantities by the names that Stan's documentation gives them."""
OLD = {"diverging": ("divergences",), "tree_depth": ("depth",), "acceptance_rate": ("mean_tree_accept", "accept_stat")}
"""What statistics were called before."""
INDEX = re.compile(r"(?P<name>[^\[\].]+)(?:\.(?P<dots>\d+(?:\.\d+)*)|\[(?P<brackets>\d+(?:\s*,\s*\d+)*)\])?")
COMMENT = re.compile(r"#\s*([\w.]+)\s*=\s*(\S*)")
PLAIN = frozenset(
    ("zlib", "gzip", "bz2", "lzma", "blosc", "zstd", "lz4", "shuffle", "bytes", "transpose", "crc32c", "delta")
) | {"vlen-utf8", "fixedscaleoffset", "sharding_indexed", "packbits", "astype", "quantize", "bitround"}
"""Codecs of zarr that only pack numbers and texts; others, such as pickle, are refused."""


def read_posterior(*files: str | Path) -> Any:
    """Read a posterior that another program has drawn.

    Parameters
    ----------
    *files
        One netCDF file or zarr store, or the CSV files of CmdStan's chains.

    Returns
    -------
    xarray.DataTree
        The groups ``posterior`` and ``sample_stats``, the latter empty where nothing is known of the sampler, and those
        of ``posterior_predictive``, ``log_likelihood``, ``observed_data`` and ``constant_data`` that are there.
        ``posterior.attrs`` hold ``requested_draws``, ``requested_chains``, ``sampler``, and ``sampling_seconds`` where
        the files say how long it took.

    Raises
    ------
    NotFound
        When there is no such file.
    InvalidData
        When a file is none of these, is damaged or too large, or holds no draws by chain; for CSV with the line.
    """
    paths = [Path(file) for file in files]
    for path in paths:
        if not path.exists():
            raise NotFound(f"there is no file {path.name!r}", where=str(path), remedy="Check the path.")
    if not paths:
        raise InvalidData("no file with draws is named", where="files", remedy="Name a .nc, .zarr or CmdStan's .csv.")
    kinds = {_kind(path) for path in paths}
    if kinds == {"csv"}:
        return _from_cmdstan(paths)
    if len(paths) > 1:
        raise InvalidData(
            "several files are one posterior only where each is a chain of CmdStan",
            where=", ".join(path.name for path in paths),
            remedy="Put the chains side by side before you save them, for example with arviz.concat.",
        )
    return _tidied(_opened(paths[0], kinds.pop()), paths[0].name)


def _kind(path: Path) -> str:
    if path.is_dir() or path.name.endswith((".zarr", ".zarr.zip")):
        return "zarr"
    with path.open("rb") as file:
        begins = file.read(8)
    if begins.startswith((b"\x89HDF\r\n\x1a\n", b"CDF\x01", b"CDF\x02", b"CDF\x05")):
        return "hdf5" if begins.startswith(b"\x89HDF") else "netcdf3"
    if begins.startswith(b"#") or path.suffix.lower() == ".csv":
        return "csv"
    raise InvalidData(
        "this is neither netCDF, zarr nor CmdStan's CSV",
        where=path.name,
        remedy="Save the posterior as netCDF, for example with idata.to_netcdf(…). Pickled files are never opened.",
    )


# -- netCDF and zarr -----------------------------------------------------------------------------------------------


def _opened(path: Path, kind: str) -> dict[str, Any]:
    """Read the groups of a file that are of use, once it is certain that they are harmless and not too large."""
    import xarray as xr

    if kind == "netcdf3":
        raise InvalidData("netCDF of version 3 has no groups", where=path.name, remedy="Save it as netCDF 4.")
    try:
        (_check_hdf5 if kind == "hdf5" else _check_zarr)(path)
        options: dict[str, Any] = (
            {"engine": "h5netcdf"} if kind == "hdf5" else {"engine": "zarr", "consolidated": False}
        )
        with xr.open_datatree(path, **options) as tree:
            return {name: tree[name].load().to_dataset() for name in GROUPS if name in tree.children}
    except InvalidData:
        raise
    except ModuleNotFoundError as error:
        raise InvalidData(f"{error.name} is not installed", where=path.name, remedy="Save it as netCDF.") from None
    except Exception as error:  # whatever a damaged file does to the libraries that read it
        raise InvalidData(f"the file is damaged: {error}", where=path.name, remedy="Save it again.") from None


def _check_hdf5(path: Path) -> None:
    import h5py

    total = 0

    def look(group: Any) -> None:
        nonlocal total
        for name in group:
            if isinstance(group.get(name, getlink=True), h5py.ExternalLink):
                raise InvalidData(
                    f"{name!r} is a link to another file", where=path.name, remedy="Save it without links."
                )
            one = group[name]
            if isinstance(one, h5py.Group):
                look(one)
                continue
            if one.external or one.is_virtual:
                raise InvalidData(f"{name!r} lies in another file", where=path.name, remedy="Save it as one file.")
            total += one.size * one.dtype.itemsize if one.shape is not None else 0
            _require_small(total, path.name)

    with h5py.File(path, "r") as file:
        look(file)


def _check_zarr(path: Path) -> None:
    total = 0
    for name, told in _zarr_metadata(path):
        for codec in _codecs(told):
            if codec not in PLAIN:
                raise InvalidData(f"{name} is packed with {codec!r}, which may run code", where=path.name)
        shape = told.get("shape") or []
        total += math.prod(int(size) for size in shape) * 8
        _require_small(total, path.name)


def _zarr_metadata(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    wanted = (".zarray", "zarr.json")
    if path.is_dir():
        if any(one.is_symlink() for one in path.rglob("*")):
            raise InvalidData("the store holds links", where=path.name, remedy="Copy it without links.")
        texts = [(str(one.relative_to(path)), one.read_text("utf-8")) for one in path.rglob("*") if one.name in wanted]
    else:
        with zipfile.ZipFile(path) as archive:
            members = [one for one in archive.infolist() if one.filename.rpartition("/")[2] in wanted]
            _require_small(sum(one.file_size for one in archive.infolist()), path.name)
            texts = [(one.filename, archive.read(one).decode()) for one in members]
    for name, text in texts:
        told = json.loads(text)
        yield name, told if isinstance(told, dict) else {}


def _codecs(told: Mapping[str, Any]) -> Iterator[str]:
    """Name every codec that an array's description mentions, in either version of the format."""
    listed = [told.get("compressor"), *(told.get("filters") or []), *(told.get("codecs") or [])]
    for one in listed:
        if isinstance(one, Mapping):
            yield str(one.get("id", one.get("name", ""))).removeprefix("numcodecs.").casefold()
            inner = one.get("configuration")
            if isinstance(inner, Mapping):
                yield from _codecs({"codecs": [*(inner.get("codecs") or []), *(inner.get("index_codecs") or [])]})


def _require_small(size: int, where: str) -> None:
    if size > LARGEST:
        raise InvalidData(
            f"the file declares more than {LARGEST:,} bytes",
            where=where,
            remedy="Leave out what is not needed, such as values for every row, or keep every tenth draw.",
        )


def _tidied(groups: dict[str, Any], where: str) -> Any:
    """Bring the groups of a file into our shape."""
    if "posterior" not in groups:
        raise InvalidData("the file has no group “posterior”", where=where, remedy="Save the whole InferenceData.")
    posterior = groups["posterior"]
    statistics = groups.get("sample_stats")
    if not {"chain", "draw"} <= set(posterior.dims) or not posterior.data_vars:
        raise InvalidData(
            "the posterior has no draws by chain", where=where, remedy="Its dimensions must include chain and draw."
        )
    for name in posterior.data_vars:
        if posterior[name].dtype.kind not in "iufb":
            raise InvalidData(f"the values of {name!r} are no numbers", where=where, remedy="Leave it out.")
    if statistics is not None:
        old = {
            was: name for name, names in OLD.items() for was in names if was in statistics and name not in statistics
        }
        statistics = statistics.rename(old)
        if "log_likelihood" in statistics:  # where ArviZ kept it before 0.7
            groups.setdefault("log_likelihood", statistics[["log_likelihood"]])
            statistics = statistics.drop_vars("log_likelihood")
    sampler = str(posterior.attrs.get("inference_library", "") or "unknown")
    version = str(posterior.attrs.get("inference_library_version", ""))
    seconds = posterior.attrs.get("sampling_time")
    known = {"sampling_seconds": float(seconds)} if seconds is not None else {}
    return _tree(groups | {"sample_stats": statistics}, f"{sampler} {version}".strip(), known)


def _tree(groups: Mapping[str, Any], sampler: str, attrs: Mapping[str, Any]) -> Any:
    import xarray as xr

    found = {name: group for name, group in groups.items() if group is not None}
    found.setdefault("sample_stats", xr.Dataset())
    posterior = found["posterior"].transpose("chain", "draw", ...)
    made = {"requested_chains": posterior.sizes["chain"], "requested_draws": posterior.sizes["draw"]}
    found["posterior"] = posterior.assign_attrs({**made, "chains_each": made["requested_chains"], "sampler": sampler})
    found["posterior"].attrs |= attrs
    return xr.DataTree.from_dict(found)


# -- CmdStan -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Chain:
    """One file of CmdStan: what its comments say, its columns and its draws after warm-up, (draws, columns)."""

    name: str
    told: Mapping[str, str]
    columns: tuple[str, ...]
    draws: np.ndarray[Any, Any]
    seconds: float


def _from_cmdstan(paths: Sequence[Path]) -> Any:
    import xarray as xr

    chains = [_chain(path) for path in paths]
    first = chains[0]
    for one in chains[1:]:
        if one.columns != first.columns:
            raise InvalidData(
                f"its columns are not those of {first.name}", where=one.name, remedy="Name the chains of one run only."
            )
        if len(one.draws) != len(first.draws):
            raise InvalidData(
                f"it holds {len(one.draws)} draws, and {first.name} {len(first.draws)}",
                where=one.name,
                remedy="Wait until all chains have ended, or leave out the one that has not.",
            )
    ids = [one.told.get("id", "") for one in chains]
    if len(set(ids)) < len(ids) and all(ids) and len({one.draws.tobytes() for one in chains}) < len(chains):
        raise InvalidData("the same chain is named twice", where=", ".join(one.name for one in chains))
    values = np.stack([one.draws for one in chains])
    groups: dict[str, dict[str, Any]] = {"posterior": {}, "sample_stats": {}}
    for name, columns in _variables(first.columns, first.name).items():
        if name in STATISTICS:
            groups["sample_stats"][STATISTICS[name]] = (("chain", "draw"), values[:, :, columns[()]])
        elif not name.endswith("__"):
            array = _array(values, columns)
            dims = ("chain", "draw", *(f"{name}_dim_{at}" for at in range(array.ndim - 2)))
            groups.setdefault(ELSEWHERE.get(name, "posterior"), {})[name] = (dims, array)
    if not groups["posterior"]:
        raise InvalidData("the files hold no parameter", where=first.name)
    statistics = groups["sample_stats"]
    if "diverging" in statistics:
        statistics["diverging"] = (("chain", "draw"), statistics["diverging"][1] != 0)
    if "tree_depth" in statistics and first.told.get("max_depth", "").isdecimal():
        deepest = statistics["tree_depth"][1] >= int(first.told["max_depth"])
        statistics["reached_max_treedepth"] = (("chain", "draw"), deepest)
    version = ".".join(first.told.get(f"stan_version_{part}", "") for part in ("major", "minor", "patch")).strip(".")
    seconds = max(one.seconds for one in chains)
    known = {"sampling_seconds": seconds} if seconds > 0 else {}
    coords = {"chain": np.arange(values.shape[0]), "draw": np.arange(values.shape[1])}
    trees = {name: xr.Dataset(group, coords=coords) for name, group in groups.items()}
    return _tree(trees, f"Stan {version}".strip(), known)


def _chain(path: Path) -> _Chain:
    told: dict[str, str] = {}
    columns: tuple[str, ...] = ()
    rows: list[list[float]] = []
    adapted = 0
    seconds = 0.0
    if path.stat().st_size > LARGEST:
        _require_small(path.stat().st_size, path.name)
    with path.open(encoding="utf-8", errors="strict") as file:
        for number, line in enumerate(_decoded(file, path.name), start=1):
            text = line.strip()
            if text.startswith("#"):
                if found := COMMENT.match(text):
                    told.setdefault(found[1], found[2])
                if text.startswith("# Adaptation terminated"):
                    adapted = len(rows)
                if took := re.search(r"([\d.eE+-]+) seconds \(Total\)", text):
                    seconds = float(took[1])
            elif text and not columns:
                columns = tuple(name.strip().strip('"') for name in text.split(","))
                _require_draws(told, columns, path.name, number)
            elif text:
                rows.append(_row(text, columns, path.name, number))
    if not columns:
        raise InvalidData("the file holds no line with names", where=path.name, remedy="Name CmdStan's output files.")
    warmed = rows[adapted:] if told.get("save_warmup", "0") in {"1", "true"} else rows
    if not warmed:
        raise InvalidData("the file holds no draws", where=path.name, remedy="Wait until the chain has ended.")
    return _Chain(path.name, told, columns, np.array(warmed), seconds)


def _decoded(file: Iterable[str], where: str) -> Iterator[str]:
    try:
        yield from file
    except UnicodeDecodeError:
        raise InvalidData("the file is no text", where=where, remedy="Name CmdStan's output files.") from None


def _require_draws(told: Mapping[str, str], columns: Sequence[str], where: str, line: int) -> None:
    method = told.get("method", "sample")
    if method not in {"sample", "sample."} or "lp__" not in columns:
        said = f"its method is {method!r}" if method != "sample" else "it has no column lp__"
        raise InvalidData(
            f"these are no draws of CmdStan's sampler: {said}",
            where=f"{where}, line {line}",
            remedy="Name the output of method = sample.",
        )
    if len(set(columns)) < len(columns):
        raise InvalidData("a name stands twice", where=f"{where}, line {line}")


def _row(text: str, columns: Sequence[str], where: str, line: int) -> list[float]:
    cells = text.split(",")
    if len(cells) != len(columns):
        raise InvalidData(
            f"there are {len(cells)} values for {len(columns)} names",
            where=f"{where}, line {line}",
            remedy="The chain may have been cut short; run it again.",
        )
    try:
        return [float(cell) for cell in cells]
    except ValueError:
        wrong = next(cell for cell in cells if not _is_number(cell))
        raise InvalidData(f"{wrong[:40]!r} is no number", where=f"{where}, line {line}") from None


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _variables(columns: Sequence[str], where: str) -> dict[str, dict[tuple[int, ...], int]]:
    """Group columns such as ``theta.1.2`` or ``theta[1,2]`` by variable: index, from 1, → place of the column."""
    found: dict[str, dict[tuple[int, ...], int]] = {}
    for place, column in enumerate(columns):
        matched = INDEX.fullmatch(column)
        name, index = (column, ()) if matched is None else (matched["name"], _index(matched))
        found.setdefault(name, {})[index] = place
    for name, places in found.items():
        sizes = [max(one) for one in zip(*places, strict=False)]
        if (
            len({len(index) for index in places}) > 1
            or len(places) != math.prod(sizes)
            or 0 in map(min, filter(None, places))
        ):
            raise InvalidData(f"elements of {name!r} are missing", where=where, remedy="Name the whole output.")
    return found


def _index(matched: re.Match[str]) -> tuple[int, ...]:
    text = matched["dots"] or matched["brackets"] or ""
    return tuple(int(part) for part in re.split(r"[.,]\s*", text)) if text else ()


def _array(values: np.ndarray[Any, Any], places: Mapping[tuple[int, ...], int]) -> np.ndarray[Any, Any]:
    shape = [max(one) for one in zip(*places, strict=True)]
    array = np.empty((*values.shape[:2], *shape))
    for index, place in places.items():
        inside: Any = (..., *(at - 1 for at in index))
        array[inside] = values[:, :, place]
    return array
