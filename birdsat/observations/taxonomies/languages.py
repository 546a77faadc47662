"""Languages of common names, as columns of tables name them."""

import re

_CODES = {  # ISO 639-1, or 639-3 where there is none of two letters
    "afrikaans": "af", "arabic": "ar", "basque": "eu", "belarusian": "be", "bulgarian": "bg", "catalan": "ca",
    "chinese": "zh", "chinesesimplified": "zh", "chinesetraditional": "zh-tw", "croatian": "hr", "czech": "cs",
    "danish": "da", "dutch": "nl", "english": "en", "esperanto": "eo", "estonian": "et", "faroese": "fo",
    "finnish": "fi", "french": "fr", "galician": "gl", "german": "de", "greek": "el", "hebrew": "he",
    "hungarian": "hu", "icelandic": "is", "indonesian": "id", "irish": "ga", "italian": "it", "japanese": "ja",
    "korean": "ko", "latvian": "lv", "lithuanian": "lt", "macedonian": "mk", "malayalam": "ml", "mongolian": "mn",
    "northernsami": "se", "norwegian": "no", "persian": "fa", "polish": "pl", "portuguese": "pt",
    "portuguesebrazilian": "pt-br", "portugueselusophone": "pt", "portugueseportuguese": "pt", "romanian": "ro",
    "russian": "ru", "serbian": "sr", "slovak": "sk", "slovenian": "sl", "spanish": "es", "swedish": "sv",
    "thai": "th", "turkish": "tr", "ukrainian": "uk", "vietnamese": "vi", "welsh": "cy",
}  # fmt: skip
_LONG_CODES = {
    "eng": "en", "deu": "de", "ger": "de", "fra": "fr", "fre": "fr", "spa": "es", "ita": "it", "por": "pt", "nld": "nl",
    "dut": "nl", "rus": "ru", "jpn": "ja", "zho": "zh", "chi": "zh", "swe": "sv", "nor": "no", "nob": "no", "dan": "da",
    "fin": "fi", "pol": "pl", "ces": "cs", "cze": "cs", "hun": "hu", "tur": "tr", "cat": "ca", "est": "et", "lav": "lv",
    "lit": "lt", "slk": "sk", "slv": "sl", "ron": "ro", "bul": "bg", "ell": "el", "heb": "he", "kor": "ko", "ukr": "uk",
}  # fmt: skip
_COMMON = r"(?:common|vernacular|primary_com|com)_names?"
_BY_CODE = re.compile(rf"(?:.*_)?{_COMMON}_\(?(?P<code>(?!id\b)[a-z]{{2,3}}(?:_[a-z]{{2}})?)\)?")
_OF_NO_LANGUAGE = re.compile(rf"(?:.*_)?{_COMMON}")
_OF_OTHERS = ("family", "order", "genus", "subspecies")  # whose common names are not those of the species
_BESIDE = frozenset(  # words of such columns that are not the language; AviList and BirdLife part at their capitals
    [
        "name",
        "names",
        "species",
        "common",
        "vernacular",
        "ioc",
        "avilist",
        "avi",
        "list",
        "clements",
        "birdlife",
        "bird",
        "life",
        "bbl",
        "ebird",
    ]
)


def language_code(language: str) -> str:
    """The code of a language by its name or another code: German, deu and DE are de; "" for what is not known."""
    plain = "".join(filter(str.isalpha, language.casefold()))
    if plain in _CODES:
        return _CODES[plain]
    parts = re.split(r"[_-]", language.casefold())
    short = _LONG_CODES.get(parts[0], parts[0])
    if not re.fullmatch(r"[a-z]{2,3}", short):
        return ""
    return "-".join([short, *parts[1:2]]) if short in ("zh", "pt") else short


def language_of_column(column: str) -> str | None:
    """The language of the common names in a column: German, french_name, vernacularName_de, English_name_AviList.

    "" where the column holds common names and does not say of which language; None where it holds something else.
    """
    parted = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", column.strip())
    written = "_".join(filter(None, re.split(r"[^\w.]+|_", parted))).casefold()
    if written.startswith(_OF_OTHERS):
        return None
    if found := _BY_CODE.fullmatch(written):
        return language_code(found["code"]) or None
    if _OF_NO_LANGUAGE.fullmatch(written):
        return ""
    plain = "".join(filter(str.isalpha, written))
    if plain in _CODES:
        return _CODES[plain]
    words = [word for word in written.split("_") if word not in _BESIDE and not re.fullmatch(r"v?[\d.]+", word)]
    return _CODES.get(words[0]) if len(words) == 1 else None
