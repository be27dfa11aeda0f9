"""The program as it is started, in a real window on a real screen, by real keys: from nothing to a redeemed card."""

import sys
from pathlib import Path

import pytest
from python_calamine import CalamineWorkbook
from sqlcipher3 import dbapi2 as sqlite

from tests.drivers.screen import Screen, screen
from tests.drivers.terminal import ROOT, Terminal, kept

PASSPHRASE = "correct horse battery staple"
CODE_COLUMN = 7
LIST = "姓名,手机号,邮箱\n张三,13800138000,z@firm.example\n李四,13800138001,l@firm.example\n"

pytestmark = [pytest.mark.window, pytest.mark.timeout(300)]


class Window:
    """Kaxia on a screen of its own, over one data folder."""

    def __init__(self, seen: Screen, folder: Path) -> None:
        self.screen = seen
        self.data, self._said = folder / "data", folder / "stderr"
        own = kept()
        settings = {"HOME": str(folder), "XDG_CONFIG_HOME": str(folder / "config"), "LANG": "en_US.UTF-8"}
        quiet = {"QT_QPA_PLATFORM": "xcb", "PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring"}
        self._world = own | settings | quiet

    def open(self) -> None:
        self.screen.start(
            *(sys.executable, "-m", "app", "--data", str(self.data)), cwd=ROOT, env=self._world, said=self._said
        )
        self.screen.wait_for_window("Kaxia")

    def unlock(self) -> None:
        self.screen.type(PASSPHRASE)
        self.screen.press("Return")
        self.screen.wait_for_window("Spruce - Kaxia")

    def close(self) -> None:
        self.screen.press("ctrl+q")
        assert self.screen.ended() == 0
        assert self._said.read_text() == ""

    def at_the_endpoint(self, question: str) -> int:
        """A number out of its database; 0 before there is one."""
        path = self.data / "endpoint" / "endpoint.db"
        if not path.exists():
            return 0
        connection = sqlite.connect(f"file:{path}?mode=ro", uri=True)
        try:
            return int(connection.execute(question).fetchone()[0])
        except sqlite.OperationalError:  # it is just being made
            return 0
        finally:
            connection.close()


def test_the_real_window_goes_from_nothing_to_a_redeemed_card_by_keys_alone(tmp_path: Path) -> None:
    with screen(tmp_path) as seen:
        walk(Window(seen, tmp_path), tmp_path)


def walk(window: Window, folder: Path) -> None:
    terminal = Terminal(window.data, passphrase=PASSPHRASE)
    window.open()
    first_run(window.screen)
    product(window.screen)
    cards(window.screen)
    lock_and_unlock(window)
    window.close()

    assert [row["name"] for row in terminal.do("product", "list")["products"]] == ["Moon card"]
    (batch,) = terminal.do("batch", "list")["batches"]
    assert batch["state"] in ("ready", "published")
    assert (batch["quantity"], batch["counts"]["in_stock"]) == (1200, 1200)
    code = given_away(terminal, folder)

    window.open()
    window.unlock()
    redeem(window, code)
    window.close()

    card = terminal.do("card", "show", code)
    assert (card["state"], card["balance_minor"]) == ("spent", 0)
    assert terminal.do("verify", "--deep")["ok"]
    assert not (window.data / "endpoint" / "endpoint.db.run.json").exists()


def first_run(seen: Screen) -> None:
    seen.press("space")
    seen.settle()
    seen.type(PASSPHRASE)
    seen.press("Return")
    seen.settle()
    seen.press("Tab", "Tab", "space")
    seen.press("Tab", "Tab", "space")
    seen.settle()
    seen.type("Spruce")
    seen.press("Return")
    seen.wait_for_window("Spruce - Kaxia")


def product(seen: Screen) -> None:
    seen.press("ctrl+2")
    seen.settle()
    seen.press("ctrl+n")
    seen.wait_for_window("New product")
    seen.type("Moon card")
    seen.press("Tab", "Tab", "Tab")
    seen.type("200")
    seen.press("Return")
    seen.wait_for_window("Spruce - Kaxia")


def cards(seen: Screen) -> None:
    seen.press("ctrl+3")
    seen.settle()
    seen.press("ctrl+g")
    seen.wait_for_window("Generate codes")
    seen.type("1200")
    seen.press("Return")
    seen.wait_for_window("Spruce - Kaxia")


def lock_and_unlock(window: Window) -> None:
    seen = window.screen
    seen.press("ctrl+l")
    seen.wait_for_window("Kaxia")
    seen.type("not this one")
    seen.press("Return")
    seen.settle()
    assert seen.windows() == ["Kaxia"]
    window.unlock()


def given_away(terminal: Terminal, folder: Path) -> str:
    """The code of one card that was handed out by a file."""
    (folder / "people.csv").write_text(LIST, "utf-8")
    terminal.do(
        "distribute", "--product", 1, "--people", folder / "people.csv", "--channel", "file", "--out", folder / "out"
    )
    (sheet,) = (folder / "out").iterdir()
    rows = CalamineWorkbook.from_path(sheet).get_sheet_by_index(0).to_python()
    return str(rows[1][CODE_COLUMN])


def redeem(window: Window, code: str) -> None:
    """The endpoint starts by itself and hears of the cards; Enter looks, Enter redeems, one more does nothing."""
    seen = window.screen
    published = "SELECT count(*) FROM batch WHERE sealed_ms IS NOT NULL"
    seen.wait_for("the published batch", lambda: window.at_the_endpoint(published))
    seen.press("F9")
    seen.settle()

    def redeemed() -> int:
        """On a machine with much to do the counter may be offline for a moment; then the code is typed once more."""
        seen.press("Escape")
        seen.type(code)
        for _ in range(2):
            seen.press("Return")
            seen.settle()
        return window.at_the_endpoint("SELECT count(*) FROM redemption")

    seen.wait_for("the redemption", redeemed)
    seen.press("Return")
    seen.settle()
    assert window.at_the_endpoint("SELECT count(*) FROM redemption") == 1
