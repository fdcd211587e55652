"""Every error code with its meaning: the one list that docs, CLI and tests read.

A code is ``area.name``. Add a line here, raise it once, trigger it in a test marked
``@pytest.mark.error_code("area.name")``: the surface test fails while any of the three is missing.
"""

from __future__ import annotations

CODES: dict[str, str] = {
    # data: reading
    "data.not_found": "The data source does not exist or cannot be reached.",
    "data.is_directory": "A directory was given where a file is needed.",
    "data.empty": "The file has no rows or no columns.",
    "data.binary": "The file is not text, and not a table format that afield reads.",
    "data.format": "The file says it is one format and is another, or is damaged.",
    "data.ragged": "A row has more or fewer cells than the header.",
    "data.duplicate_columns": "Two columns have the same name.",
    "data.cell": "A cell cannot be read as the kind that its column has.",
    "data.ambiguous": "Numbers or dates can be read in two ways and the data does not settle which.",
    "data.missing_column": "A column that is needed is not in the data.",
    "data.changed": "The data is not what it was when the study began.",
    "data.unsupported": "This kind of object or column cannot be read as a table.",
    # problem: stating
    "problem.target_not_found": "The target is not a column of the data.",
    "problem.column_not_found": "An option names a column that is not in the data.",
    "problem.target_missing": "The target has no values.",
    "problem.one_class": "The target has one value only: there is nothing to learn.",
    "problem.too_few_rows": "There are too few rows to learn from and to check the result.",
    "problem.no_features": "No usable column is left to predict from.",
    "problem.target_is_feature": "A column equals the target on every row.",
    "problem.task": "The task does not fit the target.",
    "problem.metric": "The metric is unknown or does not fit the task.",
    "problem.costs": "The cost matrix does not fit the target's classes.",
    "problem.option": "An option has a value that cannot be used.",
    "problem.file": "A problem file cannot be read.",
    "problem.groups": "There are too few groups, or the time order leaves nothing to test on.",
    # model file
    "model.not_found": "The model file does not exist.",
    "model.damaged": "The file is not a readable ONNX model.",
    "model.foreign": "The ONNX file was not made by afield: it has no schema inside.",
    "model.version": "The file was written by a newer afield.",
    "model.missing_column": "The rows lack a column that the model needs.",
    "model.cell": "A value does not have the kind that the model's column has.",
    "model.rows": "The rows are not in a form that the model can read.",
    "model.task": "The model cannot give this kind of answer, such as probabilities of a regression.",
    "model.selftest": "The model does not give the answers stored inside it.",
    "model.limits": "No model that was found keeps the limits on size or latency.",
    "model.parity": "The exported file and the learners' own libraries disagree.",
    # output
    "output.exists": "The output exists, and nothing is overwritten without --force.",
    "output.unwritable": "The output cannot be written there.",
    "output.disk_full": "There is not enough room on the disk.",
    # search, engine, study
    "study.not_found": "No study has this id.",
    "study.failed": "No trial ended well, so there is no model.",
    "study.busy": "Another process is working on this study.",
    "study.stopped": "The study was stopped before a first model was ready.",
    "study.journal": "The journal of a study is damaged beyond its last line.",
    "study.artifact": "A stored array or state of a study is missing or damaged.",
    "engine.failed": "Workers could not be started or kept alive.",
    "parts.unknown": "No part has this name.",
    "parts.manifest": "A part's manifest is missing or wrong.",
    "parts.settings": "A part was given a setting outside its declared space.",
    "model.loss": "The quantised model loses more of its score than is allowed.",
    "device.unknown": "No device has this name.",
    "device.limit": "The model needs more flash or RAM than the device has.",
    "graph.operator": "A graph uses an operator that is not on the allowed list.",
    "phone.no_network": "Nothing of a model can go to runtimes that know networks only.",
    "phone.conversion": "A converter or a runtime of networks refuses a model's network.",
    "dependency.missing": "A package that this needs is not installed.",
}
