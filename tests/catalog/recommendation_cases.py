"""The tables of ``tests/data/recommendation.csv``, each made or loaded by one function.

Real data come from the samples of ModelCompose, from packages that ship them, or were typed in from the publication
that the function names. What is simulated is so where no small public table has the trait in question; the generators
here are written for these cases and share nothing with those of the catalogue.
"""

from __future__ import annotations

import importlib
import itertools
import warnings
from collections.abc import Callable, Sequence
from importlib.resources import files

import numpy as np
import pandas as pd
import pytest

Builder = Callable[[], pd.DataFrame]
TABLES: dict[str, Builder] = {}


def table(build: Builder) -> Builder:
    """Enter a function under its own name."""
    TABLES[build.__name__.replace("_", "-")] = build
    return build


def make(name: str) -> pd.DataFrame:
    """Return the table that a case names: one of ours, or ``sample:``, ``statsmodels:`` or ``vega:`` and a name."""
    source, _, within = name.partition(":")
    if not within:
        return TABLES[name]()
    return {"sample": _sample, "statsmodels": _statsmodels, "vega": _vega}[source](within)


def _sample(name: str) -> pd.DataFrame:
    return pd.read_csv(str(files("modelcompose.samples") / f"{name}.csv"))


def _statsmodels(name: str) -> pd.DataFrame:
    pytest.importorskip("statsmodels.datasets", reason="uv sync installs statsmodels")
    return importlib.import_module(f"statsmodels.datasets.{name}").load_pandas().data


def _vega(name: str) -> pd.DataFrame:
    vega = pytest.importorskip("vega_datasets", reason="uv sync installs vega_datasets")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its own way of parsing dates
        return getattr(vega.local_data, name)()


def _sklearn(name: str, **options: bool) -> pd.DataFrame:
    sklearn = pytest.importorskip("sklearn.datasets", reason="uv sync installs scikit-learn")
    return getattr(sklearn, f"load_{name}")(as_frame=True, **options).frame


def _texts(text: str) -> list[str]:
    return text.split()


def _numbers(text: str) -> list[float]:
    return [float(one) for one in text.split()]


def _crossed(**levels: Sequence[object]) -> pd.DataFrame:
    return pd.DataFrame(itertools.product(*levels.values()), columns=list(levels))


def _logistic(z: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-z))


# ----------------------------------------------------------------------------- real: one outcome described


@table
def newcomb() -> pd.DataFrame:
    """Newcomb's times of light over 7442 m, 1882, as deviations from 24800 ns; Stigler 1977, Annals of Statistics 5."""
    times = _numbers(
        "28 26 33 24 34 -44 27 16 40 -2 29 22 24 21 25 30 23 29 31 19 24 20 36 32 36 28 25 21 28 29 37 25 28 26 30 32"
        " 36 26 30 22 36 23 27 27 28 27 31 27 26 33 26 32 32 24 39 28 24 25 32 25 29 27 28 29 16 23"
    )
    return pd.DataFrame({"deviation": times})


@table
def blood_pressure() -> pd.DataFrame:
    """Average blood pressure of 442 patients with diabetes; Efron and others 2004, Annals of Statistics 32."""
    return _diabetes()[["age", "bp"]]


def _diabetes() -> pd.DataFrame:
    frame = _sklearn("diabetes", scaled=False)
    return frame.assign(sex=np.where(frame["sex"] == 1, "m", "f"))


@table
def diabetes() -> pd.DataFrame:
    """All columns of the same patients, in the units in which they were measured."""
    return _diabetes()


@table
def free_throws() -> pd.DataFrame:
    """One player's throws by game, simulated: every game has the same chance."""
    rng = np.random.default_rng(411)
    tried = rng.integers(2, 13, 48)
    return pd.DataFrame({"game": np.arange(1, 49), "made": rng.binomial(tried, 0.76), "tried": tried})


@table
def clutches() -> pd.DataFrame:
    """Eggs hatched by nest, simulated: the chance differs much between nests."""
    rng = np.random.default_rng(412)
    eggs = rng.integers(4, 15, 60)
    return pd.DataFrame({"hatched": rng.binomial(eggs, rng.beta(1.4, 1.0, 60)), "eggs": eggs})


# ----------------------------------------------------------------------------- real: two groups and several


@table
def two_penguins() -> pd.DataFrame:
    """Adelie and Gentoo penguins of the sample."""
    frame = _sample("penguins")
    return frame[frame["species"] != "Chinstrap"]


@table
def adelie_penguins() -> pd.DataFrame:
    """Adelie penguins of the sample."""
    frame = _sample("penguins")
    return frame[frame["species"] == "Adelie"]


@table
def sleep() -> pd.DataFrame:
    """Hours of sleep gained by the same ten patients under two drugs; Student 1908, Biometrika 6."""
    first = _numbers("0.7 -1.6 -0.2 -1.2 -0.1 3.4 3.7 0.8 0.0 2.0")
    second = _numbers("1.9 0.8 1.1 0.1 -0.1 4.4 5.5 1.6 4.6 3.4")
    patients = [f"p{number}" for number in range(1, 11)]
    return pd.DataFrame({"extra": first + second, "drug": ["one"] * 10 + ["two"] * 10, "patient": patients * 2})


@table
def tooth_growth() -> pd.DataFrame:
    """Length of odontoblasts of 60 guinea pigs by vitamin C; Crampton 1947, Journal of Nutrition 33."""
    lengths = _numbers(
        "4.2 11.5 7.3 5.8 6.4 10 11.2 11.2 5.2 7 16.5 16.5 15.2 17.3 22.5 17.3 13.6 14.5 18.8 15.5"
        " 23.6 18.5 33.9 25.5 26.4 32.5 26.7 21.5 23.3 29.5"
        " 15.2 21.5 17.6 9.7 14.5 10 8.2 9.4 16.5 9.7 19.7 23.3 23.6 26.4 20 25.2 25.8 21.2 14.5 27.3"
        " 25.5 26.4 22.4 24.5 24.8 30.9 26.4 27.3 29.4 23"
    )
    doses = np.tile(np.repeat([0.5, 1.0, 2.0], 10), 2)
    return pd.DataFrame({"length": lengths, "supplement": np.repeat(["ascorbic", "juice"], 30), "dose": doses})


