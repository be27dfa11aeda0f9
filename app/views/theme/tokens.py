"""The colours of the two themes, and the tones a state can have."""

from typing import Literal, NamedTuple

Tone = Literal["neutral", "info", "cyan", "ok", "warn", "error"]


def mixed(front: str, back: str, share: float) -> str:
    """`front` laid over `back` with an opacity of `share`, as `#RRGGBB`."""
    pairs = ((int(front[at : at + 2], 16), int(back[at : at + 2], 16)) for at in (1, 3, 5))
    return "#" + "".join(f"{round(upper * share + lower * (1 - share)):02X}" for upper, lower in pairs)


class Tokens(NamedTuple):
    """Every colour a widget may use. Contrast of the texts on bg, surface and selection is at least 4.5."""

    name: str
    bg: str
    surface: str
    raised: str
    line: str
    strong: str
    text: str
    text_2: str
    hint: str
    primary: str
    primary_hover: str
    primary_press: str
    on_primary: str
    focus_on_primary: str
    selection: str
    hover: str
    head: str
    ok: str
    warn: str
    error: str
    error_hover: str
    on_error: str
    cyan: str
    series: tuple[str, str, str, str, str]
    heat: tuple[str, str, str, str, str]

    @property
    def dark(self) -> bool:
        return self.name == "dark"

    @property
    def info(self) -> str:
        return self.primary

    def ink(self, tone: Tone) -> str:
        """The colour of words and dots of a tone."""
        return self.hint if tone == "neutral" else str(getattr(self, tone))

    def fill(self, tone: Tone) -> str:
        """The pale ground of a tone: the same hue at nine per cent."""
        return mixed(self.ink(tone), self.surface, 0.14 if self.dark else 0.09)

    def edge(self, tone: Tone) -> str:
        """The hairline around a fill."""
        return mixed(self.ink(tone), self.surface, 0.34)


LIGHT = Tokens(
    name="light",
    bg="#F5F7FA",
    surface="#FFFFFF",
    raised="#FFFFFF",
    line="#E5E6EB",
    strong="#7F899B",
    text="#1D2129",
    text_2="#4E5969",
    hint="#5F6B7A",
    primary="#1668DC",
    primary_hover="#0F56BD",
    primary_press="#0B4699",
    on_primary="#FFFFFF",
    focus_on_primary="#0A2A5E",
    selection="#E8F1FE",
    hover="#F2F5FA",
    head="#F7F8FA",
    ok="#0E7A4F",
    warn="#995200",
    error="#C9252D",
    error_hover="#A81C23",
    on_error="#FFFFFF",
    cyan="#0B7285",
    series=("#1668DC", "#D97706", "#7A1F3D", "#12A38A", "#37306B"),
    heat=("#EAF2FE", "#BCD7FB", "#7FB2F5", "#3D86E8", "#0F4FAF"),
)

DARK = Tokens(
    name="dark",
    bg="#141619",
    surface="#1C1F24",
    raised="#24282F",
    line="#343A43",
    strong="#79828F",
    text="#E8EAED",
    text_2="#B6BCC6",
    hint="#98A1AF",
    primary="#5B9DFF",
    primary_hover="#7DB2FF",
    primary_press="#4A8AEA",
    on_primary="#0B1220",
    focus_on_primary="#E8EAED",
    selection="#1D3557",
    hover="#242930",
    head="#20242A",
    ok="#4CC38A",
    warn="#F0A33A",
    error="#FF7B7B",
    error_hover="#FF9A9A",
    on_error="#2A0A0A",
    cyan="#4FC3D9",
    series=("#5B9DFF", "#FFD166", "#E0457B", "#38D9BE", "#8A4DFF"),
    heat=("#20304A", "#27497C", "#2F66B5", "#4A8AEA", "#8FBDFF"),
)
