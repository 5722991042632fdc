"""A Chinese shop, made up: titles as shops write them, makers, categories, prices in yuan; some of it in
traditional characters.

A kind of goods has its names, makers, properties and prices; the items of a kind are put together from these,
the same ones for the same seed.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import NamedTuple


class Kind(NamedTuple):
    """`names`: what such goods are called, the first ones most often. prices: from, to."""

    key: str
    category: str
    names: str
    makers: str
    properties: str
    prices: tuple[int, int]
    text: str


class Good(NamedTuple):
    """One item; `kind`: its key."""

    item_id: str
    kind: str
    title: str
    maker: str
    category: str
    price: float
    text: str


KINDS = (
    Kind("shoe", "运动鞋", "跑步鞋 运动鞋 跑鞋", "Nike 李宁 安踏 ASICS",
         "透气 轻便 缓震 防滑 男款 女款", (199, 899),
         "鞋底柔软有弹性，适合日常跑步和健身。"),
    Kind("boot", "户外鞋", "登山鞋 徒步鞋", "Columbia 探路者",
         "防水 高帮 耐磨 男款", (299, 999),
         "鞋面防泼水，走山路不打滑。"),
    Kind("earbud", "耳机", "蓝牙耳机 无线耳机", "华为 小米 Sony 漫步者",
         "降噪 入耳式 长续航 迷你", (59, 1299),
         "音质清晰，低音有力，通话降噪。"),
    Kind("headset", "耳机", "头戴式耳机 电竞耳机", "罗技 Sony 雷蛇",
         "有线 游戏 带麦克风", (99, 1899),
         "戴着舒服，打游戏听声辨位。"),
    Kind("keyboard", "电脑外设", "机械键盘 无线键盘", "罗技 ikbc Cherry",
         "青轴 红轴 87键 背光", (99, 699),
         "手感清脆，适合办公和游戏。"),
    Kind("mouse", "电脑外设", "无线鼠标 游戏鼠标", "罗技 雷蛇 小米",
         "静音 人体工学 可充电", (29, 499),
         "握感舒适，定位精准。"),
    Kind("case", "手机配件", "iPhone手机壳 手机保护壳", "图拉斯 Apple 绿联",
         "透明 防摔 磁吸 硅胶", (19, 399),
         "贴合机身，防摔不发黄。"),
    Kind("power", "手机配件", "充电宝 移动电源", "小米 Anker 罗马仕",
         "10000毫安 快充 小巧 可上飞机", (49, 299),
         "出门给手机充电，一天够用。"),
    Kind("cable", "手机配件", "数据线 快充线", "绿联 Anker 品胜",
         "Type-C 1米 编织 快充", (9, 89),
         "充电快，不易断。"),
    Kind("phone", "手机", "智能手机 5G手机", "华为 小米 OPPO",
         "8GB+256GB 曲面屏 长续航", (999, 6999),
         "拍照清楚，运行流畅。"),
    Kind("rice", "厨房电器", "电饭煲 电饭锅", "美的 苏泊尔 九阳",
         "3L 智能预约 不粘内胆", (99, 599),
         "米饭香软，可预约煮粥。"),
    Kind("kettle", "厨房电器", "电热水壶 烧水壶", "美的 苏泊尔 小米",
         "1.5L 不锈钢 自动断电", (49, 199),
         "几分钟烧开一壶水。"),
    Kind("pan", "锅具", "不粘锅 平底锅 炒锅", "苏泊尔 爱仕达",
         "28cm 少油烟 电磁炉通用", (59, 399),
         "煎蛋炒菜不粘锅，好清洗。"),
    Kind("cup", "杯壶", "保温杯 水杯", "富光 膳魔师 象印",
         "316不锈钢 500ml 便携", (29, 299),
         "保温十二小时，不漏水。"),
    Kind("shampoo", "洗护", "洗发水 洗发露", "海飞丝 清扬 施华蔻",
         "去屑 控油 滋润 500ml", (29, 129),
         "洗完头发蓬松柔顺。"),
    Kind("cream", "护肤", "护手霜 润肤霜", "百雀羚 妮维雅 欧舒丹",
         "保湿 滋润 便携装", (9, 199),
         "秋冬手不干裂，吸收快。"),
    Kind("mask", "护肤", "面膜 补水面膜", "自然堂 SK-II 敷尔佳",
         "补水 玻尿酸 10片", (29, 599),
         "敷完皮肤水润透亮。"),
    Kind("tea", "茶叶", "绿茶 龙井茶 茉莉花茶", "西湖 八马 大益",
         "明前 特级 250克 礼盒", (39, 699),
         "香气清高，回味甘甜。"),
    Kind("snack", "零食", "每日坚果 坚果礼包", "三只松鼠 良品铺子",
         "独立小包 750克 混合", (29, 169),
         "核桃腰果蔓越莓，孩子也爱吃。"),
    Kind("noodle", "方便食品", "螺蛳粉 方便面", "好欢螺 康师傅",
         "酸辣 5袋装 速食", (9, 59),
         "汤鲜味浓，煮五分钟就能吃。"),
    Kind("toy", "玩具", "积木 拼装积木", "乐高 LEGO 布鲁可",
         "城市系列 6岁以上 儿童", (39, 999),
         "锻炼动手能力，生日送孩子。"),
    Kind("book", "图书", "长篇小说 科幻小说", "人民文学出版社 重庆出版社",
         "精装 全三册 畅销", (19, 169),
         "故事宏大，读起来停不下来。"),
    Kind("guitar", "乐器", "民谣吉他 木吉他", "Yamaha 卡马",
         "41英寸 初学者 单板", (299, 1999),
         "音色温暖，新手容易上手。"),
    Kind("tent", "户外装备", "帐篷 露营帐篷", "牧高笛 Naturehike",
         "3-4人 防雨 速开", (129, 899),
         "两分钟搭好，一家人露营够住。"),
    Kind("bag", "箱包", "双肩包 电脑背包", "小米 Samsonite 新秀丽",
         "15.6英寸 大容量 防水", (79, 699),
         "能装笔记本电脑，肩带不勒。"),
    Kind("coat", "服装", "羽绒服 短款羽绒服", "波司登 优衣库",
         "轻薄 保暖 女款 白鸭绒", (199, 1299),
         "又轻又暖，冬天出门不臃肿。"),
)  # fmt: skip

TRADITIONAL = (
    Good(
        "tw-1", "shoe", "Nike 輕便透氣運動鞋 男款", "Nike", "運動鞋", 650.0, "鞋底柔軟有彈性，適合日常跑步。"
    ),
    Good("tw-2", "earbud", "Sony 無線藍牙耳機 主動降噪", "Sony", "耳機", 990.0, "音質清晰，通話降噪。"),
    Good("tw-3", "shampoo", "絲蘊 洗髮精 頭髮滋養 500ml", "絲蘊", "洗護", 88.0, "洗完頭髮蓬鬆柔順。"),
    Good("tw-4", "cream", "歐舒丹 護手霜 保濕滋潤", "歐舒丹", "護膚", 168.0, "手不乾裂，吸收快。"),
    Good("tw-5", "rice", "象印 電子鍋 電飯煲 5人份", "象印", "廚房電器", 560.0, "米飯香軟。"),
    Good("tw-6", "book", "歷史小說 萬曆年間的發展 精裝", "聯經", "圖書", 120.0, "讀起來停不下來。"),
    Good("tw-7", "tea", "凍頂烏龍茶 高山茶葉 禮盒", "天仁", "茶葉", 320.0, "回味甘甜。"),
    Good("tw-8", "guitar", "Yamaha 木吉他 初學者 體驗組", "Yamaha", "樂器", 1400.0, "音色溫暖。"),
    Good("tw-9", "tent", "露營帳篷 4人 防雨 速開", "Naturehike", "戶外裝備", 780.0, "兩分鐘搭好。"),
    Good("tw-10", "case", "iPhone 手機殼 透明防摔 磁吸", "犀牛盾", "手機配件", 199.0, "貼合機身。"),
)
"""Written by hand: what a conversion of the others would not show."""


def chinese_goods(each: int = 7, seed: int = 1) -> list[Good]:
    """`each` items of every kind, and those in traditional characters."""
    rng, made = random.Random(seed), list[Good]()
    for kind in KINDS:
        names, makers, properties = kind.names.split(), kind.makers.split(), kind.properties.split()
        for n in range(each):
            maker, name = makers[n % len(makers)], names[n % len(names)]
            told = rng.sample(properties, min(3, len(properties)))
            low, high = kind.prices
            price = round(low + (high - low) * (n + rng.random()) / each)
            title = _title(rng, maker, name, told)
            made.append(
                Good(f"{kind.key}-{n}", kind.key, title, maker, kind.category, float(price), kind.text)
            )
    return [*made, *TRADITIONAL]


def _title(rng: random.Random, maker: str, name: str, properties: Sequence[str]) -> str:
    """As sellers write one: the order varies, and so do the spaces."""
    first, *others = properties
    ways = (f"{maker} {name} {' '.join(properties)}", f"{maker}{first}{name} {' '.join(others)}")
    return rng.choice(ways)
