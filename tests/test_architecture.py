"""The house keeps its plan: imports run downwards, in no circle, and TensorFlow stays with the training."""

import graphlib
import subprocess
import sys

import pytest

from commands.doctor import DEPENDENCIES, OWN_PACKAGES
from project import LAYERS, ROOT, imports, listed_packages, modules, setup_cfg

MODULES = {module.name: module for module in modules()}
FLOOR = {package: floor for floor, packages in enumerate(LAYERS) for package in packages}
NOT_OURS = {"tests", "build", "dist", "docs", "benchmarks", "scripts"}
HEAVY = ("numpy", "cv2", "scipy", "sklearn", "skimage", "tensorflow", "keras", "ai_edge_litert", "reportlab")


def _own(name: str) -> str | None:
    """Return the module of ours that an imported name is or lies in."""
    while name:
        if name in MODULES:
            return name
        name = name.rpartition(".")[0]
    return None


def _edges(*, typing_only: bool, late: bool) -> dict[str, set[str]]:
    return {
        name: {
            own
            for target in imports(module.tree, typing_only=typing_only, late=late)
            if (own := _own(target)) and own != name
        }
        for name, module in MODULES.items()
    }


def test_there_are_modules_to_look_at() -> None:
    assert {"cells.vocabulary", "leukoformula.pipeline", "commands.main"} <= set(MODULES)


def test_imports_run_downwards() -> None:
    wrong = [
        f"{source} imports {target}"
        for source, targets in _edges(typing_only=True, late=True).items()
        for target in targets
        if source != "leukoformula.__main__"
        and MODULES[target].package != MODULES[source].package
        and FLOOR[MODULES[target].package] >= FLOOR[MODULES[source].package]
    ]
    assert not wrong


def test_only_main_of_the_library_knows_the_commands() -> None:
    edges = _edges(typing_only=True, late=True)
    assert edges["leukoformula.__main__"] == {"commands.main"}


def test_no_circle() -> None:
    graphlib.TopologicalSorter(_edges(typing_only=False, late=True)).prepare()


def test_every_package_is_listed_and_only_those() -> None:
    found = {
        ".".join(path.parent.relative_to(ROOT).parts)
        for path in ROOT.glob("*/**/__init__.py")
        if path.relative_to(ROOT).parts[0] not in NOT_OURS
        and not any(part.startswith(".") for part in path.relative_to(ROOT).parts)
    }
    assert sorted(listed_packages()) == sorted(found)


def test_every_package_is_typed() -> None:
    assert [p for p in listed_packages() if not (ROOT / p.replace(".", "/") / "py.typed").is_file()] == []


def test_doctor_knows_every_package() -> None:
    assert sorted(OWN_PACKAGES) == sorted({package.partition(".")[0] for package in listed_packages()})


def test_every_import_of_others_is_a_dependency() -> None:
    allowed = {*DEPENDENCIES, *sys.stdlib_module_names, *FLOOR, "tensorflow", "keras"}
    found = {target.partition(".")[0] for module in MODULES.values() for target in imports(module.tree)}
    assert found - allowed == set()


def _training_modules() -> set[str]:
    edges = _edges(typing_only=False, late=False)
    found = {
        name
        for name, module in MODULES.items()
        if {target.partition(".")[0] for target in imports(module.tree)} & {"tensorflow", "keras"}
    }
    while grown := {name for name, targets in edges.items() if targets & found} - found:
        found |= grown
    return found


def test_tensorflow_stays_with_the_training_of_the_network() -> None:
    training = _training_modules()
    assert "classifiers.train_cnn" in training
    assert {MODULES[name].package for name in training} == {"classifiers"}
    assert not training & {"classifiers.base", "classifiers.cnn", "classifiers.mlp", "classifiers.ensemble"}


@pytest.mark.parametrize(
    "statement",
    ["import leukoformula", "from commands.main import build_parser; build_parser().format_help()"],
)
def test_import_is_light(statement: str) -> None:
    code = f"import sys; {statement}; print(*[name for name in {HEAVY!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


def test_the_pipeline_runs_without_tensorflow() -> None:
    code = "import sys, leukoformula.pipeline, commands.report; print('tensorflow' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_every_file_of_a_package_is_installed() -> None:
    patterns = {
        package: [word.strip() for word in globs.split(",")]
        for package, globs in setup_cfg()["options.package_data"].items()
    }
    installed = {
        path
        for package in listed_packages()
        for pattern in (*patterns.get(package, []), *patterns["*"])
        for path in (ROOT / package.replace(".", "/")).glob(pattern)
    }
    lying_there = {
        path
        for package in listed_packages()
        for path in (ROOT / package.replace(".", "/")).rglob("*")
        if path.is_file() and path.suffix not in {".py", ".pyc"} and "work" not in path.parts
    }
    assert lying_there - installed == set()
