"""One file of French, words.toml: every key is used, every key used is there, none stands elsewhere.

Read without running: Python by `ast`, templates by Jinja's own parser, the map's script by its
`w.key` and `fill(w.key, {...})`.
"""

from __future__ import annotations

import ast
import re
import string
import tomllib
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from babel import Locale
from jinja2 import nodes

from friches.view import inert, lexicon, page, words
from friches.view.lexicon import Counted, Section, w

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

VIEW = Path(words.__file__).parent
TEMPLATES = sorted((VIEW / "templates").glob("*.j2"))
SCRIPTS = sorted((VIEW / "templates").glob("*.js"))
MODULES = sorted(VIEW.glob("*.py"))
METHODS = {"format", "get", "items", "values", "join", "upper", "capitalize", "split"}


class Use(NamedTuple):
    """One look-up: where, the keys, the names given to fill the text (None: not filled here)."""

    where: str
    keys: tuple[str, ...]
    given: frozenset[str] | None = None


# what is used ------------------------------------------------------------------------------


def chain(node: ast.AST, aliases: dict[str, tuple[str, ...]]) -> tuple[str, ...] | None:
    """Return the keys of `w.map.title`, `alias.title` or `w["map"]["title"]`; "*" is any key."""
    if isinstance(node, ast.Name):
        return () if node.id == "w" else aliases.get(node.id)
    if isinstance(node, ast.Attribute):
        before = chain(node.value, aliases)
        return None if before is None else (*before, node.attr)
    if isinstance(node, ast.Subscript):
        before = chain(node.value, aliases)
        if before is None:
            return None
        key = node.slice.value if isinstance(node.slice, ast.Constant) else "*"
        return (*before, str(key))
    return None


def aliases_of(scope: ast.AST) -> dict[str, tuple[str, ...]]:
    """Return the names of a function that stand for a table: `p = w.popup`."""
    found: dict[str, tuple[str, ...]] = {}
    for node in ast.walk(scope):
        if not isinstance(node, ast.Assign):
            continue
        target, value = node.targets[0], node.value
        pairs = [(target, value)]
        if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
            pairs = list(zip(target.elts, value.elts, strict=True))
        for name, given in pairs:
            keys = chain(given, {})
            if isinstance(name, ast.Name) and keys and isinstance(at(keys), Section):
                found[name.id] = keys
    return found


def of_python(path: Path) -> Iterator[Use]:
    tree = ast.parse(path.read_text("utf-8"))
    if not re.search(r"import w$", path.read_text("utf-8"), re.MULTILINE):
        return
    functions = [n for n in tree.body if isinstance(n, ast.FunctionDef)]
    rest = ast.Module([n for n in tree.body if not isinstance(n, ast.FunctionDef)], [])
    for scope in [*functions, rest]:
        # at the head of a module a table given a name is used whole: words.ROLES
        aliases = {} if scope is rest else aliases_of(scope)
        yield from _uses(scope, aliases, path.name)


def _uses(scope: ast.AST, aliases: dict[str, tuple[str, ...]], where: str) -> Iterator[Use]:
    inner = {id(n.value) for n in ast.walk(scope) if isinstance(n, ast.Attribute | ast.Subscript)}
    inner |= {id(n) for n in _alias_values(scope, aliases)}
    for node in ast.walk(scope):
        keys = chain(node, aliases)
        if isinstance(node, ast.Call):
            called = chain(node.func, aliases)
            if called:
                given = frozenset(k.arg for k in node.keywords if k.arg)
                filled = called[-1] == "format" or isinstance(at(called), Counted)
                yield Use(where, called, given if filled else None)
        elif keys and id(node) not in inner:
            yield Use(where, keys)


def _alias_values(scope: ast.AST, aliases: dict[str, tuple[str, ...]]) -> Iterator[ast.AST]:
    for node in ast.walk(scope):
        if isinstance(node, ast.Assign) and aliases:
            whole = node.value.elts if isinstance(node.value, ast.Tuple) else [node.value]
            yield from (v for v in whole if chain(v, {}) in aliases.values())


