"""Runs of people who fit their own models: whatever they make is kept, judged by the same rules, and listed.

    with mc.track("growth") as run:
        run.params(priors="wide", rows=len(table))
        dt = pm.sample()
        run.log(dt)                 # kept at once, and judged
        run.figure(fig, "curves")

No server is needed, and no notebook: what was logged stands in a notebook of its own, which the run's record names.
"""

from __future__ import annotations

import io
import json
import re
import sys
from base64 import b64encode
from collections.abc import Mapping
from contextvars import ContextVar
from math import isfinite
from pathlib import Path
from time import time
from types import TracebackType
from typing import Any, Self

from modelcompose.analysis import Analysis
from modelcompose.errors import Conflict, InvalidInput
from modelcompose.runs.backlog import note
from modelcompose.runs.checkpoints import POSTERIOR
from modelcompose.runs.events import EventLog
from modelcompose.runs.notebook import EXECUTED, read_executed, write
from modelcompose.runs.run import Run, RunKind, RunStatus, RunVerdict, verdicts_in
from modelcompose.runs.store import RunStore
from modelcompose.runs.tracking import PARAM_LENGTH, shortened
from modelcompose.verdict import Verdict, worst

__all__ = ["Tracked", "bring_in", "track"]

KEY = re.compile(r"[\w. /-]{1,200}")
NUMERIC = "iufb"
_UNDER_WAY: ContextVar[Tracked | None] = ContextVar("tracked", default=None)


def track(
    name: str,
    *,
    workspace: str | Path = ".",
    tracking_uri: str | None = None,
    model: str = "",
    data: str = "",
    tags: Mapping[str, str] | None = None,
) -> Tracked:
    """Begin a run by hand, for a model that is fitted by your own code.

    Used with ``with``, it ends as truthfully as any run: passed, warned or failed by its verdicts; error when an
    exception leaves it, which is recorded and raised on; stopped at Ctrl+C; and as one that died when its process is
    killed. Within another one it belongs to that.

    Parameters
    ----------
    name
        What people call the run.
    workspace
        The folder whose runs it joins.
    tracking_uri
        MLflow's tracking URI; by default the workspace's own.
    model, data
        What the model and the table are called.
    tags
        What else is to be noted on it.

    Returns
    -------
    Tracked
        To be used with ``with``.
    """
    return Tracked(name, RunStore(Path(workspace), tracking_uri), model=model, data=data, tags=tags or {})


def bring_in(store: RunStore, dt: Any, *, name: str, files: Mapping[str, str], model: str = "", data: str = "") -> Run:
    """Keep a posterior that was made elsewhere as a run of kind ``imported``, judged by the same rules.

    Parameters
    ----------
    store
        Where it is kept.
    dt
        DataTree with ``posterior``; see ``Tracked.log``.
    name
        What people call the run.
    files
        The files it was read from, relative to the workspace, with their SHA-256.
    model, data
        What the model and the table are called.

    Raises
    ------
    InvalidInput
        When it is no fit. The run is kept, with what is wrong.
    """
    of = Tracked(name, store, model=model, data=data, tags={}, kind="imported", source=next(iter(files)))
    with of as run:
        run.params(files=dict(files))
        run.note("Brought in from " + ", ".join(f"`{file}`" for file in files) + "; nothing was drawn here.")
        run.log(dt)
    return run.run


