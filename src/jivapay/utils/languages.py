"""The languages a person is spoken to in, and which of them a client prefers (decision 23)."""

LANGUAGES = ("ru", "en")
LANGUAGE_DEFAULT = "ru"
ACCEPT_LANGUAGE_LENGTH_MAX = 200


def client_language(accept_language: str) -> str:
    """The language of what is made for a program or a file: what it prefers, else ours."""
    return preferred_language(accept_language) or LANGUAGE_DEFAULT


def preferred_language(accept_language: str) -> str | None:
    """The first of our languages by weight: `de, en;q=0.8, ru;q=0.5` prefers English."""
    offers = []
    for place, part in enumerate(accept_language[:ACCEPT_LANGUAGE_LENGTH_MAX].split(",")):
        name, _, weight = part.partition(";")
        language = name.strip().partition("-")[0].lower()
        if language in LANGUAGES:
            offers.append((-_thousandths(weight), place, language))
    best = min(offers, default=None)
    return best[2] if best is not None and best[0] < 0 else None


def _thousandths(weight: str) -> int:
    """`q=0.85` is 850. Nothing said is the whole weight, nonsense is none."""
    name, _, value = weight.strip().partition("=")
    if not name:
        return 1000
    whole, _, decimals = value.partition(".")
    if name.strip().lower() != "q" or whole not in {"0", "1"} or not f"0{decimals}".isdecimal():
        return 0
    return 1000 if whole == "1" else int(decimals[:3].ljust(3, "0"))
