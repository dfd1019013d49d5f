"""Files from the network: fetched once, whole, checked by their hash, and going on where a transfer broke off.

Libraries that fetch files for programs know whole hashes alone and begin a broken transfer anew; published weights
have the first digits of theirs in their names, and are large.
"""

from __future__ import annotations

import hashlib
import re
import shutil
from email.message import Message
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from typing import BinaryIO
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

from core.errors import DownloadError
from core.files import hidden_name, open_own, publish
from core.locks import Lock
from core.progress import Meter

MAX_BYTES = 4 << 30
"""A longer file is refused."""
TRIES = 4
"""Transfers in a row that may break off without a byte more."""
TIMEOUT = 30.0
"""Seconds without an answer or a byte."""
_CHUNK = 1 << 17
_ROOM = 16 << 20
"""Bytes that are to stay free."""


def download(url: str, target: Path, sha256: str) -> None:
    """Fetch what is at an address (http, https), unless it is there; its SHA-256 must begin with these digits.

    What came of a broken transfer stays in a hidden file beside ``target``, from where the next call goes on. Raises
    `DownloadError` where it cannot be reached, breaks off, has no room or is another file, of which nothing is kept;
    `BusyError` where another process fetches it.
    """
    if urlsplit(url).scheme not in ("http", "https"):
        raise DownloadError(f"{url} is no address of the web.")
    target.parent.mkdir(parents=True, exist_ok=True)
    with Lock(
        hidden_name(target, ".lock"), f"{target.name} is being fetched by another process: wait for it."
    ):
        if target.exists():
            return
        part = hidden_name(target, ".download")
        with open_own(part) as file:
            resumed = file.seek(0, 2) > 0
            _fetch(url, target, file)
            found = _sha256(file)
            if resumed and not found.startswith(sha256):  # it may have changed between the two
                file.truncate(0)
                _fetch(url, target, file)
                found = _sha256(file)
        if not found.startswith(sha256):
            part.unlink()
            raise DownloadError(
                f"{url} is another file than was published: its SHA-256 begins with {found[: len(sha256)]}, not "
                f"{sha256}; nothing of it is kept."
            )
        publish(part, target)


def _fetch(url: str, target: Path, file: BinaryIO) -> None:
    """Bring a file to its whole length; what breaks off is asked for again."""
    reason = ""
    for _ in range(TRIES):
        before = file.seek(0, 2)
        try:
            if _transfer(url, target, file):
                return
            reason = "the connection ended early"
        except HTTPError as error:
            raise DownloadError(
                f"{url} cannot be fetched: the server says {error.code} {error.reason}."
            ) from None
        except (HTTPException, URLError, TimeoutError, ConnectionError) as error:
            reason = str(getattr(error, "reason", None) or error) or type(error).__name__
        except OSError as error:
            raise DownloadError(
                f"{target} cannot be written ({error.strerror}): make room for it; the same command then goes on."
            ) from error
        if file.seek(0, 2) == before == 0:
            break
    done = file.seek(0, 2)
    if not done:
        raise DownloadError(f"{url} cannot be reached ({reason}): is there a network?")
    raise DownloadError(
        f"{url} broke off after {done:,} bytes ({reason}): the same command goes on from there."
    )


def _transfer(url: str, target: Path, file: BinaryIO) -> bool:
    """Add what is missing of a file, as far as the connection holds; returns whether it is whole."""
    begun = file.seek(0, 2)
    request = Request(url, headers={"Range": f"bytes={begun}-"} if begun else {})
    try:
        response: HTTPResponse = urlopen(request, timeout=TIMEOUT)
    except HTTPError as error:
        if (
            begun and error.code == 416
        ):  # nothing is missing, or it is a shorter file by now: its hash will tell
            return True
        raise
    with response:
        start, total = _extent(response.status, response.headers, begun)
        file.truncate(start)
        file.seek(start)
        _require_room(url, target, start, total)
        with Meter(f"Fetching {target.stem}, kB", total // 1000 if total else None) as meter:
            meter.skip(start // 1000)
            done = start
            while chunk := response.read1(_CHUNK):
                file.write(chunk)
                meter.advance(parts=(done + len(chunk)) // 1000 - done // 1000)
                done += len(chunk)
                if done > MAX_BYTES:
                    raise DownloadError(
                        f"{url} does not end after {MAX_BYTES:,} bytes: it is no file of weights."
                    )
    file.flush()
    return total is None or done >= total


def _extent(status: int, headers: Message, begun: int) -> tuple[int, int | None]:
    """Where an answer begins in the file, and the whole length, if the server states it."""
    told = re.fullmatch(r"bytes (\d+)-\d+/(\d+)", headers.get("Content-Range", ""))
    if status == 206 and told and int(told[1]) <= begun:
        return int(told[1]), int(told[2])
    length = headers.get("Content-Length", "")
    return 0, int(length) if length.isdecimal() else None


def _require_room(url: str, target: Path, start: int, total: int | None) -> None:
    if total is None:
        return
    if total > MAX_BYTES:
        raise DownloadError(
            f"{url} has {total:,} bytes, more than the {MAX_BYTES:,} that are fetched at most."
        )
    free = shutil.disk_usage(target.parent).free
    if free < total - start + _ROOM:
        raise DownloadError(
            f"{url} takes {(total - start) / 1e6:.1f} MB more, and {target.parent} has {free / 1e6:.1f} MB free: make "
            "room there, or set XDG_CACHE_HOME to another folder."
        )


def _sha256(file: BinaryIO) -> str:
    file.flush()
    file.seek(0)
    digest = hashlib.sha256()
    while chunk := file.read(1 << 20):
        digest.update(chunk)
    return digest.hexdigest()
