"""Download a table from an address that the user gave, and from nowhere that is not meant for the public.

A name is resolved before anything is sent, the connection goes to the address that was checked, and every redirection
is checked in the same way: otherwise a table's address could reach services inside the network.
"""

from __future__ import annotations

import ipaddress
import re
import socket
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urljoin, urlsplit

from modelcompose.data.cells import LIMIT
from modelcompose.errors import Forbidden, InvalidData, NotFound

__all__ = ["download", "shown"]

STORES = {"s3": "s3fs", "gs": "gcsfs", "gcs": "gcsfs", "az": "adlfs", "abfs": "adlfs"}
REDIRECTIONS = 5
SECONDS = 60.0
LONGEST = 900.0
CHUNK = 1 << 20
HOST = re.compile(r"(?:\[[^\]]*\]|[^:]*)(?::\d*)?")
PUBLIC = ipaddress.ip_network("2000::/3")
PLATFORM = (ipaddress.ip_address("168.63.129.16"),)
"""An address that is public by its number, and answers with secrets of the machine inside a cloud."""


def download(address: str, folder: Path) -> tuple[Path, str]:
    """Download a file.

    Parameters
    ----------
    address
        ``http(s)://…``, or ``s3://…`` and its relatives where their package is installed.
    folder
        Where to put it.

    Returns
    -------
    tuple of Path and str
        The file, and the content type that the server named.

    Raises
    ------
    Forbidden
        When the address is not a public one.
    NotFound, InvalidData
        When there is nothing, or too much, or the server does not answer.
    """
    scheme = address.partition("://")[0].lower()
    if scheme in ("http", "https"):
        return _from_web(address, folder)
    if scheme in STORES and "::" not in address:
        return _from_store(address, folder, STORES[scheme]), ""
    raise InvalidData(
        f"Addresses that begin with {scheme}:// are not read.",
        where="data",
        remedy=f"Use https://, {', '.join(f'{one}://' for one in STORES)}, or a file.",
    )


def _from_web(address: str, folder: Path) -> tuple[Path, str]:
    import httpx

    place = shown(address)
    try:
        with httpx.Client(timeout=SECONDS, follow_redirects=False, trust_env=False) as client:
            for _ in range(REDIRECTIONS + 1):
                target_address, options = _checked(address)
                with client.stream("GET", target_address, **options) as answer:
                    if answer.has_redirect_location:
                        address = urljoin(address, answer.headers["location"])
                        continue
                    if answer.status_code in (404, 410):
                        raise NotFound(f"There is nothing at {place}.", where=place, remedy="Check the address.")
                    if answer.status_code != 200:
                        raise InvalidData(
                            f"The server answered {answer.status_code} ({answer.reason_phrase}).",
                            where=place,
                            remedy="Open the address in a browser; if you must sign in there, download the file.",
                        )
                    kind = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
                    target = folder / _name(address, answer.headers.get("content-disposition", ""))
                    _written(answer.iter_bytes(CHUNK), target, place)
                    return target, kind
    except (httpx.InvalidURL, ValueError):
        raise InvalidData("This is no address.", where=place, remedy="Check its host and port.") from None
    except httpx.HTTPError as error:
        raise InvalidData(
            f"The server could not be reached: {type(error).__name__}.", where=place, remedy="Try again later."
        ) from error
    raise InvalidData("The address redirects too often.", where=place, remedy="Use the address it ends at.")


def shown(address: str) -> str:
    """Return an address without name, password and query, which may be secret."""
    scheme, _, rest = address.partition("://")
    place = re.split(r"[?#]", rest, maxsplit=1)[0]
    host, slash, path = place.partition("/")
    host = host.rpartition("@")[2]
    if not HOST.fullmatch(host):
        return f"{scheme}://…"
    return f"{scheme}://{host}{slash}{path}"


