"""How names are read: a sort key, and every reading somebody may type to find them.

Surnames keep old readings that a dictionary of common words gets wrong (曾 is zeng here, not ceng). The table follows
the list in mozillazg/python-pinyin issue 297; both the surname's and the common reading find the person.
"""

from functools import cache

from pypinyin import lazy_pinyin

SURNAMES: dict[str, tuple[str, ...]] = {
    "阚": ("kan",),
    "薄": ("bo", "bao"),
    "柏": ("bai", "bo"),
    "贲": ("ben", "bi"),
    "秘": ("bi", "mi"),
    "卜": ("bu",),
    "不": ("fou", "bu"),
    "晁": ("chao",),
    "车": ("che", "ju"),
    "称": ("chen", "cheng"),
    "谌": ("chen", "shen"),
    "种": ("chong", "zhong"),
    "重": ("chong", "zhong"),
    "丁": ("ding",),
    "都": ("du", "dou"),
    "费": ("fei", "bi"),
    "盖": ("ge", "gai"),
    "句": ("gou", "ju"),
    "妫": ("gui",),
    "呙": ("guo",),
    "过": ("guo",),
    "哈": ("ha",),
    "黑": ("he", "hei"),
    "华": ("hua",),
    "郇": ("xun", "huan"),
    "纪": ("ji",),
    "祭": ("zhai", "ji"),
    "贾": ("jia", "gu"),
    "解": ("xie", "jie"),
    "居": ("ju",),
    "适": ("kuo", "shi"),
    "隗": ("wei", "kui"),
    "乐": ("yue", "le"),
    "六": ("lu", "liu"),
    "陆": ("lu",),
    "缪": ("miao", "mou"),
    "宓": ("mi", "fu"),
    "牟": ("mou", "mu"),
    "那": ("na",),
    "佴": ("nai", "er"),
    "能": ("nai", "neng"),
    "粘": ("nian", "zhan"),
    "乜": ("nie", "mie"),
    "宁": ("ning",),
    "区": ("ou", "qu"),
    "逄": ("pang",),
    "朴": ("piao", "pu", "po"),
    "繁": ("po", "fan"),
    "亓": ("qi",),
    "强": ("qiang", "jiang"),
    "覃": ("qin", "tan"),
    "仇": ("qiu", "chou"),
    "瞿": ("qu", "ju"),
    "曲": ("qu",),
    "任": ("ren",),
    "单": ("shan", "dan"),
    "召": ("shao", "zhao"),
    "折": ("she", "zhe"),
    "佘": ("she",),
    "莘": ("shen", "xin"),
    "沈": ("shen", "chen"),
    "盛": ("sheng", "cheng"),
    "石": ("shi", "dan"),
    "殳": ("shu",),
    "泷": ("shuang", "long"),
    "眭": ("sui",),
    "宿": ("su", "xiu"),
    "塔": ("ta",),
    "汤": ("tang",),
    "万": ("wan",),
    "尉": ("wei", "yu"),
    "郗": ("xi", "chi"),
    "洗": ("xian", "xi"),
    "冼": ("xian", "xi"),
    "行": ("xing", "hang"),
    "禤": ("xuan",),
    "寻": ("xun",),
    "燕": ("yan",),
    "幺": ("yao",),
    "么": ("yao", "me"),
    "叶": ("ye", "xie"),
    "殷": ("yin", "yan"),
    "应": ("ying",),
    "於": ("yu",),
    "俞": ("yu", "shu"),
    "员": ("yun", "yuan"),
    "贠": ("yun",),
    "貟": ("yun", "yuan"),
    "昝": ("zan",),
    "臧": ("zang",),
    "藏": ("zang", "cang"),
    "扎": ("za", "zha"),
    "曾": ("zeng", "ceng"),
    "查": ("zha", "cha"),
    "翟": ("zhai", "di"),
    "占": ("zhan",),
    "仉": ("zhang",),
    "单于": ("chan yu",),
    "尉迟": ("yu chi", "wei chi"),
    "万俟": ("mo qi", "wan si"),
    "长孙": ("zhang sun", "chang sun"),
    "澹台": ("tan tai", "dan tai"),
    "乐正": ("yue zheng", "le zheng"),
    "令狐": ("ling hu",),
    "宰父": ("zai fu",),
    "皇甫": ("huang fu",),
}
"""First signs of a name → readings as a surname, likeliest first; syllables separated by a space."""

LONGEST_SURNAME = max(map(len, SURNAMES))
MOST_READINGS = 4


def readings(name: str) -> tuple[str, str]:
    """(sort key, search words): `zeng xiao xian`, `曾小贤 zengxiaoxian zxx cengxiaoxian cxx`."""
    plain = "".join(name.split()).lower()
    read = _all_readings(plain)
    words = [plain]
    for syllables in read:
        words += ["".join(syllables), "".join(syllable[0] for syllable in syllables)]
        if any("v" in syllable for syllable in syllables):
            words.append("".join(syllables).replace("v", "u"))
    return " ".join(read[0]) if read else plain, " ".join(dict.fromkeys(words))


def _all_readings(name: str) -> list[list[str]]:
    """Syllables of the whole name, likeliest reading first."""
    common = [syllable for syllable in _common(name) if syllable]
    surname = next((name[:size] for size in range(LONGEST_SURNAME, 0, -1) if name[:size] in SURNAMES), "")
    if not surname:
        return [common] if common else []
    given = [syllable for syllable in _common(name[len(surname) :]) if syllable]
    read = [reading.split() + given for reading in SURNAMES[surname]]
    if common not in read:
        read.append(common)
    return read[:MOST_READINGS]


@cache
def _sign(sign: str) -> str:
    """The common reading of one sign; Latin letters and digits stand for themselves, other marks for nothing."""
    if sign.isascii():
        return sign if sign.isalnum() else ""
    found: list[str] = lazy_pinyin(sign, errors="ignore")
    return found[0] if found else ""


def _common(name: str) -> list[str]:
    """The reading of each sign; words known as a whole (重庆) are read as such."""
    if name.isascii():
        return ["".join(_sign(sign) for sign in name)]
    return [_sign(sign) for sign in name] if len(name) < 2 else _phrase(name)


def _phrase(name: str) -> list[str]:
    read: list[str] = lazy_pinyin(name, errors=lambda other: "".join(map(_sign, other)))
    return read
