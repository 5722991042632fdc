"""Searches that people make of a Chinese shop (`chinese_goods`), and what they want to find.

`kinds`: any of these will do; `maker`, `low` and `high`: and of this maker, at these prices. `has`: and with
this in the title. Searches by a word that no title has are marked: meaning alone can find those.
"""

from __future__ import annotations

from typing import NamedTuple

from benchmarks.chinese_goods import Good


class Query(NamedTuple):
    """`group`: what it is an example of."""

    text: str
    group: str
    kinds: tuple[str, ...]
    maker: str = ""
    low: float = 0.0
    high: float = float("inf")
    has: str = ""

    def wants(self, good: Good) -> bool:
        """Whether an item answers it."""
        fits = good.kind in self.kinds and self.low <= good.price <= self.high
        return fits and (not self.maker or good.maker == self.maker) and self.has in good.title


QUERIES = (
    Query("运动鞋", "plain", ("shoe",)),
    Query("跑步鞋", "plain", ("shoe",)),
    Query("蓝牙耳机", "plain", ("earbud",)),
    Query("机械键盘", "plain", ("keyboard",)),
    Query("充电宝", "plain", ("power",)),
    Query("电饭煲", "plain", ("rice",)),
    Query("保温杯", "plain", ("cup",)),
    Query("洗发水", "plain", ("shampoo",)),
    Query("积木", "plain", ("toy",)),
    Query("帐篷", "plain", ("tent",)),
    Query("茶", "plain", ("tea",)),
    Query("不粘锅", "plain", ("pan",)),
    Query("露营用的帐篷", "plain", ("tent",)),
    Query("女款羽绒服", "plain", ("coat",)),
    Query("頭髮", "traditional", ("shampoo",)),
    Query("運動鞋", "traditional", ("shoe",)),
    Query("無線耳機", "traditional", ("earbud",)),
    Query("手機殼", "traditional", ("case",)),
    Query("鍵盤", "traditional", ("keyboard",)),
    Query("電飯鍋", "traditional", ("rice",)),
    Query("護手霜", "traditional", ("cream",)),
    Query("雙肩包", "traditional", ("bag",)),
    Query("羽絨服", "traditional", ("coat",)),
    Query("露營帳篷", "traditional", ("tent",)),
    Query("數據線", "traditional", ("cable",)),
    Query("初學者吉他", "traditional", ("guitar",)),
    Query("电子锅", "to traditional", ("rice",), has="電子鍋"),
    Query("洗发精", "to traditional", ("shampoo",), has="洗髮精"),
    Query("历史小说", "to traditional", ("book",), has="歷史"),
    Query("乌龙茶", "to traditional", ("tea",), has="烏龍"),
    Query("体验组", "to traditional", ("guitar",), has="體驗"),
    Query("Nike跑鞋", "mixed", ("shoe",), maker="Nike"),
    Query("nike 运动鞋", "mixed", ("shoe",), maker="Nike"),
    Query("ＮＩＫＥ　运动鞋", "mixed", ("shoe",), maker="Nike"),
    Query("iphone手机壳", "mixed", ("case",)),
    Query("ｉＰｈｏｎｅ 手機殼", "mixed", ("case",)),
    Query("sony降噪耳机", "mixed", ("earbud", "headset"), maker="Sony"),
    Query("type c 数据线", "mixed", ("cable",)),
    Query("LEGO积木", "mixed", ("toy",), maker="LEGO"),
    Query("yamaha木吉他", "mixed", ("guitar",), maker="Yamaha"),
    Query("罗技鼠标，静音", "mixed", ("mouse",), maker="罗技"),
    Query("「苏泊尔」炒锅！", "mixed", ("pan",), maker="苏泊尔"),
    Query("400元以下的耳机", "price", ("earbud", "headset"), high=400),
    Query("５００元以内　蓝牙耳机", "price", ("earbud",), high=500),
    Query("便宜的数据线", "price", ("cable",), high=45),
    Query("便宜的運動鞋", "price", ("shoe",), high=450),
    Query("300到600元的跑鞋", "price", ("shoe",), low=300, high=600),
    Query("两百元以下的键盘", "price", ("keyboard",), high=200),
    Query("預算100塊 保溫杯", "price", ("cup",), high=100),
    Query("1千元以上的吉他", "price", ("guitar",), low=1000),
    Query("跑步穿的鞋子", "meaning", ("shoe",)),
    Query("爬山穿什么鞋", "meaning", ("boot",)),
    Query("行動電源", "meaning", ("power",)),
    Query("煮饭的锅", "meaning", ("rice",)),
    Query("洗头的", "meaning", ("shampoo",)),
    Query("送给六岁小孩的生日礼物", "meaning", ("toy",)),
    Query("冬天穿的外套", "meaning", ("coat",)),
    Query("wireless headphones", "meaning", ("earbud", "headset")),
    Query("running shoes", "meaning", ("shoe", "boot")),
    Query("acoustic guitar", "meaning", ("guitar",)),
    Query("烧开水用的", "meaning", ("kettle",)),
    Query("滑鼠", "meaning", ("mouse",)),
)