@table
def smart_drug() -> pd.DataFrame:
    """Invented scores with outliers on both sides; Kruschke 2013, Journal of Experimental Psychology: General 142."""
    drug = _numbers(
        "101 100 102 104 102 97 105 105 98 101 100 123 105 103 100 95 102 106 109 102 82 102 100 102 102 101 102 102"
        " 103 103 97 97 103 101 97 104 96 103 124 101 101 100 101 101 104 100 101"
    )
    placebo = _numbers(
        "99 101 100 101 102 100 97 101 104 101 102 102 100 105 88 101 100 104 100 100 100 101 102 103 97 101 101 100"
        " 101 99 101 100 100 101 100 99 101 100 102 99 100 99"
    )
    group = ["drug"] * len(drug) + ["placebo"] * len(placebo)
    return pd.DataFrame({"score": drug + placebo, "group": group})


@table
def two_machines() -> pd.DataFrame:
    """Filled volume of two machines, simulated: one varies four times as much."""
    rng = np.random.default_rng(421)
    volume = np.r_[rng.normal(502, 2, 55), rng.normal(499, 8, 40)].round(1)
    return pd.DataFrame({"volume": volume, "machine": ["old"] * 55 + ["new"] * 40}).sample(frac=1, random_state=1)


@table
def resistance() -> pd.DataFrame:
    """Concentration of penicillin that stops 16 bacteria; Burtin 1951, as in vega_datasets."""
    frame = _vega("burtin")
    return frame.rename(columns={"Penicillin": "concentration", "Gram_Staining": "gram"})[["concentration", "gram"]]


@table
def affairs() -> pd.DataFrame:
    """Fair's survey of 1974 with whether there was an affair at all, and whether religious."""
    frame = _statsmodels("fair")
    return frame.assign(
        affair=np.where(frame["affairs"] > 0, "yes", "no"), religious=np.where(frame["religious"] > 2, "yes", "no")
    )


@table
def doctor_visits() -> pd.DataFrame:
    """The first 3000 person-years of the RAND health insurance experiment, with the deductible plan in words."""
    frame = _statsmodels("randhie").head(3000)
    return frame.assign(deductible=np.where(frame["idp"] == 1, "yes", "no"))[["mdvis", "deductible", "disea", "physlm"]]


@table
def goals() -> pd.DataFrame:
    """Goals of one team at home and away, simulated: counts vary as much as chance has it."""
    rng = np.random.default_rng(422)
    home = np.tile(["home", "away"], 60)
    return pd.DataFrame({"goals": rng.poisson(np.where(home == "home", 1.7, 1.1)), "ground": home})


@table
def card_spending() -> pd.DataFrame:
    """Average monthly spending by credit card of 72 people; Greene, Econometric Analysis."""
    frame = _statsmodels("ccard")
    return frame.assign(owner=np.where(frame["OWNRENT"] == 1, "own", "rent")).drop(columns=["OWNRENT", "INCOMESQ"])


@table
def vaccine_trial() -> pd.DataFrame:
    """Paralytic polio in the randomised Salk trial of 1954; Francis and others 1955, by arm."""
    return pd.DataFrame({"cases": [57, 142], "children": [200745, 201229], "arm": ["vaccine", "placebo"]})


@table
def canopy() -> pd.DataFrame:
    """Share of ground in shade on 90 plots under two managements, simulated; no plot is bare or closed."""
    rng = np.random.default_rng(423)
    thinned = rng.integers(0, 2, 90)
    mean = np.where(thinned == 1, 0.35, 0.62)
    share = rng.beta(mean * 8, (1 - mean) * 8).clip(0.01, 0.99).round(3)
    return pd.DataFrame({"shade": share, "thinned": np.where(thinned == 1, "yes", "no")})


@table
def insect_sprays() -> pd.DataFrame:
    """Insects on plots by spray; Beall 1942, Biometrika 32."""
    counts = _numbers(
        "10 7 20 14 14 12 10 23 17 20 14 13 11 17 21 11 16 14 17 17 19 21 7 13 0 1 7 2 3 1 2 1 3 0 1 4"
        " 3 5 12 6 4 3 5 5 5 5 2 4 3 5 3 5 3 6 1 1 3 2 6 4 11 9 15 22 15 16 13 10 26 26 24 13"
    )
    return pd.DataFrame({"insects": np.array(counts, int), "spray": np.repeat(list("ABCDEF"), 12)})


@table
def cars_by_maker() -> pd.DataFrame:
    """Cars of 1970 to 1982 with their maker, the first word of the name."""
    frame = _vega("cars")
    return frame.assign(maker=frame["Name"].str.split().str[0])[["Miles_per_Gallon", "maker", "Weight_in_lbs"]]


@table
def plant_growth() -> pd.DataFrame:
    """Dry weight of plants in three conditions; Dobson 1983, An Introduction to Statistical Modelling."""
    weights = _numbers(
        "4.17 5.58 5.18 6.11 4.50 4.61 5.17 4.53 5.33 5.14 4.81 4.17 4.41 3.59 5.87 3.83 6.03 4.89 4.32 4.69"
        " 6.31 5.12 5.54 5.50 5.37 5.29 4.92 6.15 5.80 5.26"
    )
    return pd.DataFrame({"weight": weights, "condition": np.repeat(["control", "first", "second"], 10)})


@table
def readmissions() -> pd.DataFrame:
    """Whether a patient came back within a month, by clinic, simulated; small clinics among large ones."""
    rng = np.random.default_rng(424)
    sizes = rng.integers(8, 70, 14)
    level = rng.normal(-1.4, 0.6, 14)
    clinic = np.repeat(np.arange(14), sizes)
    back = rng.binomial(1, _logistic(level[clinic]))
    return pd.DataFrame({"back": np.where(back == 1, "yes", "no"), "clinic": [f"clinic {one}" for one in clinic]})


@table
def surgery() -> pd.DataFrame:
    """Deaths after cardiac surgery of infants in 12 hospitals; Spiegelhalter and others, the BUGS examples."""
    deaths = np.array(_numbers("0 18 8 46 8 13 9 31 14 8 29 24"), int)
    operations = np.array(_numbers("47 148 119 810 211 196 148 215 207 97 256 360"), int)
    return pd.DataFrame({"hospital": list("ABCDEFGHIJKL"), "deaths": deaths, "operations": operations})


