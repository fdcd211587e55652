"""AutoGluon in the preset that the job names."""

from __future__ import annotations

import shutil
from typing import ClassVar

from protocol import Runner, main


class AutoGluon(Runner):
    libraries = (
        "autogluon.tabular",
        "torch",
        "lightgbm",
        "catboost",
        "xgboost-cpu",
        "fastai",
        "ray",
        "pandas",
        "numpy",
    )
    metrics: ClassVar[dict[str, str]] = {"auc": "roc_auc", "log_loss": "log_loss", "rmse": "root_mean_squared_error"}

    def imports(self):
        from autogluon.tabular import TabularPredictor

        self.kind = TabularPredictor

    def fit(self, train):
        shutil.rmtree(self.model)  # it makes the folder itself
        self.fitted = self.kind(
            label=self.target,
            path=str(self.model),
            eval_metric=self.metric,
            problem_type=self.task,
            verbosity=1,
        )
        self.fitted.fit(
            train, presets=self.options["presets"], time_limit=self.budget_s, num_cpus=self.cores, num_gpus=0
        )

    def save(self):
        """Fitting did it."""

    def facts(self):
        return {"best": self.fitted.model_best, "models": self.fitted.model_names()}

    def ship(self):
        """Ship the folder as it is; what the documented way of cutting it down leaves stands beside it."""
        self.imports()
        fitted = self.kind.load(str(self.model), verbosity=0)
        clone = self.folder / "deployed"
        fitted.clone_for_deployment(str(clone))
        deployed = sum(path.stat().st_size for path in clone.rglob("*") if path.is_file())
        shutil.rmtree(clone)
        shutil.copytree(self.model, self.shipped)
        return {"deployed_bytes": deployed}

    def load(self):
        self.fitted = self.kind.load(str(self.shipped), verbosity=0)
        self.fitted.persist()
        if self.classes and self.fitted.class_labels != list(range(len(self.classes))):
            raise ValueError(f"classes came as {self.fitted.class_labels}")

    def answer(self, rows):
        if self.task == "regression":
            return self.fitted.predict(rows, as_pandas=False)
        return self.fitted.predict_proba(rows, as_pandas=False)


if __name__ == "__main__":
    main(AutoGluon)
