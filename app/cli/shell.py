"""What every command shares: where the vault is, who opens it, and how results and refusals are told."""

import gc
import getpass
import json
import logging
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, is_dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

import typer

from app.config import Config
from app.errors import AppError, InvalidInput
from app.messages import sentence
from app.models.base import now
from app.services import Services
from app.services.secret import Secret
from app.services.vault.vaults import OpenVault, Vaults
from app.topics import Topic
from app.words import read_amount, tr

log = logging.getLogger(__name__)
ServicesOf = Callable[[Config, OpenVault], Services]
VARIABLE = "KAXIA_PASSPHRASE"


@dataclass(slots=True)
class Shell:
    """One run of the command line."""

    config: Config
    as_json: bool
    services_of: ServicesOf

    @property
    def vaults(self) -> Vaults:
        return Vaults(self.config)

    def passphrase(self) -> str:
        """`KAXIA_PASSPHRASE`, else asked for without an echo. Raises InvalidInput where there is nobody to ask."""
        given = os.environ.get(VARIABLE)
        if given is not None:
            return given
        if not sys.stdin.isatty():
            raise InvalidInput(VARIABLE, "no-passphrase")
        return getpass.getpass(tr("Passphrase: "))

    def new_passphrase(self) -> str:
        """The same for a vault to be made: what nobody sees while it is typed is typed twice."""
        if os.environ.get(VARIABLE) is not None:
            return self.passphrase()
        first = self.passphrase()
        if getpass.getpass(tr("The same once more: ")) != first:
            raise InvalidInput("passphrase", "not-the-same")
        return first

    @contextmanager
    def open(self) -> Iterator[Services]:
        """The services of the vault, closed again at the end.

        A command that wrote also lets go of what lay in the bin for long enough: where no window is ever opened,
        nobody else would.
        """
        vault = self.vaults.open(self.passphrase())
        written: set[Topic] = set()
        try:
            services = self.services_of(self.config, vault)
            vault.database.subscribe(written.update)
            gc.freeze()  # what was loaded stays: to look through it again and again for garbage takes a tenth of a sync
            yield services
            if written:
                _empty_bin(services)
        finally:
            vault.close()

    def tell(self, document: Mapping[str, Any] | list[Any], text: str | list[str]) -> None:
        """The result: one JSON document, or lines for a person."""
        if self.as_json:
            sys.stdout.write(json.dumps(plain(document), ensure_ascii=False) + "\n")
        else:
            sys.stdout.write((text if isinstance(text, str) else "\n".join(text)) + "\n")

    def refuse(self, error: AppError) -> None:
        """One sentence on stderr; with --json the error as data on stdout, too."""
        words = sentence(error)
        sys.stderr.write(words + "\n")
        self._tell_error(error.code, words, error.data)

    def misused(self, error: typer.TyperException) -> None:
        """What was typed wrong, or the help where nothing was typed; with --json as data on stdout, too."""
        words = error.format_message()
        sys.stderr.write(words + "\n")
        self._tell_error("usage", words.partition("\n")[0], {})

    def _tell_error(self, code: str, words: str, data: Mapping[str, Any]) -> None:
        if self.as_json:
            document = {"error": {"code": code, "message": words, "data": plain(data)}}
            sys.stdout.write(json.dumps(document, ensure_ascii=False) + "\n")

    def progress(self, done: int, total: int) -> None:
        """A counter on stderr when a person watches."""
        if sys.stderr.isatty():
            sys.stderr.write(f"\r{done:,} / {total:,} " + ("\n" if done >= total else ""))


def _empty_bin(services: Services) -> None:
    try:
        services.removals.purge_due(now())
    except AppError as refusal:  # the command itself is done; what is due goes with the next one
        log.warning("the recycle bin was not emptied: %s", refusal.code)


def plain(value: Any) -> Any:
    """Rows, instants and paths as JSON knows them."""
    if is_dataclass(value) and not isinstance(value, type):
        return plain(asdict(value))
    if isinstance(value, Mapping):
        return {str(key): plain(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(entry) for entry in value]
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    if isinstance(value, date | Path):
        return str(value)
    return value


def password_in(variable: str | None) -> Secret | None:
    return secret_in(variable, "zip_password_env")


def secret_in(variable: str | None, option: str) -> Secret | None:
    """What an environment variable holds; no name is none. Raises InvalidInput, with the option, for an empty one."""
    if not variable:
        return None
    secret = os.environ.get(variable)
    if not secret:
        raise InvalidInput(option, "required")
    return Secret(secret)


def minor(field: str, typed: str | None) -> int | None:
    """`200.00` → 20000. Raises InvalidInput."""
    if typed is None:
        return None
    amount_minor = read_amount(typed)
    if amount_minor is None:
        raise InvalidInput(field, "not-a-number")
    return amount_minor
