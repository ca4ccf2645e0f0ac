"""The pipeline's states and transitions as a page shows them: a Mermaid diagram and two tables."""

from __future__ import annotations

from portal.ingest.states import FINAL, MEANINGS, TRANSITIONS

BEGIN, END = "<!-- made by scripts/pipeline.py -->\n", "<!-- end -->\n"


def diagram() -> str:
    """Markdown, made from the table that the pipeline itself obeys."""
    arrows = [f"    {step.source} --> {step.target}: {step.event}" for step in TRANSITIONS]
    ends = [f"    {state} --> [*]" for state in FINAL]
    states = [f"| `{state}` | {meaning} |" for state, meaning in MEANINGS.items()]
    steps = [f"| `{step.source}` | {step.event} | `{step.target}` | {step.why} |" for step in TRANSITIONS]
    return "\n".join(
        [
            "```mermaid",
            "stateDiagram-v2",
            "    [*] --> received: answered 250",
            "    [*] --> held: answered 250, and its row was lost",
            *arrows,
            *ends,
            "```",
            "",
            "| state | meaning |",
            "|---|---|",
            *states,
            "",
            "| from | event | to | when |",
            "|---|---|---|---|",
            *steps,
            "",
        ]
    )


def put_into(page: str) -> str:
    """The page with its diagram and tables made anew."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return before + BEGIN + diagram() + END + after
