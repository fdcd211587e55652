export interface SelfTest {
  rows: number;
  /** Largest difference to the reference answers. */
  largest: number;
  tolerance: number;
  labelsDifferent: number;
  passed: boolean;
}

export interface Tensor {
  type: "float64" | "float32" | "uint8" | "string";
  dims: number[];
  data: Float64Array | Float32Array | Uint8Array | string[];
}

export interface Model {
  schema: object;
  card: object;
  predictMany(rows: Row[]): Promise<Answer[]>;
  run(feed: Record<string, Tensor>): Promise<Record<string, Tensor>>;
  selfTest(): Promise<SelfTest>;
  release(): Promise<void>;
}

/** Opens the model; its files lie beside the module unless they are given as bytes. */
export function open(given?: { model?: Uint8Array; wasm?: Uint8Array }): Promise<Model>;

/** The answer of one row; the model is opened at the first call. */
export function predict(row: Row): Promise<Answer>;

/** One answer for each row. */
export function predictMany(rows: Row[]): Promise<Answer[]>;
