"""FLAML with its defaults: one model, no ensemble. Pickled whole, as its manual shows."""

from __future__ import annotations

import pickle
from typing import ClassVar

from protocol import Runner, main


class Flaml(Runner):
    libraries = ("flaml", "lightgbm", "xgboost-cpu", "catboost", "scikit-learn", "pandas", "numpy")
    metrics: ClassVar[dict[str, str]] = {"auc": "roc_auc", "log_loss": "log_loss", "rmse": "rmse"}

    def imports(self):
        from flaml import AutoML

        self.kind = AutoML

    def fit(self, train):
        self.fitted = self.kind()
        self.fitted.fit(
            X_train=train.drop(columns=self.target),
            y_train=train[self.target],
            task="regression" if self.task == "regression" else "classification",
            metric=self.metric,
            time_budget=self.budget_s,
            n_jobs=self.cores,
            seed=self.seed,
            verbose=0,
            log_file_name="",
        )

    def facts(self):
        return {"best": self.fitted.best_estimator, "trials": len(self.fitted.config_history)}

    def save(self):
        with (self.model / "automl.pkl").open("wb") as file:
            pickle.dump(self.fitted, file, pickle.HIGHEST_PROTOCOL)

    def load(self):
        with (self.shipped / "automl.pkl").open("rb") as file:
            self.fitted = pickle.load(file)

    def answer(self, rows):
        return self.fitted.predict(rows) if self.task == "regression" else self.fitted.predict_proba(rows)


if __name__ == "__main__":
    main(Flaml)
