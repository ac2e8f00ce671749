"""What a class named by `_target_` takes and declares, read from its source.

Nothing is imported, so a clash is said at once: importing Lightning to look at one signature costs seconds, parsing the
one file that defines it milliseconds.
"""

import ast
import importlib.util
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

Signature = tuple[tuple[str, ...], tuple[str, ...], bool, dict[str, str]]  # arguments, required, open_ended, kinds


class UnknownTarget(ValueError):
    """A `_target_` that names nothing that can be constructed."""


@dataclass(frozen=True)
class Constructor:
    """What a class or function takes.

    Args:
        path: dotted name as the config has it.
        arguments: names, in order.
        required: those without a default.
        open_ended: takes any further keyword.
        kinds: annotation of each argument that has one, as it is written.
        declares: class attributes with literal values, e.g. {"produces": "logits"}.
    """

    path: str
    arguments: tuple[str, ...]
    required: tuple[str, ...]
    open_ended: bool
    kinds: dict[str, str]
    declares: dict[str, Any]

    @property
    def name(self) -> str:
        return self.path.rpartition(".")[2]


@cache
def constructor(path: str) -> Constructor:
    """Read what `path`, a dotted class or function, takes.

    Raises:
        UnknownTarget: there is no such module, class or function.
    """
    module, node = _find(path)
    if isinstance(node, ast.FunctionDef):
        return Constructor(path, *_signature(node, skip=0), {})
    if not isinstance(node, ast.ClassDef):
        raise UnknownTarget(f"_target_={path} is neither a class nor a function")
    return Constructor(path, *_class_signature(module, node), _declared(module, node))


@cache
def _parse(file: Path) -> ast.Module:
    return ast.parse(file.read_text(encoding="utf-8"))


def _module_file(dotted: str) -> Path | None:
    """The file of a module; only the top-level package is asked of the import system, which does not run it."""
    top, _, rest = dotted.partition(".")
    spec = importlib.util.find_spec(top)
    if spec is None or spec.origin is None or not spec.origin.endswith(".py"):
        return None  # built in, compiled or frozen: no source to read
    base = Path(spec.origin)
    if not rest:
        return base
    inside = base.parent.joinpath(*rest.split("."))
    found = (inside / "__init__.py", inside.with_suffix(".py"))
    return next((file for file in found if file.is_file()), None)


def _find(path: str) -> tuple[str, ast.AST]:
    """The module that defines `path`, and the definition; re-exports are followed."""
    module, _, name = path.rpartition(".")
    file = _module_file(module) if module else None
    if file is None:
        raise UnknownTarget(f"_target_={path}: there is no module {module!r}")
    for node in ast.walk(_parse(file)):
        if isinstance(node, ast.ClassDef | ast.FunctionDef) and node.name == name:
            return module, node
        if isinstance(node, ast.ImportFrom):
            for alias in node.names:
                if (alias.asname or alias.name) == name:
                    return _find(f"{_absolute(module, file, node)}.{alias.name}")
        if isinstance(node, ast.Assign) and any(isinstance(t, ast.Name) and t.id == name for t in node.targets):
            return module, node.value
    raise UnknownTarget(f"_target_={path}: {module} has no class or function {name!r}")


def _absolute(module: str, file: Path, node: ast.ImportFrom) -> str:
    """The module that an import statement names, relative ones made absolute."""
    if not node.level:
        return node.module or ""
    parts = module.split(".")
    package = parts if file.name == "__init__.py" else parts[:-1]
    package = package[: len(package) - node.level + 1]
    return ".".join([*package, *([node.module] if node.module else [])])


def _class_signature(module: str, node: ast.ClassDef) -> Signature:
    for item in node.body:
        if isinstance(item, ast.FunctionDef) and item.name == "__init__":
            return _signature(item, skip=1)
    if any("dataclass" in ast.unparse(decorator) for decorator in node.decorator_list):
        fields = [item for item in node.body if isinstance(item, ast.AnnAssign) and isinstance(item.target, ast.Name)]
        names = tuple(item.target.id for item in fields)  # type: ignore[union-attr]
        required = tuple(n for n, item in zip(names, fields, strict=True) if item.value is None)
        return names, required, False, {n: ast.unparse(item.annotation) for n, item in zip(names, fields, strict=True)}
    for base in _bases(module, node):
        return _class_signature(*base)
    return (), (), False, {}


def _signature(node: ast.FunctionDef, skip: int) -> Signature:
    positional = [*node.args.posonlyargs, *node.args.args]
    first_default = len(positional) - len(node.args.defaults)
    required = [a.arg for a in positional[skip:first_default]]
    required += [a.arg for a, d in zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True) if d is None]
    known = [*positional[skip:], *node.args.kwonlyargs]
    kinds = {a.arg: ast.unparse(a.annotation) for a in known if a.annotation is not None}
    return tuple(a.arg for a in known), tuple(required), node.args.kwarg is not None, kinds


def _bases(module: str, node: ast.ClassDef) -> list[tuple[str, ast.ClassDef]]:
    """Base classes that can be found in source."""
    found = []
    for base in node.bases:
        try:
            where, definition = _find(f"{module}.{ast.unparse(base)}")
        except UnknownTarget:
            continue
        if isinstance(definition, ast.ClassDef):
            found.append((where, definition))
    return found


def _declared(module: str, node: ast.ClassDef) -> dict[str, Any]:
    """Literal class attributes; own ones before those of base classes."""
    out: dict[str, Any] = {}
    for base in reversed(_bases(module, node)):
        out |= _declared(*base)
    for item in node.body:
        if isinstance(item, ast.Assign) and isinstance(item.targets[0], ast.Name):
            name, value = item.targets[0].id, item.value
        elif isinstance(item, ast.AnnAssign) and isinstance(item.target, ast.Name) and item.value is not None:
            name, value = item.target.id, item.value
        else:
            continue
        try:
            out[name] = ast.literal_eval(value)
        except ValueError:
            continue
    return out
