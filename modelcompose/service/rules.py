"""What holds for everybody: thresholds, waivers of failed gates, and plans locked before the result is seen."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from modelcompose.analysis import Analysis
from modelcompose.errors import Forbidden, InvalidInput
from modelcompose.service.workspace import Json, Workspace

if TYPE_CHECKING:
    from modelcompose.workflow.policy import Policy

__all__ = ["Rules"]

POLICY = "policy.toml"
PLANS = "plans"


class Rules(Workspace):
    """The verbs about thresholds, waivers and plans."""

    @abstractmethod
    def revise(self, cells: Sequence[Mapping[str, Any]], changes: Mapping[str, Any], path: str = "") -> Json:
        """Work out which cells change when choices change."""

    def thresholds(self, policy: str = "") -> Json:
        """List the rules that a notebook with this policy is judged by, each with its limits in words and its source.

        Parameters
        ----------
        policy
            A policy file of the workspace, such as its ``policy.toml``, which new notebooks name; an empty one means
            the defaults, as it does among the choices.
        """
        found = self._policy(policy)
        return {
            "name": found.name,
            "version": found.version,
            "digest": found.digest,
            "forbid_waivers": list(found.forbid_waivers),
            "rules": [
                {"id": one.id, "words": one.words(), "source": one.source, "pass": one.limit, "fail": one.fail}
                for one in found.rules.values()
            ],
        }

    def waive(
        self, cells: Sequence[Mapping[str, Any]], step: str, by: str = "", reason: str = "", path: str = ""
    ) -> Json:
        """Let a failed gate pass, in somebody's name and for a reason; an empty reason takes that back.

        Parameters
        ----------
        cells, path
            As for ``revise``, whose answer this has.
        step
            The step whose failure is waived.
        by
            Who answers for it.

        Raises
        ------
        Forbidden
            When the policy in force forbids it.
        """
        from modelcompose.workflow import STEPS

        if step not in {one.id for one in STEPS}:
            raise InvalidInput(f"there is no step {step!r}", where="step")
        choices = self._choices(cells)
        kept = [one for one in choices.waivers if one["step"] != step]
        if reason.strip():
            if not by.strip():
                raise InvalidInput("a waiver needs a name", where="by", remedy="Say who answers for it.")
            self._require_waivable(step, choices, path)
            when = datetime.now(UTC).isoformat(timespec="seconds")
            kept.append({"step": step, "by": by.strip(), "reason": reason.strip(), "when": when})
        return self.revise(cells, {"waivers": kept}, path)

    def lock_plan(self, cells: Sequence[Mapping[str, Any]], by: str = "", path: str = "") -> Json:
        """Freeze question, roles, models, priors and thresholds, with time and hash, in a file beside the notebook.

        Locking again makes a new plan, which names the one it takes the place of.

        Parameters
        ----------
        cells, path
            As for ``revise``; to its answer comes ``plan``.
        by
            Who decides.
        """
        from modelcompose.workflow import plan

        choices = self._choices(cells)
        notebook = self._inside(path or "analysis.ipynb")
        self._inside(notebook.parent / choices.plan)
        with self._at(notebook.parent):
            locked = plan.lock(choices, by, earlier=plan.read(choices.plan) if choices.plan else None)
        folder = notebook.parent / PLANS
        folder.mkdir(parents=True, exist_ok=True)
        file = folder / f"{notebook.stem}-{locked.digest[:8]}.json"
        file.write_text(locked.model_dump_json(indent=1) + "\n", "utf-8")
        revised = self.revise(cells, {"plan": file.relative_to(notebook.parent).as_posix()}, path)
        return {**revised, "plan": locked.model_dump(mode="json")}

    def plan(self, cells: Sequence[Mapping[str, Any]], path: str = "") -> Json:
        """Say which plan a notebook is locked to, and what differs from it.

        Returns
        -------
        dict
            ``plan``, None when none is locked, and ``deviations``, each with ``what``, ``planned`` and ``now``.
        """
        from modelcompose.workflow import plan

        choices = self._choices(cells)
        if not choices.plan:
            return {"plan": None, "deviations": []}
        folder = self._inside(path or ".ipynb").parent
        self._inside(folder / choices.plan)
        with self._at(folder):
            locked = plan.read(choices.plan)
            found = plan.deviations(choices, locked)
        return {"plan": locked.model_dump(mode="json"), "deviations": [one.model_dump() for one in found]}

    def _require_waivable(self, step: str, choices: Analysis, notebook: str) -> None:
        """Refuse a waiver that the notebook's policy forbids, or the workspace's own."""
        for policy in map(self._policy, {self._in_workspace(choices.policy, notebook), self._own_policy()}):
            if policy.forbids_waiving(step):
                raise Forbidden(
                    f"{policy.name} forbids waiving a failure of step {step!r}",
                    where="policy",
                    remedy="Take a remedy, or ask whoever answers for the policy.",
                )

    def _own_policy(self) -> str:
        """Return the workspace's own policy file, or nothing."""
        return POLICY if (self.workspace / POLICY).is_file() else ""

    def _in_workspace(self, policy: str, notebook: str) -> str:
        return self._shown(self._inside(self._inside(notebook or ".ipynb").parent / policy)) if policy else ""

    def _policy(self, path: str) -> Policy:
        from modelcompose.workflow.policy import read_policy

        with self._at():
            return read_policy(self._shown(self._inside(path)) if path else "")

    def _choices(self, cells: Sequence[Mapping[str, Any]]) -> Analysis:
        return Analysis.read({"cells": [dict(cell) for cell in cells]})
