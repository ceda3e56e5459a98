"""Which passwords are accepted: 10 to 256 characters, and none of those everybody tries (reliability 6.1, V6.2)."""

import unicodedata

LENGTH_MIN = 10
LENGTH_MAX = 256

TOO_SHORT = "password.too_short"
TOO_LONG = "password.too_long"
TOO_COMMON = "password.too_common"

_COMMON_TEXT = """
    1234567890 12345678910 123456789a 0123456789 0987654321 9876543210 1111111111 0000000000 1212121212 1234512345
    1q2w3e4r5t 1q2w3e4r5t6y qwertyuiop qwerty12345 qwerty123456 qwertyqwerty 1qaz2wsx3edc zaq12wsxcde3 asdfghjkl1
    asdfghjkl; zxcvbnm123 password12 password123 password1234 password12345 passwordpassword passw0rd123 p@ssw0rd123
    p@ssword123 letmein123 welcome123 welcome1234 admin12345 admin123456 administrator adminadmin iloveyou12
    iloveyou123 iloveyou1234 sunshine123 princess123 football123 baseball123 superman123 michael123 dragon1234
    monkey12345 abcdefghij abcd123456 abc1234567 abcdef1234 aaaaaaaaaa qazwsxedcr q1w2e3r4t5 q1w2e3r4t5y6
    changeme123 changemenow default123 secret1234 secret12345 test123456 testtest12 testtest123 qwe1234567
    qweasdzxc1 qweasdzxc123 йцукенгшщз йцукен12345 йцукен123456 пароль1234 пароль12345 пароль123456 jivapay123
    jivapay1234 jivapay12345
"""
_COMMON = frozenset(_COMMON_TEXT.split())


def find_password_problem(password: str) -> str | None:
    """An error code, or None when it may be used."""
    if len(password) < LENGTH_MIN:
        return TOO_SHORT
    if len(password) > LENGTH_MAX:
        return TOO_LONG
    plain = unicodedata.normalize("NFKC", password).casefold().strip()
    if plain in _COMMON or len(set(plain)) <= 2:  # noqa: PLR2004 - one or two characters over and over
        return TOO_COMMON
    return None
