"""Downloads come from public addresses only, whatever the name says, and stop where they are too large."""

from __future__ import annotations

import datetime as dt
import gzip
import socket
import ssl
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import ModuleType
from typing import ClassVar

import certifi
import fsspec
import pytest

from modelcompose.data import address, read
from modelcompose.data.readers import fetch, local_path
from modelcompose.errors import Forbidden, InvalidData, NotFound

LINES = b"x,y\n1,2\n3,4\n"
XY = {"x": [1, 3], "y": [2, 4]}
FORBIDDEN = (
    "http://127.0.0.1/t.csv",
    "http://localhost/t.csv",
    "http://10.1.2.3/t.csv",
    "http://172.16.0.1/t.csv",
    "http://192.168.1.1/t.csv",
    "http://100.64.0.1/t.csv",
    "http://169.254.169.254/latest/meta-data/t.csv",
    "http://168.63.129.16/t.csv",
    "http://0.0.0.0/t.csv",
    "http://255.255.255.255/t.csv",
    "http://224.0.0.1/t.csv",
    "http://198.18.0.1/t.csv",
    "http://2130706433/t.csv",
    "http://0x7f000001/t.csv",
    "http://0177.0.0.1/t.csv",
    "http://127.1/t.csv",
    "http://[::1]/t.csv",
    "http://[::]/t.csv",
    "http://[::ffff:127.0.0.1]/t.csv",
    "http://[::ffff:a9fe:a9fe]/t.csv",
    "http://[::7f00:1]/t.csv",
    "http://[fe80::1]/t.csv",
    "http://[fc00::1]/t.csv",
    "http://[fd00:ec2::254]/t.csv",
    "http://[64:ff9b::7f00:1]/t.csv",
    "http://[2002:7f00:1::]/t.csv",
    "http://[2001:0:4136:e378:8000:63bf:80ff:fffe]/t.csv",
    "http://me:secret@127.0.0.1/t.csv?token=secret",
    "https://127.0.0.1:8443/t.csv",
)


