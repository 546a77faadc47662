/** The few controls that every panel is made of. */
import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { address, getBlob, hasToken, wasStopped } from "../api";
import { months, number, percent } from "../format";
import { stop } from "../sheet";
import { narrow } from "../store";
import { strings } from "../strings";
import { Icon, type IconName } from "./icons";
import s from "./ui.module.css";

export const join = (...names: (string | false | undefined | null)[]): string => names.filter(Boolean).join(" ");

interface ButtonProps {
  children?: ComponentChildren;
  icon?: IconName;
  label?: string; // for eyes that do not see the icon
  main?: boolean;
  plain?: boolean;
  round?: boolean;
  disabled?: boolean;
  pressed?: boolean;
  expanded?: boolean;
  onClick: (event: MouseEvent) => void;
}

export function Button({ children, icon, label, main, plain, round, disabled, pressed, expanded, onClick }: ButtonProps) {
  return (
    <button type="button" class={join(s["button"], main && s["main"], plain && s["plain"], round && s["round"])} disabled={disabled} aria-label={label} title={label} aria-pressed={pressed} aria-expanded={expanded} onClick={onClick}>
      {icon && <Icon name={icon} size={round ? 20 : 18} />}
      {children}
    </button>
  );
}

export function Segments<T extends string>({ label, value, options, onChange }: { label: string; value: T; options: readonly (readonly [T, string])[]; onChange: (value: T) => void }) {
  return (
    <div class={s["segments"]} role="group" aria-label={label}>
      {options.map(([key, text]) => (
        <button type="button" key={key} aria-pressed={key === value} onClick={() => onChange(key)}>
          {text}
        </button>
      ))}
    </div>
  );
}

export function Switch({ label, on, onChange, disabled }: { label: string; on: boolean; onChange: (on: boolean) => void; disabled?: boolean }) {
  return (
    <label class={s["switch"]}>
      <input type="checkbox" role="switch" checked={on} disabled={disabled} onChange={(event) => onChange(event.currentTarget.checked)} />
      <span>{label}</span>
    </label>
  );
}

export function Select<T extends string>({ label, value, options, onChange, quiet }: { label: string; value: T; options: readonly (readonly [T, string])[]; onChange: (value: T) => void; quiet?: boolean }) {
  return (
    <label class={s["field"]}>
      <span class={quiet ? s["hidden"] : undefined}>{label}</span>
      <select class={s["select"]} value={value} onChange={(event) => onChange(event.currentTarget.value as T)}>
        {options.map(([key, text]) => (
          <option key={key} value={key} selected={key === value}>
            {text}
          </option>
        ))}
      </select>
    </label>
  );
}

export function Slider({ label, value, text, min = 0, max = 1, step = 0.01, onChange }: { label: string; value: number; text?: string; min?: number; max?: number; step?: number; onChange: (value: number) => void }) {
  return (
    <label class={s["field"]}>
      <span class={s["row"]}>
        {label} <b>{text ?? number(value)}</b>
      </span>
      <input class={s["range"]} type="range" min={min} max={max} step={step} value={value} aria-valuetext={text} onInput={(event) => onChange(Number(event.currentTarget.value))} />
    </label>
  );
}

export function Text({ label, value, placeholder, onInput, onEnter, quiet, atOnce }: { label: string; value: string; placeholder?: string; onInput: (text: string) => void; onEnter?: () => void; quiet?: boolean; atOnce?: boolean }) {
  const box = useRef<HTMLInputElement>(null);
  useEffect(() => { if (atOnce) box.current?.focus(); }, []);
  return (
    <label class={s["field"]}>
      <span class={quiet ? s["hidden"] : undefined}>{label}</span>
      <input ref={box} class={s["input"]} type="text" value={value} placeholder={placeholder} autocomplete="off" spellcheck={false} onInput={(event) => onInput(event.currentTarget.value)} onKeyDown={(event) => event.key === "Enter" && onEnter?.()} />
    </label>
  );
}

