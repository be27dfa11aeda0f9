"""The import service over a fresh vault, and a product that takes supplier codes."""

import pytest

from app.services import Services
from app.services.audit import AuditLog
from app.services.catalog import ProductSpec
from app.services.sealing import BlindIndex, Sealer
from app.services.supplier_imports import SupplierImportService
from app.services.vault.vaults import OpenVault


@pytest.fixture
def imports(vault: OpenVault) -> SupplierImportService:
    keys, database = vault.keys, vault.database
    return SupplierImportService(database, AuditLog(database, keys), sealer=Sealer(keys), blind=BlindIndex(keys.blind))


@pytest.fixture
def product(services: Services) -> int:
    return services.catalog.add(ProductSpec("视频会员月卡", "supplier", face_minor=3000))