@table
def restaurants() -> pd.DataFrame:
    """Ratings from one to five stars of eight restaurants, simulated."""
    rng = np.random.default_rng(425)
    place = rng.integers(0, 8, 320)
    taste = rng.normal(0.5, 0.7, 8)[place] + rng.logistic(size=320)
    stars = 1 + np.searchsorted([-2.0, -0.8, 0.4, 1.8], taste)
    return pd.DataFrame({"stars": stars, "place": [f"place {one}" for one in place], "price": rng.integers(8, 40, 320)})


# ----------------------------------------------------------------------------- variants


@table
def landing_page() -> pd.DataFrame:
    """Visitors and whether they signed up, simulated; uneven traffic."""
    rng = np.random.default_rng(431)
    variant = rng.choice(["A", "B"], 1400, p=[0.55, 0.45])
    return pd.DataFrame(
        {
            "visitor": [f"v{one:05d}" for one in rng.permutation(1400)],
            "variant": variant,
            "signed_up": rng.binomial(1, np.where(variant == "B", 0.118, 0.091)),
        }
    )


@table
def aspirin() -> pd.DataFrame:
    """Heart attacks in the Physicians' Health Study; Steering Committee 1989, NEJM 321."""
    return pd.DataFrame({"attacks": [139, 239], "men": [11037, 11034], "arm": ["aspirin", "placebo"]})


@table
def subject_lines() -> pd.DataFrame:
    """Mails opened out of those sent, by day and subject line, simulated: days differ far more than chance has it."""
    rng = np.random.default_rng(432)
    frame = _crossed(day=range(1, 29), line=["plain", "question", "offer"])
    sent = rng.integers(300, 900, len(frame))
    mean = frame["line"].map({"plain": 0.20, "question": 0.24, "offer": 0.22}).to_numpy()
    return frame.assign(opened=rng.binomial(sent, rng.beta(mean * 12, (1 - mean) * 12)), sent=sent)


# ----------------------------------------------------------------------------- something related to an outcome


@table
def anscombe_third() -> pd.DataFrame:
    """The third of Anscombe's four sets: a line and one point far off it; The American Statistician 27, 1973."""
    frame = _vega("anscombe")
    return frame[frame["Series"] == "III"][["X", "Y"]]


@table
def city_crime() -> pd.DataFrame:
    """Murders by 100000 in the fifty states and the capital, which is far off the others; statsmodels."""
    return _statsmodels("statecrime").reset_index()


@table
def repairs() -> pd.DataFrame:
    """Cost of repairs by age of a machine, simulated: a constant coefficient of variation, and many near nothing."""
    rng = np.random.default_rng(441)
    age = rng.uniform(0, 12, 260).round(1)
    return pd.DataFrame({"cost": (rng.gamma(1.1, 1, 260) * 140 * np.exp(0.12 * age) + 0.01).round(2), "age": age})


@table
def devolution() -> pd.DataFrame:
    """Share of yes in the Scottish referendum of 1997 on taxes, by council; Gill 2000, in statsmodels."""
    frame = _statsmodels("scotland")
    return frame.assign(yes=frame["YES"] / 100)[["yes", "UNEMPF", "GDP", "AGE"]]


@table
def abstinence() -> pd.DataFrame:
    """Share of days without drinking, simulated: some people never, some always."""
    rng = np.random.default_rng(442)
    weeks = rng.integers(0, 13, 150)
    share = rng.beta(1.2 + 0.1 * weeks, 1.4).round(3)
    share[rng.random(150) < 0.12] = 0.0
    share[rng.random(150) < 0.15] = 1.0
    return pd.DataFrame({"abstinent": share, "weeks": weeks, "age": rng.integers(19, 70, 150)})


@table
def tumours() -> pd.DataFrame:
    """Whether a breast mass was malignant, with two measurements; Street and others 1993, in scikit-learn."""
    frame = _sklearn("breast_cancer")
    return pd.DataFrame(
        {
            "malignant": np.where(frame["target"] == 0, "yes", "no"),
            "texture": frame["mean texture"],
            "smoothness": frame["mean smoothness"],
        }
    )


@table
def orings() -> pd.DataFrame:
    """Thermal distress of any O-ring by temperature, 23 flights; Dalal and others 1989, JASA 84."""
    fahrenheit = _numbers("66 70 69 68 67 72 73 70 57 63 70 78 67 53 67 75 70 81 76 79 75 76 58")
    distress = _numbers("0 1 0 0 0 0 0 0 1 1 1 0 0 1 0 0 0 0 0 0 1 0 1")
    return pd.DataFrame({"temperature": np.array(fahrenheit, int), "distress": np.array(distress, int)})


@table
def germination() -> pd.DataFrame:
    """Seeds that came up out of those sown in a tray, simulated: no more variation than chance has it."""
    rng = np.random.default_rng(443)
    sown = rng.integers(15, 41, 44)
    moisture = rng.uniform(10, 60, 44).round(1)
    return pd.DataFrame(
        {"up": rng.binomial(sown, _logistic(-1.2 + 0.05 * moisture)), "sown": sown, "moisture": moisture}
    )


@table
def beetles() -> pd.DataFrame:
    """Beetles killed by carbon disulphide; Bliss 1935, Annals of Applied Biology 22."""
    return pd.DataFrame(
        {
            "log_dose": _numbers("1.6907 1.7242 1.7552 1.7842 1.8113 1.8369 1.8610 1.8839"),
            "killed": np.array(_numbers("6 13 18 28 52 53 61 60"), int),
            "beetles": np.array(_numbers("59 60 62 56 63 59 62 60"), int),
        }
    )


@table
def beetles_singly() -> pd.DataFrame:
    """The same beetles, a row for each."""
    rows = [
        {"dose": round(10**dose, 1), "died": int(number < killed)}
        for dose, killed, beetles_ in beetles().itertuples(index=False)
        for number in range(beetles_)
    ]
    return pd.DataFrame(rows)


@table
def admissions() -> pd.DataFrame:
    """Admissions to the six largest departments of Berkeley, 1973; Bickel and others 1975, Science 187."""
    frame = _crossed(department=list("ABCDEF"), gender=["male", "female"])
    admitted = np.array(_numbers("512 89 353 17 120 202 138 131 53 94 22 24"), int)
    rejected = np.array(_numbers("313 19 207 8 205 391 279 244 138 299 351 317"), int)
    return frame.assign(admitted=admitted, applicants=admitted + rejected)


