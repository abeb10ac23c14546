/** How associations begin and end: AARQ, AARE, RLRQ, RLRE and what they carry. For people and for tests of links. */
import { cursorAt, hexOf, type Cursor } from "./cursor.ts";
import type { Facts, Service } from "./services.ts";

/** The last number of an application context name. @see IEC 62056-5-3 */
const cipheredContexts: ReadonlySet<number> = new Set([3, 4]);

const mechanisms: Readonly<Record<number, string | null>> = {
  0: null,
  1: "LLS",
  2: "HLS",
  3: "HLS_MD5",
  4: "HLS_SHA1",
  5: "HLS_GMAC",
  6: "HLS_SHA256",
  7: "HLS_ECDSA",
};

const associationResults = { 0: "accepted", 1: "rejected-permanent", 2: "rejected-transient" };

const diagnostics: Readonly<Record<number, string>> = {
  0: "null",
  1: "no-reason-given",
  2: "application-context-name-not-supported",
  3: "calling-AP-title-not-recognized",
  4: "calling-AP-invocation-identifier-not-recognized",
  5: "calling-AE-qualifier-not-recognized",
  6: "calling-AE-invocation-identifier-not-recognized",
  7: "called-AP-title-not-recognized",
  8: "called-AP-invocation-identifier-not-recognized",
  9: "called-AE-qualifier-not-recognized",
  10: "called-AE-invocation-identifier-not-recognized",
  11: "authentication-mechanism-name-not-recognised",
  12: "authentication-mechanism-name-required",
  13: "authentication-failure",
  14: "authentication-required",
};

const releaseRequestReasons = { 0: "normal", 1: "urgent", 30: "user-defined" };
const releaseResponseReasons = { 0: "normal", 1: "not-finished", 30: "user-defined" };

/** Bits of the conformance block, first bit first; the rest is reserved. */
const conformanceBits: readonly (string | null)[] = [
  null,
  "general-protection",
  "general-block-transfer",
  "read",
  "write",
  "unconfirmed-write",
  "delta-value-encoding",
  null,
  "attribute-0-set",
  "priority-management",
  "attribute-0-get",
  "block-get",
  "block-set",
  "block-action",
  "multiple-references",
  "information-report",
  "data-notification",
  "access",
  "parameterized-access",
  "get",
  "set",
  "selective-access",
  "event-notification",
  "action",
];

const serviceErrorKinds: Readonly<Record<number, readonly [string, readonly string[]]>> = {
  0: ["application-reference", ["other", "time-elapsed", "application-unreachable"]],
  1: ["hardware-resource", ["other", "memory-unavailable", "processor-resource-unavailable"]],
  2: ["vde-state-error", ["other", "no-dlms-context", "loading-data-set"]],
  3: ["service", ["other", "pdu-size", "service-unsupported"]],
  4: ["definition", ["other", "object-undefined", "object-class-inconsistent"]],
  5: ["access", ["other", "scope-of-access-violated", "object-access-violated"]],
  6: [
    "initiate",
    [
      "other",
      "dlms-version-too-low",
      "incompatible-conformance",
      "pdu-size-too-short",
      "refused-by-the-VDE-handler",
    ],
  ],
};

/** What an element of AARQ or AARE says, by its tag. */
type Element = (cursor: Cursor) => Facts;

function lastByte(cursor: Cursor): number {
  return cursor.bytes.at(-1) ?? 0;
}

const requestElements: Readonly<Record<number, Element>> = {
  0xa1: contextName,
  0xa6: title,
  0x8b: mechanism,
  0xac: authenticationValue,
  0xbe: userInformation,
};

const responseElements: Readonly<Record<number, Element>> = {
  0xa1: contextName,
  0xa2: (cursor) => ({ result: nameOf(associationResults, lastByte(cursor)) }),
  0xa3: (cursor) => ({ diagnostics: nameOf(diagnostics, lastByte(cursor)) }),
  0xa4: title,
  0x89: mechanism,
  0xaa: authenticationValue,
  0xbe: userInformation,
};

function nameOf(names: Readonly<Record<number, string>>, code: number): string {
  return names[code] ?? String(code);
}

function contextName(cursor: Cursor): Facts {
  return { ciphered: cipheredContexts.has(lastByte(cursor)) };
}

function title(cursor: Cursor): Facts {
  cursor.take(1);
  return { systemTitle: hexOf(cursor.octets()) };
}

function mechanism(cursor: Cursor): Facts {
  return { authentication: mechanisms[lastByte(cursor)] ?? null };
}

/** A password in the clear, or the bytes of a challenge. */
function authenticationValue(cursor: Cursor): Facts {
  cursor.take(1);
  const value = cursor.octets();
  const isText = value.every((byte) => byte >= 0x20 && byte < 0x7f);
  return { authenticationValue: isText ? Buffer.from(value).toString("latin1") : hexOf(value) };
}

