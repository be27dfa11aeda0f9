"""`python -m sync.server`: serve the endpoint, migrate its database, add merchants."""

import argparse
import gc
import json
import logging
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import MutableMapping
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

import msgspec
import structlog
from filelock import FileLock, Timeout

from sync.faults import Discreet, told
from sync.memory import keep_memory_off_the_disk
from sync.server import access, copying, epochs, feed, recovery, verifying
from sync.server.database import Store, opened
from sync.server.dialects import file_of, is_address, is_postgres, shown
from sync.server.endpoint import Endpoint, now_ms
from sync.server.problems import KINDS, Refusal, in_words
from sync.server.secret_files import ServerSecrets, is_in_environment, load_or_make

if TYPE_CHECKING:
    import uvicorn

DEFAULT_DATABASE = "kaxia-endpoint.db"
POLL_S = 0.1
UNREAD = "the rest cannot be read. Put a backup back, and say so with `restored`."
LOCK_S = 3.0
"""Whoever looks whether an endpoint runs holds its lock for an instant; a running one holds it for good."""
TAKEN = 75
"""EX_TEMPFAIL of sysexits.h."""
SWITCH_S = 0.0002
"""Writer and event loop hand the interpreter to each other after every statement; 5 ms each time would be a queue."""


class Taken(RuntimeError):
    """Another endpoint has the database."""