@table
def broomrape() -> pd.DataFrame:
    """Seeds of broomrape that germinated, by plate; Crowder 1978, Applied Statistics 27."""
    grew = np.array(_numbers("10 23 23 26 17 5 53 55 32 46 10 8 10 8 23 0 3 22 15 32 3"), int)
    seeds = np.array(_numbers("39 62 81 51 39 6 74 72 51 79 13 16 30 28 45 4 12 41 30 51 7"), int)
    return pd.DataFrame(
        {
            "grew": grew,
            "seeds": seeds,
            "kind": ["O75"] * 11 + ["O73"] * 10,
            "extract": ["bean"] * 5 + ["cucumber"] * 6 + ["bean"] * 5 + ["cucumber"] * 5,
        }
    )


@table
def schools() -> pd.DataFrame:
    """Pupils above the median in mathematics, by district of California; Gill 2000, in statsmodels."""
    frame = _statsmodels("star98")
    above = frame["NABOVE"].astype(int)
    pupils = above + frame["NBELOW"].astype(int)
    return pd.DataFrame(
        {"above": above, "pupils": pupils, "low_income": frame["LOWINC"], "pupils_by_teacher": frame["PTRATIO"]}
    )


@table
def cattle() -> pd.DataFrame:
    """New cases of pleuropneumonia in herds over four periods; Lesnoff and others 2004, Preventive Vet. Medicine 62."""
    rows = {
        1: "2/14 3/12 4/9 0/5", 2: "3/22 1/18 1/21", 3: "8/22 2/16 0/16 2/20", 4: "2/10 0/10 2/9 0/6",
        5: "5/18 0/25 0/24 1/4", 6: "3/17 0/17 0/18 1/20", 7: "8/16 1/10 3/9 0/5", 8: "12/34",
        9: "2/9 0/6 0/8 0/6", 10: "1/22 1/22 0/18 2/22", 11: "0/25 5/27 3/22 1/22", 12: "2/10 1/8 0/6 0/5",
        13: "1/21 2/24 0/19 0/23", 14: "11/19 0/2 0/3 0/2", 15: "1/19 1/15 1/15 0/15",
    }  # fmt: skip
    return pd.DataFrame(
        [
            {"herd": f"h{herd}", "period": f"period {period}", "cases": int(cases), "animals": int(animals)}
            for herd, line in rows.items()
            for period, (cases, animals) in enumerate((one.split("/") for one in line.split()), start=1)
        ]
    )


@table
def trips() -> pd.DataFrame:
    """How 210 travellers went between Sydney and Melbourne; Greene and Hensher, in statsmodels as ``modechoice``."""
    frame = _statsmodels("modechoice")
    chosen = frame[frame["choice"] == 1]
    means = chosen["mode"].map({1.0: "air", 2.0: "train", 3.0: "bus", 4.0: "car"})
    return pd.DataFrame({"mode": means, "income": chosen["hinc"], "party": chosen["psize"]}).reset_index(drop=True)


@table
def headings() -> pd.DataFrame:
    """Direction in which released birds vanished, by hours since sunrise, simulated, around north."""
    rng = np.random.default_rng(444)
    hours = rng.uniform(0, 9, 120).round(1)
    heading = np.degrees(rng.vonmises(np.radians(-40 + 8 * hours), 4)) % 360
    return pd.DataFrame({"heading": heading.round(0) % 360, "hours": hours})


@table
def rainfall() -> pd.DataFrame:
    """Rain of a day in Seattle, every fourth day of four years; vega_datasets."""
    return _vega("seattle_weather").iloc[::4][["precipitation", "temp_max", "temp_min", "wind"]]


@table
def care_costs() -> pd.DataFrame:
    """Cost of care in a year, simulated: a third had none; the others keep a coefficient of variation near one."""
    rng = np.random.default_rng(445)
    age = rng.integers(20, 85, 400)
    cost = rng.gamma(0.8, 1, 400) * 60 * np.exp(0.02 * age)
    return pd.DataFrame({"cost": np.where(rng.random(400) < 0.35, 0.0, cost.round(2).clip(0.01)), "age": age})


@table
def gene_panel() -> pd.DataFrame:
    """An outcome and 45 markers of 40 patients, simulated: three markers matter."""
    rng = np.random.default_rng(446)
    markers = rng.normal(size=(40, 45)) + 0.5 * rng.normal(size=(40, 1))
    score = 20 + 3 * markers[:, 0] - 2.5 * markers[:, 7] + 2 * markers[:, 20] + rng.normal(0, 1.5, 40)
    frame = pd.DataFrame(markers.round(3), columns=[f"m{number}" for number in range(1, 46)])
    return frame.assign(score=score.round(2))


@table
def wine() -> pd.DataFrame:
    """Chemistry of 178 wines; Forina and others, in scikit-learn."""
    return _sklearn("wine").drop(columns="target").rename(columns=lambda name: name.replace("/", "_"))


# ----------------------------------------------------------------------------- counts


@table
def cancer_deaths() -> pd.DataFrame:
    """Deaths of breast cancer and women at risk in 301 counties, 1950 to 1960; Rice, in statsmodels."""
    frame = _statsmodels("cancer").astype(int)
    return frame[frame["population"] > 0]


@table
def committee() -> pd.DataFrame:
    """Bills assigned to twenty committees of the House; Gill 2000, in statsmodels."""
    return _statsmodels("committee")


@table
def horse_kicks() -> pd.DataFrame:
    """Deaths by horse kick in a corps and year, 1875 to 1894; von Bortkiewicz 1898."""
    return pd.DataFrame({"deaths": np.repeat([0, 1, 2, 3, 4], [109, 65, 22, 3, 1])}).sample(frac=1, random_state=3)


@table
def flying_bombs() -> pd.DataFrame:
    """Hits by square of south London; Clarke 1946, Journal of the Institute of Actuaries 72."""
    hits = np.repeat([0, 1, 2, 3, 4, 7], [229, 211, 93, 35, 7, 1])
    return pd.DataFrame({"hits": hits}).sample(frac=1, random_state=4)