def jinja_chain(node: nodes.Node) -> tuple[str, ...] | None:
    if isinstance(node, nodes.Name):
        return () if node.name == "w" else None
    if isinstance(node, nodes.Getattr):
        before = jinja_chain(node.node)
        return None if before is None else (*before, node.attr)
    if isinstance(node, nodes.Getitem):
        before = jinja_chain(node.node)
        key = node.arg.value if isinstance(node.arg, nodes.Const) else "*"
        return None if before is None else (*before, str(key))
    return None


def of_template(path: Path) -> Iterator[Use]:
    tree = page.environment().parse(path.read_text("utf-8"))
    for call in tree.find_all((nodes.Call, nodes.Filter)):
        keys = jinja_chain(call.node) if call.node is not None else None
        if isinstance(call, nodes.Filter) and call.name != "rich":
            continue
        if keys and (isinstance(call, nodes.Filter) or isinstance(at(keys), Counted)
                     or keys[-1] == "format"):  # fmt: skip
            yield Use(path.name, keys, frozenset(k.key for k in call.kwargs))
    for node in tree.find_all((nodes.Getattr, nodes.Getitem)):
        keys = jinja_chain(node)
        if keys:
            yield Use(path.name, keys)


def of_script(path: Path) -> Iterator[Use]:
    text = path.read_text("utf-8")
    for key in re.findall(r"\bw\.([a-z_]+)", text):
        yield Use(path.name, ("map", "script", key))
    for key, given in re.findall(r"\bfill\(w\.([a-z_]+), \{([^{}]*)\}", text):
        names = frozenset(re.findall(r"(\w+): ", given))
        yield Use(path.name, ("map", "script", key), names)
    for key, given in re.findall(r"\bmany\(w\.([a-z_]+), \w+, \{([^{}]*)\}", text):
        names = frozenset(re.findall(r"(\w+): ", given))
        yield Use(path.name, ("map", "script", key), names)


def at(keys: tuple[str, ...]) -> Any:
    """Return what stands at the keys, methods of texts and tables aside; None where nothing."""
    here: Any = w
    for key in keys:
        if isinstance(here, str) or (isinstance(here, Section) and key in METHODS - set(here)):
            return here
        if key == "*":
            return here
        if not isinstance(here, Section) or key not in here:
            return None
        here = here[key]
    return here


@cache
def uses() -> list[Use]:
    found = [use for path in MODULES for use in of_python(path)]
    found += [use for path in TEMPLATES for use in of_template(path)]
    return found + [use for path in SCRIPTS for use in of_script(path)]


