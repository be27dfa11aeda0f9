"""The addresses of this machine that phones in the same network can reach."""

from PySide6.QtNetwork import QAbstractSocket, QHostAddress, QNetworkInterface


def lan_addresses() -> list[str]:
    """IPv4 addresses of interfaces that are up, in the order of the system."""
    found: list[QHostAddress] = []
    for interface in QNetworkInterface.allInterfaces():
        flags = interface.flags()
        up = QNetworkInterface.InterfaceFlag.IsUp in flags and QNetworkInterface.InterfaceFlag.IsRunning in flags
        if up and QNetworkInterface.InterfaceFlag.IsLoopBack not in flags:
            found.extend(entry.ip() for entry in interface.addressEntries())
    return [address.toString() for address in found if _is_usable(address)]


def _is_usable(address: QHostAddress) -> bool:
    ipv4 = address.protocol() == QAbstractSocket.NetworkLayerProtocol.IPv4Protocol
    return ipv4 and not address.isLinkLocal()
