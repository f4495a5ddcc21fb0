"""A fitted model in a folder of its own, which predicts new rows wherever ModelCompose is installed.

It holds no pickled object: the choices and the table from which the model is built again, and its draws.

    choices.json     the analysis, its paths as seen from the folder
    table.parquet    the prepared table
    posterior.nc     the draws, as netCDF
    model.py, …      a model of one's own, and tables that the recipe joins, where there are any
"""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Literal

from modelcompose.analysis import Analysis, located, paths_from
from modelcompose.errors import Conflict, InvalidInput

if TYPE_CHECKING:
    import pandas as pd

    from modelcompose.data import Dataset

__all__ = ["Fitted", "Kind", "passing_table"]

CHOICES, TABLE, POSTERIOR, MODEL = "choices.json", "table.parquet", "posterior.nc", "model.py"
Kind = Literal["expected", "new"]
KINDS: tuple[Kind, ...] = ("expected", "new")


class Fitted:
    """A fitted model that lies in a folder.

    Parameters
    ----------
    folder
        As ``write`` has filled it.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()

    @classmethod
    def write(cls, folder: Path, choices: Analysis, dataset: Dataset, posterior: Path) -> Fitted:
        """Fill a folder with all that predictions need; the paths among the choices are as seen from here.

        Raises
        ------
        Conflict
            When the recipe joins a table that is not a file: it would have to be fetched for each prediction.
        """
        folder.mkdir(parents=True)
        dataset.frame.to_parquet(folder / TABLE)
        shutil.copyfile(posterior, folder / POSTERIOR)
        changes: dict[str, Any] = {
            "data": TABLE,
            "kinds": {name: guess.kind for name, guess in dataset.kinds.items()},
            "units": dict(dataset.units),
            "variables": {name: dict(one) for name, one in dataset.variables.items()},
            "recipe": [_with_its_table(step, at, folder) for at, step in enumerate(choices.recipe)],
            "policy": "",
            "plan": "",
            "waivers": [],
            "new_rows": "",
        }
        if choices.model.endswith(".py"):
            shutil.copyfile(located(choices.model), folder / MODEL)
            changes["model"] = MODEL
        whole = choices.changed(changes).model_dump(mode="json")
        (folder / CHOICES).write_text(json.dumps(whole, ensure_ascii=False, indent=1), "utf-8")
        return cls(folder)

    @cached_property
    def choices(self) -> Analysis:
        """The choices that the model was made by; the tables that new rows are joined to are named in full."""
        choices = Analysis.of(json.loads((self.folder / CHOICES).read_text("utf-8")))
        joins = [
            {**step, "data": str(self.folder / str(step["data"]))} if step.get("do") == "join" else step
            for step in choices.recipe
        ]
        return choices.changed({"recipe": joins})

    @cached_property
    def _built(self) -> tuple[Dataset, pd.DataFrame, Any, Any]:
        import xarray as xr

        from modelcompose import catalog
        from modelcompose.data import load

        choices = self.choices
        with paths_from(self.folder):
            dataset = load(
                TABLE,
                choices.kinds,
                units=choices.units,
                variables=choices.variables,
                root=self.folder,
                contract=False,
            )
            table, gaps = dataset.rows(choices)
            model = catalog.open_gaps(catalog.build(choices, table), gaps)
        with xr.open_datatree(self.folder / POSTERIOR, engine="h5netcdf") as dt:
            return dataset, table, model, dt.load()

    def new_rows(self, source: str) -> Any:
        """Predict a table of new rows; see ``workflow.new_rows.new_rows``."""
        from modelcompose.workflow.new_rows import new_rows

        dataset, table, model, dt = self._built
        return new_rows(self.choices.changed({"new_rows": source}), dataset, table, model, dt, self.classes)

    @property
    def classes(self) -> tuple[str, ...]:
        """The outcome's classes, of which the chance of the last is predicted; empty where it has none."""
        from modelcompose.workflow.prediction import class_names

        return class_names(self.choices, self._built[1])

    def inputs(self) -> Mapping[str, Any]:
        """Return the columns that a new row needs, each with the type that the table was read with."""
        choices, frame = self.choices, self._built[0].frame
        left_out = {*choices.given("outcome"), choices.event}
        return {name: frame[name].dtype for name in choices.columns if name not in left_out}

    def predict(
        self,
        rows: pd.DataFrame,
        quantiles: Sequence[float] = (0.025, 0.5, 0.975),
        kind: Kind = "expected",
        random_seed: int | None = None,
    ) -> pd.DataFrame:
        """Predict new rows.

        Parameters
        ----------
        rows
            The rows, with the columns that the model uses; none may have a gap.
        quantiles
            Which ones to tell, each between 0 and 1.
        kind
            ``expected``: what rows like this are on average; ``new``: what a single new observation would be.
        random_seed
            By default the one that the model was fitted with.

        Returns
        -------
        pandas.DataFrame
            A row for each row, with ``mean`` and a column for each quantile, named like ``q0.5``.

        Raises
        ------
        InvalidInput
            When a quantile, the kind or the rows cannot be used.
        """
        import numpy as np
        import pandas as pd

        from modelcompose.workflow.new_rows import drawn

        asked = checked_quantiles(quantiles)
        if kind not in KINDS:
            raise InvalidInput(
                f"there is no kind of prediction {kind!r}", where="kind", remedy="Ask for expected or new."
            )
        dataset, table, model, dt = self._built
        changes = {} if random_seed is None else {"random_seed": random_seed}
        filled = rows.astype(object).where(rows.notna(), "")
        with passing_table([list(filled.columns), *filled.itertuples(index=False)]) as source:
            found = drawn(self.choices.changed({**changes, "new_rows": source}), dataset, table, model, dt)
        if found.dropped:
            raise InvalidInput(
                f"{found.dropped} of the rows lack a value that the model needs",
                where="rows",
                remedy="Leave these rows out, or fill their gaps.",
            )
        draws = found.average if kind == "expected" else found.single
        columns = {"mean": draws.mean(0)} | {f"q{one:g}": np.quantile(draws, one, axis=0) for one in asked}
        return pd.DataFrame(columns, index=rows.index)


def checked_quantiles(quantiles: Sequence[float]) -> list[float]:
    """Return quantiles as numbers.

    Raises
    ------
    InvalidInput
        When one does not lie between 0 and 1.
    """
    asked = [float(one) for one in quantiles]
    wrong = [one for one in asked if not 0 < one < 1]
    if wrong:
        raise InvalidInput(f"{wrong[0]} is no quantile", where="quantiles", remedy="Name numbers between 0 and 1.")
    return asked


@contextmanager
def passing_table(lines: Sequence[Sequence[Any]]) -> Iterator[str]:
    """Write lines, the names of the columns first, into a passing file, and name it as a table."""
    with TemporaryDirectory() as folder:
        file = Path(folder) / "rows.csv"
        with file.open("w", newline="", encoding="utf-8") as stream:
            csv.writer(stream).writerows(lines)
        yield str(file)


def _with_its_table(step: Mapping[str, Any], at: int, folder: Path) -> dict[str, Any]:
    """Copy the table that a step of the recipe joins, and name the copy."""
    if step.get("do") != "join" or "data" not in step:
        return dict(step)
    path = located(str(step["data"]))
    if not path.is_file():
        raise Conflict(
            f"the recipe joins {step['data']!r}, which is not a file",
            remedy="Save that table as a file, and run again.",
        )
    name = f"joined-{at + 1}{path.suffix}"
    shutil.copyfile(path, folder / name)
    return {**step, "data": name}
