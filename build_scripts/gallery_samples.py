"""Sample rows, charts, forms and pages for the gallery: made up, of every length and state."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from threading import Event as Flag

from PySide6.QtCore import QDate
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDateEdit,
    QGridLayout,
    QLineEdit,
    QPlainTextEdit,
    QProgressBar,
    QRadioButton,
    QSpinBox,
    QTabWidget,
    QWidget,
)

from app.services.progress import Progress
from app.views.jobs import JobRunner
from app.views.theme import Choice
from app.views.widgets.charts import BarChart, Bars, Funnel, HeatMap, Line, Stage, TrendChart
from app.views.widgets.chip_bar import Chip, ChipBar
from app.views.widgets.code_label import CodeLabel, masked
from app.views.widgets.dialog import WIDE, ConfirmDialog, Dialog
from app.views.widgets.drop_zone import DropZone
from app.views.widgets.empty_state import EmptyState
from app.views.widgets.form import Form
from app.views.widgets.kpi_card import Figure, KpiCard
from app.views.widgets.page import Page
from app.views.widgets.passphrase_field import PassphraseField, Strength
from app.views.widgets.pieces import Card, button, column, row
from app.views.widgets.progress_panel import ProgressPanel
from app.views.widgets.row_table import Column, Kind, RowTable
from app.views.widgets.search_box import SearchBox
from app.views.widgets.state_mark import Shares, StateMark
from app.views.widgets.step_list import StepList
from app.views.widgets.timeline import Event, Timeline
from app.words import language

SIZES = ((1440, 900), (1024, 680))
THEMES: tuple[Choice, ...] = ("light", "dark")
NOW = datetime(2026, 11, 22, 6, 30, tzinfo=UTC)


def said(chinese: str, english: str) -> str:
    """Sample words: they are data of a merchant, not texts of the program."""
    return chinese if language() == "zh_CN" else english


@dataclass(frozen=True)
class SampleRow:
    id: int
    serial: str
    product: str
    face_minor: int | None
    state: StateMark
    used: Shares
    made_at: datetime


def states() -> list[StateMark]:
    return [
        StateMark("neutral", said("未激活", "Not active")),
        StateMark("info", said("可用", "Usable")),
        StateMark("cyan", said("已发", "Handed out")),
        StateMark("ok", said("已兑", "Redeemed")),
        StateMark("warn", said("冻结", "Frozen"), "lock"),
        StateMark("neutral", said("过期", "Expired"), "clock"),
        StateMark("error", said("作废", "Voided"), struck=True),
    ]


def sample_rows(ids: list[int]) -> list[SampleRow]:
    marks = states()
    names = said("中秋福利卡", "Mid-Autumn card"), said("西湖龙井提货券（一斤装礼盒，含礼袋）", "Longjing tea voucher")
    caption = said("已发 30 · 已用 20", "30 out · 20 used")
    used = Shares((("cyan", 30), ("ok", 20), ("warn", 5)), 100, caption)
    return [
        SampleRow(
            one,
            f"B261123-01-{one:06d}",
            names[one % 2],
            None if one % 5 == 4 else 20_000 + one * 7_350,
            marks[one % 7],
            used,
            NOW - timedelta(hours=one),
        )
        for one in ids
    ]


def sample_table(jobs: JobRunner) -> RowTable:
    table = RowTable(
        (
            Column("serial", said("卡号", "Serial"), 190, Kind.CODE, sortable=True),
            Column("product", said("商品", "Product"), 160, stretch=True, sortable=True),
            Column("face_minor", said("面值（元）", "Face (yuan)"), 130, Kind.MONEY, sortable=True),
            Column("state", said("状态", "State"), 120, Kind.STATE),
            Column("used", said("用量", "Use"), 170, Kind.SHARES),
            Column("made_at", said("建于", "Made"), 150, Kind.MOMENT, sortable=True),
        ),
        sample_rows,
        jobs=jobs,
        name=said("卡", "Cards"),
    )
    table.set_sort("face_minor", descending=True)
    return table


class ListPage(Page):
    def __init__(self, jobs: JobRunner) -> None:
        super().__init__(said("卡密批次", "Batches"), said("生成、导出、冻结一批卡密", "Make, export and freeze codes"))
        self.header.add_primary(said("生成卡密", "Generate"), self.update, shortcut="Ctrl+G")
        self.header.add_secondary(said("导入", "Import"), self.update, symbol="upload", shortcut="Ctrl+O")
        self.header.add_more(said("打印", "Print"), self.update, symbol="printer", shortcut="Ctrl+P")
        chips = ChipBar()
        chips.show_chips(
            [
                Chip("state", said("状态", "State"), said("未领取", "unclaimed")),
                Chip("product", said("商品", "Product"), said("中秋福利卡", "Mid-Autumn card")),
            ]
        )
        self.table = sample_table(jobs)
        self.table.summary_changed.connect(self.status_changed)
        self.body.addLayout(row(SearchBox(said("批次号、商品", "Serial, product")), chips, 0))
        self.body.addWidget(self.table, 1)
        self.table.show_ids(range(1, 12_307))


class EmptyPage(Page):
    def __init__(self) -> None:
        super().__init__(said("人员", "People"), said("可以收到卡的人", "Everyone who can receive a card"))
        reason = said("还没有人员", "Nobody here yet")
        hint = said("拖入员工名单，或从表格粘贴", "Drop a staff list, or paste from a spreadsheet")
        act = said("导入名单", "Import a list"), self.update
        self.body.addWidget(
            EmptyState("users", reason, hint=hint, act=act, link=(said("看演示", "See a demo"), self.update))
        )


class DashboardPage(Page):
    def __init__(self) -> None:
        super().__init__(said("看板", "Dashboard"), said("截至 14:30", "As of 14:30"))
        period = QComboBox()
        period.addItems([said("近 30 天", "Last 30 days"), said("本月", "This month")])
        self.header.add_widget(period)
        figures = QGridLayout()
        figures.setSpacing(16)
        for at, figure in enumerate(sample_figures()):
            tile = KpiCard()
            tile.show_figure(figure)
            figures.addWidget(tile, 0, at)
        charts = QGridLayout()
        charts.setSpacing(16)
        cards = sample_charts()
        for at, card in enumerate(cards):
            charts.addWidget(card, at // 2, at % 2)
        charts.setColumnStretch(0, 3)
        charts.setColumnStretch(1, 2)
        self.body.addLayout(figures)
        self.body.addLayout(charts, 1)


def sample_figures() -> list[Figure]:
    against = said("较上期", "vs before")
    wave = [20 + (at * 7) % 13 + at / 2 for at in range(30)]
    formula = said("已核销金额 ÷ 发行面值，作废的卡不算", "Redeemed amount ÷ face value issued; voided cards left out")
    return [
        Figure(said("发行", "Issued"), said("1.23 万", "12,300"), formula, 0.124, against, spark=wave),
        Figure(said("核销率（额）", "Redeemed share"), "31.5%", formula, -0.012, against, spark=wave[::-1]),
        Figure(
            said("未兑余额", "Outstanding"), said("¥82.40 万", "¥824,000"), formula, 0.05, against, None, spark=wave
        ),
        Figure(said("沉没率", "Breakage"), "--", formula, None, against),
    ]


def sample_charts() -> list[Card]:
    days = [date(2026, 10, 24) + timedelta(days=at) for at in range(30)]
    trend = TrendChart()
    issued = [800 + (at * 37) % 260 + at * 6 for at in range(30)]
    redeemed = [420 + (at * 53) % 190 + at * 5 for at in range(30)]
    trend.show_lines(days, [Line(said("发行", "Issued"), issued), Line(said("核销", "Redeemed"), redeemed)])
    bars = BarChart()
    names = said("中秋福利卡 端午提货券 年会红包 体检套餐 生日蛋糕券", "Autumn Dragon Year Health Birthday").split()
    bars.show_bars([Bars(at, name, 900 - at * 190, f"{900 - at * 190:,}") for at, name in enumerate(names)])
    heat = HeatMap()
    heat.show_counts([[(day * 5 + hour * 3) % 17 if 8 < hour < 22 else 0 for hour in range(24)] for day in range(7)])
    funnel = Funnel()
    stages = said("发送 送达 打开 领取 兑换", "Sent Delivered Opened Claimed Redeemed").split()
    funnel.show_stages([Stage(at, name, 500 - at * 63) for at, name in enumerate(stages)])
    made = []
    for title, chart in (
        (said("发行与核销趋势", "Issued and redeemed"), trend),
        (said("商品排行", "Top products"), bars),
        (said("核销时段", "When cards are redeemed"), heat),
        (said("渠道漏斗", "Funnel"), funnel),
    ):
        card = Card(title)
        card.body.addWidget(chart, 1)
        made.append(card)
    return made


class PiecesPage(Page):
    def __init__(self, jobs: JobRunner) -> None:
        super().__init__(said("部件", "Pieces"), said("所有共用部件", "Everything that is shared"))
        self.banner.say(
            "warn", said("有一批卡还没生成完", "A batch is unfinished"), action=(said("继续", "Go on"), self.update)
        )
        done = Flag()

        def half(progress: Progress) -> None:
            progress(3_200, 10_000)
            done.wait(5)

        self.done = done
        panel = ProgressPanel()
        panel.watch(jobs.start(half, title=said("生成 10,000 张卡密", "Generating 10,000 codes"), watch=True))
        code = CodeLabel(masked("7K3QX9PMA2FT8842"))
        opened = CodeLabel(masked("7K3QX9PMA2FT8842"))
        opened.show_code("7K3QX9PMA2FT8842")
        phrase = PassphraseField(
            said("口令", "Passphrase"), judge=lambda _: Strength(3, said("很难猜中", "Hard to guess"))
        )
        phrase.entry.setText("correct horse")
        steps = StepList(said("导入 对应列 检查 分配 渠道 确认", "Import Columns Check Assign Channel Confirm").split())
        steps.set_state(3, now=2, faulty=(1,))
        zone = DropZone(
            said("把员工名单拖到这里", "Drop the staff list here"),
            endings=(".xlsx", ".csv"),
            hint=said("XLSX、XLS、ODS、CSV、TSV，最多 50,000 行", "XLSX, XLS, ODS, CSV or TSV, up to 50,000 rows"),
        )
        left, right = Card(said("输入", "Input")), Card(said("经过", "Story"))
        for part in (phrase, code, opened, sample_choices()):
            left.body.addWidget(part)
        left.body.addStretch(1)
        right.body.addWidget(sample_timeline())
        right.body.addStretch(1)
        self.body.addWidget(panel)
        middle = column(zone, row(*sample_buttons(), 0, spacing=8), 0, spacing=12)
        self.body.addLayout(row(steps, left, right, middle, spacing=16), 1)


def sample_choices() -> QWidget:
    ticked, chosen, bar = (
        QCheckBox(said("允许部分核销", "Partial use")),
        QRadioButton(said("固定面值", "Fixed")),
        QProgressBar(),
    )
    ticked.setChecked(True)
    chosen.setChecked(True)
    bar.setValue(60)
    bar.setTextVisible(False)
    made = QWidget()
    tabs = QTabWidget()
    for name in said("基本 规则 历史", "Basics Rules History").split():
        tabs.addTab(QWidget(), name)
    made.setLayout(column(ticked, chosen, QRadioButton(said("可变金额", "Variable")), bar, tabs, spacing=4))
    return made


def sample_timeline() -> Timeline:
    return Timeline(
        [
            Event(NOW, said("核销 ¥50.00", "Redeemed ¥50.00"), said("西湖店 · 王喆", "West Lake"), "check", "ok"),
            Event(NOW - timedelta(days=2), said("领取", "Claimed"), symbol="gift", tone="info"),
            Event(NOW - timedelta(days=3), said("冻结", "Frozen"), said("误发", "sent by mistake"), "lock", "warn"),
            Event(NOW - timedelta(days=9), said("生成", "Made"), "B261123-01", "layers"),
        ]
    )


def sample_buttons() -> list[QWidget]:
    off = button(said("禁用", "Off"))
    off.setEnabled(False)
    return [
        button(said("普通", "Normal")),
        button(said("主要", "Primary"), kind="primary"),
        button(said("文字", "Text"), kind="text"),
        button(said("冻结", "Freeze"), kind="danger", symbol="snowflake"),
        off,
    ]


def sample_form(parent: QWidget) -> Dialog:
    dialog = Dialog(parent, said("生成一批卡密", "Generate a batch"), width=WIDE)
    form = Form(columns=2)
    kinds, count = QComboBox(), QSpinBox()
    kinds.addItems([said("固定面值储值卡", "Fixed value"), said("兑换券", "Voucher")])
    count.setMaximum(1_000_000)
    count.setValue(1_000)
    form.add("name", said("商品名称", "Product name"), QLineEdit(said("中秋福利卡", "Mid-Autumn card")))
    form.add("kind", said("种类", "Kind"), kinds)
    form.add("count", said("数量", "Quantity"), count, hint=said("一次最多 1,000,000 张", "At most 1,000,000 at once"))
    form.add("until", said("有效期至", "Valid until"), QDateEdit(QDate(2027, 12, 31)))
    note = QPlainTextEdit()
    note.setFixedHeight(64)
    form.add("note", said("备注", "Note"), note, wide=True)
    form.set_error("name", said("这个名称已经用过，换一个", "This name is taken; choose another"))
    dialog.body.addWidget(form)
    dialog.add_cancel()
    dialog.add_verb(said("生成 1,000 张", "Generate 1,000"))
    return dialog


def sample_confirm(parent: QWidget) -> Dialog:
    consequence = said(
        "500 张卡、共 ¥100,000.00 不能再兑换，也不能恢复。",
        "500 cards, ¥100,000.00 together, can never be redeemed again.",
    )
    title, verb = said("作废这 500 张卡？", "Void these 500 cards?"), said("作废 500 张卡", "Void 500 cards")
    dialog = ConfirmDialog(parent, title, consequence=consequence, verb=verb, typed="500")
    dialog.entry.setText("50")
    dialog.verb_button.click()
    return dialog
