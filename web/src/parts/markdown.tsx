/** The few marks of Markdown that a data set's card has: headings, paragraphs, lists, tables, code. Nothing in it becomes HTML. */
import type { ComponentChildren } from "preact";
import s from "./ui.module.css";

export type Block =
  | { readonly kind: "heading"; readonly text: string }
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "code"; readonly text: string }
  | { readonly kind: "list"; readonly items: readonly string[] }
  | { readonly kind: "table"; readonly rows: readonly (readonly string[])[] };

const cellsOf = (line: string): string[] => line.replace(/^\||\|$/g, "").split("|").map((cell) => cell.trim());

/** Lines, put together to what they are. */
export function blocksOf(markdown: string): Block[] {
  const blocks: Block[] = [];
  const lines = markdown.split("\n").map((line) => line.trimEnd());
  const while_ = (is: (line: string) => boolean, at: number): string[] => {
    const end = lines.findIndex((line, i) => i >= at && !is(line));
    return lines.slice(at, end < 0 ? lines.length : end);
  };
  for (let at = 0; at < lines.length; ) {
    const line = lines[at] ?? "";
    if (line.trim() === "") { at++; continue; }
    if (line.startsWith("```")) {
      const code = while_((one) => !one.startsWith("```"), at + 1);
      blocks.push({ kind: "code", text: code.join("\n") });
      at += code.length + 2;
    } else if (line.startsWith("#")) {
      blocks.push({ kind: "heading", text: line.replace(/^#+\s*/, "") });
      at++;
    } else if (line.startsWith("|")) {
      const table = while_((one) => one.startsWith("|"), at);
      blocks.push({ kind: "table", rows: table.filter((one) => !/^[\s|:-]+$/.test(one)).map((one) => cellsOf(one.trim())) });
      at += table.length;
    } else if (/^[-*] /.test(line)) {
      const list = while_((one) => /^([-*] |\s+\S)/.test(one), at);
      blocks.push({ kind: "list", items: list.join("\n").split(/\n(?=[-*] )/).map((one) => one.replace(/^[-*] /, "").replace(/\s*\n\s*/g, " ")) });
      at += list.length;
    } else {
      const text = while_((one) => one.trim() !== "" && !/^(#|\||```|[-*] )/.test(one), at);
      blocks.push({ kind: "text", text: text.join(" ") });
      at += text.length;
    }
  }
  return blocks;
}

/** Text whose `code` and **weight** are shown. */
const inline = (text: string): ComponentChildren =>
  text.split(/(`[^`]+`|\*\*[^*]+\*\*)/).map((part) => (part.startsWith("`") ? <code>{part.slice(1, -1)}</code> : part.startsWith("**") ? <b>{part.slice(2, -2)}</b> : part));

export function Markdown({ text }: { text: string }) {
  return (
    <div class={s["prose"]}>
      {blocksOf(text).map((block) => {
        if (block.kind === "heading") return <h2>{inline(block.text)}</h2>;
        if (block.kind === "code") return <pre tabIndex={0}>{block.text}</pre>;
        if (block.kind === "list") return <ul>{block.items.map((item) => <li>{inline(item)}</li>)}</ul>;
        if (block.kind === "text") return <p>{inline(block.text)}</p>;
        const [head = [], ...rows] = block.rows;
        return (
          <div class={s["wide"]} tabIndex={0} role="region" aria-label={head.join(", ")}>
            <table>
              <thead><tr>{head.map((cell) => cell ? <th scope="col">{inline(cell)}</th> : <td />)}</tr></thead>
              <tbody>{rows.map((row) => <tr>{row.map((cell) => <td>{inline(cell)}</td>)}</tr>)}</tbody>
            </table>
          </div>
        );
      })}
    </div>
  );
}
