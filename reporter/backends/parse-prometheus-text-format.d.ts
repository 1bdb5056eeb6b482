// Types for the part of the package that we use; it ships none.
declare module 'parse-prometheus-text-format' {
  type Family = {
    name: string;
    help: string;
    type: string;
    metrics: { value?: string; labels?: Record<string, string> }[];
  };
  /** @throws Error on a line that is not in the Prometheus text format. */
  export default function parsePrometheusTextFormat(text: string): Family[];
}