class Tracked:
    """A run under way whose steps are somebody's own code; see ``track``."""

    def __init__(
        self,
        name: str,
        store: RunStore,
        *,
        model: str,
        data: str,
        tags: Mapping[str, str],
        kind: RunKind = "tracked",
        source: str = "",
    ) -> None:
        self.name = name
        self._store = store
        self._model, self._data, self._tags = model, data, tags
        self._kind, self._source = kind, source
        self._run: Run | None = None
        self._outer: Any = None
        self._nb: Any = None

    def __enter__(self) -> Self:
        import nbformat.v4 as v4

        if self._run is not None:
            raise Conflict(f"run {self.name!r} was begun already", remedy="Begin a new one with track.")
        self._nb = v4.new_notebook(cells=[v4.new_markdown_cell(f"# {self.name}")])  # type: ignore[no-untyped-call]
        outer = _UNDER_WAY.get()
        self._run = self._store.create(
            self._nb,
            name=self.name,
            notebook_path=self._source or _script(self._store.workspace, self.name),
            analysis=Analysis(model=self._model, data=self._data),
            parent=outer.id if outer is not None and outer._store.workspace == self._store.workspace else "",
            kind=self._kind,
            tags=self._tags,
        )
        self._outer = _UNDER_WAY.set(self)
        self._save()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        _UNDER_WAY.reset(self._outer)
        self._run = self._store.finish(self.id, **_outcome(verdicts_in(read_executed(self._folder)), error))

    @property
    def id(self) -> str:
        """The run's id."""
        return self._begun.id

    @property
    def run(self) -> Run:
        """The run as it stands now."""
        return self._store.get(self.id)

    def log(self, dt: Any) -> list[Verdict]:
        """Keep a fit, and judge it.

        Parameters
        ----------
        dt
            DataTree with ``posterior``; the more groups it has, the more is judged: ``sample_stats``,
            ``posterior_predictive`` with ``observed_data``, ``log_likelihood``. A later fit takes an earlier one's
            place.

        Returns
        -------
        list of Verdict
            One for each step that could be judged.

        Raises
        ------
        InvalidInput
            When it is no fit.
        """
        from modelcompose.workflow.given import checks

        self._require_open()
        judging = checks(dt)
        first = next(judging)
        self._keep(dt)
        verdicts = [first, *judging]
        self._nb.cells = [cell for cell in self._nb.cells if "judged" not in cell.metadata.get("tags", [])]
        for verdict in verdicts:
            bundle = verdict._repr_mimebundle_()
            self._show(bundle, f"run.log(dt)  # {verdict.step}", tags=["judged"])
            EventLog(self._folder).append("verdict", **RunVerdict.of(verdict).model_dump())
        self._save()
        return verdicts

    def params(self, **values: Any) -> None:
        """Note what was chosen; a value is noted once and stays.

        Raises
        ------
        Conflict
            When one was noted with another value.
        """
        from mlflow.exceptions import MlflowException

        self._require_open()
        written = {_key(key): shortened(_text(value), PARAM_LENGTH) for key, value in values.items()}
        try:
            self._note(params=written)
        except MlflowException as error:
            raise Conflict(
                f"{', '.join(values)} cannot be noted: {error.message}",
                where=f"run {self.name!r}",
                remedy="Use a new name.",
            ) from error

    def metric(self, name: str, value: float, step: int = 0) -> None:
        """Note a number that was measured, perhaps again at a later step.

        Raises
        ------
        InvalidInput
            When it is not a finite number.
        """
        self._require_open()
        try:
            number = float(value)
        except (TypeError, ValueError):
            number = float("nan")
        if not isfinite(number):
            raise InvalidInput(f"{name} is {value!r}, which is not a finite number", where=f"run {self.name!r}")
        self._note(metrics=[(_key(name), number, int(time() * 1000), step)])

    def figure(self, figure: Any, name: str) -> None:
        """Keep a picture.

        Parameters
        ----------
        figure
            One of Matplotlib's, or whatever has ``savefig``.
        name
            What it shows; the file is named after it.

        Raises
        ------
        InvalidInput
            When it is no picture.
        """
        self._require_open()
        save = getattr(figure, "savefig", None)
        if save is None:
            raise InvalidInput(f"{type(figure).__name__} is no figure", where=name, remedy="Give a Matplotlib figure.")
        drawn = io.BytesIO()
        save(drawn, format="png")
        file = self._folder / f"{_slug(name)}.png"
        file.write_bytes(drawn.getvalue())
        self._note(file=file.name, into="figures")
        self._show({"image/png": b64encode(drawn.getvalue()).decode(), "text/plain": name}, f"run.figure({name!r})")
        self._save()

    def note(self, text: str) -> None:
        """Write a paragraph into the run's notebook, in Markdown."""
        import nbformat.v4 as v4

        self._require_open()
        self._nb.cells.append(v4.new_markdown_cell(str(text)))  # type: ignore[no-untyped-call]
        self._save()

    @property
    def _begun(self) -> Run:
        if self._run is None:
            raise Conflict(f"run {self.name!r} has not begun", remedy="Use it as: with mc.track(…) as run.")
        return self._run

    def _require_open(self) -> None:
        if self._begun.status != "running":
            raise Conflict(f"run {self.name!r} has ended ({self._begun.status})", remedy="Begin a new one with track.")

    @property
    def _folder(self) -> Path:
        return self._store.folder(self.id)

    def _note(self, **what: Any) -> None:
        """Record something, now or when MLflow is back: nobody's fit is lost because a server is down."""
        note(self._store.tracking, self.id, self._folder, **what)

    def _keep(self, dt: Any) -> None:
        """Write a fit as netCDF, so that a reader finds either the old file or the new one."""
        fresh = self._folder / f".{POSTERIOR}.part"
        try:
            _storable(dt).to_netcdf(fresh, engine="h5netcdf")
        except (TypeError, ValueError) as error:
            raise InvalidInput(
                f"the fit cannot be stored as netCDF: {error}",
                where="dt",
                remedy="Leave out what is not numbers or text.",
            ) from error
        fresh.replace(self._folder / POSTERIOR)
        self._note(file=POSTERIOR)

    def _show(self, bundle: Mapping[str, Any], source: str, tags: list[str] | None = None) -> None:
        import nbformat.v4 as v4

        output = v4.new_output("display_data", data=dict(bundle))  # type: ignore[no-untyped-call]
        step = source.rpartition("# ")[2] if tags else ""
        metadata = {"tags": tags, "modelcompose": {"step": step}} if tags else {}
        self._nb.cells.append(
            v4.new_code_cell(source, outputs=[output], metadata=metadata)  # type: ignore[no-untyped-call]
        )

    def _save(self) -> None:
        write(self._nb, self._folder / EXECUTED)


