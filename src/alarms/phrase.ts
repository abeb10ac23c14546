/** Pieces of an operator's sentence in both languages, each from one entry of a proof, with its unit. */
import type { Proof } from "#domain/alarm.ts";
import { isStatusName } from "#domain/status.ts";
import { statusWords as words } from "#domain/statusWords.ts";
import { dayMs, formatM3, hourMs, minuteMs } from "#domain/units.ts";

/** The same words in English and in Chinese. */
export interface Phrase {
  readonly en: string;
  readonly zh: string;
}

function numberOf(proof: Proof, key: string): number | undefined {
  const value = proof[key];
  return typeof value === "number" && Number.isFinite(value) ? value : undefined;
}

function labelled(label: Phrase, value: Phrase | undefined): Phrase | undefined {
  if (value === undefined) return undefined;
  return { en: `${label.en} ${value.en}`, zh: `${label.zh}${value.zh}` };
}

function inBoth(value: string): Phrase {
  return { en: value, zh: value };
}

/** A flow in m³/h with three decimals. */
export function flow(proof: Proof, key: string, label: Phrase): Phrase | undefined {
  const mlPerHour = numberOf(proof, key);
  if (mlPerHour === undefined) return undefined;
  return labelled(label, inBoth(`${(mlPerHour / 1_000_000).toFixed(3)} m³/h`));
}

/** A pressure in kPa with two decimals. */
export function pressure(proof: Proof, key: string, label: Phrase): Phrase | undefined {
  const pa = numberOf(proof, key);
  return pa === undefined ? undefined : labelled(label, inBoth(`${(pa / 1_000).toFixed(2)} kPa`));
}

/** A volume in m³, exact. */
export function volume(proof: Proof, key: string, label: Phrase): Phrase | undefined {
  const ml = numberOf(proof, key);
  return ml === undefined ? undefined : labelled(label, inBoth(`${formatM3(ml)} m³`));
}

/** A length of time in the largest unit that leaves at least two of it. */
export function duration(proof: Proof, key: string, label: Phrase): Phrase | undefined {
  const ms = numberOf(proof, key);
  if (ms === undefined) return undefined;
  const count = (unitMs: number) => Math.floor(ms / unitMs);
  if (ms >= 2 * dayMs)
    return labelled(label, { en: `${count(dayMs)} days`, zh: `${count(dayMs)}天` });
  if (ms >= 2 * hourMs) {
    return labelled(label, { en: `${count(hourMs)} hours`, zh: `${count(hourMs)}小时` });
  }
  return labelled(label, { en: `${count(minuteMs)} min`, zh: `${count(minuteMs)}分钟` });
}

/** A number or word as it stands, with a unit. */
export function plain(proof: Proof, key: string, label: Phrase, unit = ""): Phrase | undefined {
  const word = wordOf(proof, key);
  return word === undefined ? undefined : labelled(label, inBoth(`${word}${unit}`));
}

/** A number or word of a proof; undefined where it holds nothing that can be read aloud. */
export function wordOf(proof: Proof, key: string): string | undefined {
  const value = proof[key];
  if (typeof value === "string") return value === "" ? undefined : value;
  return numberOf(proof, key)?.toString();
}

/** The meter's own status words: "magnet, cover open". */
export function statusWords(proof: Proof): Phrase | undefined {
  const names = String(proof["status"] ?? "")
    .split(" ")
    .filter(isStatusName);
  if (names.length === 0) return undefined;
  return {
    en: `meter status ${names.map((name) => words[name].en).join(", ")}`,
    zh: `表具状态：${names.map((name) => words[name].zh).join("、")}`,
  };
}