/** An octet string with an initiate request or response, plain or ciphered. */
function userInformation(cursor: Cursor): Facts {
  cursor.take(1);
  const inner = cursorAt(cursor.octets(), 0);
  const { apdu: _name, ...facts } = initiations[inner.unsigned(1)]?.take(inner) ?? {};
  if (inner.fault !== null) cursor.refuse(inner.fault);
  return facts;
}

/** Elements in any order, each with its length; those that say nothing here are passed over. */
function association(name: string, elements: Readonly<Record<number, Element>>): Service {
  return {
    name,
    take(cursor) {
      let facts: Facts = { apdu: name, ciphered: false, authentication: null };
      const to = cursor.length() + cursor.at;
      if (to > cursor.bytes.length) {
        cursor.refuse({
          kind: "truncated",
          neededBytes: to,
          availableBytes: cursor.bytes.length,
        });
      }
      while (cursor.at < to && cursor.fault === null) {
        const tag = cursor.unsigned(1);
        const part = cursorAt(Uint8Array.from(cursor.octets(`element ${tag.toString(16)}H`)), 0);
        const said = elements[tag]?.(part) ?? {};
        if (part.fault !== null) cursor.refuse(part.fault);
        facts = { ...facts, ...said };
      }
      return facts;
    },
  };
}

function release(name: string, reasons: Readonly<Record<number, string>>): Service {
  const elements: Readonly<Record<number, Element>> = {
    0x80: (cursor) => ({ reason: nameOf(reasons, lastByte(cursor)) }),
    0xbe: userInformation,
  };
  return {
    name,
    take(cursor) {
      const {
        ciphered: _c,
        authentication: _a,
        ...facts
      } = association(name, elements).take(cursor);
      return facts;
    },
  };
}

/** 5F 1F 04 00 and three bytes; older meters leave out the 1F. */
function takeConformance(cursor: Cursor): Facts {
  cursor.take(1);
  if (cursor.bytes[cursor.at] === 0x1f) cursor.take(1);
  // The first byte counts the unused bits of the last one: none.
  const [, ...bytes] = cursor.octets("conformance");
  const bits = bytes.map((byte) => byte.toString(2).padStart(8, "0")).join("");
  const names = conformanceBits.filter((_, index) => bits[index] === "1");
  return { conformance: names.filter((name) => name !== null) };
}

const initiateRequest: Service = {
  name: "initiate-request",
  take(cursor) {
    const dedicatedKey = cursor.hasOption() ? hexOf(cursor.octets("dedicatedKey")) : null;
    const responseAllowed = cursor.hasOption() ? cursor.unsigned(1) !== 0 : true;
    const quality = cursor.hasOption() ? { qualityOfService: cursor.unsigned(1) } : {};
    const dlmsVersion = cursor.unsigned(1, "dlmsVersion");
    const conformance = takeConformance(cursor);
    const clientMaxPdu = cursor.unsigned(2, "clientMaxPdu");
    const head = { apdu: "initiate-request", dedicatedKey, responseAllowed, ...quality };
    return { ...head, dlmsVersion, ...conformance, clientMaxPdu };
  },
};

const initiateResponse: Service = {
  name: "initiate-response",
  take(cursor) {
    const quality = cursor.hasOption() ? { qualityOfService: cursor.unsigned(1) } : {};
    const dlmsVersion = cursor.unsigned(1, "dlmsVersion");
    const conformance = takeConformance(cursor);
    const serverMaxPdu = cursor.unsigned(2, "serverMaxPdu");
    const vaaName = cursor.unsigned(2, "vaaName");
    return {
      apdu: "initiate-response",
      ...quality,
      dlmsVersion,
      ...conformance,
      serverMaxPdu,
      vaaName,
    };
  },
};

const confirmedServiceError: Service = {
  name: "confirmed-service-error",
  take(cursor) {
    cursor.take(1, "service");
    const [kind, values] = serviceErrorKinds[cursor.unsigned(1)] ?? ["other", []];
    const code = cursor.unsigned(1, "error");
    const text = `${kind}: ${values[code] ?? String(code)}`;
    return { apdu: "confirmed-service-error", confirmedServiceError: text };
  },
};

const initiations: Readonly<Record<number, Service>> = {
  0x01: initiateRequest,
  0x08: initiateResponse,
  0x0e: confirmedServiceError,
};

/** APDUs of associations, by tag. */
export const associations: Readonly<Record<number, Service>> = {
  ...initiations,
  0x60: association("aarq", requestElements),
  0x61: association("aare", responseElements),
  0x62: release("rlrq", releaseRequestReasons),
  0x63: release("rlre", releaseResponseReasons),
};
