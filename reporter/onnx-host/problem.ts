// Owns the expected failures of the ONNX host: reason -> RFC 9457 problem document.

const PROBLEMS = {
  'malformed-body': { status: 400, title: 'The body is malformed' },
  'unknown-model': { status: 404, title: 'Another model is served here' },
  'not-found': { status: 404, title: 'There is nothing at this path' },
  'method-not-allowed': { status: 405, title: 'The method is not allowed here' },
  'body-too-large': { status: 413, title: 'The body is too large' },
  'tokenizer-missing': { status: 422, title: 'The model takes tokens and there is no tokenizer here' },
  'no-embeddings': { status: 422, title: 'The model does not make embeddings of tokens' },
  'inference-failed': { status: 422, title: 'The model refused the inputs' },
  'model-loading': { status: 503, title: 'The model is still loading' },
  'queue-full': { status: 503, title: 'Too many requests wait already' },
} as const;

export type ProblemReason = keyof typeof PROBLEMS;

/** A request that cannot be answered; `message` says what is wrong and what to do. */
export class RequestProblem extends Error {
  override readonly name = 'RequestProblem';
  readonly reason: ProblemReason;

  constructor(reason: ProblemReason, detail: string) {
    super(detail);
    this.reason = reason;
  }

  get status(): number {
    return PROBLEMS[this.reason].status;
  }

  /** The model or the host failed, not the one who asked. */
  get isOurs(): boolean {
    return this.status >= 500 || this.reason === 'inference-failed';
  }

  document(): Record<string, unknown> {
    const { status, title } = PROBLEMS[this.reason];
    return { type: `urn:runtime-matrix:problem:${this.reason}`, title, status, detail: this.message };
  }
}
