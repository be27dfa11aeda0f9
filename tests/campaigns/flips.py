"""One bit of a vault's files turned over, and the vault opened: told in words, or nothing is different.

`python -m tests.campaigns.flips [--rounds 2000] [--seed 1]`. What a vault says is every row of every table; a file that
opens and says something else would be a lie nobody sees.
"""

import argparse
import hashlib
import random
import shutil
import sys
import tempfile
from collections import Counter
from pathlib import Path

from sqlalchemy import text

from app.bootstrap import build_services
from app.config import Config
from app.errors import AppError
from app.services.batches import BatchSpec
from app.services.vault.vaults import NewVault, OpenVault, Vaults
from tests.campaigns.kill import CHEAP_KIB, PASSPHRASE
from tests.campaigns.stock import one_product, store_people

CARDS, PEOPLE = 3_000, 300


def template(folder: Path) -> None:
    """A vault with a batch, people and a frozen card, and no log beside it."""
    config = Config(folder)
    vault, _ = Vaults(config, memory_kib=CHEAP_KIB).create(NewVault("某某商户", PASSPHRASE))
    services = build_services(config, vault)
    one_product(services)
    store_people(services, PEOPLE)
    services.batches.generate(BatchSpec(1, CARDS))
    services.cards.freeze(1)
    vault.close()


def said(vault: OpenVault) -> bytes:
    """A digest of all it says. Raises AppError for a page that does not hold."""
    digest = hashlib.sha256()
    with vault.database.read() as session:
        tables = session.scalars(text("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")).all()
        for table in tables:
            for row in session.execute(text(f'SELECT * FROM "{table}" ORDER BY 1')):
                digest.update(repr(tuple(row)).encode())
    return digest.digest()


def campaign(*, rounds: int, seed: int) -> Counter[str]:
    """How often a flip was told by which refusal, or was harmless. Raises AssertionError for a lie, and whatever else
    than a refusal comes out of a damaged vault."""
    dice = random.Random(seed)
    found: Counter[str] = Counter()
    with tempfile.TemporaryDirectory(prefix="kaxia-flips-") as name:
        whole, folder = Path(name) / "whole", Path(name) / "flipped"
        template(whole)
        right = _opened(_copied(whole, folder))
        assert isinstance(right, bytes), right
        for number in range(rounds):
            config = _copied(whole, folder)
            path = dice.choice((config.vault, config.vault, config.vault, config.key_slots))
            place = dice.randrange(path.stat().st_size * 8)
            _flip(path, place)
            told = _opened(config)
            assert told == right or isinstance(told, str), f"round {number}: bit {place} of {path.name} is a lie"
            found[told if isinstance(told, str) else "harmless"] += 1
    return found


def _opened(config: Config) -> bytes | str:
    """What the vault says, or the refusal's code."""
    try:
        vault = Vaults(config).open(PASSPHRASE)
    except AppError as error:
        return error.code
    try:
        return said(vault)
    except AppError as error:
        return error.code
    finally:
        vault.close()


def _copied(whole: Path, folder: Path) -> Config:
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(whole, folder)
    return Config(folder)


def _flip(path: Path, bit: int) -> None:
    with path.open("r+b") as file:
        file.seek(bit // 8)
        byte = file.read(1)[0]
        file.seek(bit // 8)
        file.write(bytes([byte ^ 1 << bit % 8]))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=2_000)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    found = campaign(rounds=asked.rounds, seed=asked.seed)
    sys.stdout.write(f"seed {asked.seed}: {asked.rounds:,} flips; {dict(found.most_common())}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
