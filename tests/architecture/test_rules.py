"""Each rule of the house fires on a planted violation and leaves the mended line alone."""

from pathlib import Path

import pytest

from build_scripts.rules import findings

CASES = [
    # rule, path, what breaks it, the same thing done right
    ("commit", "app/services/x.py", '"""X."""\nsession.commit()\n', '"""X."""\nsession.flush()\n'),
    ("file-length", "app/x.py", '"""X."""\n' + "a = 1\n" * 400, '"""X."""\n' + "a = 1\n" * 399),
    (
        "function-length",
        "app/x.py",
        '"""X."""\ndef f():\n' + "    a = 1\n" * 40,
        '"""X."""\ndef f():\n' + "    a = 1\n" * 39,
    ),
    (
        "broad-except",
        "app/services/x.py",
        '"""X."""\ntry:\n    a()\nexcept Exception:\n    b()\n',
        '"""X."""\ntry:\n    a()\nexcept Exception:\n    b()\n    raise\n',
    ),
    (
        "broad-except",
        "sync/x.py",
        '"""X."""\ntry:\n    a()\nexcept:\n    b()\n',
        '"""X."""\ntry:\n    a()\nexcept OSError:\n    b()\n',
    ),
    ("print", "app/services/x.py", '"""X."""\nprint(1)\n', '"""X."""\nlogger.info(1)\n'),
    (
        "clock",
        "app/views/x.py",
        '"""X."""\nnow = datetime.now()\n',
        '"""X."""\nnow = datetime.now(UTC)\n',
    ),
    ("clock", "sync/x.py", '"""X."""\nnow = time.time()\n', '"""X."""\nnow = time.monotonic()\n'),
    ("clock", "app/services/x.py", '"""X."""\nat = datetime.now(UTC)\n', '"""X."""\nat = now()\n'),
    ("clock", "sync/x.py", '"""X."""\nat = time.time_ns()\n', '"""X."""\nat = clock.now_ms()\n'),
    ("clock", "app/x.py", '"""X."""\nnow = date.today()\n', '"""X."""\nnow = today(clock)\n'),
    ("unfinished", "app/x.py", '"""X."""\nraise NotImplementedError\n', '"""X."""\nraise ValueError\n'),
    ("unfinished", "tests/x.py", "a = 1  # TO" + "DO later\n", "a = 1  # later it is two\n"),
    ("docstring", "sync/x.py", "a = 1\n", '"""X."""\na = 1\n'),
    ("sleep", "tests/x.py", "time.sleep(1)\n", "qtbot.waitUntil(ready)\n"),
    ("skip", "tests/x.py", "@pytest.mark.skip\ndef test(): ...\n", "@pytest.mark.window\ndef test(): ...\n"),
    ("fake", "tests/x.py", "cloud = MagicMock()\n", "cloud = SilentCloud()\n"),
    ("chinese", "app/x.py", '"""X."""\na = "批次"\n', '"""批次"""\na = "batch"\n'),
    ("chinese", "app/x.py", '"""X."""\na = "，"\n', '"""X."""\na = "\\uff0c"\n'),
    ("shown-text", "app/views/x.py", '"""X."""\nQLabel("Name")\n', '"""X."""\nQLabel(tr("Name"))\n'),
    ("shown-text", "app/views/x.py", '"""X."""\na.setToolTip(f"Of {n}")\n', '"""X."""\na.setToolTip(f"{n} · {m}")\n'),
    ("host", "requirements/x.txt", "--index-url https://py" + "pi.org/simple\n", "alembic==1.0\n"),
    ("machine-path", "README.md", "see /ro" + "ot/notes\n", "see GET /h5/v1/links\n"),
    (
        "hides-qt",
        "app/views/x.py",
        '"""X."""\nfrom PySide6.QtWidgets import QLabel\nclass A(QLabel):\n    def size(self): ...\n',
        '"""X."""\nfrom PySide6.QtWidgets import QLabel\nclass A(QLabel):\n    def sizeHint(self): ...\n',
    ),
    (
        "hides-qt",
        "app/views/x.py",
        (
            '"""X."""\nfrom PySide6 import QtWidgets\nclass A(QtWidgets.QWidget):\n'
            "    def __init__(self):\n        self.width = 3\n"
        ),
        (
            '"""X."""\nfrom PySide6 import QtWidgets\nclass A(QtWidgets.QWidget):\n'
            "    def __init__(self):\n        self.width_mm = 3\n"
        ),
    ),
    (
        "hides-qt",
        "app/views/x.py",
        (
            '"""X."""\nfrom PySide6.QtWidgets import QDialog\nclass Base(QDialog): ...\n'
            "class A(Base):\n    finished = Signal()\n"
        ),
        (
            '"""X."""\nfrom PySide6.QtWidgets import QDialog\nclass Base(QDialog): ...\n'
            "class A(Base):\n    imported = Signal()\n    def mousePressEvent(self, event): ...\n"
        ),
    ),
    (
        "layout-item",
        "app/views/x.py",
        '"""X."""\nfor at in range(layout.count()):\n    shown(layout.itemAt(at).widget())\n',
        '"""X."""\nfor part in parts:\n    placed(layout.indexOf(part), part)\n',
    ),
]


