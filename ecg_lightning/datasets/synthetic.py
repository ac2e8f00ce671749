"""Hearts that never beat: waves, rhythm and noise for the synthetic twins of public databases."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float
from numpy.random import Generator
from scipy.signal import butter, sosfilt

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


@dataclass(frozen=True)
class Timing:
    """When a beat comes, as a share of the sinus interval since the beat before, and what follows it.

    `pause` is "none", "reset", "compensatory" or "interpolated".
    """

    earliest: float
    latest: float
    pause: str = "none"


@dataclass(frozen=True)
class BeatKind:
    """One letter of a rhythm: the symbol a cardiologist would write, when it comes, and what it looks like.

    Args:
        symbol: annotation symbol of the PhysioNet databases.
        timing: prematurity and pause.
        atria: "sinus" P wave, "ectopic" P wave, or "silent".
        ventricles: a conduction, "own" (that of the heart), "aberrant", "ventricular", "fusion", "paced",
            "paced_fusion" or "unclassifiable".
    """

    symbol: str
    timing: Timing
    atria: str = "sinus"
    ventricles: str = "own"


ON_TIME = Timing(1.0, 1.0)
PREMATURE = Timing(0.54, 0.84, "reset")

# Letters are annotation symbols, with five more for beats that one symbol covers but a rhythm must tell apart.
KINDS = {
    "N": BeatKind("N", ON_TIME, ventricles="normal"),
    "L": BeatKind("L", ON_TIME, ventricles="left_block"),
    "R": BeatKind("R", ON_TIME, ventricles="right_block"),
    "n": BeatKind("own", Timing(0.62, 0.86, "reset")),  # sinus beat that comes early
    "p": BeatKind("own", Timing(0.95, 1.08), "ectopic"),  # wandering pacemaker: another P wave, on time
    "w": BeatKind("own", Timing(0.97, 1.03), ventricles="aberrant"),  # sinus beat that looks wide
    "e": BeatKind("e", Timing(1.25, 1.5), "ectopic"),
    "j": BeatKind("j", Timing(1.25, 1.5), "silent"),
    "A": BeatKind("A", PREMATURE, "ectopic"),
    "a": BeatKind("a", PREMATURE, "ectopic", "aberrant"),
    "J": BeatKind("J", PREMATURE, "silent"),
    "S": BeatKind("S", PREMATURE, "silent"),
    "V": BeatKind("V", Timing(0.50, 0.84, "compensatory"), "silent", "ventricular"),
    "v": BeatKind("V", Timing(0.84, 0.98, "compensatory"), "silent", "ventricular"),  # late in the cycle
    "i": BeatKind("V", Timing(0.44, 0.56, "interpolated"), "silent", "ventricular"),
    "E": BeatKind("E", Timing(1.3, 1.6), "silent", "ventricular"),
    "F": BeatKind("F", Timing(0.92, 1.02), "sinus", "fusion"),
    "/": BeatKind("/", ON_TIME, "silent", "paced"),
    "f": BeatKind("f", Timing(0.96, 1.02), "sinus", "paced_fusion"),
    "Q": BeatKind("Q", Timing(0.6, 1.1), "silent", "unclassifiable"),
}
OWN_SYMBOL = {"normal": "N", "left_block": "L", "right_block": "R"}


def waves(*rows: tuple[float, float, Sequence[float] | np.ndarray]) -> Waves:
    """Build waves from rows of (centre_s, width_s, dipole_mv)."""
    return Waves(
        np.array([row[0] for row in rows], dtype=float),
        np.array([row[1] for row in rows], dtype=float),
        np.array([row[2] for row in rows], dtype=float).reshape(-1, 3),
    )


def _turned(rng: Generator, direction: tuple[float, float, float], spread: float) -> Float[np.ndarray, "3"]:
    """Turn a direction a little at random, keeping its length."""
    length = np.linalg.norm(direction)
    turned = np.array(direction) + rng.normal(0, spread, 3) * length
    return turned * length / np.linalg.norm(turned)


def _ventricles(rng: Generator, left_axis: bool) -> dict[str, Waves]:
    """QRS of one person: septum, main vector and terminal vector; a blocked branch is reached late and slowly."""
    height, width = rng.uniform(0.8, 1.5), rng.uniform(0.011, 0.017)
    septum = _turned(rng, (-0.16, -0.08, 0.24), 0.3) * height
    main = _turned(rng, (0.65, -0.80, -0.35) if left_axis else (0.80, 0.75, -0.35), 0.22) * height
    terminal = _turned(rng, (-0.22, -0.28, -0.45), 0.4) * height
    late = rng.uniform(0.045, 0.065)
    right = _turned(rng, (-0.38, -0.22, 0.62), 0.2) * height
    left = _turned(rng, (0.62, 0.35, -0.70), 0.2) * height
    first = (-1.9 * width, 0.8 * width, septum)
    return {
        "normal": waves(first, (0.0, width, main), (2.1 * width, width, terminal)),
        "right_block": waves(first, (0.0, width, main), (late + 0.01, 0.021, right)),
        "left_block": waves((-0.012, 0.024, left), (late - 0.01, 0.024, 0.8 * left)),
    }


def _repolarisation(rng: Generator, qrs: dict[str, Waves]) -> dict[str, Waves]:
    """T waves: upright or flat in normal conduction, against the late QRS in bundle branch block."""
    centre, width = rng.uniform(0.24, 0.31), rng.uniform(0.035, 0.055)
    own = _turned(rng, (0.22, 0.20, 0.10), 0.35) * rng.choice([1.0, 1.4, 0.45, -0.6], p=[0.45, 0.25, 0.15, 0.15])

    def bumps(dipole: np.ndarray) -> Waves:
        return waves((centre - 0.7 * width, 1.2 * width, 0.45 * dipole), (centre, 0.8 * width, 0.75 * dipole))

    against = {name: own * 0.3 - 0.45 * shape.dipole_mv[-1] for name, shape in qrs.items()}
    return {name: bumps(own if name == "normal" else against[name]) for name in qrs}


def _ventricular_form(rng: Generator) -> Waves:
    """A beat from one ventricular focus: wide, slow, with the T wave against it."""
    polarity = rng.choice([1.0, -1.0], p=[0.55, 0.45])
    main = _turned(rng, (0.55, 0.80, -0.45), 0.22) * polarity * rng.uniform(1.1, 2.0)
    side = _turned(rng, tuple(main), 0.5) * rng.uniform(0.1, 0.8)
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
    main = _turned(rng, (-0.1, -1.2, -0.5), 0.15) * rng.uniform(0.9, 1.5)
    spike = _turned(rng, (-0.6, -1.0, 0.8), 0.1) * rng.uniform(0.9, 1.4)
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
    p = _turned(rng, (0.07, 0.10, 0.02), 0.25) * rng.uniform(0.6, 1.5)
    ectopic = _turned(rng, (-0.03, -0.09, 0.07), 0.4) * rng.uniform(0.6, 1.4)
    qrs = _ventricles(rng, left_axis)
    return Heart(
        rr_s=60 / beats_per_minute,
        breathing_hz=rng.uniform(0.18, 0.30),
        breathing_share=rng.uniform(0.01, 0.06),
        drift_share=rng.uniform(0.015, 0.045),
        p=waves((p_centre, p_width, p), (p_centre + 0.022, p_width, 0.6 * p)),
        ectopic_p=waves((p_centre + rng.uniform(0.0, 0.05), 0.85 * p_width, ectopic)),
        qrs=qrs,
        t=_repolarisation(rng, qrs),
        ventricular=(_ventricular_form(rng), _ventricular_form(rng)),
        paced=_paced_form(rng),
        noise_mv=noise * rng.uniform(0.008, 0.030),
    )


def symbol_of(letter: str, conduction: str) -> str:
    """Say which annotation symbol a letter of a rhythm gets in a heart of this conduction."""
    symbol = KINDS[letter].symbol
    return OWN_SYMBOL[conduction] if symbol == "own" else symbol


def beat_times_s(
    letters: str, heart: Heart, irregular: Bool[np.ndarray, " beat"], rng: Generator
) -> Float[np.ndarray, " beat"]:
    """Time every R peak of a rhythm.

    Args:
        letters: one of KINDS per beat.
        heart: gives the sinus interval and how it breathes.
        irregular: beats conducted from a fibrillating atrium, whose intervals have no order.
        rng: source of chance.

    Returns:
        Ascending times; the first beat comes within a second.
    """
    now = last_sinus = rng.uniform(0.5, 1.0)
    drift, before, times = 0.0, "none", [now]
    for letter, no_order in zip(letters[1:], irregular[1:], strict=True):
        drift = 0.93 * drift + rng.normal(0, heart.drift_share) * 0.37
        breath = heart.breathing_share * np.sin(2 * np.pi * heart.breathing_hz * now)
        sinus = heart.rr_s * (1 + drift + breath) * (rng.gamma(25, 1 / 25) if no_order else 1.0)
        timing = KINDS[letter].timing
        gap = sinus * rng.uniform(timing.earliest, timing.latest)
        if timing.pause == "none":
            gap = _after(before, gap, sinus, last_sinus - now, rng)
        now += max(gap, 0.28)
        if timing.pause in ("none", "reset"):
            last_sinus = now
        before = timing.pause
        times.append(now)
    return np.array(times)


def _after(before: str, gap: float, sinus: float, last_sinus_s: float, rng: Generator) -> float:
    """Interval to a beat of the basic rhythm, by what came before it; last_sinus_s counts from that beat."""
    if before == "compensatory":
        return max(last_sinus_s + 2 * sinus, 0.95 * sinus)
    if before == "interpolated":
        return max(last_sinus_s + 1.06 * sinus, 0.5 * sinus)
    if before == "reset":
        return gap * rng.uniform(1.0, 1.32)
    return gap


def beat_waves(letter: str, heart: Heart, conduction: str, t_shift_s: float, rng: Generator) -> Waves:
    """Draw one beat.

    Args:
        letter: one of KINDS.
        heart: whose beat.
        conduction: "normal", "left_block" or "right_block": the heart's own on this beat.
        t_shift_s: how much later than at the mean interval the T wave comes.
        rng: source of chance: no two beats are quite the same.
    """
    kind = KINDS[letter]
    own = kind.ventricles if kind.ventricles in heart.qrs else conduction
    sinus = _conducted(heart, own, t_shift_s)
    shape = heart.ventricular[0 if rng.random() < 0.85 else 1]
    share = rng.uniform(0.58, 0.76)
    ventricles = {
        "aberrant": lambda: _aberrant(heart, own, t_shift_s, rng),
        "ventricular": lambda: shape,
        "fusion": lambda: sinus.scaled(1 - share) + shape.scaled(share),
        "paced": lambda: heart.paced,
        "paced_fusion": lambda: sinus.scaled(1 - share) + heart.paced.scaled(share),
        "unclassifiable": lambda: _ventricular_form(rng).scaled(0.7) + sinus.scaled(rng.uniform(-0.6, 0.6)),
    }.get(kind.ventricles, lambda: sinus)()
    atria = {"sinus": heart.p, "ectopic": heart.ectopic_p}.get(kind.atria)
    beat = ventricles if atria is None else atria + ventricles
    jitter = 1 + rng.normal(0, 0.05, (len(beat.centre_s), 1))
    return Waves(beat.centre_s, beat.width_s * rng.normal(1, 0.02), beat.dipole_mv * jitter * rng.normal(1, 0.04))


def _conducted(heart: Heart, conduction: str, t_shift_s: float) -> Waves:
    t = heart.t[conduction]
    return heart.qrs[conduction] + Waves(t.centre_s + t_shift_s, t.width_s, t.dipole_mv)


def _aberrant(heart: Heart, conduction: str, t_shift_s: float, rng: Generator) -> Waves:
    """Part of the way, often all of it, to a branch block that the heart does not have."""
    other = "left_block" if conduction == "right_block" else "right_block"
    if conduction == "normal" and rng.random() < 0.5:
        other = "left_block"
    share = rng.uniform(0.6, 1.0)
    blocked = _conducted(heart, other, t_shift_s)
    return blocked.scaled(share) + _conducted(heart, conduction, t_shift_s).scaled(1 - share)


def draw(
    beats: Sequence[Waves], peak_s: Float[np.ndarray, " beat"], leads: Sequence[str], n_samples: int, fs_hz: float
) -> Float[np.ndarray, "lead time"]:
    """Add all bumps of all beats, as each lead sees them, to a flat line."""
    ecg_mv = np.zeros((len(leads), n_samples))
    views = np.array([LEAD_VECTORS[lead] for lead in leads])
    for beat, peak in zip(beats, peak_s, strict=True):
        reach_s = 4 * beat.width_s
        first = max(int((peak + (beat.centre_s - reach_s).min()) * fs_hz), 0)
        last = min(int((peak + (beat.centre_s + reach_s).max()) * fs_hz) + 2, n_samples)
        time_s = np.arange(first, last) / fs_hz - peak
        bumps = np.exp(-0.5 * ((time_s - beat.centre_s[:, None]) / beat.width_s[:, None]) ** 2)
        ecg_mv[:, first:last] += views @ beat.dipole_mv.T @ bumps
    return ecg_mv


def disturb(
    ecg_mv: Float[np.ndarray, "lead time"],
    heart: Heart,
    bursts: Sequence[tuple[float, float]],
    fs_hz: float,
    rng: Generator,
) -> Float[np.ndarray, "lead time"]:
    """Add what electrodes add: breathing and drift of the baseline, muscle, mains, and bursts of motion.

    Args:
        ecg_mv: the clean signal.
        heart: its level of noise and its breathing.
        bursts: (start_s, end_s) of every stretch in which electrodes move.
        fs_hz: sampling rate.
        rng: source of chance.
    """
    n_leads, n_samples = ecg_mv.shape
    time_s = np.arange(n_samples) / fs_hz
    level = heart.noise_mv
    muscle = level * rng.standard_normal((n_leads, n_samples))
    drift = _band(rng, (n_leads, n_samples), 0.03, 0.35, fs_hz) * level * 5
    motion = _band(rng, (n_leads, n_samples), 1.0, 12.0, fs_hz) * (0.12 + 3 * level)
    rough = np.zeros(n_samples)
    for start_s, end_s in bursts:
        inside = (time_s > start_s) & (time_s < end_s)
        rough[inside] = np.sin(np.pi * (time_s[inside] - start_s) / (end_s - start_s)) ** 0.5
    breath = np.sin(2 * np.pi * heart.breathing_hz * time_s)
    mains = 0.4 * level * np.sin(2 * np.pi * 60 * time_s + rng.uniform(0, 6))
    tremor = 0.6 * level * _band(rng, (n_leads, n_samples), 2.0, 25.0, fs_hz)
    swell = 1 + 0.06 * breath
    sway = 3 * level * rng.uniform(0.3, 1.0, (n_leads, 1)) * breath
    return ecg_mv * swell + muscle * (1 + 3 * rough) + drift + motion * rough + mains + tremor + sway


def _band(rng: Generator, shape: tuple[int, int], low_hz: float, high_hz: float, fs_hz: float) -> np.ndarray:
    """Noise of one standard deviation between two frequencies."""
    sos = butter(2, (low_hz, high_hz), btype="bandpass", fs=fs_hz, output="sos")
    noise = sosfilt(sos, rng.standard_normal(shape), axis=-1)
    return noise / noise.std(axis=-1, keepdims=True)


def fibrillation_mv(rng: Generator, n_samples: int, n_leads: int, fs_hz: float) -> Float[np.ndarray, "lead time"]:
    """Waves of a fibrillating atrium, 4 to 9 a second."""
    return 0.05 * _band(rng, (n_leads, n_samples), 4.0, 9.0, fs_hz)