/** A day, as the browser's language writes it; "" where none is chosen. */
export function DateField({ label, value, onInput }: { label: string; value: string; onInput: (iso: string) => void }) {
  return (
    <label class={s["field"]}>
      <span>{label}</span>
      <input class={s["input"]} type="date" value={value} max={new Date().toISOString().slice(0, 10)} onInput={(event) => onInput(event.currentTarget.value)} />
    </label>
  );
}

/** Work that takes longer than a glance: what is done, how far, and a way to stop. Shown only after a moment. */
export function Busy({ what, share, onStop, at_once }: { what: string; share?: number | null; onStop?: () => void; at_once?: boolean }) {
  const [late, setLate] = useState(Boolean(at_once));
  useEffect(() => {
    const timer = setTimeout(() => setLate(true), 400);
    return () => clearTimeout(timer);
  }, []);
  if (!late) return <div role="status" />;
  return (
    <div class={s["busy"]} role="status">
      <div class={s["row"]}>
        <span>{what && `${what[0]?.toUpperCase()}${what.slice(1)}`}</span>
        {typeof share === "number" && <span>{percent(share)}</span>}
      </div>
      {typeof share === "number" ? <progress value={share} max={1} aria-label={what} /> : <progress aria-label={what} />}
      {onStop && (
        <div>
          <Button onClick={onStop} icon="close">
            {strings.stop}
          </Button>
        </div>
      )}
    </div>
  );
}

/** An error in words. It comes into view: on a phone it may lie below what is seen, and then nothing seems to happen. */
export function Wrong({ message, title, onAgain, children }: { message: string; title?: string; onAgain?: () => void; children?: ComponentChildren }) {
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (narrow.peek() && stop.peek() === 0) stop.value = 1;
    box.current?.scrollIntoView({ block: "nearest" });
  }, [message]);
  return (
    <div ref={box} class={s["wrong"]} role="alert">
      <b>
        <Icon name="warn" size={18} />
        {title ?? strings.errors.title}
      </b>
      <p>{message}</p>
      {children}
      {onAgain && (
        <div>
          <Button onClick={onAgain}>{strings.again}</Button>
        </div>
      )}
    </div>
  );
}

/** Common name first where one is known, the scientific name in italics. */
export function Name({ taxon, common }: { taxon: string; common?: string | null | undefined }) {
  return (
    <span class={s["name"]}>
      {common && common !== taxon && <b>{common}</b>}
      <i>{taxon}</i>
    </span>
  );
}

export function YearBars({ name, values, month, top }: { name: string; values: readonly (number | null)[]; month: number; top: number }) {
  const names = months("short");
  const said = values.length === 12 ? values.map((value, i) => `${names[i]} ${number(value)}`).join(", ") : number(values[0]);
  return (
    <span class={s["year"]} role="img" aria-label={strings.place.yearOf(name, said)} title={said}>
      {values.map((value, i) => (
        <i key={i} class={i + 1 === month ? s["now"] : undefined} style={{ height: `${Math.max(4, ((value ?? 0) / (top || 1)) * 100)}%` }} />
      ))}
    </span>
  );
}

export function Bar({ share, label }: { share: number; label: string }) {
  return (
    <div class={s["bar"]} role="img" aria-label={label}>
      <i style={{ width: `${Math.min(100, Math.max(0, share * 100))}%` }} />
    </div>
  );
}

/** Where files are dropped or chosen. */
export function Drop({ title, choose, text, accept, multiple, small, onFiles, children }: { small?: boolean; title: string; choose: string; text: string; accept?: string; multiple?: boolean; onFiles: (files: File[]) => void; children?: ComponentChildren }) {
  const [over, setOver] = useState(false);
  const input = useRef<HTMLInputElement>(null);
  return (
    <div
      class={join(s["drop"], small && s["slim"], over && s["over"])}
      onDragOver={(event) => {
        event.preventDefault();
        setOver(true);
      }}
      onDragLeave={() => setOver(false)}
      onDrop={(event) => {
        event.preventDefault();
        setOver(false);
        const files = [...(event.dataTransfer?.files ?? [])];
        if (files.length) onFiles(multiple ? files : files.slice(0, 1));
      }}
    >
      {!small && <Icon name="drop" size={28} />}
      <strong>{title}</strong>
      <Button main onClick={() => input.current?.click()}>
        {choose}
      </Button>
      {text && <p>{text}</p>}
      {children}
      <input
        ref={input}
        type="file"
        hidden
        accept={accept}
        multiple={multiple}
        aria-label={choose}
        onChange={(event) => {
          const files = [...(event.currentTarget.files ?? [])];
          event.currentTarget.value = "";
          if (files.length) onFiles(files);
        }}
      />
    </div>
  );
}

