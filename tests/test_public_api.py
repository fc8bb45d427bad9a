"""Every public object is documented and typed, and functions stay short."""

import ast
import importlib
import re
import warnings
from functools import cache

import numpy as np
import pytest

from project import Module, functions, imports, modules

MODULES = modules()
LONGEST = 90
MOST_LINES_OF_NINE_IN_TEN = 40
PLAIN_SENTENCE = 4
"""A function of at most so many arguments may be documented by a single sentence."""

CHECKS = {
    "GL08": "no docstring",
    "SS02": "summary does not start with a capital letter",
    "SS03": "summary does not end with a full stop",
    "PR01": "parameters without documentation",
    "PR02": "documented parameters that do not exist",
    "PR03": "documented parameters in another order",
    "PR04": "a parameter has no type",
    "PR07": "a parameter has no description",
    "RT01": "no Returns section",
    "YD01": "no Yields section",
    "GL07": "sections in an unusual order",
}


def _training() -> set[str]:
    """Return the modules that cannot be imported without TensorFlow."""
    by_name = {module.name: imports(module.tree, typing_only=False, late=False) for module in MODULES}
    found = {
        name
        for name, targets in by_name.items()
        if any(t.startswith(("tensorflow", "keras")) for t in targets)
    }
    while grown := {
        name
        for name, targets in by_name.items()
        if name not in found and any(t in found or t.rpartition(".")[0] in found for t in targets)
    }:
        found |= grown
    return found


TRAINING = _training()


def _public(name: str) -> bool:
    return not any(part.startswith("_") for part in name.split("."))


def _is_nested(module: Module, name: str) -> bool:
    """Whether a function lies within another function, where nobody can reach it."""
    outer = name.rpartition(".")[0]
    return any(other == outer for other, _ in functions(module))


def public_functions() -> list[tuple[Module, str, ast.FunctionDef]]:
    return [
        (module, name, node)
        for module in MODULES
        for name, node in functions(module)
        if _public(name) and not _is_nested(module, name)
    ]


def public_classes() -> list[tuple[Module, str, ast.ClassDef]]:
    return [
        (module, f"{module.name}.{node.name}", node)
        for module in MODULES
        for node in module.tree.body
        if isinstance(node, ast.ClassDef) and _public(f"{module.name}.{node.name}")
    ]


def _arguments(node: ast.FunctionDef) -> list[ast.arg]:
    given = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
    given += [extra for extra in (node.args.vararg, node.args.kwarg) if extra]
    return [argument for argument in given if argument.arg not in {"self", "cls"}]


def test_there_is_something_to_check() -> None:
    assert len(public_functions()) > 100
    assert len(public_classes()) > 20


def test_every_public_function_is_typed() -> None:
    bare = [
        name
        for _, name, node in public_functions()
        if node.returns is None or any(argument.annotation is None for argument in _arguments(node))
    ]
    assert bare == []


def test_every_module_says_what_it_is_for() -> None:
    assert [module.name for module in MODULES if not ast.get_docstring(module.tree)] == []


def test_a_boolean_is_never_handed_over_without_its_name() -> None:
    wrong = [
        f"{name}({argument.arg})"
        for _, name, node in public_functions()
        for argument in [*node.args.posonlyargs, *node.args.args]
        if isinstance(argument.annotation, ast.Name) and argument.annotation.id == "bool"
    ]
    assert wrong == []


@cache
def _validate(name: str) -> frozenset[str]:
    validate = importlib.import_module("numpydoc.validate").validate
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return frozenset(code for code, _ in validate(name)["errors"])


def _faults(module: Module, name: str, node: ast.FunctionDef | ast.ClassDef) -> list[str]:
    text = ast.get_docstring(node)
    if not text:
        return [f"{name}: {CHECKS['GL08']}"]
    if isinstance(node, ast.FunctionDef) and not re.search(r"^(Parameters|Returns)\n-+$", text, re.MULTILINE):
        if len(_arguments(node)) > PLAIN_SENTENCE:
            return [f"{name}: more than {PLAIN_SENTENCE} arguments and no Parameters section"]
        return [] if text.rstrip().split("\n\n")[0].endswith(".") else [f"{name}: {CHECKS['SS03']}"]
    if module.name in TRAINING:
        return []
    importlib.import_module(module.name)
    found = _validate(name) & set(CHECKS)
    if isinstance(node, ast.ClassDef):
        # A class lists what it is built of where that is not plain; properties have their own docstrings.
        found -= {"PR01", "RT01", "YD01"}
    elif not node.args.args:
        # Keywords may be explained in groups.
        found -= {"PR03"}
    elif any(
        isinstance(decorator, ast.Name) and "context" in decorator.id for decorator in node.decorator_list
    ):
        found -= {"RT01"}
    return [f"{name}: {CHECKS[code]}" for code in sorted(found)]


@pytest.mark.parametrize("package", sorted({module.package for module in MODULES}))
def test_every_public_object_is_documented(package: str) -> None:
    objects = [*public_functions(), *public_classes()]
    faults = [
        f for module, name, node in objects if module.package == package for f in _faults(module, name, node)
    ]
    assert faults == []


def test_functions_are_short() -> None:
    lengths = {
        name: (node.end_lineno or node.lineno) - node.lineno + 1
        for module in MODULES
        for name, node in functions(module)
    }
    longest = max(lengths, key=lambda name: lengths[name])
    assert lengths[longest] <= LONGEST, longest
    assert np.percentile(list(lengths.values()), 90) <= MOST_LINES_OF_NINE_IN_TEN
