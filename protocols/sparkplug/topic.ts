/** Sparkplug topics: `spBv1.0/group/type/edge node/device`, and `spBv1.0/STATE/host`. */

const namespace = "spBv1.0";

/** Messages of a node, and of a device behind it. */
export const nodeMessages = ["NBIRTH", "NDEATH", "NDATA", "NCMD"] as const;
export const deviceMessages = ["DBIRTH", "DDEATH", "DDATA", "DCMD"] as const;
export type NodeMessage = (typeof nodeMessages)[number];
export type DeviceMessage = (typeof deviceMessages)[number];

/** Where a message comes from or goes to. */
export type SparkplugTopic =
  | {
      readonly type: NodeMessage;
      readonly group: string;
      readonly edge: string;
      readonly device: null;
    }
  | {
      readonly type: DeviceMessage;
      readonly group: string;
      readonly edge: string;
      readonly device: string;
    }
  | { readonly type: "STATE"; readonly host: string };

/** The topic as its parts; undefined: not one of this namespace. */
export function parseTopic(topic: string): SparkplugTopic | undefined {
  const parts = topic.split("/");
  if (parts[0] !== namespace || parts.some((part) => !isId(part))) return undefined;
  const [, second = "", third = "", edge, device, ...more] = parts;
  if (second === "STATE") return parts.length === 3 ? { type: "STATE", host: third } : undefined;
  if (edge === undefined || more.length > 0) return undefined;
  const nodeType = nodeMessages.find((type) => type === third);
  const deviceType = deviceMessages.find((type) => type === third);
  if (nodeType !== undefined && device === undefined) {
    return { type: nodeType, group: second, edge, device: null };
  }
  if (deviceType === undefined || device === undefined) return undefined;
  return { type: deviceType, group: second, edge, device };
}

/** The topic of these parts. */
export function printTopic(topic: SparkplugTopic): string {
  if (topic.type === "STATE") return `${namespace}/STATE/${topic.host}`;
  const { group, type, edge, device } = topic;
  return [namespace, group, type, edge, ...(device === null ? [] : [device])].join("/");
}

/** The longest id of a group, a node, a device or a host; they are remembered. */
export const topicIdCharsMax = 256;

/** Any text without what MQTT keeps for itself. */
function isId(part: string): boolean {
  return part !== "" && part.length <= topicIdCharsMax && !/[+#\0]/.test(part);
}
