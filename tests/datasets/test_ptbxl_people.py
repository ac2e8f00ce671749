"""The cast of PTB-XL's twin: folds by patient, and statements that can stand together."""

from collections import Counter

from numpy.random import default_rng

from ecg_lightning import scp
from ecg_lightning.datasets.ptbxl_people import COMBINATIONS, DIAGNOSES, FORMS, MILD_CD, RHYTHMS, TRIFLES, people, visit
from ecg_lightning.datasets.synthetic_twelve import LESIONS

CAST = people(0, 800)
VISITS = [(person, visit(person, default_rng(place))) for place, person in enumerate(CAST)]


def test_combinations_give_the_class_counts_of_the_original() -> None:
    counts = Counter({name: 0 for name in scp.classes("super")})
    for combination, n_records in COMBINATIONS.items():
        counts.update({name: n_records for name in combination.split()})
    original = {"NORM": 9514, "MI": 5469, "STTC": 5235, "CD": 4898, "HYP": 2649}
    assert all(abs(counts[name] / n_records - 1) < 0.007 for name, n_records in original.items()), counts


def test_every_statement_is_one_of_the_original_and_of_its_class() -> None:
    for superclass, shares in DIAGNOSES.items():
        for codes in shares:
            assert {scp.STATEMENTS[code].superclass for code in codes.split()} == {superclass}
    assert all(scp.STATEMENTS[code].superclass == "CD" for code in MILD_CD)
    assert all(scp.STATEMENTS[form].form for forms in FORMS.values() for form in forms)
    assert all(scp.STATEMENTS[rhythm].rhythm for rhythm in RHYTHMS)


def test_every_diagnosis_but_the_normal_one_does_something_to_the_heart() -> None:
    codes = {code for shares in DIAGNOSES.values() for key in shares for code in key.split()} | MILD_CD.keys()
    assert codes | TRIFLES.keys() | {"LVOLT", "HVOLT"} == LESIONS.keys() | {"NORM"}


def test_people_have_as_many_records_as_are_wanted_and_numbers_of_their_own() -> None:
    assert 800 <= sum(person.n_ecgs for person in CAST) <= 803
    assert len({person.number for person in CAST}) == len(CAST)
    assert sum(person.n_ecgs > 1 for person in CAST) > 50


def test_folds_are_alike_in_every_combination() -> None:
    for combination in COMBINATIONS:
        counts = Counter(person.fold for person in CAST if person.combination == combination)
        assert max(counts.values()) - min(counts[fold] for fold in range(1, 11)) <= 1


def test_the_ill_are_older_and_infarcts_more_often_of_men() -> None:
    healthy = [person for person in CAST if person.combination == "NORM"]
    ill = [person for person in CAST if "NORM" not in person.combination]
    infarct = [person for person in ill if "MI" in person.combination.split()]
    assert sum(one.age_years for one in healthy) / len(healthy) + 8 < sum(one.age_years for one in ill) / len(ill)
    assert sum(one.female for one in infarct) / len(infarct) + 0.1 < sum(one.female for one in healthy) / len(healthy)


def test_a_visit_says_the_diagnoses_of_the_person_and_one_rhythm() -> None:
    for person, seen in VISITS:
        assert scp.labels(seen.codes, "super", 0) == set(person.combination.split())
        assert [code for code in seen.codes if code in RHYTHMS] == [seen.rhythm]
        assert all(seen.codes[code] == 0.0 for code in seen.codes.keys() - set(person.diagnoses))


def test_voltage_criteria_of_the_left_ventricle_need_its_hypertrophy() -> None:
    said = [seen.codes for _, seen in VISITS if "VCLVH" in seen.codes]
    assert len(said) > 5
    assert all("LVH" in codes for codes in said)


def test_likelihoods_are_those_of_the_original() -> None:
    percents = {percent for _, seen in VISITS for percent in seen.codes.values()}
    assert percents == {0.0, 15.0, 35.0, 50.0, 80.0, 100.0}
    assert {seen.codes["NORM"] for _, seen in VISITS if "NORM" in seen.codes} == {80.0, 100.0}


def test_rhythm_and_beats_agree_with_what_is_said() -> None:
    for person, seen in VISITS:
        assert (seen.heart.p.dipole_mv == 0).all() == (seen.rhythm in ("AFIB", "SVTAC"))
        assert ("V" in seen.letters) == ("PVC" in seen.codes or seen.rhythm in ("BIGU", "TRIGU"))
        assert ("A" in seen.letters) == ("PAC" in seen.codes or seen.rhythm == "SVARR")
        assert (set(seen.letters) == {"/"}) == (person.combination == "")
    bpm = {name: [60 / seen.heart.rr_s for _, seen in VISITS if seen.rhythm == name] for name in ("SBRAD", "STACH")}
    assert max(bpm["SBRAD"]) < 70 < 85 < min(bpm["STACH"])
