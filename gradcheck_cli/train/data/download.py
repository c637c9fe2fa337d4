"""Fetching MNIST: from the first mirror that answers, going on where a download stopped, checked, renamed when whole."""

from __future__ import annotations

import hashlib
import http.client
import urllib.error
import urllib.request
from typing import IO, TYPE_CHECKING

from gradcheck_cli.errors import FileError
from gradcheck_cli.train.cache import left_behind, part_of
from gradcheck_cli.train.data.mirrors import FILES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from gradcheck_cli.train.data.mirrors import Remote

    Progress = Callable[[str, int, int], None]
else:
    Progress = object

_BLOCK = 1 << 16
_PATIENCE = 15  # seconds for a connection or a block


class NoNetwork(Exception):  # noqa: N818 - a circumstance
    """No mirror could be reached, or none had the right file."""


def download(folder: Path, mirrors: Sequence[str], progress: Progress | None = None) -> None:
    """Put the files into a folder. Two processes may do so at once: each writes a part of its own and renames it.

    Raises NoNetwork with each mirror's reason, FileError where the folder cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, remote in FILES.items():
            target = folder / f"{name}.gz"
            if not target.is_file() or _checksum(target) != remote.sha256:
                _one(target, remote, mirrors, progress)
    except OSError as error:
        message = f"{folder}: cannot be written: {error.strerror or error}"
        raise FileError(message, hint="name a folder that has the files with --data") from error


def _one(target: Path, remote: Remote, mirrors: Sequence[str], progress: Progress | None) -> None:
    part = _claimed(target)
    reasons = []
    for mirror in mirrors:
        try:
            _get(f"{mirror}/{target.name}", part, remote, progress)
        except (urllib.error.URLError, http.client.HTTPException, TimeoutError, ConnectionError) as error:
            reasons.append(f"{mirror.split('/')[2]}: {getattr(error, 'reason', error)}")
            continue
        if _checksum(part) == remote.sha256:
            part.replace(target)
            return
        reasons.append(f"{mirror.split('/')[2]}: its {target.name} has another checksum")
        part.unlink()
    raise NoNetwork("; ".join(reasons))


def _claimed(target: Path) -> Path:
    """A part file that no other process writes: one left by a dead process is taken over by renaming it."""
    mine = part_of(target)
    for left in left_behind(target):
        try:
            left.replace(mine)
        except OSError:
            continue
        break
    return mine


def _get(address: str, part: Path, remote: Remote, progress: Progress | None) -> None:
    """Fetch what is missing of a part; a server that sends everything again is believed."""
    have = part.stat().st_size if part.exists() else 0
    if have >= remote.size:
        part.unlink()
        have = 0
    request = urllib.request.Request(address)  # noqa: S310 - the mirrors are ours, all of them http
    if have:
        request.add_header("Range", f"bytes={have}-")
    with urllib.request.urlopen(request, timeout=_PATIENCE) as answer:  # noqa: S310
        begun = have if answer.status == http.client.PARTIAL_CONTENT else 0
        with part.open("ab" if begun else "wb") as file:
            for block in _blocks(answer):
                file.write(block)
                begun += len(block)
                if begun > remote.size:
                    return  # not the file: its checksum will say so
                if progress:
                    progress(part.name.split(".")[0], begun, remote.size)
    if begun < remote.size:
        message = f"the connection ended after {begun:,} of {remote.size:,} bytes"
        raise ConnectionError(message)


def _blocks(answer: IO[bytes]) -> Iterator[bytes]:
    """What arrives; ConnectionError for every way in which it can end early, so that the disk is not blamed."""
    try:
        while block := answer.read(_BLOCK):
            yield block
    except OSError as error:
        raise ConnectionError(error.strerror or str(error)) from error


def _checksum(path: Path) -> str:
    found = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            found.update(block)
    return found.hexdigest()