class Site(BaseHTTPRequestHandler):
    """A server whose answers are those of ``pages``: status, headers, content."""

    pages: ClassVar[dict[str, tuple[int, dict[str, str], bytes]]] = {}
    asked: ClassVar[list[tuple[str, str, str]]] = []

    def do_GET(self) -> None:
        self.asked.append((self.path, self.headers.get("Host", ""), self.headers.get("Authorization", "")))
        status, headers, content = self.pages[self.path.partition("?")[0]]
        self.send_response(status)
        for name, value in {"Content-Length": str(len(content)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A server of this machine by a public name, whose address alone is let through."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Site)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    ours, resolve = "example.org", address._resolved
    monkeypatch.setattr(address, "_resolved", lambda host, port: resolve("127.0.0.1" if host == ours else host, port))
    monkeypatch.setattr(address, "_allowed", allow_one(address._allowed))
    Site.pages, Site.asked = {}, []
    yield f"http://{ours}:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


def allow_one(allowed):
    """Let one address of this machine through; all others are judged as ever."""
    return lambda one: str(one) == "127.0.0.1" or allowed(one)


def answer(path: str, content: bytes = LINES, status: int = 200, **headers: str) -> None:
    Site.pages[path] = (status, {name.replace("_", "-"): value for name, value in headers.items()}, content)


@pytest.fixture(autouse=True)
def nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """Numbers resolve as ever; no name is ever asked for outside of this machine."""
    resolve = socket.getaddrinfo

    def resolved(host: str, port: int, *args: object, **options: object) -> list[tuple[object, ...]]:
        known = host == "localhost" or ":" in host or host[:1].isdigit()
        if not known:
            raise socket.gaierror(f"no such name: {host}")
        return resolve(host, port, *args, **options)

    monkeypatch.setattr(socket, "getaddrinfo", resolved)


@pytest.mark.parametrize("source", FORBIDDEN)
def test_addresses_that_are_not_public_are_refused_before_anything_is_sent(source, monkeypatch):
    monkeypatch.setattr(socket.socket, "connect", lambda *_: pytest.fail("something was sent"))
    with pytest.raises(Forbidden, match="is not a public address") as caught:
        read(source)
    assert "secret" not in str(caught.value)
    assert local_path(source) is None


@pytest.mark.parametrize("number", ["8.8.8.8", "1.1.1.1", "2606:4700:4700::1111", "::ffff:8.8.8.8"])
def test_public_addresses_are_let_through(number):
    assert address._public(number, 443) == number


def test_a_name_is_refused_when_any_of_its_addresses_is_private(monkeypatch):
    found = [(2, 1, 6, "", ("93.184.215.14", 80)), (2, 1, 6, "", ("192.168.0.7", 80))]
    monkeypatch.setattr(address, "_resolved", lambda host, port: found)
    with pytest.raises(Forbidden, match=r"“data\.example\.org” is not a public address"):
        read("http://data.example.org/t.csv")
    monkeypatch.setattr(address, "_resolved", lambda host, port: [])
    with pytest.raises(Forbidden):
        read("http://data.example.org/t.csv")


def test_the_connection_goes_to_the_address_that_was_checked(site, monkeypatch):
    """A name that means another address the second time it is asked for leads nowhere else."""
    answer("/t.csv")
    times = []
    resolve = address._resolved
    monkeypatch.setattr(address, "_resolved", lambda host, port: (times.append(host), resolve(host, port))[1])
    frame, notes = read(f"{site}/t.csv")
    assert frame.to_dict("list") == XY
    assert times == ["example.org"]
    assert Site.asked[0][1] == site.removeprefix("http://")
    assert notes == (f"Downloaded from {site}/t.csv.",)


@pytest.mark.parametrize(
    ("place", "error"),
    [
        ("http://127.0.0.2/t.csv", Forbidden),
        ("http://[::1]/t.csv", Forbidden),
        ("//169.254.169.254/t.csv", Forbidden),
        ("file:///etc/passwd", Forbidden),
        ("ftp://8.8.8.8/t.csv", Forbidden),
        ("http://nowhere.example/t.csv", NotFound),
        ("http://[bad/t.csv", InvalidData),
    ],
)
def test_a_redirection_is_checked_like_an_address(place, error, site):
    answer("/t.csv", b"", 302, Location=place)
    with pytest.raises(error) as caught:
        read(f"{site}/t.csv")
    assert caught.value.remedy


def test_redirections_are_followed_but_not_for_ever(site):
    answer("/old.csv", b"", 301, Location="/new.csv")
    answer("/new.csv")
    assert read(f"{site}/old.csv")[0].to_dict("list") == XY
    answer("/round.csv", b"", 302, Location="/round.csv")
    with pytest.raises(InvalidData, match="redirects too often"):
        read(f"{site}/round.csv")
    assert len(Site.asked) == 2 + address.REDIRECTIONS + 1
    answer("/lost.csv", b"", 304)
    with pytest.raises(InvalidData, match="answered 304"):
        read(f"{site}/lost.csv")


def test_name_and_password_are_used_and_never_shown(site):
    answer("/t.csv")
    host = site.removeprefix("http://")
    _, notes = read(f"http://me:secret@{host}/t.csv?token=secret")
    assert Site.asked == [("/t.csv?token=secret", host, "Basic bWU6c2VjcmV0")]
    assert "secret" not in " ".join(notes)
    for status in (401, 404, 500):
        answer("/t.csv", b"", status)
        with pytest.raises((InvalidData, NotFound)) as caught:
            read(f"http://me:secret@{host}/t.csv?token=secret")
        assert "secret" not in str(caught.value)
    with pytest.raises(InvalidData) as caught:
        read("http://me:se/cret@host/t.csv")
    assert "cret" not in str(caught.value).replace("secret", "")
    answer("/away.csv", b"", 302, Location=f"http://127.0.0.1:{host.partition(':')[2]}/t.csv")
    answer("/t.csv")
    read(f"http://me:secret@{host}/away.csv")
    assert Site.asked[-1][2] == ""


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("/export", {"Content_Type": "text/csv; charset=utf-8"}),
        ("/export.php", {"Content_Type": "text/csv"}),
        ("/export", {"Content_Disposition": 'attachment; filename="t.csv"'}),
        ("/export", {"Content_Disposition": "attachment; filename=../../etc/t.csv"}),
        ("/a%2F..%2Ft.csv", {}),
        ("/t.csv", {"Content_Type": "application/octet-stream"}),
    ],
)
def test_the_format_is_told_by_the_name_or_else_by_the_server(path, headers, site):
    answer(path, **headers)
    with fetch(f"{site}{path}") as fetched:
        assert fetched.path.suffix == ".csv"
        assert fetched.path.parent.name.startswith("modelcompose-")
        assert len(fetched.sha256) == 64
        assert read(fetched)[0].to_dict("list") == XY
        assert fetched.path.exists()
    assert not fetched.path.exists()


def test_a_choice_stands_after_the_address(site):
    answer("/t.csv.gz", gzip.compress(b"a;b\n1,5;2\n2,5;3\n"))
    frame, notes = read(f"{site}/t.csv.gz?x=1#decimal=,&delimiter=;")
    assert frame["a"].tolist() == [1.5, 2.5]
    assert "Unpacked from t.csv.gz." in notes


@pytest.mark.parametrize("path", ["/t.csv", "/t.xlsx", "/t.parquet", "/t.json", "/t", "/page.html"])
def test_a_web_page_in_the_place_of_a_table_is_told(path, site):
    answer(path, b"<!DOCTYPE html><html><body>Sign in</body></html>", Content_Type="text/html")
    with pytest.raises(InvalidData, match=r"web page|“\.html” cannot be read") as caught:
        read(f"{site}{path}")
    assert caught.value.remedy


