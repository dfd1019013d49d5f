"""The cache of built libraries: private, and only what is whole and nobody else's is taken from it."""

import json
import os
import time
from pathlib import Path

import pytest

from core.kernels import cache
from core.kernels.cache import Cache, Unusable

NAME = "kernels-0123-4567.so"
CONTENT = b"\x7fELF and so on" * 1000
ANOTHER = os.geteuid() + 1000


def make(path):
    path.write_bytes(CONTENT)


@pytest.fixture(autouse=True)
def _home(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "cache" / "mindvideo" / "kernels"


@pytest.fixture
def full(folder):
    """A cache with one library."""
    made = cache.of_the_user()
    assert made.add(NAME, make, compiler="g++") == folder / NAME
    return made


def mode(path):
    return path.stat().st_mode & 0o777


@pytest.mark.parametrize("umask", [0o000, 0o002, 0o022, 0o077])
def test_all_is_the_users_alone(folder, umask):
    before = os.umask(umask)
    try:
        cache.of_the_user().add(NAME, make)
    finally:
        os.umask(before)
    assert mode(folder) == mode(folder.parent) == 0o700
    assert {path.name: mode(path) for path in folder.iterdir()} == {
        NAME: 0o600,
        "kernels-0123-4567.json": 0o600,
    }
    assert cache.of_the_user().find(NAME) == folder / NAME


def test_the_record_says_what_was_made(full, folder):
    record = json.loads((folder / NAME).with_suffix(".json").read_text())
    with (folder / NAME).open("rb") as file:
        assert record == {"bytes": len(CONTENT), "compiler": "g++", "sha256": cache.hash_of(file)}


def test_what_is_not_there_is_not_found(full):
    assert full.find("kernels-another.so") is None


def test_a_folder_that_others_may_read_is_used(full, folder):
    folder.chmod(0o755)
    assert cache.of_the_user().find(NAME) == folder / NAME


def test_links_above_are_followed(full, folder, tmp_path, monkeypatch):
    (tmp_path / "link").symlink_to(tmp_path / "cache")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "link"))
    assert cache.of_the_user().find(NAME) == folder / NAME


@pytest.mark.parametrize("bits", [0o020, 0o002, 0o022])
def test_a_folder_that_others_may_write_is_not_used(full, folder, bits):
    folder.chmod(0o700 | bits)
    with pytest.raises(Unusable, match=f"{folder} may be written by others"):
        cache.of_the_user()


def test_a_folder_that_is_a_link_is_not_used(full, folder, tmp_path):
    folder.rename(tmp_path / "elsewhere")
    folder.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(Unusable, match="is a link"):
        cache.of_the_user()


def test_a_folder_of_another_user_is_not_used(full, folder, monkeypatch):
    if folder.stat().st_uid == 0:
        os.chown(folder, ANOTHER, -1)
    else:
        monkeypatch.setattr(os, "geteuid", lambda: ANOTHER)
    with pytest.raises(Unusable, match=f"{folder} belongs to another user"):
        cache.of_the_user()


def test_roots_library_is_anybodys(full, folder, monkeypatch):
    if folder.stat().st_uid != 0:
        pytest.skip("not root here")
    monkeypatch.setattr(os, "geteuid", lambda: ANOTHER)
    assert cache.of_the_user().find(NAME) == folder / NAME


def shorten(path):
    os.truncate(path, len(CONTENT) // 2)


def lengthen(path):
    path.write_bytes(CONTENT + b"\0")


def spoil(path):
    path.write_bytes(CONTENT[:-1] + b"x")


def empty(path):
    path.write_bytes(b"")


def replace_by_a_link(path):
    path.rename(path.with_suffix(".real"))
    path.symlink_to(path.with_suffix(".real"))


def replace_by_a_pipe(path):
    path.unlink()
    os.mkfifo(path)


def let_others_write(path):
    path.chmod(0o620)


def give_away(path):
    if os.geteuid() != 0:
        pytest.skip("only root can give files away")
    os.chown(path, ANOTHER, -1)


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        (shorten, "is damaged"),
        (lengthen, "is damaged"),
        (spoil, "is damaged"),
        (empty, "is damaged"),
        (replace_by_a_link, "symbolic link"),
        (replace_by_a_pipe, "is a link or of another kind"),
        (let_others_write, "may be written by others"),
        (give_away, "belongs to another user"),
    ],
)
def test_what_was_harmed_is_made_anew(full, folder, caplog, harm, said):
    harm(folder / NAME)
    assert full.find(NAME) is None
    [record] = caplog.records
    assert said in record.getMessage() and str(folder / NAME) in record.getMessage()
    assert full.add(NAME, make) == folder / NAME
    assert full.find(NAME).read_bytes() == CONTENT
    assert (folder / NAME).lstat().st_uid == os.geteuid() and mode(folder / NAME) == 0o600


