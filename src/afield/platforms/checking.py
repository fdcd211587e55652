"""What every platform that runs the whole file on onnxruntime refuses: operators nobody has run there, other files."""

from __future__ import annotations

from afield.core.errors import UnsupportedError
from afield.core.findings import Finding
from afield.graph.profile import MICROSOFT, ML, OPERATORS
from afield.model.container import operators, refers_outside
from afield.model.model import Model


def check_operators(model: bytes) -> list[Finding]:
    """Return a finding for each operator that is not on the allowed list, and one where data lies in other files.

    Raises
    ------
    ModelFileError
        ``model.damaged``.
    """
    findings = []
    for operator in sorted(operators(model), key=lambda o: (o.domain, o.name)):
        domain = "" if operator.domain == "ai.onnx" else operator.domain
        if OPERATORS.get(operator.name) == domain:
            continue
        known = domain in ("", ML, MICROSOFT)
        findings.append(
            Finding(
                code="model.operator",
                severity="serious",
                what=f"The graph uses {domain or 'ai.onnx'}:{operator.name}, which is not on the allowed list.",
                fix="Fit the model with afield's own parts." if known else "It would need a custom-operator library.",
            )
        )
    if refers_outside(model):
        findings.append(
            Finding(
                code="model.one_file",
                severity="serious",
                what="The model keeps data in other files.",
                fix="Save it as one file.",
            )
        )
    return findings


def load_checked(model: bytes, target: str) -> Model:
    """Return the model of a file that may be exported; ``target``: for what, as in "for phones".

    Raises
    ------
    UnsupportedError
        ``graph.operator``, with all findings at once.
    ModelFileError
        ``model.damaged``, ``model.foreign``, ``model.version``.
    """
    loaded = Model.load(model)  # nothing that is not a model is exported
    if found := check_operators(model):
        raise UnsupportedError(
            "graph.operator",
            f"The model cannot be exported for {target}.",
            got=" ".join(finding.what for finding in found),
            fix=found[0].fix,
        )
    return loaded
