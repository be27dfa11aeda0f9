"""Personal data as it may be shown: enough to recognise, too little to use."""

from app.words import NO_DATA

PHONE_HEAD, PHONE_TAIL = 3, 4
EMAIL_HEAD = 3
NO_TAIL = 2


def mask_name(name: str | None) -> str:
    """张三 → 张*, 张三丰 → 张*丰, 古丽·买买提 → 古****提; a single sign stays."""
    shown = (name or "").strip()
    if len(shown) < 2:
        return shown or NO_DATA
    if len(shown) == 2:
        return shown[0] + "*"
    return shown[0] + "*" * (len(shown) - 2) + shown[-1]


def mask_phone(phone: str | None) -> str:
    """13800138000 → 138****8000; anything shorter keeps at most its last two signs."""
    shown = (phone or "").strip()
    if len(shown) < PHONE_HEAD + PHONE_TAIL + 1:
        return mask_no(shown)
    return shown[:PHONE_HEAD] + "*" * (len(shown) - PHONE_HEAD - PHONE_TAIL) + shown[-PHONE_TAIL:]


def mask_email(email: str | None) -> str:
    """123456@163.com → 123***@163.com; the domain stays readable, short names keep one sign."""
    shown = (email or "").strip()
    local, at, domain = shown.partition("@")
    if not at:
        return mask_no(shown)
    kept = EMAIL_HEAD if len(local) > EMAIL_HEAD else min(1, len(local))
    return f"{local[:kept]}***@{domain}"


def mask_no(number: str | None) -> str:
    """An employee or other number: its last two signs, if enough is left to hide."""
    shown = (number or "").strip()
    if not shown:
        return NO_DATA
    kept = NO_TAIL if len(shown) > 2 * NO_TAIL else 0
    return "*" * (len(shown) - kept) + shown[len(shown) - kept :]


def mask(field: str, value: str | None) -> str:
    """The mask that belongs to a field of a roster; departments are not personal."""
    masks = {"name": mask_name, "phone": mask_phone, "email": mask_email, "employee_no": mask_no}
    return masks[field](value) if field in masks else (value or NO_DATA)
