"""Which language a short text is written in, by its script and its function words."""

from __future__ import annotations

import re
from collections import Counter

_SCRIPTS: tuple[tuple[str, str], ...] = (
    ("ja", "\u3040-\u30ff"),
    ("ko", "\uac00-\ud7af\u1100-\u11ff"),
    ("zh", "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"),
    ("ru", "\u0400-\u04ff"),
    ("el", "\u0370-\u03ff"),
    ("he", "\u0590-\u05ff"),
    ("ar", "\u0600-\u06ff\u0750-\u077f"),
    ("hi", "\u0900-\u097f"),
    ("th", "\u0e00-\u0e7f"),
)
_CHARACTERS = {language: re.compile(f"[{range_}]") for language, range_ in _SCRIPTS}
_LATIN_WORD = re.compile(r"(?<![\w-])[^\W\d_]+(?:['’][^\W\d_]+)?(?![\w-])")
_CHARACTERS_PER_WORD = {"zh": 1.6, "ja": 1.6, "th": 4.0, "ko": 2.5}
_SPACED_LETTERS = 4.5

# Function words, and the words customers use most where function words are few.
_WORDS = {
    "en": (
        "a about after again all also am an and any anyone anything are as at back be because been "
        "before being both bought broken but buy by call can can't cancel card change charged come "
        "could customer damaged day days deliver delivered delivery did didn't do does doesn't doing "
        "don't else email even ever every exchange fast find first for from get give go going good "
        "got great had has hasn't have haven't he hello help her here hey hi him his how i i'd i'll "
        "i'm i've if in into is isn't it it's item its just keep know late last let like long look "
        "lost made make man many may me mean might more most much must my name need never new next no "
        "nobody not nothing now number of off on one only open or order ordered other our out over "
        "package paid parcel pay phone place please price problem product put quickly rather really "
        "received refund return right said same say see send sent service she ship shipped shipping "
        "should show since so some someone something soon sorry speak still stop such sure take talk "
        "tell than thank thanks that that's the their them then there these they thing things think "
        "this those time to today tomorrow too track true try two until up us use very waiting want "
        "was wasn't way we week weeks well were what what's when where where's which while who whole "
        "why will with without won't work working works worst would wrong year yes yesterday yet you "
        "you're your"
    ),
    "de": (
        "aber alle als also am an auch auf aus bei bin bis bitte danke das dass dein dem den der des "
        "die dir doch du ein eine einem einen einer es für ganz geht gut guten habe haben hallo hat "
        "hier ich ihr im immer in ist ja jetzt kann kein keine man mein meine mich mir mit möchte "
        "muss nach nein nicht noch nur oder schon sehr sein seit sich sie sind so über um und uns von "
        "vor wann war warum was wenn wer wie wieder wir wird wo wurde zu zum zur"
    ),
    "fr": (
        "à ai au aussi avec avez bien bonjour c'est ce ces cette comme commande d'un d'une dans de "
        "depuis des donc du elle en est et être il ils j'ai je jour jours l'on la le les leur mais ma "
        "merci mes moi mon ne non nous on ou où oui par pas plus pour pourquoi qu'il quand que quel "
        "quelle qui sa sans se ses si son sont sur très tu un une vous vos votre"
    ),
    "es": (
        "al algo ahora antes bien buenas buenos como con cuando cuándo de del desde donde dónde el "
        "ella en era es esta está estas este estoy gracias ha han hasta hay he hola la las le lo los "
        "más me mi mis muy nada ni no nos o para pedido pero por porque puedo que qué quiero se sí "
        "sin sobre son su sus también tengo tiene todo tu un una y ya yo"
    ),
    "it": (
        "anche ancora buongiorno che chi ciao come con così cosa da dal del della delle di dove e è "
        "ho il in io la le lo ma mi mia mio molto nel nella no non o ordine per perché più posso "
        "quando quanto quello questa questo grazie se si sono stato su sul tutto un una vorrei"
    ),
    "pt": (
        "a ainda ao as até com como da das de do dos e é ela ele em então essa esse esta está estou "
        "eu foi já mais mas me meu meus minha muito na não nas no nos o obrigado olá onde os ou para "
        "pedido por porque qual quando que quero se sem ser seu sim sou sua tem tenho um uma você"
    ),
    "nl": (
        "aan als bij dan dank dat de deze die dit doen dus een en er gaat goed graag hallo had heb "
        "hebben heeft hem het hij hoe ik in is ja je kan komt kunnen maar mag me meer met mijn moet "
        "na naar nee niet nog nu of om onze ook op over te tot u uit uw van veel voor waar wanneer "
        "waarom was wat we wel wie wij wil worden zijn zo"
    ),
}
_LANGUAGES_OF: dict[str, tuple[str, ...]] = {}
for _language, _words in _WORDS.items():
    for _word in _words.split():
        _LANGUAGES_OF[_word] = (*_LANGUAGES_OF.get(_word, ()), _language)
_LOOKED_AT = 2_000


def detect_language(text: str) -> str | None:
    """Return an ISO 639-1 code, or None when the text does not tell: "ok", numbers, emoji, names.

    Scripts decide where they can (one kana makes Han characters Japanese); Latin text is decided by its
    function words and needs a clear winner. In a mixed message the language with more words wins. Only the
    first 2,000 characters are looked at.
    """
    text = text[:_LOOKED_AT]
    if text.isascii():
        return _latin_language(_latin_words(text))
    scripts = {language: len(pattern.findall(text)) for language, pattern in _CHARACTERS.items()}
    if scripts["ja"]:
        scripts["ja"] += scripts.pop("zh")
    words = {
        language: count / _CHARACTERS_PER_WORD.get(language, _SPACED_LETTERS)
        for language, count in scripts.items()
        if count
    }
    latin = _latin_words(text)
    best = max(words, key=lambda language: words[language], default=None)
    if best is None or len(latin) > words[best]:
        return _latin_language(latin) or best
    return best


def _latin_words(text: str) -> list[str]:
    found = [match.group().replace("’", "'").lower() for match in _LATIN_WORD.finditer(text)]
    if text.isascii():
        return found
    return [word for word in found if not any(pattern.search(word) for pattern in _CHARACTERS.values())]


def _latin_language(words: list[str]) -> str | None:
    """Return the language most function words belong to, None on a tie or without any."""
    votes: Counter[str] = Counter()
    for word in words:
        languages = _LANGUAGES_OF.get(word, ())
        for language in languages:
            votes[language] += 1
    ranked = votes.most_common(2)
    if not ranked or (len(ranked) == 2 and ranked[0][1] == ranked[1][1]):
        return None
    return ranked[0][0]
