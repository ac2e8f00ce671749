"""Fetch files: resumed where they stopped, checked against their checksum, put in place in one step."""

import hashlib
import ipaddress
import re
import shutil
import stat
import zipfile
import zlib
from collections.abc import Callable
from multiprocessing.pool import ThreadPool
from pathlib import Path, PurePosixPath
from types import MappingProxyType
from urllib.parse import urlsplit

import requests
import urllib3
from requests.adapters import BaseAdapter
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

CHUNK_BYTES = 1 << 16
N_CONNECTIONS = 4  # tens of thousands of small files are latency; more would be rude to a public server
TIMEOUT_S = (10, 60)  # to connect, between two chunks

_WHY = MappingProxyType(
    {
        requests.exceptions.SSLError: "the server's certificate is not trusted",
        requests.exceptions.Timeout: "the server does not answer",
        requests.exceptions.ConnectionError: "the server cannot be reached",  # base of the ones above
        urllib3.exceptions.TimeoutError: f"the server sent nothing for {TIMEOUT_S[1]} s",
        urllib3.exceptions.ProtocolError: "the connection broke",
    }
)


class DownloadError(RuntimeError):
    """A transfer that cannot go on: the message says why and what to do."""


class Session(requests.Session):
    """Sends no request, not even one that a redirect asks for, that `check_url` refuses."""

    def get_adapter(self, url: str) -> BaseAdapter:
        try:
            check_url(url)
        except ValueError as error:
            raise DownloadError(str(error)) from error
        return super().get_adapter(url)


def check_url(url: str, name: str = "url") -> None:
    """Refuse an address that others could read or change on the way: only https is safe, or this very machine.

    Args:
        url: the address.
        name: what its giver calls it, for the message.

    Raises:
        ValueError: url is neither https nor plain http to a loopback address.
    """
    parts = urlsplit(url)
    if parts.hostname and (parts.scheme == "https" or (parts.scheme == "http" and _is_loopback(parts.hostname))):
        return
    raise ValueError(f"{name}={url} must begin with https:// (plain http is for loopback addresses such as 127.0.0.1)")


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:  # a name
        return False


def progress_bar() -> Progress:
    """A progress bar on standard error, to be used as a context."""
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    return Progress(*columns, console=Console(stderr=True))


def fetch(session: Session, url: str, target: Path, checksum: str | None, progress: Progress) -> None:
    """Fetch one file. What an interrupted transfer left in `<target>.part` is not fetched again.

    Args:
        session: keeps the connection open from file to file.
        url: https.
        target: appears once the file is whole and checked.
        checksum: of the whole file, "sha256:<digits>" or "md5:<digits>"; None where nobody says it, and then nothing
            is resumed.
        progress: gets a bar for this file.

    Raises:
        DownloadError: no connection, no such file, no room, or a wrong checksum twice.
    """
    part = target.with_name(f"{target.name}.part")
    kind, _, expected = (checksum or "").partition(":")
    try:
        if checksum is None:
            part.unlink(missing_ok=True)
        found = ""
        for _ in range(2):
            _transfer(session, url, part, progress)
            found = digest_of(part, kind) if kind else ""
            if found == expected:
                part.replace(target)
                return
            part.unlink()
    except OSError as error:  # requests' own are turned into words by _transfer
        raise DownloadError(
            f"{part} cannot be written ({error.strerror}); make room or choose another folder, then repeat the command"
        ) from error
    raise DownloadError(
        f"{url} is damaged: its {kind} is {found}, expected {expected}; try later or from another address"
    )


def _transfer(session: Session, url: str, part: Path, progress: Progress) -> None:
    """Repeat the request for as long as every attempt brings the file further."""
    task = progress.add_task(part.stem, total=None)
    try:
        while True:
            before = _size(part)
            try:
                _request(session, url, part, lambda done, total: progress.update(task, completed=done, total=total))
                return
            except (requests.RequestException, urllib3.exceptions.HTTPError) as error:
                if _size(part) <= before:
                    why = next((words for kind, words in _WHY.items() if isinstance(error, kind)), str(error))
                    raise DownloadError(f"{url}: {why}; the same command resumes where it stopped") from error
    finally:
        progress.remove_task(task)


