"""Many recordings answered one after another; one that cannot be read does not stop the rest."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from ecg_lightning.bundle import Bundle
from ecg_lightning.contract import BadBundle
from ecg_lightning.predict import files, folder, words
from ecg_lightning.predict.account import account
from ecg_lightning.predict.answers import USES
from ecg_lightning.predict.findings import Findings, examine
from ecg_lightning.predict.people import People
from ecg_lightning.predict.pictures import stamp_of
from ecg_lightning.reading.recordings import Said, read_recording
from ecg_lightning.report import findings_page
from ecg_lightning.windowing import Segments

Content = dict[str, Any]
NONE_WRONG: Mapping[Path, str] = MappingProxyType({})


@dataclass(frozen=True)
class Asked:
    """What a user wants.

    Args:
        output: folder for the answer.
        said: what files do not say of themselves.
        people: who the recordings are of.
        how: which beats, one of `findings.HOW`.
        form: of tables, one of `files.FORMATS`.
        n_figures: pictures per recording at most.
    """

    output: Path
    said: Said
    people: People
    how: str
    form: str
    n_figures: int


def check_kind(bundle: Bundle) -> None:
    """Refuse a bundle that answers for nothing that a recording has.

    Raises:
        BadBundle: it takes beats in a row, or tells more than two classes of stretches apart.
    """
    contract = bundle.contract
    if bundle.network.scope != "window":
        raise BadBundle(
            f"network={contract.network} takes beats in a row: choose a bundle of a network of single beats"
        )
    if isinstance(contract.window, Segments) and contract.problem != "binary":
        raise BadBundle(
            f"problem={contract.problem} of network={contract.network}, which answers for {USES[Segments]}, "
            f"cannot be watched: choose a bundle of problem=binary"
        )


def answer(
    bundle: Bundle,
    inputs: Sequence[Path],
    asked: Asked,
    told: Callable[[str], None],
    wrong: Mapping[Path, str] = NONE_WRONG,
) -> Content:
    """Answer recordings and write all files.

    Args:
        bundle: that answers.
        inputs: files, each of one recording.
        asked: what is wanted.
        told: is called with each file's name before it is read.
        wrong: what was named but is no recording, and why.

    Returns:
        What `predict.json` holds.

    Raises:
        TakenFolder: the output folder is not this command's to write to.
        OSError: it cannot be written to.
    """
    earlier = folder.earlier_files(asked.output)
    asked.output.mkdir(parents=True, exist_ok=True)
    content: Content = {
        "command": folder.COMMAND,
        "state": "running",
        "research_only": words.RESEARCH,
        "model": words.model(bundle.contract),
        "notes": [*_unused(bundle, asked), *asked.people.unmatched([name for path in inputs for name in _names(path)])],
        "recordings": [],
        "refused": [_refusal(path, why) for path, why in wrong.items()],
        "files": list(earlier),
    }
    folder.write_json(asked.output / folder.ANSWER, content)  # so that what is left of a stopped one is known as such
    written = [folder.ANSWER, folder.PAGE]
    for path in inputs:
        told(path.name)
        found = _examined(bundle, path, asked)
        if isinstance(found, str):
            content["refused"].append(_refusal(path, found))
            continue
        one = _written(bundle, path, found, asked, [above.partition("/")[0] for above in written])
        content["recordings"].append(one)
        written += [f"{one['folder']}/{name}" for name in one["files"]]
        content["files"] = sorted({*earlier, *written})
        folder.write_json(asked.output / folder.ANSWER, content)
    findings_page.write(asked.output / folder.PAGE, content, stamp_of(bundle.contract, _any_synthetic(content)))
    folder.remove_left_over(asked.output, earlier, written)
    content |= {"state": "finished", "files": sorted(written)}
    folder.write_json(asked.output / folder.ANSWER, content)
    return content


def _refusal(path: Path, why: str) -> dict[str, str]:
    return {"input": str(path), "reason": folder.printable(why)}


def _names(path: Path) -> tuple[str, str]:
    """By which a table of people may call a recording."""
    return path.stem, path.name


def _unused(bundle: Bundle, asked: Asked) -> tuple[str, ...]:
    return asked.people.unused(bundle.contract.features.names)


def _any_synthetic(content: Content) -> bool:
    return any(one["synthetic"] for one in content["recordings"])


def _examined(bundle: Bundle, path: Path, asked: Asked) -> Findings | str:
    """What is found in a file, or why nothing can be."""
    try:
        read = read_recording(path, bundle.contract.preprocess.leads, asked.said)
        person = dict(read.record.person) | asked.people.of(read.record.name, *_names(path))
        notes = (*read.notes, *_unused(bundle, asked))
        return examine(bundle, replace(read.record, person=person), asked.how, notes)
    except (ValueError, OSError) as error:
        return folder.printable(str(error))


def _written(bundle: Bundle, path: Path, found: Findings, asked: Asked, taken: list[str]) -> Content:
    name = folder.folder_name(found.record.name, set(taken))
    about = {"recording": found.record.name, "folder": name, "input": str(path)}
    own = folder.own_folder(asked.output, name)
    return files.write(own, bundle, found, about | account(bundle.contract, found), asked.n_figures, asked.form)
