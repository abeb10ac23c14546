/** Identities of the trade. A brand is only made here, after the text has been checked. */

declare const brand: unique symbol;
export type Brand<T, Name extends string> = T & { readonly [brand]: Name };

export type MeterId = Brand<string, "MeterId">;
export type GatewayId = Brand<string, "GatewayId">;
export type AlarmId = Brand<string, "AlarmId">;
export type CommandId = Brand<string, "CommandId">;

/** Ids on topics, in the API and in files: CONTRACT section 2. */
const idPattern = /^[0-9A-Za-z_-]{1,32}$/;

/** The text as a meter id, or undefined when it is not one. */
export function parseMeterId(text: string): MeterId | undefined {
  return idPattern.test(text) ? (text as MeterId) : undefined;
}

/** The text as a gateway id, or undefined when it is not one. */
export function parseGatewayId(text: string): GatewayId | undefined {
  return idPattern.test(text) ? (text as GatewayId) : undefined;
}

/** An id that this program made itself. */
export function alarmId(text: string): AlarmId {
  return text as AlarmId;
}

/** An id that this program made itself, or that came back in a reply. */
export function commandId(text: string): CommandId {
  return text as CommandId;
}
