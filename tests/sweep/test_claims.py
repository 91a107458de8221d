"""Claims: one living process has a name; a dead one's is free at once."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from ttrec_cli.errors import DataError
from ttrec_cli.sweep.claims import Claims

HOLD = "import sys; from ttrec_cli.sweep.claims import Claims; from pathlib import Path\n"
HOLD += "print(Claims(Path(sys.argv[1])).take('name'), flush=True); sys.stdin.read()"


@pytest.fixture
def holder(tmp_path: Path):
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "True\n"
    yield process
    process.kill()
    process.communicate()


def test_a_name_is_taken_once_and_free_after_its_holder_was_killed(holder, tmp_path: Path) -> None:
    claims = Claims(tmp_path)
    assert not claims.take("name")
    assert f"process {holder.pid} on " in claims.holder("name")
    assert claims.take("other")
    holder.kill()
    holder.wait()
    assert claims.take("name")
    assert f"process {os.getpid()} on " in claims.holder("name")


def test_released_names_leave_nothing(tmp_path: Path) -> None:
    claims, others = Claims(tmp_path), Claims(tmp_path)
    for _ in range(3):
        assert claims.take("name")
        assert not others.take("name")
        claims.release("name")
        assert others.take("name")
        others.release_all()
    assert list((tmp_path / "claims").iterdir()) == []
    assert claims.holder("name") == ""


def test_a_file_removed_while_it_was_waited_for_is_made_anew(holder, tmp_path: Path) -> None:
    code = HOLD.replace("take('name')", "take('name', wait=True)")
    waiting = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with pytest.raises(subprocess.TimeoutExpired):
        waiting.wait(1)
    (tmp_path / "claims" / "name").unlink()  # as its holder does when it gives the name back
    holder.kill()
    assert waiting.stdout.readline() == "True\n"
    assert not Claims(tmp_path).take("name")
    waiting.kill()
    waiting.communicate()


def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "claims").write_text("in the way")
    with pytest.raises(DataError, match="cannot be written"):
        Claims(tmp_path).take("name")
