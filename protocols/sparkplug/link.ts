/** The conversation with an edge node in the form in which the engine follows conversations. */
import type { MeterFile, StatusLevels } from "#domain/meterFile.ts";
import { unreachable } from "#domain/invariant.ts";
import type { EdgeTable } from "#domain/edgeTable.ts";
import { fail, ok, type Result } from "#domain/result.ts";
import type { DecodedReading, Telegram } from "#domain/telegram.ts";
import { minuteMs, secondMs, type TimestampMs } from "#domain/units.ts";
import { crc16Arc, crc16X25 } from "#protocols/codec/crc16.ts";
import type {
  DecodeFault,
  FileOfName,
  LinkEffect,
  LinkPlace,
  LinkProtocol,
  LinkState,
  LinkStep,
} from "#protocols/contract.ts";
import { explained, noBirth, type Birth, type KnownMetric } from "./births.ts";
import { encodeRebirthRequest } from "./downlink.ts";
import {
  takeEdgeMessage,
  tickEdgeNode,
  unknownEdgeNode,
  type EdgeEffect,
  type EdgeNodeState,
  type EdgeStep,
} from "./edgeNode.ts";
import { levelsAfter, presentStatus, withLevels } from "./levels.ts";
import { telegramOf } from "./mapping.ts";
import { decodePayload } from "./payload.ts";
import { edgeUplinkOf, joinTopic, type EdgeTopic } from "./uplink.ts";

/** Over one connection nothing is overtaken: what is missing for so long will not come. */
const settings = Object.freeze({ reorderTimeoutMs: 2 * secondMs, rebirthEveryMs: minuteMs / 2 });

type Births = Pick<EdgeNodeState, "birth" | "devices">;
interface Now extends Omit<EdgeNodeState, keyof Births> {
  /** Marks of the last messages: one that comes again, for its acknowledgement was lost, is no news. */
  readonly recent: readonly string[];
}

/** A session has no more in flight; and a sequence comes round only after 256. */
const recentMax = 64;

function nodeOf({ now, births }: LinkState): EdgeNodeState {
  return { ...(now as Now), ...(births as Births) };
}

/** The births stay the same object while nothing was born and nothing died. */
function stateOf(before: LinkState, node: EdgeNodeState, recent?: readonly string[]): LinkState {
  // What the node's step was given comes back with it, marks and all.
  const { birth, devices, ...rest } = node;
  const now = { ...rest, recent: recent ?? (before.now as Now).recent };
  const known = before.births as Births;
  const isSame = known.birth === birth && known.devices === devices;
  return { now, births: isSame ? known : { birth, devices } };
}

const { birth, devices, ...now } = unknownEdgeNode;
const unknown: LinkState = { now: { ...now, recent: [] }, births: { birth, devices } };

/** Group and node, for neither has a slash. */
function keyOf(group: string, edge: string): string {
  return `${group}/${edge}`;
}

function placeOf(bytes: Uint8Array): LinkPlace | null {
  const uplink = edgeUplinkOf(bytes);
  if (uplink === undefined) return null;
  const { group, edge, device } = uplink.topic;
  return { key: keyOf(group, edge), name: device };
}

/** What is on file of the meters of one step, with what each taught earlier in the same step. */
class Files {
  readonly #fileOf: FileOfName;
  readonly #levels = new Map<string, StatusLevels>();

  constructor(fileOf: FileOfName) {
    this.#fileOf = fileOf;
  }

