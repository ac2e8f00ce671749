"""How a command says no: in a line, with what to do, and with 2 for an exit code."""

import difflib
import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import ConfigAttributeError, ConfigKeyError, OmegaConfBaseException

ALIKE, MOST_MEANT = 0.6, 3  # how like a key must be to be what was meant, and how many such are named
EXTRAS = {"submitit": "slurm", "ray": "ray"}  # launchers that come with an extra of this package
NOISE = ("full_key:", "object_type=", "To append to your config")  # what Hydra and OmegaConf add to their refusals


class ConfigError(ValueError):
    """A configuration that cannot run; the message lists every reason, one a line."""


@contextmanager
def refusals(conf: Path | None = None) -> Iterator[None]:
    """Say what the block refuses in a line, and end the process with 2; stay quiet where nobody reads on or Ctrl-C.

    Args:
        conf: the config tree, of whose groups options in folders are named as well.
    """
    try:
        yield
    except (ConfigError, HydraException, OmegaConfBaseException) as error:
        print(f"error: {in_short(error, conf)}", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        print("stopped before training began", file=sys.stderr)
        sys.exit(130)
    except BrokenPipeError:  # the reader, `head` perhaps, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except OSError as error:  # no folder can be made for the run, or no file in it
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)


def in_short(error: BaseException, conf: Path | None = None) -> str:
    """The words of a refusal without the library's trimmings; Hydra lists no option that lies in a folder."""
    if isinstance(error, ConfigError):
        return str(error)
    text = str(error).partition("Config search path:")[0].partition("See https:")[0]
    if launcher := re.search(r"Could not load 'hydra/launcher/(submitit|ray)(?:_slurm)?'", text):
        extra = EXTRAS[launcher[1]]
        return f"hydra/launcher needs a package that is not installed: pip install 'ecg-lightning[{extra}]'"
    lines = [
        re.sub(r"^ConfigError raised while resolving interpolation: ", "", line.strip()) for line in text.split("\n")
    ]
    lines = [line for line in lines if line.strip(" ^") and not line.startswith(NOISE)]
    if isinstance(error.__cause__, ConfigAttributeError | ConfigKeyError):
        lines.append(_unknown_key(error.__cause__))
    elif error.__cause__ is not None and lines[0].startswith("Error merging"):
        lines.append(str(error.__cause__).partition("\n")[0])
    if len(lines) > 2 and lines[1].startswith("Available options"):
        lines = [lines[0], f"{lines[1]} {', '.join([*lines[2:], *_in_folders(lines[1], conf)])}"]
    return " ".join(lines).strip() or type(error).__name__


def _in_folders(said: str, conf: Path | None) -> list[str]:
    """Options of the group that a line names in quotes, as they are typed."""
    group = said.split("'")[1]
    if conf is None or not (conf / group).is_dir():
        return []
    found = sorted((conf / group).glob("*/*.yaml"))
    return [path.relative_to(conf / group).with_suffix("").as_posix() for path in found]


def _unknown_key(error: ConfigAttributeError | ConfigKeyError) -> str:
    """Name the key that was meant: of its neighbours, or one of this name further down."""
    node = error.parent_node if isinstance(error.parent_node, DictConfig) else DictConfig({})
    known = dict.fromkeys(str(key) for key in node if not str(key).startswith("_"))
    places = {**_below(OmegaConf.to_container(node)), **{name: name for name in known}}
    alike = {place: difflib.SequenceMatcher(None, str(error.key), name).ratio() for place, name in places.items()}
    most = max(alike.values(), default=0.0)
    meant = [place for place, ratio in alike.items() if ratio == most]
    meant = [place for place in meant if place in known] or meant
    if most < ALIKE or len(meant) > MOST_MEANT:
        return f"There is no key '{error.key}'; there are: {', '.join(known) or 'none'}"
    return f"There is no key '{error.key}'; did you mean {' or '.join(map(repr, meant))}?"


def _below(node: object, path: str = "") -> dict[str, str]:
    """Every place of a tree by its dotted path, with the last word of it; what is private is left out."""
    if not isinstance(node, dict):
        return {}
    found: dict[str, str] = {}
    for key, value in node.items():
        if not str(key).startswith("_"):
            place = f"{path}.{key}".lstrip(".")
            found |= {place: str(key), **_below(value, place)}
    return found