def leaves(table: Section, before: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for key, value in table.items():
        if isinstance(value, Section) and not isinstance(value, Counted):
            yield from leaves(value, (*before, key))
        else:
            yield (*before, key)


def fields(said: Any) -> set[str]:
    texts = said.values() if isinstance(said, Section) else [said]
    return {name for text in texts for _, name, _, _ in string.Formatter().parse(text) if name}


def test_every_key_used_is_there() -> None:
    assert len(uses()) > 500
    assert [use for use in uses() if at(use.keys) is None] == []


def test_every_key_is_used() -> None:
    used = set()
    for use in uses():
        keys = use.keys
        keys = keys[: keys.index("*")] if "*" in keys else keys
        while keys and keys[-1] in METHODS and at(keys[:-1]) is at(keys):
            keys = keys[:-1]
        if keys != ("map", "script"):  # given whole to the script, whose own look-ups count
            used.add(keys)
        whole = at(keys)
        if (
            isinstance(whole, Section)
            and not isinstance(whole, Counted)
            and keys != ("map", "script")
        ):
            used |= set(leaves(whole, keys)) if use.given is None else set()
    left = [".".join(keys) for keys in leaves(w) if keys not in used]
    assert left == []


def test_what_is_given_is_what_the_text_asks_for() -> None:
    wrong = []
    for use in uses():
        if use.given is None:
            continue
        said = at(use.keys)
        wanted = fields(said) - ({"n"} if isinstance(said, Counted) else set())
        if wanted != use.given:
            wrong.append((*use, wanted))
    assert wrong == []


def test_the_reader_finds_what_it_looks_for(tmp_path) -> None:
    """The three tests above could not fail if nothing were read."""
    path = tmp_path / "x.py"
    path.write_text(
        "from friches.view.lexicon import w\nA = w.map.nothing\ndef f():\n    p = w.popup\n"
        "    return p.stage, w.map.title.format(nom=1), w.counts.parcels(2)\n"
    )
    found = list(of_python(path))
    assert Use("x.py", ("map", "nothing")) in found
    assert at(("map", "nothing")) is None
    assert Use("x.py", ("popup", "stage")) in found
    assert Use("x.py", ("map", "title", "format"), frozenset({"nom"})) in found
    assert Use("x.py", ("counts", "parcels"), frozenset()) in found


# no French elsewhere ------------------------------------------------------------------------

VOCABULARY = {
    word
    for keys in leaves(w)
    for text in ([at(keys)] if isinstance(at(keys), str) else at(keys).values())
    for word in re.findall(r"[^\W\d_]{2,}", text.casefold())
}
WHOLE = {at(keys).casefold() for keys in leaves(w) if isinstance(at(keys), str)}
MACHINE = {
    "answers", "cadastre", "commune", "communes", "condition", "date", "organic", "parcels",
    "public", "region", "routes", "sections", "sources", "stage", "type", "exception", "zone",
    "internal", "restricted", "unknown", "adolescents", "adultes", "creche", "aucune", "contact",
    "contractuelle", "obligatoire", "maternelle", "elementaire", "canteens", "version", "section",
    "conditions", "notes", "elevation", "position", "question", "questions", "source", "article",
    "message", "attention", "licence", "productions", "voies", "total", "avertissement", "nature",
    "carte", "parcelles", "aucun", "liste", "route",
}  # fmt: skip
"""Codes, column names, keys and ids of elements that are spelt like a French word."""
SIGNS = {"N", "←", "→", "↑", "↓", "⌂"}
SAID_WHERE_RAISED = {"refuse", "Breach", "InputError", "ValueError", "KeyError", "TypeError"}
"""Errors keep their sentence beside what raises them, as everywhere in the project."""
BLANKS = {r"\[À COMPLÉTER\s:[^\[\]]*\]"}
"""The pattern that finds the marked blanks of letters."""
NOT_YET: set[str] = set()
"""The block sheets."""


def french(text: str) -> bool:
    """Return whether a literal is French: an accent, a quote, a label, two known words in a row."""
    said = text.strip().casefold()
    if said in MACHINE or text in SIGNS | BLANKS or not re.search(r"[^\W\d_]{2}", said):
        return False
    if re.search(r"[àâçéèêëîïôùûüœ«»]|n°", said) or typeset(said) in WHOLE:
        return True
    known = re.findall(r"[^\W\d_]{2,}", said)
    return " " in said and len(known) > 1 and all(word in VOCABULARY for word in known)


def typeset(said: str) -> str:
    return lexicon.typeset(said)


class _Text(HTMLParser):
    READ = ("title", "alt", "aria-label", "aria-description", "placeholder", "summary")

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.said: list[str] = []

    def handle_starttag(self, tag, attrs):
        self.said += [value or "" for name, value in attrs if name in self.READ]

    def handle_data(self, data):
        self.said.append(data)


def of_markup(path: Path) -> list[str]:
    """Return the letters a template writes itself: text, what is read aloud, literals."""
    env = page.environment()
    source = path.read_text("utf-8")
    data = "".join(
        value if kind == "data" else " " for _, kind, value in env.lex(source) if kind != "comment"
    )
    text = _Text()
    text.feed(data)
    said = [part.strip() for part in text.said if re.search(r"[^\W\d_]", part)]
    said = [part for part in said if part not in MACHINE | SIGNS]
    said += [
        const.value
        for const in env.parse(source).find_all(nodes.Const)
        if isinstance(const.value, str) and french(const.value)
    ]
    return said


def docstrings(tree: ast.AST) -> set[int]:
    """Return the ids of texts that stand alone: docstrings, and what is said of a constant."""
    return {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}


def raised(tree: ast.AST) -> set[int]:
    inside = set()
    for node in ast.walk(tree):
        named = isinstance(node, ast.Call) and getattr(node.func, "id", "") in SAID_WHERE_RAISED
        if named or isinstance(node, ast.Raise):
            inside |= {id(part) for part in ast.walk(node)}
    return inside


def of_code(path: Path) -> list[str]:
    """Return the French literals of a module, errors and docstrings aside."""
    tree = ast.parse(path.read_text("utf-8"))
    left = docstrings(tree) | raised(tree)
    return [
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
        and id(node) not in left and french(node.value)
    ]  # fmt: skip


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_templates_hold_no_french(path: Path) -> None:
    if path.name in NOT_YET:
        pytest.xfail("words of the block sheets")
    assert of_markup(path) == []


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.name)
def test_code_holds_no_french(path: Path) -> None:
    if path.name in NOT_YET:
        pytest.xfail("words of the block sheets")
    assert of_code(path) == []


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_the_script_holds_no_french(path: Path) -> None:
    text = re.sub(r"^\s*//.*$", "", path.read_text("utf-8"), flags=re.MULTILINE)
    assert [said for said in re.findall(r'"([^"\n]*)"', text) if french(said)] == []


