"""Helm's own engine, run with the linters' Python: renders and lints the chart for values on standard input.

JSON in, JSON out, one answer for each.
"""

from __future__ import annotations

import json
import sys

import helm_python


def answer(folder: str, values: dict[str, object]) -> dict[str, object]:
    try:
        chart = helm_python.Chart.load(folder)
        chart.validate_schema(values)
        return {
            "lint": helm_python.lint(folder, values, strict=True, kube_version="v1.31.0"),
            "rendered": chart.render(values, name="letterlock", namespace="mail", revision=1, is_install=True),
        }
    except helm_python.HelmError as error:
        return {"refused": str(error)}


json.dump([answer(sys.argv[1], values) for values in json.load(sys.stdin)], sys.stdout)