@pytest.mark.parametrize("harm", [replace_by_a_link, let_others_write, give_away, Path.unlink])
def test_a_record_that_was_harmed_is_none(full, folder, harm):
    harm((folder / NAME).with_suffix(".json"))
    assert full.find(NAME) is None
    full.add(NAME, make)
    assert full.find(NAME) == folder / NAME


@pytest.mark.parametrize(
    "text",
    ["", "[]", "null", "{", '"text"', "{}", '{"sha256": null, "bytes": 14000}', "[" * 60000, "\0" * 80, "é"],
)
def test_a_record_of_anything_else_is_none(full, folder, text):
    (folder / NAME).with_suffix(".json").write_bytes(text.encode("latin-1"))
    assert full.find(NAME) is None


def test_a_build_that_fails_leaves_what_there_was(full, folder):
    def fail(path):
        path.write_bytes(b"half")
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        full.add(NAME, fail)
    assert full.find(NAME).read_bytes() == CONTENT
    assert len(list(folder.iterdir())) == 2


def test_a_disk_without_room(full, folder):
    def fail(path):
        raise OSError(28, "No space left on device")

    with pytest.raises(Unusable, match=f"{folder} cannot be written \\(No space left on device\\)"):
        full.add(NAME, fail)


def age(days, *paths):
    for path in paths:
        os.utime(path, (time.time() - days * 86400,) * 2)


def test_what_was_not_used_for_long_goes_when_something_is_added(full, folder):
    old = [folder / name for name in ("kernels-1.so", "onednn-1.so", "onednn-1.json", ".kernels-1.abc.so")]
    young = [folder / name for name in ("kernels-2.so", "onednn-2.so")]
    for path in (*old, *young):
        path.write_bytes(b"")
    age(cache.KEPT_DAYS + 1, *old)
    age(cache.KEPT_DAYS - 1, *young)
    full.find(NAME)
    assert all(path.exists() for path in old)
    full.add("kernels-3.so", make)
    assert not any(path.exists() for path in old)
    assert all(path.exists() for path in young)


def test_use_keeps_a_library(full, folder):
    age(cache.KEPT_DAYS + 1, *folder.iterdir())
    full.find(NAME)
    full.add("kernels-3.so", make)
    assert full.find(NAME) == folder / NAME


def test_records_that_save_time_are_kept_where_possible(full):
    full.remember("original-1.json", {"sha256": "0"})
    assert full.recall("original-1.json") == {"sha256": "0"}
    Cache(Path("/proc/nowhere")).remember("original-1.json", {})
    assert full.recall("original-2.json") == {}


def test_a_parent_that_is_no_folder(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    with pytest.raises(Unusable, match="cannot be used"):
        cache.of_the_user()


def test_a_colon_in_the_name(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "a:b"))
    with pytest.raises(Unusable, match="has a colon in its name"):
        cache.of_the_user()


def test_the_cache_follows_the_standard(monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", "relative/is/to/be/ignored")
    monkeypatch.setenv("HOME", os.sep + "home")
    assert cache.user_folder() == Path("/home/.cache/mindvideo/kernels")


def test_without_a_home(monkeypatch):
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", "here")
    with pytest.raises(Unusable, match="HOME is not an absolute path"):
        cache.of_the_user()

    def nobody():
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "home", nobody)
    with pytest.raises(Unusable, match="this user has no home folder"):
        cache.of_the_user()


def test_a_cache_of_this_process(tmp_path, monkeypatch):
    monkeypatch.setattr(cache.tempfile, "tempdir", str(tmp_path))
    ours = cache.of_this_process()
    assert ours.folder.parent == tmp_path and mode(ours.folder) == 0o700
    ours.add(NAME, make)
    cache._remove(ours.folder, os.getpid() + 1)
    assert ours.find(NAME)
    cache._remove(ours.folder, os.getpid())
    assert not ours.folder.exists()
    monkeypatch.setattr(cache.tempfile, "tempdir", str(tmp_path / "nowhere"))
    with pytest.raises(Unusable, match="no folder for temporary files"):
        cache.of_this_process()
