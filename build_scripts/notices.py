"""Writes resources/notices.json: whose work is inside Kaxia, under which licence, word for word.

`python build_scripts/notices.py` after a change of requirements; `--check` says whether it is up to date.
Shape: {"items": [{"name", "version", "licence", "texts": [key, …]}], "texts": {key: text}}.
"""

import hashlib
import json
import re
import sys
from collections.abc import Iterator
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
LOCK = ROOT / "requirements" / "server.txt"
TARGET = ROOT / "resources" / "notices.json"
MOST_BYTES = 1_500_000

LICENCE_FILE = re.compile(r"(?:^|/)[^/]*(?:licen[cs]e|copying|notice|authors)[^/]*$", re.IGNORECASE)
NOT_SHIPPED = re.compile(r"DarkGarden|\.py[co]?$")  # a GPL font among reportlab's samples that the build leaves out
SAME = {  # other ways to write an SPDX name
    "MIT License": "MIT",
    "ISC License": "ISC",
    "BSD License": "BSD-3-Clause",
    "BSD 3-Clause License": "BSD-3-Clause",
}
BY_HAND = {  # what a package's metadata says in too many words, or not at all
    "pycryptodomex": "BSD-2-Clause AND Unlicense",
    "pyside6-essentials": "LGPL-3.0-only",
    "shiboken6": "LGPL-3.0-only",
    "python-dateutil": "Apache-2.0 OR BSD-3-Clause",
    "pyzipper": "MIT",
    "reportlab": "BSD-3-Clause",
    "rich-click": "MIT",
    "sqlcipher3": "Zlib",
    "uvloop": "MIT OR Apache-2.0",
}
ONLY_ON_WINDOWS = {"pywin32-ctypes": "BSD-3-Clause", "tzdata": "Apache-2.0", "colorama": "BSD-3-Clause"}
LGPL = ("resources/licences/LGPL-3.0.txt", "resources/licences/GPL-3.0.txt")  # the first rests on the second
PARTS: tuple[tuple[str, str, str, tuple[str, ...]], ...] = (  # not packages: name, version, licence, files
    ("Python", "3", "PSF-2.0", ("resources/licences/PSF-2.0.txt",)),
    ("Qt", "6", "LGPL-3.0-only", LGPL),
    ("SQLCipher", "4", "BSD-3-Clause", ("resources/licences/SQLCipher.txt",)),
    ("OpenSSL", "3", "Apache-2.0", ("resources/licences/Apache-2.0.txt",)),
    ("Noto Sans SC", "", "OFL-1.1", ("resources/fonts/OFL.txt",)),
    ("@noble/hashes, @noble/ciphers", "2.4.0", "MIT", ("resources/licences/noble.txt",)),
    ("Lucide icons", "", "ISC", ("resources/icons/LICENSE",)),
)


def locked(lock: Path = LOCK) -> dict[str, set[str]]:
    """Name → versions of everything the program is built from; a newer Python may have a newer one."""
    pins = re.findall(r"^([a-z0-9][a-z0-9._-]*)(?:\[[^]]*])?==([^\s;\\]+)", lock.read_text("utf-8"), re.MULTILINE)
    versions: dict[str, set[str]] = {}
    for name, version in pins:
        versions.setdefault(name, set()).add(version)
    return versions


def collected() -> dict[str, Any]:
    texts: dict[str, str] = {}
    items = []
    for name, version, licence, files in PARTS:
        keys = [_kept((ROOT / path).read_text("utf-8"), texts) for path in files]
        items.append({"name": name, "version": version, "licence": licence, "texts": keys})
    for name, versions in locked().items():
        try:
            package = distribution(name)
        except PackageNotFoundError:
            items.append({"name": name, "version": max(versions), "licence": ONLY_ON_WINDOWS[name], "texts": []})
            continue
        keys = [_kept(text, texts) for text in _texts_of(name, package)]
        items.append({"name": name, "version": package.version, "licence": _licence_of(name, package), "texts": keys})
    return {"items": items, "texts": texts}


def _kept(text: str, texts: dict[str, str]) -> str:
    """The key of a text; the same words are kept once."""
    clean = "\n".join(line.rstrip() for line in text.strip().splitlines())
    key = hashlib.sha256(clean.encode()).hexdigest()[:12]
    texts[key] = clean
    return key


def _texts_of(name: str, package: Distribution) -> Iterator[str]:
    if name in {"pyside6-essentials", "shiboken6"}:
        yield from ((ROOT / path).read_text("utf-8") for path in LGPL)
    seen: set[str] = set()
    for file in package.files or []:
        if LICENCE_FILE.search(str(file)) and not NOT_SHIPPED.search(str(file)):
            text = Path(str(file.locate())).read_text("utf-8", "replace")
            if text not in seen:
                seen.add(text)
                yield text


def _licence_of(name: str, package: Distribution) -> str:
    about = package.metadata
    written = next((about[key] for key in ("License-Expression", "License") if key in about and about[key].strip()), "")
    lines = [line.split("::")[-1].strip() for line in about.get_all("Classifier") or [] if line.startswith("License")]
    found = BY_HAND.get(name) or str(written).strip().split("\n")[0] or " OR ".join(lines)
    return SAME.get(found, found)


def findings(target: Path = TARGET) -> list[str]:
    """Where the file and the lock disagree, or a licence is one we do not take."""
    if not target.exists():
        return [f"{target.name} is missing"]
    items = json.loads(target.read_text("utf-8"))["items"]
    told = {item["name"]: item["version"] for item in items}
    found = [f"{name} is not told as locked" for name, versions in locked().items() if told.get(name) not in versions]
    found += [f"{item['name']} has no licence" for item in items if not item["licence"]]
    found += [f"{item['name']} is under {item['licence']}" for item in items if _is_out(item["licence"])]
    if target.stat().st_size > MOST_BYTES:
        found.append(f"{target.stat().st_size} bytes, at most {MOST_BYTES}")
    return found


def _is_out(licence: str) -> bool:
    """GPL and AGPL are out, unless another licence may be chosen."""
    return " OR " not in licence and bool(re.search(r"(?<!L)\bA?GPL", licence))


def main() -> int:
    if "--check" not in sys.argv[1:]:
        TARGET.write_text(json.dumps(collected(), ensure_ascii=False, indent=1) + "\n", "utf-8")
        print(f"{TARGET.name}: {TARGET.stat().st_size:,} bytes")
    found = findings()
    print("\n".join([*found, f"{len(found)} findings"]))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
