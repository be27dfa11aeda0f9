"""Names become one line that everybody downstream can show."""

import pytest

from app.errors import InvalidInput
from app.services.texts import one_line


def test_a_name_becomes_one_line_in_one_form() -> None:
    assert one_line("name", "  月饼券\r\n 大\x00份 e\u0301 ") == "月饼券 大 份 \u00e9"
    assert one_line("name", "𠮷·Crab, “q”") == "𠮷·Crab, “q”"


@pytest.mark.parametrize(("typed", "reason"), [("", "required"), (" \n\x01", "required"), ("长" * 201, "too-long")])
def test_what_is_no_name_is_refused(typed: str, reason: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        one_line("name", typed)
    assert refused.value.data == {"field": "name", "reason": reason}
