"""Transfers from a server on loopback that is told to misbehave."""

import hashlib
import resource
import socket
import stat
import threading
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from rich.progress import Progress

from ecg_lightning.datasets.fetch import DownloadError, Session, check_url, fetch, fetch_listed, progress_bar, unpack
from tests.corpora.server import FileServer, serve

CONTENT = bytes(range(256)) * 400  # 102400 bytes
SHA256 = hashlib.sha256(CONTENT).hexdigest()
MD5 = hashlib.md5(CONTENT).hexdigest()


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FileServer]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    root = tmp_path / "served"
    root.mkdir()
    (root / "100.dat").write_bytes(CONTENT)
    with serve(root) as files:
        yield files


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "mitdb/100.dat"


@pytest.fixture
def get(server: FileServer, target: Path) -> Callable[..., None]:
    def get(name: str = "100.dat", checksum: str | None = f"sha256:{SHA256}") -> None:
        with Progress(disable=True) as progress, Session() as session:
            fetch(session, f"{server.url}/{name}", target, checksum, progress)

    return get


def part_of(target: Path) -> Path:
    return target.with_name(f"{target.name}.part")


def test_file_arrives_whole(get: Callable[..., None], target: Path) -> None:
    get()
    assert target.read_bytes() == CONTENT
    assert not part_of(target).exists()


def test_broken_connection_is_resumed_where_it_stopped(
    get: Callable[..., None], target: Path, server: FileServer
) -> None:
    server.cut["100.dat"] = [30_000, 50_000]
    get()
    assert target.read_bytes() == CONTENT
    assert [extent for _, extent in server.asked] == [None, "bytes=30000-", "bytes=80000-"]


def test_what_an_earlier_command_left_is_not_fetched_again(
    get: Callable[..., None], target: Path, server: FileServer
) -> None:
    server.cut["100.dat"] = [30_000, 0]
    with pytest.raises(DownloadError, match=r"/100.dat: the connection broke; the same command resumes where it stop"):
        get()
    assert part_of(target).read_bytes() == CONTENT[:30_000]
    assert not target.exists()
    get()
    assert target.read_bytes() == CONTENT
    assert server.asked[-1] == ("100.dat", "bytes=30000-")


def test_server_that_cannot_resume_sends_all_of_it_again(
    get: Callable[..., None], target: Path, server: FileServer
) -> None:
    server.resumes = False
    part_of(target).parent.mkdir()
    part_of(target).write_bytes(CONTENT[:30_000])
    get()
    assert target.read_bytes() == CONTENT


def test_server_that_breaks_at_the_same_place_for_ever_is_given_up(
    get: Callable[..., None], server: FileServer
) -> None:
    server.resumes = False
    server.cut["100.dat"] = [500] * 9
    with pytest.raises(DownloadError, match="the connection broke"):
        get()
    assert len(server.asked) == 2


@pytest.mark.parametrize("left", [CONTENT, CONTENT + b"more"], ids=["whole", "too long"])
def test_part_that_needs_no_more_bytes_is_finished(get: Callable[..., None], target: Path, left: bytes) -> None:
    part_of(target).parent.mkdir()
    part_of(target).write_bytes(left)
    get()
    assert target.read_bytes() == CONTENT


def test_server_that_resumes_at_another_place_is_refused(
    get: Callable[..., None], target: Path, server: FileServer
) -> None:
    part_of(target).parent.mkdir()
    part_of(target).write_bytes(CONTENT[:30_000])
    server.shift = 1000
    with pytest.raises(DownloadError, match=r"asked for the bytes from 30000 on, the server sends 'bytes 29000-1023"):
        get()


def test_corrupted_file_is_fetched_once_more(get: Callable[..., None], target: Path, server: FileServer) -> None:
    server.spoil["100.dat"] = 1
    get()
    assert target.read_bytes() == CONTENT
    assert len(server.asked) == 2