def _outcome(verdicts: list[Verdict], error: BaseException | None) -> dict[str, Any]:
    """Say how a run ended and why."""
    ended = isinstance(error, SystemExit) and error.code in (None, 0)
    if isinstance(error, KeyboardInterrupt):
        return {"status": "stopped", "message": "Stopped by you; what was logged is kept."}
    if error is not None and not ended:
        return {"status": "error", "message": shortened(f"Ended with {type(error).__name__}: {error}", 600)}
    if not verdicts:
        return {"status": "warned", "message": "It came to its end, but no fit was logged that could be judged."}
    gravest = worst(verdict.gate for verdict in verdicts)
    if gravest in ("pass", "info"):
        return {"status": "passed", "message": f"Every check passed ({len(verdicts)} verdicts)."}
    status: RunStatus = "warned" if gravest == "warn" else "failed"
    said = " ".join(f"{one.title} {one.sentence}" for one in verdicts if one.gate == gravest)
    return {"status": status, "message": said}


def _script(workspace: Path, name: str) -> str:
    """Name the script that is executed, if it lies in the workspace; otherwise the run itself."""
    file = getattr(sys.modules.get("__main__"), "__file__", None)
    path = Path(file).resolve() if file else None
    if path is not None and path.is_relative_to(workspace) and path.is_file():
        return path.relative_to(workspace).as_posix()
    return f"{_slug(name)}.py"


def _slug(name: str) -> str:
    return re.sub(r"[^\w.-]+", "-", name).strip("-.")[:60] or "run"


def _key(name: str) -> str:
    if not KEY.fullmatch(name):
        raise InvalidInput(
            f"{name!r} cannot be noted under that name", remedy="Use letters, digits, blanks, points, _, - and /."
        )
    return name


def _text(value: Any) -> str:
    try:
        return json.dumps(value, ensure_ascii=False)
    except (TypeError, ValueError):
        return repr(value)


def _storable(dt: Any) -> Any:
    """Leave out what samplers note in words and objects, which no check reads."""
    if "sample_stats" not in dt.children:
        return dt
    statistics = dt["sample_stats"].to_dataset()
    objects = [name for name in statistics.variables if statistics[name].dtype.kind not in NUMERIC]
    slim = dt.copy()
    slim["sample_stats"] = statistics.drop_vars(objects)
    return slim
