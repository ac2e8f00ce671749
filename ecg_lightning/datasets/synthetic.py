"""Rhythm, beats and noise for the synthetic twins of public databases."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from jaxtyping import Bool, Float
from numpy.random import Generator
from scipy.signal import butter, lfilter, sosfilt

from ecg_lightning.datasets.synthetic_hearts import Heart, Waves, ventricular_form


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
PREMATURE = Timing(0.58, 0.80, "reset")

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
        sinus = heart.rr_s * (1 + drift + breath) * (rng.gamma(36, 1 / 36) if no_order else 1.0)
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


def t_wave_shift_s(peak_s: Float[np.ndarray, " beat"], heart: Heart) -> Float[np.ndarray, " beat"]:
    """How much later than at the mean interval the T wave of every beat comes.

    It follows a fading mean of the intervals before it: one early beat alone hardly shortens QT.

    Source:
        Razak et al., Ann Noninvasive Electrocardiol 16:148-155 (2011), whose mean fades in a minute; here in
        seven beats, since a record lasts four minutes.
    """
    rr_s = np.diff(peak_s, prepend=peak_s[0] - heart.rr_s)
    slow_rr_s = lfilter([0.15], [1, -0.85], rr_s - heart.rr_s) + heart.rr_s
    return 0.28 * ((slow_rr_s / heart.rr_s).clip(0.5, 1.5) ** 0.35 - 1)


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
        "unclassifiable": lambda: ventricular_form(rng).scaled(0.7) + sinus.scaled(rng.uniform(-0.6, 0.6)),
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


def disturb(
    ecg_mv: Float[np.ndarray, "lead time"],
    heart: Heart,
    bursts: Sequence[tuple[float, float]],
    fs_hz: float,
    rng: Generator,
    mains_hz: float = 60.0,
) -> Float[np.ndarray, "lead time"]:
    """Add what electrodes add: breathing and drift of the baseline, muscle, mains, and bursts of motion.

    Args:
        ecg_mv: the clean signal.
        heart: its level of noise and its breathing.
        bursts: (start_s, end_s) of every stretch in which electrodes move.
        fs_hz: sampling rate.
        rng: source of chance.
        mains_hz: 60 in America, 50 in Europe.
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
    mains = 0.4 * level * np.sin(2 * np.pi * mains_hz * time_s + rng.uniform(0, 6))
    tremor = 0.6 * level * _band(rng, (n_leads, n_samples), 2.0, 25.0, fs_hz)
    swell = 1 + 0.06 * breath
    sway = 3 * level * rng.uniform(0.3, 1.0, (n_leads, 1)) * breath
    return ecg_mv * swell + muscle * (1 + 3 * rough) + drift + motion * rough + mains + tremor + sway


def _band(rng: Generator, shape: tuple[int, int], low_hz: float, high_hz: float, fs_hz: float) -> np.ndarray:
    """Noise of one standard deviation between two frequencies."""
    noise = sosfilt(_band_pass(low_hz, high_hz, fs_hz), rng.standard_normal(shape), axis=-1)
    return noise / noise.std(axis=-1, keepdims=True)


@cache  # designing one takes longer than filtering ten seconds of twelve leads
def _band_pass(low_hz: float, high_hz: float, fs_hz: float) -> np.ndarray:
    return butter(2, (low_hz, high_hz), btype="bandpass", fs=fs_hz, output="sos")


def fibrillation_mv(rng: Generator, n_samples: int, n_leads: int, fs_hz: float) -> Float[np.ndarray, "lead time"]:
    """Waves of a fibrillating atrium, 4 to 9 a second."""
    return 0.05 * _band(rng, (n_leads, n_samples), 4.0, 9.0, fs_hz)
