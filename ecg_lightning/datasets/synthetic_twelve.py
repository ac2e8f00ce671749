"""Hearts with a diagnosis, and the twelve leads of a resting ECG."""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float
from numpy.random import Generator

from ecg_lightning.datasets import synthetic
from ecg_lightning.datasets.synthetic_hearts import Heart, Waves, draw_views, new_heart, t_wave, turned, waves

# Where the eight measured leads look from: (left, down, front).
# Source: Dower et al., J Electrocardiol 13:97-108 (1980), rounded.
VIEWS = {
    "I": (0.63, -0.24, -0.06),
    "II": (0.24, 1.07, 0.13),
    "V1": (-0.52, 0.16, 0.92),
    "V2": (0.04, 0.16, 1.39),
    "V3": (0.88, 0.10, 1.28),
    "V4": (1.21, 0.13, 0.60),
    "V5": (1.13, 0.13, 0.09),
    "V6": (0.83, 0.08, -0.23),
}
LEADS = ("I", "II", "III", "AVR", "AVL", "AVF", "V1", "V2", "V3", "V4", "V5", "V6")
Direction = tuple[float, float, float]

INFERIOR, ANTERIOR, ANTEROSEPTAL = (0.0, 1.0, 0.0), (0.25, 0.0, 1.0), (-0.15, 0.0, 1.0)
LATERAL, ANTEROLATERAL, POSTERIOR = (1.0, -0.35, -0.1), (0.75, -0.1, 0.65), (0.0, 0.1, -1.0)
INFEROLATERAL, APEX = (0.6, 0.8, 0.0), (0.7, 0.5, 0.2)
NOWHERE = (0.0, 0.0, 0.0)


@dataclass(frozen=True)
class Lesion:
    """What one finding does to a heart, at severity 1. Directions are (left, down, front).

    Args:
        dead: where the ventricle lost its force: a Q wave and less R there, as a share of the person's own voltage.
        st_mv: where the ST segment is raised.
        t_mv: added to the T wave.
        t_times: the person's own T wave is so many times as high.
        voltage: the person's own QRS is so many times as high.
        axis_deg: turns the QRS in the frontal plane, clockwise; negative is to the left.
        wide: QRS is so many times as wide.
        right, left: how much of the right or left bundle branch is blocked; 1 is all of it.
        pr_s, qt_s: how much longer PR and QT are.
        p_mv: added to the end of the P wave.
        delta: share of a ventricle that an accessory pathway excites early.
    """

    dead: Direction = NOWHERE
    st_mv: Direction = NOWHERE
    t_mv: Direction = NOWHERE
    t_times: float = 1.0
    voltage: float = 1.0
    axis_deg: float = 0.0
    wide: float = 1.0
    right: float = 0.0
    left: float = 0.0
    pr_s: float = 0.0
    qt_s: float = 0.0
    p_mv: Direction = NOWHERE
    delta: float = 0.0


def _towards(direction: Direction, mv: float) -> Direction:
    return tuple((np.array(direction) * mv).tolist())


def _infarct(territory: Direction) -> Lesion:
    return Lesion(dead=territory, st_mv=_towards(territory, 0.07), t_mv=_towards(territory, -0.24))


def _ischaemia(territory: Direction) -> Lesion:
    return Lesion(st_mv=_towards(territory, -0.07), t_mv=_towards(territory, -0.26), t_times=0.7)


def _injury(territory: Direction) -> Lesion:
    return Lesion(dead=_towards(territory, 0.3), st_mv=_towards(territory, -0.17), t_times=0.8)


