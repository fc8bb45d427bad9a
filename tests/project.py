"""What the tests of the project itself share: where its modules are and what each of them imports."""

import ast
import configparser
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LAYERS = (
    {"cells", "templates"},
    {"slides"},
    {"detector"},
    {"features"},
    {"classifiers"},
    {"counting"},
    {"leukoformula"},
    {"reports"},
    {"review", "evaluation"},
    {"commands"},
)
"""The packages from the ground floor up; imports run downwards only."""


@dataclass(frozen=True)
class Module:
    """A module: its dotted name and its syntax tree."""

    name: str
    path: Path
    tree: ast.Module

    @property
    def package(self) -> str:
        return self.name.partition(".")[0]


def setup_cfg() -> configparser.ConfigParser:
    parser = configparser.ConfigParser(interpolation=None)
    parser.read(ROOT / "setup.cfg", encoding="utf-8")
    return parser


def listed_packages() -> list[str]:
    return setup_cfg()["options"]["packages"].split()


def modules() -> list[Module]:
    found = []
    for package in listed_packages():
        for path in sorted((ROOT / package.replace(".", "/")).glob("*.py")):
            name = package if path.stem == "__init__" else f"{package}.{path.stem}"
            found.append(Module(name, path, ast.parse(path.read_text(encoding="utf-8"))))
    return found


def imports(tree: ast.AST, *, typing_only: bool = True, late: bool = True) -> set[str]:
    """Return the dotted names that a tree imports; without those for type checkers or those of functions."""
    return set(_imports(tree, typing_only=typing_only, late=late))


def _imports(node: ast.AST, *, typing_only: bool, late: bool) -> Iterator[str]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import):
            yield from (alias.name for alias in child.names)
        elif isinstance(child, ast.ImportFrom):
            assert child.level == 0, "relative imports are not used here"
            yield from (f"{child.module}.{alias.name}" for alias in child.names)
        elif isinstance(child, ast.If) and not typing_only and "TYPE_CHECKING" in ast.dump(child.test):
            for other in child.orelse:
                yield from _imports(other, typing_only=typing_only, late=late)
        elif late or not isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield from _imports(child, typing_only=typing_only, late=late)


def functions(module: Module) -> Iterator[tuple[str, ast.FunctionDef]]:
    """Yield the dotted name and the syntax tree of each function, methods and inner ones included."""
    yield from _functions(module.name, module.tree)


def _functions(prefix: str, node: ast.AST) -> Iterator[tuple[str, ast.FunctionDef]]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef):
            yield f"{prefix}.{child.name}", child
            yield from _functions(f"{prefix}.{child.name}", child)
        elif isinstance(child, ast.ClassDef):
            yield from _functions(f"{prefix}.{child.name}", child)
        else:
            yield from _functions(prefix, child)
