"""One run folder in; figures and one self-contained HTML page out."""

import platform
import shlex
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from ecg_lightning.evaluation import MIN_GROUP_ROWS, N_BOOT, Evaluation, evaluate
from ecg_lightning.predictions import SIDES, Predictions
from ecg_lightning.report import sentences, tables
from ecg_lightning.report.contents import Contents, read_contents
from ecg_lightning.report.notices import notices
from ecg_lightning.report.picture import kept, shown_side, stamp
from ecg_lightning.report.pictures import draw
from ecg_lightning.report.sentences import first
from ecg_lightning.whole_files import written_whole

PACKAGES = ("ecg-lightning", "torch", "pytorch-lightning", "numpy", "scipy", "wfdb")
READING = {
    "anomaly": "A score says how unlike normal windows a window is. AUPRC is the average precision, by chance the "
    "share of the anomalies. ",
    "binary": "What one class for all would score stands beside accuracy and macro F1: the class that most rows are "
    "of. AUPRC is the average precision. ",
    "multiclass": "The class with the largest logit is called. ",
    "multilabel": "A record may be of several classes, each called on its own. Subset accuracy is the share of records "
    "with every class right, Hamming loss the share of wrong answers. AUPRC is the average precision. ",
}
INTERVALS = (
    "An absent class has no score and is left out of a mean. "
    "Small numbers are 95\u00a0% intervals: {n_boot:,} bootstrap draws of {units}. "
)


def write(run_folder: Path, found: Evaluation | None = None) -> Path:
    """Draw figures/*.png and write report.html, both from the run's files alone.

    Args:
        run_folder: what train left.
        found: what its predictions are worth, where that was computed just now.

    Raises:
        FileNotFoundError: there are no predictions.
        ValueError: a file is broken; it is named.
    """
    contents = read_contents(run_folder)
    if found is None:
        found = evaluate(contents.predictions)
    pictures = kept(draw(contents, found), contents.folder / "figures")
    side = shown_side(contents.predictions) or "test"
    about, numbers = contents.predictions, found.metrics | tables.before_adapting(contents.metrics)
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=StrictUndefined
    )
    page = environment.get_template("page.html.j2").render(
        title=_title(contents),
        subtitle=f"{run_folder.resolve().name}: {len(about.table):,} scored {tables.rows_word(about)}",
        stamp=stamp(about),
        notices=notices(contents),
        headline=tables.headline(about, numbers),
        reading=_reading(about, numbers, side),
        side=SIDES[side],
        over_folds=tables.over_folds(about, found.metrics, side),
        per_class=tables.per_class(about, found.metrics, side),
        of_anomalies=tables.of_anomalies(about, found.metrics, side),
        groups=tables.groups(about, found.metrics),
        without=tables.without(about, found.metrics),
        patients=_patients(about, found),
        pictures=pictures,
        facts=list(_facts(contents)),
        rows=tables.rows_word(about),
        least_rows=MIN_GROUP_ROWS,
        counts=tables.counts(about, contents.card),
        people=tables.people(about, contents.card),
        more_people=max(0, len(contents.card.get("per_patient") or []) - tables.MAX_PEOPLE),
        made=list(_made(contents)),
        config=contents.config,
    )
    return _write_whole(run_folder / "report.html", page)


def _title(contents: Contents) -> str:
    model = (contents.status.get("choices") or {}).get("model")
    return contents.predictions.task + (f", {model}" if model else "")


def _patients(about: Predictions, found: Evaluation) -> tables.Table | None:
    """Scores of every patient, where they tell more than the figure does: of two classes, and of several folds."""
    if about.problem in tables.TWO or about.table["fold"].nunique() > 1:
        return tables.scores_of_patients(about, found.per_patient)
    return None


def _reading(about: Predictions, numbers: dict[str, float], side: str) -> str:
    intervals = INTERVALS.format(n_boot=N_BOOT, units=about.units)
    return READING[about.problem] + intervals + sentences.calibration(about, numbers, side)


def _facts(contents: Contents) -> Iterator[tuple[str, str]]:
    card = contents.card
    if not card:
        return
    yield (
        "corpus",
        f"{card.get('corpus', '')} ({'synthetic' if card.get('synthetic') else 'real'}, {card.get('source', '')})",
    )
    yield "records", f"{len(card.get('records') or []):,}: {first(card.get('records') or [])}"
    yield "missing records", first(card.get("missing") or []) or "none"
    skipped = card.get("skipped") or {}
    yield "skipped records", first([f"{name}: {reason}" for name, reason in skipped.items()]) or "none"
    yield "split", str(card.get("split", ""))
    for side, names in (card.get("patients") or {}).items():
        yield f"{SIDES.get(side, side)} patients", f"{len(names):,}: {first(names)}"
    for name in ("licence", "citation", "fingerprint", "split_hash"):
        if card.get(name):
            yield name.replace("_", " "), str(card[name])


def _made(contents: Contents) -> Iterator[tuple[str, str]]:
    typed = contents.status.get("overrides") or []
    yield "command", "python -m ecg_lightning.train " + shlex.join(typed)
    yield "state", str(contents.status.get("state", "not known"))
    for name, value in contents.metrics.items():
        if name.startswith(("fit/", "model/")):
            yield name, f"{value:,.6g}" if isinstance(value, float) else f"{value:,}"
    yield "page written with", ", ".join([f"Python {platform.python_version()}", *_versions()])


def _versions() -> Iterator[str]:
    for package in PACKAGES:
        try:
            yield f"{package} {version(package)}"
        except PackageNotFoundError:
            continue


def _write_whole(path: Path, text: str) -> Path:
    with written_whole(path) as part:
        part.write_text(text, encoding="utf-8")
    return path
