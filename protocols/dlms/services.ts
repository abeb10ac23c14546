/** Services that read, write and act: what they say, by the names of the standard. Meters push without them. */
import type { Cursor } from "./cursor.ts";
import { hexOf } from "./cursor.ts";
import { takeData } from "./data.ts";
import { obisBytes, obisOf } from "./obis.ts";

/** What a service says: plain values by name. */
export type Facts = Readonly<Record<string, Fact>>;
type Fact = string | number | boolean | null | readonly string[];

/** A service with its name and how the rest of its APDU is read. */
export interface Service {
  readonly name: string;
  take(cursor: Cursor): Facts;
}

/** @see IEC 62056-5-3, Data-Access-Result and Action-Result */
const results: Readonly<Record<number, string>> = {
  0: "success",
  1: "hardware-fault",
  2: "temporary-failure",
  3: "read-write-denied",
  4: "object-undefined",
  9: "object-class-inconsistent",
  11: "object-unavailable",
  12: "type-unmatched",
  13: "scope-of-access-violated",
  14: "data-block-unavailable",
  15: "long-get-aborted",
  16: "no-long-get-in-progress",
  17: "long-set-aborted",
  18: "no-long-set-in-progress",
  19: "data-block-number-invalid",
  250: "other-reason",
};

const stateErrors = { 1: "service-not-allowed", 2: "service-unknown" };
const serviceErrors = {
  1: "operation-not-possible",
  2: "service-not-supported",
  3: "other-reason",
  4: "pdu-too-long",
  5: "deciphering-error",
  6: "invocation-counter-error",
};

type Form = readonly [name: string, take: (cursor: Cursor) => Facts];

/** The second byte says which form; the third is the invoke id with its two flags. */
function service(name: string, forms: Readonly<Record<number, Form>>): Service {
  return {
    name,
    take(cursor) {
      const form = forms[cursor.unsigned(1)];
      if (form === undefined) {
        cursor.refuse({ kind: "unsupported", what: `form of ${name}` });
        return {};
      }
      const [suffix, take] = form;
      const invoke = cursor.unsigned(1, "invokeIdAndPriority");
      const head = {
        apdu: `${name}-${suffix}`,
        invokeId: invoke & 0x0f,
        confirmed: (invoke & 0x40) !== 0,
        highPriority: (invoke & 0x80) !== 0,
      };
      return { ...head, ...take(cursor) };
    },
  };
}

function takeAttribute(cursor: Cursor): Facts {
  const classId = cursor.unsigned(2, "class");
  const obis = obisOf(cursor.take(obisBytes, "logicalName"));
  return { classId, obis, attribute: cursor.unsigned(1, "attribute") };
}

function takeMethod(cursor: Cursor): Facts {
  const { attribute = null, ...object } = takeAttribute(cursor);
  return { ...object, method: attribute };
}

/** A value as its digits: nothing here needs more of it. */
function takeDigits(cursor: Cursor): string {
  const from = cursor.at;
  takeData(cursor);
  cursor.note("data", from, hexOf(cursor.bytes.subarray(from, cursor.at)));
  return hexOf(cursor.bytes.subarray(from, cursor.at));
}

/** A selector and what it selects, where there is one. */
function takeSelection(cursor: Cursor): Facts {
  if (!cursor.hasOption()) return {};
  return { accessSelector: cursor.unsigned(1, "accessSelector"), access: takeDigits(cursor) };
}

function takeDataOrResult(cursor: Cursor): Facts {
  const isResult = cursor.unsigned(1) !== 0;
  if (isResult) return { dataAccessResult: cursor.named(results, "dataAccessResult") };
  return { data: takeDigits(cursor) };
}

function takeBlock(cursor: Cursor): Facts {
  return { block: cursor.unsigned(4, "block") };
}

function takeBlockOf(cursor: Cursor): Facts {
  const lastBlock = cursor.unsigned(1, "lastBlock") !== 0;
  return { lastBlock, ...takeBlock(cursor) };
}

function takeGetBlock(cursor: Cursor): Facts {
  const head = takeBlockOf(cursor);
  const isResult = cursor.unsigned(1) !== 0;
  if (isResult) return { ...head, dataAccessResult: cursor.named(results, "dataAccessResult") };
  return { ...head, rawData: hexOf(cursor.octets("rawData")) };
}

function takeRawBlock(cursor: Cursor): Facts {
  return { ...takeBlockOf(cursor), rawData: hexOf(cursor.octets("rawData")) };
}

function takeActionAnswer(cursor: Cursor): Facts {
  const result = cursor.named(results, "result");
  return cursor.hasOption() ? { result, ...takeDataOrResult(cursor) } : { result, data: null };
}

/** The most entries of a request or response with a list. */
const listEntriesMax = 256;

function takeList(cursor: Cursor, take: (cursor: Cursor) => Facts): Facts {
  const count = cursor.length();
  if (count > listEntriesMax) cursor.refuse({ kind: "unsupported", what: "list of that length" });
  const list: string[] = [];
  while (list.length < count && cursor.fault === null) list.push(JSON.stringify(take(cursor)));
  return { list };
}

/** The services that no meter pushes, by tag. */
export const services: Readonly<Record<number, Service>> = {
  0xc0: service("get-request", {
    1: ["normal", (cursor) => ({ ...takeAttribute(cursor), ...takeSelection(cursor) })],
    2: ["next", takeBlock],
    3: [
      "with-list",
      (cursor) => takeList(cursor, (item) => ({ ...takeAttribute(item), ...takeSelection(item) })),
    ],
  }),
  0xc1: service("set-request", {
    1: [
      "normal",
      (cursor) => ({
        ...takeAttribute(cursor),
        ...takeSelection(cursor),
        data: takeDigits(cursor),
      }),
    ],
    2: [
      "with-first-datablock",
      (cursor) => ({
        ...takeAttribute(cursor),
        ...takeSelection(cursor),
        ...takeRawBlock(cursor),
      }),
    ],
    3: ["with-datablock", takeRawBlock],
  }),
  0xc3: service("action-request", {
    1: [
      "normal",
      (cursor) => {
        const method = takeMethod(cursor);
        return { ...method, data: cursor.hasOption() ? takeDigits(cursor) : null };
      },
    ],
    2: ["next-pblock", takeBlock],
  }),
  0xc4: service("get-response", {
    1: ["normal", takeDataOrResult],
    2: ["with-datablock", takeGetBlock],
    3: ["with-list", (cursor) => takeList(cursor, takeDataOrResult)],
  }),
  0xc5: service("set-response", {
    1: ["normal", (cursor) => ({ result: cursor.named(results, "result") })],
    2: ["datablock", takeBlock],
    3: [
      "last-datablock",
      (cursor) => ({ result: cursor.named(results, "result"), ...takeBlock(cursor) }),
    ],
  }),
  0xc7: service("action-response", {
    1: ["normal", takeActionAnswer],
    2: ["with-pblock", takeRawBlock],
    4: ["next-pblock", takeBlock],
  }),
  0xd8: {
    name: "exception-response",
    take(cursor) {
      const stateError = cursor.named(stateErrors, "stateError");
      const serviceError = cursor.named(serviceErrors, "serviceError");
      const hasCounter = serviceError === serviceErrors[6];
      const counter = hasCounter ? { invocationCounter: cursor.unsigned(4, "counter") } : {};
      return { apdu: "exception-response", stateError, serviceError, ...counter };
    },
  },
};