def test_downloads_stop_at_the_limit_of_size_and_time(site, monkeypatch):
    answer("/t.csv", LINES * 1000)
    monkeypatch.setattr(address, "LIMIT", 1000)
    with pytest.raises(InvalidData, match="more than 1,000 bytes"):
        read(f"{site}/t.csv")
    monkeypatch.setattr(address, "LIMIT", 10**6)
    monkeypatch.setattr(address, "LONGEST", -1.0)
    with pytest.raises(InvalidData, match="took longer"):
        read(f"{site}/t.csv")


def test_packed_answers_are_limited_as_unpacked_ones(site, monkeypatch):
    answer("/t.csv", gzip.compress(LINES * 100_000), Content_Encoding="gzip")
    monkeypatch.setattr(address, "LIMIT", 100_000)
    with pytest.raises(InvalidData, match="more than 100,000 bytes"):
        read(f"{site}/t.csv")


def test_an_answer_that_breaks_off_is_no_table(site):
    answer("/t.csv", LINES, Content_Length="1000")
    with pytest.raises(InvalidData, match="could not be reached"):
        read(f"{site}/t.csv")


@pytest.mark.parametrize(
    "source",
    [
        "ftp://example.org/t.csv",
        "gopher://example.org/t.csv",
        "file:///etc/passwd",
        "memory://t.csv",
        "simplecache::s3://bucket/t.csv",
        "s3://bucket::file:///etc/passwd",
        "http:///t.csv",
        "http://host:port/t.csv",
        "http://exa mple.org/t.csv",
        "http://" + "a" * 70 + ".example/t.csv",
        "http://bücher.example/t.csv",
        "http://a\x00b/t.csv",
        "https://nowhere.example/t.csv",
    ],
)
def test_other_schemes_and_addresses_that_are_none_are_refused_in_words(source):
    with pytest.raises((InvalidData, Forbidden, NotFound)) as caught:
        read(source)
    assert caught.value.where
    assert caught.value.remedy


def test_a_missing_package_of_a_store_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "s3fs", None)
    # Another test may have loaded the store's package already: the original registry is emptied, too.
    monkeypatch.setattr(sys.modules["fsspec.registry"], "_registry", {})
    monkeypatch.setattr(sys.modules["fsspec.registry"], "registry", {})
    with pytest.raises(InvalidData, match="package that is not installed") as caught:
        read("s3://bucket/t.csv")
    assert 'pip install "modelcompose[s3]"' in caught.value.remedy


@pytest.mark.parametrize(
    ("error", "told", "kind"),
    [
        (FileNotFoundError("x"), "nothing at s3://bucket/t.csv", NotFound),
        (PermissionError("x"), "does not let you", InvalidData),
        (RuntimeError("key=secret"), "RuntimeError", InvalidData),
    ],
)
def test_what_a_store_refuses_is_told_without_secrets(error, told, kind, monkeypatch):
    def opened(*_: object, **__: object) -> ModuleType:
        raise error

    monkeypatch.setattr(fsspec, "open", opened)
    with pytest.raises(kind, match=told) as caught:
        read("s3://bucket/t.csv?versionId=secret")
    assert "secret" not in str(caught.value)


def test_where_a_source_lies_is_known_without_reading_it(tmp_path: Path):
    (tmp_path / "odd#name.csv").write_bytes(LINES)
    assert local_path("t.csv", tmp_path) == tmp_path / "t.csv"
    assert local_path("t.csv#decimal=,", tmp_path) == tmp_path / "t.csv"
    assert local_path("odd#name.csv", tmp_path) == tmp_path / "odd#name.csv"
    assert local_path("t.db#SELECT 'http://x' AS u", tmp_path) == tmp_path / "t.db"
    assert local_path("sqlite:///t.db#t", tmp_path) == tmp_path / "t.db"
    assert local_path("sqlite:////etc/t.db", tmp_path) == Path("/etc/t.db")
    assert local_path("duckdb:///../t.duckdb", tmp_path) == tmp_path / "../t.duckdb"
    assert local_path("postgresql://host/db#t", tmp_path) is None
    assert local_path("s3://bucket/t.csv", tmp_path) is None
    assert read("odd#name.csv", tmp_path)[0].to_dict("list") == XY


def certificate(name: str, folder: Path) -> Path:
    """Write a certificate for a name, signed by itself, and its key into one file."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = dt.datetime.now(dt.UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path = folder / f"{name}.pem"
    path.write_bytes(signed.public_bytes(serialization.Encoding.PEM) + secret)
    return path


@pytest.mark.parametrize(("name", "right"), [("example.org", True), ("other.example", False)])
def test_a_certificate_is_checked_against_the_name_not_the_number(name, right, site, tmp_path, monkeypatch):
    path = certificate(name, tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    asked = []
    context.sni_callback = lambda socket, host, context: asked.append(host)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Site)
    server.handle_error = lambda *_: None
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    monkeypatch.setattr(certifi, "where", lambda: str(path))
    answer("/t.csv")
    try:
        if right:
            assert read(f"https://example.org:{server.server_port}/t.csv")[0].to_dict("list") == XY
        else:
            with pytest.raises(InvalidData, match="could not be reached"):
                read(f"https://example.org:{server.server_port}/t.csv")
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
    assert asked == ["example.org"]
