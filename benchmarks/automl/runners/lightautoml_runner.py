"""LightAutoML's TabularAutoML. Its default metrics are the benchmark's: AUC, cross-entropy, squared error."""

from __future__ import annotations

from protocol import Runner, main

TASKS = {"binary": "binary", "multiclass": "multiclass", "regression": "reg"}


class LightAutoML(Runner):
    libraries = ("lightautoml", "torch", "lightgbm", "catboost", "scikit-learn", "pandas", "numpy")

    def imports(self):
        import joblib
        import torch
        from lightautoml.automl.presets.tabular_presets import TabularAutoML
        from lightautoml.tasks import Task

        torch.set_num_threads(self.cores)
        self.kind, self.kind_of_task, self.joblib = TabularAutoML, Task, joblib

    def fit(self, train):
        self.fitted = self.kind(
            task=self.kind_of_task(TASKS[self.task]),
            timeout=self.budget_s,
            cpu_limit=self.cores,
            reader_params={"n_jobs": self.cores, "cv": 5, "random_state": self.seed},
        )
        self.fitted.fit_predict(train, roles={"target": self.target}, verbose=0)

    def facts(self):
        return {"model": self.fitted.create_model_str_desc()[:2000]}

    def save(self):
        self.joblib.dump(self.fitted, self.model / "automl.joblib")

    def load(self):
        self.fitted = self.joblib.load(self.shipped / "automl.joblib")

    def answer(self, rows):
        import numpy as np

        found = self.fitted.predict(rows).data
        if self.task == "regression":
            return found[:, 0]
        if self.task == "binary":
            return np.column_stack([1 - found[:, 0], found[:, 0]])
        if mapping := self.fitted.reader.class_mapping:  # class to column, where it renamed them
            found = found[:, [mapping[c] for c in range(len(self.classes))]]
        return found


if __name__ == "__main__":
    main(LightAutoML)