def test_the_list_of_what_is_left_is_no_longer_than_it_must_be() -> None:
    here = {path.name: path for path in [*TEMPLATES, *MODULES]}
    for name in NOT_YET & set(here):
        path = here[name]
        assert of_markup(path) if name.endswith(".j2") else of_code(path), name


def test_french_is_seen_where_it_stands(tmp_path) -> None:
    for said in ("Îlots", "Aller à la carte", "rang et surface", "Surface", "pour et contre"):
        assert french(said), said
    for said in ("parcel_id", "use strict", "path", "M11 1 L21 9", "EPSG:2154", "n", ""):
        assert not french(said), said
    path = tmp_path / "x.html.j2"
    path.write_text('<p title="Sens">{{ w.map.title }}<b>oui</b>{{ "à voir" }}</p>')
    assert of_markup(path) == ["Sens", "oui", "à voir"]
    path = tmp_path / "x.py"
    path.write_text('"""Été."""\nA = "Été"\nraise refuse("été", "x", f"{A} été")\nB = f"{A} été"\n')
    assert of_code(path) == ["Été", " été"]


# the reader of the file ---------------------------------------------------------------------


def test_plural_forms_follow_babel() -> None:
    assert [w.counts.parcels(n) for n in (0, 1, 2, 1234)] == [
        "0\u00a0parcelle", "1\u00a0parcelle", "2\u00a0parcelles", "1\u202f234\u00a0parcelles",
    ]  # fmt: skip
    assert w.counts.parcels(1_000_000).endswith("parcelles")  # Babel names a third form, « many »
    assert Locale("fr").plural_form(1_000_000) == "many"


def test_typography_is_set_on_reading() -> None:
    assert w.map.title == "{name}\u00a0: terres candidates"
    for keys in leaves(w):
        for text in [at(keys)] if isinstance(at(keys), str) else at(keys).values():
            assert not re.search(r" [:;?!%€»]|« ", text), keys


def test_a_value_is_never_read_again() -> None:
    assert w.map.title.format(name="{name} {0}") == "{name} {0}\u00a0: terres candidates"
    said = inert.rich("**{a}** & {b}", a="<b>**{b}**", b="{a}\u202e")
    assert said == "<strong>&lt;b&gt;**{b}**</strong> &amp; {a}\ufffd"


@pytest.mark.parametrize("bad", ["items = 'a'", "'a b' = 'c'", "class = 'a'", "a = 1", "a = []"])
def test_a_faulty_file_is_refused(bad: str) -> None:
    with pytest.raises(ValueError, match=r"words\.toml|neither"):
        lexicon.section(tomllib.loads(bad))


def test_an_unknown_key_is_an_error() -> None:
    with pytest.raises(AttributeError, match="nothing"):
        w.map.nothing  # noqa: B018
    from jinja2 import UndefinedError

    with pytest.raises(UndefinedError):
        page.environment().from_string("{{ w.map.nothing }}").render()


def test_words_stay_short() -> None:
    for name in ("words.py", "lexicon.py"):
        assert len((VIEW / name).read_text("utf-8").splitlines()) < 300, name


def used_constants() -> Iterable[str]:
    for path in [*MODULES, *TEMPLATES]:
        yield from re.findall(r"\bwords\.([A-Z_]+)\b", path.read_text("utf-8"))


def test_every_constant_of_words_is_used() -> None:
    text = (VIEW / "words.py").read_text("utf-8")
    named = {name for name in vars(words) if name.isupper() and not name.startswith("_")}
    alone = {name for name in named - {"THIN"} if len(re.findall(rf"\b{name}\b", text)) == 1}
    assert alone - set(used_constants()) == set()
