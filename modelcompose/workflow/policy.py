"""Thresholds: one versioned table with a source each, and a project's own policy on top of it.

A policy file is TOML. It names itself, changes limits of rules, and may forbid that failed gates be waived:

    name = "House rules of the trial unit"
    forbid_waivers = ["sampling"]        # or ["*"] for every step

    [rules.rhat]
    fail = 1.02
    source = "standard operating procedure 7"
"""

from __future__ import annotations

import hashlib
import json
import tomllib
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from modelcompose.analysis import located
from modelcompose.errors import InvalidInput, NotFound
from modelcompose.verdict import Finding, Status

if TYPE_CHECKING:
    from modelcompose.analysis import Analysis

__all__ = ["Policy", "Rule", "default", "policy_of", "read_policy"]

TABLE = Path(__file__).with_name("thresholds.toml")
EVERY = "*"


class Rule(BaseModel):
    """One threshold: what is good, where a pass ends and a failure begins, and who says so."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True, allow_inf_nan=False)

    id: str
    good: Literal["below", "at most", "at least"]
    limit: float = Field(alias="pass")
    fail: float | None = None
    show: str = "g"
    source: str

    @model_validator(mode="after")
    def _failure_lies_beyond_the_pass(self) -> Self:
        if self.fail is not None and (self.fail > self.limit if self.good == "at least" else self.fail < self.limit):
            raise ValueError(f"a failure at {self.fail:g} would begin before the pass ends at {self.limit:g}")
        return self

    def status(self, value: float, scale: float = 1.0) -> Status:
        """Judge a value; both limits are multiplied by ``scale``, such as a number of chains.

        What is not a number fails, or warns where the rule knows no failure.
        """
        worst: Status = "warn" if self.fail is None else "fail"
        if value != value:
            return worst
        limit, fail = self.limit * scale, None if self.fail is None else self.fail * scale
        if self.good == "at least":
            return "pass" if value >= limit else "warn" if fail is None or value >= fail else "fail"
        good = value < limit if self.good == "below" else value <= limit
        return "pass" if good else "warn" if fail is None or value <= fail else "fail"

    def words(self, scale: float = 1.0) -> str:
        """Say the rule: “below 1.01; a failure above 1.05”."""
        limit = format(self.limit * scale, self.show)
        if self.good == "at least":
            said, beyond = f"{limit} or more", "below"
        else:
            none = self.good == "at most" and self.limit == 0
            said, beyond = "none" if none else f"{self.good.replace('at most', 'up to')} {limit}", "above"
        if self.fail is None:
            return said
        if self.fail == self.limit:
            return f"{said}; a failure {beyond} that"
        return f"{said}; a failure {beyond} {format(self.fail * scale, self.show)}"

    def finding(
        self, name: str, value: float, shown: str, sentence: str = "", *, scale: float = 1.0, words: str = ""
    ) -> Finding:
        """Hold a value against the rule.

        Parameters
        ----------
        name, shown, sentence
            What was measured, the value as a reader sees it, and what it means.
        words
            The rule in words, where ``words()`` would not do.
        """
        return Finding(
            name=name,
            rule=self.id,
            status=self.status(value, scale),
            value=value,
            shown=shown,
            threshold=words or self.words(scale),
            sentence=sentence,
            source=self.source,
        )


class Policy(BaseModel):
    """All rules in force."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: int
    name: str
    rules: dict[str, Rule]
    forbid_waivers: tuple[str, ...] = ()

    def __getitem__(self, rule: str) -> Rule:
        return self.rules[rule]

    @property
    def digest(self) -> str:
        """Identify everything that the policy says."""
        text = json.dumps(self.model_dump(mode="json", by_alias=True), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    @property
    def reference(self) -> str:
        """Name, version and digest, as a verdict records them."""
        return f"{self.name}, version {self.version} ({self.digest[:8]})"

    def forbids_waiving(self, step: str) -> bool:
        """Tell whether a failed gate of a step has to stay one."""
        return step in self.forbid_waivers or EVERY in self.forbid_waivers


def default() -> Policy:
    """Return the thresholds that ship with ModelCompose."""
    return _read(None, 0)


def policy_of(analysis: Analysis) -> Policy:
    """Return the thresholds in force for an analysis: the defaults, changed by its policy file if it names one."""
    return read_policy(analysis.policy)


def read_policy(path: str) -> Policy:
    """Read a project's policy file on top of the defaults; an empty path gives the defaults.

    Raises
    ------
    NotFound
        When there is no such file.
    InvalidInput
        When it is not TOML, names a rule that does not exist, or a limit that is no number.
    """
    if not path:
        return default()
    file = located(path)
    if not file.is_file():
        raise NotFound(f"there is no policy file {path!r}", where="policy", remedy="Check the path, or leave it empty.")
    return _read(file.resolve(), file.stat().st_mtime_ns)


@lru_cache(maxsize=16)
def _read(path: Path | None, _changed: int) -> Policy:
    base = tomllib.loads(TABLE.read_text("utf-8"))
    base["rules"] = {name: {"id": name, **rule} for name, rule in base["rules"].items()}
    if path is None:
        return Policy.model_validate(base)
    try:
        own = tomllib.loads(path.read_text("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InvalidInput(f"the policy is not TOML: {error}", where=path.name) from None
    try:
        return Policy.model_validate(_over(base, own, path))
    except ValidationError as error:
        first = error.errors()[0]
        raise InvalidInput(
            f"{'.'.join(map(str, first['loc']))}: {first['msg']}",
            where=path.name,
            remedy="Compare it with the table that `modelcompose thresholds` prints.",
        ) from None


def _over(base: dict[str, Any], own: dict[str, Any], path: Path) -> dict[str, Any]:
    """Lay a project's policy over the defaults; what is good may not be turned round."""
    _require_steps(own.get("forbid_waivers", ()), path)
    rules, changed = dict(base["rules"]), own.get("rules", {})
    if not isinstance(changed, dict):
        raise InvalidInput("'rules' is not a table", where=path.name, remedy="Write [rules.rhat] and its limits below.")
    for name, changes in changed.items():
        if name not in rules:
            raise InvalidInput(f"there is no rule {name!r}", where=path.name, remedy=f"Rules are: {', '.join(rules)}.")
        if not isinstance(changes, dict):
            raise InvalidInput(
                f"rule {name!r} is not a table", where=path.name, remedy=f"Write [rules.{name}] and its limits below."
            )
        fixed = sorted(set(changes) - {"pass", "fail", "source"})
        if fixed:
            raise InvalidInput(f"{fixed[0]!r} of rule {name!r} cannot be changed", where=path.name)
        rules[name] = {**rules[name], "source": f"{own.get('name', path.stem)}", **changes}
    return {**base, "name": path.stem, **own, "rules": rules}


def _require_steps(named: Any, path: Path) -> None:
    """Refuse a step that does not exist: a misspelt one would let waivers pass."""
    from modelcompose.workflow.steps import STEPS

    known = [one.id for one in STEPS]
    for name in named if isinstance(named, list) else ():
        if name != EVERY and name not in known:
            raise InvalidInput(
                f"forbid_waivers names {name!r}, which is no step",
                where=path.name,
                remedy=f"Steps are: {', '.join(known)}; {EVERY!r} means every step.",
            )