@table
def warp_breaks() -> pd.DataFrame:
    """Breaks of warp by loom; Tippett 1950, Technological Applications of Statistics."""
    breaks = _numbers(
        "26 30 54 25 70 52 51 26 67 18 21 29 17 12 18 35 30 36 36 21 24 18 10 43 28 15 26"
        " 27 14 29 19 29 31 41 20 44 42 26 19 16 39 28 21 39 29 20 21 24 17 13 15 15 16 28"
    )
    tension = np.tile(np.repeat(["low", "medium", "high"], 9), 2)
    return pd.DataFrame({"breaks": np.array(breaks, int), "wool": np.repeat(["A", "B"], 27), "tension": tension})


@table
def discoveries() -> pd.DataFrame:
    """Great discoveries by year, 1860 to 1959; McNeil 1977, Interactive Data Analysis."""
    counts = _numbers(
        "5 3 0 2 0 3 2 3 6 1 2 1 2 1 3 3 3 5 2 4 4 0 2 3 7 12 3 10 9 2 3 7 7 2 3 3 6 2 4 3 5 2 2 4 0 4 2 5 2 3"
        " 3 6 5 8 3 6 6 0 5 2 2 2 6 3 4 4 2 2 4 7 5 3 3 0 2 2 2 1 3 4 2 2 1 1 1 2 1 4 4 3 2 1 4 1 1 1 0 0 2 0"
    )
    return pd.DataFrame({"year": np.arange(1860, 1960), "discoveries": np.array(counts, int)})


@table
def road_crossings() -> pd.DataFrame:
    """Accidents at crossings by traffic and length of observation, simulated: as varied as chance has it."""
    rng = np.random.default_rng(451)
    months = rng.integers(6, 49, 130)
    traffic = rng.normal(12, 3, 130).round(1)
    rate = 0.12 * np.exp(0.09 * (traffic - 12))
    return pd.DataFrame({"accidents": rng.poisson(rate * months), "traffic": traffic, "months": months})


@table
def anglers() -> pd.DataFrame:
    """Fish caught by groups of visitors, simulated: half never fished, the others catch as chance has it."""
    rng = np.random.default_rng(452)
    people = rng.integers(1, 6, 300)
    caught = rng.poisson(1.6 * np.exp(0.25 * people)) * (rng.random(300) < 0.5)
    return pd.DataFrame({"fish": caught, "people": people, "camper": rng.choice(["yes", "no"], 300)})


@table
def parasites() -> pd.DataFrame:
    """Lice by fish, simulated: most fish never met any, and the others differ much."""
    rng = np.random.default_rng(453)
    length = rng.normal(30, 5, 420).round(1)
    lice = rng.poisson(rng.gamma(1.5, 1, 420) * 8 * np.exp(0.03 * (length - 30)))
    return pd.DataFrame({"lice": lice * (rng.random(420) < 0.4), "length": length})


@table
def cigarettes() -> pd.DataFrame:
    """Cigarettes smoked on a day, simulated: two thirds smoke none, and whoever smokes rarely smokes only a few."""
    rng = np.random.default_rng(454)
    age = rng.integers(18, 80, 450)
    smoked = 1 + rng.poisson(rng.gamma(4, 1, 450) / 4 * (11 + 0.05 * age))
    return pd.DataFrame({"cigarettes": smoked * (rng.random(450) < 0.34), "age": age})


# ----------------------------------------------------------------------------- repeated rows


@table
def orange_trees() -> pd.DataFrame:
    """Trunk circumference of five trees at seven ages; Draper and Smith 1998, Applied Regression Analysis."""
    age = [118, 484, 664, 1004, 1231, 1372, 1582]
    trunks = {
        "one": "30 58 87 115 120 142 145", "two": "33 69 111 156 172 203 203", "three": "30 51 75 108 115 139 140",
        "four": "32 62 112 167 179 209 214", "five": "30 49 81 125 142 174 177",
    }  # fmt: skip
    rows = [
        {"tree": tree, "age": days, "circumference": length}
        for tree, text in trunks.items()
        for days, length in zip(age, _numbers(text), strict=True)
    ]
    return pd.DataFrame(rows)


@table
def class_sizes() -> pd.DataFrame:
    """Marks of pupils in 28 classes, simulated; the size of the class is the same for all of its pupils."""
    rng = np.random.default_rng(461)
    size = rng.integers(14, 34, 28)
    room = np.repeat(np.arange(28), np.minimum(size, rng.integers(8, 20, 28)))
    mark = 68 - 0.4 * (size[room] - 24) + rng.normal(0, 4, 28)[room] + rng.normal(0, 8, len(room))
    return pd.DataFrame({"mark": mark.round(1), "size": size[room], "class": [f"class {one}" for one in room]})


@table
def wheezing() -> pd.DataFrame:
    """Whether children wheezed at four yearly visits, simulated: some nearly always, most nearly never."""
    rng = np.random.default_rng(462)
    frame = _crossed(child=[f"c{one:03d}" for one in range(110)], age=[7, 8, 9, 10])
    level = np.repeat(rng.normal(-2, 2, 110), 4)
    wheeze = rng.binomial(1, _logistic(level - 0.2 * (frame["age"].to_numpy() - 8.5)))
    smoke = np.repeat(rng.choice(["yes", "no"], 110), 4)
    return frame.assign(wheeze=np.where(wheeze == 1, "yes", "no"), smoke=smoke).sample(frac=0.94, random_state=5)


@table
def seizures() -> pd.DataFrame:
    """Seizures of 50 patients at four visits, simulated: patients differ much, visits of one as chance has it."""
    rng = np.random.default_rng(463)
    frame = _crossed(patient=[f"p{one}" for one in range(1, 51)], visit=[1, 2, 3, 4])
    level = np.repeat(rng.normal(1.6, 0.9, 50), 4)
    return frame.assign(seizures=rng.poisson(np.exp(level - 0.08 * frame["visit"].to_numpy())))


@table
def vocabulary() -> pd.DataFrame:
    """Words known by 70 children over two years, simulated: who starts low gains most."""
    rng = np.random.default_rng(464)
    start, gain = rng.multivariate_normal([120, 22], [[900, -170], [-170, 50]], 70).T
    frame = _crossed(child=[f"k{one:02d}" for one in range(70)], quarter=list(range(8)))
    who = np.repeat(np.arange(70), 8)
    words = start[who] + gain[who] * frame["quarter"].to_numpy() + rng.normal(0, 9, 560)
    return frame.assign(words=words.round(1))


