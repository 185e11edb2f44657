"""A finished run or evaluation as an object: its scores, its predictions and its model."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sentiment_transfer.errors import UserError
from sentiment_transfer.formatting import metric_brief, percent
from sentiment_transfer.report.analysis.collect import checked_result, run_infos
from sentiment_transfer.report.analysis.entries import EVALUATED
from sentiment_transfer.results.predictions import FEATURES, read_mistakes, read_predictions
from sentiment_transfer.results.record import RunResult
from sentiment_transfer.results.tables import run_table

if TYPE_CHECKING:
    import pandas as pd

    from sentiment_transfer.prediction.predictor import Predictor

WIDTH = 100  # characters of the table in a notebook
PREDICTION_COLUMNS = ("dataset", "selection", "id", "fold", "gold", "predicted", "correct")
MISTAKE_COLUMNS = ("dataset", "id", "text", "gold", "predicted", "confidence")


class Run:
    """A finished run or evaluation, as ``train`` and ``evaluate`` return it; ``Run("outputs/<run>")`` opens another.

    Attributes:
        folder: its directory, absolute.
        result: its record, the content of ``result.json``; metrics are fractions.

    Raises UserError where the folder holds no finished run, or a damaged one.
    """

    folder: Path
    result: RunResult

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder).expanduser().absolute()
        self.result = checked_result(self.folder)

    @property
    def id(self) -> str:
        """The name of its directory, which its configuration determines."""
        return self.result["run_id"]

    @property
    def command(self) -> str:
        """The command that computes the same run."""
        return run_infos({self.id: self.result}, {self.id: self.folder})[0][self.id].command

    @property
    def scores(self) -> pd.DataFrame:
        """The test scores: one row per dataset and selection.

        Columns as those of ``results``, from ``dataset`` on.
        """
        import pandas as pd

        from sentiment_transfer.api.overview import SCORE_COLUMNS, score_rows

        return pd.DataFrame([*score_rows(self.result)], columns=[*SCORE_COLUMNS])

    @property
    def predictions(self) -> pd.DataFrame:
        """The test predictions: one row per review and selection.

        Columns: ``dataset``, ``selection``, ``id`` of the review, ``fold``, ``gold`` and ``predicted`` class,
        ``correct``, ``probability_<class>`` for each class, and what is known of the review: ``characters``,
        ``tokens``, ``seen`` (share of its tokens that occur in training), ``script``, ``domain``, ``tag``.

        Raises UserError where a file of predictions is missing or damaged.
        """
        import numpy as np
        import pandas as pd

        parts = []
        for dataset in self.result["scores"]:
            found = read_predictions(self.folder, dataset)
            classes = np.array(found.classes, dtype=object)
            for selection, probabilities in found.probabilities.items():
                predicted = probabilities.argmax(1)
                columns: dict[str, Any] = {"dataset": dataset, "selection": selection, "id": found.ids}
                columns |= {"fold": found.folds, "gold": classes[found.gold], "predicted": classes[predicted]}
                columns["correct"] = predicted == found.gold
                columns |= {f"probability_{name}": probabilities[:, n] for n, name in enumerate(found.classes)}
                columns |= {name: (found.features or {}).get(name) for name in FEATURES}
                parts.append(pd.DataFrame(columns))
        return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=[*PREDICTION_COLUMNS])

    @property
    def mistakes(self) -> pd.DataFrame:
        """The most confident mistakes of the last epoch's weights, at most 50 for each dataset, the worst first.

        Columns: ``dataset``, ``id``, ``text``, ``gold``, ``predicted``, ``confidence`` (probability of the predicted
        class). Raises UserError where the file is damaged.
        """
        import pandas as pd

        rows = [{"dataset": dataset, **each} for dataset, found in read_mistakes(self.folder).items() for each in found]
        return pd.DataFrame(rows, columns=[*MISTAKE_COLUMNS])

    def load(self, *, selection: str | None = None, accelerator: str = "auto", precision: str = "auto") -> Predictor:
        """Its model, to classify texts with: ``run.load().predict(frame["review"])``.

        ``selection``: which of its weights; None: ``source_dev`` where it has them, else ``last``. Raises UserError
        where it kept no weights, for an evaluation, and as ``load`` does.
        """
        if EVALUATED in self.result["config"]:
            scored = self.result["config"][EVALUATED]["checkpoint"]
            raise UserError(f"{self.id} is an evaluation of {scored}, and keeps no model: load that one.")
        from sentiment_transfer.prediction.predictor import load

        return load(self.folder, selection=selection, accelerator=accelerator, precision=precision)

    def __repr__(self) -> str:
        shown = [
            f"{name} {percent(entry['selections']['last'][entry['metric']], 1)} {metric_brief(entry['metric'])}"  # type: ignore[literal-required]
            for name, entry in self.result["scores"].items()
        ]
        caveats = f"; {', '.join(self.result['caveats'])}" if self.result["caveats"] else ""
        return f"Run({self.id}: {', '.join(shown) or 'scored on nothing'}{caveats})"

    def _repr_html_(self) -> str:
        """The table that the command prints."""
        from rich.console import Console

        console = Console(record=True, width=WIDTH, file=io.StringIO(), force_jupyter=False)  # which would show it, too
        console.print(run_table(self.result))
        return console.export_html(
            inline_styles=True, code_format='<pre style="line-height:1.3;white-space:pre;overflow-x:auto">{code}</pre>'
        )
