"""What files of users say of a person: age and sex, each in its own way."""

import math
import re
from collections.abc import Sequence
from datetime import datetime

from ecg_lightning.datasets.wfdb_files import AGE_AND_SEX
from ecg_lightning.structures import PERSON

OVER_89 = 300.0  # written for an age that a corpus hides, as in PTB-XL
AGE_OVER_89 = 90.0
DAYS_A_YEAR = 365.25
_AGE = re.compile(r"<?\bage>?\s*[:=]\s*(\d+(?:\.\d+)?)", re.IGNORECASE)
_SEX = re.compile(r"<?\b(?:sex|gender)>?\s*[:=]\s*([a-z]+)", re.IGNORECASE)
_FEMALE = {"f": 1.0, "female": 1.0, "m": 0.0, "male": 0.0}


def person_of_comments(comments: Sequence[str]) -> tuple[dict[str, float], tuple[str, ...]]:
    """Age and sex from the comments of a WFDB header: "age: 63", "<sex>: F", or "63 F" first as in MIT-BIH.

    Returns:
        What is known, as `Record.person`, and a sentence about what makes no sense.
    """
    age, sex = None, None
    for comment in comments:
        age = age or _AGE.search(comment)
        sex = sex or _SEX.search(comment)
    years = age[1] if age else ""
    word = sex[1] if sex else ""
    first = AGE_AND_SEX.match(comments[0]) if comments else None
    if first and not age and not sex:
        years, word = first[1], first[2]
    return person(float(years or "nan"), word)


def person(age_years: float, sex: str) -> tuple[dict[str, float], tuple[str, ...]]:
    """Numbers about a person, without those that nobody knows."""
    found = {}
    if sex.lower() in _FEMALE:
        found["sex_female"] = _FEMALE[sex.lower()]
    age_years = AGE_OVER_89 if age_years == OVER_89 else age_years
    least, most = PERSON["age_years"]
    if least <= age_years <= most:
        found["age_years"] = age_years
    elif age_years > most:
        return found, (f"an age of {age_years:g} years is not believed",)
    return found, ()


def person_of_edf(patient: str, begin: datetime | None) -> dict[str, float]:
    """Age and sex from EDF+'s field about the patient: "code F 02-MAY-1951 name"; a plain EDF has no such words."""
    words = patient.split()
    if len(words) < 3 or words[1] not in ("F", "M", "X"):
        return {}
    try:
        born = datetime.strptime(words[2].title(), "%d-%b-%Y")
    except ValueError:
        born = None
    age = (begin - born).days / DAYS_A_YEAR if born and begin else math.nan
    return person(age, words[1])[0]