def test_file_that_stays_corrupted_is_refused_and_removed(
    get: Callable[..., None], target: Path, server: FileServer
) -> None:
    server.spoil["100.dat"] = 2
    with pytest.raises(DownloadError, match=rf"/100.dat is damaged: its sha256 is \w+, expected {SHA256}"):
        get()
    assert not target.exists()
    assert not part_of(target).exists()


def test_md5_serves_where_nobody_says_the_sha256(get: Callable[..., None], target: Path, server: FileServer) -> None:
    part_of(target).parent.mkdir()
    part_of(target).write_bytes(CONTENT[:30_000])
    get(checksum=f"md5:{MD5}")
    assert server.asked == [("100.dat", "bytes=30000-")]
    target.unlink()
    with pytest.raises(DownloadError, match=rf"/100.dat is damaged: its md5 is {MD5}, expected 0; try later"):
        get(checksum="md5:0")


def test_nothing_is_resumed_that_no_checksum_covers(get: Callable[..., None], target: Path, server: FileServer) -> None:
    part_of(target).parent.mkdir()
    part_of(target).write_bytes(b"older text")
    get(checksum=None)
    assert target.read_bytes() == CONTENT
    assert server.asked == [("100.dat", None)]


def test_absent_file_is_refused_and_no_folder_appears(get: Callable[..., None], target: Path) -> None:
    with pytest.raises(DownloadError, match=r"/999.dat: the server answers 404 Not Found; check the address"):
        get("999.dat")
    assert not target.parent.exists()