/** A picture of the server's; read with the token where one is needed. One that does not come leaves its place empty. */
export function Picture({ src, alt, class: of, size }: { src: string; alt: string; class?: string | undefined; size?: number }) {
  const [url, setUrl] = useState(hasToken() ? "" : address(src));
  useEffect(() => {
    if (!hasToken()) {
      setUrl(address(src));
      return;
    }
    let made = "";
    const stop = new AbortController();
    getBlob(src, stop.signal).then((blob) => setUrl((made = URL.createObjectURL(blob))), () => undefined);
    return () => {
      stop.abort();
      if (made) URL.revokeObjectURL(made);
    };
  }, [src]);
  return url ? <img src={url} alt={alt} onError={() => setUrl("")} class={of} width={size} height={size} loading="lazy" decoding="async" /> : <span class={of} />;
}

/** What a file is called on the disk: by its species or place, and the month where it is of one. */
export function fileName(href: string): string {
  const { pathname, searchParams } = new URL(href, "http://x/");
  const [before = "birdsat", last = ""] = pathname.split("/").slice(-2).map(decodeURIComponent);
  const [lon, lat, month] = ["lon", "lat", "month"].map((key) => searchParams.get(key));
  const stem = last.startsWith("download.") ? before : lon && lat ? `birds_${lat}_${lon}` : before === "v1" ? last.replace(/\.[^.]*$/, "") : `${before}-${last.replace(/\.[^.]*$/, "")}`;
  const ending = /\.[^.]*$/.exec(last)?.[0] ?? "";
  return `${stem}${month ? `_${String(Number(month) + 1).padStart(2, "0")}` : ""}`.replace(/[^\p{L}\p{N}.-]+/gu, "_") + ending;
}

/** A file of the server's to keep. Read with the token where one is needed; errors are told, not shown as a page. */
export function Download({ href, children, onWrong }: { href: string; children: ComponentChildren; onWrong: (error: unknown) => void }) {
  const [busy, setBusy] = useState<AbortController | null>(null);
  return (
    <Button
      icon={busy ? "close" : "down"}
      onClick={() => {
        if (busy) return busy.abort(); // a file can take half a minute to be made
        const stop = new AbortController();
        setBusy(stop);
        getBlob(href, stop.signal)
          .then((blob) => {
            const link = document.createElement("a");
            link.href = URL.createObjectURL(blob);
            link.download = fileName(href);
            link.click();
            setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
          })
          .catch((error) => { if (!wasStopped(error)) onWrong(error); })
          .finally(() => setBusy(null));
      }}
    >
      {busy ? <span role="status">{strings.stopDownload}</span> : children}
    </Button>
  );
}

/** Put words on the clipboard, also where the page came over plain HTTP from another machine and has none by itself. */
async function toClipboard(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const area = document.createElement("textarea");
    const focused = document.activeElement as HTMLElement | null;
    area.value = text;
    area.style.cssText = "position:fixed;opacity:0";
    document.body.appendChild(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    focused?.focus({ preventScroll: true });
    return done;
  }
}

export function Copy({ text, icon, children }: { text: () => string; icon: IconName; children: ComponentChildren }) {
  const [done, setDone] = useState(false);
  const copy = async (): Promise<void> => {
    if (!(await toClipboard(text()))) return void prompt(strings.species.copyByHand, text());
    setDone(true);
    setTimeout(() => setDone(false), 1600);
  };
  return (
    <Button icon={done ? "check" : icon} onClick={() => void copy()}>
      <span aria-live="polite">{done ? strings.species.copied : children}</span>
    </Button>
  );
}
