"""What a statement's file says in Russian and in English. A kind without a word of its own stands as it is."""

HEADINGS: dict[str, tuple[str, ...]] = {
    "en": ("Time", "Kind", "Order", "Shop's order", "Reference", "Amount", "Balance after", "Transfer"),
    "ru": ("Время", "Операция", "Сделка", "Заказ магазина", "Основание", "Сумма", "Остаток после", "Проводка"),
}
SUMMARY: dict[str, dict[str, str]] = {
    "en": {
        "account": "Account",
        "currency": "Currency",
        "start": "From",
        "end": "To (not included)",
        "opening": "Opening balance",
        "credited": "Credited",
        "debited": "Debited",
        "closing": "Closing balance",
        "count": "Entries",
    },
    "ru": {
        "account": "Счёт",
        "currency": "Валюта",
        "start": "С",
        "end": "По (не включая)",
        "opening": "Остаток на начало",
        "credited": "Поступило",
        "debited": "Списано",
        "closing": "Остаток на конец",
        "count": "Операций",
    },
}
TITLES = {"en": ("Statement", "Summary"), "ru": ("Выписка", "Итоги")}
REVERSAL = {"en": "{} (reversed)", "ru": "{} (возврат)"}
KINDS: dict[str, dict[str, str]] = {
    "en": {
        "settlement": "Settlement of an order",
        "deposit": "Deposit",
        "withdrawal": "Withdrawal",
        "adjustment": "Correction",
        "cover": "Lent by the platform",
        "cover_repayment": "Repaid to the platform",
        "unmatched": "Unmatched payment",
    },
    "ru": {
        "settlement": "Расчёт по сделке",
        "deposit": "Пополнение",
        "withdrawal": "Вывод",
        "adjustment": "Корректировка",
        "cover": "Покрытие платформой",
        "cover_repayment": "Возврат покрытия платформе",
        "unmatched": "Неопознанный платёж",
    },
}
_SUFFIX = "_reversal"


def kind_word(kind: str, language: str) -> str:
    base = kind.removesuffix(_SUFFIX)
    word = KINDS[language].get(base, base.replace("_", " "))
    return REVERSAL[language].format(word) if kind.endswith(_SUFFIX) else word
