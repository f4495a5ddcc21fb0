"""A small executed notebook, made without running one."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from modelcompose.verdict import MIME, Finding, Remedy, Verdict
from modelcompose.workflow.notebook import digest
from modelcompose.workflow.steps import STEPS

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
NASTY = '<script>alert("x")</script> & `a` $b$ \\(c\\) | <img src=x onerror=alert(1)>'
SOURCES = {
    "data": "import modelcompose as mc\n\n"
    "dataset = mc.load(data, kinds)\n"
    "analysis = mc.complete(mc.Analysis.from_names(globals()), dataset)\n"
    "table = dataset.complete_rows(analysis.columns)\n"
    "mc.check.data(analysis, dataset, table)",
    "question": "mc.check.question(analysis, dataset)",
    "model": "model = mc.build(analysis, table)\nmc.check.model(\n    analysis,\n    table,\n    model,\n)",
}
DETAILS: dict[str, dict[str, Any]] = {
    "data": {"sha256": "ab" * 32, "rows": 58, "dropped": 2, "Columns in use": [{"why": "w", "column": NASTY}]},
    "model": {
        "formula": "y ~ x",
        "equation": r"y_i \sim \mathrm{Normal}(\mu_i, \sigma) \\ \mu_i = \alpha",
        "Assumed before seeing the data": [{"prior": "Normal(0, 1)", "term": NASTY}],
    },
    "answer": {
        "estimand": f"How much? {NASTY}",
        "Results": [{"quantity": f"size of {NASTY}", "in words": "words", "direction": "The probability is 98%."}],
        "effects": {f"size of {NASTY}": {"median": 1.234, "lower": 0.5, "upper": 2.0, "sd": 0.4}},
        "caution": "These are associations.",
    },
}


class Executed:
    """Builds an executed notebook; ``statuses`` differ from "pass" where given."""

    def __init__(self) -> None:
        self.statuses: dict[str, str] = {}
        self.partial: set[str] = set()
        self.missing: set[str] = set()
        self.parameters = 'data = "table.csv"\noutcome = "y"\npredictors = ["x"]\nquestion = "effect"'

    def verdict(self, step: str, ran: dict[str, str]) -> Verdict:
        status: Any = self.statuses.get(step, "pass")
        return Verdict(
            step=step,
            title=next(one.title for one in STEPS if one.id == step),
            status=status,
            sentence=f"Sentence of {step}: {NASTY}",
            findings=(
                Finding(name=f"Finding of {step} {NASTY}", status=status, shown="1.003", threshold="below 1.01"),
            ),
            remedies=(Remedy(label=f"Mend {NASTY}", why="It helps.", changes={"draws": 2000}),)
            if status in ("warn", "fail")
            else (),
            details=DETAILS.get(step, {}),
            alt=f'Picture of {step} "quoted" {NASTY}',
            partial=step in self.partial,
            ran=ran,
            picture=PNG,
        )

    def notebook(self) -> dict[str, Any]:
        sources = {step.id: SOURCES.get(step.id, f"# step {step.id} {NASTY}") for step in STEPS}
        cells: list[dict[str, Any]] = [
            {
                "cell_type": "code",
                "id": "choices",
                "metadata": {"tags": ["parameters"]},
                "source": self.parameters,
                "outputs": [],
                "execution_count": 1,
            }
        ]
        ran = {"1": digest(self.parameters)}
        for count, (step, source) in enumerate(sources.items(), start=2):
            ran = {**ran, str(count): digest(source)}
            bundle = {} if step in self.missing else self.verdict(step, ran)._repr_mimebundle_()
            cells.append(
                {
                    "cell_type": "code",
                    "id": step,
                    "metadata": {"modelcompose": {"step": step, "composed": digest(source)}},
                    "source": source,
                    "outputs": [{"output_type": "execute_result", "data": bundle, "metadata": {}}] if bundle else [],
                    "execution_count": count,
                }
            )
        return {
            "cells": cells,
            "metadata": {"language_info": {"version": "3.12.1"}},
            "nbformat": 4,
            "nbformat_minor": 5,
        }


@pytest.fixture
def executed() -> Executed:
    return Executed()


def cell(nb: dict[str, Any], step: str) -> dict[str, Any]:
    return next(one for one in nb["cells"] if one["id"] == step)


__all__ = ["MIME", "NASTY", "Executed", "cell"]
