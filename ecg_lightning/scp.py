"""The 71 SCP-ECG statements with which PTB-XL describes its records, and the classes that are made of them.

Source:
    Wagner et al., Scientific Data 7:154 (2020), table of statements; the statements are those of EN 1064 (SCP-ECG).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True)
class Statement:
    """One thing that a cardiologist may say of an ECG.

    Args:
        name: in words.
        superclass: of a diagnosis, one of SUPERCLASSES; None where the statement is no diagnosis.
        subclass: of a diagnosis, one of SUBCLASSES; None where the statement is no diagnosis.
        form: says how waves look.
        rhythm: says in which rhythm the heart beats.
    """

    name: str
    superclass: str | None = None
    subclass: str | None = None
    form: bool = False
    rhythm: bool = False


KINDS = ("super", "sub", "diag", "form", "rhythm", "all")
"""What the classes of a task may be: diagnoses in three depths, forms, rhythms, every statement."""

SUPERCLASSES: Mapping[str, str] = MappingProxyType(
    {
        "NORM": "normal ECG",
        "MI": "myocardial infarction",
        "STTC": "ST segment or T wave change",
        "CD": "conduction disturbance",
        "HYP": "hypertrophy or atrial enlargement",
    }
)

SUBCLASSES: Mapping[str, str] = MappingProxyType(
    {
        "NORM": "normal ECG",
        "IMI": "inferior myocardial infarction",
        "AMI": "anterior myocardial infarction",
        "LMI": "lateral myocardial infarction",
        "PMI": "posterior myocardial infarction",
        "STTC": "ST or T change of drugs, electrolytes, aneurysm, long QT or no certain cause",
        "NST_": "non-specific ST change",
        "ISC_": "non-specific ischaemia",
        "ISCA": "ischaemia in anterior leads",
        "ISCI": "ischaemia in inferior leads",
        "LAFB/LPFB": "left anterior or posterior fascicular block",
        "IRBBB": "incomplete right bundle branch block",
        "_AVB": "AV block",
        "IVCD": "non-specific intraventricular conduction disturbance",
        "CRBBB": "complete right bundle branch block",
        "CLBBB": "complete left bundle branch block",
        "WPW": "Wolff-Parkinson-White syndrome",
        "ILBBB": "incomplete left bundle branch block",
        "LVH": "left ventricular hypertrophy",
        "LAO/LAE": "left atrial overload or enlargement",
        "RVH": "right ventricular hypertrophy",
        "RAO/RAE": "right atrial overload or enlargement",
        "SEHYP": "septal hypertrophy",
    }
)

STATEMENTS: Mapping[str, Statement] = MappingProxyType(
    {
        "NDT": Statement("non-diagnostic T wave abnormality", "STTC", "STTC", form=True),
        "NST_": Statement("non-specific ST change", "STTC", "NST_", form=True),
        "DIG": Statement("digitalis effect", "STTC", "STTC", form=True),
        "LNGQT": Statement("long QT interval", "STTC", "STTC", form=True),
        "NORM": Statement("normal ECG", "NORM", "NORM"),
        "IMI": Statement("inferior myocardial infarction", "MI", "IMI"),
        "ASMI": Statement("anteroseptal myocardial infarction", "MI", "AMI"),
        "LVH": Statement("left ventricular hypertrophy", "HYP", "LVH"),
        "LAFB": Statement("left anterior fascicular block", "CD", "LAFB/LPFB"),
        "ISC_": Statement("non-specific ischaemia", "STTC", "ISC_"),
        "IRBBB": Statement("incomplete right bundle branch block", "CD", "IRBBB"),
        "1AVB": Statement("first degree AV block", "CD", "_AVB"),
        "IVCD": Statement("non-specific intraventricular conduction disturbance", "CD", "IVCD"),
        "ISCAL": Statement("ischaemia in anterolateral leads", "STTC", "ISCA"),
        "CRBBB": Statement("complete right bundle branch block", "CD", "CRBBB"),
        "CLBBB": Statement("complete left bundle branch block", "CD", "CLBBB"),
        "ILMI": Statement("inferolateral myocardial infarction", "MI", "IMI"),
        "LAO/LAE": Statement("left atrial overload or enlargement", "HYP", "LAO/LAE"),
        "AMI": Statement("anterior myocardial infarction", "MI", "AMI"),
        "ALMI": Statement("anterolateral myocardial infarction", "MI", "AMI"),
        "ISCIN": Statement("ischaemia in inferior leads", "STTC", "ISCI"),
        "INJAS": Statement("subendocardial injury in anteroseptal leads", "MI", "AMI"),
        "LMI": Statement("lateral myocardial infarction", "MI", "LMI"),
        "ISCIL": Statement("ischaemia in inferolateral leads", "STTC", "ISCI"),
        "LPFB": Statement("left posterior fascicular block", "CD", "LAFB/LPFB"),
        "ISCAS": Statement("ischaemia in anteroseptal leads", "STTC", "ISCA"),
        "INJAL": Statement("subendocardial injury in anterolateral leads", "MI", "AMI"),
        "ISCLA": Statement("ischaemia in lateral leads", "STTC", "ISCA"),
        "RVH": Statement("right ventricular hypertrophy", "HYP", "RVH"),
        "ANEUR": Statement("ST-T change as with ventricular aneurysm", "STTC", "STTC"),
        "RAO/RAE": Statement("right atrial overload or enlargement", "HYP", "RAO/RAE"),
        "EL": Statement("effect of electrolytes or drugs", "STTC", "STTC"),
        "WPW": Statement("Wolff-Parkinson-White syndrome", "CD", "WPW"),
        "ILBBB": Statement("incomplete left bundle branch block", "CD", "ILBBB"),
        "IPLMI": Statement("inferoposterolateral myocardial infarction", "MI", "IMI"),
        "ISCAN": Statement("ischaemia in anterior leads", "STTC", "ISCA"),
        "IPMI": Statement("inferoposterior myocardial infarction", "MI", "IMI"),
        "SEHYP": Statement("septal hypertrophy", "HYP", "SEHYP"),
        "INJIN": Statement("subendocardial injury in inferior leads", "MI", "IMI"),
        "INJLA": Statement("subendocardial injury in lateral leads", "MI", "AMI"),
        "PMI": Statement("posterior myocardial infarction", "MI", "PMI"),
        "3AVB": Statement("third degree AV block", "CD", "_AVB"),
        "INJIL": Statement("subendocardial injury in inferolateral leads", "MI", "IMI"),
        "2AVB": Statement("second degree AV block", "CD", "_AVB"),
        "ABQRS": Statement("abnormal QRS", form=True),
        "PVC": Statement("ventricular premature beat", form=True),
        "STD_": Statement("non-specific ST depression", form=True),
        "VCLVH": Statement("QRS voltage as in left ventricular hypertrophy", form=True),
        "QWAVE": Statement("Q waves", form=True),
        "LOWT": Statement("low T waves", form=True),
        "NT_": Statement("non-specific T wave change", form=True),
        "PAC": Statement("atrial premature beat", form=True),
        "LPR": Statement("long PR interval", form=True),
        "INVT": Statement("inverted T waves", form=True),
        "LVOLT": Statement("low QRS voltage in limb and chest leads", form=True),
        "HVOLT": Statement("high QRS voltage", form=True),
        "TAB_": Statement("T wave abnormality", form=True),
        "STE_": Statement("non-specific ST elevation", form=True),
        "PRC(S)": Statement("premature beats of unnamed origin", form=True),
        "SR": Statement("sinus rhythm", rhythm=True),
        "AFIB": Statement("atrial fibrillation", rhythm=True),
        "STACH": Statement("sinus tachycardia", rhythm=True),
        "SARRH": Statement("sinus arrhythmia", rhythm=True),
        "SBRAD": Statement("sinus bradycardia", rhythm=True),
        "PACE": Statement("rhythm of an artificial pacemaker", rhythm=True),
        "SVARR": Statement("supraventricular arrhythmia", rhythm=True),
        "BIGU": Statement("bigeminy, supraventricular or ventricular", rhythm=True),
        "AFLT": Statement("atrial flutter", rhythm=True),
        "SVTAC": Statement("supraventricular tachycardia", rhythm=True),
        "PSVT": Statement("paroxysmal supraventricular tachycardia", rhythm=True),
        "TRIGU": Statement("trigeminy, supraventricular or ventricular", rhythm=True),
    }
)
"""By code, in the order of the corpus's own table."""


