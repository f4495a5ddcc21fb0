"""Guess what kind of variable each column is, and say why.

The rules stand in one list and the first that fits wins; then columns that explain each other are looked at together.
The numbers in the rules are ours, chosen to be cautious; a guess is shown with its reason, and what the user declares
wins. Where only a person can know, and the answer changes which models are offered, the guess asks. `misfit` then says
whether the column can be what was declared.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import pandas as pd

from modelcompose.data.facts import Facts, shown
from modelcompose.data.fit import as_dates, first_row, looks_numeric, misfit, numbers_of, suspects

__all__ = ["KINDS", "Confidence", "Guess", "as_dates", "infer", "ladder", "misfit", "shown", "suspects"]

Confidence = Literal["sure", "likely", "unsure"]

KINDS: Mapping[str, tuple[str, str]] = {
    "continuous": ("Number", "A measurement of any size, such as a temperature, a score or a difference."),
    "positive": ("Positive number", "Always above zero and often lopsided, such as an income or a waiting time."),
    "amount": ("Amount with zeros", "Zero or more, and often exactly zero, such as rainfall or money spent."),
    "duration": ("Time until", "How long until something happens, such as survival or the time to a repair."),
    "count": ("Count", "How many: a whole number from zero up, such as visits, defects or days."),
    "proportion": ("Share", "A part of a whole, between 0 and 1."),
    "circular": ("Direction or clock time", "Goes round: after 360 degrees or 24 hours it begins again."),
    "coordinate": ("Latitude or longitude", "A place on the map, in degrees."),
    "weight": ("Weight of a row", "For how many others a row stands, as in a survey; it is never part of a model."),
    "standard_error": ("Standard error", "How uncertain an estimate in another column is."),
    "binary": ("Yes or no", "One of exactly two possibilities."),
    "category": ("Category", "One of a few names without an order, such as a species or a country."),
    "ordered": ("Ordered category", "One of a few steps with an order but no distances, such as a rating."),
    "group": ("Group", "Says which rows belong together, such as a person, school or shop measured repeatedly."),
    "id": ("Identifier", "Names each row; it is never part of a model."),
    "date": ("Date or time", "A point in time."),
    "text": ("Text", "Free text; it is never part of a model."),
    "constant": ("Constant", "The same everywhere, or empty; there is nothing to learn from it."),
}
"""Label and explanation of each kind, in plain words."""


def words(listed: str) -> frozenset[str]:
    return frozenset(listed.split())


GROUP_WORDS = words(
    """actor animal batch block centre center city class classroom clinic cluster cohort company couple county customer
    district dyad employee family farm farmer field firm herd hospital household individual lab laboratory litter member
    mouse nest pair participant patient person plate player plot pupil rat rater respondent school shop site store
    student subj subject teacher team tree user village ward"""
)
ID_WORDS = words(
    "id ids uuid guid key code i identifier index nr obs observation record row rowname rownames rowid serial"
)
NAME_WORDS = words("address email label name phone title url")
CODE_WORDS = words(
    """arm brand category cause channel class color colour condition diagnosis ethnicity gender group industry kind
    language marital mode nationality occupation party race region religion sector sex species status treatment type"""
)
COUNT_WORDS = words("count counts n num number size visits children kids pieces cylinders rooms persons people psize")
MONEY_WORDS = words(
    """balance budget cost costs earnings expense expenses income loan payment price revenue salary spend spending tax
    wage wages"""
)
MEASURE_WORDS = MONEY_WORDS | words(
    """age altitude area bmi cm dist distance elev elevation height kg km mass miles mm pressure speed temp temperature
    volume weight"""
)
SHARE_WORDS = words("frac fraction pct percent percentage prob probability prop proportion rate ratio share")
ORDER_WORDS = words(
    """agreement band bracket decile grade level likert quartile quintile rating satisfaction score severity stage star
    stars"""
)
TIME_WORDS = words(
    """age day days dose hour hours minute minutes month months period quarter season second seconds session t time
    trial visit wave week weeks x year years"""
)
YEAR_WORDS = words("year years yr")
DURATION_WORDS = words("duration survival survtime tenure lifetime lifespan followup futime ttme")
SPAN_WORDS = words("day days dtime futime month months rtime stime stop survtime t time week weeks year years yrs")
EVENT_WORDS = words(
    """arrest cens censor censored censoring censors churn churned dead death died event events failed failure fustat
    recur relapse relapsed status"""
)
CIRCLE_WORDS = words("angle aspect azimuth bearing dir direction heading wdir winddir")
CLOCK_WORDS = words("clock hour hod hr")
LATITUDE_WORDS, LONGITUDE_WORDS = words("lat latitude"), words("lon lng longitude")
WEIGHT_WORDS = words(
    """finalwt fnlwgt hhwt ipw iptw perwt pweight pweights pwgt sampleweight samplewt sampwt weights wgt wgts wtfinl"""
)
SURVEY_WORDS = words("calibration design final inverse nonresponse poststratification probability sampling survey")
DESIGN_WORDS = words("cluster fpc psu strata stratum")
STANDARD_ERROR_WORDS = words("stderr stderror")
BARE_ERROR_WORDS = words("se sei sem")
ESTIMATE_WORDS = words(
    """b beta coef coefficient d delta diff difference effect es est estimate g hr lnor logor logrr mean md or rr smd
    theta y yi"""
)
LADDERS = (
    ("very low", "low", "mid/middle/medium/moderate/normal/average", "high", "very high"),
    ("very small", "small", "medium/mid/middle", "large/big", "very large/extra large"),
    ("xs", "s", "m", "l", "xl", "xxl"),
    (
        "strongly disagree",
        "disagree",
        "neutral/neither/neither agree nor disagree/undecided",
        "agree",
        "strongly agree",
    ),
    ("very dissatisfied", "dissatisfied", "neutral/neither", "satisfied", "very satisfied"),
    ("very unlikely", "unlikely", "neutral/neither", "likely", "very likely"),
    ("never", "rarely/seldom", "sometimes/occasionally", "often/frequently", "always"),
    ("very bad/very poor", "bad/poor", "fair/average/ok/okay", "good", "very good", "excellent"),
    ("none/no/absent", "mild/light", "moderate/medium", "severe/strong", "very severe"),
    ("not at all", "a little/slightly", "somewhat/moderately", "very/very much/quite", "extremely"),
    ("primary", "secondary", "tertiary"),
    (
        "none/no schooling",
        "elementary school/primary school/elementary/primary",
        "middle school",
        "some high school",
        "high school/high school graduate/secondary school/secondary",
        "some college/associate's degree/vocational",
        "bachelor's degree/bachelor/bachelors/college graduate",
        "master's degree/master/masters",
        "doctorate/phd/doctoral degree/graduate degree",
    ),
    ("first", "second", "third", "fourth", "fifth"),
)
NUMBERED = re.compile(r"^(\d+)\s*[-–=.:)]\s*\D")
ZEROS = 0.05
LARGE = 10_000
AT_ONCE = 1_000_000


@dataclass(frozen=True)
class Guess:
    """The kind of a column and the reason for it, declared by the user or inferred.

    ``ask`` lists the kinds between which only a person can decide, where that changes which models are offered.
    """

    kind: str
    reason: str
    declared: bool = False
    confidence: Confidence = "likely"
    ask: tuple[str, ...] = ()


Rule = Callable[[Facts], Guess | None]


def infer(frame: pd.DataFrame) -> dict[str, Guess]:
    """Guess the kind of every column of a table, with a reason for each.

    Parameters
    ----------
    frame
        A table as `modelcompose.data.read` returns it.

    Returns
    -------
    dict
        A `Guess` for each column, in the order of the columns.
    """
    columns = [Facts(str(name), frame[name]) for name in frame.columns]
    if frame.size >= AT_ONCE:
        with ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as threads:
            list(threads.map(Facts.measure, columns))
    guesses = {facts.name: guess(facts) for facts in columns}
    telling = tellers(columns)
    return {facts.name: in_company(facts, telling, guesses) or guesses[facts.name] for facts in columns}


def guess(facts: Facts) -> Guess:
    for rule in RULES:
        if found := rule(facts):
            return found
    return Guess("text", f"{facts.u} different texts in {facts.n} rows: too many for categories.")


def tellers(columns: list[Facts]) -> list[Facts]:
    """Return the columns whose names may explain another column."""
    stems = {facts.words - BARE_ERROR_WORDS for facts in columns if facts.words & BARE_ERROR_WORDS}
    return [facts for facts in columns if facts.words & TELLING_WORDS or facts.words in stems]


def in_company(facts: Facts, telling: list[Facts], guesses: Mapping[str, Guess]) -> Guess | None:
    """Guess again, for a column whose name says enough only beside another column."""
    if not facts.is_number or not facts.words & COMPANY_WORDS or guesses[facts.name].kind not in COMPANIONABLE:
        return None
    others = [one for one in telling if one is not facts]
    for rule in COMPANY:
        if found := rule(facts, others, guesses):
            return found
    return None


def unfinished(facts: Facts, others: list[Facts], guesses: Mapping[str, Guess]) -> Guess | None:
    """A time beside a column that says whether the event happened."""
    if facts.lo < 0 or facts.u <= 5 or not facts.words & SPAN_WORDS or any(is_year(one) for one in (facts, *others)):
        return None
    for one in others:
        if one.words & EVENT_WORDS and guesses[one.name].kind == "binary":
            return Guess("duration", f"Numbers {facts.range}, and “{one.name}” may say how each wait ended.")
    return None


def uncertain(facts: Facts, others: list[Facts], guesses: Mapping[str, Guess]) -> Guess | None:
    """A standard error beside its estimate."""
    if not facts.words & BARE_ERROR_WORDS or facts.lo <= 0 or facts.whole:
        return None
    stem = facts.words - BARE_ERROR_WORDS
    for one in others:
        if one.is_number and guesses[one.name].kind in MEASURES and (one.words & ESTIMATE_WORDS or one.words == stem):
            reason = f"Numbers {facts.range}, all above zero, and the name says standard error, of “{one.name}”."
            return Guess("standard_error", reason)
    return None


def surveyed(facts: Facts, others: list[Facts], guesses: Mapping[str, Guess]) -> Guess | None:
    """A weight beside the strata or clusters of a survey."""
    if not facts.words & words("weight wt") or facts.lo < 0:
        return None
    for one in others:
        if one.words & DESIGN_WORDS:
            reason = f"Numbers {facts.range}, and the name says weights; “{one.name}” says that this is a survey."
            return Guess("weight", reason, confidence="unsure", ask=("weight", guesses[facts.name].kind))
    return None


def longitude(facts: Facts, others: list[Facts], guesses: Mapping[str, Guess]) -> Guess | None:
    """“Long” beside a latitude."""
    if "long" not in facts.words or max(abs(facts.lo), abs(facts.hi)) > 180 or facts.u <= 2:
        return None
    if any(guesses[one.name].kind == "coordinate" and one.words & LATITUDE_WORDS for one in others):
        return Guess("coordinate", f"Numbers {facts.range}, and the name says longitude.", confidence="sure")
    return None


COMPANY_WORDS = SPAN_WORDS | BARE_ERROR_WORDS | words("long weight wt")
TELLING_WORDS = EVENT_WORDS | ESTIMATE_WORDS | DESIGN_WORDS | LATITUDE_WORDS | YEAR_WORDS
COMPANIONABLE = frozenset(("continuous", "positive", "amount", "count", "proportion", "group"))
MEASURES = frozenset(("continuous", "positive", "amount", "proportion"))
COMPANY = (unfinished, uncertain, surveyed, longitude)


def constant(facts: Facts) -> Guess | None:
    if facts.n == 0:
        return Guess("constant", "Every value is missing.", confidence="sure")
    if facts.u == 1:
        return Guess("constant", f"Every value is “{shown(facts.present.iloc[0])}”.", confidence="sure")
    return None


def date(facts: Facts) -> Guess | None:
    if facts.is_number or facts.is_truth:
        return None
    dates = facts.present if facts.is_date else as_dates(pd.Series(pd.array(facts.levels, dtype="str")))
    if dates is None:
        return None
    span = f"{facts.u} different dates{facts.within} from {shown(dates.min())} to {shown(dates.max())}."
    return Guess("date", span, confidence="sure")


def long_text(facts: Facts) -> Guess | None:
    if not facts.is_text or facts.u <= facts.n / 2:
        return None
    mean = float(facts.present.str.len().mean())
    return Guess("text", f"Texts of {mean:.0f} characters on average, most of them different.") if mean > 30 else None


def place(facts: Facts) -> Guess | None:
    if not facts.is_number:
        return None
    for named, limit, what in ((LATITUDE_WORDS, 90, "latitude"), (LONGITUDE_WORDS, 180, "longitude")):
        if facts.words & named and -limit <= facts.lo and facts.hi <= limit and facts.u > 2:
            return Guess("coordinate", f"Numbers {facts.range}, and the name says {what}.", confidence="sure")
    return None


def circle(facts: Facts) -> Guess | None:
    if not facts.is_number or facts.u < 3:
        return None
    if facts.words & CIRCLE_WORDS and facts.lo >= -180 and facts.hi <= 360 and facts.hi - facts.lo > 180:
        return Guess("circular", f"Numbers {facts.range}, and the name says direction.")
    if facts.words & CLOCK_WORDS and 0 <= facts.lo <= 1 and 22 <= facts.hi <= 24 and facts.u >= 12:
        other = "count" if facts.whole else "continuous"
        reason = f"Numbers {facts.range}, and the name says hours, of the clock or of elapsed time."
        return Guess("circular", reason, confidence="unsure", ask=("circular", other))
    return None


def weight(facts: Facts) -> Guess | None:
    if not facts.is_number or facts.lo < 0:
        return None
    of_rows = facts.words & WEIGHT_WORDS or (facts.words & words("weight wt") and facts.words & SURVEY_WORDS)
    if not of_rows or facts.words & words("birth body kg lb lbs"):
        return None
    return Guess("weight", f"Numbers {facts.range}, and the name says weights of rows.")


def standard_error(facts: Facts) -> Guess | None:
    if not facts.is_number or facts.lo <= 0 or facts.whole:
        return None
    spelt = facts.words & words("error err") and facts.words & words("std standard")
    if facts.words & STANDARD_ERROR_WORDS or spelt:
        return Guess("standard_error", f"Numbers {facts.range}, all above zero, and the name says standard error.")
    return None


def duration(facts: Facts) -> Guess | None:
    if not facts.is_number or facts.lo < 0 or facts.u <= 5:
        return None
    until = facts.words & words("to until till") and facts.words & SPAN_WORDS
    if facts.words & DURATION_WORDS or until:
        return Guess("duration", f"Numbers {facts.range}, never below zero, and the name says how long.")
    return None


def steps(facts: Facts) -> Guess | None:
    """Ordered categories: a known ladder of words, ratings, brackets, or a few calendar years."""
    if facts.is_text and 3 <= facts.u <= 100:
        order = ladder([str(level) for level in facts.levels.to_pylist()])
        return Guess("ordered", f"The values have an order: {' < '.join(order)}.") if order else None
    if not facts.whole or facts.u < 3:
        return None
    if facts.words & ORDER_WORDS and facts.lo in (0, 1) and facts.hi <= 11:
        return Guess("ordered", f"{facts.u} whole-number steps {facts.range}, and the name says rating.")
    if calendar := of_the_year(facts):
        return Guess("ordered", f"{facts.u} whole numbers {facts.range}, and the name says {calendar}.")
    often = facts.n >= 20 * facts.u
    if facts.words & MONEY_WORDS and facts.gapless and facts.lo in (0, 1) and facts.hi <= 50 and often:
        return Guess("ordered", f"Only the whole numbers {facts.range}: brackets rather than sums of money.")
    if is_scale(facts):
        reason = (
            f"Only the whole numbers {facts.range}, {shown(facts.n / facts.u)} rows each on average: steps of a scale."
        )
        return Guess("ordered", reason, confidence="unsure", ask=("ordered", "count", "category"))
    if is_year(facts) and facts.u <= 5:
        return Guess("ordered", f"{facts.u} different years {facts.range}: few enough to compare one by one.")
    return None


def identifier(facts: Facts) -> Guess | None:
    if facts.is_text and facts.u > 2:
        if facts.u > 0.95 * facts.n:
            return Guess("id", f"{facts.u} different texts in {facts.n} rows: they name the rows.{unread(facts)}")
        if facts.u > facts.n / 2 and facts.words & NAME_WORDS:
            return Guess("id", f"{facts.u} different texts in {facts.n} rows, and the name says that they name rows.")
    if not facts.whole or facts.u <= 2 or facts.u <= 0.95 * facts.n:
        return None
    if facts.words & ID_WORDS:
        return Guess("id", f"{facts.u} different whole numbers in {facts.n} rows, and the name says identifier.")
    gapless = facts.u == facts.n and facts.gapless
    if gapless and facts.n >= 20 and not facts.words & TIME_WORDS:
        return Guess("id", f"The whole numbers {facts.range}, each once: they number the rows.")
    return None


def group(facts: Facts) -> Guess | None:
    if not (facts.is_text or facts.whole) or facts.u < 5 or facts.u > facts.n / 2:
        return None
    median = float(np.median(facts.repeats))
    if median < 2:
        return None
    codes = "texts" if facts.is_text else "codes"
    reason = f"{facts.u} different {codes}, each in {shown(median)} rows (median): rows that belong together."
    telling = GROUP_WORDS | ID_WORDS | (CODE_WORDS if facts.u > 20 else frozenset())
    named = bool(facts.words & telling) and not facts.words & TIME_WORDS
    if facts.is_text and facts.u <= 10 and not named:
        return Guess("group", reason, confidence="unsure", ask=("group", "category"))
    if facts.is_text or named:
        return Guess("group", reason)
    balanced = len(np.unique(facts.repeats)) == 1 and facts.lo >= 100 and facts.hi - facts.lo >= facts.u
    if not balanced or is_year(facts):
        return None
    return Guess("group", reason, confidence="unsure", ask=("group", "count"))


def binary(facts: Facts) -> Guess | None:
    if facts.u != 2:
        return None
    first, second = (f"“{shown(level)}”" for level in sorted(facts.present.unique()))
    return Guess("binary", f"Two different values: {first} and {second}.", confidence="sure")


def category(facts: Facts) -> Guess | None:
    if facts.whole and 3 <= facts.u <= 20 and facts.hi < 100 and facts.words & CODE_WORDS - COUNT_WORDS:
        return Guess("category", f"{facts.u} different whole numbers {facts.range}, and the name says codes.")
    if facts.whole and 3 <= facts.u < 5 and facts.words & (GROUP_WORDS | ID_WORDS):
        return Guess("category", f"{facts.u} different codes: too few for groups, so categories.")
    if not facts.is_text or facts.u > max(20, facts.n**0.5):
        return None
    return Guess("category", f"{facts.u} different texts in {facts.n} rows.{unread(facts)}")


def year(facts: Facts) -> Guess | None:
    return Guess("continuous", f"{facts.u} different years {facts.range}.") if is_year(facts) else None


def proportion(facts: Facts) -> Guess | None:
    if not facts.is_number or facts.whole or facts.lo < 0 or facts.hi > 1:
        return None
    if facts.words & SHARE_WORDS:
        return Guess("proportion", f"Numbers {facts.range}, all between 0 and 1, and the name says share.")
    reason = f"Numbers {facts.range}, all between 0 and 1: a share, if they cannot be larger."
    return Guess("proportion", reason, confidence="unsure", ask=("proportion", "continuous"))


def amount(facts: Facts) -> Guess | None:
    """Measurements from zero up that are exactly zero in 5% of the rows or more."""
    if not facts.is_number or facts.lo != 0 or facts.hi <= 1 or facts.zeros < ZEROS:
        return None
    found = Guess("amount", f"Numbers {facts.range}, {facts.zeros:.0%} of them exactly zero.")
    if not facts.whole or ((facts.words & MEASURE_WORDS or is_percentage(facts)) and not facts.words & COUNT_WORDS):
        return found
    rounded = facts.rounding >= 5 and facts.u > 10
    return replace(found, confidence="unsure", ask=("amount", "count")) if rounded else None


def count(facts: Facts) -> Guess | None:
    """Whole numbers from zero up, except shapes that counts seldom have and measurements often do.

    Far from zero (the lowest is above 30 and further from zero than from the highest), a count and a rounded
    measurement look alike and the normal approximation serves both; numbers that never fall below 1000 likewise; and
    numbers that are all multiples of 5 or more were rounded, which is seldom done with counts.
    """
    if not facts.whole or facts.lo < 0:
        return None
    values = f"{facts.u} different whole numbers {facts.range}"
    if facts.rounding >= 5:
        found = measurement(facts, f"{values}, all multiples of {facts.rounding}: a rounded measurement")
        named = facts.words & (MEASURE_WORDS | TIME_WORDS)
        return found if named else replace(found, confidence="unsure", ask=(found.kind, "count"))
    if (facts.lo > 30 and facts.hi - facts.lo < facts.lo) or facts.lo >= 1000:
        return measurement(facts, f"{values}, far from zero: a measurement rather than a count")
    if facts.words & COUNT_WORDS:
        return Guess("count", f"{values}: a count.")
    if facts.words & MEASURE_WORDS or is_percentage(facts):
        return measurement(facts, f"{values}, and the name says measurement")
    return doubted(facts, values) or Guess("count", f"{values}: a count.")


def doubted(facts: Facts, values: str) -> Guess | None:
    """Ask about whole numbers from zero up that may be no count: codes, steps of a scale, measurements."""
    if facts.lo >= 1 and 3 <= facts.u <= 10 and facts.gapless:
        ask = ("count", "ordered", "category", *(["group"] if 5 <= facts.u <= facts.n / 2 else []))
        return Guess("count", f"{values}: a count, if not a code.", confidence="unsure", ask=ask)
    if facts.lo == 0 and 4 <= facts.u <= 11 and facts.gapless and not facts.words & TIME_WORDS and no_tail(facts):
        reason = f"{values}: a count, if not steps of a scale, since many have the highest."
        return Guess("count", reason, confidence="unsure", ask=("count", "ordered"))
    if facts.lo == 1 and facts.u > 10 and facts.gapless and facts.n >= 2 * facts.u and not facts.words & TIME_WORDS:
        reason = f"{values}, without a gap: a count, if not the number of a group."
        return Guess("count", reason, confidence="unsure", ask=("count", "group"))
    if facts.lo >= 5 or facts.hi >= LARGE:
        reason = f"{values}: a count, if not a rounded measurement."
        other = "amount" if facts.lo == 0 and facts.zeros >= ZEROS else "continuous"
        return Guess("count", reason, confidence="unsure", ask=("count", other))
    return None


def number(facts: Facts) -> Guess | None:
    if not facts.is_number:
        return None
    what = "whole numbers" if facts.whole else "numbers"
    found = measurement(facts, f"{facts.u} different {what}{facts.within} {facts.range}")
    return found if facts.whole else replace(found, confidence="sure")


def measurement(facts: Facts, values: str) -> Guess:
    """Positive if all are above zero and they are lopsided or span more than a factor of 10, else continuous."""
    if facts.lo > 0:
        if facts.skewness > 1:
            return Guess("positive", f"{values}; all above zero and lopsided (skewness {facts.skewness:.1f}).")
        if facts.hi / facts.lo > 10:
            return Guess(
                "positive", f"{values}; all above zero, the highest {facts.hi / facts.lo:.3g} times the lowest."
            )
    return Guess("continuous", f"{values}.")


RULES: tuple[Rule, ...] = (
    constant,
    date,
    long_text,
    place,
    circle,
    weight,
    standard_error,
    duration,
    steps,
    identifier,
    group,
    binary,
    category,
    year,
    proportion,
    amount,
    count,
    number,
)


def is_percentage(facts: Facts) -> bool:
    return facts.lo >= 0 and facts.hi <= 100 and any(word.startswith(("pct", "perc")) for word in facts.words)


def is_scale(facts: Facts) -> bool:
    """Tell whether whole numbers look like answers on a scale: 1 to 5 or 1 to 7, all in use."""
    often = facts.n >= 20 * facts.u
    known = facts.words & (COUNT_WORDS | TIME_WORDS | GROUP_WORDS | CODE_WORDS)
    return facts.lo == 1 and facts.u in (5, 7) and facts.gapless and often and not known


def of_the_year(facts: Facts) -> str:
    """Name the part of the calendar that repeated whole numbers number, if the name says so."""
    if facts.n <= facts.u or not facts.gapless:
        return ""
    if facts.lo == 1 and facts.u == 4 and facts.words & words("quarter qtr"):
        return "quarter"
    if facts.lo == 1 and facts.u == 12 and facts.words & words("month mon"):
        return "month"
    of_the_week = facts.words & words("weekday dow wday") or {"day", "week"} <= facts.words
    return "day of the week" if of_the_week and facts.lo in (0, 1) and facts.u == 7 else ""


def no_tail(facts: Facts) -> bool:
    """Tell whether the highest values are about as frequent as any, which counts without a limit seldom show."""
    often = facts.n >= 20 * facts.u
    return often and bool(facts.repeats[-1] >= facts.repeats.max() / 2)


def is_year(facts: Facts) -> bool:
    named = bool(facts.words & YEAR_WORDS)
    return named and facts.whole and 1000 <= facts.hi <= 2100


def unread(facts: Facts) -> str:
    """Point at the first cell that keeps a column of numbers from being one."""
    numeric = looks_numeric(facts.levels).to_numpy(zero_copy_only=False).astype("bool")
    share = float(facts.repeats[numeric].sum() / facts.n)
    if not 0.5 <= share < 1:
        return ""
    wrong = (facts.column.notna() & numbers_of(facts.column).isna()).to_numpy()
    row, what = first_row(facts.column, wrong, "is not")
    return f" {share:.0%} of them are numbers; {what}: row {row}."


def ladder(levels: list[str]) -> list[str] | None:
    """Return levels in their known order, lowest first, or None when they form no ladder we know."""
    numbered = {level: NUMBERED.match(level) for level in levels}
    if all(numbered.values()):
        places = {level: int(match[1]) for level, match in numbered.items() if match}
        return sorted(levels, key=places.__getitem__) if len(set(places.values())) == len(levels) else None
    plain = {level: re.sub(r"[\s_-]+", " ", level).strip().lower() for level in levels}
    for rungs in LADDERS:
        places = {word: place for place, words in enumerate(rungs) for word in words.split("/")}
        if {*plain.values()} <= places.keys():
            heights = {level: places[word] for level, word in plain.items()}
            if len(set(heights.values())) == len(levels):
                return sorted(levels, key=heights.__getitem__)
    return None
