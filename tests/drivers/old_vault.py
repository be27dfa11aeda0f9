"""Writes a vault as this version does: by hand, `python -m tests.drivers.old_vault 0003`, before there is a step 0004.

The folder of the vault, zipped. In it: a file run that went out, and a mail run that was paused with one mail refused,
one taken back and the rest waiting.
"""

import argparse
import tempfile
import zipfile
from dataclasses import replace
from pathlib import Path

from app.bootstrap import build_services
from app.config import Config
from app.services import Services
from app.services.batches import BatchSpec
from app.services.cards.codes import CodeReader
from app.services.catalog import ProductSpec
from app.services.channels.email import EmailChannel
from app.services.channels.file import FileChannel
from app.services.channels.printed import PrintChannel
from app.services.distribution import Channels, DistributionService, DistributionSpec
from app.services.sealing import Sealer
from app.services.vault.vaults import NewVault, OpenVault, Vaults
from tests.app.services.distribution.parts import Door
from tests.app.services.mail_peer import mail_peer
from tests.drivers.schema import GOLDEN

PASSPHRASE = "correct horse battery staple 卡匣"
CHEAP_KIB = 64
KEPT = ("vault.db", "vault.keys.json")
PEOPLE = 5


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("revision")
    target = GOLDEN / f"vault_{parser.parse_args().revision}.zip"
    with tempfile.TemporaryDirectory() as name:
        config = Config(Path(name) / "data")
        vault, _ = Vaults(config, memory_kib=CHEAP_KIB).create(NewVault("某某商户", PASSPHRASE))
        fill(build_services(config, vault), vault, Path(name))
        vault.close()
        with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as bundle:
            for kept in KEPT:
                bundle.write(config.data / kept, kept)


def fill(services: Services, vault: OpenVault, scratch: Path) -> None:
    product = services.catalog.add(ProductSpec("中秋福利卡", "fixed", face_minor=20_000))
    services.batches.generate(BatchSpec(product, 2 * PEOPLE + 2))
    lines = "\n".join(f"员工{n}\t1380013800{n}\tE{n}\tp{n}@firm.example" for n in range(PEOPLE))
    services.people.store(services.people.check(services.people.stage("姓名\t手机\t工号\t邮箱\n" + lines)))
    people = tuple(services.people.ids())
    with mail_peer(scratch) as (peer, setting, trust):
        services.settings.put("mail.server", setting | {"password": "gone"})
        peer.at_rcpt["p1@firm.example"] = "550 5.1.1 no such user"
        service = DistributionService(
            vault.database,
            services.audit,
            reader=CodeReader(vault.database, Sealer(vault.keys)),
            cloud=Door(vault),
            settings=services.settings,
            channels=Channels(FileChannel(), PrintChannel(), EmailChannel(trust)),
        )
        spec = DistributionSpec(product, people, "file", "中秋", out_folder=scratch)
        service.deliver(service.prepare(spec))
        services.settings.put("mail.server", setting)
        run = service.prepare(replace(spec, channel="email", name="补发", out_folder=None, allow_again=True))
        peer.on_data = lambda receiver: service.pause(run) if receiver.startswith("p2") else None
        service.deliver(run)
        service.recall(service.delivery_ids(run)[:1])
        services.settings.put("mail.server", {})


if __name__ == "__main__":
    main()
