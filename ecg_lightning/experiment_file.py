"""The words of a command as a config of its own, which `train` takes by --config-dir and --config-name."""

from collections.abc import Collection, Sequence
from typing import Any

import yaml
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override, OverrideType

NAME = "experiment"
NOT_KEPT = ("test", "resume", "search", "sweep")


def written(words: Sequence[str], groups: Collection[str], primary: str, remarks: Sequence[str]) -> str:
    """A primary config that is what these overrides make of another one.

    Args:
        words: overrides as they are typed.
        groups: of the config; a word of one chooses an option, any other gives a value.
        primary: name of the other config.
        remarks: lines of comment above it.
    """
    defaults: list[Any] = [primary]
    values: dict[str, Any] = {}
    for word in _parsed(words):
        if not _as_yaml(word):
            continue
        if word.key_or_group in groups:
            adds = "" if word.type != OverrideType.ADD else "/"
            defaults.append({f"{adds or 'override /'}{word.get_key_element()}": word.value()})
        else:
            _put(values, word.key_or_group.split("."), word.value())
    content = {"defaults": [*defaults, "_self_"], **values}
    comment = "".join(f"# {line}\n" for line in remarks)
    return comment + yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=1000)


def beside(words: Sequence[str]) -> list[str]:
    """The words that no yaml can say, and that are typed beside it: what is deleted, and where else configs lie."""
    return [str(word.input_line) for word in _parsed(words) if not _as_yaml(word)]


def _parsed(words: Sequence[str]) -> list[Override]:
    parsed = OverridesParser.create().parse_overrides(list(words))
    return [word for word in parsed if word.key_or_group.partition(".")[0] not in NOT_KEPT]


def _as_yaml(word: Override) -> bool:
    return word.type != OverrideType.DEL and not word.key_or_group.startswith("hydra.")


def _put(tree: dict[str, Any], path: list[str], value: Any) -> None:
    for name in path[:-1]:
        tree = tree.setdefault(name, {})
    old = tree.get(path[-1])
    tree[path[-1]] = {**old, **value} if isinstance(old, dict) and isinstance(value, dict) else value
