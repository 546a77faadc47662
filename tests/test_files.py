import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from birdsat import files
from birdsat.errors import InputError
from birdsat.files import (
    atomic_path,
    clear_leftovers,
    is_temporary,
    new_temporary,
    output_file,
    put_in_place,
    temporary_folder,
    write_atomic,
)

KILLED = """
import os, signal, sys
from pathlib import Path
from birdsat.files import new_temporary, temporary_folder
path = Path(sys.argv[1])
new_temporary(path).write_text("half")
with temporary_folder(path) as folder:
    (folder / "inner").mkdir()
    (folder / "inner" / "rows").write_text("half")
    os.kill(os.getpid(), signal.SIGKILL)
"""


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def kill_a_writer_of(path: Path) -> None:
    subprocess.run([sys.executable, "-c", KILLED, path], check=False)
    assert len(names(path.parent)) == 2 and all(is_temporary(left) for left in path.parent.iterdir())


def test_what_is_written_is_there_and_nothing_else(tmp_path: Path) -> None:
    write_atomic(tmp_path / "a.txt", "Å")
    write_atomic(tmp_path / "a.txt", b"new")
    assert names(tmp_path) == ["a.txt"]
    assert (tmp_path / "a.txt").read_bytes() == b"new"


def test_an_error_while_writing_leaves_the_old_file_and_no_other(tmp_path: Path) -> None:
    write_atomic(tmp_path / "a.txt", "old")
    with pytest.raises(KeyboardInterrupt), atomic_path(tmp_path / "a.txt") as partial:
        partial.write_text("half")
        raise KeyboardInterrupt
    assert names(tmp_path) == ["a.txt"]
    assert (tmp_path / "a.txt").read_text() == "old"


def test_two_who_write_the_same_file_at_once_do_not_meet(tmp_path: Path) -> None:
    with atomic_path(tmp_path / "a.txt") as one, atomic_path(tmp_path / "a.txt") as two:
        assert one != two
        one.write_text("one")
        two.write_text("two")
    assert (tmp_path / "a.txt").read_text() == "one"  # whose block ended last
    assert names(tmp_path) == ["a.txt"]


def test_a_block_that_removes_its_file_leaves_the_old_one(tmp_path: Path) -> None:
    write_atomic(tmp_path / "a.txt", "old")
    with atomic_path(tmp_path / "a.txt") as partial:
        partial.unlink()
    assert (tmp_path / "a.txt").read_text() == "old"


def test_a_link_that_lies_under_the_temporary_name_is_not_followed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = tmp_path / "mine.txt"
    mine.write_text("mine")
    monkeypatch.setattr(files.secrets, "token_hex", lambda _: "0" * 8)
    guessed = new_temporary(tmp_path / "a.txt")
    guessed.unlink()
    guessed.symlink_to(mine)
    with pytest.raises(FileExistsError):
        write_atomic(tmp_path / "a.txt", "theirs")
    assert mine.read_text() == "mine"


def test_a_link_under_the_final_name_is_replaced_and_what_it_leads_to_stays(tmp_path: Path) -> None:
    mine = tmp_path / "mine.txt"
    mine.write_text("mine")
    (tmp_path / "a.txt").symlink_to(mine)
    write_atomic(tmp_path / "a.txt", "new")
    assert (mine.read_text(), (tmp_path / "a.txt").read_text()) == ("mine", "new")


def test_files_may_be_read_by_whoever_the_umask_allows(tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        write_atomic(tmp_path / "a.txt", "")
    finally:
        os.umask(before)
    assert (tmp_path / "a.txt").stat().st_mode & 0o777 == 0o644


def test_a_name_as_long_as_the_file_system_allows_can_be_written(tmp_path: Path) -> None:
    name = "鸟" * 85
    write_atomic(tmp_path / name, "a bird")
    assert names(tmp_path) == [name]


def test_a_folder_that_is_not_there_is_told_by_the_name_that_was_given(tmp_path: Path) -> None:
    refused = pytest.raises(InputError, match=r"absent/a\.txt cannot be written.*check the folder")
    with refused as raised, output_file(tmp_path / "absent" / "a.txt"):
        pass
    assert ".part" not in str(raised.value)


def test_what_a_killed_process_left_is_removed_by_the_next_writer_in_the_folder(tmp_path: Path) -> None:
    kill_a_writer_of(tmp_path / "a.txt")
    (tmp_path / ".mine.part").touch()
    write_atomic(tmp_path / "b.txt", "")
    assert names(tmp_path) == [".mine.part", "b.txt"]


def test_what_a_living_process_is_writing_is_left_alone(tmp_path: Path) -> None:
    waiting = "import sys; from pathlib import Path; from birdsat.files import *\nnew_temporary(Path(sys.argv[1]))\n"
    script = waiting + "print('there', flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", script, tmp_path / "a.txt"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        clear_leftovers(tmp_path)
        (theirs,) = tmp_path.iterdir()
    clear_leftovers(tmp_path)  # it has ended
    assert not theirs.exists()


def test_of_another_machine_only_what_was_long_forgotten_is_removed(tmp_path: Path) -> None:
    fresh, old = tmp_path / ".a.00000000-1-1-00000000.part", tmp_path / ".b.00000000-1-1-00000000.part"
    fresh.touch()
    old.touch()
    os.utime(old, (time.time() - 8 * 86400,) * 2)
    clear_leftovers(tmp_path)
    assert names(tmp_path) == [fresh.name]


def test_a_leftover_that_is_a_link_is_removed_and_what_it_leads_to_stays(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "a.txt").touch()
    (tmp_path / "here").mkdir()
    kill_a_writer_of(tmp_path / "here" / "a.txt")
    folder = next(path for path in (tmp_path / "here").iterdir() if path.is_dir())
    name = folder.name
    files.shutil.rmtree(folder)
    (tmp_path / "here" / name).symlink_to(tmp_path / "mine")
    clear_leftovers(tmp_path / "here")
    assert names(tmp_path / "here") == [] and names(tmp_path / "mine") == ["a.txt"]


def test_a_temporary_folder_is_gone_afterwards_and_its_file_can_be_put_in_place(tmp_path: Path) -> None:
    with temporary_folder(tmp_path / "a.txt") as folder:
        assert folder.parent == tmp_path and is_temporary(folder)
        (folder / "made").write_text("whole")
        put_in_place(folder / "made", tmp_path / "a.txt")
    assert names(tmp_path) == ["a.txt"]