  mappingOf(name: string): EdgeTable | undefined {
    return mappingIn(this.#fileOf(name));
  }

  levelsOf(name: string): StatusLevels {
    return this.#levels.get(name) ?? this.#fileOf(name).levels ?? {};
  }

  learn(name: string, levels: StatusLevels): void {
    this.#levels.set(name, levels);
  }
}

/** The table of a meter's profile; undefined: nobody said what its metrics mean. */
export function mappingIn({ metrics, closeMetric }: MeterFile): EdgeTable | undefined {
  return metrics === undefined ? undefined : { metrics, close: closeMetric ?? null };
}

function take(
  state: LinkState,
  { bytes, ref }: { readonly bytes: Uint8Array; readonly ref: number },
  fileOf: FileOfName,
  nowMs: TimestampMs,
): LinkStep {
  const uplink = edgeUplinkOf(bytes);
  if (uplink === undefined) return { state, effects: [] };
  const { topic, type, payload } = uplink;
  const { group, edge, device } = topic;
  const mark = markOf(bytes);
  const { recent } = state.now as Now;
  // A session of a node without a clock may begin and end with the same bytes as the one before.
  const isSessions = type === "NBIRTH" || type === "NDEATH";
  if (!isSessions && recent.includes(mark)) return { state, effects: [{ kind: "known", ref }] };
  const message = { type, device, bytes: payload, ref };
  const step = takeEdgeMessage(settings, nodeOf(state), message, nowMs);
  const effects: LinkEffect[] = effectsOf(step, keyOf(group, edge), new Files(fileOf), nowMs).map(
    (effect) =>
      effect.kind === "fault" && effect.ref === ref ? { ...effect, name: device } : effect,
  );
  if (step.state.held.some((held) => held.ref === ref)) effects.push({ kind: "held", ref });
  else if (isOld(step.effects, ref)) effects.push({ kind: "known", ref });
  const marks = isSessions ? [] : [...recent, mark].slice(-recentMax);
  return { state: stateOf(state, step.state, marks), effects };
}

/** To know the same bytes again; not a defence against anybody. */
function markOf(bytes: Uint8Array): string {
  const sums = [crc16Arc, crc16X25].map((sum) => sum(bytes, 0, bytes.length).toString(36));
  return [bytes.length.toString(36), ...sums].join(".");
}

/** Nothing was heard in it, and the conversation said why. */
function isOld(effects: readonly EdgeEffect[], ref: number): boolean {
  const isHeard = effects.some((effect) => "ref" in effect && effect.ref === ref);
  return !isHeard && effects.some(({ kind }) => kind === "ignored");
}

function tick(state: LinkState, key: string, fileOf: FileOfName, nowMs: TimestampMs): LinkStep {
  const step = tickEdgeNode(settings, nodeOf(state), nowMs);
  const effects = effectsOf(step, key, new Files(fileOf), nowMs);
  return { state: stateOf(state, step.state), effects };
}

function effectsOf(
  step: EdgeStep,
  key: string,
  files: Files,
  nowMs: TimestampMs,
): readonly LinkEffect[] {
  const [group = "", edge = ""] = key.split("/");
  return step.effects.flatMap((effect): readonly LinkEffect[] => {
    switch (effect.kind) {
      case "metrics":
        return effect.device === null
          ? []
          : meterEffects(effect, effect.device, { key, files, nowMs });
      case "unexplained":
        return [faultOf(effect.ref, effect.device, { kind: "unexplained", count: effect.count })];
      case "refused":
        return [faultOf(effect.ref, null, effect.fault)];
      case "askRebirth": {
        const topic = { type: "NCMD", group, edge, device: null } as const;
        const bytes = joinTopic(topic, encodeRebirthRequest(nowMs));
        return [{ kind: "ask", because: effect.because, bytes }];
      }
      case "limit":
        return [{ kind: "limit", what: effect.what, max: effect.max }];
      case "stale":
      // A value that does not fit its type is told where a table gives it a meaning.
      case "unread":
      case "ignored":
        return [];
      default:
        return unreachable(effect);
    }
  });
}

function faultOf(ref: number, name: string | null, fault: DecodeFault): LinkEffect {
  return { kind: "fault", ref, name, fault };
}

function meterEffects(
  { metrics: said, ref, isBirth }: Extract<EdgeEffect, { readonly kind: "metrics" }>,
  name: string,
  { key, files, nowMs }: { readonly key: string; readonly files: Files; readonly nowMs: number },
): readonly LinkEffect[] {
  const mapping = files.mappingOf(name);
  if (mapping === undefined) return [faultOf(ref, name, noTable)];
  const metrics = isBirth ? presentStatus(said, mapping, nowMs) : said;
  // A birth says everything there is, so what it does not name is over.
  const levels = levelsAfter(isBirth ? {} : files.levelsOf(name), metrics, mapping);
  files.learn(name, levels);
  const telegram = { ...toldBy(metrics, mapping, levels), address: `${key}/${name}` };
  const unread = unreadIn(metrics, mapping);
  return [
    { kind: "telegram", ref, name, telegram: { ...telegram, learned: { levels } } },
    ...(unread === undefined ? [] : [faultOf(ref, name, unread)]),
  ];
}

const noTable: DecodeFault = {
  kind: "unsupported",
  what: "a meter whose profile has no table of metrics",
};

function toldBy(
  metrics: readonly KnownMetric[],
  mapping: EdgeTable,
  levels: StatusLevels,
): Telegram {
  const telegram = telegramOf(metrics, mapping);
  return presentFirst({ ...telegram, readings: withLevels(telegram.readings, metrics, levels) });
}

/** By the present one a clock that runs wrong is known; a reading without a time is of now. */
function presentFirst(telegram: Telegram): Telegram {
  const rank = ({ measuredAtMs }: DecodedReading) => measuredAtMs ?? Number.MAX_SAFE_INTEGER;
  return { ...telegram, readings: telegram.readings.toSorted((a, b) => rank(b) - rank(a)) };
}

/** A value that has a meaning and does not fit its type is not silently passed over. */
function unreadIn(metrics: readonly KnownMetric[], { metrics: table }: EdgeTable) {
  const unread = metrics.find(
    ({ name, value }) => value?.kind === "unread" && Object.hasOwn(table, name),
  );
  if (unread === undefined) return undefined;
  return {
    kind: "schema",
    path: unread.name,
    problem: `the value does not fit ${unread.dataType}`,
  } as const;
}

/** A message by what its own birth says, or the one that the state remembers. */
function again(
  state: LinkState,
  bytes: Uint8Array,
  file: MeterFile,
): Result<Telegram, DecodeFault> {
  const mapping = mappingIn(file);
  if (mapping === undefined) return fail(noTable);
  return telegramAlone(nodeOf(state), bytes, mapping);
}

/** A message by itself, with what a node is known to have said in its births. */
export function telegramAlone(
  node: Pick<EdgeNodeState, "birth" | "devices">,
  bytes: Uint8Array,
  mapping: EdgeTable,
): Result<Telegram, DecodeFault> {
  const uplink = edgeUplinkOf(bytes);
  const decoded = decodePayload(uplink?.payload ?? bytes);
  if (!decoded.ok) return decoded;
  const payload = decoded.value;
  const device = uplink?.topic.device ?? null;
  const birth = birthFor(node, device) ?? noBirth;
  const metrics = payload.metrics.map((metric) => explained(metric, payload, birth));
  const known = metrics.filter((metric) => metric !== undefined);
  const count = metrics.length - known.length;
  if (count > 0) return fail({ kind: "unexplained", count });
  const unread = unreadIn(known, mapping);
  if (unread !== undefined) return fail(unread);
  const address = uplink === undefined ? null : addressOf(uplink.topic);
  const told = telegramOf(device === null && uplink !== undefined ? [] : known, mapping);
  return ok({ ...presentFirst(told), address });
}

function birthFor(
  node: Pick<EdgeNodeState, "birth" | "devices">,
  device: string | null,
): Birth | undefined {
  if (device === null) return node.birth;
  return node.devices.find(([name]) => name === device)?.[1];
}

function addressOf({ group, edge, device }: EdgeTopic): string | null {
  return device === null ? null : `${keyOf(group, edge)}/${device}`;
}

/** What the engine follows. */
export const sparkplugLink: LinkProtocol = {
  unknown,
  gatewayOf: (key) => key.split("/")[1] ?? "",
  placeOf,
  take,
  isWaiting: ({ now: present }) => (present as Now).heldSinceMs !== null,
  tick,
  again,
};
