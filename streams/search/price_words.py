"""The words with which people speak of prices, by language: data for `prices`.

Languages in the order English, Spanish, French, German, Italian, Portuguese, Dutch, Polish, Russian, Turkish,
Arabic, Chinese, Japanese, Korean, Thai.
"""

from __future__ import annotations

BELOW_BEFORE = (
    "under", "below", "less than", "cheaper than", "not more than", "no more than", "at most",
    "maximum", "max", "menos de", "por menos de", "por debajo de", "máximo", "como máximo", "moins de",
    "moins cher que", "en dessous de", "au maximum", "maximum de", "jusqu'à", "jusqu’à", "unter",
    "weniger als", "höchstens", "maximal", "günstiger als", "billiger als", "sotto", "sotto i",
    "meno di", "al massimo", "abaixo de", "no máximo", "por menos de", "onder", "minder dan",
    "hoogstens", "maximaal", "poniżej", "mniej niż", "maks", "maksymalnie", "nie więcej niż", "дешевле",
    "не дороже", "меньше", "ниже", "не более", "максимум", "en fazla", "أقل من", "تحت", "لا يزيد عن",
    "بحد أقصى", "低于", "不到", "少于", "不超过", "小于", "不高于", "预算", "低於", "少於", "不超過", "小於",
    "不高於", "預算", "최대", "ไม่เกิน", "ต่ำกว่า",
    "น้อยกว่า",
)  # fmt: skip
BELOW_BEFORE_MONEY = (
    "up to", "within", "to", "hasta", "bajo", "sous", "max.", "bis", "bis zu", "fino a", "até", "tot",
    "do", "до", "حتى", "<", "<=", "≤",
)  # fmt: skip
"""Words that mean other things too: they count before a sum with a currency, signs before any number."""
BELOW_AFTER = (
    "or less", "and under", "o menos", "ou moins", "oder weniger", "o meno", "ou menos", "of minder",
    "lub mniej", "или дешевле", "altı", "altında", "altındaki", "ve altı", "'den ucuz", "أو أقل",
    "以下", "以内", "之内", "以內", "之內", "未満", "まで", "以内の", "이하", "미만", "까지", "아래",
    "หรือต่ำกว่า",
)  # fmt: skip
ABOVE_BEFORE = (
    "over", "above", "more than", "at least", "minimum", "min", "más de", "por encima de", "mínimo",
    "plus de", "au moins", "au-dessus de", "über", "mehr als", "mindestens", "oltre", "più di",
    "almeno", "acima de", "mais de", "pelo menos", "boven", "meer dan", "minstens", "powyżej", "ponad",
    "więcej niż", "дороже", "больше", "свыше", "не дешевле", "en az", "أكثر من", "فوق", "على الأقل",
    "高于", "超过", "大于", "不低于", "高於", "超過", "大於", "不低於", "최소", "มากกว่า", "เกิน", "ตั้งแต่",
)  # fmt: skip
ABOVE_BEFORE_MONEY = (
    "from", "starting at", "desde", "a partir de", "à partir de", "dès", "ab", "a partire da", "da",
    "vanaf", "od", "от", "من", ">", ">=", "≥",
)  # fmt: skip
ABOVE_AFTER = (
    "or more", "and up", "and over", "o más", "ou plus", "oder mehr", "o più", "ou mais", "of meer",
    "lub więcej", "и выше", "üzeri", "üstü", "ve üzeri", "أو أكثر", "以上", "起", "以上の", "から",
    "이상", "부터", "ขึ้นไป",
)  # fmt: skip
BELOW_AFTER_MONEY = ("内", "內")
AROUND_AFTER = ("左右", "上下")
AROUND_BEFORE = ("大概", "大约", "大約", "约", "約", "差不多", "接近", "将近", "將近")
PRICE_NAMES = (
    "价格在", "价格", "价位", "售价", "預算在", "预算在", "预算", "價格在", "價格", "價位", "售價", "預算",
)  # fmt: skip
"""What stands before a bound and is a part of it."""
BETWEEN = (
    "between", "from", "entre", "de", "desde", "zwischen", "von", "tra", "fra", "da", "tussen", "van",
    "między", "od", "между", "от", "بين", "من", "ระหว่าง",
)  # fmt: skip
TO_A_SUM = ("到", "至")
"""Between two sums without a currency: a dash there would be of a size or a model too."""
AND_TO = (
    "and", "to", "y", "a", "hasta", "et", "à", "und", "bis", "e", "até", "en", "tot", "i", "do", "и",
    "до", "ile", "و", "إلى", "到", "至", "和", "から", "에서", "부터", "ถึง", "-", "–", "—", "~", "〜",
    "～",
)  # fmt: skip
CURRENCIES = (
    "$", "€", "£", "¥", "₩", "฿", "₽", "₺", "₹", "₫", "us$", "usd", "eur", "gbp", "jpy", "cny", "rmb",
    "krw", "thb", "rub", "try", "pln", "chf", "brl", "mxn", "dollar", "dollars", "bucks", "euro",
    "euros", "pound", "pounds", "quid", "dólar", "dólares", "pesos", "soles", "livres", "franken",
    "francs", "reais", "r$", "yen", "yuan", "won", "baht", "zł", "zloty", "złotych", "руб", "руб.", "р",
    "р.", "рублей", "рубля", "евро", "долларов", "tl", "lira", "دولار", "يورو", "ريال", "درهم", "جنيه",
    "元", "块", "块钱", "圆", "人民币", "元人民币", "美元", "美金", "欧元", "日元", "港币", "港元",
    "台币", "新台币", "hk$", "nt$", "圓", "塊", "塊錢", "人民幣", "元人民幣", "歐元", "日圓", "港幣",
    "台幣", "臺幣", "新台幣", "新臺幣",
    "円", "엔", "원", "달러", "유로", "บาท",
    "เหรียญ", "ยูโร",
)  # fmt: skip
CHEAP = (
    "cheap", "cheapest", "cheaper", "inexpensive", "affordable", "low cost", "low-cost", "budget",
    "barato", "barata", "baratos", "baratas", "económico", "económica", "económicos", "económicas",
    "pas cher", "pas chère", "pas chers", "pas chères", "bon marché", "günstig", "günstige",
    "günstiger", "günstigen", "billig", "billige", "billiger", "preiswert", "preiswerte", "economico",
    "economica", "economici", "economiche", "a buon mercato", "goedkoop", "goedkope", "tani", "tania",
    "tanie", "дешевый", "дешёвый", "дешевая", "дешёвая", "дешевые", "дешёвые", "дешево", "дёшево",
    "недорогой", "недорогая", "недорогие", "недорого", "ucuz", "uygun fiyatlı", "رخيص", "رخيصة",
    "最便宜的", "最便宜", "便宜一点的", "便宜点的", "便宜的", "便宜", "划算的", "划算", "劃算", "实惠的",
    "实惠", "廉价", "平价", "性价比高的",
    "性价比高", "便宜一點的", "便宜點的", "實惠的", "實惠", "廉價", "平價", "性價比高的", "性價比高", "安い",
    "格安", "激安", "저렴한", "저렴", "싼", "가성비", "ราคาถูก", "ราคาประหยัด",
)  # fmt: skip
DEAR = (
    "expensive", "premium", "luxury", "high-end", "high end", "caro", "cara", "caros", "caras", "lujo",
    "de luxe", "haut de gamme", "teuer", "teure", "hochwertig", "hochwertige", "di lusso", "duur",
    "dure", "luksusowy", "дорогой", "дорогие", "премиум", "люкс", "pahalı", "lüks", "فاخر", "فاخرة",
    "高端", "高档", "豪华", "奢侈", "高檔", "豪華", "高級", "고급", "명품", "หรู",
)  # fmt: skip
DEAREST = (
    "most expensive", "最贵的", "最贵", "贵一点的", "贵点的", "最貴的", "最貴", "貴一點的", "貴點的",
)  # fmt: skip
"""What no title says of itself."""
UNITS = (
    "cm", "mm", "m", "km", "kg", "g", "mg", "lb", "lbs", "oz", "w", "watt", "watts", "v", "volt", "a",
    "amp", "mah", "hz", "khz", "mhz", "ghz", "db", "inch", "inches", "in", "ft", "feet", "foot", "zoll",
    "pouces", "pulgadas", "ml", "cl", "l", "liter", "litres", "gb", "tb", "mb", "mp", "hours", "hour",
    "h", "min", "minutes", "minuten", "days", "years", "year", "jahre", "jahren", "años", "ans", "anni",
    "anos", "лет", "pieces", "pcs", "pack", "strings", "keys", "people", "players", "pages", "ohm",
    "ohms", "bit", "bits", "см", "мм", "м", "кг", "г", "вт", "л", "岁", "歲", "厘米", "米", "公斤", "克",
    "寸", "英寸", "吋", "斤", "毫米", "平方", "平米", "毫升", "升", "毫克", "吨", "磅", "毫安", "瓦", "伏",
    "匹",
    "流明", "像素", "兆", "赫兹", "小时", "小時", "分钟", "分鐘", "秒", "天", "个月", "個月", "年", "月",
    "号", "號",
    "度", "级", "級", "倍", "次", "期", "折", "码", "碼", "片", "张", "張", "件", "个", "個", "只", "隻",
    "页", "頁",
    "人", "根", "粒", "颗", "顆", "支", "瓶", "袋", "盒", "包", "套", "条", "條", "双", "雙", "本", "台",
    "转", "轉",
    "目", "层", "層", "键", "鍵", "枚", "克拉", "公里", "歳", "インチ", "세", "인치", "ปี", "ซม", "นิ้ว",
)  # fmt: skip
"""What stands behind a number that is no price."""
NO_UNITS = (
    "台灯", "台燈", "台式", "双肩", "雙肩", "本子", "套装", "套裝", "包邮", "包郵", "包包", "条纹", "條紋",
    "瓶子", "盒子",
    "袋子", "支架", "片子", "个性", "年货", "月饼", "人参", "米粉", "升降",
)  # fmt: skip
"""Goods that begin as a unit does: 预算三千台式机."""
MEASURES = (
    "身高", "体重", "體重", "年龄", "年齡", "尺码", "尺碼", "尺寸", "长度", "長度", "宽度", "寬度", "高度",
    "功率", "容量",
    "电压", "電壓", "页数", "頁數", "度数", "度數", "近视", "近視", "重量",
)  # fmt: skip
"""What stands before a number that is no price: 身高170左右."""
RECKONED = ("加", "减", "減", "乘", "除", "口算", "的加", "的减", "的減")
"""What stands behind a bound that numbers are reckoned within: 20以内加减法."""
