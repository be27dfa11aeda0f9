"""What the gates ask of the vault behind them."""

from typing import Protocol


class Doors(Protocol):
    """How a vault is opened: the service behind this screen."""

    def open(self, passphrase: str) -> object: ...
    def open_with_recovery_key(self, typed: str, new_passphrase: str) -> object: ...