@table
def pain_diary() -> pd.DataFrame:
    """Pain from none to severe over six weeks, simulated."""
    rng = np.random.default_rng(465)
    frame = _crossed(patient=[f"q{one}" for one in range(45)], week=list(range(6)))
    felt = np.repeat(rng.normal(0.8, 1.3, 45), 6) - 0.35 * frame["week"].to_numpy() + rng.logistic(size=270)
    return frame.assign(pain=np.array(["none", "mild", "moderate", "severe"])[np.searchsorted([-1.2, 0.4, 1.9], felt)])


@table
def investment() -> pd.DataFrame:
    """Investment of 11 firms over twenty years; Grunfeld 1958, in statsmodels."""
    return _statsmodels("grunfeld")


# ----------------------------------------------------------------------------- curves and doses


@table
def fuel() -> pd.DataFrame:
    """Miles by gallon and horsepower of cars of 1970 to 1982; vega_datasets."""
    return _vega("cars")[["Miles_per_Gallon", "Horsepower", "Weight_in_lbs"]].dropna()


@table
def temperatures() -> pd.DataFrame:
    """Highest temperature of a day in Seattle in 2014 against the day of the year; vega_datasets."""
    frame = _vega("seattle_weather")
    frame = frame[frame["date"].dt.year == 2014]
    return pd.DataFrame({"day": frame["date"].dt.day_of_year, "temp_max": frame["temp_max"]})


@table
def lake_core() -> pd.DataFrame:
    """An isotope ratio down a lake core, simulated: 26 samples with gaps between them, along a wandering curve."""
    rng = np.random.default_rng(471)
    depth = np.sort(np.r_[rng.uniform(0, 2, 12), rng.uniform(4, 5.5, 9), rng.uniform(8, 9, 5)]).round(2)
    return pd.DataFrame({"depth": depth, "ratio": (-7 + 1.5 * np.sin(depth) + rng.normal(0, 0.2, 26)).round(2)})


@table
def enzyme() -> pd.DataFrame:
    """Rate of a reaction by concentration, enzyme treated with puromycin; Treloar 1974, in Bates and Watts 1988."""
    rate = _numbers("76 47 97 107 123 139 159 152 191 201 207 200")
    return pd.DataFrame({"concentration": np.repeat([0.02, 0.06, 0.11, 0.22, 0.56, 1.10], 2), "rate": rate})


@table
def trial_doses() -> pd.DataFrame:
    """Fall of blood pressure at five doses and placebo, simulated: it levels off."""
    rng = np.random.default_rng(472)
    dose = np.repeat([0.0, 5, 10, 25, 50, 100], 18)
    fall = 1.5 + 13 * dose / (14 + dose) + rng.normal(0, 4, len(dose))
    return pd.DataFrame({"dose": dose, "fall": fall.round(1)})


@table
def leftover_columns() -> pd.DataFrame:
    """A yield and 24 settings of 32 batches, simulated: two settings matter."""
    rng = np.random.default_rng(473)
    settings = rng.normal(50, 9, (32, 24))
    output = 200 + 1.1 * settings[:, 2] - 0.8 * settings[:, 11] + rng.normal(0, 6, 32)
    frame = pd.DataFrame(settings.round(1), columns=[f"s{number}" for number in range(1, 25)])
    return frame.assign(output=output.round(1))


@table
def assays() -> pd.DataFrame:
    """Bone density by a biomarker measured with a known error that differs between rows, simulated."""
    rng = np.random.default_rng(474)
    true = rng.normal(30, 6, 140)
    error = rng.choice([2.0, 4.0, 5.5], 140)
    marker = true + rng.normal(0, error)
    density = 1.4 - 0.012 * (true - 30) + rng.normal(0, 0.06, 140)
    return pd.DataFrame({"density": density.round(3), "marker": marker.round(2), "marker_se": error})


@table
def galaxies() -> pd.DataFrame:
    """Speed of stars against an estimated mass, with the standard error of the estimate, simulated."""
    rng = np.random.default_rng(475)
    mass = rng.normal(0, 0.5, 60)
    error = rng.uniform(0.15, 0.5, 60).round(2)
    speed = 2.1 + 0.24 * mass + rng.normal(0, 0.05, 60)
    return pd.DataFrame(
        {"log_speed": speed.round(3), "log_mass": (8 + mass + rng.normal(0, error)).round(2), "se": error}
    )


@table
def fitness() -> pd.DataFrame:
    """Exercises and body of twenty men; Tenenhaus 1998, in scikit-learn as ``linnerud``."""
    return _sklearn("linnerud")


# ----------------------------------------------------------------------------- waiting times


@table
def transplants() -> pd.DataFrame:
    """Survival of 69 patients after heart transplant; Miller 1976, in statsmodels as ``heart``."""
    frame = _statsmodels("heart")
    return pd.DataFrame(
        {"days": frame["survival"].astype(int), "died": frame["censors"].astype(int), "age": frame["age"]}
    )


@table
def strikes() -> pd.DataFrame:
    """Length of 62 strikes, 1968 to 1976; Kennan 1985, in statsmodels."""
    return _statsmodels("strikes").astype({"duration": int})


@table
def remissions() -> pd.DataFrame:
    """Weeks in remission of leukaemia with 6-mercaptopurine and placebo; Freireich and others 1963, Blood 21."""
    drug = _texts("6 6 6 6+ 7 9+ 10 10+ 11+ 13 16 17+ 19+ 20+ 22 23 25+ 32+ 32+ 34+ 35+")
    placebo = _texts("1 1 2 2 3 4 4 5 5 8 8 8 8 11 11 12 12 15 17 22 23")
    return pd.DataFrame(
        {
            "weeks": [int(one.rstrip("+")) for one in drug + placebo],
            "relapse": [int(not one.endswith("+")) for one in drug + placebo],
            "arm": ["drug"] * 21 + ["placebo"] * 21,
        }
    )


@table
def air_conditioning() -> pd.DataFrame:
    """Hours between failures of the air conditioning of an aeroplane; Proschan 1963, Technometrics 5."""
    hours = _numbers("23 261 87 7 120 14 62 47 225 71 246 21 42 20 5 12 120 11 3 14 71 11 14 11 16 90 1 16 52 95")
    return pd.DataFrame({"hours": np.array(hours, int)})


