"""Invented days of people with diabetes: their glucose, what the heart makes of it, and what else moves the heart."""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float, Int
from numpy.random import Generator

from ecg_lightning.datasets.synthetic_chest import (
    BREATHING_HZ,
    FS_HZ,
    HIGHEST,
    ZERO,
    Body,
    disturbance_mv,
    draw_beats,
    lagging,
    new_body,
    spoil,
    wander,
)
from ecg_lightning.datasets.synthetic_hearts import Heart, new_heart, turned

LOW_MMOL_L = 3.9
VIEW = (0.85, 0.45, 0.10)  # of a chest belt (left, down, front), between leads II and V5
NU_PER_MV = 550


@dataclass(frozen=True)
class Signs:
    """What a fall of glucose to about 3.2 mmol/L does to one heart; zero is a sign that this heart does not show.

    Args:
        heart_rate_share: how much faster it beats.
        variability_share: how much more its intervals vary; -1 is not at all.
        qtc_s: how much longer QT is at 60 beats a minute.
        t_share: how much higher the T wave is.

    Source:
        Koivikko et al., Diabetes 54:744-750 (2005), rate from 72 to 80 and less variability; Robinson et al., Diabetes
        52:1469-1474 (2003), QTc; Laitinen et al., Ann Noninvasive Electrocardiol 13:97-105 (2008), T wave; Porumb et
        al., Sci Rep 10:170 (2020), signs that differ from person to person.
    """

    heart_rate_share: float
    variability_share: float
    qtc_s: float
    t_share: float


@dataclass(frozen=True, eq=False)
class Person:
    """What stays the same from day to day, or for one day.

    Args:
        heart: its waves, rate and noise.
        view: where the electrodes look from (left, down, front), lengthened by the gain of the day.
        signs: what low glucose does.
        rate_times: heart rate as a multiple of the heart's own.
        t_times: the same for the height of the T wave.
        qtc_s: how much longer than the heart's own QT is.
    """

    heart: Heart
    view: Float[np.ndarray, "3"]
    signs: Signs
    rate_times: float = 1.0
    t_times: float = 1.0
    qtc_s: float = 0.0


@dataclass(frozen=True, eq=False)
class Performance:
    """What a chest belt records: integers of 12 bits, and what it makes of them every second."""

    ecg: Int[np.ndarray, " sample"]
    breathing: Int[np.ndarray, " breathing_sample"]
    heart_rate_bpm: Float[np.ndarray, " second"]
    body: Body


def new_person(rng: Generator, answers: Signs) -> Person:
    """Draw a person.

    Args:
        rng: source of chance.
        answers: how many times as strongly as usual each sign is there: 0 is not at all, below 0 reversed.
    """
    heart = new_heart(rng, beats_per_minute=float(rng.uniform(67, 74)), noise=0.8, left_axis=False)
    t, main_mv = heart.t["normal"], (heart.qrs["normal"].dipole_mv @ np.array(VIEW)).max()
    upright = t.scaled(float(0.3 * main_mv * rng.lognormal(0, 0.2) / (t.dipole_mv @ np.array(VIEW)).sum()))
    size = rng.lognormal(0, 0.2, 4)
    signs = Signs(
        heart_rate_share=0.115 * answers.heart_rate_share * size[0],
        variability_share=max(-0.70 * answers.variability_share * size[1], -0.95),
        qtc_s=0.040 * answers.qtc_s * size[2],
        t_share=max(-0.58 * answers.t_share * size[3], -0.8),
    )
    return Person(replace(heart, t={**heart.t, "normal": upright}), turned(rng, VIEW, 0.2), signs)


def of_day(person: Person, rng: Generator) -> Person:
    """Return the same person with electrodes placed anew, after another night."""
    return replace(
        person,
        view=turned(rng, tuple(person.view.tolist()), 0.16) * rng.lognormal(0, 0.15),
        rate_times=float(rng.lognormal(0, 0.03)),
        t_times=float(rng.lognormal(0, 0.18)),
        qtc_s=float(rng.normal(0, 0.012)),
    )


def glucose_curve(
    rng: Generator,
    n_minutes: int,
    dip_minute: Float[np.ndarray, " dip"],
    lowest: Float[np.ndarray, " dip"],
    wide: float,
) -> Float[np.ndarray, " minute"]:
    """Draw glucose in mmol/L: days above 4.8, and a dip wherever one is asked for.

    Args:
        rng: source of chance.
        n_minutes: length.
        dip_minute: middle of every dip.
        lowest: what glucose falls to there.
        wide: minutes that a deep dip spends below LOW_MMOL_L, about.
    """
    curve = 4.8 + 2.2 * np.exp(0.5 * wander(rng, n_minutes, 90.0))
    minute = np.arange(n_minutes)
    for middle, floor in zip(dip_minute.tolist(), lowest.tolist(), strict=True):
        at_middle = float(np.interp(middle, minute, curve))
        share = np.clip((at_middle - LOW_MMOL_L) / (at_middle - floor), 0.5, 0.9)
        spread = wide / 2 / np.sqrt(-2 * np.log(share)) * rng.uniform(0.8, 1.2)
        curve += (floor - curve) * np.exp(-0.5 * ((minute - middle) / spread) ** 2)
    return curve


