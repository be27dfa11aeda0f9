"""The two languages cannot drift apart without translate.py saying so."""

import json
from pathlib import Path

from build_scripts.translate import problems

PAGE = "app/views/batches/page.py"


def test_texts_of_calls_and_of_closed_lists_are_found_wherever_they_stand(tmp_path: Path) -> None:
    wrong, missing = _problems(
        tmp_path,
        {
            PAGE: 'tr("Batches")\nntr("{count} card", "{count} cards", 2)\ntr("On" if on else "Off")\n',
            "app/vocabulary.py": 'KINDS: Words = {"fixed": "Fixed value card"}\n',
            "app/messages.py": 'WORDS: dict[str, str] = {a.B: "Try " "again."}\n',
        },
    )

    assert [(text.noun, text.english) for text in missing] == [
        ("errors", "Try again."),
        ("batches", "Batches"),
        ("batches", "{count} card"),
        ("batches", "{count} cards"),
        ("batches", "Off"),
        ("batches", "On"),
        ("vocabulary", "Fixed value card"),
    ]
    assert len(wrong) == 7


def test_level_catalogs_have_no_findings(tmp_path: Path) -> None:
    assert _problems(tmp_path, {PAGE: 'tr("Batch {serial}", serial=1)\n'}, {"Batch {serial}": "批次 {serial}"}) == (
        [],
        [],
    )


def test_an_entry_shown_nowhere_is_found(tmp_path: Path) -> None:
    assert _only(tmp_path, 'tr("Batch")\n', {"Batch": "批次", "Card": "卡"}).endswith("'Card' is shown nowhere")


def test_placeholders_that_differ_are_found(tmp_path: Path) -> None:
    assert "placeholders differ" in _only(tmp_path, 'tr("{a} cards", a=1)\n', {"{a} cards": "{b} 张卡"})


def test_an_english_text_left_as_it_was_is_found(tmp_path: Path) -> None:
    assert "not translated" in _only(tmp_path, 'tr("Batches")\n', {"Batches": "Batches"})


def test_a_name_without_words_may_stay_as_it_is(tmp_path: Path) -> None:
    assert _problems(tmp_path, {PAGE: 'tr("CSV")\n'}, {"CSV": "CSV"}) == ([], [])


def test_chinese_in_an_english_text_is_found(tmp_path: Path) -> None:
    assert "Chinese in an English text" in _only(tmp_path, 'tr("Batch 批次")\n', {"Batch 批次": "批次"})


def test_a_text_that_is_not_a_literal_is_found(tmp_path: Path) -> None:
    assert "tr() takes a literal" in _only(tmp_path, "tr(title)\n", {})


def test_two_files_that_disagree_are_found(tmp_path: Path) -> None:
    folder = tmp_path / "resources/i18n/zh_CN"
    folder.mkdir(parents=True)
    (folder / "cards.json").write_text(json.dumps({"Batch": "批"}), "utf-8")

    assert "disagree on 'Batch'" in _only(tmp_path, 'tr("Batch")\n', {"Batch": "批次"})


def test_tone_and_punctuation_are_kept(tmp_path: Path) -> None:
    wrong, _ = _problems(tmp_path, {PAGE: 'tr("Saved")\n'}, {"Saved": "您的卡,已保存！"})

    assert [line.split("' ")[1] for line in wrong] == [
        "half-width punctuation after Chinese",
        "no exclamation marks",
        "the reader is 你",
    ]


def _problems(root: Path, sources: dict[str, str], chinese: dict[str, str] | None = None) -> tuple[list[str], list]:
    for path, text in sources.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text, "utf-8")
    folder = root / "resources/i18n/zh_CN"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "batches.json").write_text(json.dumps(chinese or {}), "utf-8")
    return problems(root)


def _only(root: Path, page: str, chinese: dict[str, str]) -> str:
    wrong, _ = _problems(root, {PAGE: page}, chinese)
    assert len(wrong) == 1, wrong
    return wrong[0]