def _checked(address: str) -> tuple[str, dict[str, Any]]:
    """Return the address with the checked IP in the place of the name, and what keeps name and certificate right."""
    parts = urlsplit(address)
    port, host = parts.port, parts.hostname or ""
    host = host if host.isascii() else host.encode("idna").decode()
    if parts.scheme not in ("http", "https") or not host:
        raise Forbidden(f"The address leads to {parts.scheme or 'nowhere'}.", where="data", remedy="Use https://.")
    number = _public(host, port or (443 if parts.scheme == "https" else 80))
    literal = f"[{number}]" if ":" in number else number
    target = parts._replace(netloc=f"{literal}:{port}" if port else literal, fragment="").geturl()
    named = f"[{host}]" if ":" in host else host
    headers = {
        "Host": f"{named}:{port}" if port else named,
        "Accept-Encoding": "identity",
        "User-Agent": "modelcompose",
    }
    options: dict[str, Any] = {"headers": headers, "extensions": {"sni_hostname": host}}
    if parts.username:
        options["auth"] = (unquote(parts.username), unquote(parts.password or ""))
    return target, options


def _public(host: str, port: int) -> str:
    """Resolve a name, and refuse it when any of its addresses is not a public one."""
    try:
        found = [str(entry[4][0]) for entry in _resolved(host, port)]
    except (OSError, ValueError):
        raise NotFound(f"There is no server named “{host}”.", where="data", remedy="Check the address.") from None
    if not found or not all(_allowed(ipaddress.ip_address(number.partition("%")[0])) for number in found):
        raise Forbidden(
            f"“{host}” is not a public address.",
            where="data",
            remedy="Download the file yourself, and put it into the workspace.",
        )
    return min(found, key=lambda number: ":" in number)


def _resolved(host: str, port: int) -> Iterable[tuple[Any, ...]]:
    return socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)


def _allowed(one: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    """Tell whether an address is that of a public host, and so is the one that it may hold.

    Of IPv6, public hosts are in 2000::/3 alone (https://www.iana.org/assignments/ipv6-address-space).
    """
    if isinstance(one, ipaddress.IPv6Address):
        inner = one.ipv4_mapped or one.sixtofour
        if inner:
            return _allowed(inner)
        return one in PUBLIC and one.is_global and not one.is_multicast
    return one.is_global and not one.is_multicast and one not in PLATFORM


def _name(address: str, disposition: str) -> str:
    """Name the file as the server does, else as the address ends; never with a path."""
    given = re.search(r'filename="?([^";]+)', disposition)
    name = given[1] if given else unquote(urlsplit(address).path.rstrip("/").rpartition("/")[2])
    return re.sub(r"[^\w.\- ]", "_", name.replace("\\", "/").rpartition("/")[2])[-100:].lstrip(".") or "download"


def _written(chunks: Iterable[bytes], target: Path, place: str) -> None:
    size, until = 0, time.monotonic() + LONGEST
    with target.open("wb") as file:
        for chunk in chunks:
            size += len(chunk)
            if time.monotonic() > until:
                raise InvalidData(
                    f"The download took longer than {LONGEST:.0f} seconds.",
                    where=place,
                    remedy="Download the file yourself, and put it into the workspace.",
                )
            if size > LIMIT:
                raise InvalidData(
                    f"The file has more than {LIMIT:,} bytes.", where=place, remedy="Keep what the question needs."
                )
            file.write(chunk)


def _from_store(address: str, folder: Path, package: str) -> Path:
    target, place = folder / _name(address, ""), shown(address)
    try:
        import fsspec

        with fsspec.open(address, "rb") as file:
            _written(iter(lambda: file.read(CHUNK), b""), target, place)
    except ImportError as error:
        extra = '"modelcompose[s3]"' if package == "s3fs" else package
        raise InvalidData(
            f"{address.partition('://')[0]}:// addresses need a package that is not installed.",
            where=place,
            remedy=f"Install it with: pip install {extra}",
        ) from error
    except FileNotFoundError:
        raise NotFound(f"There is nothing at {place}.", where=place, remedy="Check the address.") from None
    except PermissionError:
        raise InvalidData(
            "The store does not let you read it.", where=place, remedy="Check the credentials in the environment."
        ) from None
    except InvalidData:
        raise
    except Exception as error:  # each store has errors of its own
        raise InvalidData(
            f"The store could not be read ({type(error).__name__}).",
            where=place,
            remedy="Check the address and the credentials in the environment.",
        ) from error
    return target
