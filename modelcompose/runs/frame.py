"""The runs as a table, for people who go on with them in pandas."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from modelcompose.errors import InvalidInput
from modelcompose.runs.run import Run, RunKind, RunStatus
from modelcompose.runs.store import RunStore

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["runs"]

FIRST = ("id", "name", "kind", "status", "started", "ended", "seconds", "model", "data", "sampler", "elpd", "elpd_se")
LEVELS = ["info", "pass", "warn", "fail"]
TEXTS = ("id", "name", "data", "notebook", "message", "git_commit", "parent")
CATEGORIES = ("kind", "model", "sampler")


def runs(
    status: str | Sequence[str] | None = None,
    model: str | Sequence[str] | None = None,
    *,
    kind: str | Sequence[str] | None = None,
    text: str = "",
    limit: int = 1000,
    workspace: str | Path = ".",
    tracking_uri: str | None = None,
) -> pd.DataFrame:
    """Return the runs of a workspace as a table, newest first.

    Parameters
    ----------
    status, model, kind
        Only runs of one of these: ``status="passed"`` or ``status=["passed", "warned"]``.
    text
        Only runs whose name, table or message holds this text, in capitals or not.
    limit
        How many of the newest runs to look at.
    workspace
        The folder whose runs are meant.
    tracking_uri
        MLflow's tracking URI; by default the workspace's own.

    Returns
    -------
    pandas.DataFrame
        A row for each run. ``started`` and ``ended`` are times in UTC; ``seconds``, ``elpd`` and ``elpd_se`` floats;
        ``status``, ``kind``, ``model`` and ``sampler`` categories; and for each step that was judged a column
        ``verdict.<step>``, an ordered category from info to fail. A failure that somebody waived counts as warn.

    Raises
    ------
    InvalidInput
        When there is no such status or kind.
    """
    from typing import get_args

    asked = {"status": _several(status), "model": _several(model), "kind": _several(kind)}
    for name, known in (("status", get_args(RunStatus)), ("kind", get_args(RunKind))):
        wrong = asked[name] - set(known)
        if wrong:
            raise InvalidInput(
                f"there is no {name} {min(wrong)!r}", where=name, remedy=f"Choose among {', '.join(known)}."
            )
    found = RunStore(Path(workspace), tracking_uri).list(limit=limit)
    return _frame([run for run in found if _meant(run, asked, text.casefold())])


def _several(given: str | Sequence[str] | None) -> set[str]:
    return set() if given is None else {given} if isinstance(given, str) else set(given)


def _meant(run: Run, asked: dict[str, set[str]], text: str) -> bool:
    fits = all(not wanted or getattr(run, name) in wanted for name, wanted in asked.items())
    return fits and any(text in one.casefold() for one in (run.name, run.data, run.message))


def _frame(found: Sequence[Run]) -> pd.DataFrame:
    from typing import get_args

    import pandas as pd

    columns: dict[str, Any] = {name: pd.Series([getattr(run, name) for run in found], dtype="str") for name in TEXTS}
    columns["status"] = pd.Categorical([run.status for run in found], get_args(RunStatus))
    columns |= {name: pd.Categorical([getattr(run, name) for run in found]) for name in CATEGORIES}
    for name in ("started", "ended"):
        columns[name] = pd.to_datetime(pd.Series([getattr(run, name) for run in found], dtype="str"), utc=True)
    for name in ("seconds", "elpd", "elpd_se"):
        columns[name] = pd.Series([getattr(run, name) for run in found], dtype="float64")
    columns["partial"] = pd.Series([run.partial for run in found], dtype="bool")
    judged = [{one.step: "warn" if one.waived else one.status for one in run.verdicts} for run in found]
    for step in dict.fromkeys(step for one in judged for step in one):
        said = [one.get(step) for one in judged]
        columns[f"verdict.{step}"] = pd.Categorical(said, LEVELS, ordered=True)
    return pd.DataFrame({name: columns[name] for name in dict.fromkeys([*FIRST, *columns])})
