import os

import pytest

from openvnet.lab.directory import claim, is_alive, wait_until_let_go
from openvnet.lab.errors import LabError


def test_a_directory_belongs_to_one_lab_at_a_time(tmp_path):
    path, lock = claim(tmp_path / "lab")
    assert is_alive(path)
    with pytest.raises(LabError, match="A lab is running already"):
        claim(path)

    os.close(lock)
    assert not is_alive(path)
    wait_until_let_go(path)


def test_what_a_dead_lab_left_is_removed(tmp_path):
    path, lock = claim(tmp_path / "lab")
    (path / "lab.json").touch()
    os.close(lock)

    path, lock = claim(path)
    assert list(path.iterdir()) == []
    os.close(lock)


def test_only_its_user_may_look_into_it(tmp_path):
    path, lock = claim(tmp_path / "lab")
    assert path.stat().st_mode & 0o777 == 0o700
    os.close(lock)


def test_a_link_that_somebody_laid_there_is_not_followed(tmp_path):
    (tmp_path / "precious").mkdir()
    (tmp_path / "lab").symlink_to(tmp_path / "precious")

    with pytest.raises(LabError, match="belongs to somebody else"):
        claim(tmp_path / "lab")
    assert (tmp_path / "precious").is_dir()


def test_nobody_lives_where_there_is_no_directory(tmp_path):
    assert not is_alive(tmp_path / "lab")
    wait_until_let_go(tmp_path / "lab")
