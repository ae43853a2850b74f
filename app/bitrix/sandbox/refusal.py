"""How a call is refused: a status, and a code that may be a word, a number in a string, or empty."""

from __future__ import annotations


class Refusal(Exception):
    """A method says no; the answer is `{"error": …, "error_description": …}` under `status`."""

    def __init__(self, status: int, error: str, description: str) -> None:
        super().__init__(error)
        self.status = status
        self.error = error
        self.description = description

    def body(self) -> dict[str, str]:
        """The two members that tell of it, in an answer and inside a batch."""
        return {"error": self.error, "error_description": self.description}


def missing_parameter(name: str) -> Refusal:
    """The refusal of a call without a parameter that the method must have."""
    return Refusal(400, "100", f"Could not find value for parameter {{{name}}} (internal error)")