def classes(kind: str) -> tuple[str, ...]:
    """Name the classes of a kind, in their order.

    Args:
        kind: one of KINDS.

    Raises:
        ValueError: there is no such kind.
    """
    return tuple(long_names(kind))


def long_names(kind: str) -> dict[str, str]:
    """Say in words what each class of a kind means; arguments and errors as in `classes`."""
    if kind == "super":
        return dict(SUPERCLASSES)
    if kind == "sub":
        return dict(SUBCLASSES)
    if kind not in KINDS:
        raise ValueError(f"kind={kind} of labels must be one of {', '.join(KINDS)}")
    return {code: one.name for code, one in STATEMENTS.items() if _class_of(code, kind) is not None}


def labels(codes: Mapping[str, float], kind: str, least_percent: float) -> set[str]:
    """Name the classes that a record belongs to.

    Args:
        codes: the record's statements and how likely each is, in percent. 0 means that nobody said: so it is for
            nearly all forms and rhythms, and for some diagnoses.
        kind: one of KINDS.
        least_percent: diagnoses that are less likely are left out; 0 counts every one, as the benchmarks do. Forms
            and rhythms count whatever it is.

    Raises:
        ValueError: a code or the kind is unknown, or least_percent does not lie between 0 and 100.
    """
    if kind not in KINDS:
        raise ValueError(f"kind={kind} of labels must be one of {', '.join(KINDS)}")
    if not 0 <= least_percent <= 100:
        raise ValueError(f"least_percent={least_percent} must lie between 0 and 100")
    if unknown := sorted(codes.keys() - STATEMENTS.keys()):
        raise ValueError(f"statements {', '.join(unknown)} are not among the {len(STATEMENTS)} of PTB-XL")
    counted = (code for code, percent in codes.items() if percent >= least_percent or not _is_diagnosis(code))
    return {name for code in counted if (name := _class_of(code, kind)) is not None}


def _is_diagnosis(code: str) -> bool:
    return STATEMENTS[code].superclass is not None


def _class_of(code: str, kind: str) -> str | None:
    """The class of this kind that a statement belongs to."""
    statement = STATEMENTS[code]
    if kind == "super":
        return statement.superclass
    if kind == "sub":
        return statement.subclass
    belongs = {"diag": _is_diagnosis(code), "form": statement.form, "rhythm": statement.rhythm, "all": True}
    return code if belongs[kind] else None
