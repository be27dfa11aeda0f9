"""What every refusal is that a user can be told about."""

import re
from dataclasses import asdict
from typing import Any


class AppError(Exception):
    """Base of every expected refusal: a dataclass whose fields say what is wrong, never prose."""

    @property
    def code(self) -> str:
        """Stable name for scripts: `NotEnoughCards` → `not-enough-cards`."""
        return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", type(self).__name__).lower()

    @property
    def data(self) -> dict[str, Any]:
        return asdict(self)  # type: ignore[call-overload,no-any-return]  # every subclass is a dataclass

    def __str__(self) -> str:
        return f"{self.code} {self.data}"
