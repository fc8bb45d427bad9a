"""Output folders are filled whole or not at all."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest

from cells.errors import InputError
from commands.output import _alone, staged_folder


def names(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def test_files_appear_together(tmp_path: Path) -> None:
    out = tmp_path / "a" / "b"
    with staged_folder(out) as stage:
        (stage / "one").write_text("1")
        (stage / "below").mkdir()
        (stage / "below" / "two").write_text("2")
        assert not (out / "one").exists()
    assert names(out) == ["below", "below/two", "one"]


def test_a_failure_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="later"), staged_folder(tmp_path / "a" / "b") as stage:
        (stage / "one").write_text("1")
        raise ValueError("later")
    assert names(tmp_path) == []


def test_a_failure_leaves_what_was_there(tmp_path: Path) -> None:
    (tmp_path / "one").write_text("old")
    with pytest.raises(KeyboardInterrupt), staged_folder(tmp_path) as stage:
        (stage / "one").write_text("new")
        raise KeyboardInterrupt
    assert names(tmp_path) == ["one"]
    assert (tmp_path / "one").read_text() == "old"


def test_success_replaces_files_of_the_same_name(tmp_path: Path) -> None:
    (tmp_path / "one").write_text("old")
    (tmp_path / "other").write_text("stays")
    with staged_folder(tmp_path) as stage:
        (stage / "one").write_text("new")
    assert (tmp_path / "one").read_text() == "new"
    assert (tmp_path / "other").read_text() == "stays"


def test_an_error_of_ours_within_the_block_is_not_renamed(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="the smear"), staged_folder(tmp_path):
        raise InputError("the smear is empty")


@pytest.mark.parametrize("below", ["", "x"])
def test_a_file_in_the_way_is_named(tmp_path: Path, below: str) -> None:
    (tmp_path / "file").write_text("mine")
    with pytest.raises(InputError, match="--out"), staged_folder(tmp_path / "file" / below):
        pass
    assert (tmp_path / "file").read_text() == "mine"


def test_a_folder_in_the_place_of_a_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "report.pdf").mkdir()
    with pytest.raises(InputError, match="--out"), staged_folder(tmp_path) as stage:
        (stage / "report.pdf").write_text("new")
    assert names(tmp_path) == ["report.pdf"]


def test_outdated_files_go_where_the_block_ends_well(tmp_path: Path) -> None:
    for name in ("old.jpg", "new.jpg", "other"):
        (tmp_path / name).write_text("old")
    (tmp_path / "folder.jpg").mkdir()
    with (
        pytest.raises(ValueError, match="later"),
        staged_folder(tmp_path, outdated=lambda name: name.endswith(".jpg")) as stage,
    ):
        (stage / "new.jpg").write_text("new")
        raise ValueError("later")
    assert names(tmp_path) == ["folder.jpg", "new.jpg", "old.jpg", "other"]
    with staged_folder(tmp_path, outdated=lambda name: name.endswith(".jpg")) as stage:
        (stage / "new.jpg").write_text("new")
    assert names(tmp_path) == ["folder.jpg", "new.jpg", "other"]
    assert (tmp_path / "new.jpg").read_text() == "new"


@pytest.mark.parametrize("fault", [PermissionError(13, "Permission denied"), KeyboardInterrupt()])
def test_a_failure_while_files_move_leaves_what_was_there(
    fault: BaseException, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = {"a": "old", "c": "old", "gone": "old"}
    for name, text in before.items():
        (tmp_path / name).write_text(text)
    replace, unlink = Path.replace, Path.unlink

    def fail_at(name: str) -> None:
        def moved(path: Path, target: Path) -> Path:
            if path.name == name:
                raise fault
            return replace(path, target)

        def removed(path: Path, missing_ok: bool = False) -> None:
            if path.name == name:
                raise fault
            unlink(path, missing_ok)

        monkeypatch.setattr(Path, "replace", moved)
        monkeypatch.setattr(Path, "unlink", removed)

    for name in ("b", "c", "gone"):
        fail_at(name)
        with (
            pytest.raises((KeyboardInterrupt, PermissionError)),
            staged_folder(tmp_path, outdated=lambda name: name == "gone") as stage,
        ):
            for new in ("a", "b", "c"):
                (stage / new).write_text("new")
        assert {path.name: path.read_text() for path in tmp_path.iterdir()} == before


def test_two_runs_do_not_mix_their_files(tmp_path: Path) -> None:
    ready = Barrier(2)

    def run(word: str) -> None:
        for _ in range(30):
            with staged_folder(tmp_path) as stage:
                for number in range(8):
                    (stage / str(number)).write_text(word)
                ready.wait(20)

    with ThreadPoolExecutor(2) as pool:
        waiting = [pool.submit(run, word) for word in ("one", "two")]
        for _ in range(200):
            with _alone(tmp_path):
                texts = {path.read_text() for path in tmp_path.iterdir() if path.is_file()}
            assert len(texts) <= 1
        for one in waiting:
            one.result(60)
    assert len({(tmp_path / str(number)).read_text() for number in range(8)}) == 1
