"""A locked plan: what was decided before anybody looked at the result, with its time and hash.

The plan is a JSON file beside the notebook, named by the choice ``plan``. It holds what decides the meaning of an
answer: question, roles, preparation, models, priors, thresholds. How the posterior is computed is not part of it.
"""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from modelcompose.analysis import ROLES, Analysis, located
from modelcompose.errors import InvalidInput, ModelComposeError, NotFound
from modelcompose.workflow.moving import seen_from
from modelcompose.workflow.policy import policy_of

__all__ = ["PLANNED", "Deviation", "Plan", "deviations", "lock", "read"]

PLANNED = (
    *("data", "kinds", "units", "variables", "recipe", "missing", "imputations", "question", "estimand", *ROLES),
    *("intervention", "treated", "model", "formula", "priors", "prior_scale", "plausible", "candidates"),
    *("rival_priors", "smallest_effect", "decision", "ci_prob", "policy"),
)


class Plan(BaseModel):
    """The choices that were frozen.

    ``policy`` is the digest of the thresholds in force; ``digest`` is the hash of everything else.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    when: str
    by: str
    choices: dict[str, Any]
    policy: str
    earlier: tuple[str, ...] = ()
    digest: str = ""

    def hashed(self) -> str:
        """Hash what the plan says."""
        text = json.dumps(self.model_dump(mode="json", exclude={"digest"}), sort_keys=True, ensure_ascii=False)
        return hashlib.sha256(text.encode()).hexdigest()


class Deviation(BaseModel):
    """One choice that is no longer as it was planned."""

    model_config = ConfigDict(frozen=True)

    what: str
    planned: str
    now: str


def lock(analysis: Analysis, by: str = "", *, earlier: Plan | None = None) -> Plan:
    """Freeze the choices of an analysis as they are now.

    Parameters
    ----------
    by
        Who decides.
    earlier
        The plan that this one takes the place of; its digest is kept.
    """
    plan = Plan(
        when=datetime.now(UTC).isoformat(timespec="seconds"),
        by=by,
        choices=analysis.model_dump(mode="json", include=set(PLANNED)),
        policy=policy_of(analysis).digest,
        earlier=(*earlier.earlier, earlier.digest) if earlier else (),
    )
    return plan.model_copy(update={"digest": plan.hashed()})


def read(path: str) -> Plan:
    """Read a plan.

    Raises
    ------
    NotFound
        When there is no such file.
    InvalidInput
        When it is no plan.
    """
    file = located(path)
    if not file.is_file():
        raise NotFound(
            f"there is no plan {path!r}", where="plan", remedy="Put the file back, or empty the choice 'plan'."
        )
    try:
        return Plan.model_validate_json(file.read_text("utf-8"))
    except (ValidationError, UnicodeDecodeError):
        raise InvalidInput("this is not a locked plan", where=path) from None


def deviations(analysis: Analysis, plan: Plan) -> list[Deviation]:
    """Say what differs from a plan; a plan that was changed after it was locked is itself one.

    A path is as planned, too, when it leads to the same file as seen from the plan's own folder: the notebook may
    have been copied into another one.
    """
    found = []
    if plan.hashed() != plan.digest:
        found.append(Deviation(what="the plan itself", planned=plan.digest[:12], now=f"{plan.hashed()[:12]} (changed)"))
    here = located("")
    beside = seen_from(analysis, here, located(analysis.plan).parent)
    now, there = (one.model_dump(mode="json", include=set(PLANNED)) for one in (analysis, beside))
    found += [
        Deviation(what=name, planned=_said(planned), now=_said(now[name]))
        for name, planned in plan.choices.items()
        if name in now and planned not in (now[name], there[name])
    ]
    try:
        thresholds = policy_of(analysis).digest
    except ModelComposeError as error:
        thresholds = str(error)
    if thresholds != plan.policy:
        found.append(Deviation(what="the thresholds", planned=plan.policy, now=thresholds))
    return found


def _said(value: Any) -> str:
    return value or "(left open)" if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
