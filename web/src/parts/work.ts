/** Work that is started, told of, stopped, and may go wrong: the state of it for a panel. */
import { useEffect, useRef, useState } from "preact/hooks";
import { inWords, wasStopped } from "../api";

/** What is done, and which step of it: the first step alone does not say what it is of. */
export const saying = (what: string, step: string | null | undefined): string => (step ? `${what}: ${step}` : what);

export interface Work {
  readonly busy: { readonly what: string; readonly share: number | null } | null;
  readonly wrong: string | null;
  readonly error: unknown; // that it went wrong with, null where it did not
  start(work: (tell: (what: string, share?: number | null) => void, signal: AbortSignal) => Promise<void>): void;
  stop(): void;
  clear(): void;
}

export function useWork(): Work {
  const [busy, setBusy] = useState<Work["busy"]>(null);
  const [error, setError] = useState<unknown>(null);
  const running = useRef<AbortController | null>(null);
  useEffect(() => () => running.current?.abort(), []);
  return {
    busy,
    wrong: error === null ? null : inWords(error),
    error,
    start(work) {
      running.current?.abort();
      const control = new AbortController();
      running.current = control;
      setError(null);
      setBusy({ what: "", share: null });
      const mine = (): boolean => running.current === control;
      work((what, share = null) => { if (mine()) setBusy({ what, share }); }, control.signal)
        .catch((error) => { if (mine() && !wasStopped(error)) setError(error); })
        .finally(() => { if (mine()) setBusy(null); });
    },
    stop: () => running.current?.abort(),
    clear: () => setError(null),
  };
}