# What textbooks say of each statement, by size as much as a reader needs to see it.
LESIONS = {
    "IMI": _infarct(INFERIOR),
    "ASMI": _infarct(ANTEROSEPTAL),
    "AMI": _infarct(ANTERIOR),
    "ALMI": _infarct(ANTEROLATERAL),
    "ILMI": _infarct(INFEROLATERAL),
    "LMI": _infarct(LATERAL),
    "PMI": _infarct(POSTERIOR),
    "INJAS": _injury(ANTEROSEPTAL),
    "INJAL": _injury(ANTEROLATERAL),
    "INJIN": _injury(INFERIOR),
    "NDT": Lesion(t_times=0.25),
    "NST_": Lesion(st_mv=_towards(APEX, -0.06), t_times=0.6),
    "ISC_": _ischaemia(APEX),
    "ISCAL": _ischaemia(ANTEROLATERAL),
    "ISCAS": _ischaemia(ANTEROSEPTAL),
    "ISCIN": _ischaemia(INFERIOR),
    "ISCIL": _ischaemia(INFEROLATERAL),
    "ISCLA": _ischaemia(LATERAL),
    "DIG": Lesion(st_mv=_towards(APEX, -0.13), t_times=0.5, qt_s=-0.035),
    "LNGQT": Lesion(qt_s=0.09),
    "ANEUR": Lesion(st_mv=_towards(ANTERIOR, 0.22), t_mv=_towards(ANTERIOR, -0.2)),
    "EL": Lesion(t_times=1.9, qt_s=-0.02),
    "LAFB": Lesion(axis_deg=-80, wide=1.06),
    "LPFB": Lesion(axis_deg=60, wide=1.06),
    "IRBBB": Lesion(right=0.45),
    "CRBBB": Lesion(right=1.0),
    "CLBBB": Lesion(left=1.0),
    "ILBBB": Lesion(left=0.5),
    "IVCD": Lesion(wide=1.45),
    "1AVB": Lesion(pr_s=0.09),
    "WPW": Lesion(pr_s=-0.03, delta=0.35),
    "LVH": Lesion(voltage=1.75, t_mv=_towards(APEX, -0.16), st_mv=_towards(APEX, -0.04)),
    "RVH": Lesion(axis_deg=65, dead=(0.5, 0.0, -0.5), t_mv=(0.1, -0.1, -0.2)),
    "LAO/LAE": Lesion(p_mv=(0.03, 0.03, -0.10)),
    "RAO/RAE": Lesion(p_mv=(0.0, 0.13, 0.04)),
    "SEHYP": Lesion(dead=(0.35, 0.3, -0.35)),
    "LVOLT": Lesion(voltage=0.45, t_times=0.7),
    "HVOLT": Lesion(voltage=1.5),
}


def healthy_heart(rng: Generator, age_years: float, female: bool) -> Heart:
    """Draw a person without a finding: axis and voltage go down with age, women's voltage and T waves are lower.

    Source:
        Macfarlane et al., J Electrocardiol 27 Suppl:14-19 (1994), for the direction of each; the sizes are guesses.
    """
    heart = new_heart(rng, beats_per_minute=70, noise=1.0, left_axis=False)
    older = (age_years - 50) / 50
    voltage = (0.93 if female else 1.07) * (1 - 0.16 * older) * rng.lognormal(0, 0.12)
    tall = 0.85 if female else 1.1
    t_mv = turned(rng, (0.26, 0.22, 0.12), 0.28) * tall * (1 - 0.2 * older) * rng.lognormal(-0.1, 0.35)
    usual = Lesion(voltage=voltage, axis_deg=rng.normal(-5 - 22 * older, 17))
    qrs = _ventricles(heart, usual, 1.0)
    calm = heart.breathing_share * np.clip(1 - 0.9 * older, 0.25, 2.0)
    t = t_wave(rng.uniform(0.25, 0.30), rng.uniform(0.036, 0.052), t_mv)
    return replace(heart, qrs={**heart.qrs, "normal": qrs}, t={**heart.t, "normal": t}, breathing_share=calm)


def afflicted(heart: Heart, lesion: Lesion, severity: float) -> Heart:
    """Return the same person with a finding."""
    main_mv = float(np.linalg.norm(heart.qrs["normal"].dipole_mv, axis=1).max())
    late = heart.qrs["right_block" if lesion.right else "left_block"].dipole_mv[-1]
    blocked = min(severity * max(lesion.right, lesion.left), 1.0)
    own_t = heart.t["normal"].scaled(1 + severity * (lesion.t_times - 1) - 0.6 * blocked)
    with_t = waves(
        (0.11, 0.030, severity * np.array(lesion.st_mv)),
        (0.17, 0.040, severity * np.array(lesion.st_mv)),
        (own_t.centre_s[-1], 1.1 * own_t.width_s[-1], severity * np.array(lesion.t_mv) - 0.4 * blocked * late),
    )
    t = own_t + with_t
    q_mv = -severity * main_mv * np.array(lesion.dead)
    delta_mv = severity * main_mv * lesion.delta * np.array((0.6, 0.5, 0.4))
    qrs = _ventricles(heart, lesion, severity)
    qrs += waves((-0.018, 0.011, 0.42 * q_mv), (0.006, 0.016, 0.32 * q_mv), (-0.042, 0.016, delta_mv))
    p_end = (heart.p.centre_s[-1] + 0.03, 0.018, severity * np.array(lesion.p_mv))
    p = heart.p + waves(p_end)
    return replace(
        heart,
        p=Waves(p.centre_s - severity * lesion.pr_s, p.width_s, p.dipole_mv),
        qrs={**heart.qrs, "normal": qrs},
        t={**heart.t, "normal": Waves(t.centre_s + severity * lesion.qt_s, t.width_s, t.dipole_mv)},
    )