@table
def few_failures() -> pd.DataFrame:
    """Pumps watched for two years, simulated: only seven of sixty failed."""
    rng = np.random.default_rng(481)
    life = rng.exponential(160, 60)
    return pd.DataFrame({"months": np.minimum(life, 24).round(1).clip(0.1), "failed": (life < 24).astype(int)})


@table
def hospital_stays() -> pd.DataFrame:
    """Days until discharge, simulated: few leave at once, most soon after, some very late; transfers end the record."""
    rng = np.random.default_rng(482)
    age = rng.integers(18, 90, 300)
    stay = np.exp(rng.normal(1.0 + 0.012 * age, 0.75))
    watch = rng.uniform(2, 60, 300)
    home = (stay <= watch).astype(int)
    return pd.DataFrame({"days": np.minimum(stay, watch).round(2), "home": home, "age": age})


@table
def catheters() -> pd.DataFrame:
    """Times to infection at two insertions in 38 patients; McGilchrist and Aisbett 1991, Biometrics 47."""
    # Time of the first and the second; a plus says that the catheter was taken out for another reason.
    pairs = (
        "8 16 m,23 13+ f,22 28 m,447 318 f,30 12 m,24 245 f,7 9 m,511 30 f,53 196 f,15 154 m,7 333 f,141 8+ f,96 38 f,"
        "149+ 70+ f,536 25+ f,17 4+ m,185 177 f,292 114 f,22+ 159+ f,15 108+ f,152 562 m,402 24+ f,13 66 f,39 46+ f,"
        "12 40 m,113+ 201 f,132 156 f,34 30 f,2 25 m,130 26 f,27 58 f,5+ 43 f,152 30 f,190 5+ f,119 8 f,54+ 16+ f,"
        "6+ 78 f,63 8+ m"
    )
    rows = [
        {"patient": f"p{number}", "days": int(one.rstrip("+")), "infection": int(not one.endswith("+")), "sex": sex}
        for number, pair in enumerate(pairs.split(","), start=1)
        for *times, sex in [pair.split()]
        for one in times
    ]
    return pd.DataFrame(rows)


# ----------------------------------------------------------------------------- series


@table
def carbon_dioxide() -> pd.DataFrame:
    """Carbon dioxide on Mauna Loa by month, 1980 to 1991; Keeling and Whorf, in statsmodels."""
    weekly = _statsmodels("co2")["co2"]
    monthly = weekly.resample("MS").mean().interpolate().loc["1980":"1991"]
    return monthly.round(2).rename_axis("month").reset_index()


@table
def monthly_warmth() -> pd.DataFrame:
    """Mean highest temperature of a month in Seattle, 2012 to 2015; vega_datasets."""
    frame = _vega("seattle_weather").set_index("date")["temp_max"].resample("MS").mean().round(2)
    return frame.rename_axis("month").reset_index()


@table
def new_shop() -> pd.DataFrame:
    """Sales of a shop in its first fourteen months, simulated: its level drifts."""
    rng = np.random.default_rng(491)
    months = pd.date_range("2023-03-01", periods=14, freq="MS")
    level = 80 + rng.normal(0, 5, 14).cumsum()
    return pd.DataFrame({"month": months, "sales": (level + rng.normal(0, 3, 14)).round(1)})


@table
def lake_huron() -> pd.DataFrame:
    """Level of Lake Huron in feet, 1875 to 1972; Brockwell and Davis 1991, Time Series: Theory and Methods."""
    hundredths = _numbers(
        "38 186 97 80 -21 39 42 82 140 132 144 168 117 53 1 -9 -86 -84 -45 -33 -156 -176 -90 -91 -65 -118 -68 -99 -100"
        " -20 -17 -28 -11 1 -63 -131 -181 -133 -45 -108 -191 -63 13 14 -49 -76 -134 -114 -195 -221 -325 -325 -218 -136"
        " 58 -52 -262 -310 -306 -376 -316 -315 -310 -221 -182 -249 -277 -158 -39 -95 -74 -78 -62 -90 -205 -188 -25 85"
        " 41 -4 -39 -124 -182 -279 -287 -90 -175 -209 -311 -404 -320 -232 -162 -148 -26 -69 -11 -4"
    )
    level = [round(580 + one / 100, 2) for one in hundredths]
    return pd.DataFrame({"year": np.arange(1875, 1973), "level": level})


@table
def unemployment() -> pd.DataFrame:
    """Unemployment in the United States by quarter, seasonally adjusted, 1985 to 2009; statsmodels' ``macrodata``."""
    frame = _statsmodels("macrodata")
    frame = frame[frame["year"] >= 1985]
    quarter = pd.PeriodIndex.from_fields(year=frame["year"].astype(int), quarter=frame["quarter"].astype(int))
    return pd.DataFrame({"quarter": quarter.to_timestamp(), "unemployment": frame["unemp"].to_numpy()})


@table
def coal_mining() -> pd.DataFrame:
    """Disasters in British coal mines by year, 1851 to 1962; Jarrett 1979, Biometrika 66."""
    counts = _numbers(
        "4 5 4 1 0 4 3 4 0 6 3 3 4 0 2 6 3 3 5 4 5 3 1 4 4 1 5 5 3 4 2 5 2 2 3 4 2 1 3 2 2 1 1 1 1 3 0 0 1 0 1 1 0 0 3"
        " 1 0 3 2 2 0 1 1 1 0 1 0 1 0 0 0 2 1 0 0 0 1 1 0 2 3 3 1 1 2 1 1 1 1 2 3 3 0 0 0 1 4 0 0 0 1 0 0 0 0 0 1"
        " 0 0 1 0 1"
    )
    return pd.DataFrame({"year": np.arange(1851, 1963), "disasters": np.array(counts, int)})


@table
def call_centre() -> pd.DataFrame:
    """Complaints by week, simulated: twice as many from the 38th week on."""
    rng = np.random.default_rng(492)
    week = np.arange(1, 71)
    return pd.DataFrame({"week": week, "complaints": rng.poisson(np.where(week < 38, 6, 12))})


@table
def crimea() -> pd.DataFrame:
    """Deaths of disease in the British army by month; Nightingale 1858, in vega_datasets."""
    return _vega("crimea")[["date", "disease", "wounds"]]


@table
def bus_lane() -> pd.DataFrame:
    """Minutes of a bus ride by week, simulated; a bus lane opened in the 61st week."""
    rng = np.random.default_rng(493)
    week = np.arange(1, 105)
    minutes = 41 + 0.05 * week - np.where(week >= 61, 5 + 0.04 * (week - 61), 0) + rng.normal(0, 1.4, 104)
    return pd.DataFrame({"week": week, "minutes": minutes.round(1)})


