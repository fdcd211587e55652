"""What a request is refused with: an HTTP status, a code for programs, a message for people.

A refusal is an answer to one request, not an error of the program, so it is no ``AfieldError``; the errors that a model
raises about rows keep their own codes on the way out.
"""

from __future__ import annotations

from afield.core.errors import AfieldError, ModelFileError

#: code -> HTTP status
STATUS = {
    "request.json": 400,
    "request.form": 400,
    "request.tensor": 400,
    "request.binary": 400,
    "request.csv": 400,
    "request.broken_off": 400,
    "request.token": 401,
    "request.forbidden": 403,
    "request.not_found": 404,
    "request.method": 405,
    "request.slow": 408,
    "request.too_large": 413,
    "request.media_type": 415,
    "request.refused_by_model": 422,
    "server.draining": 503,
    "server.busy": 503,
    "server.not_ready": 503,
    "server.timeout": 504,
    "server.defect": 500,
}


class Refusal(Exception):  # noqa: N818 - an answer, not an error of the program
    """A request gets this instead of an answer.

    Parameters
    ----------
    code : str
        A key of ``STATUS``.
    message : str
        What was found and what is wanted.
    fields : str
        More facts, such as ``where``.
    """

    def __init__(self, code: str, message: str, **fields: str) -> None:
        super().__init__(message)
        self.code, self.message, self.status = code, message, STATUS[code]
        self.fields = {name: value for name, value in fields.items() if value}

    def to_json(self) -> dict[str, str]:
        """Return the body of the answer; ``error`` is where the protocol's clients look."""
        return {"error": self.message, "code": self.code, **self.fields}


class Unreadable(Refusal):
    """Rows that the model's schema does not take, told by the model's own error."""

    def __init__(self, error: AfieldError) -> None:
        super().__init__(
            "request.form", error.what, where=error.where, got=error.got, expected=error.expected,
            fix=error.fix.replace("given as None", "given as null"),
        )  # fmt: skip
        self.code = error.code
        if isinstance(error, ModelFileError) and error.code == "model.damaged":  # the graph itself did not take them
            self.code, self.status = "request.refused_by_model", STATUS["request.refused_by_model"]