def lowness(glucose_mmol_l: Float[np.ndarray, " second"]) -> Float[np.ndarray, " second"]:
    """Say how far the body answers to low glucose: 0 above 5 mmol/L, 1 at 3.2, and more below.

    Source:
        Schwartz et al., J Clin Invest 79:777-781 (1987): adrenaline begins to rise at 3.8 mmol/L; here it begins
        a little above, since the sizes differ from person to person.
    """
    return 0.25 * np.logaddexp(0, (4.2 - glucose_mmol_l) / 0.25)


def perform(person: Person, glucose_mmol_l: Float[np.ndarray, " second"], asleep: bool, rng: Generator) -> Performance:
    """Record one person.

    Args:
        person: as on this day.
        glucose_mmol_l: in every second of the recording.
        asleep: lying, slow and calm.
        rng: source of chance.
    """
    n_seconds = len(glucose_mmol_l)
    body, answer = new_body(rng, n_seconds, asleep), lowness(glucose_mmol_l)
    signs = person.signs
    bpm = 60 / person.heart.rr_s * person.rate_times * (0.98 if asleep else 1.0) * np.ones(n_seconds)
    bpm *= np.exp(0.07 * wander(rng, n_seconds, 150) + signs.heart_rate_share * answer)
    bpm *= 1 + 0.03 * lagging(np.cos(np.deg2rad(body.posture_deg)), 10) + 0.8 * lagging(body.activity_g - 0.02, 30)
    lively = np.maximum(1 + signs.variability_share * answer, 0.05) * np.exp(0.2 * wander(rng, n_seconds, 120))
    breath, peak_s = _breaths_and_beats(person.heart, body, bpm, lively, rng)
    ecg_mv = _beats_mv(person, body, answer, bpm, peak_s, rng)
    ecg_mv += disturbance_mv(person.heart.noise_mv, body, breath, rng)
    ecg = spoil(np.rint(ZERO + NU_PER_MV * ecg_mv), rng)
    breathing = np.rint(2048 + 300 * breath * (1 + 0.1 * rng.standard_normal(len(breath))))
    return Performance(
        ecg.clip(0, HIGHEST).astype(np.int64), breathing.clip(0, HIGHEST).astype(np.int64), np.round(bpm, 1), body
    )


def _breaths_and_beats(
    heart: Heart,
    body: Body,
    bpm: Float[np.ndarray, " second"],
    lively: Float[np.ndarray, " second"],
    rng: Generator,
) -> tuple[Float[np.ndarray, " breathing_sample"], Float[np.ndarray, " beat"]]:
    """Breathe, and let a beat come whenever the summed rate reaches the next whole number.

    Source:
        Mateo and Laguna, IEEE Trans Biomed Eng 47:985-996 (2000), on integral pulse frequency modulation.
    """
    at_s = np.arange(len(bpm) * BREATHING_HZ) / BREATHING_HZ
    second = np.arange(len(bpm))
    breath = np.sin(2 * np.pi * np.cumsum(np.interp(at_s, second, body.breaths_per_minute)) / 60 / BREATHING_HZ)
    slow = wander(rng, len(at_s), 4.0 * BREATHING_HZ)
    sway = heart.breathing_share * breath + heart.drift_share * slow
    rate_hz = np.interp(at_s, second, bpm) / 60 * np.exp(np.interp(at_s, second, lively) * sway)
    n_beats = np.cumsum(rate_hz) / BREATHING_HZ + rng.random()
    return breath, np.interp(np.arange(1, int(n_beats[-1]) + 1), n_beats, at_s)


def _beats_mv(
    person: Person,
    body: Body,
    answer: Float[np.ndarray, " second"],
    bpm: Float[np.ndarray, " second"],
    peak_s: Float[np.ndarray, " beat"],
    rng: Generator,
) -> Float[np.ndarray, " sample"]:
    """Draw every beat as the electrodes see it: QT by Fridericia's rule and glucose, T height by glucose."""
    n_seconds = len(answer)
    qtc_s = person.qtc_s + person.signs.qtc_s * answer + 0.005 * wander(rng, n_seconds, 400)
    t_times = person.t_times * np.maximum(1 + person.signs.t_share * answer, 0.1)
    t_times *= np.exp(0.07 * wander(rng, n_seconds, 300))
    places = person.view + rng.normal(0, 0.07, (body.place[-1] + 1, 3))
    second = np.minimum(peak_s.astype(int), n_seconds - 1)
    interval_s = 60 / lagging(bpm, 60)
    later_s = 0.28 * ((interval_s / person.heart.rr_s) ** (1 / 3) - 1) + qtc_s * interval_s ** (1 / 3)
    view = places[body.place[second]] * (1 + 0.03 * rng.standard_normal((len(peak_s), 1)))
    own, t = person.heart.p + person.heart.qrs["normal"], person.heart.t["normal"]
    return draw_beats(
        peak_s,
        np.hstack([np.tile(own.centre_s, (len(peak_s), 1)), t.centre_s + later_s[second, None]]),
        np.concatenate([own.width_s, t.width_s]),
        np.hstack([view @ own.dipole_mv.T, view @ t.dipole_mv.T * t_times[second, None]]),
        n_seconds * FS_HZ,
    )
