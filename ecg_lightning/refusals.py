"""How a command says no: in a line, with what to do, and with 2 for an exit code."""

import difflib
import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from hydra.errors import HydraException
from omegaconf import DictConfig
from omegaconf.errors import ConfigAttributeError, ConfigKeyError, OmegaConfBaseException

NOISE = ("full_key:", "object_type=", "To append to your config")  # what Hydra and OmegaConf add to their refusals


class ConfigError(ValueError):
    """A configuration that cannot run; the message lists every reason, one a line."""


@contextmanager
def refusals() -> Iterator[None]:
    """Say what the block refuses in a line, and end the process with 2; stay quiet where nobody reads on or Ctrl-C."""
    try:
        yield
    except (ConfigError, HydraException, OmegaConfBaseException) as error:
        print(f"error: {in_short(error)}", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        print("stopped before training began", file=sys.stderr)
        sys.exit(130)
    except BrokenPipeError:  # the reader, `head` perhaps, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)


def in_short(error: BaseException) -> str:
    """The words of a refusal without the library's trimmings."""
    if isinstance(error, ConfigError):
        return str(error)
    text = str(error).partition("Config search path:")[0].partition("See https:")[0]
    lines = [
        re.sub(r"^ConfigError raised while resolving interpolation: ", "", line.strip()) for line in text.split("\n")
    ]
    lines = [line for line in lines if line.strip(" ^") and not line.startswith(NOISE)]
    if isinstance(error.__cause__, ConfigAttributeError | ConfigKeyError):
        lines.append(_unknown_key(error.__cause__))
    elif error.__cause__ is not None and lines[0].startswith("Error merging"):
        lines.append(str(error.__cause__).partition("\n")[0])
    if len(lines) > 2 and lines[1].startswith("Available options"):
        lines = [lines[0], f"{lines[1]} {', '.join(lines[2:])}"]
    return " ".join(lines).strip() or type(error).__name__


def _unknown_key(error: ConfigAttributeError | ConfigKeyError) -> str:
    known = [str(key) for key in error.parent_node] if isinstance(error.parent_node, DictConfig) else []
    known = [key for key in known if not key.startswith("_")]
    close = difflib.get_close_matches(str(error.key), known, n=1, cutoff=0.6)
    hint = f"did you mean '{close[0]}'?" if close else f"there are: {', '.join(known) or 'none'}"
    return f"There is no key '{error.key}'; {hint}"