# ----------------------------------------------------------------------------- did it work, studies, maps, tests


@table
def fast_food() -> pd.DataFrame:
    """Staff of restaurants in two states before and after one raised its minimum wage, simulated; some closed."""
    rng = np.random.default_rng(495)
    frame = _crossed(restaurant=[f"r{one:03d}" for one in range(120)], after=["no", "yes"])
    raised = np.repeat(rng.random(120) < 0.6, 2)
    late = frame["after"].to_numpy() == "yes"
    staff = np.repeat(rng.normal(21, 5, 120), 2) - 1.2 * late + 2.4 * (late & raised) + rng.normal(0, 2.5, 240)
    frame = frame.assign(raised=np.where(raised, "yes", "no"), staff=staff.round(1))
    return frame.sample(frac=0.95, random_state=6)


@table
def training() -> pd.DataFrame:
    """Weekly earnings of people who took a course and of others, surveyed twice with other people each, simulated."""
    rng = np.random.default_rng(496)
    took, after = rng.integers(0, 2, 260), rng.integers(0, 2, 260)
    pay = 420 + 30 * after - 40 * took + 35 * took * after + rng.normal(0, 60, 260)
    return pd.DataFrame({"pay": pay.round(0), "course": took, "after": after})


@table
def cigarette_tax() -> pd.DataFrame:
    """Packs sold by head in 15 states over 26 years, simulated; one state raised its tax in 1989."""
    rng = np.random.default_rng(497)
    years = np.arange(1975, 2001)
    common = np.c_[rng.normal(0, 1.5, 26).cumsum(), -1.6 * np.arange(26)]
    rows = [
        {"state": f"state {chr(65 + number)}", "year": year, "packs": round(float(packs), 1)}
        for number in range(15)
        for loading in [rng.uniform(0.6, 1.4, 2)]
        for year, packs in zip(
            years,
            118 + rng.normal(0, 8) + common @ loading + rng.normal(0, 1.2, 26) - 14 * ((number == 3) & (years >= 1989)),
            strict=True,
        )
    ]
    return pd.DataFrame(rows)


@table
def share_prices() -> pd.DataFrame:
    """Prices of four shares by month, 2000 to 2010; vega_datasets."""
    frame = _vega("stocks")
    return frame[frame["symbol"] != "GOOG"]


@table
def eight_schools() -> pd.DataFrame:
    """Effects of coaching in eight schools; Rubin 1981, Journal of Educational Statistics 6."""
    effects, errors = _numbers("28 8 -3 7 -1 1 18 12"), _numbers("15 10 16 11 9 11 10 18")
    return pd.DataFrame({"school": list("ABCDEFGH"), "effect": effects, "se": errors})


@table
def tuberculosis() -> pd.DataFrame:
    """Log risk ratios of thirteen trials of the BCG vaccine; Colditz and others 1994, JAMA 271."""
    trials = (
        "4/123 11/139,6/306 29/303,3/231 11/220,62/13598 248/12867,33/5069 47/5808,180/1541 372/1451,8/2545 10/629,"
        "505/88391 499/88391,29/7499 45/7277,17/1716 65/1665,186/50634 141/27338,5/2498 3/2341,27/16913 29/17854"
    )
    rows = []
    for trial in trials.split(","):
        (ill, given), (others, control) = ([int(part) for part in arm.split("/")] for arm in trial.split())
        ratio, variance = (ill / given) / (others / control), 1 / ill - 1 / given + 1 / others - 1 / control
        rows.append({"log_ratio": round(float(np.log(ratio)), 4), "error": round(float(np.sqrt(variance)), 4)})
    return pd.DataFrame(rows)


@table
def half_life() -> pd.DataFrame:
    """One physical constant from nine laboratories with their standard errors, simulated: they agree."""
    rng = np.random.default_rng(498)
    error = rng.choice([0.4, 0.6, 0.9, 1.5], 9)
    return pd.DataFrame({"half_life": (5730 / 100 + rng.normal(0, error)).round(2), "se": error})


@table
def soil_zinc() -> pd.DataFrame:
    """Zinc in soil along a river bend, simulated, on a log scale."""
    rng = np.random.default_rng(499)
    longitude, latitude = rng.uniform(5.70, 5.80, 140), rng.uniform(50.95, 51.02, 140)
    zinc = 5.5 + 0.8 * np.sin(60 * (longitude - 5.7)) * np.cos(50 * (latitude - 50.95)) + rng.normal(0, 0.25, 140)
    return pd.DataFrame({"longitude": longitude.round(5), "latitude": latitude.round(5), "log_zinc": zinc.round(3)})


@table
def riots() -> pd.DataFrame:
    """Age and place of those who died in the riots of Los Angeles in 1992; vega_datasets."""
    return _vega("la_riots")[["age", "longitude", "latitude", "type"]].dropna()


@table
def law_test() -> pd.DataFrame:
    """Answers of 1000 people to five questions of the LSAT; Bock and Lieberman 1970, Psychometrika 35: every fifth."""
    counts = np.array(
        _numbers("3 6 2 11 1 1 3 4 1 8 0 16 0 3 2 15 10 29 14 81 3 28 15 80 16 56 21 173 11 61 28 298"), int
    )
    patterns = np.array(list(itertools.product([0, 1], repeat=5))).repeat(counts, axis=0)[::5]
    frame = pd.DataFrame(patterns, columns=[f"question {number}" for number in range(1, 6)])
    return frame.rename_axis("person").reset_index().melt("person", var_name="item", value_name="right")


@table
def driving_test() -> pd.DataFrame:
    """Right and wrong answers of 90 learners to 20 questions, simulated; each saw some twelve of them."""
    rng = np.random.default_rng(500)
    frame = _crossed(learner=[f"l{one:03d}" for one in range(90)], item=[f"i{one:02d}" for one in range(20)])
    chance = _logistic(np.repeat(rng.normal(0.6, 1, 90), 20) - np.tile(rng.normal(0, 1.1, 20), 90))
    answers = np.where(rng.binomial(1, chance) == 1, "right", "wrong")
    return frame.assign(answer=answers).sample(frac=0.6, random_state=7)