@pytest.mark.parametrize(
    ("rule", "path", "wrong", "right"), CASES, ids=[f"{case[0]}-{n}" for n, case in enumerate(CASES)]
)
def test_a_planted_violation_is_found_and_the_mended_line_is_not(
    tmp_path: Path, rule: str, path: str, wrong: str, right: str
) -> None:
    assert _rules(tmp_path, {path: wrong}) == {rule}
    assert _rules(tmp_path, {path: right}) == set()


ERRORS = '"""Errors."""\nclass AppError(Exception): ...\nclass NotEnough(AppError):\n    have: int\n'


def test_an_error_without_a_sentence_is_found(tmp_path: Path) -> None:
    files = {"app/errors.py": ERRORS, "app/messages.py": '"""Words."""\nWORDS: dict[type, str] = {}\n'}

    assert _whys(tmp_path, files) == ["NotEnough has no sentence in app/messages.py WORDS"]


def test_a_sentence_that_asks_for_a_field_the_error_lacks_is_found(tmp_path: Path) -> None:
    messages = '"""Words."""\nWORDS: dict[type, str] = {errors.NotEnough: "{have} of {need}"}\n'

    assert _whys(tmp_path, {"app/errors.py": ERRORS, "app/messages.py": messages}) == [
        "the sentence of NotEnough asks for ['need']: no such field"
    ]


def test_a_reason_without_words_is_found(tmp_path: Path) -> None:
    files = {
        "app/messages.py": '"""Words."""\nREASONS: dict[str, str] = {"required": "missing."}\n',
        "app/services/x.py": '"""X."""\nInvalidInput("name", "required")\nInvalidInput("name", reason="odd")\n',
    }

    assert _whys(tmp_path, files) == ["'odd' has no words in app/messages.py REASONS"]


def test_an_act_or_a_detail_of_the_audit_log_without_words_is_found(tmp_path: Path) -> None:
    files = {
        "app/vocabulary.py": '"""V."""\nACTIONS = {"card.frozen": "Frozen"}\nDETAILS = {"reason": "Reason"}\n',
        "app/services/x.py": (
            '"""X."""\nself._audit.record(session, "card.frozen", subject=serial, reason=why)\n'
            'self._audit.record(session, "card.thawed", subject=serial)\nself._audit.note("card.frozen", sum=3)\n'
            'tape.record(session, "anything", loud=True)\n'
        ),
    }

    assert _whys(tmp_path, files) == ["'card.thawed' has no words in ACTIONS", "'sum' has no words in DETAILS"]


def test_a_topic_nobody_writes_or_hears_is_found(tmp_path: Path) -> None:
    files = {
        "app/topics.py": '"""T."""\nclass Topic:\n    BATCHES = "batches"\n    PEOPLE = "people"\n    CARDS = "c"\n',
        "app/services/x.py": '"""X."""\nCHANGED = (Topic.CARDS,)\nwrite(Topic.BATCHES)\nwrite(*CHANGED)\n',
        "app/views/x.py": '"""X."""\nlisten(Topic.BATCHES, Topic.PEOPLE)\n',
    }

    assert _whys(tmp_path, files) == ["nothing writes Topic.PEOPLE", "nothing listens to Topic.CARDS"]


@pytest.mark.parametrize(
    ("versions", "golden"),
    [
        ("app/models/migrations/versions", "vault_0001.sql"),
        ("sync/server/migrations/versions", "endpoint_0001.sql"),
    ],
)
def test_a_migration_without_a_file_of_the_version_before_is_found(tmp_path: Path, versions: str, golden: str) -> None:
    files = {f"{versions}/0001_first.py": '"""1."""\n', f"{versions}/0002_second.py": '"""2."""\n'}

    assert _rules(tmp_path, files) == {"golden"}
    assert _rules(tmp_path, files | {f"tests/golden/{golden}": ""}) == set()


def test_an_exception_needs_a_reason(tmp_path: Path) -> None:
    line = '"""X."""\nnow = time.time()  # allow clock{}\n'

    assert _rules(tmp_path, {"app/x.py": line.format("")}) == {"clock"}
    assert _rules(tmp_path, {"app/x.py": line.format(": the file name of a crash report")}) == set()


def _found(root: Path, files: dict[str, str]) -> list[tuple[str, str]]:
    tree = root / f"tree{len(list(root.iterdir()))}"
    for path, text in files.items():
        (tree / path).parent.mkdir(parents=True, exist_ok=True)
        (tree / path).write_text(text, "utf-8")
    return [(finding.rule, finding.why) for finding in findings(tree)]


def _rules(root: Path, files: dict[str, str]) -> set[str]:
    return {rule for rule, _ in _found(root, files)}


def _whys(root: Path, files: dict[str, str]) -> list[str]:
    return [why for _, why in _found(root, files)]


def test_a_point_that_is_not_listed_or_not_passed_is_found(tmp_path: Path) -> None:
    files = {
        "sync/points.py": '"""P."""\nPOINTS = {"desk.commit": "before", "desk.gone": "never"}\n',
        "app/services/x.py": '"""X."""\npoints.passed("desk.commit")\npoints.passed("desk.other")\n',
    }

    assert _whys(tmp_path, files) == ["'desk.other' is not in POINTS of sync/points.py", "nothing passes 'desk.gone'"]
