"""Addresses of clients and the networks they are in: which of what a request says is believed.

python-ipware compares addresses with proxies as texts, so that 10.1 is 10.10 as well; this
compares networks.
"""

from collections.abc import Iterable
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

# In a list of proxies: a server that is asked over a Unix socket and so knows no address.
UNIX = "unix"
MAPPED = ip_network("::ffff:0:0/96")


def read_address(text: str) -> Address | None:
    """An address as proxies write it, maybe with a port; None where it is none.

    One of IPv4 that is mapped into IPv6 (RFC 4291 section 2.5.5.2) is one of IPv4.
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
    """An address or a network such as 10.0.0.0/8. Raises ValueError with a sentence."""
    network = ip_network(text)
    if isinstance(network, IPv6Network) and network.subnet_of(MAPPED):  # type: ignore[arg-type]
        within = IPv4Address(int(network.network_address) & 0xFFFF_FFFF)
        return IPv4Network((within, network.prefixlen - MAPPED.prefixlen))
    return network


@lru_cache(maxsize=16)
def read_networks(texts: tuple[str, ...]) -> tuple[Network, ...]:
    """Those that can be read; check says which cannot."""
    networks = []
    for text in texts:
        try:
            networks.append(read_network(text))
        except ValueError:
            continue
    return tuple(networks)


def is_within(address: Address, networks: Iterable[Network]) -> bool:
    return any(address in network for network in networks)


def client(remote: str, forwarded: str, trusted: tuple[str, ...]) -> Address | None:
    """Whoever sent a request, as far as `trusted` proxies tell; None where nobody can.

    `remote` is the peer of the connection, `forwarded` the value of X-Forwarded-For, to which
    each proxy appends whom it was asked by. It is read from the right: what stands to the left
    of the first address that is no trusted proxy's was written by that client.
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
