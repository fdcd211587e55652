// How far a row is from another label under the decision rule of the card: tells a near tie from a wrong label.
// Every rule is argmax(P D): see docs/model_file.md.

function matrixOf(decision, classes) {
  const count = classes.length;
  const square = (value) => Array.from({ length: count }, (_, i) => Array.from({ length: count }, (_, j) => value(i, j)));
  const rule = decision?.rule ?? "argmax";
  if (rule === "costs") {
    const most = Math.max(...decision.costs.flat().map(Math.abs));
    return square((i, j) => -decision.costs[i][j] / most);
  }
  let weights = classes.map(() => 1);
  if (rule === "weights") weights = decision.weights;
  if (rule === "threshold" && classes.includes(decision.positive)) {
    weights = classes.map((name) => (name === decision.positive ? 1 - decision.threshold : decision.threshold));
    const most = Math.max(...weights);
    weights = weights.map((weight) => weight / most);
  }
  return square((i, j) => (i === j ? weights[i] : 0));
}

/** Twice the change of probabilities that cannot alter the label of this row. */
export function marginOf(decision, classes, probabilities) {
  const matrix = matrixOf(decision, classes);
  const columns = classes.map((_, j) => j);
  const scores = columns.map((j) => probabilities.reduce((sum, p, i) => sum + p * matrix[i][j], 0));
  const best = scores.indexOf(Math.max(...scores));
  const gaps = columns.map((j) => {
    const apart = columns.reduce((sum, i) => sum + Math.abs(matrix[i][best] - matrix[i][j]), 0) / 2;
    return apart ? (scores[best] - scores[j]) / apart : Infinity;
  });
  return Math.min(...gaps);
}
