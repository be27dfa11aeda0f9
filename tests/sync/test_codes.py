"""Codes as both ends read and digest them, against the known answers; what check symbols catch."""

import hmac
import json
import random
from pathlib import Path
from uuid import UUID

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync import codes

VECTORS = json.loads((Path(__file__).parents[1] / "vectors" / "codes.json").read_text("utf-8"))
PAYLOAD = st.text(codes.ALPHABET, min_size=12, max_size=23)


@pytest.mark.parametrize("known", VECTORS["codes"], ids=lambda known: known["code"][:4])
def test_known_answers_of_digest_and_verifier(known: dict[str, str]) -> None:
    d = codes.digest(UUID(hex=known["merchant_id_hex"]), known["code"])
    assert d.hex() == known["digest_hex"]
    assert hmac.digest(bytes.fromhex(known["pepper_hex"]), d, "sha256").hex() == known["verifier_hex"]
    assert codes.is_valid(known["code"])


@given(PAYLOAD)
def test_what_was_printed_and_typed_again_is_the_same_code(payload: str) -> None:
    code = payload + codes.check_symbols(payload)
    typed = codes.format_code(code).lower().replace("0", "o").replace("1", "l").replace("-", " — ")
    assert codes.canonical(typed) == code
    wide = "".join(chr(ord(symbol) + 0xFEE0) for symbol in code)
    assert codes.canonical(wide) == code


@given(PAYLOAD, st.data())
def test_every_single_error_double_error_and_swap_is_caught(payload: str, data: st.DataObject) -> None:
    code = payload + codes.check_symbols(payload)
    places = data.draw(st.lists(st.integers(0, len(code) - 1), min_size=1, max_size=2, unique=True))
    wrong = list(code)
    for place in places:
        wrong[place] = data.draw(st.sampled_from([symbol for symbol in codes.ALPHABET if symbol != code[place]]))
    assert not codes.is_valid("".join(wrong))
    at = data.draw(st.integers(0, len(code) - 2))
    swapped = code[:at] + code[at + 1] + code[at] + code[at + 2 :]
    assert swapped == code or not codes.is_valid(swapped)


def test_random_garbage_passes_once_in_a_thousand() -> None:
    dice = random.Random(7)
    passed = sum(codes.is_valid("".join(dice.choices(codes.ALPHABET, k=20))) for _ in range(50_000))
    assert 20 <= passed <= 80  # 50,000 / 1,024 is 49


@pytest.mark.parametrize("profile", sorted(codes.PROFILES))
def test_drawn_codes_are_valid_and_use_every_symbol_evenly(profile: str) -> None:
    drawn = codes.CodeFormat.read(profile).draw(10_000)
    assert all(codes.is_valid(bytes(row).decode()) for row in drawn[:300])
    counts = np.bincount(drawn[:, 0], minlength=128)
    used = counts[[ord(symbol) for symbol in codes.ALPHABET]]
    assert used.min() > 200  # 10,000 / 32 is 312; by chance it is less in one run of 10⁹


def test_a_symbol_outside_the_alphabet_is_named_by_its_place() -> None:
    with pytest.raises(ValueError, match="place 3"):
        codes.canonical("AB!D")


@pytest.mark.parametrize(
    "pattern", ["", "KX", "#|a", "#|aa", "#" * 65, "##|0123|check", "中#", "A B##", "A,##", '"##', "##|AB'"]
)
def test_patterns_that_cannot_work_are_refused(pattern: str) -> None:
    with pytest.raises(ValueError):
        codes.CodeFormat.read(pattern)
