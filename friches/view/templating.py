"""How templates are compiled: our own words stand in them, and what they print is escaped once.

A territory has thousands of pages that say mostly the same things.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jinja2 import Environment, nodes
from jinja2.compiler import CodeGenerator
from jinja2.visitor import NodeTransformer

from friches.view import inert, words
from friches.view.lexicon import w

if TYPE_CHECKING:
    from jinja2.compiler import Frame


def _said(node: nodes.Node) -> Any:
    """Return what `w.a.b` or `words.A` stands for, or None where it is not one of them."""
    if isinstance(node, nodes.Name):
        return {"w": w, "words": words}.get(node.name) if node.ctx == "load" else None
    return getattr(_said(node.node), node.attr, None) if isinstance(node, nodes.Getattr) else None


class _Folded(NodeTransformer):
    """Write our own words into the template: they are the same on every page."""

    def visit_Getattr(self, node: nodes.Getattr) -> nodes.Node:  # noqa: N802 -- Jinja's name
        said = _said(node)
        if isinstance(said, str) and inert.clean(said) == said:
            return nodes.Const(said, lineno=node.lineno)
        return self.generic_visit(node)


class _Compiler(CodeGenerator):
    """Compile a template once our words stand in it; whatever it prints, `inert.written` writes."""

    def visit_Template(  # noqa: N802 -- Jinja's name
        self, node: nodes.Template, frame: Frame | None = None
    ) -> None:
        super().visit_Template(_Folded().visit(node), frame)

    def _output_child_pre(self, node: nodes.Expr, frame: Frame, finalize: Any) -> None:
        if finalize.src is None:
            super()._output_child_pre(node, frame, finalize)
        else:
            self.write(finalize.src)

    def _output_child_post(
        self,
        node: nodes.Expr,  # noqa: ARG002 -- Jinja's signature
        frame: Frame,  # noqa: ARG002
        finalize: Any,  # noqa: ARG002
    ) -> None:
        self.write(")")


class Pages(Environment):
    """Jinja's environment, quicker with our words and with rows that are dictionaries."""

    code_generator_class = _Compiler

    def getattr(self, obj: Any, attribute: str) -> Any:
        """Return an attribute or item: a dictionary's items first."""
        if type(obj) is not dict:
            try:
                return getattr(obj, attribute)
            except AttributeError:
                pass
        elif attribute in obj:
            return obj[attribute]
        return super().getattr(obj, attribute)
