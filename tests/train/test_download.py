"""Downloads, from a server of our own."""

from __future__ import annotations

import errno
import hashlib
import io
import threading
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from gradcheck_cli.errors import FileError
from gradcheck_cli.train import cache
from gradcheck_cli.train.data import download
from gradcheck_cli.train.data.download import NoNetwork
from gradcheck_cli.train.data.mirrors import MIRRORS, Remote

CONTENT = bytes(range(256)) * 2000


class Handler(BaseHTTPRequestHandler):
    """Serves CONTENT; `state` says how often it hangs up in the middle, and what it was asked."""

    def __init__(self, state, *arguments):
        self.state = state
        super().__init__(*arguments)

    def do_GET(self):
        begin = 0
        wanted = self.headers.get("Range", "")
        self.state["asked"].append(wanted)
        if wanted and self.state["ranges"]:
            begin = int(wanted.removeprefix("bytes=").rstrip("-"))
        content = self.state["content"]
        self.send_response(206 if begin else 200)
        self.send_header("Content-Length", str(len(content) - begin))
        self.end_headers()
        if self.state["cuts"]:
            self.state["cuts"] -= 1
            self.wfile.write(content[begin : begin + 200_000])
            return
        self.wfile.write(content[begin:])

    def log_message(self, *_arguments):
        pass


@pytest.fixture
def mirror(monkeypatch):
    monkeypatch.setattr(download, "FILES", {"one": Remote(len(CONTENT), hashlib.sha256(CONTENT).hexdigest())})
    state = {"asked": [], "cuts": 0, "ranges": True, "content": CONTENT}
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, state))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/mnist", state
    server.shutdown()
    thread.join()
    server.server_close()


def fetched(folder, *mirrors):
    seen = []
    download.download(folder, mirrors, lambda name, have, size: seen.append((name, have, size)))
    return seen


def test_a_file_is_fetched_with_progress(mirror, tmp_path):
    address, _ = mirror
    seen = fetched(tmp_path / "deep" / "cache", address)
    assert (tmp_path / "deep" / "cache" / "one.gz").read_bytes() == CONTENT
    assert seen[-1] == ("one", len(CONTENT), len(CONTENT))
    assert [path.name for path in (tmp_path / "deep" / "cache").iterdir()] == ["one.gz"]


def test_the_next_mirror_goes_on_where_the_first_stopped(mirror, tmp_path):
    address, state = mirror
    state["cuts"] = 1
    fetched(tmp_path, address, address)
    assert state["asked"] == ["", "bytes=200000-"]
    assert (tmp_path / "one.gz").read_bytes() == CONTENT


def test_a_part_of_a_dead_process_is_taken_over(mirror, tmp_path):
    address, state = mirror
    (tmp_path / "one.gz.999999999.part").write_bytes(CONTENT[:1234])
    fetched(tmp_path, address)
    assert state["asked"] == ["bytes=1234-"]
    assert [path.name for path in tmp_path.iterdir()] == ["one.gz"]


def test_a_server_without_ranges_sends_all(mirror, tmp_path):
    address, state = mirror
    state["ranges"] = False
    state["cuts"] = 1
    fetched(tmp_path, address, address)
    assert (tmp_path / "one.gz").read_bytes() == CONTENT


def test_a_wrong_file_is_not_kept(mirror, tmp_path):
    address, state = mirror
    state["content"] = CONTENT[::-1]
    with pytest.raises(NoNetwork, match="another checksum"):
        fetched(tmp_path, address)
    assert list(tmp_path.iterdir()) == []


def test_what_is_there_is_not_fetched(mirror, tmp_path):
    address, state = mirror
    (tmp_path / "one.gz").write_bytes(CONTENT)
    fetched(tmp_path, address)
    assert state["asked"] == []


@pytest.mark.usefixtures("mirror")
def test_each_mirror_says_why(tmp_path):
    with pytest.raises(NoNetwork, match=r"127\.0\.0\.1:9: .*; 127\.0\.0\.1:7: "):
        fetched(tmp_path, "http://127.0.0.1:9/x", "http://127.0.0.1:7/x")


def test_a_connection_that_breaks_is_no_fault_of_the_disk(tmp_path, monkeypatch):
    class Answer(io.BytesIO):
        status = 200

        def read(self, _size=-1):
            found = super().read(10)
            if not found:
                raise OSError(errno.EHOSTUNREACH, "No route to host")
            return found

    monkeypatch.setattr("urllib.request.urlopen", lambda *_, **__: Answer(b"x" * 40))
    with pytest.raises(NoNetwork, match=r"one\.example: No route to host; two\.example: No route to host"):
        fetched(tmp_path, "http://one.example/mnist", "http://two.example/mnist")
    assert [path.stat().st_size for path in tmp_path.iterdir()] == [40]


def test_two_at_once_do_not_disturb_each_other(mirror, tmp_path, monkeypatch):
    address, _ = mirror
    monkeypatch.setattr(cache, "alive", lambda _process: True)
    monkeypatch.setattr(cache.os, "getpid", threading.get_ident)
    threads = [threading.Thread(target=fetched, args=(tmp_path, address)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (tmp_path / "one.gz").read_bytes() == CONTENT
    assert [path.name for path in tmp_path.iterdir()] == ["one.gz"]


def test_a_folder_that_cannot_be_made(mirror, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(FileError, match="cannot be written"):
        fetched(tmp_path / "file" / "cache", mirror[0])


def test_the_real_files_are_those_of_the_mirrors(data_dir):
    for name, remote in download.FILES.items():
        path = data_dir / f"{name}.gz"
        if path.is_file():
            assert path.stat().st_size == remote.size
            assert hashlib.sha256(path.read_bytes()).hexdigest() == remote.sha256


def test_there_are_two_mirrors_and_all_checksums():
    assert len({address.split("/")[2] for address in MIRRORS}) >= 2
    assert all(address.startswith("https://") for address in MIRRORS)
    assert [len(remote.sha256) for remote in download.FILES.values()] == [64] * 4
