"""Which addresses of endpoints are asked: encrypted ones, and those that cannot leave the house."""

import ipaddress
from urllib.parse import urlsplit

from app.errors import InvalidInput

LOOPBACK = "127.0.0.1"


def checked_url(typed: str) -> str:
    """The address as it is kept. Raises InvalidInput for one that would carry codes in plain over the net."""
    url = typed.strip().rstrip("/")
    try:
        parts = urlsplit(url)
        host, plain = parts.hostname or "", parts.scheme == "http" and _is_near(parts.hostname or "")
        odd = parts.username or parts.password or parts.query or parts.fragment or (parts.port or 1) < 1
    except ValueError as error:
        raise InvalidInput("url", "not-https") from error
    if not host or odd or not (parts.scheme == "https" or plain):
        raise InvalidInput("url", "not-https")
    return url


def checked_host(typed: str) -> str:
    """An address of this machine as it is listened on; empty means this machine only. Raises InvalidInput."""
    typed = typed.strip()
    try:
        address = ipaddress.IPv4Address(typed or LOOPBACK)
    except ValueError as error:
        raise InvalidInput("lan", "not-an-ip-address") from error
    if address.is_unspecified or address.is_multicast:  # no phone could call it
        raise InvalidInput("lan", "not-an-ip-address")
    return str(address)


def host_of(url: str) -> str:
    return urlsplit(url).hostname or ""


def _is_near(host: str) -> bool:
    """This machine, or one behind the same router."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_private
    except ValueError:
        return False
