"""The frame of every HTML page: templates that escape, one policy, one style sheet."""

from __future__ import annotations

import hashlib
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any

from jinja2 import PackageLoader, StrictUndefined

from friches.sources.answersfile import answers_key
from friches.sources.exclusions import exclusions_key
from friches.view import evidence, inert, words
from friches.view.audience import destroy_mention
from friches.view.lexicon import w
from friches.view.templating import Pages

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from jinja2 import Environment

    from friches.result import Result
    from friches.studyfile import Study


@cache
def environment() -> Environment:
    """Return the shared Jinja2 environment: escaping on, undefined names are errors.

    Filters are the functions of `words` (`number`, `hectares`, `percent`, `day`, `answer`, ...)
    and `clean(cap)`; the module itself is the global `words`, words.toml the global `w`.
    """
    made = Pages(
        loader=PackageLoader("friches.view", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=inert.written,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    made.filters |= {
        name: said
        for name, said in vars(words).items()
        if callable(said) and not name.startswith("_") and said.__module__ == words.__name__
    }
    made.filters["clean"] = inert.clean
    made.filters["safe_link"] = inert.safe_link
    made.filters["rich"] = inert.rich
    made.filters["references"] = evidence.references
    made.globals["words"] = words
    made.globals["w"] = w
    return made


@cache
def asset(name: str) -> str:
    """Return the text of a file of the `templates` folder (style sheet or script)."""
    return (resources.files("friches.view") / "templates" / name).read_text("utf-8")


def render(  # noqa: PLR0913
    template: str,
    study: Study,
    title: str,
    *,
    scripts: Sequence[str] = (),
    styles: Sequence[str] = (),
    images: Sequence[str] = (),
    **context: Any,
) -> str:
    """Return a whole page made from a template that extends `base.html.j2`.

    Parameters
    ----------
    template : str
        File in `templates`.
    study : Study
        Gives the audience, the contact, the day and whether the territory is fictitious.
    title : str
        What the page is; the audience is added in the title bar.
    scripts, styles : sequence of str
        Texts of the inline scripts (run last, in this order) and of the style sheets that come
        after `style.css`; both are named by hash in the page's policy.
    images : sequence of str
        Hosts whose images may be asked for; none by default.
    **context
        What the template needs besides.
    """
    sheets = [asset("style.css"), *styles]
    return (
        environment()
        .get_template(template)
        .render(
            study=study.study,
            title=title,
            audience=" – ".join(
                filter(None, (words.AUDIENCES[study.study.audience], destroy_mention(study)))
            ),
            csp=inert.csp(scripts, sheets, images),
            styles=[inert.style(text) for text in sheets],
            scripts=[inert.script(text) for text in scripts],
            **context,
        )
    )


def write(path: Path, html: str) -> Path:
    """Write a page as UTF-8 with the same line ends everywhere, and return its path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(html, encoding="utf-8", newline="\n")
    return path


def run_id(result: Result) -> str:
    """Return ten characters that name a run: the same for the same study and input files."""
    said = [result.study.model_dump_json(exclude={"folder"})]
    said += sorted(
        f"{layer} {digest}"
        for layer, digest in zip(
            result.provenance["layer"], result.provenance["sha256"], strict=True
        )
    )
    said.append(f"exclusions {exclusions_key(result.study)}")
    said.append(f"answers {answers_key(result.study)}")
    return hashlib.sha256("\n".join(said).encode("utf-8")).hexdigest()[:10]