def _ventricles(heart: Heart, lesion: Lesion, severity: float) -> Waves:
    """QRS of the person, turned, widened, higher, and on its way to a blocked branch."""
    own = heart.qrs["normal"]
    angle = np.deg2rad(severity * lesion.axis_deg)
    turn = np.array([[np.cos(angle), np.sin(angle), 0], [-np.sin(angle), np.cos(angle), 0], [0, 0, 1]])
    wide, high = (1 + severity * (times - 1) for times in (lesion.wide, lesion.voltage))
    qrs = Waves(own.centre_s * wide, own.width_s * wide, own.dipole_mv @ turn * high)
    for branch, share in (("right_block", lesion.right), ("left_block", lesion.left)):
        blocked = min(severity * share, 1.0)
        if blocked > 0:
            qrs = qrs.scaled(1 - blocked) + heart.qrs[branch].scaled(blocked)
    return qrs


def electrode_views(rng: Generator) -> Float[np.ndarray, "measured 3"]:
    """Where the measured leads look from when a nurse has placed the electrodes: nearly where they should."""
    views = np.array(list(VIEWS.values()))
    chest = np.arange(len(views)) >= 2
    misplaced = rng.normal(0, 0.12, views.shape) * chest[:, None]
    nearer = np.where(chest, rng.lognormal(0, 0.10, len(views)), 1.0)
    return (views + misplaced) * nearer[:, None]


def perform(
    heart: Heart, letters: str, fibrillates: bool, window_s: float, fs_hz: int, rng: Generator
) -> Float[np.ndarray, "measured time"]:
    """Record a heart with eight leads, in millivolts.

    Args:
        heart: whose.
        letters: one of synthetic.KINDS per beat, enough for two seconds more than the window.
        fibrillates: whether the atria fibrillate.
        window_s: length; the first beat may have begun before it.
        fs_hz: sampling rate. The same chance at another rate gives the same beats and other noise.
        rng: source of chance.
    """
    peak_s = synthetic.beat_times_s(letters, heart, np.full(len(letters), fibrillates), rng)
    shift_s = synthetic.t_wave_shift_s(peak_s, heart) + 0.28 * ((heart.rr_s / 0.8) ** 0.35 - 1)
    peak_s -= rng.uniform(1.0, 2.0)
    beats = [
        synthetic.beat_waves(letter, heart, "normal", shift, rng)
        for letter, shift in zip(letters, shift_s[peak_s < window_s + 0.5].tolist(), strict=False)
    ]
    views, n_samples = electrode_views(rng), round(window_s * fs_hz)
    bursts = [(float(at), float(at) + 1.5) for at in rng.uniform(0, window_s - 1.5, rng.poisson(0.12))]
    ecg_mv = draw_views(beats, peak_s[: len(beats)], views, n_samples, fs_hz)
    if fibrillates:
        ecg_mv += synthetic.fibrillation_mv(rng, n_samples, len(views), fs_hz)
    return synthetic.disturb(ecg_mv, heart, bursts, fs_hz, rng, mains_hz=50.0)


def twelve(measured: Float[np.ndarray, "measured time"]) -> Float[np.ndarray, "lead time"]:
    """Derive the limb leads that follow from I and II.

    Source:
        Einthoven: III = II - I. Goldberger: aVR = -(I + II) / 2, aVL = I - II / 2, aVF = II - I / 2.
    """
    one, two = measured[0], measured[1]
    limbs = np.stack([one, two, two - one, -(one + two) / 2, one - two / 2, two - one / 2])
    return np.concatenate([limbs, measured[2:]])
