"""The verbs on tables: describe, profile, prepare, store, compare and check them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from modelcompose.analysis import Analysis
from modelcompose.errors import InvalidInput
from modelcompose.service.workspace import Json, Workspace

if TYPE_CHECKING:
    from modelcompose.data import DatasetStore

__all__ = ["Tables"]

PREVIEW = 12
LONGEST = 10_000_000


class Tables(Workspace):
    """What the workbench does with data."""

    def _all_runs(self) -> Sequence[Json]:
        """Return the recorded runs."""
        return ()

    # -- one table ---------------------------------------------------------------------------------------------

    def describe(self, analysis: Mapping[str, Any]) -> Json:
        """Describe a table: columns with kinds and reasons, what preparation did and might do, and possible questions.

        Parameters
        ----------
        analysis
            Choices with at least ``data``; declared ``kinds`` win over inferred ones.
        """
        from modelcompose import catalog
        from modelcompose.data import suggest

        choices = Analysis.of(analysis)
        dataset = self._dataset(choices, self.workspace, contract=False)
        kinds = {name: guess.kind for name, guess in dataset.kinds.items()}
        reasons = catalog.unanswerable(kinds)
        version = dataset.version
        described: Json = dataset.describe()
        return described | {
            "suggestions": [
                {"label": one.label, "why": one.why, "step": dict(one.step)}
                for one in suggest(dataset.frame, kinds, choices.question)
            ],
            "dataset": {
                "name": version.name,
                "number": version.number,
                "current": self._datasets().current(version.name).number,
                "sha256": version.sha256,
            }
            if version
            else None,
            "questions": [
                {
                    "id": one.id,
                    "topic": one.topic,
                    "label": one.label,
                    "explanation": one.explanation,
                    "allowed": not reasons[one.id],
                    "reason": reasons[one.id],
                    "roles": catalog.roles(one, kinds),
                    "least": dict(one.least),
                    "settings": list(one.settings),
                    "lacking": one.lacking,
                }
                for one in catalog.QUESTIONS
            ],
        }

    def profile(self, analysis: Mapping[str, Any]) -> Json:
        """Summarise every column as its kind asks for, what is missing where, and which columns go together.

        Parameters
        ----------
        analysis
            Choices with at least ``data``.
        """
        from modelcompose.data import profile

        return profile(self._dataset(Analysis.of(analysis), self.workspace, contract=False)).content

    def preview(self, analysis: Mapping[str, Any], step: Mapping[str, Any]) -> Json:
        """Show what a step of preparation would do, without doing it.

        Parameters
        ----------
        analysis
            Choices with ``data`` and the ``recipe`` so far.
        step
            The step to add.

        Returns
        -------
        dict
            Rows before and after, how many cells change, the first rows that it concerns, and the recipe with it.
        """
        from modelcompose.data import Recipe

        before = Analysis.of(analysis)
        choices = before.changed({"recipe": [*before.recipe, dict(step)]})
        raw = self._dataset(
            choices.changed({"recipe": [], "kinds": {}, "variables": {}}), self.workspace, contract=False
        )
        recipe = Recipe(choices.recipe)
        shown = recipe.preview(raw.frame, lambda other: self._other(other))
        applied = shown.applied.as_json()
        return {
            **{name: value for name, value in applied.items() if name != "step"},
            "columns": [str(name) for name in shown.after.columns],
            "before": _rows(shown.before),
            "after": {**_rows(shown.after), "changed": shown.changed.tolist()},
            "recipe": [one.content() for one in recipe.steps],
        }

    def _other(self, source: str) -> Any:
        return self._dataset(Analysis(data=source), self.workspace).frame

    def script(self, analysis: Mapping[str, Any]) -> Json:
        """Return the preparation as a Python script that anyone can read and run.

        Parameters
        ----------
        analysis
            Choices with ``data`` and ``recipe``.
        """
        from modelcompose.data import Recipe

        choices = Analysis.of(analysis)
        return {"script": Recipe(choices.recipe).script(choices.data)}

    def paste(self, text: str, name: str = "pasted") -> Json:
        """Save a pasted table as a file in the workspace's ``data`` folder.

        Parameters
        ----------
        text
            Rows of values, as a spreadsheet program copies them.
        name
            What to call it.
        """
        if not text.strip() or len(text) > LONGEST:
            raise InvalidInput("there is nothing to paste, or too much", where="text", remedy="Copy a table first.")
        clean = "".join(sign if sign.isalnum() or sign in "-_ " else "-" for sign in name).strip(" -") or "pasted"
        target = self._free(self._inside(f"data/{clean[:60]}.csv"))
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text.strip("\n") + "\n", encoding="utf-8", newline="")
        return {"data": self._shown(target)}

    # -- stored datasets ---------------------------------------------------------------------------------------

    def _datasets(self) -> DatasetStore:
        from modelcompose.data import DatasetStore

        return DatasetStore.find(self.workspace)

    def list_data(self) -> Json:
        """List the stored datasets, each with its current version."""
        store = self._datasets()
        found = []
        for name in store.names():
            current, versions = store.current(name), store.versions(name)
            found.append(
                {
                    "name": name,
                    "number": current.number,
                    "versions": len(versions),
                    "rows": current.rows,
                    "columns": len(current.columns),
                    "created": current.created,
                    "message": current.message,
                }
            )
        return {"datasets": found}

    def add_data(self, analysis: Mapping[str, Any], name: str, message: str = "") -> Json:
        """Store a table, prepared by its recipe, as the next version of a dataset.

        Parameters
        ----------
        analysis
            Choices with ``data``, and what is declared and prepared: ``kinds``, ``units``, ``variables``, ``recipe``.
        name
            The dataset; a new name begins one, and its contract is learned from this version.
        message
            What is new in it.

        Returns
        -------
        dict
            The version, the ways in which it breaks the dataset's contract, and the runs it makes out of date.
        """
        from modelcompose.data import Contract, VersionColumn

        choices = Analysis.of(analysis)
        dataset = self._dataset(choices, self.workspace, contract=False)
        store = self._datasets()
        version, new = store.add(
            name,
            dataset.frame,
            columns=[
                VersionColumn(
                    name=str(column), dtype=str(dataset.frame[column].dtype), kind=guess.kind, reason=guess.reason
                )
                for column, guess in dataset.kinds.items()
            ],
            units=dataset.units,
            variables=dataset.variables,
            source=choices.data,
            source_sha256=dataset.sha256,
            notes=dataset.notes,
            recipe=choices.recipe,
            message=message,
        )
        if store.contract(name) is None:
            learned = Contract.learn(dataset.frame, version.kinds, version.variables)
            store.put_contract(name, learned.model_dump_json(indent=2))
        return {
            "data": version.reference,
            "name": version.name,
            "number": version.number,
            "sha256": version.sha256,
            "new": new,
            "breaches": self._breaches(name, version.number),
            "stale_runs": self._stale_runs(name),
        }

    def _breaches(self, name: str, version: int | str | None) -> list[Json]:
        from modelcompose.data import Contract

        store = self._datasets()
        found = store.contract(name)
        if found is None:
            return []
        chosen = store.get(name, version)
        breaches = Contract.of(found[1]).check(store.read(chosen), chosen.kinds)
        return [one.model_dump(mode="json") for one in breaches]

    def _stale_runs(self, name: str) -> list[Json]:
        """Name the runs whose answer rests on another version than the current one."""
        from modelcompose.data import parse_reference

        current = self._datasets().current(name)
        found = []
        for run in self._all_runs():
            reference = parse_reference(run["data"])
            if reference and reference[0] == name and reference[1] != str(current.number):
                found.append({"id": run["id"], "name": run["name"], "data": run["data"]})
        return found

    def show_data(self, name: str) -> Json:
        """Show a stored dataset: its versions, oldest first, and its contract."""
        store = self._datasets()
        versions, found = store.versions(name), store.contract(name)
        return {
            "name": name,
            "current": store.current(name).number,
            "versions": [
                {
                    "number": one.number,
                    "sha256": one.sha256,
                    "created": one.created,
                    "rows": one.rows,
                    "columns": len(one.columns),
                    "source": one.source,
                    "message": one.message,
                    "recipe_steps": len(one.recipe),
                }
                for one in versions
            ],
            "contract": self.get_contract(name)["contract"] if found else None,
            "stale_runs": self._stale_runs(name),
        }

    def diff_data(self, name: str, old: str, new: str, key: Sequence[str] = ()) -> Json:
        """Compare two versions of a dataset: columns, rows and cells.

        Parameters
        ----------
        name
            The dataset.
        old, new
            Numbers of versions.
        key
            Columns that name a row; without them rows are matched by what they hold.
        """
        from modelcompose.data import compare

        store = self._datasets()
        before, after = store.get(name, old), store.get(name, new)
        found = compare(store.read(before), store.read(after), list(key))
        return {"old": before.number, "new": after.number, **found.as_json()}

    def roll_back_data(self, name: str, version: str) -> Json:
        """Make an earlier version of a dataset the current one; the later ones stay."""
        chosen = self._datasets().roll_back(name, version)
        return {"data": chosen.reference, "current": chosen.number, "stale_runs": self._stale_runs(name)}

    def remove_data(self, name: str, version: str = "") -> Json:
        """Remove a version of a dataset, or all of it when none is named."""
        return {"removed": self._datasets().remove(name, version or None)}

    def verify_data(self, name: str = "") -> Json:
        """Hash the stored content again, of one dataset or of all, and say what is damaged."""
        checked, problems = self._datasets().verify(name or None)
        return {"checked": checked, "problems": [one.model_dump(mode="json") for one in problems]}

    def export_data(self, name: str, path: str, version: str = "") -> Json:
        """Write a version of a dataset to a file of the workspace: CSV, Excel, JSON, Parquet or Feather."""
        from modelcompose.data.store import export

        store = self._datasets()
        target = self._free(self._inside(path))
        notes = export(store.read(store.get(name, version or None)), target)
        return {"path": self._shown(target), "notes": notes}

    def get_contract(self, name: str) -> Json:
        """Return what versions of a dataset must look like."""
        from modelcompose.data import Contract

        store = self._datasets()
        store.current(name)
        found = store.contract(name)
        if found is None:
            return {"contract": None, "number": 0}
        return {"contract": Contract.of(found[1]).model_dump(mode="json"), "number": found[0]}

    def set_contract(self, name: str, contract: Mapping[str, Any] | None = None, version: str = "") -> Json:
        """Put a contract in force for a dataset: the one given, or one learned from a version.

        Parameters
        ----------
        name
            The dataset.
        contract
            The rules, as ``get_contract`` returns them.
        version
            Where to learn them from when none are given; the current version by default.
        """
        from modelcompose.data import Contract

        store = self._datasets()
        if contract is None:
            chosen = store.get(name, version or None)
            rules = Contract.learn(store.read(chosen), chosen.kinds, chosen.variables)
        else:
            rules = Contract.of(contract)
        store.put_contract(name, rules.model_dump_json(indent=2))
        return self.get_contract(name)

    def check_data(self, name: str, version: str = "") -> Json:
        """List the ways in which a version of a dataset differs from its contract."""
        return {"breaches": self._breaches(name, version or None)}


def _rows(frame: Any) -> Json:
    from modelcompose.data.dataset import cells_of, short

    return {
        "columns": [str(name) for name in frame.columns],
        "rows": [[short(cell) for cell in row] for row in cells_of(frame.head(PREVIEW))],
    }
