"""Hearts that never beat: the waves of one invented person, and how each lead sees them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from numpy.random import Generator

# Where each lead looks from: (left, down, front). Rounded from the inverse Dower matrix of
# Edenbrandt and Pahlm, J Electrocardiol 21:361-367 (1988); MLII as lead II.
LEAD_VECTORS = {
    "MLII": (0.62, 0.78, 0.05),
    "V1": (-0.50, 0.08, 0.86),
    "V2": (0.05, 0.10, 1.00),
    "V4": (0.75, 0.25, 0.60),
    "V5": (0.95, 0.22, 0.20),
}


@dataclass(frozen=True, eq=False)
class Waves:
    """Bumps of one beat: centre after the R peak, width (one standard deviation), and dipole (left, down, front)."""

    centre_s: Float[np.ndarray, " wave"]
    width_s: Float[np.ndarray, " wave"]
    dipole_mv: Float[np.ndarray, "wave 3"]

    def scaled(self, factor: float) -> "Waves":
        """Return the same waves, `factor` times as high."""
        return Waves(self.centre_s, self.width_s, self.dipole_mv * factor)

    def __add__(self, other: "Waves") -> "Waves":
        return Waves(
            np.concatenate([self.centre_s, other.centre_s]),
            np.concatenate([self.width_s, other.width_s]),
            np.concatenate([self.dipole_mv, other.dipole_mv]),
        )


@dataclass(frozen=True, eq=False)
class Heart:
    """What stays the same in one person from beat to beat.

    Args:
        rr_s: mean sinus interval.
        breathing_hz: rate of breathing.
        breathing_share: how far breathing moves the sinus interval, as a share of it.
        drift_share: the same for slower, irregular changes.
        p: the sinus P wave.
        ectopic_p: the P wave of premature atrial beats.
        qrs: ventricles by conduction, T wave apart.
        t: T wave by conduction, at the mean sinus interval.
        ventricular: forms of ventricular beats, T wave included.
        paced: form of paced beats, spike and T wave included.
        noise_mv: standard deviation of muscle noise; the other disturbances scale with it.
    """

    rr_s: float
    breathing_hz: float
    breathing_share: float
    drift_share: float
    p: Waves
    ectopic_p: Waves
    qrs: dict[str, Waves]
    t: dict[str, Waves]
    ventricular: tuple[Waves, ...]
    paced: Waves
    noise_mv: float


def waves(*rows: tuple[float, float, Sequence[float] | np.ndarray]) -> Waves:
    """Build waves from rows of (centre_s, width_s, dipole_mv)."""
    return Waves(
        np.array([row[0] for row in rows], dtype=float),
        np.array([row[1] for row in rows], dtype=float),
        np.array([row[2] for row in rows], dtype=float).reshape(-1, 3),
    )


def turned(rng: Generator, direction: tuple[float, float, float], spread: float) -> Float[np.ndarray, "3"]:
    """Turn a direction a little at random, keeping its length."""
    length = np.linalg.norm(direction)
    turned = np.array(direction) + rng.normal(0, spread, 3) * length
    return turned * length / np.linalg.norm(turned)


def _ventricles(rng: Generator, left_axis: bool) -> dict[str, Waves]:
    """QRS of one person: septum, main vector and terminal vector; a blocked branch is reached late and slowly."""
    height, width = rng.uniform(0.8, 1.5), rng.uniform(0.011, 0.017)
    septum = turned(rng, (-0.16, -0.08, 0.24), 0.3) * height
    main = turned(rng, (0.65, -0.80, -0.35) if left_axis else (0.80, 0.75, -0.35), 0.22) * height
    terminal = turned(rng, (-0.22, -0.28, -0.45), 0.4) * height
    late = rng.uniform(0.045, 0.065)
    right = turned(rng, (-0.38, -0.22, 0.62), 0.2) * height
    left = turned(rng, (0.62, 0.35, -0.70), 0.2) * height
    first = (-1.9 * width, 0.8 * width, septum)
    return {
        "normal": waves(first, (0.0, width, main), (2.1 * width, width, terminal)),
        "right_block": waves(first, (0.0, width, main), (late + 0.01, 0.021, right)),
        "left_block": waves((-0.012, 0.024, left), (late - 0.01, 0.024, 0.8 * left)),
    }


def t_wave(centre_s: float, width_s: float, dipole_mv: Float[np.ndarray, "3"]) -> Waves:
    """Build a T wave that rises more slowly than it falls."""
    rise, fall = 0.45 * dipole_mv, 0.75 * dipole_mv
    return waves((centre_s - 0.7 * width_s, 1.2 * width_s, rise), (centre_s, 0.8 * width_s, fall))


def _repolarisation(rng: Generator, qrs: dict[str, Waves]) -> dict[str, Waves]:
    """T waves: upright or flat in normal conduction, against the late QRS in bundle branch block."""
    centre, width = rng.uniform(0.24, 0.31), rng.uniform(0.035, 0.055)
    own = turned(rng, (0.22, 0.20, 0.10), 0.35) * rng.choice([1.0, 1.4, 0.45, -0.6], p=[0.45, 0.25, 0.15, 0.15])
    against = {name: own * 0.3 - 0.45 * shape.dipole_mv[-1] for name, shape in qrs.items()}
    return {name: t_wave(centre, width, own if name == "normal" else against[name]) for name in qrs}


def ventricular_form(rng: Generator) -> Waves:
    """A beat from one ventricular focus: wide, slow, with the T wave against it."""
    polarity = rng.choice([1.0, -1.0], p=[0.55, 0.45])
    main = turned(rng, (0.55, 0.80, -0.45), 0.22) * polarity * rng.uniform(1.1, 2.0)
    side = turned(rng, tuple(main), 0.5) * rng.uniform(0.1, 0.8)
    width = rng.uniform(0.025, 0.038)
    t_centre = rng.uniform(0.27, 0.34)
    return waves(
        (0.0, width, main),
        (rng.choice([-1.0, 1.0]) * 2.0 * width, 1.1 * width, side),
        (t_centre, 0.055, -0.38 * main - 0.15 * side),
        (t_centre - 0.09, 0.06, -0.2 * main),
    )


def _paced_form(rng: Generator) -> Waves:
    """A spike, then a wide QRS from the tip of the right ventricle."""
    main = turned(rng, (-0.1, -1.2, -0.5), 0.15) * rng.uniform(0.9, 1.5)
    spike = turned(rng, (-0.6, -1.0, 0.8), 0.1) * rng.uniform(0.9, 1.4)
    return waves((-0.075, 0.0024, spike), (0.0, 0.030, main), (0.05, 0.030, 0.5 * main), (0.30, 0.06, -0.4 * main))


def new_heart(rng: Generator, beats_per_minute: float, noise: float, left_axis: bool) -> Heart:
    """Draw one person: nobody else has these waves, this axis, this rhythm and these electrodes.

    Args:
        rng: source of chance.
        beats_per_minute: of the sinus node.
        noise: how many times noisier than others.
        left_axis: whether the QRS points up and left, that is down in MLII.
    """
    p_centre, p_width = -rng.uniform(0.13, 0.20), rng.uniform(0.014, 0.022)
    p = turned(rng, (0.07, 0.10, 0.02), 0.25) * rng.uniform(0.6, 1.5)
    upwards = turned(rng, (-0.03, -0.09, 0.07), 0.4) * rng.uniform(0.6, 1.4)
    ectopic = 0.9 * p + 0.3 * upwards  # from a focus near the sinus node: much the same, a little flatter
    qrs = _ventricles(rng, left_axis)
    return Heart(
        rr_s=60 / beats_per_minute,
        breathing_hz=rng.uniform(0.18, 0.30),
        breathing_share=rng.uniform(0.01, 0.06),
        drift_share=rng.uniform(0.015, 0.045),
        p=waves((p_centre, p_width, p), (p_centre + 0.022, p_width, 0.6 * p)),
        ectopic_p=waves((p_centre + rng.uniform(0.0, 0.03), 1.1 * p_width, ectopic)),
        qrs=qrs,
        t=_repolarisation(rng, qrs),
        ventricular=(ventricular_form(rng), ventricular_form(rng)),
        paced=_paced_form(rng),
        noise_mv=noise * rng.uniform(0.008, 0.030),
    )


def draw(
    beats: Sequence[Waves], peak_s: Float[np.ndarray, " beat"], leads: Sequence[str], n_samples: int, fs_hz: float
) -> Float[np.ndarray, "lead time"]:
    """Add all bumps of all beats, as each lead sees them, to a flat line."""
    return draw_views(beats, peak_s, np.array([LEAD_VECTORS[lead] for lead in leads]), n_samples, fs_hz)


def draw_views(
    beats: Sequence[Waves],
    peak_s: Float[np.ndarray, " beat"],
    views: Float[np.ndarray, "lead 3"],
    n_samples: int,
    fs_hz: float,
) -> Float[np.ndarray, "lead time"]:
    """Do the same for leads that look from anywhere; beats may lie before the beginning or after the end."""
    ecg_mv = np.zeros((len(views), n_samples))
    for beat, peak in zip(beats, peak_s, strict=True):
        reach_s = 4 * beat.width_s
        first = max(int((peak + (beat.centre_s - reach_s).min()) * fs_hz), 0)
        last = max(min(int((peak + (beat.centre_s + reach_s).max()) * fs_hz) + 2, n_samples), first)
        time_s = np.arange(first, last) / fs_hz - peak
        bumps = np.exp(-0.5 * ((time_s - beat.centre_s[:, None]) / beat.width_s[:, None]) ** 2)
        ecg_mv[:, first:last] += views @ beat.dipole_mv.T @ bumps
    return ecg_mv
