"""Ways out of the box: sockets of every family but one, other entries to that call, routes, the machine's sockets."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from functools import partial

from probe.calls import X32, call, call_32
from probe.trial import Held, Trial, each

KIND = "network"
FAMILIES = {
    0: "UNSPEC", 2: "INET", 3: "AX25", 4: "IPX", 5: "APPLETALK", 6: "NETROM", 7: "BRIDGE", 8: "ATMPVC", 9: "X25",
    10: "INET6", 11: "ROSE", 12: "DECNET", 13: "NETBEUI", 14: "SECURITY", 15: "KEY", 16: "NETLINK", 17: "PACKET",
    18: "ASH", 19: "ECONET", 20: "ATMSVC", 21: "RDS", 22: "SNA", 23: "IRDA", 24: "PPPOX", 25: "WANPIPE", 26: "LLC",
    27: "IB", 28: "MPLS", 29: "CAN", 30: "TIPC", 31: "BLUETOOTH", 32: "IUCV", 33: "RXRPC", 34: "ISDN", 35: "PHONET",
    36: "IEEE802154", 37: "CAIF", 38: "ALG", 39: "NFC", 40: "VSOCK", 41: "KCM", 42: "QIPCRTR", 43: "SMC", 44: "XDP",
    45: "MCTP",
}  # fmt: skip
TYPES = (socket.SOCK_STREAM, socket.SOCK_DGRAM, socket.SOCK_RAW, socket.SOCK_SEQPACKET)
MACHINE_SOCKETS = ("/var/run/docker.sock", "/run/docker.sock", "/run/containerd/containerd.sock",
                   "/run/systemd/private", "/run/dbus/system_bus_socket", "/run/podman/podman.sock")  # fmt: skip
SOCKET_FOLDERS = ("/run", "/var/run", "/tmp", "/var/tmp", "/home", "/root", "/var/lib")


def trials() -> Iterator[Trial]:
    for family, name in FAMILIES.items():
        yield Trial(KIND, f"socket(AF_{name})", partial(_open, family))
    yield Trial(KIND, "socket() of a family without a name", partial(_any_family, range(46, 128)))
    yield Trial(KIND, "socketpair() of another family than AF_UNIX", _pair)
    yield Trial(KIND, "socket(AF_INET) by the table with short pointers", partial(call, "socket", 2, 1, 0, table=X32))
    yield Trial(KIND, "socket(AF_INET) by the 32-bit entry", partial(call_32, "socket", 2, 1, 0))
    yield Trial(KIND, "connecting to this box's own address", _connect)
    yield Trial(KIND, "a route to a network", _route)
    yield Trial(KIND, "a socket of the machine", _machine_socket)


def _open(family: int) -> str:
    return each((f"type {int(kind)}", partial(call, "socket", family, int(kind), 0)) for kind in TYPES)


def _any_family(families: range) -> str:
    return each((f"family {family}", partial(_open, family)) for family in families)


def _pair() -> str:
    return each(
        (f"family {family}", partial(socket.socketpair, family, kind)) for family in FAMILIES for kind in TYPES[:2]
    )


def _connect() -> None:
    with socket.socket(socket.AF_INET) as made:
        made.settimeout(0.2)
        made.connect(("127.0.0.1", 1))


def _route() -> str:
    with open("/proc/net/route") as stream:
        routes = stream.read().splitlines()[1:]
    if not routes:
        raise Held("there is none")
    return routes[0].split()[0]


def _machine_socket() -> str:
    found = {name for name in MACHINE_SOCKETS if os.path.exists(name)}
    for folder in SOCKET_FOLDERS:
        for at, folders, names in os.walk(folder):
            if at.count("/") > 2:
                folders.clear()
            found.update(path for name in names if os.path.exists(path := os.path.join(at, name)) and _is_socket(path))
    return each((path, partial(socket.socket(socket.AF_UNIX).connect, path)) for path in sorted(found))


def _is_socket(path: str) -> bool:
    import stat

    return stat.S_ISSOCK(os.stat(path).st_mode)
