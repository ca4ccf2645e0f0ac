"""The last eight characters of a message's id, by which people name it; as an expression that an index has."""

from __future__ import annotations

from typing import Any

from django.db.models import CharField, Func


class Reference(Func):
    """Of a UUID column. All is written out: what is a parameter in a query, no index of expressions is found by."""

    arity = 1
    output_field = CharField()
    template = "right((%(expressions)s)::text, 8)"

    def as_sqlite(self, compiler: Any, connection: Any, **more: Any) -> Any:
        return self.as_sql(compiler, connection, template="substr(%(expressions)s, -8)", **more)