def main() -> int:
    """Exit 0 done, 1 refused with a sentence, 2 usage, 75 for another time: another endpoint has the database."""
    keep_memory_off_the_disk()
    os.umask(0o077)  # who owns the endpoint reads its files, nobody else
    arguments = _parser().parse_args()
    _log(verbose=arguments.verbose)
    try:
        return int(arguments.run(arguments))
    except Taken as taken:
        sys.stderr.write(f"{taken}\n")
        return TAKEN
    except Refusal as refusal:
        sys.stderr.write(KINDS[refusal.key][1] + "\n")
        return 1
    except OSError as error:
        sys.stderr.write(f"{in_words(error)}\n")
        return 1
    except (ValueError, RuntimeError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    except KeyboardInterrupt:
        return 130


def serve(arguments: argparse.Namespace) -> int:
    """Run until told to stop."""
    store = Store(arguments.database)
    alone = _alone(arguments.database)
    if alone is not None:
        _run_file(arguments.database).unlink(missing_ok=True)  # left by a process that was killed
    store.migrate()
    secrets = load_or_make(_secret_file(arguments), store.read_now(feed.pepper_id))
    server = _server(Endpoint(store, secrets, arguments.trusted_proxies))
    for ending in (signal.SIGINT, signal.SIGTERM):  # uvicorn raises what it heard once more at its end
        signal.signal(ending, lambda *_: setattr(server, "should_exit", True))
    listening, url = _listening(arguments.host, arguments.port)
    if alone is not None:
        _run_file(arguments.database).write_text(json.dumps({"pid": os.getpid(), "url": url}), "utf-8")
    sys.stdout.write(f"listening on {url}\n")
    sys.stdout.flush()
    _settle()
    server.run(sockets=[listening])
    if alone is not None:
        _run_file(arguments.database).unlink(missing_ok=True)
        alone.release()
    return 0 if server.started else 1


def _server(endpoint: Endpoint) -> "uvicorn.Server":
    import uvicorn

    from sync.server.app import application
    from sync.server.hot import HotHttp

    config = uvicorn.Config(
        application(endpoint),
        http=HotHttp,
        log_config=None,
        access_log=False,
        lifespan="on",
        server_header=False,
        date_header=False,
        timeout_graceful_shutdown=5,
        proxy_headers=False,
    )
    config.load()
    return uvicorn.Server(config)


def _settle() -> None:
    """For many short requests."""
    sys.setswitchinterval(SWITCH_S)
    gc.collect()
    gc.freeze()  # what was made until now stays for good, and the rest is short-lived: look for circles less often
    gc.set_threshold(20_000, 20, 100)


def _listening(host: str, port: int) -> tuple[socket.socket, str]:
    """The socket and its address. Raises OSError with a sentence."""
    listening = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
        listening.listen(1024)
    except OSError as error:
        listening.close()
        why = (error.strerror or str(error)).lower()
        raise OSError(f"Cannot listen on {host} port {port}: {why}. Choose another --port or --host.") from error
    shown_host = f"[{host}]" if ":" in host else host
    return listening, f"http://{shown_host}:{listening.getsockname()[1]}"


def migrate(arguments: argparse.Namespace) -> int:
    Store(arguments.database).migrate()
    sys.stdout.write(f"{shown(arguments.database)} is up to date\n")
    return 0


def verify(arguments: argparse.Namespace) -> int:
    """Look whether the books agree; exit 1 with what does not."""
    store = _of_this_version(arguments.database)
    secrets = _own_secrets(arguments, store) if arguments.deep else None
    verdict = store.read_now(lambda transaction: verifying.verify(transaction, deep=arguments.deep, secrets=secrets))
    store.stop()
    if arguments.json:
        sys.stdout.write(msgspec.json.encode(verdict).decode() + "\n")
    else:
        looked = ", ".join(f"{count:,} {table}" for table, count in verdict.checked.items())
        lines = [*map(str, verdict.findings), f"{'whole' if verdict.ok else 'NOT WHOLE'}: {looked or UNREAD}"]
        if arguments.deep and secrets is None:
            lines.append(
                "The receipts were not looked at: the endpoint's secrets are not here. Name them by --secrets."
            )
        sys.stdout.write("\n".join(lines) + "\n")
    return 0 if verdict.ok else 1


def _own_secrets(arguments: argparse.Namespace, store: Store) -> ServerSecrets | None:
    """Those that the database was made with, if they are here; none are made."""
    if not is_in_environment() and not _secret_file(arguments).exists():
        return None
    return load_or_make(_secret_file(arguments), store.read_now(feed.pepper_id))


def restored(arguments: argparse.Namespace) -> int:
    """Say that the database was put back: nobody redeems until desktops have given back what is missing."""
    with opened(_that_is_there(arguments.database)) as store:
        if not store.read_now(feed.epoch):
            raise ValueError(f"{shown(arguments.database)} was never served: there is nothing to be missed.")
        epoch = store.write_now(lambda transaction: epochs.begin_anew(transaction, now_ms(), cause="operator"))
        waiting = store.read_now(lambda t: t.all("SELECT id FROM merchant WHERE recovering_ms IS NOT NULL"))
    sys.stdout.write(
        f"A new epoch has begun: {epoch}. {len(waiting):,} of its merchants wait for their desktops: until each has "
        "synced, nothing is redeemed there. `lift` ends it by hand.\n"
    )
    return 0


def lift(arguments: argparse.Namespace) -> int:
    """End a merchant's recovery though some of its desktops were not heard."""
    merchant = str(arguments.merchant)
    with opened(_that_is_there(arguments.database)) as store:
        store.write_now(
            lambda transaction: recovery.lift_by_operator(transaction, merchant, arguments.reason, now_ms()), merchant
        )
    sys.stdout.write(f"{merchant} redeems again. What its desktops still hold is taken when they sync.\n")
    return 0


def _that_is_there(database: str) -> str:
    """Raises ValueError with a sentence: a name that is mistyped is no new database."""
    if not is_postgres(database) and not file_of(database).exists():
        raise ValueError(f"There is no database {shown(database)}. Check the name.")
    return database


def backup(arguments: argparse.Namespace) -> int:
    """Copy the database while it serves. Without the secrets: a copy with them would be worth stealing."""
    if is_postgres(arguments.database):
        raise ValueError("PostgreSQL makes its own backups: pg_dump, or a base backup with its log. See the README.")
    _of_this_version(arguments.database)
    verdict = copying.copy(arguments.database, arguments.out)
    looked = ", ".join(f"{count:,} {table}" for table, count in verdict.checked.items())
    sys.stdout.write(f"{arguments.out}: {looked}\nThe secrets are not in it: keep them, and keep them apart.\n")
    return 0


def _of_this_version(database: str) -> Store:
    """Raises ValueError with a sentence."""
    store = Store(database)
    if not store.is_up_to_date():
        raise ValueError(f"{shown(database)} has no endpoint's tables of this version. Run migrate first.")
    return store


def add_merchant(arguments: argparse.Namespace) -> int:
    """Make a merchant and print the pairing code for its first desktop; again for a new code."""
    with opened(arguments.database) as store:
        made = store.write_now(
            lambda transaction: access.add_merchant(
                transaction,
                name=arguments.name,
                merchant_id=str(arguments.merchant_id or ""),
                slug=arguments.slug,
                at_ms=now_ms(),
            )
        )
    if arguments.json:
        document = {"merchant_id": made.merchant_id, "slug": made.slug, "pairing_code": made.code}
        sys.stdout.write(json.dumps(document) + "\n")
    else:
        sys.stdout.write(f"merchant      {made.merchant_id}\nslug          {made.slug}\npairing code  {made.code}\n")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m sync.server", description="The endpoint of Kaxia.")
    parser.add_argument("--verbose", action="store_true", help="one log line per request")
    commands = parser.add_subparsers(required=True)
    database = argparse.ArgumentParser(add_help=False)
    database.add_argument(
        "--database",
        type=_database,
        default=os.environ.get("KAXIA_ENDPOINT_DATABASE", DEFAULT_DATABASE),
        help="a file, or postgresql://user:password@host/name",
    )
    run = commands.add_parser("serve", parents=[database], help="run the endpoint")
    run.add_argument("--port", type=_port, default=8787, help="0 takes a free one")
    run.add_argument("--host", default="127.0.0.1")
    run.add_argument("--secrets", type=Path, help="file of the pepper and the signing key")
    run.add_argument("--trusted-proxies", type=_hops, default=0, help="own hops in X-Forwarded-For")
    run.set_defaults(run=serve)
    step = commands.add_parser("migrate", parents=[database], help="bring the database up to date")
    step.set_defaults(run=migrate)
    look = commands.add_parser("verify", parents=[database], help="look whether the books agree, beside a running one")
    look.add_argument("--deep", action="store_true", help="every event and every card, too")
    look.add_argument("--json", action="store_true")
    look.add_argument("--secrets", type=Path, help="file of the pepper and the signing key")
    look.set_defaults(run=verify)
    keep = commands.add_parser("backup", parents=[database], help="copy a database file while it serves")
    keep.add_argument("--out", type=Path, required=True, help="a file that is not there yet")
    keep.set_defaults(run=backup)
    _add_restoring(commands, database)
    merchant = commands.add_parser("merchant", help="merchants").add_subparsers(required=True)
    add = merchant.add_parser("add", parents=[database], help="add a merchant, or make a new pairing code")
    add.add_argument("--name", required=True)
    add.add_argument("--slug", default="", help="short name in the address of the pick-up page")
    add.add_argument("--merchant-id", type=UUID, help="UUID of a vault's merchant")
    add.add_argument("--json", action="store_true")
    add.set_defaults(run=add_merchant)
    return parser


def _add_restoring(commands: Any, database: argparse.ArgumentParser) -> None:
    back = commands.add_parser(
        "restored", parents=[database], help="say that the database was put back from a backup, at once after it"
    )
    back.set_defaults(run=restored)
    end = commands.add_parser("lift", parents=[database], help="wait no longer for what desktops give back")
    end.add_argument("--merchant", type=UUID, required=True)
    end.add_argument("--reason", type=_words, required=True, help="why some desktops are not waited for")
    end.set_defaults(run=lift)


def _port(typed: str) -> int:
    port = int(typed)
    if not 0 <= port <= 65_535:
        raise argparse.ArgumentTypeError("a port is a number from 0 to 65535")
    return port


def _hops(typed: str) -> int:
    hops = int(typed)
    if hops < 0:
        raise argparse.ArgumentTypeError("so many of your own, or 0")
    return hops


def _words(typed: str) -> str:
    if not typed.strip():
        raise argparse.ArgumentTypeError("say why, in some words")
    return typed.strip()


def _database(typed: str) -> str:
    if not typed or ("://" in typed and not is_postgres(typed) and not typed.startswith("sqlite:///")):
        raise argparse.ArgumentTypeError("a file, sqlite:///file, or postgresql://user@host/name")
    if is_postgres(typed) and not is_address(typed):
        raise argparse.ArgumentTypeError("an address in which a sign like % or @ of a password is written %25 or %40")
    return typed


def _alone(database: str) -> FileLock | None:
    """SQLite has exactly one server process. Raises Taken with a sentence for a second one."""
    if is_postgres(database):
        return None
    path = file_of(database)
    path.parent.mkdir(parents=True, exist_ok=True)
    lock, before = FileLock(f"{path}.lock"), _told_by(database)
    deadline = time.monotonic() + LOCK_S
    while True:
        try:
            lock.acquire(timeout=POLL_S, poll_interval=0.01)
            return lock
        except Timeout as error:
            if time.monotonic() < deadline and _told_by(database) in ("", before):
                continue  # a glance; or one that is just starting and has not told where it is
            raise Taken(f"Another endpoint uses {path}. Stop it first, or choose another database.") from error


def _told_by(database: str) -> str:
    """What the endpoint that runs, or ran last, wrote down; empty without one."""
    try:
        return _run_file(database).read_text("utf-8")
    except OSError:
        return ""


def _run_file(database: str) -> Path:
    """Tells who looks for the running process where it is."""
    return Path(f"{file_of(database)}.run.json")


def _secret_file(arguments: argparse.Namespace) -> Path:
    """Beside the database file, or in the home folder when there is none."""
    if arguments.secrets:
        return Path(arguments.secrets)
    database = arguments.database.removeprefix("sqlite:///")
    if is_postgres(database):
        return Path.home() / ".kaxia" / "endpoint-secrets.json"
    return Path(database + ".secrets.json")


def _log(*, verbose: bool) -> None:
    """JSON lines on stderr, without codes: paths are shortened before they come here."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(Discreet("%(levelname)s %(name)s %(message)s"))
    logging.basicConfig(level=logging.WARNING, handlers=[handler])
    logging.getLogger("uvicorn.error").setLevel(logging.ERROR)  # strangers' nonsense must not fill the disk
    sys.excepthook = lambda _, error, __: sys.stderr.write(f"{told(error)}\n")
    threading.excepthook = lambda fault: sys.stderr.write(f"{told(fault.exc_value)}\n")
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _discreet,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO if verbose else logging.WARNING),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )


def _discreet(_: object, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Whatever a request brought may stand in the text of the exception it raised."""
    error = event.pop("exc_info", None)
    return {**event, "exception": told(error)} if isinstance(error, BaseException) else event


if __name__ == "__main__":
    sys.exit(main())