def test_refused_connection_is_said_in_words(target: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with Progress(disable=True) as progress, Session() as session:
        session.trust_env = False
        with pytest.raises(DownloadError, match="the server cannot be reached; the same command resumes"):
            fetch(session, f"http://127.0.0.1:{port}/100.dat", target, f"sha256:{SHA256}", progress)


def test_full_disk_is_said_in_words_and_resumed(get: Callable[..., None], target: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (65_536, hard))
    try:
        with pytest.raises(DownloadError, match=r"100.dat.part cannot be written \(File too large\); make room or"):
            get()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert not target.exists()
    get()
    assert target.read_bytes() == CONTENT


@pytest.mark.parametrize(
    "url",
    ["https://physionet.org/files/mitdb/1.0.0", "http://127.0.0.1:8000/x", "http://localhost/x", "http://[::1]/x"],
)
def test_https_and_loopback_are_allowed(url: str) -> None:
    check_url(url)


@pytest.mark.parametrize(
    "url", ["http://physionet.org/x", "http://10.0.0.1/x", "ftp://127.0.0.1/x", "/etc/x", "https:"]
)
def test_other_addresses_are_refused(url: str) -> None:
    with pytest.raises(ValueError, match=rf"url={url} must begin with https:// \(plain http is for loopback"):
        check_url(url)


def test_redirect_to_plain_http_is_refused_before_it_is_followed(get: Callable[..., None], server: FileServer) -> None:
    server.redirect["100.dat"] = "http://physionet.invalid/100.dat"
    with pytest.raises(DownloadError, match=r"url=http://physionet.invalid/100.dat must begin with https://"):
        get()


def test_message_names_the_address_as_its_giver_does() -> None:
    with pytest.raises(ValueError, match=r"^--source-url=ftp://x must begin with https://"):
        check_url("ftp://x", "--source-url")


def list_files(root: Path, *more: str) -> None:
    """Write the SHA256SUMS.txt of a folder, with lines of one's own."""
    files = sorted(path for path in root.rglob("*") if path.is_file())
    lines = [f"{hashlib.sha256(path.read_bytes()).hexdigest()} {path.relative_to(root)}" for path in files]
    (root / "SHA256SUMS.txt").write_text("\n".join((*lines, *more)))


def test_database_is_fetched_by_its_own_list(server: FileServer, tmp_path: Path) -> None:
    (server.root / "records").mkdir()
    (server.root / "records/7.hea").write_text("7 2 360 650000\n")
    (server.root / "index.html").touch()
    list_files(server.root)
    fetch_listed(f"{server.url}/", tmp_path / "mitdb", r"\d+\.dat|records/\d\.hea")
    found = sorted(str(path.relative_to(tmp_path / "mitdb")) for path in (tmp_path / "mitdb").rglob("*.*"))
    assert found == ["100.dat", "SHA256SUMS.txt", "records/7.hea"]


def test_several_files_are_fetched_at_once(server: FileServer, tmp_path: Path) -> None:
    for name in range(40):
        (server.root / f"{name}.hea").write_text(str(name))
    list_files(server.root)
    server.together = threading.Barrier(4, timeout=20)  # breaks unless four requests are under way at one time
    fetch_listed(server.url, tmp_path / "mitdb", r"\d+\.hea")
    assert {int(path.read_text()) for path in (tmp_path / "mitdb").glob("*.hea")} == set(range(40))


@pytest.mark.parametrize("name", ["../100.dat", "/etc/100.dat", "a/../../100.dat"])
def test_list_that_points_elsewhere_writes_nothing(server: FileServer, tmp_path: Path, name: str) -> None:
    (server.root / "100.dat").unlink()
    list_files(server.root, f"{SHA256} {name}")
    with pytest.raises(DownloadError, match=r"SHA256SUMS.txt lists no file of this database; check the address"):
        fetch_listed(server.url, tmp_path / "mitdb", r"\d+\.dat")
    assert [path.name for path in (tmp_path / "mitdb").iterdir()] == ["SHA256SUMS.txt"]


def test_listed_file_that_is_not_there_is_named(server: FileServer, tmp_path: Path) -> None:
    list_files(server.root, f"{SHA256} 101.dat")
    with pytest.raises(DownloadError, match=r"/101.dat: the server answers 404 Not Found; check the address"):
        fetch_listed(server.url, tmp_path / "mitdb", r"\d+\.dat")


def test_progress_goes_to_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    with progress_bar() as progress:
        list(progress.track([1], description="one file"))
    shown = capsys.readouterr()
    assert (shown.out, "one file" in shown.err) == ("", True)


def archive_of(path: Path, member: str | zipfile.ZipInfo, content: str = "x") -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("fine.txt", "fine")
        archive.writestr(member, content)
    return path


def test_archive_is_unpacked_whole(tmp_path: Path) -> None:
    unpack(archive_of(tmp_path / "a.zip", "001/glucose.csv", "5.1"), tmp_path / "out")
    assert (tmp_path / "out/001/glucose.csv").read_text() == "5.1"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.zip", "out"]


@pytest.mark.parametrize("member", ["../evil.txt", "/tmp/evil.txt", "a/../../evil.txt", "..\\evil.txt"])
def test_archive_that_writes_outside_is_refused_before_it_writes(tmp_path: Path, member: str) -> None:
    with pytest.raises(
        DownloadError, match=r"a.zip is refused: its member '.*evil.txt' could write outside the folder"
    ):
        unpack(archive_of(tmp_path / "a.zip", member), tmp_path / "out")
    assert [path.name for path in tmp_path.iterdir()] == ["a.zip"]


def test_archive_with_a_link_is_refused(tmp_path: Path) -> None:
    link = zipfile.ZipInfo("link")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with pytest.raises(DownloadError, match="its member 'link' could write outside"):
        unpack(archive_of(tmp_path / "a.zip", link, "/etc"), tmp_path / "out")


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_damaged_archive_is_refused_and_leaves_nothing(tmp_path: Path, method: int) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w", method) as archive:
        archive.writestr("100.dat", CONTENT)
    content = bytearray(path.read_bytes())
    content[60:70] = b"\xff" * 10
    path.write_bytes(content)
    with pytest.raises(DownloadError, match=r"a.zip is no whole zip archive"):
        unpack(path, tmp_path / "out")
    assert [path.name for path in tmp_path.iterdir()] == ["a.zip"]


def test_archive_is_not_unpacked_over_what_is_there(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out/mine.txt").touch()
    with pytest.raises(DownloadError, match=r"cannot be unpacked to .*/out: Directory not empty"):
        unpack(archive_of(tmp_path / "a.zip", "b.txt"), tmp_path / "out")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["mine.txt"]
