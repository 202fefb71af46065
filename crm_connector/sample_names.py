"""People of the demo company: how names, towns and telephones look in different countries."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from random import Random


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who might buy; `language` is the one she writes in."""

    name: str
    email: str
    phone: str
    language: str
    street: str
    postal_code: str
    city: str
    country: str


@dataclass(frozen=True, slots=True)
class _Country:
    """Parts of names and addresses; Chinese ones carry their spelling in Latin letters after a `/`."""

    code: str
    weight: int
    dial: str
    given: str
    family: str
    towns: str
    streets: str
    family_first: bool = False


_COUNTRIES = (
    _Country("DE", 5, "+49 15", "Anna Jonas Mia Lukas Hannah Felix Leonie Jürgen Käthe Björn Emre Ayşe",
             "Schäfer Vogel Krüger Brandt Yılmaz Lindner Öztürk Haas Weiß Petersen",
             "20095:Hamburg 50667:Köln 04109:Leipzig 80331:München", "Gartenstraße Bahnhofstraße Lindenweg"),
    _Country("CN", 6, "+86 13",
             "雷/Lei 梅/Mei 伟/Wei 静/Jing 浩然/Haoran 子涵/Zihan 丽华/Lihua 建国/Jianguo "
             "欣怡/Xinyi 宇轩/Yuxuan",
             "李/Li 王/Wang 张/Zhang 刘/Liu 陈/Chen 杨/Yang 赵/Zhao 黄/Huang 周/Zhou 欧阳/Ouyang",
             "100020:北京 200040:上海 510620:广州 610041:成都",
             "朝阳路 人民路 中山路 建设路", family_first=True),
    _Country("GB", 3, "+44 74", "Olivia George Amelia Harry Priya Callum Siân Imran Niamh Desmond",
             "Whitaker O'Connor Patel Hughes Macleod Begum Fletcher Okafor",
             "M1:Manchester LS1:Leeds CF10:Cardiff EH1:Edinburgh", "Mill_Lane Station_Road Church_Street"),
    _Country("FR", 3, "+33 6", "Chloé Théo Inès Louis Zoé François Maëlle Karim Hélène Noël",
             "Lefèvre Moreau Garnier Benali Dubois Renaud Chevalier Nguyen",
             "69002:Lyon 31000:Toulouse 75011:Paris 44000:Nantes", "rue_Pasteur rue_des_Lilas avenue_Foch"),
    _Country("ES", 2, "+34 6", "Lucía Iker Martina Álvaro Núria Joaquín Begoña Íñigo",
             "García Ibáñez Muñoz Echeverría Peña Vidal Castaño",
             "46001:Valencia 41001:Sevilla 48001:Bilbao", "calle_Mayor calle_del_Sol"),
    _Country("IT", 2, "+39 34", "Giulia Lorenzo Sofia Matteo Chiara Niccolò Elisa",
             "Ricci Colombo De_Luca Ferrara Galli D'Amico", "20121:Milano 40121:Bologna 10121:Torino",
             "via_Roma via_Garibaldi"),
    _Country("PL", 2, "+48 60", "Zofia Jakub Małgorzata Łukasz Agnieszka Paweł",
             "Wójcik Kamińska Zając Dąbrowski Szymańska Król", "00-001:Warszawa 30-001:Kraków 80-001:Gdańsk",
             "ulica_Polna ulica_Leśna"),
    _Country("SE", 1, "+46 70", "Elsa Nils Åsa Göran Linnéa Örjan", "Lindqvist Åkesson Bergström Sjöberg",
             "111_20:Stockholm 411_05:Göteborg", "Storgatan Kungsgatan"),
    _Country("NL", 2, "+31 6", "Sanne Daan Fleur Joris Noor Thijs", "de_Vries van_den_Berg Bakker Smit "
             "El_Idrissi",
             "1012:Amsterdam 3011:Rotterdam", "Kerkstraat Molenweg"),
    _Country("HU", 1, "+36 30", "Réka Bence Zsófia Levente", "Nagy Szűcs Kovács Tóth", "1051:Budapest "
             "6720:Szeged",
             "Petőfi_utca Kossuth_utca", family_first=True),
    _Country("GR", 1, "+30 69", "Eleni Nikos Katerina Yannis", "Papadopoulou Georgiou Vlahos",
             "10431:Athens 54622:Thessaloniki", "Ermou Athinas"),
    _Country("PT", 1, "+351 91", "Inês João Beatriz Tomás", "Gonçalves Simões Araújo Lourenço",
             "1100:Lisboa 4000:Porto", "rua_Augusta rua_das_Flores"),
    _Country("CZ", 1, "+420 60", "Tereza Ondřej Eliška Jiří", "Dvořák Černá Růžička",
             "110_00:Praha 602_00:Brno",
             "Dlouhá Nádražní"),
    _Country("SG", 1, "+65 9", "Nur_Aisyah Wei_Ling Arjun Siti", "Tan Rahman Krishnan Lim",
             "018956:Singapore",
             "Orchard_Road Bukit_Timah_Road"),
)  # fmt: skip

_ENDINGS = ("com", "org", "net")
_LATIN = str.maketrans({"ß": "ss", "ł": "l", "Ł": "l", "ı": "i", "ø": "o", "æ": "ae"})


def sample_people(random: Random, count: int) -> list[Person]:
    """So many people, each with an e-mail of her own."""
    countries = random.choices(_COUNTRIES, [country.weight for country in _COUNTRIES], k=count)
    return [_person(random, country, number) for number, country in enumerate(countries, start=1)]


def _person(random: Random, country: _Country, number: int) -> Person:
    given, given_latin = _spellings(random.choice(country.given.split()))
    family, family_latin = _spellings(random.choice(country.family.split()))
    parts = (family, given) if country.family_first else (given, family)
    postal_code, city = random.choice(country.towns.split()).replace("_", " ").split(":")
    street = random.choice(country.streets.split()).replace("_", " ")
    chinese = country.code == "CN"
    return Person(
        name=("" if chinese else " ").join(parts),
        email=f"{_slug(given_latin)}.{_slug(family_latin)}{number}@example.{random.choice(_ENDINGS)}",
        phone=f"{country.dial}{random.randrange(10**7, 10**8)}",
        language="zh" if chinese else "en",
        street=f"{street}{random.randrange(1, 200)}号" if chinese else f"{street} {random.randrange(1, 200)}",
        postal_code=postal_code,
        city=city,
        country=country.code,
    )


def _spellings(name: str) -> tuple[str, str]:
    """A name as it is written, and in Latin letters."""
    written, _, latin = name.replace("_", " ").partition("/")
    return written, latin or written


def _slug(name: str) -> str:
    """A name as it stands in an e-mail address."""
    plain = unicodedata.normalize("NFKD", name.translate(_LATIN)).encode("ascii", "ignore").decode()
    return "".join(character for character in plain.lower() if character.isalnum())