def _request(session: Session, url: str, part: Path, report: Callable[[int, int | None], None]) -> None:
    """Append to `part` what it lacks, or write it anew where the server does not resume."""
    offset = _size(part)
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={offset}-"} if offset else {})
    with session.get(url, headers=headers, stream=True, timeout=TIMEOUT_S) as answer:
        extent = answer.headers.get("Content-Range", "")
        if answer.status_code == 416 and extent == f"bytes */{offset}":
            return  # killed between the last byte and the renaming
        if answer.status_code == 416 and offset:  # `part` is longer than the server's file
            part.unlink()
            _request(session, url, part, report)
            return
        if answer.status_code not in (200, 206):
            raise DownloadError(f"{url}: the server answers {answer.status_code} {answer.reason}; check the address")
        resumed = answer.status_code == 206
        if resumed and _first_byte(extent) != offset:
            raise DownloadError(f"{url}: asked for the bytes from {offset} on, the server sends {extent!r}")
        done = offset if resumed else 0
        length = answer.headers.get("Content-Length")
        total = None if length is None else done + int(length)
        part.parent.mkdir(parents=True, exist_ok=True)
        with part.open("ab" if resumed else "wb") as file:
            # not iter_content, which loses up to a chunk when the connection breaks
            while chunk := answer.raw.read1(CHUNK_BYTES, decode_content=False):
                file.write(chunk)
                done += len(chunk)
                report(done, total)


def _first_byte(extent: str) -> int | None:
    """Where a Content-Range ("bytes 100-199/200") begins."""
    found = re.match(r"bytes (\d+)-", extent)
    return int(found[1]) if found else None


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0


def digest_of(path: Path, kind: str) -> str:
    """Hash a file's content by sha256 or md5; md5 tells damage, not malice."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.new(kind, usedforsecurity=False)).hexdigest()


def fetch_listed(url: str, folder: Path, wanted: str) -> None:
    """Fetch what a folder on PhysioNet lists in its SHA256SUMS.txt, over several connections at once.

    Files that are there and fit their checksum are not fetched again.

    Args:
        url: the folder.
        folder: to fetch into.
        wanted: regular expression of the names to fetch; nothing else is written, wherever a list may point.

    Raises:
        DownloadError: the list names nothing that is wanted, or a file cannot be fetched.
    """
    url = url.rstrip("/")
    failed: list[DownloadError] = []
    with progress_bar() as progress, Session() as session:
        fetch(session, f"{url}/SHA256SUMS.txt", folder / "SHA256SUMS.txt", None, progress)
        sums = {name: sha256 for name, sha256 in _read_sums(folder / "SHA256SUMS.txt") if re.fullmatch(wanted, name)}
        if not sums:
            raise DownloadError(f"{url}/SHA256SUMS.txt lists no file of this database; check the address")
        silent = Progress(disable=True)

        def fetch_one(name: str) -> None:
            """Do nothing once a file has failed, so that all threads come to rest before the reason is said."""
            try:
                if not failed and not (_size(folder / name) and digest_of(folder / name, "sha256") == sums[name]):
                    fetch(session, f"{url}/{name}", folder / name, f"sha256:{sums[name]}", silent)
            except DownloadError as error:
                failed.append(error)

        with ThreadPool(N_CONNECTIONS) as pool:  # its threads do not keep a process alive that Ctrl-C has ended
            fetched = pool.imap_unordered(fetch_one, sums)
            for _ in progress.track(fetched, len(sums), description=f"{len(sums)} files"):
                pass
    if failed:
        raise failed[0]


def _read_sums(path: Path) -> list[tuple[str, str]]:
    """Name and checksum of every file, from lines as sha256sum writes them."""
    lines = (line.split(maxsplit=1) for line in path.read_text(encoding="utf-8", errors="replace").splitlines())
    return [(line[1].lstrip("*"), line[0].lower()) for line in lines if len(line) == 2]


def unpack(archive: Path, folder: Path) -> None:
    """Unpack a zip archive into a new folder, which appears once all of it is there.

    Raises:
        DownloadError: the archive is damaged, does not fit on the disk, or would write outside the folder.
    """
    part = folder.with_name(f"{folder.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    try:
        with zipfile.ZipFile(archive) as file:
            for member in file.infolist():
                _check_member(archive, member)
            file.extractall(part)
        part.rename(folder)
    except (zipfile.BadZipFile, zlib.error) as error:
        raise DownloadError(f"{archive} is no whole zip archive ({error}); remove it and fetch it again") from error
    except OSError as error:
        raise DownloadError(f"{archive} cannot be unpacked to {folder}: {error.strerror}") from error
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _check_member(archive: Path, member: zipfile.ZipInfo) -> None:
    name = PurePosixPath(member.orig_filename.replace("\\", "/"))
    if name.is_absolute() or ".." in name.parts or stat.S_ISLNK(member.external_attr >> 16):
        raise DownloadError(f"{archive} is refused: its member {member.orig_filename!r} could write outside the folder")
