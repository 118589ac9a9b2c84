"""The IP address of a client; X-Forwarded-For counts only from trusted proxies.

python-ipware compares the addresses of proxies as text prefixes, so that 10.1 also matches 10.10;
this module compares networks.
"""

from collections.abc import Iterable
from contextlib import suppress
from functools import lru_cache
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

# In a list of proxies: the peer of a Unix socket, which has no address.
UNIX = "unix"
MAPPED = ip_network("::ffff:0:0/96")


def read_address(text: str) -> Address | None:
    """Parse an address, optionally with a port; return None if it is invalid.

    IPv4-mapped IPv6 addresses (RFC 4291 section 2.5.5.2) become IPv4 addresses.
    """
    text = text.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ip_address(text)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def read_network(text: str) -> Network:
    """Parse an address or a network such as 10.0.0.0/8. Raises ValueError with a sentence."""
    network = ip_network(text)
    if isinstance(network, IPv6Network) and network.subnet_of(MAPPED):  # type: ignore[arg-type]
        within = IPv4Address(int(network.network_address) & 0xFFFF_FFFF)
        return IPv4Network((within, network.prefixlen - MAPPED.prefixlen))
    return network


@lru_cache(maxsize=16)
def read_networks(texts: tuple[str, ...]) -> tuple[Network, ...]:
    """Parse networks, without the invalid ones, which `check` reports."""
    networks = []
    for text in texts:
        with suppress(ValueError):
            networks.append(read_network(text))
    return tuple(networks)


def is_within(address: Address, networks: Iterable[Network]) -> bool:
    return any(address in network for network in networks)


def client(remote: str, forwarded: str, trusted: tuple[str, ...]) -> Address | None:
    """Return the address of the client as `trusted` proxies report it, or None.

    `remote` is the peer of the connection, `forwarded` the value of X-Forwarded-For, to which each
    proxy appends the address of its own client. It is read from the right, up to the first address
    that is not a trusted proxy's: that client may have written everything to the left of it.
    """
    if not trusted:
        return read_address(remote)
    networks = read_networks(trusted)
    hops = forwarded.split(",") if forwarded.strip() else []
    if remote or UNIX not in trusted:
        hops.append(remote)
    address = None
    for hop in reversed(hops):
        address = read_address(hop)
        if address is None or not is_within(address, networks):
            return address
    return address
