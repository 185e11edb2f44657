"""Words for the three classes, in the languages that review files are labelled in.

Only words that mean one thing in every language that has them: ``good`` and ``bad``, ``p`` and ``n`` are left out.
Accents count, as ``canonical`` in ``labels`` leaves them.
"""

from __future__ import annotations

_WORDS = {
    "negative": (
        "negative neg negatif négatif négative negativ negativa negativo negatief negatywny negatywna negatywne "
        "negativní negatív negatiivinen olumsuz tiêu_cực αρνητικό αρνητική негативный негативная негативно негатив "
        "отрицательный отрицательная отрицательно سلبي سلبية नकारात्मक แง่ลบ เชิงลบ "
        "ネガティブ 否定的 否定 否定的な 不評 差评 差評 负面 負面 消极 消極 부정 부정적"
    ),
    "neutral": (
        "neutral neu netral neutre neutro neutra neutraal neutralny neutralna neutralne neutrální semleges "
        "neutraali nötr trung_tính trung_lập ουδέτερο ουδέτερη нейтральный нейтральная нейтрально محايد محايدة तटस्थ "
        "เป็นกลาง ニュートラル 中立的 中立 中性 中评 中評 중립 중립적"
    ),
    "positive": (
        "positive pos positif positiv positiva positivo positief pozitif pozytywny pozytywna pozytywne "
        "pozitivní pozitív positiivinen olumlu tích_cực θετικό θετική позитивный позитивная позитивно позитив "
        "положительный положительная положительно إيجابي إيجابية ايجابي सकारात्मक แง่บวก เชิงบวก "
        "ポジティブ 肯定的 肯定 肯定的な 好評 好评 正面 积极 積極 긍정 긍정적"
    ),
}
NAMES = {word.replace("_", " "): name for name, words in _WORDS.items() for word in words.split()}
